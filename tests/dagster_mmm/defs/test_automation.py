"""The schedule and the sensors, over weeks that a test lives through."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import yaml

from dagster_mmm import environment
from dagster_mmm.cli.jobs import NAMES
from dagster_mmm.definitions import defs
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.schedule.due import last_complete_week
from dagster_mmm.schedule.partitions import ASKED_TAG, WEEK_TAG
from dagster_mmm.settings import SettingsError
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.tables import RETIREMENT

MONDAY = datetime(2026, 1, 12, 5, tzinfo=UTC)
WEEK = date(2026, 1, 5)
BRANDS: dict[str, Any] = {
    "currency": "EUR",
    "input": {"model_column": "brand"},
    "outcome": {"name": "revenue"},
    "channels": [{"name": "tv"}],
}
INPUT = """
create schema if not exists mmm;
create or replace table mmm.mmm_weekly_input (
    model_key varchar, series_key varchar, week_start date, variable varchar, role varchar,
    value double, n_rows bigint, n_days bigint, n_unreadable bigint, unreadable_value varchar,
    first_date date, last_date date, settings_file varchar, is_beyond_reports boolean
);
"""


@cache
def sensor_called(name: str) -> dg.SensorDefinition:
    return defs().resolve_sensor_def(NAMES.named(name))


@cache
def weekly_schedule() -> dg.ScheduleDefinition:
    return defs().resolve_schedule_def(NAMES.named("weekly_input"))


class TestClock(Clock):
    __test__ = False

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@dataclass
class Operation:
    """Dagster's daemon for one project: ticks on demand, and runs that end as the test says."""

    folder: Path
    instance: dg.DagsterInstance
    clock: TestClock = field(default_factory=lambda: TestClock(MONDAY))
    cursors: dict[str, str | None] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(url=f"duckdb:///{self.folder / 'warehouse.duckdb'}")

    def configure(self, **sections: Any) -> None:
        (self.folder / "settings.yaml").write_text(yaml.safe_dump(BRANDS | sections))

    def execute(self, *statements: str) -> None:
        with self.warehouse.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def deliver(self, models: str, week: date, value: float = 1.0, unreadable: int = 0) -> None:
        """Two variables of a week of some models, as dbt would have built them."""
        rows = [
            f"('{model_key}', 'national', '{week}', '{name}', '{role}', {value}, 1, 1, "
            f"{unreadable}, null, '{week}', '{week}', '', false)"
            for model_key in models.split()
            for name, role in (("revenue", "outcome"), ("tv", "spend"))
        ]
        named = ", ".join(f"'{model_key}'" for model_key in models.split())
        self.execute(
            f"delete from mmm.mmm_weekly_input where model_key in ({named}) "
            f"and week_start = '{week}'",
            f"insert into mmm.mmm_weekly_input values {', '.join(rows)}",
        )

    def build(self) -> None:
        """Say that dbt has built the input; Dagster's events bear the machine's own time."""
        made = dg.AssetMaterialization(NAMES.weekly_input)
        self.instance.report_runless_asset_event(made)

    def tick(self, name: str) -> dg.SensorResult | dg.RunRequest | dg.SkipReason:
        sensor = sensor_called(name)
        resources = {
            "settings": SettingsResource(path=str(self.folder / "settings.yaml")),
            "warehouse": self.warehouse,
            "clock": self.clock,
        }
        named = {NAMES.named(name): resource for name, resource in resources.items()}
        required = {key: named[key] for key in sensor.required_resource_keys}
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor.name), resources=required
        )
        found = sensor(context)
        self.cursors[sensor.name] = context.cursor
        if isinstance(found, dg.SensorResult):
            if found.cursor is not None:
                self.cursors[sensor.name] = found.cursor
            for request in found.dynamic_partitions_requests or ():
                change = (
                    self.instance.add_dynamic_partitions
                    if isinstance(request, dg.AddDynamicPartitionsRequest)
                    else self.delete_partitions
                )
                change(request.partitions_def_name, list(request.partition_keys))
        return found

    def delete_partitions(self, name: str, keys: list[str]) -> None:
        for key in keys:
            self.instance.delete_dynamic_partition(name, key)

    def requests(self, sensor: str) -> list[dg.RunRequest]:
        """The runs that the daemon would launch: of one run key, one."""
        found = self.tick(sensor)
        asked = found.run_requests if isinstance(found, dg.SensorResult) else ()
        new = [one for one in asked or () if one.run_key not in self.requested]
        self.requested |= {str(one.run_key) for one in new}
        return new

    def run(self, job: str, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
        key = request.partition_key
        tags = dict(request.tags) | ({"dagster/partition": key} if key else {})
        run = dg.DagsterRun(
            job_name=NAMES.named(job), run_id=str(uuid4()), status=status, tags=tags
        )
        self.instance.add_run(run)
        return run

    def load_week(self) -> dg.RunRequest:
        context = dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=self.clock.moment,
            resources={
                NAMES.named("settings"): SettingsResource(path=str(self.folder / "settings.yaml"))
            },
        )
        request = weekly_schedule()(context)
        assert isinstance(request, dg.RunRequest)
        self.run("weekly_input", request, dg.DagsterRunStatus.SUCCESS)
        return request


SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


@pytest.fixture
def operation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operation]:
    monkeypatch.setenv("MMM_SETTINGS", str(tmp_path / "settings.yaml"))
    with dg.DagsterInstance.ephemeral() as instance:
        operation = Operation(tmp_path, instance)
        operation.configure()
        operation.execute(INPUT)
        yield operation


def keys(requests: list[dg.RunRequest]) -> list[str | None]:
    return [request.partition_key for request in requests]


def test_new_models_become_partitions_and_texts_that_cannot_are_left_out(
    operation: Operation,
) -> None:
    operation.configure(models={"initech": {}})
    operation.deliver("acme globex bad/key", WEEK)
    operation.tick("models")
    known = set(operation.instance.get_dynamic_partitions(str(NAMES.models.name)))
    assert known == {"acme", "globex", "initech"}
    assert isinstance(operation.tick("models"), dg.SkipReason)


def test_before_the_first_build_there_is_nothing_to_do(operation: Operation) -> None:
    operation.execute("drop table mmm.mmm_weekly_input")
    for sensor in ("models", "refits", "late_input", "dashboards"):
        assert isinstance(operation.tick(sensor), dg.SkipReason)


def test_the_schedule_asks_for_the_week_that_is_over(operation: Operation) -> None:
    request = operation.load_week()
    assert request.tags[WEEK_TAG] == "2026-01-05"
    assert request.tags[ASKED_TAG] == MONDAY.isoformat()


def test_a_model_is_refitted_when_its_week_is_there_and_not_before(operation: Operation) -> None:
    operation.deliver("acme globex hooli", WEEK - timedelta(days=7))
    operation.tick("models")
    assert operation.requests("refits") == []

    operation.deliver("acme", WEEK)
    operation.deliver("globex", WEEK, unreadable=1)
    (request,) = operation.requests("refits")
    assert (request.partition_key, request.run_key) == ("acme", "acme|2026-01-05")
    assert request.run_config == {"ops": {"mmm__panel": {"config": {"as_of": "2026-01-05"}}}}
    assert request.tags["mmm/model"] == "acme"
    assert request.tags[WEEK_TAG] == "2026-01-05"


def test_a_late_outcome_is_waited_for_as_long_as_its_weeks_are_held_back(
    operation: Operation,
) -> None:
    operation.configure(input={"model_column": "brand", "immature_weeks": 2})
    mature = WEEK - timedelta(days=14)
    operation.deliver("acme", mature - timedelta(days=7))
    for immature in (mature, WEEK - timedelta(days=7), WEEK):
        operation.deliver("acme", immature, unreadable=1)
    operation.tick("models")
    operation.load_week()
    operation.clock.moment = MONDAY + timedelta(hours=48)
    assert operation.requests("refits") == []
    found = operation.tick("late_input")
    assert isinstance(found, dg.SensorResult)
    (event,) = found.asset_events
    assert "the week of 2025-12-22 has not arrived" in str(getattr(event, "description", ""))

    # The outcome of the week before those that are held back is there; this week's build is not.
    operation.deliver("acme", mature)
    assert operation.requests("refits") == []
    operation.build()
    (request,) = operation.requests("refits")
    assert (request.run_key, request.tags[WEEK_TAG]) == ("acme|2026-01-05", "2026-01-05")
    assert isinstance(operation.tick("late_input"), dg.SkipReason)
    # A week later, what the last build has left is not this week's.
    operation.clock.moment = datetime.now(UTC) + timedelta(days=14)
    week = last_complete_week(operation.clock.moment.date(), "monday")
    operation.deliver("acme", week - timedelta(days=14))
    assert operation.requests("refits") == []


def test_two_refits_of_a_model_are_never_asked_for_at_once(operation: Operation) -> None:
    operation.deliver("acme", WEEK)
    operation.tick("models")
    # Somebody refits it by hand.
    by_hand = dg.RunRequest(partition_key="acme")
    run = operation.run("refit", by_hand, dg.DagsterRunStatus.STARTED)
    assert operation.requests("refits") == []
    operation.instance.report_run_canceled(run)
    assert keys(operation.requests("refits")) == ["acme"]


def test_a_rejected_model_is_tried_again_with_new_input_alone(operation: Operation) -> None:
    operation.deliver("acme", WEEK)
    operation.tick("models")
    (request,) = operation.requests("refits")
    operation.run("refit", request, FAILURE)
    assert operation.requests("refits") == []
    operation.deliver("acme", WEEK, value=2.0)
    (again,) = operation.requests("refits")
    assert again.run_key is not None
    assert again.run_key.startswith("acme|2026-01-05|")
    operation.run("refit", again, SUCCESS)
    operation.deliver("acme", WEEK, value=3.0)
    assert operation.requests("refits") == []


def test_triggers_have_a_model_refitted_within_the_week(operation: Operation) -> None:
    operation.deliver("acme", WEEK)
    operation.tick("models")
    operation.run("refit", operation.requests("refits")[0], SUCCESS)
    test = {"channel": "tv", "start": "2025-11-03", "end": "2025-11-10", "lift": 5.0}
    lift_tests = [test | {"standard_error": 1.0}]
    operation.configure(lift_tests=lift_tests)
    assert operation.requests("refits") == []
    operation.configure(lift_tests=lift_tests, triggers={"lift_tests": True})
    (again,) = operation.requests("refits")
    operation.run("refit", again, SUCCESS)
    operation.deliver("acme", WEEK, value=2.0)
    assert operation.requests("refits") == []
    operation.configure(lift_tests=lift_tests, triggers={"restated": True})
    assert keys(operation.requests("refits")) == ["acme"]


def test_a_mistake_of_one_model_holds_back_no_other(operation: Operation) -> None:
    operation.configure(models={"acme": {"currency": "euro"}})
    operation.deliver("acme globex", WEEK)
    operation.tick("models")
    # The run of acme says what is wrong with its settings.
    assert keys(operation.requests("refits")) == ["acme", "globex"]


def test_late_input_is_asked_for_and_reported_once_after_the_deadline(
    operation: Operation,
) -> None:
    operation.configure(schedule={"wait_hours": 3.0, "retry_minutes": 60.0})
    operation.deliver("acme globex", WEEK - timedelta(days=7))
    operation.tick("models")
    assert operation.requests("late_input") == []
    operation.load_week()
    operation.deliver("acme", WEEK)
    asked: list[float] = []
    for quarter in range(1, 24):
        operation.clock.moment = MONDAY + timedelta(minutes=15 * quarter)
        for request in operation.requests("late_input"):
            asked.append(quarter / 4)
            operation.run("weekly_input", request, SUCCESS)
        if quarter == 12:
            break
    assert asked == [1.0, 2.0]
    # The tick that reports was the last of the loop: at the deadline, and never again.
    assert isinstance(operation.tick("late_input"), dg.SkipReason)


def test_the_report_is_a_failed_check_of_the_model_alone(operation: Operation) -> None:
    operation.deliver("acme globex", WEEK - timedelta(days=7))
    operation.tick("models")
    operation.load_week()
    operation.deliver("acme", WEEK)
    operation.clock.moment = MONDAY + timedelta(hours=48)
    found = operation.tick("late_input")
    assert isinstance(found, dg.SensorResult)
    (event,) = found.asset_events
    assert isinstance(event, dg.AssetCheckEvaluation)
    assert (event.check_name, event.partition) == ("input_has_arrived", "globex")
    assert not event.passed
    assert "the week of 2026-01-05 has not arrived" in (event.description or "")
    # It is refitted all the same when it comes.
    operation.deliver("globex", WEEK)
    assert keys(operation.requests("refits")) == ["acme", "globex"]


def test_a_model_in_neither_settings_nor_data_is_retired_with_a_row_and_told_of_once(
    operation: Operation,
) -> None:
    operation.configure(models={"initech": {}})
    operation.deliver("acme globex hooli", WEEK)
    operation.tick("models")
    # Globex was renamed; hooli is of another settings file now.
    operation.execute(
        "delete from mmm.mmm_weekly_input where model_key = 'globex'",
        "update mmm.mmm_weekly_input set settings_file = '/another.yaml' where model_key = 'hooli'",
    )
    operation.deliver("globex_2", WEEK)
    operation.tick("models")
    operation.load_week()
    assert keys(operation.requests("refits")) == ["acme", "globex_2"]
    operation.clock.moment = MONDAY + timedelta(hours=48)
    found = operation.tick("late_input")
    assert isinstance(found, dg.SensorResult)
    told = {event.partition: str(event.description) for event in found.asset_events}  # pyright: ignore
    assert set(told) == {"globex", "initech"}
    assert "it is retired" in told["globex"]
    assert "has not arrived" in told["initech"]
    known = set(operation.instance.get_dynamic_partitions(str(NAMES.models.name)))
    assert known == {"acme", "globex_2", "hooli", "initech"}
    (row,) = operation.warehouse.read(RETIREMENT.select()).to_dict("records")
    assert (row["model_key"], row["retired_at"]) == ("globex", datetime(2026, 1, 14, 5))

    # The weeks after, nobody hears of it again; when it is back, it is a model as any other.
    operation.clock.moment = MONDAY + timedelta(days=7)
    operation.load_week()
    operation.clock.moment += timedelta(hours=48)
    found = operation.tick("late_input")
    assert isinstance(found, dg.SensorResult)
    assert "globex" not in {event.partition for event in found.asset_events}  # pyright: ignore
    operation.deliver("globex", WEEK + timedelta(days=7))
    operation.tick("models")
    assert keys(operation.requests("refits")) == ["globex"]
    assert len(operation.warehouse.read(RETIREMENT.select())) == 1


def test_weeks_go_by(operation: Operation) -> None:
    """Five models for five weeks: one is late each week, one never converges."""
    brands = ["acme", "globex", "hooli", "initech", "umbrella"]
    refitted: list[tuple[str, str]] = []
    for number in range(5):
        operation.clock.moment = MONDAY + timedelta(weeks=number)
        week = WEEK + timedelta(weeks=number)
        late = brands[number % 4]
        operation.load_week()
        operation.deliver(" ".join({*brands} - {late}), week)
        for hour in (1, 3, 4):
            operation.clock.moment = MONDAY + timedelta(weeks=number, hours=hour)
            if hour == 3:
                operation.deliver(late, week)
            operation.tick("models")
            for request in operation.requests("refits"):
                fails = request.partition_key == "umbrella"
                operation.run("refit", request, FAILURE if fails else SUCCESS)
                refitted.append((str(request.partition_key), request.tags[WEEK_TAG]))
                assert hour >= 3 or request.partition_key != late
            for request in operation.requests("late_input"):
                operation.run("weekly_input", request, SUCCESS)
    expected = {(b, str(WEEK + timedelta(weeks=n))) for b in brands for n in range(5)}
    assert len(refitted) == len(expected)
    assert set(refitted) == expected


def test_dashboards_are_refreshed_after_publications(operation: Operation) -> None:
    operation.warehouse.create_result_tables()
    assert isinstance(operation.tick("dashboards"), dg.SkipReason)
    publish = "insert into mmm.mmm_publication values ({0}, 'acme', 'r{0}', now()::timestamp)"
    operation.execute(publish.format(1))
    run = operation.run("refit", dg.RunRequest(), dg.DagsterRunStatus.STARTED)
    assert isinstance(operation.tick("dashboards"), dg.SkipReason)
    operation.instance.report_run_canceled(run)
    request = operation.tick("dashboards")
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "1"
    assert isinstance(operation.tick("dashboards"), dg.SkipReason)


def test_a_busy_warehouse_is_left_to_the_next_tick(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_mmm.defs.automation.TICK_SECONDS", 0)
    with operation.warehouse.locked():
        for sensor in ("models", "refits", "late_input"):
            skipped = operation.tick(sensor)
            assert isinstance(skipped, dg.SkipReason)
            assert "has held" in str(skipped.skip_message)


def test_wrong_settings_load_and_are_named_by_every_tick(operation: Operation) -> None:
    operation.configure(schedule={"cron": "weekly"})
    schedule = defs().resolve_schedule_def(NAMES.named("weekly_input"))
    assert schedule.cron_schedule == "0 6 * * 1"
    with pytest.raises(SettingsError, match=r"schedule\.cron: found 'weekly'"):
        operation.tick("refits")
    assert environment.settings_path() == operation.folder / "settings.yaml"
