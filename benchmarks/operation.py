"""Half a year of five models, lived through by Dagster's own schedule and sensors.

`make bench-operation` gives every day of the simulated weeks to the job's schedule and sensors, at
a simulated time, and runs what they request in this process. Weeks come late, one never comes,
weeks are restated, and one model's sampler is set so short that it cannot converge any more. At the
end everything that was published is compared with what should have been; the exit code is 1 where
it is otherwise.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
import sqlalchemy as sa
import yaml

from dagster_mmm import environment
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.schedule.failures import step_failures
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.tables import PUBLICATION, RUN

BRANDS = ("acme", "birch", "cedar", "delta", "ember")
# Whose sampler is set too short half-way, so that its last good run has to stay published.
HOPELESS = "ember"
HISTORY = 104
TIMEZONE = ZoneInfo("Europe/Berlin")
FIRST_MONDAY = date(2024, 1, 1)
# By brand and simulated week: days after Monday on which the row arrives.
LATE = {("birch", 3): 1, ("cedar", 7): 1, ("delta", 16): 1}
# Beyond the deadline: reported, and loaded with the next week's.
NEVER = ("cedar", 11)
# In this simulated week, the last three outcomes of the brand change.
RESTATED = {("acme", 6), ("delta", 18)}
SHORT = {"sampler": {"chains": 2, "warmup": 20, "draws": 20}}
SETTINGS = {
    "currency": "EUR",
    "input": {"table": "raw.weekly_media", "date_column": "week", "model_column": "brand"},
    "outcome": {"name": "revenue"},
    "channels": [{"name": "tv"}, {"name": "search"}, {"name": "social"}],
    "sampler": {"chains": 2, "warmup": 300, "draws": 300},
    "evaluation": {"holdout_weeks": 0},
    "gate": {"max_r_hat": 1.05, "min_ess": 100, "max_divergence_rate": 0.05},
    "schedule": {"cron": "0 6 * * 1", "timezone": str(TIMEZONE), "wait_hours": 36},
}


def main() -> int:
    """Print what happened, week by week and in all; 1 if anything published is not as it should."""
    parser = argparse.ArgumentParser(prog="make bench-operation", description=__doc__)
    parser.add_argument("--weeks", type=int, default=26)
    weeks = parser.parse_args().weeks
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder), weeks) as operation:
        for week in range(weeks):
            operation.live_through(week)
        mistakes = operation.report()
    for mistake in mistakes:
        print(f"WRONG: {mistake}")
    print("everything is as it should be" if not mistakes else f"{len(mistakes)} mistakes")
    return 1 if mistakes else 0


@contextmanager
def prepared(folder: Path, weeks: int) -> Iterator["Operation"]:
    """An operation with a warehouse, settings and a Dagster home of its own."""
    os.environ |= {
        "DAGSTER_HOME": str(folder),
        "MMM_SETTINGS": str(folder / "settings.yaml"),
        "MMM_DUCKDB_PATH": str(folder / "warehouse.duckdb"),
        "MMM_ARTEFACTS": str(folder / "artefacts"),
    }
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment.keep_compiled_programs()
    with dg.DagsterInstance.get() as instance:
        yield Operation(folder, instance, markets(), weeks)


def markets() -> pd.DataFrame:
    """What will have come of every brand, week by week, in the columns of the raw table."""
    from hill_mmm import simulate_national_market

    frames: list[pd.DataFrame] = []
    for seed, brand in enumerate(BRANDS):
        market, _ = simulate_national_market(seed)
        frame = pd.DataFrame({"brand": brand, "revenue": market.outcome[:, 0]})
        frame["week"] = [FIRST_MONDAY + timedelta(weeks=n) for n in range(len(frame))]
        for position, channel in enumerate(c["name"] for c in SETTINGS["channels"]):
            frame[channel] = market.spend[:, 0, position]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


@dataclass
class Operation:
    """The company: its warehouse, and Dagster's daemon at a simulated time.

    Attributes:
        folder: of the warehouse, the settings and Dagster's home.
        instance: of Dagster.
        market: all rows that will ever come.
        weeks: to live through.
        now: the simulated time.
        cursors: what each sensor has noted.
        requested: the run keys that sensors have asked for.
        counts: runs by job and outcome.
        cpu_seconds: of each refit, in their order.
        reported: models whose input was reported as overdue.
    """

    folder: Path
    instance: dg.DagsterInstance
    market: pd.DataFrame
    weeks: int
    now: datetime = field(init=False)
    cursors: dict[str, str | None] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    cpu_seconds: list[float] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)

    def live_through(self, week: int) -> None:
        """The Monday after a week has ended, with its schedule, and the sensors until Thursday."""
        started = time.process_time()
        monday = FIRST_MONDAY + timedelta(weeks=HISTORY + week + 1)
        self._configure(week)
        self._load(week, days_late=0)
        self._at(monday, 6)
        self._tick_schedule()
        for hours in range(0, 72, 12):
            self._at(monday + timedelta(days=hours // 24), 8 + hours % 24)
            self._load(week, days_late=hours // 24)
            for sensor in ("models", "refits", "late_input", "refits", "dashboards"):
                self._tick_sensor(sensor)
        spent = time.process_time() - started
        print(f"week {week + 1} ({monday - timedelta(weeks=1)}): {spent:.0f} CPU s", flush=True)

    def report(self) -> list[str]:
        """Print counts and costs, and say what is not as it should be."""
        for (job, outcome), n in sorted(self.counts.items()):
            print(f"{job:<14} {outcome:<10} {n}")
        cold, warm = self.cpu_seconds[0], pd.Series(self.cpu_seconds[1:])
        print(f"CPU s a refit: {cold:.1f} cold, {warm.median():.1f} warm (median)")
        return list(self._mistakes())

    def _mistakes(self) -> Iterator[str]:
        weeks, spoiled = self.weeks, self.weeks // 2
        warehouse = self._warehouse()
        query = sa.select(PUBLICATION.c.model_key, RUN.c.window_end, RUN.c.run_id).join(
            RUN, RUN.c.run_id == PUBLICATION.c.run_id
        )
        published = warehouse.read(query.order_by(PUBLICATION.c.publication_id))
        for brand in BRANDS:
            good = spoiled if brand == HOPELESS else weeks
            expected = [
                FIRST_MONDAY + timedelta(weeks=HISTORY + week)
                for week in range(good)
                if (brand, week) != NEVER
            ]
            of_brand = published[published["model_key"] == brand]["window_end"]
            found = [pd.Timestamp(day).date() for day in of_brand]
            if found != expected:
                yield f"{brand} published {found}, expected {expected}"
        runs = warehouse.read(sa.select(RUN))
        refused = runs[(runs["model_key"] == HOPELESS) & (runs["status"] == "rejected")]
        if len(refused) != weeks - spoiled or refused["gate_reason"].isna().any():
            yield f"{HOPELESS} was refused {len(refused)} times, expected {weeks - spoiled}"
        overdue = [NEVER[0]] if weeks > NEVER[1] else []
        if self.reported != overdue:
            yield f"reported as overdue: {self.reported}, expected {overdue}"

    def _at(self, day: date, hour: int) -> None:
        moment = datetime(day.year, day.month, day.day, tzinfo=TIMEZONE) + timedelta(hours=hour)
        self.now = moment.astimezone(UTC)

    def _configure(self, week: int) -> None:
        spoiled = {HOPELESS: SHORT} if week >= self.weeks // 2 else {}
        document = SETTINGS | ({"models": spoiled} if spoiled else {})
        (self.folder / "settings.yaml").write_text(yaml.safe_dump(document))

    def _load(self, week: int, days_late: int) -> None:
        """Write the raw table as it is on that day."""
        last = self.market["week"].map(lambda day: (day - FIRST_MONDAY).days // 7) - HISTORY
        late = pd.Series(
            [
                LATE.get((brand, n), 0) if (brand, n) != NEVER else 7
                for brand, n in zip(self.market["brand"], last, strict=True)
            ]
        )
        rows = self.market[(last < week) | ((last == week) & (late <= days_late))].copy()
        for brand, restated in RESTATED:
            if restated <= week:
                is_changed = (rows["brand"] == brand) & last[rows.index].between(
                    restated - 3, restated - 1
                )
                rows.loc[is_changed, "revenue"] *= 1.02
        with self._warehouse().begin() as connection:
            connection.execute(sa.schema.CreateSchema("raw", if_not_exists=True))
            connection.exec_driver_sql("drop table if exists raw.weekly_media")
            rows.to_sql("weekly_media", connection, schema="raw", index=False)

    def _warehouse(self) -> Warehouse:
        return Warehouse(url=environment.warehouse_url())

    def _tick_schedule(self) -> None:
        schedule = definitions().resolve_schedule_def("mmm_weekly_input")
        context = dg.build_schedule_context(
            self.instance,
            scheduled_execution_time=self.now.astimezone(TIMEZONE),
            resources=_resources(schedule.required_resource_keys),
        )
        for request in schedule.evaluate_tick(context).run_requests:
            self._run("mmm_weekly_input", request)

    def _tick_sensor(self, name: str) -> None:
        sensor = definitions().resolve_sensor_def(f"mmm_{name}")
        context = dg.build_sensor_context(
            self.instance,
            cursor=self.cursors.get(name),
            repository_def=repository(),
            resources=_resources(sensor.required_resource_keys),
        )
        with (
            patch.object(Clock, "now", lambda _: self.now),
            dg.partition_loading_context(dynamic_partitions_store=self.instance),
        ):
            tick = sensor.evaluate_tick(context)
        self.cursors[name] = tick.cursor
        for added in tick.dynamic_partitions_requests:
            self.instance.add_dynamic_partitions(
                added.partitions_def_name, list(added.partition_keys)
            )
        for event in tick.asset_events:
            self.instance.report_runless_asset_event(event)
            if isinstance(event, dg.AssetCheckEvaluation):
                self.reported.append(str(event.partition))
        for request in tick.run_requests or ():
            # The daemon launches one run of a run key.
            if request.run_key not in self.requested:
                self.requested.add(str(request.run_key))
                self._run(sensor.job_name, request)

    def _run(self, job: str, request: dg.RunRequest) -> None:
        before = time.process_time()
        # dbt and the jobs say much; what is wrong stands in the report.
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        with (
            patch.object(Clock, "now", lambda _: self.now),
            (self.folder / "log").open("a") as log,
            redirect_stdout(log),
        ):
            ran = (
                definitions()
                .resolve_job_def(job)
                .execute_in_process(
                    {**request.run_config, **quiet},
                    instance=self.instance,
                    partition_key=request.partition_key,
                    tags=dict(request.tags),
                    raise_on_error=False,
                )
            )
        self.counts[job, "succeeded" if ran.success else "failed"] += 1
        if not ran.success and request.partition_key != HOPELESS:
            print(*step_failures(ran.all_events), sep="\n")
        if job == "mmm_refit":
            self.cpu_seconds.append(time.process_time() - before)


@cache
def repository() -> dg.RepositoryDefinition:
    """The definitions as the daemon has them."""
    return definitions().get_repository_def()


@cache
def definitions() -> dg.Definitions:
    """Of the job, loaded when the environment is set."""
    from dagster_mmm.definitions import defs

    return defs()


def _resources(keys: Collection[str]) -> dict[str, object]:
    resources = definitions().resources or {}
    return {key: resources[key] for key in keys}


if __name__ == "__main__":
    sys.exit(main())
