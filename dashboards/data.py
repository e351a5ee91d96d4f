"""The one place that asks the warehouse: SQL in, rows out, and no connection kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
import streamlit as st
from sqlalchemy.exc import DBAPIError

from dagster_mmm.environment import schema, warehouse_url
from dagster_mmm.warehouse.engine import make_engine
from dagster_mmm.warehouse.errors import is_damaged
from dagster_mmm.warehouse.snapshot import snapshot_of
from dagster_mmm.warehouse.tables import SCHEMA
from dagster_mmm.warehouse.url import DUCKDB, parse_url, place

# A run's rows never change; what depends on the day may be this old.
CACHE_SECONDS = 600

Parameters = Mapping[str, str | float]


class NothingPublishedError(Exception):
    """There is nothing to show yet; the text says what to do."""


class DamagedCopyError(Exception):
    """The copy for dashboards cannot be read; the text says what makes it anew."""


@dataclass(frozen=True)
class Answer:
    """Rows, and the SQL that they are the answer to.

    Attributes:
        rows: a frame of the query's columns.
        sql: the query with its parameters written out: it runs as it stands.
    """

    rows: pd.DataFrame
    sql: str


def source() -> sa.URL:
    """What is read: the copy beside a DuckDB warehouse, or the warehouse itself.

    Raises:
        NothingPublishedError: if no run has been published to that copy yet.
    """
    url = parse_url(warehouse_url())
    if url.get_backend_name() != DUCKDB:
        return url
    copy = snapshot_of(Path(str(url.database)), schema())
    if not copy.exists():
        raise NothingPublishedError(
            f"There is no published run: {copy} does not exist. Run the job, as by "
            "`mmm run`; the copy for dashboards is written when a run is published."
        )
    return url.set(database=str(copy))


def ask(sql: str, **parameters: str | float) -> Answer:
    """The answer to a query, from the cache where it was asked before.

    Args:
        sql: a select with `:name` for each parameter. It names a run, by which the cache is keyed.
        **parameters: their values.
    """
    url = source()
    sql = _in_schema(sql, url)
    text = _written_out(sql, parameters, url)
    return Answer(_cached(place(url), sql, parameters), text)


def ask_now(sql: str) -> pd.DataFrame:
    """The rows of a query, past the cache: for what may change at any moment."""
    url = source()
    return _read(url, _in_schema(sql, url), {})


def _in_schema(sql: str, url: sa.URL) -> str:
    """The query on the views of `MMM_SCHEMA`; the copy of a DuckDB warehouse has them in `mmm`."""
    if url.get_backend_name() == DUCKDB or schema() == SCHEMA:
        return sql
    preparer = url.get_dialect()().identifier_preparer
    return sql.replace(f"{SCHEMA}.mmm_", f"{preparer.quote_schema(schema())}.mmm_")


def exists(view: str) -> bool:
    """Whether the schema has a view, or in the copy a table, of this name."""
    answer = ask(
        "select table_name from information_schema.tables "
        # Snowflake keeps these names in capitals.
        "where lower(table_schema) = :schema and lower(table_name) = :view",
        schema=SCHEMA if source().get_backend_name() == DUCKDB else schema(),
        view=view,
    )
    return not answer.rows.empty


# `where` keeps the answers of two warehouses apart; the password is no part of it.
@st.cache_data(ttl=CACHE_SECONDS, max_entries=1000, show_spinner=False)
def _cached(where: str, sql: str, parameters: Parameters) -> pd.DataFrame:
    return _read(source(), sql, parameters)


def _read(url: sa.URL, sql: str, parameters: Parameters) -> pd.DataFrame:
    engine = make_engine(url, schema(), read_only=url.get_backend_name() == DUCKDB)
    try:
        with engine.connect() as connection:
            return pd.read_sql_query(sa.text(sql), connection, params=dict(parameters))
    except DBAPIError as error:
        if is_damaged(str(error.orig)):
            raise DamagedCopyError(
                f"The copy that dashboards read, {place(url)}, is damaged; run the job "
                "`dashboards`, which makes it anew."
            ) from error
        raise
    finally:
        engine.dispose()


def _written_out(sql: str, parameters: Parameters, url: sa.URL) -> str:
    bound = sa.text(sql).bindparams(**parameters)
    return str(bound.compile(dialect=url.get_dialect()(), compile_kwargs={"literal_binds": True}))
