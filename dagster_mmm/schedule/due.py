"""What is due: which week, which models' refits, and which input is late. It asks nobody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from dagster_mmm.settings.fields import Weekday
from dagster_mmm.settings.sections import ScheduleSettings, TriggersSettings

WEEK = timedelta(days=7)
# What a refit rests on beside its week: each has a fingerprint, which changes when it does.
Cause = Literal["restated", "lift_tests", "dbt"]
Fingerprints = Mapping[Cause, str]


@dataclass(frozen=True)
class Attempt:
    """A refit of a model for the week.

    Attributes:
        state: whether it is under way, has ended well, or has not.
        fingerprints: of what it rested on; empty where nobody noted it, as of a run by hand.
    """

    state: Literal["under way", "succeeded", "failed"]
    fingerprints: Fingerprints


@dataclass(frozen=True)
class Refit:
    """A refit that is due.

    Attributes:
        model_key: the model.
        run_key: names it once for all: a sensor requests no run twice under one name.
        fingerprints: of what it rests on.
    """

    model_key: str
    run_key: str
    fingerprints: Fingerprints


def week_of(day: date, week_starts_on: Weekday) -> date:
    """The first day of the week that a day is in."""
    return day - timedelta(days=(day.weekday() - get_args(Weekday).index(week_starts_on)) % 7)


def last_complete_week(today: date, week_starts_on: Weekday) -> date:
    """The first day of the last week that is over on a day."""
    return week_of(today, week_starts_on) - WEEK


def week_waited_for(week: date, immature_weeks: int) -> date:
    """The first day of the last week that a refit uses: those after it are held back."""
    return week - immature_weeks * WEEK


def fresh_until(last_week: date, immature_weeks: int, error_days: int) -> date:
    """The last day on which what was fitted up to a week is not outdated.

    The only definition: it is stored with each run, and every verdict that is shown is held
    against it.

    Args:
        last_week: the first day of the last week that was used.
        immature_weeks: the weeks that are held back by intention.
        error_days: `input.freshness.error_days`, after which a source is too old as well.
    """
    return last_week + (1 + immature_weeks) * WEEK + timedelta(days=error_days)


def refits_due(
    week: date,
    arrived: Collection[str],
    fingerprints: Mapping[str, Fingerprints],
    attempts: Mapping[str, Collection[Attempt]],
    triggers: TriggersSettings,
) -> list[Refit]:
    """The refits to request, the models in alphabetical order.

    A model whose input of the week has arrived is refitted once. It is refitted again where that
    failed and its input has changed since, or where something has changed that is a trigger. While
    a refit of it is under way, nothing is due.

    Args:
        week: the first day of the last complete week.
        arrived: the models whose input of that week is there.
        fingerprints: of what a refit would rest on now, by model.
        attempts: the refits of that week so far, the last one last, by model.
        triggers: the changes that have a model refitted.
    """
    due: list[Refit] = []
    for model_key in sorted(arrived):
        earlier = list(attempts.get(model_key, ()))
        now = fingerprints.get(model_key, {})
        name = f"{model_key}|{week}"
        if not earlier:
            due.append(Refit(model_key, name, now))
        elif not any(one.state == "under way" for one in earlier):
            changed = _changed(earlier[-1], now, triggers)
            if changed:
                again = "|".join(now[cause] for cause in changed)
                due.append(Refit(model_key, f"{name}|{again}", now))
    return due


def _changed(last: Attempt, now: Fingerprints, triggers: TriggersSettings) -> list[Cause]:
    heeded: list[Cause] = [cause for cause in get_args(Cause) if getattr(triggers, cause)]
    if last.state == "failed" and "restated" not in heeded:
        heeded.append("restated")
    return [
        cause
        for cause in heeded
        if cause in now and cause in last.fingerprints and now[cause] != last.fingerprints[cause]
    ]


@dataclass(frozen=True)
class Late:
    """What to do about input that has not arrived.

    Attributes:
        ask_again: whether to load the input once more.
        report: the models to report: the deadline is over.
    """

    ask_again: bool
    report: tuple[str, ...]


def late_input(
    now: datetime,
    missing: Collection[str],
    loads: Collection[datetime],
    is_loading: bool,
    reported: Collection[str],
    schedule: ScheduleSettings,
) -> Late:
    """What to do about the models whose input of the week is not there.

    Before the schedule has loaded the week for the first time, nothing is late.

    Args:
        now: this moment, with its time zone.
        missing: the models.
        loads: when the week's input was asked for, with their time zones.
        is_loading: whether it is being loaded now.
        reported: the models that were reported already.
        schedule: the deadline, and how often to ask.
    """
    if not loads or not missing:
        return Late(ask_again=False, report=())
    if now < min(loads) + timedelta(hours=schedule.wait_hours):
        pause = timedelta(minutes=schedule.retry_minutes)
        return Late(ask_again=not is_loading and now >= max(loads) + pause, report=())
    return Late(ask_again=False, report=tuple(sorted(set(missing) - set(reported))))
