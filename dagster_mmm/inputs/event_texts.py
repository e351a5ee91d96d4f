"""The texts of columns in which a control looks for one of its own, such as `equals: Sale`.

SQL reads every other text as 0. So a text that is misspelled, in the settings or in the table,
would be a week without the event.
"""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from dagster_mmm.inputs.errors import RawTableError
from dagster_mmm.inputs.model_rows import Rows
from dagster_mmm.settings import Settings, as_read, folded
from dagster_mmm.settings.sections import ControlSettings
from hill_mmm.panel import Problem

# So alike are `Sale` and `Sales`, and not `Sale` and `Presale`.
ALIKE = 0.8
# A message is no table.
SHOWN = 5


class EventColumn(NamedTuple):
    """A column of texts, and the controls that look for theirs in it.

    Attributes:
        name: the column.
        controls: those controls.
        others: how many rows have each text that no control looks for; blank ones are not here.
        blank: how many rows have none.
        unseen: the controls whose text no row has.
    """

    name: str
    controls: tuple[ControlSettings, ...]
    others: dict[str, int]
    blank: int
    unseen: tuple[ControlSettings, ...]


def event_columns(
    connection: sa.Connection, rows: Rows, settings: Settings
) -> tuple[EventColumn, ...]:
    """The columns of texts among the controls', with what the model's rows have in them."""
    by_column: dict[str, list[ControlSettings]] = {}
    for control in settings.controls:
        if control.equals is not None:
            by_column.setdefault(control.column, []).append(control)
    return tuple(_found(connection, rows, name, each) for name, each in by_column.items())


def require_seen(columns: Iterable[EventColumn], table: str) -> None:
    """Every control's text is in the table, and no text is the same to a reader and not to SQL.

    Raises:
        RawTableError: naming each control whose text is not there, and each such spelling.
    """
    lines: list[str] = []
    for column in columns:
        lines += [
            f"control {control.name}: no row of {table} has {control.equals!r} in column "
            f"{column.name!r}, which has {_counted(column)}; correct equals to one of its texts"
            for control in column.unseen
        ]
        lines += [
            f"column {column.name!r} of {table} has {text!r} ({n} rows), which is "
            f"{control.equals!r} in another case or encoding; spell it as control {control.name} "
            "does"
            for text, n in column.others.items()
            for control in column.controls
            if as_read(text) == as_read(control.equals or "")
        ]
    if lines:
        raise RawTableError("\n".join(lines))


def event_advice(columns: Iterable[EventColumn]) -> tuple[Problem, ...]:
    """Rows that are read as weeks without an event, and may be of weeks with one."""
    return tuple(
        point
        for column in columns
        for point in (*_nearly_spelled(column), *_blank_among_texts(column))
    )


def _found(
    connection: sa.Connection, rows: Rows, name: str, controls: list[ControlSettings]
) -> EventColumn:
    text = sa.cast(sa.column(name), sa.String)
    counts = connection.execute(rows.select(text, sa.func.count()).group_by(text)).all()
    wanted = {folded(control.equals or "") for control in controls}
    seen = {folded(found) for found, _ in counts if found is not None}
    is_blank = {found: not as_read(found or "") for found, _ in counts}
    others = {
        found: n for found, n in counts if not is_blank[found] and folded(found) not in wanted
    }
    return EventColumn(
        name,
        tuple(controls),
        dict(sorted(others.items(), key=lambda item: (-item[1], item[0]))),
        sum(n for found, n in counts if is_blank[found]),
        tuple(control for control in controls if folded(control.equals or "") not in seen),
    )


def _nearly_spelled(column: EventColumn) -> list[Problem]:
    by_reading = {as_read(text): text for text in column.others}
    points: list[Problem] = []
    for control in column.controls:
        wanted = as_read(control.equals or "")
        close = difflib.get_close_matches(wanted, by_reading, n=SHOWN, cutoff=ALIKE)
        if close:
            texts = [by_reading[text] for text in close]
            found = ", ".join(f"{text!r} ({column.others[text]} rows)" for text in texts)
            points.append(
                Problem(
                    "similar_text",
                    f"{control.name} is 1 where column {column.name!r} has {control.equals!r}, and "
                    f"0 where it has {found}; if that is the same, spell it one way",
                    control.name,
                )
            )
    return points


def _blank_among_texts(column: EventColumn) -> list[Problem]:
    """A column of events alone is blank in weeks without; one that has a text for them is not."""
    if not column.blank or not column.others:
        return []
    names = ", ".join(control.name for control in column.controls)
    return [
        Problem(
            "blank_text",
            f"{names} is 0 in the {column.blank} rows that are blank in column {column.name!r}, "
            f"which elsewhere has a text of its own for weeks without it, such as "
            f"{next(iter(column.others))!r}; see that nothing is missing there",
            names,
        )
    ]


def _counted(column: EventColumn) -> str:
    texts = list(column.others.items())
    found = [f"{text!r} ({n} rows)" for text, n in texts[:SHOWN]]
    found += [f"{len(texts) - SHOWN} more texts"] if len(texts) > SHOWN else []
    return ", ".join(found) or "no other text"
