"""The warehouse: short transactions, one writer at a time, nothing held while sampling."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pandas as pd
import sqlalchemy as sa
from filelock import FileLock, Timeout
from pydantic import field_validator

from dagster_mmm.warehouse.tables import METADATA, SCHEMA

LOCK_SECONDS = 300


class WarehouseBusyError(RuntimeError):
    """Another process kept the warehouse locked for longer than we wait."""


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
        """Make the schema and the result tables where they are not there yet."""
        with self.begin() as connection:
            connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
            METADATA.create_all(connection)

    def read(self, query: sa.Select | sa.TextClause) -> pd.DataFrame:
        """The rows of a query."""
        with self.begin() as connection:
            return pd.read_sql(query, connection)
