"""The rows of the budget plans that the settings ask for."""

from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

import hill_mmm
from dagster_mmm.artefacts import FittedRun
from dagster_mmm.request import plan_requests
from dagster_mmm.warehouse import tables
from hill_mmm import Plan, PlanError, PlanRequest


def plan_frames(run: FittedRun) -> dict[sa.Table, pd.DataFrame]:
    """All rows of a run's plans by table; one that is impossible is a row with its reason.

    A fit that may not be published is not planned by: its rows say so.
    """
    cells: list[pd.DataFrame] = []
    totals: list[pd.DataFrame] = []
    for name, request in plan_requests(run.settings).items():
        made = _plan(run, request)
        if isinstance(made, Plan):
            cells.append(made.cells.assign(scenario=name))
            status = "kept" if made.is_kept else "planned"
            row = made.totals.drop(columns="is_kept").assign(status=status, reason=None)
        else:
            row = _impossible(run, request, made)
        totals.append(row.assign(scenario=name))
    keys = {"run_id": run.run_id, "model_key": run.settings.model_key}
    return {
        table: (pd.concat(frames, ignore_index=True) if frames else _no_rows(table)).assign(**keys)
        for table, frames in ((tables.BUDGET_PLAN, cells), (tables.BUDGET_PLAN_SUMMARY, totals))
    }


def _plan(run: FittedRun, request: PlanRequest) -> Plan | str:
    """The plan, or why there is none."""
    if run.record.refusal is not None:
        return f"the fit is not published: {run.record.refusal}"
    try:
        return hill_mmm.plan(run.fit, request, run.settings.evaluation.ci_level)
    except PlanError as error:
        return str(error)


def _impossible(run: FittedRun, request: PlanRequest, reason: str) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(tables.BUDGET_PLAN_SUMMARY.columns.keys())
    last, weeks = run.fit.panel.weeks[-1], request.horizon_weeks
    row |= {
        "status": "impossible",
        "reason": reason,
        "objective": request.objective,
        "utility": request.utility.in_words,
        "horizon_start": last + np.timedelta64(7, "D"),
        "horizon_end": last + np.timedelta64(7 * weeks, "D"),
        "horizon_weeks": weeks,
        "ci_level": run.settings.evaluation.ci_level,
    }
    return pd.DataFrame([row])


def _no_rows(table: sa.Table) -> pd.DataFrame:
    return pd.DataFrame(columns=list(table.columns.keys()))
