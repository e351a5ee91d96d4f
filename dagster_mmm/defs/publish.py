"""Publication: the pointer that the latest views follow."""

from collections.abc import Iterator

import dagster as dg

from dagster_mmm.defs.keys import PUBLISHED, result_key
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.schedule.freshness import WEEKLY
from dagster_mmm.schedule.partitions import MODELS
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import NotPublishableError, publish
from dagster_mmm.warehouse.runs import run_figures, run_to_judge


@dg.asset(
    key=PUBLISHED,
    deps=[result_key(table) for table in tables.RESULT_TABLES],
    partitions_def=MODELS,
    group_name="published",
    kinds={"table"},
    tags={"mmm/writes": "warehouse"},
    pool="warehouse",
    freshness_policy=WEEKLY,
    metadata={"dagster/table_name": f"{tables.PUBLICATION.schema}.{tables.PUBLICATION.name}"},
    output_required=False,
)
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
