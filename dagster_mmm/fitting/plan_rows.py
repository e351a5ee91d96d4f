"""The rows of the budget plans that the settings ask for."""

from typing import Any

import pandas as pd
import sqlalchemy as sa

import hill_mmm
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.warehouse import tables
from hill_mmm import Plan, PlanError, PlanRequest
from hill_mmm.panel import WEEK


def plan_frames(run: FittedRun) -> dict[sa.Table, pd.DataFrame]:
    """All rows of a run's plans by table; one that is impossible is a row with its reason.

    A fit that may not be published is not planned by: its rows say so.
    """
    frames: dict[sa.Table, list[pd.DataFrame]] = {table: [] for table in tables.PLAN_TABLES}
    for request in run.settings.plans:
        made = _plan(run, request)
        if isinstance(made, Plan):
            totals = made.totals.assign(reason=None, best_reachable=None)
            rows = {tables.BUDGET_PLAN: made.cells, tables.BUDGET_PLAN_SUMMARY: totals}
            if (error := request.experiment_error) is not None:
                value = hill_mmm.experiment_value(run.fit, request, error)
                rows[tables.EXPERIMENT_VALUE] = value
        else:
            rows = {tables.BUDGET_PLAN_SUMMARY: _impossible(run, request, made)}
        for table, frame in rows.items():
            frames[table].append(frame.assign(scenario=request.name))
    keys = {"run_id": run.run_id, "model_key": run.settings.model_key}
    return {
        table: (
            pd.concat(found, ignore_index=True)
            if found
            else pd.DataFrame(columns=list(table.columns.keys()))
        ).assign(**keys)
        for table, found in frames.items()
    }


def _plan(run: FittedRun, request: PlanRequest) -> Plan | PlanError:
    """The plan, or why there is none."""
    if run.record.refusal is not None:
        return PlanError(f"the fit is not published: {run.record.refusal}")
    try:
        return hill_mmm.plan(run.fit, request, run.settings.evaluation.ci_level)
    except PlanError as error:
        return error


def _impossible(run: FittedRun, request: PlanRequest, error: PlanError) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(tables.BUDGET_PLAN_SUMMARY.columns.keys())
    last, weeks = run.fit.panel.weeks[-1], request.horizon_weeks
    row |= {
        "status": "impossible",
        "reason": str(error),
        "best_reachable": error.best_reachable,
        "objective": request.objective,
        "utility": request.maximised.in_words,
        "horizon_start": last + WEEK,
        "horizon_end": last + weeks * WEEK,
        "horizon_weeks": weeks,
        "ci_level": run.settings.evaluation.ci_level,
    }
    return pd.DataFrame([row])
