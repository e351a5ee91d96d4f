"""The jobs, and what starts them: each week's input, then each model when its input is there.

Everything is off until somebody turns it on. A settings file that is wrong keeps nothing from
loading: every tick and every run says what is wrong with it.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_mmm.defs.dbt_models import INPUT_LAYERS, SHOWN_LAYERS, models_of
from dagster_mmm.defs.namespace import JOBS, Namespace
from dagster_mmm.schedule import dagster_runs as runs
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.schedule.due import (
    WEEK,
    Fingerprints,
    last_complete_week,
    late_input,
    refits_due,
    week_waited_for,
)
from dagster_mmm.schedule.partitions import ASKED_TAG, MODEL_TAG, WEEK_TAG
from dagster_mmm.settings import Models
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.settings.sections import ScheduleSettings
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.errors import WarehouseBusyError
from dagster_mmm.warehouse.marts import (
    arrived,
    has_input,
    input_fingerprints,
    model_keys,
    models_of_others,
)
from dagster_mmm.warehouse.retirement import retire
from dagster_mmm.warehouse.runs import last_publication

RETIRED = (
    "it is in neither the settings nor the data any more, so it is retired, and no longer waited "
    "for; what was published of it stays. Name it in the settings, or load its rows, and it comes "
    "back"
)
# A tick that cannot have the warehouse in this time leaves it to the next.
TICK_SECONDS = 5


def asset_jobs(names: Namespace) -> list[Any]:
    """The jobs: the input of all models, a refit, what dashboards read, and a score."""
    results = [names.result(table) for table in tables.RESULT_TABLES]
    assets = {
        "weekly_input": [names.raw, *models_of(names, INPUT_LAYERS)],
        "refit": [names.panel, names.fit, *results, names.published],
        "dashboards": [*models_of(names, SHOWN_LAYERS), names.key("dashboard_snapshot")],
        "score_new_weeks": [names.key("score")],
    }
    return [
        dg.define_asset_job(
            names.named(job),
            selection=dg.AssetSelection.assets(*assets[job]),
            description=description,
            executor_def=dg.in_process_executor,
        )
        for job, description in JOBS.items()
    ]


def weekly_schedule(names: Namespace, schedule: ScheduleSettings) -> dg.ScheduleDefinition:
    """The schedule of the settings."""
    return dg.schedule(
        name=names.named("weekly_input"),
        job_name=names.named("weekly_input"),
        cron_schedule=schedule.cron,
        execution_timezone=schedule.timezone,
    )(names.bound(load_week))


def load_week(context: dg.ScheduleEvaluationContext, settings: SettingsResource) -> dg.RunRequest:
    """Ask for the input of the week that is over."""
    loaded = settings.models()
    scheduled = context.scheduled_execution_time
    week = last_complete_week(scheduled.date(), loaded.input.week_starts_on)
    return dg.RunRequest(tags={WEEK_TAG: str(week), ASKED_TAG: scheduled.isoformat()})


def sensors(names: Namespace) -> list[dg.SensorDefinition]:
    """What starts the jobs, and knows the models."""

    def sensor(
        function: Callable[..., dg.SensorResult | dg.RunRequest | dg.SkipReason],
        name: str,
        seconds: int,
        job: str | None = None,
    ) -> dg.SensorDefinition:
        return dg.sensor(
            name=names.named(name),
            job_name=None if job is None else names.named(job),
            minimum_interval_seconds=seconds,
        )(names.bound(function))

    return [
        sensor(models, "models", 60),
        sensor(refits, "refits", 60, "refit"),
        sensor(late, "late_input", 300, "weekly_input"),
        sensor(refreshed, "dashboards", 60, "dashboards"),
    ]


def models(
    context: dg.SensorEvaluationContext,
    names: Namespace,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.SensorResult | dg.SkipReason:
    """Adds the models of the settings, and of the weekly input, that Dagster does not know yet."""
    try:
        keys = model_keys(_for_a_tick(warehouse), settings.models())
    except WarehouseBusyError as error:
        return dg.SkipReason(str(error))
    for reason in keys.unusable:
        context.log.error(f"a text of input.model_column cannot name a model: found {reason}")
    new = sorted(set(keys.usable) - set(_known_models(context.instance, names)))
    if not new:
        return dg.SkipReason("there is no new model")
    return dg.SensorResult(dynamic_partitions_requests=[names.models.build_add_request(new)])


def refits(
    context: dg.SensorEvaluationContext,
    names: Namespace,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
    clock: dg.ResourceParam[Clock],
) -> dg.SensorResult | dg.SkipReason:
    """Requests the refit of each model whose input of the week has arrived."""
    loaded = settings.models()
    week = _week(loaded, clock)
    try:
        ours = _our_models(context.instance, names, _for_a_tick(warehouse), loaded)
        waited_for = _weeks_waited_for(loaded, ours, week)
        known = _arrived(context.instance, names, _for_a_tick(warehouse), loaded, week, waited_for)
        rests_on = _fingerprints(context.instance, names, _for_a_tick(warehouse), loaded, known)
    except WarehouseBusyError as error:
        return dg.SkipReason(str(error))
    earlier = runs.attempts(context.instance, week, names.owns)
    due = refits_due(week, known, rests_on, earlier, loaded.triggers)
    if not due:
        return dg.SkipReason(f"{len(known)} models have their input of {week}; none is due")
    as_of = {"ops": {names.op(names.panel): {"config": {"as_of": str(week)}}}}
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=one.run_key,
                partition_key=one.model_key,
                run_config=as_of,
                tags={
                    MODEL_TAG: one.model_key,
                    WEEK_TAG: str(week),
                    **{runs.FINGERPRINT_TAGS[cause]: of for cause, of in one.fingerprints.items()},
                },
            )
            for one in due
        ]
    )


def late(
    context: dg.SensorEvaluationContext,
    names: Namespace,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
    clock: dg.ResourceParam[Clock],
) -> dg.SensorResult | dg.SkipReason:
    """Asks again for input that is late, until the deadline; then reports its models, once.

    A model that is in neither settings nor data by then is retired: reported once for all.
    """
    loaded = settings.models()
    week, now = _week(loaded, clock), clock.now()
    try:
        ours = _our_models(context.instance, names, _for_a_tick(warehouse), loaded)
        waited_for = _weeks_waited_for(loaded, ours, week)
        missing = set(waited_for) - _arrived(
            context.instance, names, _for_a_tick(warehouse), loaded, week, waited_for
        )
        gone = _models_gone(context.instance, names, _for_a_tick(warehouse), loaded)
    except WarehouseBusyError as error:
        return dg.SkipReason(str(error))
    told = json.loads(context.cursor or "{}")
    reported = told.get(str(week), [])
    asked = runs.load_times(context.instance, names.named("weekly_input"), week)
    is_loading = runs.is_under_way(context.instance, names.named("weekly_input"))
    found = late_input(now, missing | gone, asked, is_loading, reported, loaded.schedule)
    if found.ask_again:
        tags = {WEEK_TAG: str(week), ASKED_TAG: now.astimezone(UTC).isoformat()}
        again = dg.RunRequest(run_key=f"{week}|{len(asked)}", tags=tags)
        return dg.SensorResult(run_requests=[again], cursor=context.cursor)
    if not found.report:
        return dg.SkipReason(f"{len(missing)} models wait for their input of {week}")
    retired = sorted(gone.intersection(found.report))
    if retired:
        try:
            retire(_for_a_tick(warehouse), retired, clock.utc(), RETIRED)
        except WarehouseBusyError as error:
            return dg.SkipReason(str(error))
    reasons = {
        key: RETIRED if key in gone else _overdue(loaded, waited_for[key]) for key in found.report
    }
    for model_key, reason in reasons.items():
        context.log.error(f"{model_key}: {reason}")
    return dg.SensorResult(
        asset_events=[
            dg.AssetCheckEvaluation(
                asset_key=names.panel,
                check_name="input_has_arrived",
                passed=False,
                severity=dg.AssetCheckSeverity.ERROR,
                description=reason,
                partition=model_key,
            )
            for model_key, reason in reasons.items()
        ],
        dynamic_partitions_requests=[names.models.build_delete_request(retired)]
        if retired
        else None,
        cursor=json.dumps({str(week): sorted({*reported, *found.report})}),
    )


def refreshed(
    context: dg.SensorEvaluationContext,
    names: Namespace,
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.RunRequest | dg.SkipReason:
    """Refreshes what dashboards read, when the refits of some publications are over."""
    if runs.is_under_way(context.instance, names.named("refit"), names.named("dashboards")):
        return dg.SkipReason("models are being refitted")
    try:
        with _for_a_tick(warehouse).begin() as connection:
            publication = last_publication(connection)
    except WarehouseBusyError as error:
        return dg.SkipReason(str(error))
    if publication is None or str(publication) == context.cursor:
        return dg.SkipReason("nothing has been published since")
    context.update_cursor(str(publication))
    return dg.RunRequest(run_key=str(publication))


def _for_a_tick(warehouse: Warehouse) -> Warehouse:
    """The warehouse for a tick, which Dagster ends after a minute."""
    return Warehouse(warehouse.url, TICK_SECONDS, warehouse.schema)


def _known_models(instance: dg.DagsterInstance, names: Namespace) -> list[str]:
    return list(instance.get_dynamic_partitions(str(names.models.name)))


def _our_models(
    instance: dg.DagsterInstance, names: Namespace, warehouse: Warehouse, loaded: Models
) -> set[str]:
    """The models that Dagster knows, but for those of another settings file."""
    return set(_known_models(instance, names)).intersection(model_keys(warehouse, loaded).usable)


def _models_gone(
    instance: dg.DagsterInstance, names: Namespace, warehouse: Warehouse, loaded: Models
) -> set[str]:
    """The models that Dagster knows from this settings file, if not in it or in its data now."""
    if not has_input(warehouse):
        # Nobody knows what is in the data.
        return set()
    known, ours = set(_known_models(instance, names)), model_keys(warehouse, loaded).usable
    return known.difference(models_of_others(warehouse, loaded), ours)


def _week(loaded: Models, clock: Clock) -> date:
    return last_complete_week(clock.today(loaded.schedule.timezone), loaded.input.week_starts_on)


def _weeks_waited_for(loaded: Models, model_keys: Collection[str], week: date) -> dict[str, date]:
    """The last week that a refit of each model uses; a model with mistakes has its run say so."""
    usable = loaded.all(tuple(model_keys)).usable
    immature = {key: one.input.immature_weeks for key, one in usable.items()}
    return {key: week_waited_for(week, immature.get(key, 0)) for key in model_keys}


def _arrived(
    instance: dg.DagsterInstance,
    names: Namespace,
    warehouse: Warehouse,
    loaded: Models,
    week: date,
    waited_for: Mapping[str, date],
) -> frozenset[str]:
    """The models whose input is there.

    Weeks before the last one may have been there a week ago, in numbers that have changed since: a
    model that holds weeks back waits until the input was built after the week's end.
    """
    there = arrived(warehouse, waited_for, days=7 if loaded.input.grain == "daily" else 1)
    built = runs.last_made(instance, names.weekly_input)
    over = datetime.combine(week + WEEK, time(), ZoneInfo(loaded.schedule.timezone))
    is_built_since = built is not None and built >= over
    return frozenset(key for key in there if is_built_since or waited_for[key] == week)


def _fingerprints(
    instance: dg.DagsterInstance,
    names: Namespace,
    warehouse: Warehouse,
    loaded: Models,
    model_keys: frozenset[str],
) -> dict[str, Fingerprints]:
    """Of what a refit of each model would rest on now."""
    values = input_fingerprints(warehouse)
    dbt = runs.code_fingerprint(instance, models_of(names, INPUT_LAYERS))
    usable = loaded.all(tuple(model_keys)).usable
    return {
        model_key: {
            "restated": runs.fingerprint([values[model_key]]),
            "lift_tests": runs.fingerprint(
                json.dumps(asdict(test)) for test in settings.lift_tests
            ),
            "dbt": dbt,
        }
        for model_key, settings in usable.items()
        if model_key in values
    }


def _overdue(loaded: Models, week: date) -> str:
    hours = loaded.schedule.wait_hours
    return (
        f"the input of the week of {week} has not arrived, or cannot be read, {hours:g} hours "
        "after it was first asked for; load it, run the job that builds the weekly input, and the "
        "model is refitted"
    )
