"""The warehouse: short transactions, one writer at a time, nothing held while sampling."""

import os
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import DBAPIError

from dagster_mmm import environment
from dagster_mmm.warehouse import bigquery_session, lock_row, rows
from dagster_mmm.warehouse.ddl import (
    add_new_columns,
    columns_found,
    create_schema,
    rename_columns,
    stored_types,
)
from dagster_mmm.warehouse.engine import LOCK_SECONDS, make_engine
from dagster_mmm.warehouse.errors import (
    WarehouseBusyError,
    WarehouseError,
    WarehousePermissionError,
    named_errors,
    not_opened,
    unreachable,
)
from dagster_mmm.warehouse.tables import FORMER_NAMES, METADATA, RUN
from dagster_mmm.warehouse.url import BIGQUERY, DUCKDB, POSTGRES, SNOWFLAKE, parse_url, place

if TYPE_CHECKING:
    import pandas as pd


class OutdatedTablesError(WarehouseError):
    """The warehouse holds result tables of another version, whose columns differ from ours."""


@dataclass(frozen=True)
class Warehouse:
    """The database that holds the raw table, the marts and the results.

    Attributes:
        url: its SQLAlchemy URL, which may hold a password. A DuckDB file is made with its folder if
            it is not there yet.
        lock_seconds: how long to wait for another writer.
        schema: where results and views are; by default the environment's.
    """

    url: str = field(repr=False)
    lock_seconds: int = LOCK_SECONDS
    schema: str = field(default_factory=environment.schema)

    @property
    def place(self) -> str:
        """What messages call it: its file, or its URL without secrets."""
        return place(parse_url(self.url))

    @property
    def file(self) -> Path | None:
        """The file that the warehouse is, or None where a server keeps it."""
        url = parse_url(self.url)
        return Path(str(url.database)) if url.get_backend_name() == DUCKDB else None

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep every other writer out while another process of ours, dbt, writes.

        Raises:
            WarehouseBusyError: if another process holds the lock for too long.
        """
        if self._is_file():
            # No connection may be open: DuckDB allows one writing process.
            with self._file_locked():
                yield
        else:
            with self.begin():
                yield

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """A locked transaction: committed at the end, rolled back on an error.

        Raises:
            WarehouseBusyError: if another process holds the lock for too long.
            WarehouseUnreachableError: if there is no connection, or it breaks.
            WarehousePermissionError: if the database's user may not do what is asked.
        """
        with self.connected() as connection, connection.begin():
            self._lock(connection)
            yield connection

    @contextmanager
    def connected(self) -> Generator[sa.Connection]:
        """A connection to read by; on a database server it waits for no writer.

        Raises:
            WarehouseBusyError: if another process holds the lock of a file for too long.
            WarehouseUnreachableError: if there is no connection, or it breaks.
        """
        url = parse_url(self.url)
        with self._file_locked(), named_errors(self.place, self.lock_seconds):
            engine = make_engine(url, self.schema, self.lock_seconds)
            try:
                connection = engine.connect()
            except DBAPIError as error:
                said = not_opened if self._is_file() else unreachable
                raise said(self.place, error) from error
            try:
                yield connection
            finally:
                connection.close()
                engine.dispose()

    def has_result_tables(self) -> bool:
        """Whether there are any; nothing is made to find out, not even a DuckDB file.

        It raises what `connected` raises.
        """
        if self.file is not None and not self.file.exists():
            return False
        with self.connected() as connection:
            return sa.inspect(connection).has_table(str(RUN.name), schema=self.schema)

    def create_result_tables(self) -> None:
        """Make the schema and the result tables where they are not there yet.

        A table of an earlier version gets the names of now, and the columns that it lacks where its
        rows may do without.

        Raises:
            OutdatedTablesError: if a table is there with other columns; nothing is changed then.
        """
        with self._to_define() as connection:
            create_schema(connection, self.schema)
            if connection.dialect.name in (SNOWFLAKE, BIGQUERY):
                lock_row.make_lock(connection)
            METADATA.create_all(connection)
            rename_columns(connection, FORMER_NAMES)
            add_new_columns(connection, METADATA)
            differences = _differences(connection)
            if differences:
                raise OutdatedTablesError(
                    f"{self.place} holds result tables of another version of this project:\n"
                    + "\n".join(differences)
                    + "\nRename these tables, or drop them if nobody needs their history. Then run "
                    "the job again: it makes them anew."
                )

    @contextmanager
    def _to_define(self) -> Generator[sa.Connection]:
        """A connection to make and alter tables by, and no other writer beside it."""
        if parse_url(self.url).get_backend_name() != BIGQUERY:
            with self.begin() as connection:
                yield connection
            return
        # Its transactions take no such statement: one stands beside, for its lock alone.
        with self.locked(), self.connected() as connection, connection.begin():
            yield connection

    def read(self, query: sa.Select | sa.TextClause) -> "pd.DataFrame":
        """The rows of a query. It raises what `begin` raises."""
        with self.connected() as connection:
            return rows.read(connection, query)

    def _is_file(self) -> bool:
        return parse_url(self.url).get_backend_name() == DUCKDB

    @contextmanager
    def _file_locked(self) -> Generator[None]:
        """The lock beside a file; a database server has locks of its own."""
        if not self._is_file():
            yield
            return
        lock = FileLock(f"{self.place}.lock", timeout=self.lock_seconds)
        # The lock file itself is emptied by whoever tries to get it.
        holder = Path(f"{self.place}.holder")
        try:
            holder.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            holder.write_text(_this_process())
        except Timeout as error:
            who = holder.read_text() if holder.exists() else "another process"
            raise WarehouseBusyError(
                f"{who} has held {self.place} for the {self.lock_seconds} s that we waited; wait "
                "for it to end, or stop it, and run this again"
            ) from error
        except PermissionError as error:
            raise WarehousePermissionError(
                f"{self.place} cannot be written to by this user: {error}; run the job as the "
                "owner of the file and its folder, or give this user the right to write both"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _lock(self, connection: sa.Connection) -> None:
        """One writer of the schema at a time, and no endless wait for anybody's lock."""
        if connection.dialect.name == POSTGRES:
            # Given back with the transaction, so that no crash leaves it behind.
            connection.execute(sa.text(f"set local lock_timeout = '{self.lock_seconds}s'"))
            # While dbt works, this transaction does nothing but hold the lock.
            connection.execute(sa.text("set local idle_in_transaction_session_timeout = 0"))
            connection.execute(
                sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(self.schema, 0)))
            )
        elif connection.dialect.name == SNOWFLAKE and lock_row.has_lock(connection):
            # It commits at every statement that makes or alters a table: `create_result_tables`
            # holds the lock up to its first such statement alone.
            lock_row.take(connection, _this_process())
        elif connection.dialect.name == BIGQUERY:
            bigquery_session.begin(connection, _this_process(), self.lock_seconds)


def _this_process() -> str:
    command = " ".join(Path(part).name for part in sys.argv[:3])
    return f"process {os.getpid()} on {socket.gethostname()} ({command})"


def _differences(connection: sa.Connection) -> list[str]:
    """One line for each result table whose columns are not ours: by name, type or nullability."""
    lines: list[str] = []
    columns = columns_found(connection, METADATA)
    types = stored_types(connection)

    def is_stored(found: ReflectedColumn, column: sa.Column) -> bool:
        kind = type(column.type)
        return isinstance(found["type"], types.get(kind, kind)) and (
            found["nullable"] == column.nullable
        )

    for table in METADATA.tables.values():
        found = {column["name"]: column for column in columns[table]}
        said = {
            "lacks": [column.name for column in table.columns if column.name not in found],
            "has the unknown": [name for name in found if name not in table.columns],
            "has other types of": [
                column.name
                for column in table.columns
                if column.name in found and not is_stored(found[column.name], column)
            ],
        }
        parts = [f"{what} {', '.join(names)}" for what, names in said.items() if names]
        if parts:
            lines.append(f"- {connection.schema_for_object(table)}.{table.name} {'; '.join(parts)}")
    return lines
