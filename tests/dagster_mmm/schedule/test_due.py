"""What is due, by the facts of a week alone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from dagster_mmm.schedule.due import (
    Attempt,
    Fingerprints,
    Late,
    last_complete_week,
    late_input,
    refits_due,
)
from dagster_mmm.settings.fields import Weekday
from dagster_mmm.settings.sections import ScheduleSettings, TriggersSettings

WEEK = date(2026, 1, 5)
OFF = TriggersSettings()
NOW: Fingerprints = {"restated": "a", "lift_tests": "b", "dbt": "c"}


def keys(
    attempts: Mapping[str, list[Attempt]], now: Fingerprints = NOW, on: TriggersSettings = OFF
):
    due = refits_due(WEEK, {"acme"}, {"acme": now}, attempts, on)
    return [refit.run_key for refit in due]


@pytest.mark.parametrize(
    ("today", "starts_on", "week"),
    [
        (date(2026, 1, 11), "monday", date(2025, 12, 29)),
        (date(2026, 1, 12), "monday", date(2026, 1, 5)),
        (date(2026, 1, 18), "monday", date(2026, 1, 5)),
        (date(2026, 1, 11), "sunday", date(2026, 1, 4)),
        (date(2026, 1, 10), "sunday", date(2025, 12, 28)),
    ],
)
def test_a_week_is_complete_when_the_next_has_begun(
    today: date, starts_on: Weekday, week: date
) -> None:
    assert last_complete_week(today, starts_on) == week


def test_each_model_whose_input_is_there_is_refitted_once_a_week() -> None:
    due = refits_due(WEEK, {"globex", "acme"}, {"acme": NOW}, {}, OFF)
    assert [(one.model_key, one.run_key) for one in due] == [
        ("acme", "acme|2026-01-05"),
        ("globex", "globex|2026-01-05"),
    ]
    assert due[0].fingerprints == NOW
    for state in ("under way", "succeeded", "failed"):
        assert keys({"acme": [Attempt(state, NOW)]}) == []


def test_a_failed_refit_is_tried_again_when_its_input_has_changed_and_not_before() -> None:
    failed = Attempt("failed", NOW | {"restated": "before"})
    assert keys({"acme": [failed]}) == ["acme|2026-01-05|a"]
    assert keys({"acme": [failed, Attempt("failed", NOW)]}) == []
    assert keys({"acme": [Attempt("succeeded", failed.fingerprints)]}) == []
    # Nobody noted what a run by hand rested on.
    assert keys({"acme": [Attempt("failed", {})]}) == []


@pytest.mark.parametrize("cause", ["restated", "lift_tests", "dbt"])
def test_a_change_that_is_a_trigger_has_the_model_refitted(cause: str) -> None:
    done = Attempt("succeeded", {**NOW, cause: "before"})
    on = TriggersSettings.read({cause: True})
    assert keys({"acme": [done]}) == []
    assert keys({"acme": [done]}, on=on) == [f"acme|2026-01-05|{NOW[cause]}"]
    assert keys({"acme": [Attempt("under way", NOW), done]}, on=on) == []


MONDAY = datetime(2026, 1, 12, 5, tzinfo=UTC)
SCHEDULE = ScheduleSettings(wait_hours=48.0, retry_minutes=60.0)


def judged(hours: float, *loads: float, missing: str = "b a", **known: object) -> Late:
    known = {"is_loading": False, "reported": ()} | known
    loaded = [MONDAY + timedelta(hours=load) for load in loads]
    now = MONDAY + timedelta(hours=hours)
    return late_input(now, missing.split(), loaded, schedule=SCHEDULE, **known)  # pyright: ignore


def test_late_input_is_asked_for_again_until_the_deadline() -> None:
    assert judged(0.5, 0) == Late(ask_again=False, report=())
    assert judged(1, 0) == Late(ask_again=True, report=())
    assert judged(1, 0, is_loading=True) == Late(ask_again=False, report=())
    assert judged(1.5, 0, 1) == Late(ask_again=False, report=())
    assert judged(47.9, 0, 46) == Late(ask_again=True, report=())
    assert judged(48, 0, 46) == Late(ask_again=False, report=("a", "b"))


def test_each_model_is_reported_once() -> None:
    assert judged(50, 0, reported=("a",)) == Late(ask_again=False, report=("b",))
    assert judged(50, 0, reported=("a", "b")) == Late(ask_again=False, report=())


def test_nothing_is_late_before_it_was_asked_for_or_when_all_is_there() -> None:
    assert judged(50) == Late(ask_again=False, report=())
    assert judged(50, 0, missing="") == Late(ask_again=False, report=())
