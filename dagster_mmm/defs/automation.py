"""The weekly job and its schedule."""

import dagster as dg

from dagster_mmm.environment import settings_path
from dagster_mmm.settings import load_settings

weekly_mmm = dg.define_asset_job(
    "weekly_mmm",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets("score"),
    description="Load, check, fit, judge and publish.",
    executor_def=dg.in_process_executor,
)


@dg.definitions
def weekly_schedule() -> dg.Definitions:
    """The settings' schedule over the whole job, off until somebody turns it on."""
    schedule = load_settings(settings_path()).schedule
    return dg.Definitions(
        jobs=[weekly_mmm],
        schedules=[
            dg.ScheduleDefinition(
                name="weekly_mmm_schedule",
                job=weekly_mmm,
                cron_schedule=schedule.cron,
                execution_timezone=schedule.timezone,
            )
        ],
    )
