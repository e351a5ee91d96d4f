"""Rows of killed runs on a real DuckDB file and a real Postgres."""

from datetime import datetime

import pytest
import sqlalchemy as sa

from dagster_mmm.fitting.result_rows import started_run
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.runs import unfinished_runs
from dagster_mmm.warehouse.tables import RUN
from dagster_mmm.warehouse.unfinished import reject_ended


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    """Two runs that were killed, one of another model, one whose results are there."""
    for day, (run_id, model_key, n_weeks) in enumerate(
        [("first", "demo", None), ("second", "demo", None), ("b", "other", None), ("c", "demo", 60)]
    ):
        settings = Settings.read(
            {
                "model_key": model_key,
                "currency": "EUR",
                "outcome": {"name": "revenue"},
                "channels": [{"name": "tv"}],
            }
        )
        row = started_run(run_id, datetime(2026, 1, 5 + day), settings, "v")
        with warehouse.begin() as connection:
            replace_run(connection, run_id, {RUN: row.assign(n_weeks=n_weeks)})
    return warehouse


def test_only_what_says_it_runs_is_unfinished(stored: Warehouse) -> None:
    with stored.begin() as connection:
        assert unfinished_runs(connection, "demo") == ("first", "second")


def test_what_has_ended_is_rejected_with_a_reason_and_once(stored: Warehouse) -> None:
    with stored.begin() as connection:
        assert reject_ended(connection, ["first", "c", "unknown"]) == ("first",)
    with stored.begin() as connection:
        assert reject_ended(connection, ["first"]) == ()
    runs = stored.read(sa.select(RUN.c.run_id, RUN.c.status, RUN.c.gate_reason))
    runs = runs.set_index("run_id")
    assert runs["status"].to_dict() == {
        "first": "rejected",
        "second": "running",
        "b": "running",
        "c": "running",
    }
    assert "the log of the Dagster run first" in runs.loc["first", "gate_reason"]
    assert runs["gate_reason"].notna().sum() == 1
