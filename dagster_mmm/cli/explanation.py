"""A run's fate in words: what was tried, what it failed at, what to do."""

from typing import Any

import pandas as pd

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
    if pd.notna(run["gate_reason"]):
        lines += ["", "What was tried:", *(f"- {rung}" for rung in run["gate_reason"].split("; "))]
    for title, checks in (
        ("What it failed at, and what to do:", failed(record)),
        ("What warns:", record.checks[record.checks["status"] == "warn"]),
    ):
        if not checks.empty:
            lines += ["", title, *map(_in_words, checks.to_dict("records"))]
    return "\n".join(lines)


def failed(record: RunRecord) -> pd.DataFrame:
    """The checks that keep the run from being published."""
    return record.checks[record.checks["is_blocking"] & (record.checks["status"] != "pass")]


def _in_words(check: dict[Any, Any]) -> str:
    found = "undefined" if pd.isna(check["value"]) else f"{check['value']:.4g}"
    limit = "" if pd.isna(check["threshold"]) else f" (limit {check['threshold']:.4g})"
    return f"- {check['check_name']} is {found}{limit}. {check['description']}"
