"""The publish pointer on a real DuckDB file and a real Postgres."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from dagster_mmm.fitting.result_rows import started_run
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import NoEarlierRunError, NotPublishableError, publish, roll_back
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.runs import (
    latest_run,
    live_fit,
    published_run,
    published_runs,
    reasons_against,
    same_as_published,
    was_published,
)
from dagster_mmm.warehouse.tables import DIAGNOSTIC, PUBLICATION, RUN

MONDAY, TUESDAY = datetime(2026, 1, 5), datetime(2026, 1, 6)


def store(
    warehouse: Warehouse,
    run_id: str,
    started: datetime,
    status: str | None = "pass",
    model_key: str = "demo",
    value: float = 1.2,
    model_version: str = "first",
) -> None:
    settings = Settings.read(
        {
            "model_key": model_key,
            "currency": "EUR",
            "outcome": {"name": "revenue"},
            "channels": [{"name": "tv"}],
        }
    )
    row = started_run(run_id, started, settings, model_version)
    frames = {RUN: row.assign(n_weeks=60)}
    if status is not None:
        check = {
            "run_id": run_id,
            "model_key": model_key,
            "check_name": "max_r_hat",
            "status": status,
            "value": value,
            "threshold": 1.01,
            "is_blocking": True,
            "description": "Worst R-hat.",
        }
        advice = check | {"check_name": "holdout", "status": "warn", "is_blocking": False}
        frames[DIAGNOSTIC] = pd.DataFrame([check, advice])
    with warehouse.begin() as connection:
        replace_run(connection, run_id, frames)


def statuses(warehouse: Warehouse) -> dict[str, str]:
    rows = warehouse.read(RUN.select())
    return dict(zip(rows["run_id"], rows["status"], strict=True))


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
        assert latest_run(connection, "demo") == "b"
        assert published_run(connection, "other") is None
        assert was_published(connection, "a")
        assert not was_published(connection, "other")


def test_publishing_the_live_run_again_changes_nothing(warehouse: Warehouse) -> None:
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
        assert reason in reasons_against(connection, "bad")[0]
    refused = pytest.raises(NotPublishableError, match="last good run stays live")
    with refused, warehouse.begin() as connection:
        publish(connection, "demo", "bad", TUESDAY)
    with warehouse.begin() as connection:
        assert published_run(connection, "demo") == "good"


def test_an_undefined_value_is_a_reason_like_any_other(warehouse: Warehouse) -> None:
    store(warehouse, "bad", MONDAY, "fail", value=float("nan"))
    with warehouse.begin() as connection:
        (reason,) = reasons_against(connection, "bad")
    assert reason == "max_r_hat is undefined, allowed 1.01: Worst R-hat."


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


def test_a_run_that_died_is_not_the_latest(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "dead", TUESDAY, status=None)
    with warehouse.begin() as connection:
        connection.execute(RUN.update().where(RUN.c.run_id == "dead").values(n_weeks=None))
        assert latest_run(connection, "demo") == "a"


def test_published_runs_of_a_model_version_come_last_publication_first(
    warehouse: Warehouse,
) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "b", TUESDAY)
    store(warehouse, "new version", TUESDAY, model_version="second")
    store(warehouse, "other model", TUESDAY, model_key="other")
    store(warehouse, "never published", TUESDAY)
    with warehouse.begin() as connection:
        for run_id in ("a", "b", "new version", "a"):
            publish(connection, "demo", run_id, TUESDAY)
        publish(connection, "other", "other model", TUESDAY)
        assert published_runs(connection, "demo", "first") == ("a", "b")
        assert published_runs(connection, "demo", "second") == ("new version",)
        assert published_runs(connection, "demo", "third") == ()


def publish_each(warehouse: Warehouse, *run_ids: str) -> None:
    for at, run_id in enumerate(run_ids):
        day = MONDAY + timedelta(days=7 * at)
        store(warehouse, run_id, day)
        with warehouse.begin() as connection:
            publish(connection, "demo", run_id, day)


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


def test_there_is_no_way_back_to_what_was_never_live(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection, pytest.raises(NoEarlierRunError, match="nothing of demo"):
        roll_back(connection, "demo", MONDAY)
    publish_each(warehouse, "a")
    store(warehouse, "never", TUESDAY)
    with warehouse.begin() as connection:
        with pytest.raises(NoEarlierRunError, match="a is the only run of demo"):
            roll_back(connection, "demo", TUESDAY)
        with pytest.raises(NoEarlierRunError, match=r"run never of demo was never live.*: none"):
            roll_back(connection, "demo", TUESDAY, "never")


def test_a_run_is_the_same_as_the_published_one_only_in_everything(
    warehouse: Warehouse,
) -> None:
    with warehouse.begin() as connection:
        assert same_as_published(connection, "demo", {"model_version": "first"}) is None
    publish_each(warehouse, "a")
    with warehouse.begin() as connection:
        assert same_as_published(connection, "demo", {"model_version": "first"}) == "a"
        other = {"model_version": "first", "currency": "USD"}
        assert same_as_published(connection, "demo", other) is None


def test_the_fit_behind_what_is_live_is_that_of_a_score(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        assert live_fit(connection, "demo") is None
    publish_each(warehouse, "a", "b")
    for live, fit in (("b", "b"), ("b", "a")):
        with warehouse.begin() as connection:
            scored = RUN.update().where(RUN.c.run_id == live).values(fit_run_id=fit)
            connection.execute(scored)
            found = live_fit(connection, "demo")
            assert found is not None
            assert found.run["run_id"] == fit


def test_a_score_is_not_the_latest_run_to_judge(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "b", TUESDAY)
    with warehouse.begin() as connection:
        connection.execute(RUN.update().where(RUN.c.run_id == "b").values(run_type="score"))
        assert latest_run(connection, "demo") == "a"
