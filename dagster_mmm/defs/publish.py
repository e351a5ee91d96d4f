"""Publication: the pointer that the latest views follow."""

from datetime import UTC, datetime

import dagster as dg

from dagster_mmm.defs.panel import today
from dagster_mmm.defs.results import result_key
from dagster_mmm.freshness import WEEKLY
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.figures import run_figures
from dagster_mmm.warehouse.publish import NotPublishableError, latest_run, publish
from dagster_mmm.warehouse.resource import WarehouseResource


@dg.asset(
    key="published",
    deps=[result_key(table) for table in tables.RESULT_TABLES],
    group_name="published",
    kinds={"table"},
    tags={"mmm/writes": "warehouse"},
    pool="warehouse",
    freshness_policy=WEEKLY,
    metadata={"dagster/table_name": f"{tables.PUBLICATION.schema}.{tables.PUBLICATION.name}"},
)
def published(settings: SettingsResource, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """The publish pointer, moved to the latest run if its stored verdict allows."""
    loaded = settings.load()
    model_key = loaded.model_key
    with warehouse.begin() as connection:
        run_id = latest_run(connection, model_key)
        if run_id is None:
            raise dg.Failure("there is no run to publish; materialise the result tables first")
        try:
            publish(connection, model_key, run_id, datetime.now(UTC).replace(tzinfo=None))
        except NotPublishableError as error:
            raise dg.Failure(str(error)) from error
        figures = run_figures(connection, run_id, today(loaded))
    return dg.MaterializeResult(metadata={"run_id": run_id, **figures})
