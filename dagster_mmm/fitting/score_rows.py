"""The rows of a score: a fit that was published, on the weeks that have come since."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

import hill_mmm.checks
from dagster_mmm.fitting.artefacts import FittedRun, RunInput
from dagster_mmm.fitting.delta_rows import delta_rows
from dagster_mmm.fitting.result_rows import (
    forecast_rows,
    fresh_until_of,
    overall,
    started_run,
    unit_value_of,
)
from dagster_mmm.inputs import fingerprint
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.runs import PublishedFit
from hill_mmm import Panel

# What new weeks do not change: a score has the rows of its fit, so that its views are complete.
TABLES_OF_THE_FIT = (
    tables.RESPONSE_CURVE,
    tables.RESPONSE_DRAW,
    tables.ADSTOCK_DECAY,
    tables.COMPONENT,
    tables.LIFT_TEST,
    tables.PRIOR_SENSITIVITY,
    tables.RUN_DELTA_CAUSE,
    tables.PARAMETER_SUMMARY,
    tables.ACCURACY,
    tables.DIAGNOSTIC,
    *tables.PLAN_TABLES,
)


@dataclass(frozen=True)
class ScoreRun:
    """A score that has been started.

    Attributes:
        run_id: the key of its rows.
        started_at: UTC.
        fit: the published refit whose posterior it takes.
        snapshot: the judged input of now, as in `mmm_input_snapshot`.
        panel: its used weeks, which go on after those of the fit.
    """

    run_id: str
    started_at: datetime
    fit: FittedRun
    snapshot: pd.DataFrame
    panel: Panel


def score_frames(
    run: ScoreRun, stored: Mapping[sa.Table, pd.DataFrame], previous: PublishedFit
) -> dict[sa.Table, pd.DataFrame]:
    """All rows of a score by table; its verdict is that of its fit, with advice on the new weeks.

    Args:
        run: the score.
        stored: the rows of `TABLES_OF_THE_FIT` that its fit wrote.
        previous: the refit that is scored, as stored.

    Raises:
        ValueError: if no week came since the fit, or the input has other series or variables.
    """
    cpu, wall = time.process_time(), time.monotonic()
    evaluation = run.fit.settings.evaluation
    scored = run.fit.fit.score(run.panel, evaluation.ci_level)
    of_all = overall(scored.accuracy)
    n_weeks = len(run.panel) - len(run.fit.fit.panel)
    checks = hill_mmm.checks.holdout_checks(of_all, evaluation.ci_level, n_weeks, "scored")
    advice = pd.DataFrame([asdict(check) for check in checks])
    as_now = replace(run.fit, input=RunInput(run.snapshot, "score"))
    frames = {
        **stored,
        tables.CHANNEL_SUMMARY: scored.channel_summary,
        tables.CONTRIBUTION: scored.contribution,
        tables.MODEL_FIT: scored.model_fit,
        tables.FORECAST: forecast_rows(run.fit.fit, run.fit.settings, run.snapshot, run.panel),
        tables.RUN_DELTA: delta_rows(as_now, previous, evaluation.ci_level, run.panel),
        tables.ACCURACY: pd.concat([stored[tables.ACCURACY], scored.accuracy], ignore_index=True),
        tables.DIAGNOSTIC: pd.concat([stored[tables.DIAGNOSTIC], advice], ignore_index=True),
        tables.INPUT_SNAPSHOT: run.snapshot,
    }
    frames[tables.RUN] = _finished_run(run).assign(
        cpu_seconds=time.process_time() - cpu, wall_seconds=time.monotonic() - wall
    )
    keys = {"run_id": run.run_id, "model_key": run.fit.settings.model_key}
    return {table: frame.assign(**keys) for table, frame in frames.items()}


def _finished_run(run: ScoreRun) -> pd.DataFrame:
    fit, (first, last) = run.fit, run.panel.outcome_weeks[[0, -1]].astype("datetime64[s]")
    row = started_run(
        run.run_id,
        run.started_at,
        fit.settings,
        fit.record.model_version,
        run_type="score",
    )
    return row.assign(
        fit_run_id=fit.run_id,
        as_of_week=last,
        window_start=first,
        window_end=last,
        fresh_until=fresh_until_of(fit.settings, last),
        value_per_unit=unit_value_of(fit.settings, run.panel),
        n_weeks=len(run.panel.outcome_weeks),
        n_series=len(run.panel.series),
        components_selected=fit.fit.spec.components,
        data_fingerprint=fingerprint(run.snapshot),
    )
