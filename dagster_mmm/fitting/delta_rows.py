"""What a run says otherwise than the refit published before it, and what may have made it so."""

from dataclasses import replace

import numpy as np
import pandas as pd

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.fitting.version import code_version
from dagster_mmm.inputs import mark_restated
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.runs import PublishedFit
from hill_mmm import Panel
from hill_mmm.checks import Check
from hill_mmm.panel import last_day


def delta_rows(
    run: FittedRun, previous: PublishedFit | None, ci_level: float, panel: Panel | None = None
) -> pd.DataFrame:
    """The rows of `mmm_run_delta`, without the run's own keys.

    Both runs are compared on the weeks of the previous one. There are none without a previous run,
    or where the run ends before it, as one of a past week does.

    Args:
        run: the run, or the fit that is scored.
        previous: the refit that readers saw before it, or None before the first publication.
        ci_level: of the intervals.
        panel: the weeks of the run, where they are more than its fit's.
    """
    weeks = (panel or run.fit.panel).outcome_weeks
    if previous is None or weeks[-1] < np.datetime64(previous.run["window_end"], "D"):
        return pd.DataFrame(columns=tables.RUN_DELTA.columns.keys()).drop(
            columns=["run_id", "model_key"]
        )
    first, last = (np.datetime64(previous.run[f"window_{end}"], "D") for end in ("start", "end"))
    current = hill_mmm.results.summary_between(run.fit, first, last_day(last), ci_level, panel)
    rows = hill_mmm.results.run_delta(previous.summary, current)
    if weeks[0] != first:
        # Sums over different weeks; returns are still rates of the same kind.
        rows = rows[rows["metric"] != "contribution"]
    changed = _changed(run, previous, weeks)
    cause = changed[0] if len(changed) == 1 else "several" if changed else "none"
    return rows.assign(
        previous_run_id=previous.run["run_id"], cause=cause, changed=",".join(changed)
    )


def history_verdict(
    run: FittedRun, previous: PublishedFit | None, delta: pd.DataFrame
) -> list[Check]:
    """How far the run rewrites history: blocking where `gate.max_history_shift_sd` is set.

    A new model version asks another question: its answers are not held against the old one's.
    """
    if previous is None or previous.run["model_version"] != run.record.model_version:
        return []
    return hill_mmm.checks.history_checks(delta, run.settings.gate.max_history_shift_sd)


def _changed(run: FittedRun, previous: PublishedFit, weeks: np.ndarray) -> list[str]:
    """What differs between the runs, of what may move a result."""
    before, settings = previous.run, run.settings
    window = [np.datetime64(before[f"window_{end}"], "D") for end in ("start", "end")]
    snapshot = run.input.snapshot.drop(columns=["is_restated", "previous_value"])
    differs = {
        "new_weeks": [weeks[0], weeks[-1]] != window,
        "restated_weeks": mark_restated(snapshot, previous.input)["is_restated"].any(),
        "configuration": _with_seed(settings, before["seed"]).fingerprint()
        != before["config_fingerprint"],
        "code": code_version() != before["code_version"],
        "seed": settings.sampler.seed != before["seed"],
    }
    return [name for name, has_changed in differs.items() if has_changed]


def _with_seed(settings: Settings, seed: int) -> Settings:
    """The settings as if they had asked for this seed, which is a cause by itself."""
    sampler = replace(settings.sampler, seed=int(seed))
    return settings.model_copy(update={"sampler": sampler})
