"""Rows of killed runs on a real DuckDB file and a real Postgres."""

import sqlalchemy as sa

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.tables import RUN
from dagster_mmm.warehouse.unfinished import reject_ended


def test_what_has_ended_is_rejected_with_a_reason_and_once(killed: Warehouse) -> None:
    with killed.begin() as connection:
        assert reject_ended(connection, ["first", "c", "unknown"]) == ("first",)
    with killed.begin() as connection:
        assert reject_ended(connection, ["first"]) == ()
    runs = killed.read(sa.select(RUN.c.run_id, RUN.c.status, RUN.c.gate_reason))
    runs = runs.set_index("run_id")
    assert runs["status"].to_dict() == {
        "first": "rejected",
        "second": "running",
        "b": "running",
        "c": "running",
    }
    assert "the log of the Dagster run first" in runs.loc["first", "gate_reason"]
    assert runs["gate_reason"].notna().sum() == 1
