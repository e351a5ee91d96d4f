"""A run's fate in words: what was tried, what it failed at, what to do."""

from typing import Any

import pandas as pd

from dagster_mmm.schedule.clock import Clock
from dagster_mmm.warehouse.runs import RunRecord

FATES = {
    "running": "is running, or was killed: then the next refit says so",
    "fitted": "has passed the gate and is not published",
    "published": "has passed the gate and is published",
    "superseded": "has passed the gate and was published; a later run took its place",
    "expired": "was removed by retention; its rows are gone",
    "rejected": "was rejected and is not published; the last good run stays published",
}


def explanation(record: RunRecord) -> str:
    """Why a run was rejected, from its stored verdicts, with the remedy of each.

    What warns is listed too, as it does not keep a run from being published.
    """
    run = record.run
    lines = [f"run {run['run_id']} of {run['model_key']} {FATES[run['status']]}"]
    if with_age(run.to_frame().T)["is_outdated"].item():
        lines += [
            f"Its data end with the week of {_day(run['window_end'])}, so it is outdated since "
            f"{_day(run['fresh_until'])}, whatever its checks say; load the weeks since, and refit"
        ]
    if pd.notna(run["gate_reason"]):
        lines += ["", "What was tried:", *(f"- {rung}" for rung in run["gate_reason"].split("; "))]
    for title, checks in (
        ("What it failed at, and what to do:", failed(record)),
        ("What warns:", record.checks[record.checks["status"] == "warn"]),
    ):
        if not checks.empty:
            lines += ["", title, *map(_in_words, checks.to_dict("records"))]
    return "\n".join(lines)


def with_age(runs: pd.DataFrame) -> pd.DataFrame:
    """Rows of `mmm_run` with `is_outdated`, which those of earlier versions are never."""
    until, today = pd.to_datetime(runs["fresh_until"]), pd.Timestamp(Clock().now().date())
    return runs.assign(is_outdated=until < today)


def failed(record: RunRecord) -> pd.DataFrame:
    """The checks that keep the run from being published."""
    return record.checks[record.checks["is_blocking"] & (record.checks["status"] != "pass")]


def _day(value: object) -> str:
    return str(value)[:10]


def _in_words(check: dict[Any, Any]) -> str:
    found = "undefined" if pd.isna(check["value"]) else f"{check['value']:.4g}"
    limit = "" if pd.isna(check["threshold"]) else f" (limit {check['threshold']:.4g})"
    return f"- {check['check_name']} is {found}{limit}. {check['description']}"
