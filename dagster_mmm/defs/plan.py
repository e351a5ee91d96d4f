"""The budget plans: where the money of the weeks to come brings most, by the fit."""

from collections.abc import Iterator

import dagster as dg

from dagster_mmm import fitting
from dagster_mmm.defs.namespace import WAREHOUSE_POOL, Namespace
from dagster_mmm.defs.results import result_spec
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.warehouse import rows, tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.runs import was_published


def plan_assets(names: Namespace) -> dg.AssetsDefinition:
    """The assets of the tables of plans."""
    return dg.multi_asset(
        name=names.named("budget_plans"),
        specs=[result_spec(names, table) for table in tables.PLAN_TABLES],
        ins={"fit": dg.AssetIn(names.fit)},
        pool=WAREHOUSE_POOL,
    )(names.bound(budget_plans))


def budget_plans(
    context: dg.AssetExecutionContext,
    names: Namespace,
    fit: FittedRun,
    warehouse: dg.ResourceParam[Warehouse],
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
            asset_key=names.result(table),
            metadata={"run_id": fit.run_id, "dagster/row_count": len(frame)},
        )
