"""The raw table: loaded from a file where one is given, and checked for the configured columns."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from dagster_mmm.settings import Settings, check_columns, check_report_columns
from dagster_mmm.settings.sections import ReportsSettings
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


@dg.asset(
    key=["raw", "weekly_media"],
    group_name="ingest",
    kinds={"table"},
    tags={"mmm/writes": "warehouse"},
    pool="warehouse",
)
def raw_weekly_media(
    context: dg.AssetExecutionContext,
    config: IngestConfig,
    settings: SettingsResource,
    warehouse: WarehouseResource,
) -> dg.MaterializeResult:
    """Spend, outcome and controls as the marketing team delivers them: weekly or daily rows."""
    loaded = settings.load()
    file = Path(config.file).expanduser() if config.file else loaded.input.file
    if file is not None:
        load_csv(warehouse, file, loaded)
    found = check_table(warehouse, loaded)
    if found.unused_columns:
        context.log.info(f"columns without a setting: {', '.join(found.unused_columns)}")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": found.n_rows,
            "dagster/table_name": loaded.input.table,
            "columns_without_a_setting": dg.MetadataValue.json(list(found.unused_columns)),
            "source": str(file or "the table as it stands"),
        }
    )


class RawTable(NamedTuple):
    """What was found of the raw table.

    Attributes:
        n_rows: its rows.
        unused_columns: those that no setting names, such as a channel that is new in it.
    """

    n_rows: int
    unused_columns: tuple[str, ...]


def load_csv(warehouse: WarehouseResource, file: Path, settings: Settings) -> None:
    """Replace the raw table by a CSV's rows, every value as the text that stands in the file.

    A file that is not what the settings describe leaves the table as it was.

    Raises:
        dg.Failure: if the file is not there, is not a CSV with a header, or names a column twice.
        SettingsError: if it lacks a column that the settings name.
    """
    if not file.is_file():
        raise dg.Failure(f"there is no file {file}; give the path of a CSV with a header row")
    try:
        rows = read_csv(file)
    except duckdb.Error as error:
        said = _without_hints(str(error))
        raise dg.Failure(f"{file} cannot be loaded into {settings.input.table}: {said}") from error
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
            f"{file} cannot be loaded into {settings.input.table}: {_said(error)}"
        ) from error


def read_csv(file: Path) -> pa.Table:
    """A CSV's rows as texts, whatever its delimiter; DuckDB finds it, for every warehouse.

    Raises:
        dg.Failure: if it is not a table, or has a column twice.
        duckdb.Error: if it is not a CSV.
    """
    with duckdb.connect() as reader:
        _require_each_column_once(reader, file)
        query = "from read_csv($file, all_varchar = true, header = true)"
        rows = reader.sql(query, params={"file": str(file)}).to_arrow_table()
    if rows.num_columns == 1:
        raise dg.Failure(
            f"{file} reads as a table of one column: a row has more or fewer cells than the "
            "header, or its cells are not separated by comma, semicolon, tab or |"
        )
    return rows


def _require_each_column_once(reader: duckdb.DuckDBPyConnection, file: Path) -> None:
    """DuckDB would call the second column of a name something else, and nobody would read it."""
    header = "from read_csv($file, all_varchar = true, header = false) limit 1"
    rows = reader.execute(header, {"file": str(file)}).fetchall()
    names = [str(name) for row in rows for name in row]
    spelled = [name.casefold() for name in names]
    repeated = {name for name, low in zip(names, spelled, strict=True) if spelled.count(low) > 1}
    if repeated:
        raise dg.Failure(
            f"{file} names the columns {', '.join(map(repr, sorted(repeated)))} more than once "
            "(capitals count for nothing in a database); give each a name of its own"
        )


def check_table(warehouse: WarehouseResource, settings: Settings) -> RawTable:
    """Check that the raw table is what the settings describe.

    Raises:
        dg.Failure: if the table is not in the warehouse or cannot be read, its dates have a time
            zone or several, or it has rows in another currency.
        SettingsError: if it lacks a column that the settings name.
    """
    try:
        return _checked(warehouse, settings)
    except WarehousePermissionError as error:
        user = sa.make_url(warehouse.url).username
        schema, table = settings.input.table.split(".")
        raise dg.Failure(
            f"{settings.input.table} may not be read: {error}. For a table, its owner runs: "
            f'grant usage on schema "{schema}" to "{user}"; '
            f'grant select on "{schema}"."{table}" to "{user}". For a view, the owner of the view '
            "needs the same on what the view reads."
        ) from error
    except DBAPIError as error:
        raise dg.Failure(
            f"{settings.input.table} is there but cannot be read: {_said(error)}; where it is a "
            "view, see that the tables behind it are there and that the job may read them"
        ) from error


def _checked(warehouse: WarehouseResource, settings: Settings) -> RawTable:
    schema, name = settings.input.table.split(".")
    with warehouse.begin() as connection:
        if not sa.inspect(connection).has_table(name, schema=schema):
            raise dg.Failure(
                f"there is no table {settings.input.table} in {warehouse.place}; load it, name "
                "another in input.table, or give a CSV in input.file"
            )
        # Before its columns, which Postgres hides from who may not read it.
        count = sa.select(sa.func.count()).select_from(sa.table(name, schema=schema))
        n_rows = connection.scalar(count)
        types = _column_types(connection, settings.input.table)
        check_columns(settings, list(types))
        if "with time zone" in types[settings.input.date_column].lower():
            raise dg.Failure(
                f"column {settings.input.date_column!r} of {settings.input.table} is a time with a "
                "time zone, so its day depends on where it is read; make it a date in the "
                "business's own time zone"
            )
        table = sa.table(name, *map(sa.column, types), schema=schema)
        _require_one_time_zone(connection, table, settings.input.date_column)
        _require_one_currency(connection, table, settings.input.currency_column, settings.currency)
        if settings.input.reports is not None:
            _check_reports(connection, settings, settings.input.reports)
    named = set(settings.table_columns().values())
    return RawTable(n_rows or 0, tuple(column for column in types if column not in named))


def _check_reports(connection: sa.Connection, settings: Settings, reports: ReportsSettings) -> None:
    """That every row of the reports belongs to a channel and a series of the model."""
    types = _column_types(connection, reports.table)
    if not types:
        raise dg.Failure(
            f"there is no table {reports.table}; load it, or name another in input.reports.table"
        )
    check_report_columns(reports, list(types))
    schema, name = reports.table.split(".")
    table = sa.table(name, *map(sa.column, types), schema=schema)
    _require_one_time_zone(connection, table, reports.date_column)
    _require_one_currency(connection, table, reports.currency_column, settings.currency)
    known = {channel.column for channel in settings.channels} | set(reports.ignored)
    _require_known(
        connection,
        table,
        reports.channel_column,
        known,
        "add a channel whose column is that text, or list it in input.reports.ignored",
    )
    if reports.series_column is not None and settings.input.series_column is not None:
        raw_schema, raw_name = settings.input.table.split(".")
        raw_column = sa.column(settings.input.series_column)
        raw = sa.table(raw_name, raw_column, schema=raw_schema)
        series = connection.scalars(sa.select(_text(raw_column)).select_from(raw).distinct())
        # Rows of no series are in the mart `rejected_input`.
        _require_known(
            connection,
            table,
            reports.series_column,
            {found or "" for found in series} | {""},
            f"add its outcome to {settings.input.table}, or leave it out of the reports",
        )


def _require_known(
    connection: sa.Connection, table: sa.TableClause, column: str, known: set[str], remedy: str
) -> None:
    """Spend of a channel or series that the model does not know would be lost in silence."""
    text = _text(table.c[column])
    rows = connection.execute(sa.select(text, sa.func.count()).group_by(text)).all()
    unknown = {found or "": n for found, n in rows if (found or "") not in known}
    if unknown:
        found = ", ".join(f"{text!r} ({n} rows)" for text, n in sorted(unknown.items()))
        raise dg.Failure(f"{table.schema}.{table.name} has {column} {found}; {remedy}")


def _text(column: "sa.ColumnElement[Any]") -> "sa.ColumnElement[str]":
    return sa.func.trim(sa.cast(column, sa.String))


def _require_one_time_zone(connection: sa.Connection, table: sa.TableClause, column: str) -> None:
    """The day is read as written, so times of day have to be of one place."""
    after_day = sa.func.substr(sa.cast(table.c[column], sa.String), 11)
    has_time = after_day.like("%:%")
    tails = connection.scalars(
        sa.select(sa.func.right(after_day, 6)).where(has_time, _has_offset(after_day)).distinct()
    )
    offsets = {tail: _minutes_from_utc(tail) for tail in tails}
    without = sa.select(sa.func.count()).where(has_time, ~_has_offset(after_day))
    is_partial = bool(offsets) and bool(connection.scalar(without))
    # Summer time is one hour ahead of winter.
    if is_partial or (offsets and max(offsets.values()) - min(offsets.values()) > 60):
        found = sorted({f"{m // 60:+03d}:{m % 60:02d}" for m in offsets.values()})
        raise dg.Failure(
            f"column {column!r} of {table.schema}.{table.name} has times of the UTC offsets "
            f"{', '.join(found)}{' and times without one' if is_partial else ''}, so its days are "
            "not those of one place; write dates in the business's own time zone"
        )


def _has_offset(after_day: "sa.ColumnElement[str]") -> "sa.ColumnElement[bool]":
    return sa.or_(*(after_day.like(f"%{sign}%") for sign in "Z+-"))


def _minutes_from_utc(tail: str) -> int:
    """What the end of a time says, such as 0+02:00, +0200, 00+02 or 00:00Z; 0 for what is none."""
    offset = re.search(r"([+-])(\d\d):?(\d\d)?$", tail)
    if offset is None:
        return 0
    minutes = 60 * int(offset[2]) + int(offset[3] or 0)
    return minutes if offset[1] == "+" else -minutes


def _require_one_currency(
    connection: sa.Connection, table: sa.TableClause, column: str | None, currency: str
) -> None:
    """Money in two currencies cannot be added up."""
    if column is None:
        return
    named = sa.func.upper(_text(table.c[column]))
    rows = connection.execute(sa.select(named, sa.func.count()).group_by(named)).all()
    others = {name: n_rows for name, n_rows in rows if name != currency}
    if others:
        found = ", ".join(
            f"{n} in {name!r}" if name else f"{n} in none" for name, n in others.items()
        )
        raise dg.Failure(
            f"{table.schema}.{table.name} has rows in other currencies than {currency} (column "
            f"{column!r}): {found}; convert them at the source"
        )


def _said(error: DBAPIError) -> str:
    return _without_hints(str(error.orig))


def _without_hints(message: str) -> str:
    """The database's words, but for those on a statement that the user has not written."""
    return message.split("\n\n")[0].split("\nLINE ")[0]


def _column_types(connection: sa.Connection, of_table: str) -> dict[str, str]:
    schema, table = of_table.split(".")
    query = sa.text(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = :schema and table_name = :table order by ordinal_position"
    )
    rows = connection.execute(query, {"schema": schema, "table": table})
    return {row.column_name: row.data_type for row in rows}
