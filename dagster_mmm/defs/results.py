"""The result tables: every row of a run, written in one transaction."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
import sqlalchemy as sa

from dagster_mmm import fitting
from dagster_mmm.defs.markdown import summary_markdown, verdict_markdown
from dagster_mmm.defs.namespace import WAREHOUSE_POOL, Namespace
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import rows, tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.runs import published_fit, was_published

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def result_spec(names: Namespace, table: sa.Table) -> dg.AssetSpec:
    """The asset of a result table, with its columns."""
    columns = [
        dg.TableColumn(column.name, str(column.type).lower(), column.comment)
        for column in table.columns
    ]
    return dg.AssetSpec(
        names.result(table),
        deps=[names.fit],
        partitions_def=names.models,
        description=table.comment,
        group_name=names.group_of("results"),
        kinds={"table"},
        tags={"mmm/writes": "warehouse"},
        metadata={
            "dagster/column_schema": dg.TableSchema(columns),
            "dagster/table_name": f"{table.schema}.{table.name}",
        },
    )


FIT_TABLES = [table for table in tables.RESULT_TABLES if table not in tables.PLAN_TABLES]


def result_assets(names: Namespace) -> dg.AssetsDefinition:
    """The assets of the result tables but for those of plans."""
    return dg.multi_asset(
        name=names.named("result_tables"),
        specs=[result_spec(names, table) for table in FIT_TABLES],
        ins={"fit": dg.AssetIn(names.fit)},
        pool=WAREHOUSE_POOL,
    )(names.bound(result_tables))


def result_tables(
    context: dg.AssetExecutionContext,
    names: Namespace,
    fit: FittedRun,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult]:
    """Response curves, contributions, returns, verdicts and input of one run."""
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        previous = published_fit(connection, fit.settings.model_key)
    frames = fitting.result_frames(fit, previous)
    with warehouse.begin() as connection:
        if was_published(connection, fit.run_id):
            context.log.info(f"run {fit.run_id} has been published: its rows stand as they are")
        else:
            rows.replace_run(connection, fit.run_id, frames)
    pictures = _pictures(frames, fit.settings)
    for table, frame in frames.items():
        yield dg.MaterializeResult(
            asset_key=names.result(table),
            metadata={
                "run_id": fit.run_id,
                "dagster/row_count": len(frame),
                **pictures.get(table, {}),
            },
        )


def _pictures(
    frames: "dict[sa.Table, pd.DataFrame]", settings: Settings
) -> dict[sa.Table, dict[str, dg.MetadataValue]]:
    currency = settings.currency
    summary = fitting.returns(frames[tables.CHANNEL_SUMMARY])
    curves = fitting.pictures.response_curves(frames[tables.RESPONSE_CURVE], currency)
    fitted = fitting.pictures.fit_against_actual(frames[tables.MODEL_FIT], currency)
    contributions = fitting.pictures.contributions(frames[tables.CONTRIBUTION], currency)
    convergence = fitting.pictures.convergence(frames[tables.PARAMETER_SUMMARY], settings.gate)
    return {
        tables.CHANNEL_SUMMARY: {
            "roi": dg.MetadataValue.md(summary_markdown(summary)),
            "roi_plot": _picture(fitting.pictures.roi_by_channel(summary)),
        },
        tables.CONTRIBUTION: {"contributions": _picture(contributions)},
        tables.RESPONSE_CURVE: {"response_curves": _picture(curves)},
        tables.MODEL_FIT: {"fit_against_actual": _picture(fitted)},
        tables.DIAGNOSTIC: {
            "verdicts": dg.MetadataValue.md(
                verdict_markdown(frames[tables.DIAGNOSTIC].itertuples())
            ),
            "convergence": _picture(convergence),
        },
    }


def _picture(figure: "Figure") -> dg.MarkdownMetadataValue:
    """A figure as the UI shows it, in a dialog."""
    return dg.MetadataValue.md(fitting.pictures.as_markdown(figure))
