"""The rows of one model in a raw table: of one place, one currency, and known channels."""

import re
from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa

from dagster_mmm.inputs.errors import RawTableError


class Rows(NamedTuple):
    """A model's rows of a table.

    Attributes:
        name: the table, as in the settings.
        table: the table.
        are_ours: which of its rows are the model's.
    """

    name: str
    table: sa.TableClause
    are_ours: "sa.ColumnElement[bool]"

    def select(self, *columns: "sa.ColumnElement[Any]") -> sa.Select:
        """A query of them."""
        return sa.select(*columns).select_from(self.table).where(self.are_ours)


def rows_of(of_table: str, model_column: str | None, model_key: str) -> Rows:
    """The rows of a model in a table, where a column names it; without one, all of them."""
    schema, name = of_table.split(".")
    table = sa.table(name, schema=schema)
    are_ours = sa.true() if model_column is None else text_of(sa.column(model_column)) == model_key
    return Rows(of_table, table, are_ours)


def require_known(
    connection: sa.Connection, rows: Rows, column: str, known: Collection[str], remedy: str
) -> None:
    """Spend of a channel or series that the model does not know would be lost in silence."""
    text = text_of(sa.column(column))
    counts = connection.execute(rows.select(text, sa.func.count()).group_by(text)).all()
    unknown: Counter[str] = Counter()
    for found, n in counts:
        if (found or "") not in known:
            unknown[found or ""] += n
    if unknown:
        found = ", ".join(f"{text!r} ({n} rows)" for text, n in sorted(unknown.items()))
        raise RawTableError(f"{rows.name} has {column} {found}; {remedy}")


def text_of(column: "sa.ColumnElement[Any]") -> "sa.ColumnElement[str]":
    """A column as text, without the spaces around it."""
    return sa.func.trim(sa.cast(column, sa.String))


def require_one_time_zone(connection: sa.Connection, rows: Rows, column: str) -> None:
    """The day is read as written, so times of day have to be of one place."""
    after_day = sa.func.substr(sa.cast(sa.column(column), sa.String), 11)
    has_time = after_day.like("%:%")
    tails = connection.scalars(
        rows.select(sa.func.right(after_day, 6)).where(has_time, _has_offset(after_day)).distinct()
    )
    offsets = {tail: _minutes_from_utc(tail) for tail in tails}
    without = rows.select(sa.func.count()).where(has_time, ~_has_offset(after_day))
    is_partial = bool(offsets) and bool(connection.scalar(without))
    # Summer time is one hour ahead of winter.
    if is_partial or (offsets and max(offsets.values()) - min(offsets.values()) > 60):
        found = sorted({f"{m // 60:+03d}:{m % 60:02d}" for m in offsets.values()})
        raise RawTableError(
            f"column {column!r} of {rows.name} has times of the UTC offsets "
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


def require_one_currency(
    connection: sa.Connection, rows: Rows, column: str | None, currency: str
) -> None:
    """Money in two currencies cannot be added up."""
    if column is None:
        return
    named = sa.func.upper(text_of(sa.column(column)))
    counts = connection.execute(rows.select(named, sa.func.count()).group_by(named)).all()
    others = {name: n_rows for name, n_rows in counts if name != currency}
    if others:
        found = ", ".join(
            f"{n} in {name!r}" if name else f"{n} in none" for name, n in others.items()
        )
        raise RawTableError(
            f"{rows.name} has rows in other currencies than {currency} (column "
            f"{column!r}): {found}; convert them at the source"
        )
