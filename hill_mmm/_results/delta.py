"""What a fit says of the weeks that an earlier fit spoke of, and how far that has moved."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hill_mmm._posterior import Posterior
from hill_mmm._results.decompose import with_total
from hill_mmm._results.estimands import channel_summary
from hill_mmm._results.periods import period_between
from hill_mmm._results.returns import returns_with_total
from hill_mmm.panel import Panel

METRICS = ("contribution", "roi", "mroi")
KEYS = ["series_key", "channel"]
COMPARED = ("mean", "sd", "ci_lo", "ci_hi")
OF_STEP = ("metric", "step_index", "cause", "previous_mean", "current_mean", "shift", "shift_sd")


def summary_between(
    posterior: Posterior,
    first: np.datetime64,
    last: np.datetime64,
    ci_level: float = 0.9,
    panel: Panel | None = None,
) -> pd.DataFrame:
    """Spend, contribution and return of each medium between two days.

    Args:
        posterior: the fit.
        first: the first day; the weeks are those of which most days lie in between.
        last: the last day.
        ci_level: of the intervals.
        panel: the weeks, by default those fitted to.

    Returns:
        As `channel_summary`, of the one period; a series that has not begun by `last` is left out.

    Raises:
        ValueError: if no week lies between the two days.
    """
    panel = panel or posterior.panel
    period = period_between(panel.outcome_weeks, first, last)
    parts = zip(
        with_total(posterior, panel), returns_with_total(posterior, panel, [period]), strict=True
    )
    return pd.concat(
        [
            channel_summary(posterior, part, returns, ci_level)
            for part, returns in parts
            if part.weeks[0] <= period.last
        ],
        ignore_index=True,
    )


def run_delta(previous: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """Two summaries of the same weeks side by side: one row a series, medium and metric.

    `shift_sd` is the move of the mean in standard deviations of the previous posterior, which is
    how far the reader of the earlier interval is surprised. `interval_overlap` is the length that
    both intervals share over the length that they cover together.

    Args:
        previous: `series_key, channel` and `<metric>_mean, _sd, _ci_lo, _ci_hi` of what was said.
        current: the same of what is said now; rows that only one has are left out.

    Returns:
        `series_key, channel, metric`, the statistics as `previous_*` and `current_*`, `shift_sd`
        and `interval_overlap`, both NaN where a medium has no effect at all.
    """
    both = previous.merge(current, on=KEYS, suffixes=("_before", "_now"))
    frames: list[pd.DataFrame] = []
    for metric in METRICS:
        columns = {
            f"{run}_{key}": both[f"{metric}_{key}_{suffix}"]
            for run, suffix in (("previous", "before"), ("current", "now"))
            for key in COMPARED
        }
        frames.append(both[KEYS].assign(metric=metric, **columns))
    rows = pd.concat(frames, ignore_index=True).dropna(subset=["previous_mean", "current_mean"])
    moved = rows["current_mean"] - rows["previous_mean"]
    rows["shift_sd"] = moved / rows["previous_sd"].where(rows["previous_sd"] > 0)
    low, high = rows[["previous_ci_lo", "current_ci_lo"]], rows[["previous_ci_hi", "current_ci_hi"]]
    shared = (high.min(axis=1) - low.max(axis=1)).clip(lower=0.0)
    covered = high.max(axis=1) - low.min(axis=1)
    rows["interval_overlap"] = shared / covered.where(covered > 0)
    return rows.reset_index(drop=True)


def split_delta(previous: pd.DataFrame, steps: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The move of every mean in steps, one a cause, which sum to the whole move.

    Args:
        previous: a summary, as of `run_delta`: what was said.
        steps: by cause and in order, the summary of the same weeks once that cause has been let in;
            at least one, the last of them what is said now.

    Returns:
        `series_key, channel, metric, step_index, cause, previous_mean, current_mean, shift,
        shift_sd`, one row a step: means before and after it, their difference, and the difference
        in standard deviations of `previous`, the same for all steps, NaN where a medium has no
        effect at all. What one of the summaries lacks is left out.
    """
    frames = [
        run_delta(previous, summary).assign(step_index=step, cause=cause)
        for step, (cause, summary) in enumerate(steps.items())
    ]
    rows = pd.concat(frames, ignore_index=True)
    of_metric = rows.groupby([*KEYS, "metric"], sort=False)
    rows["previous_mean"] = of_metric["current_mean"].shift().fillna(rows["previous_mean"])
    rows["shift"] = rows["current_mean"] - rows["previous_mean"]
    rows["shift_sd"] = rows["shift"] / rows["previous_sd"].where(rows["previous_sd"] > 0)
    is_whole = of_metric["cause"].transform("size") == len(steps)
    return rows.loc[is_whole, [*KEYS, *OF_STEP]].reset_index(drop=True)
