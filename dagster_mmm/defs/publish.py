"""Publication: the pointer that the latest views follow."""

from collections.abc import Iterator

import dagster as dg

from dagster_mmm.defs.namespace import WAREHOUSE_POOL, Namespace
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.schedule.freshness import WEEKLY
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import NotPublishableError, publish
from dagster_mmm.warehouse.runs import run_figures, run_to_judge


def published_asset(names: Namespace) -> dg.AssetsDefinition:
    """The asset `published`."""
    return dg.asset(
        key=names.published,
        deps=[names.result(table) for table in tables.RESULT_TABLES],
        partitions_def=names.models,
        group_name=names.group_of("published"),
        kinds={"table"},
        tags={"mmm/writes": "warehouse"},
        pool=WAREHOUSE_POOL,
        freshness_policy=WEEKLY,
        metadata={"dagster/table_name": f"{tables.PUBLICATION.schema}.{tables.PUBLICATION.name}"},
        output_required=False,
    )(names.bound(published))


def published(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
    clock: dg.ResourceParam[Clock],
) -> Iterator[dg.MaterializeResult]:
    """The publish pointer, moved to the latest run if its stored verdict allows.

    A vintage has rows and a verdict, and leaves the pointer where it is.
    """
    model_key = context.partition_key
    today = clock.today(settings.models().schedule.timezone)
    with warehouse.begin() as connection:
        judged = run_to_judge(connection, model_key, context.run.run_id)
        if judged is None:
            raise dg.Failure("there is no run to publish; materialise the result tables first")
        run_id, run_type = judged
        if run_type == "vintage":
            context.log.info(f"run {run_id} is a vintage: what is published stays")
            return
        try:
            publish(connection, model_key, run_id, clock.utc())
        except NotPublishableError as error:
            raise dg.Failure(str(error)) from error
        figures = run_figures(connection, run_id, today)
    yield dg.MaterializeResult(metadata={"run_id": run_id, **figures})
