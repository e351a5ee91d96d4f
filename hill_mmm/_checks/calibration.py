"""Have past forecasts been right as often as they said, and better than last year's numbers?"""

import numpy as np
import pandas as pd

from hill_mmm._checks.advice import least_coverage
from hill_mmm._checks.gate import Check, at_least, at_most

# Of a warning although all is well, over all horizons together.
FALSE_ALARM = 0.005


def calibration_checks(by_horizon: pd.DataFrame) -> list[Check]:
    """Advisory verdicts on the forecasts that have been scored.

    Errors of forecasts h weeks ahead are alike for about h weeks, so that n weeks count as n / h.

    Args:
        by_horizon: a row for each horizon: `horizon`, `n_weeks` scored, `coverage_90` (share of
            them inside the 90 % interval), mean `crps`, and `crps_vs_naive`, that over the mean
            absolute error of the naive seasonal forecast (NaN where there is no year before).

    Returns:
        `forecast_coverage`, of the horizon that falls the farthest short, and
        `forecast_crps_vs_naive`, of the worst horizon; none of what has not been scored.
    """
    if by_horizon.empty:
        return []
    allowed = FALSE_ALARM / len(by_horizon)
    independent = np.maximum(by_horizon["n_weeks"] // by_horizon["horizon"], 1)
    rows = by_horizon.assign(least=[least_coverage(0.9, n, allowed) for n in independent])
    worst = rows.iloc[int((rows["coverage_90"] - rows["least"]).argmin())]
    checks = [
        at_least(
            "forecast_coverage",
            float(worst["coverage_90"]),
            float(worst["least"]),
            f"Share of {worst['n_weeks']:.0f} weeks inside the 90 % interval forecast "
            f"{worst['horizon']:.0f} weeks ahead, the horizon that falls the farthest short. The "
            "market has changed, or spend came otherwise than planned: see forecast_ledger.",
            blocking=False,
        )
    ]
    compared = rows.dropna(subset="crps_vs_naive")
    if len(compared):
        poorest = compared.iloc[int(compared["crps_vs_naive"].argmax())]
        checks.append(
            at_most(
                "forecast_crps_vs_naive",
                float(poorest["crps_vs_naive"]),
                1.0,
                f"Mean CRPS of the forecasts {poorest['horizon']:.0f} weeks ahead over the mean "
                "absolute error of last year's same weeks, at the worst horizon. Above 1, last "
                "year's numbers would have been the better forecast.",
                blocking=False,
            )
        )
    return checks
