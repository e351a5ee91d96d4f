"""Have past forecasts been right as often as they said, and better than last year's numbers?"""

from collections.abc import Sequence

import pandas as pd

from hill_mmm._diagnostics import Check, at_least, at_most, least_coverage

# Of warning although all is well, over all horizons together.
FALSE_ALARM = 0.005


def calibration_checks(
    n_weeks: Sequence[int], coverage: Sequence[float], crps_vs_naive: float, ci_level: float
) -> list[Check]:
    """Advisory verdicts on the forecasts that have been scored, horizon by horizon.

    Errors of forecasts h weeks ahead are alike for about h weeks, so that n weeks count as n / h.

    Args:
        n_weeks: weeks scored at horizon 1, 2, ...
        coverage: share of them inside their interval.
        crps_vs_naive: mean CRPS over all horizons, over the mean absolute error of the naive
            seasonal forecast; NaN where there is no year before.
        ci_level: nominal level of the interval.

    Returns:
        No check of coverage where no horizon has a week, none of the CRPS where that is NaN.
    """
    limits = [
        least_coverage(ci_level, max(weeks // horizon, 1), FALSE_ALARM / len(n_weeks))
        for horizon, weeks in enumerate(n_weeks, start=1)
    ]
    margins = [found - limit for found, limit in zip(coverage, limits, strict=True)]
    checks: list[Check] = []
    if margins:
        worst = margins.index(min(margins))
        checks.append(
            at_least(
                "forecast_coverage",
                float(coverage[worst]),
                limits[worst],
                f"Share of {n_weeks[worst]} weeks inside the {ci_level:.0%} interval forecast "
                f"{worst + 1} weeks ahead, the worst of all horizons. Too few: the market has "
                "changed, or spend came otherwise than planned (see forecast_ledger).",
                blocking=False,
            )
        )
    if not pd.isna(crps_vs_naive):
        checks.append(
            at_most(
                "forecast_crps_vs_naive",
                float(crps_vs_naive),
                1.0,
                "Mean CRPS of past forecasts over the mean absolute error of last year's same "
                "weeks: above 1, last year's numbers would have been the better forecast.",
                blocking=False,
            )
        )
    return checks
