"""The result tables: every row of a run, written in one transaction."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
import sqlalchemy as sa

from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.schedule.partitions import MODELS
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.publish import live_fit, was_published
from dagster_mmm.warehouse.resource import WarehouseResource

if TYPE_CHECKING:
    import pandas as pd


def result_key(table: sa.Table) -> dg.AssetKey:
    """The asset of a result table."""
    return dg.AssetKey(["results", table.name])


def result_spec(table: sa.Table) -> dg.AssetSpec:
    """The asset of a result table, with its columns."""
    columns = [
        dg.TableColumn(column.name, str(column.type).lower(), column.comment)
        for column in table.columns
    ]
    return dg.AssetSpec(
        result_key(table),
        deps=["fit"],
        partitions_def=MODELS,
        description=table.comment,
        group_name="results",
        kinds={"table"},
        tags={"mmm/writes": "warehouse"},
        metadata={
            "dagster/column_schema": dg.TableSchema(columns),
            "dagster/table_name": f"{table.schema}.{table.name}",
        },
    )


FIT_TABLES = [table for table in tables.RESULT_TABLES if table not in tables.PLAN_TABLES]


@dg.multi_asset(
    specs=[result_spec(table) for table in FIT_TABLES],
    ins={"fit": dg.AssetIn("fit")},
    pool="warehouse",
)
def result_tables(
    context: dg.AssetExecutionContext, fit: FittedRun, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Response curves, contributions, returns, verdicts and input of one run."""
    from dagster_mmm.fitting.result_rows import result_frames
    from dagster_mmm.warehouse.bulk import replace_run

    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        previous = live_fit(connection, fit.settings.model_key)
    frames = result_frames(fit, previous)
    with warehouse.begin() as connection:
        if was_published(connection, fit.run_id):
            context.log.info(f"run {fit.run_id} has been published: its rows stand as they are")
        else:
            replace_run(connection, fit.run_id, frames)
    pictures = _pictures(frames, fit.settings)
    for table, frame in frames.items():
        yield dg.MaterializeResult(
            asset_key=result_key(table),
            metadata={
                "run_id": fit.run_id,
                "dagster/row_count": len(frame),
                **pictures.get(table, {}),
            },
        )


def _pictures(
    frames: "dict[sa.Table, pd.DataFrame]", settings: Settings
) -> dict[sa.Table, dict[str, dg.MetadataValue]]:
    from dagster_mmm.defs import pictures as plots
    from dagster_mmm.fitting.result_rows import returns

    currency = settings.currency
    summary = returns(frames[tables.CHANNEL_SUMMARY])
    curves = plots.response_curves(frames[tables.RESPONSE_CURVE], currency)
    fitted = plots.fit_against_actual(frames[tables.MODEL_FIT], currency)
    contributions = plots.contributions(frames[tables.CONTRIBUTION], currency)
    convergence = plots.convergence(frames[tables.PARAMETER_SUMMARY], settings.gate)
    return {
        tables.CHANNEL_SUMMARY: {
            "roi": dg.MetadataValue.md(summary_markdown(summary)),
            "roi_plot": plots.as_metadata(plots.roi_by_channel(summary)),
        },
        tables.CONTRIBUTION: {"contributions": plots.as_metadata(contributions)},
        tables.RESPONSE_CURVE: {"response_curves": plots.as_metadata(curves)},
        tables.MODEL_FIT: {"fit_against_actual": plots.as_metadata(fitted)},
        tables.DIAGNOSTIC: {
            "verdicts": dg.MetadataValue.md(verdict_markdown(frames[tables.DIAGNOSTIC])),
            "convergence": plots.as_metadata(convergence),
        },
    }


def summary_markdown(summary: "pd.DataFrame") -> str:
    """ROI with its interval by channel, as a Markdown table."""
    rows = [
        f"| {row.channel} | {row.spend:,.0f} | {row.roi_mean:.2f} "
        f"| {row.roi_ci_lo:.2f} to {row.roi_ci_hi:.2f} | {row.mroi_mean:.2f} |"
        for row in summary.itertuples()
    ]
    level = summary["ci_level"].iloc[0]
    head = [f"| channel | spend | ROI | {level:.0%} interval | mROI |", "|---|--:|--:|--:|--:|"]
    return "\n".join(head + rows)


def verdict_markdown(diagnostic: "pd.DataFrame") -> str:
    """The gate's checks, as a Markdown table."""
    rows = [
        f"| {row.check_name} | {row.status} | {row.value:.4g} | {row.threshold:.4g} |"
        for row in diagnostic.itertuples()
    ]
    return "\n".join(["| check | status | value | threshold |", "|---|---|--:|--:|", *rows])
