"""Writing frames to tables: checked first, then all rows at once, in the caller's transaction."""

from typing import cast

import duckdb
import numpy as np
import pandas as pd
import sqlalchemy as sa


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
            a non-finite value, or rows of another run. It is raised before anything is written.
    """
    for table, frame in frames.items():
        _check(table, frame, run_id)
    for table, frame in frames.items():
        connection.execute(table.delete().where(table.c.run_id == run_id))
        _insert(connection, table, frame)


def _check(table: sa.Table, frame: pd.DataFrame, run_id: str) -> None:
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


def _insert(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    driver = cast(duckdb.DuckDBPyConnection, connection.connection.driver_connection)
    driver.register("rows_to_insert", frame)
    try:
        insert = f'INSERT INTO "{table.schema}"."{table.name}" BY NAME FROM rows_to_insert'
        connection.exec_driver_sql(insert)
    finally:
        driver.unregister("rows_to_insert")
