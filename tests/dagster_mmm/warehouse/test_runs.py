"""The record of runs on a real DuckDB file and a real Postgres."""

from datetime import date, datetime

import pandas as pd
import pytest

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import publish, roll_back
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.runs import (
    UnknownRunError,
    list_publications,
    list_runs,
    newest_refit,
    published_fit,
    published_run_if_equal,
    published_runs,
    read_run,
    reasons_not_to_publish,
    run_figures,
    staleness_weeks,
    unfinished_runs,
)
from dagster_mmm.warehouse.tables import ACCURACY, RUN
from tests.dagster_mmm.warehouse.stored_runs import MONDAY, TUESDAY, publish_each, store


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    """Two runs that were published, one that failed, one of another model."""
    store(warehouse, "a1", MONDAY)
    store(warehouse, "a2", TUESDAY)
    store(warehouse, "failed", datetime(2026, 1, 7), status="fail")
    store(warehouse, "b1", datetime(2026, 1, 8), model_key="other")
    with warehouse.begin() as connection:
        publish(connection, "demo", "a1", MONDAY)
        publish(connection, "demo", "a2", TUESDAY)
        publish(connection, "other", "b1", datetime(2026, 1, 8))
    return warehouse


def test_runs_are_of_one_model_or_all_and_say_which_is_published(stored: Warehouse) -> None:
    with stored.connected() as connection:
        of_all = list_runs(connection, None, limit=10).set_index("run_id")
        of_demo = list_runs(connection, "demo", limit=2)
    assert list(of_all.index) == ["b1", "failed", "a2", "a1"]
    assert list(of_all["is_published"]) == [True, False, True, False]
    assert list(of_demo["run_id"]) == ["failed", "a2"]


def test_publications_count_a_rollback(stored: Warehouse) -> None:
    with stored.begin() as connection:
        roll_back(connection, "demo", datetime(2026, 1, 9))
    with stored.connected() as connection:
        moves = list_publications(connection, "demo", limit=10)
        of_all = list_publications(connection, None, limit=10)
    assert list(zip(moves["run_id"], moves["is_published"], strict=True)) == [
        ("a1", True),
        ("a2", False),
        ("a1", True),
    ]
    assert len(of_all) == 4


def test_a_run_is_read_by_the_beginning_of_its_id(stored: Warehouse) -> None:
    with stored.connected() as connection:
        record = read_run(connection, "f")
    assert (record.run["run_id"], bool(record.run["is_published"])) == ("failed", False)
    assert list(record.checks["check_name"]) == ["max_r_hat", "holdout"]
    assert record.channels.empty


@pytest.mark.parametrize(
    ("asked", "said"),
    [("a", "begins the ids of a1, a2"), ("z", "is no run of"), ("%", "is no run of")],
)
def test_an_id_of_none_or_several_is_no_runs(stored: Warehouse, asked: str, said: str) -> None:
    with stored.connected() as connection, pytest.raises(UnknownRunError, match=said):
        read_run(connection, asked)


def test_an_undefined_value_is_a_reason_like_any_other(warehouse: Warehouse) -> None:
    store(warehouse, "bad", MONDAY, "fail", value=float("nan"))
    with warehouse.begin() as connection:
        (reason,) = reasons_not_to_publish(connection, "bad")
    assert reason == "max_r_hat is undefined, allowed 1.01: Worst R-hat."


def test_a_run_that_died_is_not_the_latest(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "dead", TUESDAY, status=None)
    with warehouse.begin() as connection:
        connection.execute(RUN.update().where(RUN.c.run_id == "dead").values(n_weeks=None))
        assert newest_refit(connection, "demo") == "a"


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


def test_a_run_is_the_same_as_the_published_one_only_in_everything(
    warehouse: Warehouse,
) -> None:
    with warehouse.begin() as connection:
        assert published_run_if_equal(connection, "demo", {"model_version": "first"}) is None
    publish_each(warehouse, "a")
    with warehouse.begin() as connection:
        assert published_run_if_equal(connection, "demo", {"model_version": "first"}) == "a"
        other = {"model_version": "first", "currency": "USD"}
        assert published_run_if_equal(connection, "demo", other) is None


def test_the_fit_behind_what_is_published_is_that_of_a_score(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        assert published_fit(connection, "demo") is None
    publish_each(warehouse, "a", "b")
    for published, fit in (("b", "b"), ("b", "a")):
        with warehouse.begin() as connection:
            scored = RUN.update().where(RUN.c.run_id == published).values(fit_run_id=fit)
            connection.execute(scored)
            found = published_fit(connection, "demo")
            assert found is not None
            assert found.run["run_id"] == fit


def test_a_score_is_not_the_latest_run_to_judge(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "b", TUESDAY)
    with warehouse.begin() as connection:
        connection.execute(RUN.update().where(RUN.c.run_id == "b").values(run_type="score"))
        assert newest_refit(connection, "demo") == "a"


def test_only_what_says_it_runs_is_unfinished(killed: Warehouse) -> None:
    with killed.begin() as connection:
        assert unfinished_runs(connection, "demo") == ("first", "second")


@pytest.fixture
def of_two_series(warehouse: Warehouse) -> Warehouse:
    """A run whose last week began on 5 January, with a CRPS for each series and their sum."""
    store(warehouse, "a", MONDAY)
    rows = [
        {"series_key": series, "evaluation_set": part, "metric": metric, "value": value}
        for series, part, metric, value in (
            ("north", "holdout", "crps", 1.0),
            ("all", "holdout", "crps", 3.0),
            ("all", "train", "crps", 2.0),
            ("all", "holdout", "rmse", 9.0),
        )
    ]
    frame = pd.DataFrame(rows).assign(run_id="a", model_key="demo")
    with warehouse.begin() as connection:
        replace_run(connection, "a", {ACCURACY: frame})
        connection.execute(RUN.update().values(window_end=date(2026, 1, 5)))
    return warehouse


def test_figures_are_the_stored_ones_of_the_sum(of_two_series: Warehouse) -> None:
    with of_two_series.begin() as connection:
        figures = run_figures(connection, "a", date(2026, 1, 12))
    assert figures == {"staleness_weeks": 0, "max_r_hat": 1.2, "holdout_crps": 3.0}


@pytest.mark.parametrize(
    ("today", "weeks"), [(date(2026, 1, 18), 0), (date(2026, 1, 19), 1), (date(2026, 2, 2), 3)]
)
def test_staleness_counts_the_weeks_that_have_ended_since(
    of_two_series: Warehouse, today: date, weeks: int
) -> None:
    with of_two_series.begin() as connection:
        assert staleness_weeks(connection, "a", today) == weeks
