"""The judged input: weeks used, weeks left out and why."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
import sqlalchemy as sa

from dagster_mmm.settings import Settings
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse.resource import WarehouseResource
from dagster_mmm.warehouse.tables import SCHEMA

WEEKLY_INPUT, REJECTED_INPUT = dg.AssetKey("weekly_input"), dg.AssetKey("rejected_input")


@dg.asset(
    deps=[WEEKLY_INPUT, REJECTED_INPUT],
    group_name="model",
    kinds={"pandas"},
    io_manager_key="snapshot_io",
)
def panel(settings: SettingsResource, warehouse: WarehouseResource) -> dg.Output[pd.DataFrame]:
    """The weekly input as the fit will see it, with every repair recorded."""
    from dagster_mmm.model_input import InputError, judge_input

    loaded = settings.load()
    weekly, rejected = read_marts(warehouse)
    judged = judge_input(weekly, rejected, loaded, today(loaded))
    if judged.problems:
        raise InputError(judged.problems)
    used = judged.snapshot[judged.snapshot["is_used"]]
    return dg.Output(
        judged.snapshot,
        metadata={
            "series": used["series_key"].nunique(),
            "weeks": used["week_start"].nunique(),
            "first_week": str(used["week_start"].min().date()),
            "last_week": str(used["week_start"].max().date()),
            "repairs": dg.MetadataValue.json(judged.repairs()),
        },
    )


def read_marts(warehouse: WarehouseResource) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`weekly_input` and `rejected_input`."""
    weekly, rejected = (
        sa.select(sa.text("*")).select_from(sa.table(name, schema=SCHEMA))
        for name in ("weekly_input", "rejected_input")
    )
    return warehouse.read(weekly), warehouse.read(rejected)


def today(settings: Settings) -> date:
    """The day as of which a week is over or not, in the schedule's time zone."""
    return datetime.now(ZoneInfo(settings.schedule.timezone)).date()
