"""The judged input: weeks used, weeks left out and why."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
import sqlalchemy as sa

from dagster_mmm.settings import Settings
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse.publish import published_input, same_as_published
from dagster_mmm.warehouse.resource import WarehouseResource
from dagster_mmm.warehouse.tables import SCHEMA

NOTHING_NEW = "nothing is new"
WEEKLY_INPUT, REJECTED_INPUT = dg.AssetKey("weekly_input"), dg.AssetKey("rejected_input")


class PanelConfig(dg.Config):
    """Whether to go on where nothing is new.

    Attributes:
        force: fit although data, settings and code are those of the published run.
    """

    force: bool = False


@dg.asset(
    deps=[WEEKLY_INPUT, REJECTED_INPUT],
    group_name="model",
    kinds={"pandas"},
    tags={"mmm/writes": "files"},
    io_manager_key="snapshot_io",
    output_required=False,
)
def panel(
    context: dg.AssetExecutionContext,
    config: PanelConfig,
    settings: SettingsResource,
    warehouse: WarehouseResource,
) -> Iterator[dg.AssetObservation | dg.Output[pd.DataFrame]]:
    """The weekly input as the fit will see it, with every repair and restatement recorded.

    Where nothing is new since the published run there is no panel, and all that follows is skipped.
    """
    from dagster_mmm.model_input import InputError, judge_input, mark_restated

    loaded = settings.load()
    weekly, rejected = read_marts(warehouse)
    judged = judge_input(weekly, rejected, loaded, today(loaded))
    if judged.problems:
        raise InputError(judged.problems)
    warehouse.create_result_tables()
    same = run_with_the_same_input(warehouse, loaded, judged.snapshot)
    if same is not None and not config.force:
        context.log.info(f"{NOTHING_NEW} since run {same}, which stays live; force a fit by config")
        yield dg.AssetObservation(context.asset_key, metadata={"nothing_new_since": same})
        return
    with warehouse.begin() as connection:
        before = published_input(connection, loaded.model_key)
    snapshot = mark_restated(judged.snapshot, before)
    used, restated = snapshot[snapshot["is_used"]], snapshot[snapshot["is_restated"]]
    yield dg.Output(
        snapshot,
        metadata={
            "series": used["series_key"].nunique(),
            "weeks": used["week_start"].nunique(),
            "first_week": str(used["week_start"].min().date()),
            "last_week": str(used["week_start"].max().date()),
            "repairs": dg.MetadataValue.json(judged.repairs()),
            "restated_values": len(restated),
            "restated_weeks": dg.MetadataValue.json(
                sorted(restated["week_start"].dt.strftime("%Y-%m-%d").unique())
            ),
        },
    )


def run_with_the_same_input(
    warehouse: WarehouseResource, settings: Settings, snapshot: pd.DataFrame
) -> str | None:
    """The published run, if data, settings and code were the same; None if there is none such."""
    from dagster_mmm.model_input import fingerprint
    from dagster_mmm.request import code_version

    wanted = {
        "data_fingerprint": fingerprint(snapshot),
        "config_hash": settings.fingerprint(),
        "code_version": code_version(),
    }
    with warehouse.begin() as connection:
        return same_as_published(connection, settings.model_key, wanted)


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
