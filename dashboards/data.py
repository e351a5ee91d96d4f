"""The one place that asks the warehouse: SQL in, rows out, and no connection kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
import streamlit as st

from dagster_mmm.environment import warehouse_url
from dagster_mmm.warehouse.engine import LOCK_SECONDS, make_engine
from dagster_mmm.warehouse.snapshot import snapshot_of
from dagster_mmm.warehouse.tables import SCHEMA
from dagster_mmm.warehouse.url import DUCKDB, parse_url, place

# A run's rows never change; what depends on the day may be this old.
CACHE_SECONDS = 600

Parameters = Mapping[str, str | float]


class NothingPublishedError(Exception):
    """There is nothing to show yet; the text says what to do."""


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
    copy = snapshot_of(Path(str(url.database)))
    if not copy.exists():
        raise NothingPublishedError(
            f"There is no published run: {copy} does not exist. Run the job (make demo, or make "
            "run with your CONFIG); the copy for dashboards is written when a run is published."
        )
    return url.set(database=str(copy))


def ask(sql: str, **parameters: str | float) -> Answer:
    """The answer to a query, from the cache where it was asked before.

    Args:
        sql: a select with `:name` for each parameter. It names a run, by which the cache is keyed.
        **parameters: their values.
    """
    url = source()
    text = _written_out(sql, parameters, url)
    return Answer(_cached(place(url), sql, parameters), text)


def ask_now(sql: str) -> pd.DataFrame:
    """The rows of a query, past the cache: for what may change at any moment."""
    return _read(source(), sql, {})


def exists(view: str) -> bool:
    """Whether the schema has a view, or in the copy a table, of this name."""
    answer = ask(
        "select table_name from information_schema.tables "
        # Snowflake keeps these names in capitals.
        "where lower(table_schema) = :schema and lower(table_name) = :view",
        schema=SCHEMA,
        view=view,
    )
    return not answer.rows.empty


# `where` keeps the answers of two warehouses apart; the password is no part of it.
@st.cache_data(ttl=CACHE_SECONDS, max_entries=1000, show_spinner=False)
def _cached(where: str, sql: str, parameters: Parameters) -> pd.DataFrame:
    return _read(source(), sql, parameters)


def _read(url: sa.URL, sql: str, parameters: Parameters) -> pd.DataFrame:
    engine = make_engine(url, LOCK_SECONDS, read_only=url.get_backend_name() == DUCKDB)
    try:
        with engine.connect() as connection:
            return pd.read_sql_query(sa.text(sql), connection, params=dict(parameters))
    finally:
        engine.dispose()


def _written_out(sql: str, parameters: Parameters, url: sa.URL) -> str:
    bound = sa.text(sql).bindparams(**parameters)
    return str(bound.compile(dialect=url.get_dialect()(), compile_kwargs={"literal_binds": True}))
