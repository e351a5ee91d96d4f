"""The raw table: loaded from a file where one is given, and checked for the configured columns."""

from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from dagster_mmm.settings import InputSettings, check_columns
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse.resource import WarehouseResource


class IngestConfig(dg.Config):
    """What to load before anything else.

    Attributes:
        file: a CSV that replaces the raw table; by default the settings' `input.file`, and without
            one the table is used as it stands.
    """

    file: str | None = None


@dg.asset(key=["raw", "weekly_media"], group_name="ingest", kinds={"duckdb"})
def raw_weekly_media(
    config: IngestConfig, settings: SettingsResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Spend, outcome and controls as the marketing team delivers them: weekly or daily rows."""
    loaded = settings.load()
    file = Path(config.file).expanduser() if config.file else loaded.input.file
    if file is not None:
        load_csv(warehouse, file, loaded.input)
    columns, n_rows = describe_table(warehouse, loaded.input)
    check_columns(loaded, columns)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": n_rows,
            "dagster/table_name": loaded.input.table,
            "source": str(file or "the table as it stands"),
        }
    )


def load_csv(warehouse: WarehouseResource, file: Path, settings: InputSettings) -> None:
    """Replace the raw table by a CSV's rows, every value as the text that stands in the file.

    Raises:
        dg.Failure: if the file is not there or is not a CSV with a header.
    """
    if not file.is_file():
        raise dg.Failure(f"there is no file {file}; give the path of a CSV with a header row")
    schema, table = settings.table.split(".")
    with warehouse.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        rows = "read_csv(:file, all_varchar = true, header = true)"
        statement = f'CREATE OR REPLACE TABLE "{schema}"."{table}" AS FROM {rows}'
        try:
            connection.execute(sa.text(statement), {"file": str(file)})
        except DBAPIError as error:
            raise dg.Failure(f"{file} cannot be read as CSV: {error.orig}") from error


def describe_table(warehouse: WarehouseResource, settings: InputSettings) -> tuple[list[str], int]:
    """Column names and row count of the raw table.

    Raises:
        dg.Failure: if the table is not in the warehouse.
    """
    schema, table = settings.table.split(".")
    with warehouse.begin() as connection:
        inspector = sa.inspect(connection)
        if not inspector.has_table(table, schema=schema):
            raise dg.Failure(
                f"there is no table {settings.table} in {warehouse.path}; load it, name another in "
                "input.table, or give a CSV in input.file"
            )
        columns = [column["name"] for column in inspector.get_columns(table, schema=schema)]
        count = sa.select(sa.func.count()).select_from(sa.table(table, schema=schema))
        return columns, connection.scalar(count) or 0
