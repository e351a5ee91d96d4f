"""The budget plans: where the money of the weeks to come brings most, by the fit."""

from collections.abc import Iterator

import dagster as dg

from dagster_mmm.defs.results import result_key, result_spec
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.publish import was_published
from dagster_mmm.warehouse.resource import WarehouseResource


@dg.multi_asset(
    specs=[result_spec(table) for table in tables.PLAN_TABLES],
    ins={"fit": dg.AssetIn("fit")},
    pool="warehouse",
)
def budget_plans(
    context: dg.AssetExecutionContext, fit: FittedRun, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """The plans of the settings, each with its gain over today's allocation."""
    from dagster_mmm.fitting.plan_rows import plan_frames
    from dagster_mmm.warehouse.bulk import replace_run

    frames = plan_frames(fit)
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        if was_published(connection, fit.run_id):
            context.log.info(f"run {fit.run_id} has been published: its rows stand as they are")
        else:
            replace_run(connection, fit.run_id, frames)
    for row in frames[tables.BUDGET_PLAN_SUMMARY].itertuples():
        context.log.info(f"{row.scenario}: {row.reason or row.status}")
    for table, frame in frames.items():
        yield dg.MaterializeResult(
            asset_key=result_key(table),
            metadata={"run_id": fit.run_id, "dagster/row_count": len(frame)},
        )
