"""The warehouse: short transactions, one writer at a time, nothing held while sampling."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pandas as pd
import sqlalchemy as sa
from filelock import FileLock, Timeout
from pydantic import field_validator
from sqlalchemy.engine.interfaces import ReflectedColumn

from dagster_mmm.warehouse.tables import METADATA, SCHEMA

LOCK_SECONDS = 300


class WarehouseBusyError(RuntimeError):
    """Another process kept the warehouse locked for longer than we wait."""


class OutdatedTablesError(RuntimeError):
    """The warehouse holds result tables of another version, whose columns differ from ours."""


class WarehouseResource(dg.ConfigurableResource):
    """The DuckDB file that holds the raw table, the marts and the results.

    Attributes:
        path: the file; made with its folder where it is not there yet.
        lock_seconds: how long to wait for another writer.
    """

    path: str
    lock_seconds: int = LOCK_SECONDS

    @field_validator("path")
    @classmethod
    def _catalog_differs_from_schema(cls, path: str) -> str:
        # DuckDB names the catalog after the file, and finds `mmm.mmm_run` ambiguous then.
        if Path(path).stem == SCHEMA:
            raise ValueError(
                f"{path}: a DuckDB file cannot bear the name of the schema {SCHEMA!r}; "
                "call it something else, such as warehouse.duckdb"
            )
        return path

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep every other writer out, dbt included; DuckDB allows one writing process.

        Raises:
            WarehouseBusyError: if another process holds the lock for too long.
        """
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(f"{self.path}.lock", timeout=self.lock_seconds):
                yield
        except Timeout as error:
            raise WarehouseBusyError(
                f"another job has been writing to {self.path} for {self.lock_seconds} s; "
                "wait for it to end, or stop it, and run this again"
            ) from error

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """A locked transaction: committed at the end, rolled back on an error."""
        with self.locked():
            engine = sa.create_engine(f"duckdb:///{self.path}", poolclass=sa.NullPool)
            try:
                with engine.begin() as connection:
                    yield connection
            finally:
                engine.dispose()

    def create_result_tables(self) -> None:
        """Make the schema and the result tables where they are not there yet.

        Raises:
            OutdatedTablesError: if a table is there with other columns; none is made then.
        """
        with self.begin() as connection:
            connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
            METADATA.create_all(connection)
            differences = _differences(connection)
            if differences:
                raise OutdatedTablesError(
                    f"{self.path} holds result tables of another version of this project:\n"
                    + "\n".join(differences)
                    + f"\nRename these tables, or drop them if nobody needs their history; or move "
                    f"{self.path} aside and load the raw table again. Then run the job again: it "
                    "makes them anew."
                )

    def read(self, query: sa.Select | sa.TextClause) -> pd.DataFrame:
        """The rows of a query."""
        with self.begin() as connection:
            return pd.read_sql(query, connection)


def _differences(connection: sa.Connection) -> list[str]:
    """One line for each result table whose columns are not ours: by name, type or nullability."""
    inspector = sa.inspect(connection)
    lines: list[str] = []
    for table in METADATA.tables.values():
        columns = inspector.get_columns(str(table.name), schema=table.schema)
        found = {column["name"]: column for column in columns}
        said = {
            "lacks": [column.name for column in table.columns if column.name not in found],
            "has the unknown": [name for name in found if name not in table.columns],
            "has other types of": [
                column.name
                for column in table.columns
                if column.name in found and not _is_as_defined(found[column.name], column)
            ],
        }
        parts = [f"{what} {', '.join(names)}" for what, names in said.items() if names]
        if parts:
            lines.append(f"- {table.schema}.{table.name} {'; '.join(parts)}")
    return lines


def _is_as_defined(found: ReflectedColumn, column: sa.Column) -> bool:
    return isinstance(found["type"], type(column.type)) and found["nullable"] == column.nullable
