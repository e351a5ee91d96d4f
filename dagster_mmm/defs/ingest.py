"""The raw tables: loaded from files where some are given, and checked for their columns."""

from collections.abc import Sequence

import dagster as dg

from dagster_mmm import inputs
from dagster_mmm.defs.namespace import WAREHOUSE_POOL, Namespace
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse.database import Warehouse


class IngestConfig(dg.Config):
    """What to load before anything else.

    Attributes:
        file: a CSV that replaces the raw table; by default the settings' `input.file`, and without
            one the table is used as it stands.
    """

    file: str | None = None


def ad_reports(names: Namespace) -> dg.AssetSpec:
    """The table of ad platforms' spend, which others load."""
    return dg.AssetSpec(
        names.key("reports", "ad_spend"),
        description="Spend as the ad platforms report it, where the settings name such a table; "
        "loaded by others.",
        group_name=names.group_of("ingest"),
        kinds={"table"},
    )


def raw_asset(names: Namespace, deps: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset `raw/weekly_media`, of what others make of its rows."""
    return dg.asset(
        key=names.raw,
        deps=deps,
        group_name=names.group_of("ingest"),
        kinds={"table"},
        tags={"mmm/writes": "warehouse"},
        pool=WAREHOUSE_POOL,
    )(names.bound(raw_weekly_media))


def raw_weekly_media(
    context: dg.AssetExecutionContext,
    config: IngestConfig,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult:
    """Spend, outcome and controls as the marketing team delivers them: weekly or daily rows.

    A model whose table or columns are not there is named, and holds up no other.
    """
    models = settings.models()
    problems = inputs.load_files(warehouse, models, config.file)
    readable = inputs.readable_inputs(warehouse, models)
    readable = readable._replace(problems=(*problems, *readable.problems))
    readable.log_problems(context.log)
    unused = {name: found.unused_columns for name, found in readable.tables.items()}
    for name, columns in unused.items():
        if columns:
            context.log.info(f"columns of {name} without a setting: {', '.join(columns)}")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(found.n_rows for found in readable.tables.values()),
            "tables": dg.MetadataValue.json(sorted(readable.tables)),
            "columns_without_a_setting": dg.MetadataValue.json(unused),
            "problems": dg.MetadataValue.json(list(readable.problems)),
        }
    )
