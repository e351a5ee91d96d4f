"""The budget plans: where the money of the weeks to come brings most, by the fit."""

from collections.abc import Iterator

import dagster as dg

from dagster_mmm import fitting
from dagster_mmm.defs.keys import FIT, result_key
from dagster_mmm.defs.results import result_spec
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.warehouse import rows, tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.runs import was_published


@dg.multi_asset(
    specs=[result_spec(table) for table in tables.PLAN_TABLES],
    ins={"fit": dg.AssetIn(FIT)},
    pool="warehouse",
)
def budget_plans(
    context: dg.AssetExecutionContext, fit: FittedRun, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.MaterializeResult]:
    """The plans of the settings, each with its gain over today's allocation."""
    frames = fitting.plan_frames(fit)
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        if was_published(connection, fit.run_id):
            context.log.info(f"run {fit.run_id} has been published: its rows stand as they are")
        else:
            rows.replace_run(connection, fit.run_id, frames)
    for row in frames[tables.BUDGET_PLAN_SUMMARY].itertuples():
        context.log.info(f"{row.scenario}: {row.reason or row.status}")
    for table, frame in frames.items():
        yield dg.MaterializeResult(
            asset_key=result_key(table),
            metadata={"run_id": fit.run_id, "dagster/row_count": len(frame)},
        )
