"""Raw tables: there, readable, and with the columns that the settings name."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from dagster_mmm.inputs.errors import RawTableError, database_words
from dagster_mmm.inputs.event_texts import event_advice, event_columns, require_seen
from dagster_mmm.inputs.model_rows import (
    require_known,
    require_one_currency,
    require_one_time_zone,
    rows_of,
    text_of,
)
from dagster_mmm.settings import Settings, check_columns, check_report_columns
from dagster_mmm.settings.sections import ReportsSettings
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.errors import WarehousePermissionError
from dagster_mmm.warehouse.url import BIGQUERY
from hill_mmm.panel import Problem

SNOWFLAKE_ZONED = ("TIMESTAMP_TZ", "TIMESTAMP_LTZ")


class RawTable(NamedTuple):
    """What was found of a raw table.

    Attributes:
        n_rows: its rows.
        unused_columns: those that no setting names, such as a channel that is new in it.
        advice: what of a model's rows can be read, but asks for a second look.
    """

    n_rows: int
    unused_columns: tuple[str, ...]
    advice: tuple[Problem, ...] = ()


def find_table(warehouse: Warehouse, settings: Settings) -> RawTable:
    """Check that a model's raw table, and that of its reports, has what the settings name.

    Raises:
        RawTableError: if a table is not in the warehouse or cannot be read, or its dates have a
            time zone.
        SettingsError: if it lacks a column that the settings name.
    """
    with _readable(warehouse, settings), warehouse.begin() as connection:
        return _found(connection, warehouse, settings)


def check_table(warehouse: Warehouse, settings: Settings) -> RawTable:
    """Check that the raw table, and a model's rows in it, are what the settings describe.

    Raises:
        RawTableError: as `find_table` does, and if the dates of the rows are of several time zones,
            there are rows in another currency, or no row has the text that a control looks for.
        SettingsError: as `find_table` does.
    """
    with _readable(warehouse, settings), warehouse.begin() as connection:
        found = _found(connection, warehouse, settings)
        rows = rows_of(settings.input.table, settings.input.model_column, settings.model_key)
        require_one_time_zone(connection, rows, settings.input.date_column)
        require_one_currency(connection, rows, settings.input.currency_column, settings.currency)
        events = event_columns(connection, rows, settings) if found.n_rows else ()
        require_seen(events, rows.name)
        if settings.input.reports is not None:
            _check_reports(connection, settings, settings.input.reports)
    return found._replace(advice=event_advice(events))


@contextmanager
def _readable(warehouse: Warehouse, settings: Settings) -> Generator[None]:
    """Name the remedy where the raw table may not, or cannot, be read."""
    try:
        yield
    except WarehousePermissionError as error:
        user = sa.make_url(warehouse.url).username
        schema, table = settings.input.table.split(".")
        raise RawTableError(
            f"{settings.input.table} may not be read: {error}. For a table, its owner runs: "
            f'grant usage on schema "{schema}" to "{user}"; '
            f'grant select on "{schema}"."{table}" to "{user}". For a view, the owner of the view '
            "needs the same on what the view reads."
        ) from error
    except DBAPIError as error:
        raise RawTableError(
            f"{settings.input.table} is there but cannot be read: {database_words(error)}; where "
            "it is a view, see that the tables behind it are there and that the job may read them"
        ) from error


def _found(connection: sa.Connection, warehouse: Warehouse, settings: Settings) -> RawTable:
    schema, name = settings.input.table.split(".")
    if not sa.inspect(connection).has_table(name, schema=schema):
        raise RawTableError(
            f"there is no table {settings.input.table} in {warehouse.place}; load it, name "
            "another in input.table, or give a CSV in input.file"
        )
    # Before its columns, which Postgres hides from who may not read it.
    count = sa.select(sa.func.count()).select_from(sa.table(name, schema=schema))
    n_rows = connection.scalar(count)
    types = _column_types(connection, settings.input.table)
    check_columns(settings, list(types))
    if _has_time_zone(connection, types[settings.input.date_column]):
        raise RawTableError(
            f"column {settings.input.date_column!r} of {settings.input.table} is a time with a "
            "time zone, so its day depends on where it is read; make it a date in the "
            "business's own time zone"
        )
    reports = settings.input.reports
    if reports is not None:
        columns = _column_types(connection, reports.table)
        if not columns:
            raise RawTableError(
                f"there is no table {reports.table}; load it, or name another in "
                "input.reports.table"
            )
        check_report_columns(reports, list(columns))
    named = set(settings.table_columns().values())
    return RawTable(n_rows or 0, tuple(column for column in types if column not in named))


def _check_reports(connection: sa.Connection, settings: Settings, reports: ReportsSettings) -> None:
    """That every row of the reports belongs to a channel and a series of the model."""
    rows = rows_of(reports.table, reports.model_column, settings.model_key)
    require_one_time_zone(connection, rows, reports.date_column)
    require_one_currency(connection, rows, reports.currency_column, settings.currency)
    known = {channel.column for channel in settings.channels} | set(reports.ignored)
    require_known(
        connection,
        rows,
        reports.channel_column,
        known,
        "add a channel whose column is that text, or list it in input.reports.ignored",
    )
    if reports.series_column is not None and settings.input.series_column is not None:
        raw = rows_of(settings.input.table, settings.input.model_column, settings.model_key)
        text = text_of(sa.column(settings.input.series_column))
        series = connection.scalars(raw.select(text).distinct())
        # Rows of no series are in the mart `mmm_rejected_input`.
        require_known(
            connection,
            rows,
            reports.series_column,
            {found or "" for found in series} | {""},
            f"add its outcome to {settings.input.table}, or leave it out of the reports",
        )


def _column_types(connection: sa.Connection, of_table: str) -> Mapping[str, TypeEngine[Any]]:
    """The columns, spelt as the settings spell them; none if there is no such table."""
    schema, table = of_table.split(".")
    inspector = sa.inspect(connection)
    if not inspector.has_table(table, schema=schema):
        return {}
    return {each["name"]: each["type"] for each in inspector.get_columns(table, schema=schema)}


def _has_time_zone(connection: sa.Connection, kind: TypeEngine[Any]) -> bool:
    # Snowflake's types of that kind differ by name alone; BigQuery's only one is a moment.
    zoned = ("TIMESTAMP",) if connection.dialect.name == BIGQUERY else SNOWFLAKE_ZONED
    return getattr(kind, "timezone", False) or kind.__visit_name__ in zoned
