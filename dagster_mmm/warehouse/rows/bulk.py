"""Rows to tables: checked first, then all at once, in the caller's transaction."""

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from dagster_mmm.warehouse.ddl import qualified
from dagster_mmm.warehouse.rows import bigquery
from dagster_mmm.warehouse.rows.transfer import arrow_rows, insert
from dagster_mmm.warehouse.tables import SCHEMA
from dagster_mmm.warehouse.url import BIGQUERY, POSTGRES


class InvalidRowsError(ValueError):
    """A frame does not fit the table it is meant for; nothing was written."""


def replace_run(
    connection: sa.Connection, run_id: str, frames: dict[sa.Table, pd.DataFrame]
) -> None:
    """Replace a run's rows in every table given, so that writing a run twice leaves it once.

    Args:
        connection: an open transaction; all tables change in it or none does.
        run_id: the run; every frame holds rows of that run alone.
        frames: the rows by table, with exactly the table's columns.

    Raises:
        InvalidRowsError: if a frame has other columns, an empty key, a duplicate key, a missing or
            a non-finite value, one of another type, or rows of another run. It is raised before
            anything is written.
    """
    rows = {table: _checked(table, frame, run_id) for table, frame in frames.items()}
    for table in rows:
        connection.execute(table.delete().where(table.c.run_id == run_id))
        insert(connection, table, rows[table])


def replace_table(connection: sa.Connection, schema: str, name: str, rows: pa.Table) -> None:
    """Let a table of texts hold these rows and no others; made anew where its columns differ."""
    columns = [sa.Column(column, sa.String) for column in rows.column_names]
    table = sa.Table(name, sa.MetaData(), *columns, schema=schema)
    if connection.dialect.name == BIGQUERY:
        bigquery.replace_texts(connection, table, rows)
        return
    if _holds_texts(connection, table):
        connection.execute(table.delete())
    else:
        if connection.dialect.name == POSTGRES:
            # The one view of ours that reads it, and would keep it from being dropped. dbt makes
            # it anew. In earlier versions it had another name.
            for view in ("mmm_stg_input", "stg_input"):
                ours = qualified(connection, sa.Table(view, sa.MetaData(), schema=SCHEMA))
                connection.exec_driver_sql(f"drop view if exists {ours} cascade")
        table.drop(connection, checkfirst=True)
        table.create(connection)
    insert(connection, table, rows)


def _checked(table: sa.Table, frame: pd.DataFrame, run_id: str) -> pa.Table:
    """The frame's rows in the table's types."""
    expected, found = set(table.columns.keys()), set(frame.columns)
    if expected != found:
        raise InvalidRowsError(
            f"{table.name}: missing columns {sorted(expected - found)}, "
            f"unknown columns {sorted(found - expected)}"
        )
    if not (frame["run_id"] == run_id).all():
        raise InvalidRowsError(f"{table.name}: rows of another run than {run_id}")
    required = [column.name for column in table.columns if not column.nullable]
    empty = [name for name in required if frame[name].isna().any()]
    if empty:
        raise InvalidRowsError(f"{table.name}: missing values in {empty}")
    numbers = frame.select_dtypes("number")
    infinite = [name for name in numbers if np.isinf(numbers[name]).any()]
    if infinite:
        raise InvalidRowsError(f"{table.name}: infinite values in {infinite}")
    key = [column.name for column in table.primary_key]
    if frame.duplicated(key).any():
        raise InvalidRowsError(f"{table.name}: more than one row for the same {', '.join(key)}")
    try:
        return arrow_rows(table, frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidRowsError(f"{table.name}: {error}") from error


def _holds_texts(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether the table is there with the same columns, all of them text."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(str(table.name), schema=table.schema):
        return False
    found = inspector.get_columns(str(table.name), schema=table.schema)
    return [column["name"] for column in found] == table.columns.keys() and all(
        isinstance(column["type"], sa.String) for column in found
    )
