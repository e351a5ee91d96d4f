"""How well a fit predicts: in the weeks fitted to, without one week, and in weeks after them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from hill_mmm._posterior import Posterior
from hill_mmm._results.decompose import Decomposition, decompose, overall_name
from hill_mmm._results.predictive_scores import Loo, Waic, crps, psis_loo, waic
from hill_mmm.panel import MIN_WEEKS, Floats, Panel

SEASON = 52


def obstacle_to_training(train: Panel) -> str | None:
    """Why the weeks before a holdout cannot be fitted by themselves, or None where they can."""
    if len(train.outcome_weeks) < MIN_WEEKS:
        left = len(train.outcome_weeks)
        return f"only {left} weeks are left before it; {MIN_WEEKS} are needed"
    if train.silent_channels:
        return f"{', '.join(train.silent_channels)} had no spend before it"
    extent = np.nanmax(train.outcome, axis=0) - np.nanmin(train.outcome, axis=0)
    unusable = np.flatnonzero((extent <= 0) | (np.nanmean(train.outcome, axis=0) <= 0))
    if unusable.size:
        names = ", ".join(train.series[position] for position in unusable)
        return f"the outcome of {names} was constant, or not positive on average, before it"
    return None


def accuracy(parts: Iterable[Decomposition], ci_level: float) -> pd.DataFrame:
    """Error, coverage and scores of every series: one row a metric.

    Weeks after those fitted to are judged where there are any, the weeks fitted to otherwise. A
    week's own outcome never tells which regime of the mixture to expect (`predicted_mean`).
    Metrics: `r2`, `rmse`, `mape`, `wmape`, `coverage` (share of weeks within the predictive
    interval), `crps`, where a year of earlier weeks is there `rmse_vs_naive` (RMSE over that of the
    naive seasonal forecast, the same week a year earlier) and, for weeks after those fitted to,
    `elpd` (log predictive density on the model's scale).

    Args:
        parts: of the fit, by `decompose` or `with_total`.
        ci_level: of the predictive interval.
    """
    return pd.concat([_series_accuracy(part, ci_level) for part in parts], ignore_index=True)


def _series_accuracy(part: Decomposition, ci_level: float) -> pd.DataFrame:
    held_out = len(part.weeks) > part.n_fitted
    first = part.n_fitted if held_out else 0
    actual = part.outcome[first:]
    predicted = part.predicted[:, first:]
    # Also in the weeks fitted to, a mixture is not to learn from the outcome itself what it is.
    error = actual - part.predicted_mean[:, first:].mean(axis=0)
    tail = (1.0 - ci_level) / 2.0
    low, high = np.quantile(predicted, [tail, 1.0 - tail], axis=0)
    metrics = {
        "r2": 1.0 - _ratio(error @ error, ((actual - actual.mean()) ** 2).sum()),
        "rmse": _rms(error),
        "mape": np.abs(error / actual).mean() if (actual != 0).all() else np.nan,
        "wmape": _ratio(np.abs(error).sum(), np.abs(actual).sum()),
        "coverage": ((low <= actual) & (actual <= high)).mean(),
        "rmse_vs_naive": _rmse_vs_naive(part.outcome, first, error),
        "crps": crps(predicted, actual).mean(),
        "elpd": log_predictive_density(part)[first:].sum() if held_out else np.nan,
    }
    return _metric_rows(part.series, "holdout" if held_out else "train", metrics)


def log_predictive_density(part: Decomposition) -> Floats:
    """Log of the mean over draws of each week's predictive density, `(weeks,)`."""
    return np.logaddexp.reduce(part.log_likelihood, axis=0) - np.log(len(part.log_likelihood))


def information_criteria(posterior: Posterior) -> tuple[Loo, Waic]:
    """PSIS-LOO and WAIC over all observed weeks of all series."""
    by_week = np.concatenate([part.log_likelihood for part in decompose(posterior)], axis=1)
    return psis_loo(by_week), waic(by_week)


def information_rows(posterior: Posterior) -> pd.DataFrame:
    """PSIS-LOO and WAIC as metrics beside `accuracy`'s."""
    loo, widely = information_criteria(posterior)
    metrics = {
        "elpd_loo": loo.elpd,
        "elpd_loo_se": loo.se,
        "p_loo": loo.p_loo,
        "max_pareto_k": float(loo.pareto_k.max()),
        "share_pareto_k_over_0_7": float((loo.pareto_k > 0.7).mean()),
        "elpd_waic": widely.elpd,
        "elpd_waic_se": widely.se,
        "p_waic": widely.p_waic,
    }
    return _metric_rows(overall_name(posterior.panel), "train", metrics)


def _metric_rows(series: str, evaluation_set: str, metrics: dict[str, float]) -> pd.DataFrame:
    rows = pd.DataFrame({"metric": list(metrics), "value": list(metrics.values())})
    rows.insert(0, "evaluation_set", evaluation_set)
    rows.insert(0, "series_key", series)
    # What is undefined is left out: Pareto k is infinite if chains that never move leave only ties.
    return rows[np.isfinite(rows["value"])].reset_index(drop=True)


def _ratio(value: float, to: float) -> float:
    """NaN where the reference is 0, as with a holdout of one week: the metric is left out then."""
    return value / to if to > 0 else np.nan


def _rms(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _rmse_vs_naive(outcome: Floats, first: int, error: Floats) -> float:
    if first < SEASON:
        return np.nan
    return _ratio(_rms(error), _rms(outcome[first:] - outcome[first - SEASON : -SEASON]))
