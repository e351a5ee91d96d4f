"""The publish pointer on a real DuckDB file and a real Postgres."""

import pandas as pd
import pytest

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import NoEarlierRunError, NotPublishableError, publish, roll_back
from dagster_mmm.warehouse.runs import (
    newest_refit,
    published_run,
    reasons_not_to_publish,
    was_published,
)
from dagster_mmm.warehouse.tables import PUBLICATION, RUN
from tests.dagster_mmm.warehouse.stored_runs import (
    MONDAY,
    TUESDAY,
    publish_each,
    statuses,
    store,
)


def test_the_pointer_moves_and_the_old_run_is_superseded(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "b", TUESDAY)
    store(warehouse, "other", TUESDAY, model_key="other")
    for run_id, day in (("a", MONDAY), ("b", TUESDAY)):
        with warehouse.begin() as connection:
            publish(connection, "demo", run_id, day)
            assert published_run(connection, "demo") == run_id
    assert statuses(warehouse) == {"a": "superseded", "b": "published", "other": "running"}
    with warehouse.begin() as connection:
        assert newest_refit(connection, "demo") == "b"
        assert published_run(connection, "other") is None
        assert was_published(connection, "a")
        assert not was_published(connection, "other")


def test_publishing_the_published_run_again_changes_nothing(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    for day in (MONDAY, TUESDAY):
        with warehouse.begin() as connection:
            publish(connection, "demo", "a", day)
    pointer = warehouse.read(PUBLICATION.select())
    assert list(pointer["published_at"]) == [pd.Timestamp(MONDAY)]


@pytest.mark.parametrize(
    "status, reason",
    [
        ("fail", "max_r_hat is 1.2, allowed 1.01: Worst R-hat."),
        (None, "it has no stored diagnostics"),
    ],
)
def test_a_run_without_a_clean_verdict_is_never_published(
    warehouse: Warehouse, status: str | None, reason: str
) -> None:
    store(warehouse, "good", MONDAY)
    store(warehouse, "bad", TUESDAY, status)
    with warehouse.begin() as connection:
        publish(connection, "demo", "good", MONDAY)
    with warehouse.begin() as connection:
        assert reason in reasons_not_to_publish(connection, "bad")[0]
    refused = pytest.raises(NotPublishableError, match="last good run stays published")
    with refused, warehouse.begin() as connection:
        publish(connection, "demo", "bad", TUESDAY)
    with warehouse.begin() as connection:
        assert published_run(connection, "demo") == "good"


def test_another_models_run_is_never_published(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    refused = pytest.raises(NotPublishableError, match="it is a run of demo")
    with refused, warehouse.begin() as connection:
        publish(connection, "other", "a", MONDAY)


def test_going_back_to_a_run_keeps_its_first_publication(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "b", TUESDAY)
    for run_id, day in (("a", MONDAY), ("b", TUESDAY), ("a", TUESDAY)):
        with warehouse.begin() as connection:
            publish(connection, "demo", run_id, day)
    runs = warehouse.read(RUN.select()).set_index("run_id")
    assert runs.loc["a", "published_at"] == pd.Timestamp(MONDAY)
    assert statuses(warehouse) == {"a": "published", "b": "superseded"}


def test_rolling_back_twice_is_there_and_back(warehouse: Warehouse) -> None:
    publish_each(warehouse, "a", "b", "c")
    for expected in (("c", "b"), ("b", "c")):
        with warehouse.begin() as connection:
            assert roll_back(connection, "demo", TUESDAY) == expected
            assert published_run(connection, "demo") == expected[1]
    assert statuses(warehouse) == {"a": "superseded", "b": "superseded", "c": "published"}
    # History only grows.
    assert list(warehouse.read(PUBLICATION.select())["run_id"]) == ["a", "b", "c", "b", "c"]


def test_rolling_back_to_a_run_by_name(warehouse: Warehouse) -> None:
    publish_each(warehouse, "a", "b", "c")
    with warehouse.begin() as connection:
        assert roll_back(connection, "demo", TUESDAY, "a") == ("c", "a")
    assert statuses(warehouse)["a"] == "published"


def test_there_is_no_way_back_to_what_was_never_published(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection, pytest.raises(NoEarlierRunError, match="nothing of demo"):
        roll_back(connection, "demo", MONDAY)
    publish_each(warehouse, "a")
    store(warehouse, "never", TUESDAY)
    with warehouse.begin() as connection:
        with pytest.raises(NoEarlierRunError, match="a is the only run of demo"):
            roll_back(connection, "demo", TUESDAY)
        with pytest.raises(
            NoEarlierRunError, match=r"run never of demo was never published.*: none"
        ):
            roll_back(connection, "demo", TUESDAY, "never")
