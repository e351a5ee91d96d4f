"""How well the expected outcome meets the actual one, in the training weeks and after them."""

import numpy as np
import pandas as pd

from hill_mmm._estimands import model_fit
from hill_mmm._fit import Fit
from hill_mmm._panel import MIN_WEEKS, Floats, Panel
from hill_mmm._posterior import decompose

SEASON = 52


def holdout_model_fit(train: Fit, panel: Panel, ci_level: float) -> pd.DataFrame:
    """`model_fit` of the weeks of `panel` after those that `train` was fitted to.

    Adstock state and time run on through the boundary, on the training fit's scales.
    """
    frame = model_fit(train, decompose(train, panel), ci_level)
    return frame[frame["evaluation_set"] == "holdout"].reset_index(drop=True)


def obstacle_to_training(train: Panel) -> str | None:
    """Why the weeks before a holdout cannot be fitted by themselves, or None where they can."""
    if len(train) < MIN_WEEKS:
        return f"only {len(train)} weeks are left before it; {MIN_WEEKS} are needed"
    if train.silent_channels:
        return f"{', '.join(train.silent_channels)} had no spend before it"
    return None


def accuracy(model_fit_rows: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Error and coverage metrics of one evaluation set.

    Args:
        model_fit_rows: rows of `model_fit` for one series and evaluation set.
        panel: all weeks, from which the naive seasonal forecast (the outcome of the same week a
            year earlier) is taken.

    Returns:
        One row a metric: `r2`, `rmse`, `mape`, `wmape`, `coverage` (share of weeks within the
        predictive interval) and, where a year of earlier weeks is there, `rmse_vs_naive` (RMSE
        over the naive forecast's on the same weeks).
    """
    actual = model_fit_rows["actual"].to_numpy()
    error = model_fit_rows["residual"].to_numpy()
    low, high = model_fit_rows["predicted_ci_lo"], model_fit_rows["predicted_ci_hi"]
    metrics = {
        "r2": 1.0 - _ratio(error @ error, ((actual - actual.mean()) ** 2).sum()),
        "rmse": _rms(error),
        "mape": np.abs(error / actual).mean() if (actual != 0).all() else np.nan,
        "wmape": _ratio(np.abs(error).sum(), np.abs(actual).sum()),
        "coverage": ((low <= actual) & (actual <= high)).mean(),
        "rmse_vs_naive": _rmse_vs_naive(model_fit_rows, panel),
    }
    frame = pd.DataFrame({"metric": list(metrics), "value": list(metrics.values())})
    frame.insert(0, "evaluation_set", model_fit_rows["evaluation_set"].iloc[0])
    frame.insert(0, "series_key", panel.series)
    return frame.dropna(subset="value").reset_index(drop=True)


def _ratio(value: float, to: float) -> float:
    """NaN where the reference is 0, as with a holdout of one week: the metric is left out then."""
    return value / to if to > 0 else np.nan


def _rms(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _rmse_vs_naive(rows: pd.DataFrame, panel: Panel) -> float:
    position = np.searchsorted(panel.weeks, rows["week_start"].to_numpy().astype("datetime64[D]"))
    if (position < SEASON).any():
        return np.nan
    naive = panel.outcome[position] - panel.outcome[position - SEASON]
    return _ratio(_rms(rows["residual"].to_numpy()), _rms(naive))
