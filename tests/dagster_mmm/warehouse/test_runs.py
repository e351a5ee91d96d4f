"""The record of runs on a real DuckDB file and a real Postgres."""

from datetime import datetime

import pytest

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import publish, roll_back
from dagster_mmm.warehouse.runs import UnknownRunError, list_publications, list_runs, read_run
from tests.dagster_mmm.warehouse.test_publish import MONDAY, TUESDAY, store


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    """Two runs that were live, one that failed, one of another model."""
    store(warehouse, "a1", MONDAY)
    store(warehouse, "a2", TUESDAY)
    store(warehouse, "failed", datetime(2026, 1, 7), status="fail")
    store(warehouse, "b1", datetime(2026, 1, 8), model_key="other")
    with warehouse.begin() as connection:
        publish(connection, "demo", "a1", MONDAY)
        publish(connection, "demo", "a2", TUESDAY)
        publish(connection, "other", "b1", datetime(2026, 1, 8))
    return warehouse


def test_runs_are_of_one_model_or_all_and_say_which_is_live(stored: Warehouse) -> None:
    of_all = list_runs(stored, None, limit=10).set_index("run_id")
    assert list(of_all.index) == ["b1", "failed", "a2", "a1"]
    assert list(of_all["is_published"]) == [True, False, True, False]
    assert list(list_runs(stored, "demo", limit=2)["run_id"]) == ["failed", "a2"]


def test_publications_count_a_rollback(stored: Warehouse) -> None:
    with stored.begin() as connection:
        roll_back(connection, "demo", datetime(2026, 1, 9))
    moves = list_publications(stored, "demo", limit=10)
    assert list(zip(moves["run_id"], moves["is_published"], strict=True)) == [
        ("a1", True),
        ("a2", False),
        ("a1", True),
    ]
    assert len(list_publications(stored, None, limit=10)) == 4


def test_a_run_is_read_by_the_beginning_of_its_id(stored: Warehouse) -> None:
    record = read_run(stored, "f")
    assert (record.run["run_id"], bool(record.run["is_published"])) == ("failed", False)
    assert list(record.checks["check_name"]) == ["max_r_hat", "holdout"]
    assert record.channels.empty


@pytest.mark.parametrize(
    ("asked", "said"),
    [("a", "begins the ids of a1, a2"), ("z", "is no run of"), ("%", "is no run of")],
)
def test_an_id_of_none_or_several_is_refused(stored: Warehouse, asked: str, said: str) -> None:
    with pytest.raises(UnknownRunError, match=said):
        read_run(stored, asked)
