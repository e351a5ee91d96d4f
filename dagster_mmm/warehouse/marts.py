"""What dbt made of the raw rows: the input of each model, and which models there are."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from dagster_mmm.settings import Models, invalid_key_reason
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.tables import SCHEMA

if TYPE_CHECKING:
    import pandas as pd

# Tables, of which SQLAlchemy translates the schema, as it does not of `sa.table`.
WEEKLY_INPUT = sa.Table(
    "mmm_weekly_input",
    sa.MetaData(),
    *map(
        sa.Column,
        (
            "model_key",
            "series_key",
            "week_start",
            "value",
            "n_rows",
            "n_days",
            "n_unreadable",
            "last_date",
            "settings_file",
        ),
    ),
    schema=SCHEMA,
)
REJECTED_INPUT = sa.Table(
    "mmm_rejected_input",
    sa.MetaData(),
    *map(sa.Column, ("model_key", "series_key", "raw_date", "n_rows", "settings_file")),
    schema=SCHEMA,
)
# Without it, `mmm_weekly_input` is of an earlier version.
NEWEST_COLUMN = "is_beyond_reports"
# The days of a week of a business that is closed on one or two of them.
OPEN_DAYS = (5, 6)


class ModelKeys(NamedTuple):
    """The models of the settings and of the data.

    Attributes:
        usable: their keys, sorted.
        unusable: what is wrong with texts of the `model_column` that cannot be keys.
    """

    usable: tuple[str, ...]
    unusable: tuple[str, ...]


def read_marts(warehouse: Warehouse, model_key: str) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """The rows of `mmm_weekly_input` and `mmm_rejected_input` of one model.

    A message gives the first rejected row as an example: rows without an order would change it.
    """
    weekly, rejected = (
        sa.select(sa.text("*")).select_from(mart).where(mart.c.model_key == model_key)
        for mart in (WEEKLY_INPUT, REJECTED_INPUT)
    )
    by_date = rejected.order_by(REJECTED_INPUT.c.raw_date, REJECTED_INPUT.c.series_key)
    return warehouse.read(weekly), warehouse.read(by_date)


def model_keys(warehouse: Warehouse, models: Models) -> ModelKeys:
    """The models that the settings declare and, with a `model_column`, those of the input."""
    found: set[str] = set()
    if models.model_column is not None and has_input(warehouse):
        found = set(models_in_data(warehouse, models))
    reasons = {key: invalid_key_reason(key) for key in found}
    usable = {key for key, reason in reasons.items() if reason is None}
    return ModelKeys(
        tuple(sorted(usable.union(models.declared))),
        tuple(sorted(reason for reason in reasons.values() if reason is not None)),
    )


def models_in_data(warehouse: Warehouse, models: Models) -> frozenset[str]:
    """The models that `mmm_weekly_input` was built with for this settings file."""
    query = sa.select(WEEKLY_INPUT.c.model_key).where(_is_built_by(WEEKLY_INPUT, models)).distinct()
    return frozenset(warehouse.read(query)["model_key"])


def models_of_others(warehouse: Warehouse, models: Models) -> frozenset[str]:
    """The models of `mmm_weekly_input` that another settings file has built."""
    if not has_input(warehouse):
        return frozenset()
    query = (
        sa.select(WEEKLY_INPUT.c.model_key).where(~_is_built_by(WEEKLY_INPUT, models)).distinct()
    )
    return frozenset(warehouse.read(query)["model_key"])


def _is_built_by(mart: sa.Table, models: Models) -> "sa.ColumnElement[bool]":
    # Who runs dbt by itself names no file.
    return mart.c.settings_file.in_(("", str(models.path.resolve())))


def rows_of_no_model(warehouse: Warehouse, models: Models) -> int:
    """How many raw rows of this settings file's tables are blank in the `model_column`."""
    n_rows = sa.func.coalesce(_total(REJECTED_INPUT.c.n_rows), 0).label("n_rows")
    is_ours = _is_built_by(REJECTED_INPUT, models)
    rows = warehouse.read(sa.select(n_rows).where(REJECTED_INPUT.c.model_key.is_(None), is_ours))
    return int(rows["n_rows"].iloc[0])


def arrived(warehouse: Warehouse, weeks: Mapping[str, date], days: int) -> frozenset[str]:
    """The models whose input of a week is there: every value of every series can be read.

    Args:
        warehouse: the warehouse; before the first build, nothing has arrived.
        weeks: the first day of the week that is asked for, by model.
        days: the days that a week of the input has, 1 where it is weekly; a series that never has
            more than the weekdays needs no more.
    """
    if not has_input(warehouse):
        return frozenset()
    column = WEEKLY_INPUT.c
    most = (
        sa.select(column.model_key, column.series_key, sa.func.max(column.n_days).label("n_days"))
        .group_by(column.model_key, column.series_key)
        .subquery()
    )
    is_open_day_feed = sa.and_(most.c.n_days.in_(OPEN_DAYS), column.n_days >= most.c.n_days)
    is_whole = sa.or_(column.n_days >= days, is_open_day_feed)
    complete = sa.and_(
        sa.func.min(column.n_rows) > 0,
        sa.func.min(sa.case((is_whole, 1), else_=0)) == 1,
        sa.func.max(column.n_unreadable) == 0,
    )
    query = (
        sa.select(column.model_key, column.week_start)
        .join_from(
            WEEKLY_INPUT,
            most,
            sa.and_(column.model_key == most.c.model_key, column.series_key == most.c.series_key),
        )
        .where(column.week_start.in_(sorted(set(weeks.values()))))
        .group_by(column.model_key, column.week_start)
        .having(complete)
    )
    rows = warehouse.read(query)
    found = {(str(row.model_key), str(row.week_start)[:10]) for row in rows.itertuples()}
    return frozenset(key for key, week in weeks.items() if (key, str(week)) in found)


def input_fingerprints(warehouse: Warehouse) -> dict[str, str]:
    """By model, what changes when a value, row or text of its input does."""
    if not has_input(warehouse):
        return {}
    column = WEEKLY_INPUT.c
    # Of sums, whose last digits depend on the order that a database adds in.
    query = sa.select(
        column.model_key,
        sa.func.count().label("n_values"),
        _total(column.n_rows).label("n_rows"),
        _total(column.n_unreadable).label("n_unreadable"),
        sa.func.max(column.last_date).label("last_date"),
        sa.func.sum(sa.func.abs(column.value)).label("total"),
        sa.func.sum(column.value * column.value).label("squares"),
    ).group_by(column.model_key)
    return {
        str(row.model_key): (
            f"{row.n_values:.0f}-{row.n_rows:.0f}-{row.n_unreadable:.0f}-{row.last_date}"
            f"-{row.total:.9g}-{row.squares:.9g}"
        )
        for row in warehouse.read(query).itertuples()
    }


def has_input(warehouse: Warehouse) -> bool:
    """Whether dbt has built `mmm_weekly_input`, as this version has it."""
    with warehouse.begin() as connection:
        inspector = sa.inspect(connection)
        if not inspector.has_table("mmm_weekly_input", schema=warehouse.schema):
            return False
        columns = inspector.get_columns("mmm_weekly_input", schema=warehouse.schema)
    return NEWEST_COLUMN in {column["name"] for column in columns}


def _total(column: "sa.ColumnElement[int]") -> "sa.ColumnElement[int]":
    """A sum of whole numbers, which Postgres would make a decimal."""
    return sa.cast(sa.func.sum(column), sa.BigInteger)
