"""Old runs are removed whole, and never what is published."""

from pathlib import Path

import pytest

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import NotPublishableError, publish, roll_back
from dagster_mmm.warehouse.retention import expire
from dagster_mmm.warehouse.tables import DIAGNOSTIC, FORECAST, PUBLICATION, RUN
from tests.dagster_mmm.warehouse.stored_runs import (
    MONDAY,
    TUESDAY,
    publish_each,
    statuses,
    store,
)


@pytest.fixture
def four(warehouse: Warehouse) -> Warehouse:
    """Four weekly runs, the last published; one rejected on the first day; another model's."""
    publish_each(warehouse, "a", "b", "c", "d")
    store(warehouse, "rejected", MONDAY, "fail")
    store(warehouse, "other", MONDAY, model_key="other")
    return warehouse


def runs_with_rows(warehouse: Warehouse) -> set[str]:
    return set(warehouse.read(DIAGNOSTIC.select())["run_id"])


def test_the_runs_published_last_are_kept(four: Warehouse) -> None:
    with four.begin() as connection:
        assert set(expire(connection, "demo", keep=2)) == {"a", "b", "rejected"}
    assert runs_with_rows(four) == {"c", "d", "other"}
    status = statuses(four)
    assert [run for run, is_now in status.items() if is_now == "expired"] == ["a", "b", "rejected"]
    # The pointer's history stands.
    assert list(four.read(PUBLICATION.select())["run_id"]) == ["a", "b", "c", "d"]
    with four.begin() as connection:
        assert expire(connection, "demo", keep=2) == ()


def test_the_published_run_is_kept_however_old(four: Warehouse) -> None:
    with four.begin() as connection:
        roll_back(connection, "demo", TUESDAY, "a")
        expire(connection, "demo", keep=1)
    assert "a" in runs_with_rows(four)
    assert statuses(four)["a"] == "published"


def score(warehouse: Warehouse, run_id: str, fit_run_id: str) -> None:
    """Make a stored run a score of another."""
    with warehouse.begin() as connection:
        values = {"run_type": "score", "fit_run_id": fit_run_id}
        connection.execute(RUN.update().where(RUN.c.run_id == run_id).values(values))


def test_the_fit_that_a_kept_score_rests_on_is_kept(four: Warehouse) -> None:
    score(four, "d", "a")
    with four.begin() as connection:
        assert set(expire(connection, "demo", keep=1)) == {"b", "c", "rejected"}
    assert runs_with_rows(four) == {"a", "d", "other"}


def test_forecasts_stay_to_be_scored(four: Warehouse) -> None:
    texts = {"series_key": "national", "spend_assumption": "last_year", "model_key": "demo"}
    row = {column.name: 1 for column in FORECAST.columns} | texts | {"effect_as_of": None}
    with four.begin() as connection:
        for run_id in ("a", "d"):
            connection.execute(FORECAST.insert(), row | {"run_id": run_id, "week_start": MONDAY})
        expire(connection, "demo", keep=1)
    assert set(four.read(FORECAST.select())["run_id"]) == {"a", "d"}


def test_an_expired_run_cannot_be_published(four: Warehouse) -> None:
    with four.begin() as connection:
        expire(connection, "demo", keep=1)
    with (
        pytest.raises(NotPublishableError, match="its rows have expired"),
        four.begin() as connection,
    ):
        publish(connection, "demo", "a", TUESDAY)


def test_nothing_is_removed_before_the_first_publication(tmp_path: Path) -> None:
    resource = Warehouse(url=f"duckdb:///{tmp_path / 'new.duckdb'}")
    resource.create_result_tables()
    store(resource, "running", MONDAY)
    with resource.begin() as connection:
        assert expire(connection, "demo", keep=1) == ()
        with pytest.raises(ValueError, match="at least 1 published run, not 0"):
            expire(connection, "demo", keep=0)
