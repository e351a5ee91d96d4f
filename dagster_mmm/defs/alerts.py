"""What of Dagster's events somebody has to hear of: runs that failed, and checks that did."""

import time
from datetime import UTC, datetime

import dagster as dg

from dagster_mmm import environment
from dagster_mmm.defs.namespace import Namespace
from dagster_mmm.schedule.failures import step_failures
from dagster_mmm.schedule.partitions import PARTITION_TAG
from dagster_mmm.schedule.webhook import Alert, AlertError, post
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.unfinished import reject_ended

FAILURE, CHECK = dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION
# Processes record their events a little after the time that these bear, and not in its order.
SETTLED_SECONDS = 5
# A tick may take a minute, and a slow webhook ten seconds.
ALERTS_A_TICK = 5


def alert_sensors(names: Namespace) -> list[dg.SensorDefinition]:
    """What tells of failures, and what writes them down; they request no run, and are on."""
    on = dg.DefaultSensorStatus.RUNNING
    return [
        dg.sensor(
            name=names.named("alerts"),
            minimum_interval_seconds=30,
            default_status=on,
            description="Posts runs and checks that failed to the webhook MMM_ALERT_WEBHOOK.",
        )(names.bound(alerts)),
        dg.run_status_sensor(
            run_status=dg.DagsterRunStatus.FAILURE,
            name=names.named("failed_runs"),
            default_status=on,
            description="Rejects the row of a run that died, with where to look.",
        )(names.bound(ended_runs)),
        dg.run_status_sensor(
            run_status=dg.DagsterRunStatus.CANCELED,
            name=names.named("canceled_runs"),
            default_status=on,
            description="Rejects the row of a run that was stopped in the UI.",
        )(names.bound(ended_runs)),
    ]


def alerts(context: dg.SensorEvaluationContext, names: Namespace) -> dg.SkipReason:
    """Tell of each failure once; what the webhook does not take is tried again at the next tick.

    Dagster's own run-failure sensors go on to the next run where posting fails, so that an alert
    would be lost whenever the webhook is away.
    """
    webhook, until = environment.alert_webhook(), time.time() - SETTLED_SECONDS
    if context.cursor is None or webhook is None:
        # What happened before somebody wanted to hear of it is no news.
        context.update_cursor(str(until))
        return dg.SkipReason(None if webhook else "MMM_ALERT_WEBHOOK is not set: nobody is told")
    news = _news(context.instance, names, float(context.cursor), until)
    for happened, alert in news[:ALERTS_A_TICK]:
        try:
            post(webhook, alert)
        except AlertError as error:
            context.log.error(f"{error}; the alert waits: {alert}")
            return dg.SkipReason(str(error))
        context.update_cursor(str(happened))
    if len(news) <= ALERTS_A_TICK:
        context.update_cursor(str(until))
    return dg.SkipReason(f"told of {len(news[:ALERTS_A_TICK])} failures")


def ended_runs(
    context: dg.RunStatusSensorContext, names: Namespace, warehouse: dg.ResourceParam[Warehouse]
) -> None:
    """A killed process cannot write its own end; run monitoring notices it, and this does."""
    if not names.owns(context.dagster_run):
        return
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        reject_ended(connection, [context.dagster_run.run_id])


def _news(
    instance: dg.DagsterInstance, names: Namespace, since: float, until: float
) -> list[tuple[float, Alert]]:
    """What failed of ours between two times (seconds since 1970), each with its time, in order."""
    # Dagster has no public way to read the checks of all assets. Files of SQLite, of which each run
    # has its own, are opened where their run was active since.
    of_checks = dg.EventRecordsFilter(
        CHECK,
        after_cursor=dg.RunShardedEventsCursor(0, datetime.fromtimestamp(since, UTC)),
        after_timestamp=since,
        before_timestamp=until,
    )
    of_runs = dg.RunStatusChangeRecordsFilter(
        FAILURE, after_timestamp=since, before_timestamp=until
    )
    found = [
        (record.timestamp, _of_check(names, record.event_log_entry))
        for record in instance.event_log_storage.get_event_records(of_checks)
    ]
    found += [
        (record.timestamp, _of_run(instance, names, record.run_id))
        for record in instance.fetch_run_status_changes(of_runs, limit=1000).records
    ]
    news = [(happened, alert) for happened, alert in found if alert is not None]
    return sorted(news, key=lambda item: item[0])


def _of_check(names: Namespace, entry: dg.EventLogEntry) -> Alert | None:
    """A failed check of severity ERROR; the alert of the run names those that stopped it."""
    check = entry.asset_check_evaluation
    if check is None or check.passed or check.severity is dg.AssetCheckSeverity.WARN:
        return None
    if not names.has(check.asset_key):
        return None
    if check.blocking and entry.run_id:
        return None
    asset = check.asset_key.to_user_string()
    return Alert(
        headline=f"check {check.check_name} of {asset} failed",
        model_key=check.partition,
        run_id=entry.run_id or None,
        reason=check.description or "it says no more; see its metadata in the UI",
        link=f"{environment.dagster_url()}/assets/{asset}?view=checks",
    )


def _of_run(instance: dg.DagsterInstance, names: Namespace, run_id: str) -> Alert | None:
    run = instance.get_run_by_id(run_id)
    if run is None or not names.owns(run):
        # Deleted since, or others'.
        return None
    return Alert(
        headline=f"{run.job_name} failed",
        model_key=run.tags.get(PARTITION_TAG),
        run_id=run_id,
        reason=_why(instance, run_id),
        link=f"{environment.dagster_url()}/runs/{run_id}",
    )


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """The failed blocking checks' words; without any, the failed steps'; without any, Dagster's."""
    kinds = {CHECK, dg.DagsterEventType.STEP_FAILURE, FAILURE}
    records = instance.get_records_for_run(run_id, of_type=kinds).records
    entries = [record.event_log_entry for record in records]
    checks = [
        f"{check.check_name}: {check.description or 'failed'}"
        for entry in entries
        if (check := entry.asset_check_evaluation) is not None
        and check.blocking
        and not check.passed
    ]
    events = [event for entry in entries if (event := entry.dagster_event) is not None]
    last_words = [event.message or "" for event in events if event.is_run_failure]
    return "\n".join(checks or step_failures(events) or last_words)
