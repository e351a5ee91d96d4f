"""The raw table: loaded from a file where one is given, and checked for the configured columns."""

from pathlib import Path

import dagster as dg
import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from dagster_mmm.settings import Settings, check_columns
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse.ddl import create_schema, replace_table
from dagster_mmm.warehouse.errors import WarehousePermissionError
from dagster_mmm.warehouse.resource import WarehouseResource


class IngestConfig(dg.Config):
    """What to load before anything else.

    Attributes:
        file: a CSV that replaces the raw table; by default the settings' `input.file`, and without
            one the table is used as it stands.
    """

    file: str | None = None


@dg.asset(key=["raw", "weekly_media"], group_name="ingest", kinds={"table"})
def raw_weekly_media(
    config: IngestConfig, settings: SettingsResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Spend, outcome and controls as the marketing team delivers them: weekly or daily rows."""
    loaded = settings.load()
    file = Path(config.file).expanduser() if config.file else loaded.input.file
    if file is not None:
        load_csv(warehouse, file, loaded)
    n_rows = check_table(warehouse, loaded)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": n_rows,
            "dagster/table_name": loaded.input.table,
            "source": str(file or "the table as it stands"),
        }
    )


def load_csv(warehouse: WarehouseResource, file: Path, settings: Settings) -> None:
    """Replace the raw table by a CSV's rows, every value as the text that stands in the file.

    A file that is not what the settings describe leaves the table as it was.

    Raises:
        dg.Failure: if the file is not there or is not a CSV with a header.
        SettingsError: if it lacks a column that the settings name.
    """
    if not file.is_file():
        raise dg.Failure(f"there is no file {file}; give the path of a CSV with a header row")
    try:
        rows = read_csv(file)
    except duckdb.Error as error:
        raise dg.Failure(f"{file} cannot be loaded into {settings.input.table}: {error}") from error
    check_columns(settings, rows.column_names)
    schema, table = settings.input.table.split(".")
    try:
        with warehouse.begin() as connection:
            create_schema(connection, schema)
            replace_table(connection, schema, table, rows)
    except WarehousePermissionError as error:
        raise dg.Failure(
            f"{file} cannot be loaded into {settings.input.table}: {error}; or load the table by "
            "other means, and leave out input.file"
        ) from error
    except DBAPIError as error:
        raise dg.Failure(
            f"{file} cannot be loaded into {settings.input.table}: {error.orig}"
        ) from error


def read_csv(file: Path) -> pa.Table:
    """A CSV's rows as texts, whatever its delimiter; DuckDB finds it, for every warehouse."""
    with duckdb.connect() as reader:
        query = "from read_csv($file, all_varchar = true, header = true)"
        return reader.sql(query, params={"file": str(file)}).to_arrow_table()


def check_table(warehouse: WarehouseResource, settings: Settings) -> int:
    """Check that the raw table is what the settings describe, and count its rows.

    Raises:
        dg.Failure: if the table is not in the warehouse or may not be read, or its dates have a
            time zone.
        SettingsError: if it lacks a column that the settings name.
    """
    schema, table = settings.input.table.split(".")
    count = sa.select(sa.func.count()).select_from(sa.table(table, schema=schema))
    with warehouse.begin() as connection:
        if not sa.inspect(connection).has_table(table, schema=schema):
            raise dg.Failure(
                f"there is no table {settings.input.table} in {warehouse.place}; load it, name "
                "another in input.table, or give a CSV in input.file"
            )
    try:
        with warehouse.begin() as connection:
            n_rows = connection.scalar(count) or 0
            types = _column_types(connection, settings)
    except WarehousePermissionError as error:
        user = sa.make_url(warehouse.url).username
        raise dg.Failure(
            f"{settings.input.table} may not be read: {error}. For a table, its owner runs: "
            f'grant usage on schema "{schema}" to "{user}"; '
            f'grant select on "{schema}"."{table}" to "{user}". For a view, the owner of the view '
            "needs the same on what the view reads."
        ) from error
    check_columns(settings, list(types))
    if "with time zone" in types[settings.input.date_column].lower():
        raise dg.Failure(
            f"column {settings.input.date_column!r} of {settings.input.table} is a time with a "
            "time zone, so its day depends on where it is read; make it a date in the "
            "business's own time zone"
        )
    return n_rows


def _column_types(connection: sa.Connection, settings: Settings) -> dict[str, str]:
    schema, table = settings.input.table.split(".")
    query = sa.text(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = :schema and table_name = :table order by ordinal_position"
    )
    rows = connection.execute(query, {"schema": schema, "table": table})
    return {row.column_name: row.data_type for row in rows}
