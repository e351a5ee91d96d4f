"""What is wrong with a frame that shall become a panel, said with the place and the remedy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, SupportsIndex

import numpy as np
import pandas as pd

from hill_mmm.panel.rows import ALL_SERIES, WEEK, Floats, Rows, week_starts

MIN_WEEKS = 52

Role = Literal["outcome", "value", "spend", "organic", "control"]
NOT_NEGATIVE = {
    "spend": "spend cannot be negative: book refunds to the week of the spend",
    "organic": "exposures cannot be negative: correct them at the source",
    "value": "a value cannot be negative: book returns to the week of the sale",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input.

    Attributes:
        code: stable name of the kind of problem, such as `negative_spend`.
        message: what was found, where, and what to do about it; it begins with the series when
            there is more than one.
        variable: the column concerned, or None for the whole panel.
        week: first day of the first week concerned, or None.
        series: the series concerned, or None for all of them and for a frame without a series
            column.
    """

    code: str
    message: str
    variable: str | None = None
    week: str | None = None
    series: str | None = None


class PanelError(ValueError):
    """The data cannot be made into a panel; `problems` lists every reason found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in problems))


# What the calendar of a series lacks, in the same words whoever finds it: the job judges its weekly
# table before that becomes a frame.
def missing_week(week: object) -> tuple[str, str]:
    """Code and message of a week without a row."""
    return (
        "missing_week",
        f"the week of {week} has no row; add it, with 0 where nothing was spent or sold",
    )


def duplicate_week(week: object, rows: object) -> tuple[str, str]:
    """Code and message of a week with several rows."""
    return "duplicate_week", f"the week of {week} has {rows} rows; keep one row a week"


def early_end(week: object) -> tuple[str, str]:
    """Code and message of a series that ends before the others; `week` is the first it lacks."""
    return (
        "early_end",
        f"there is no row from the week of {week} on, but other series go on; add its weeks, with "
        "0 where nothing was spent or sold, or leave the series out",
    )


def reserved_series(name: str) -> tuple[str, str]:
    """Code and message of a series among several that would be taken for their sum."""
    return (
        "reserved_series",
        f"a series is called {name!r}, the name of their sum, {ALL_SERIES!r}; call it something "
        "else",
    )


def find_problems(
    frame: pd.DataFrame,
    *,
    outcome: str,
    channels: Sequence[str],
    controls: Sequence[str] = (),
    organic: Sequence[str] = (),
    value: str | None = None,
    series: str | None = None,
) -> list[Problem]:
    """Every reason why `Panel.from_frame` would refuse this frame: its weeks, then its columns."""
    variables = [outcome, *channels, *organic, *controls]
    valued = [] if value is None else [value]
    unusable = frame_problems(frame, [*variables, *valued], series)
    if unusable:
        return unusable
    rows = Rows.of(frame, series)
    problems = _week_problems(rows) + _end_problems(rows)
    with_outcome = rows.without_lead_in(outcome)
    problems += _length_problems(with_outcome)
    longest = int(with_outcome.weeks.max())
    if longest >= MIN_WEEKS and len(variables) > longest:
        message = f"{len(variables)} variables in {longest} weeks; leave controls out"
        problems.append(Problem("too_many_variables", message))
    roles: dict[str, Role] = {outcome: "outcome"}
    roles |= dict.fromkeys(valued, "value")
    roles |= dict.fromkeys(channels, "spend")
    roles |= dict.fromkeys(organic, "organic")
    roles |= dict.fromkeys(controls, "control")
    for name, role in roles.items():
        is_medium = role in ("spend", "organic")
        problems += _value_problems(rows if is_medium else with_outcome, name, role)
    for name in valued:
        problems += _worthless_weeks(with_outcome, outcome, name)
    return problems


def frame_problems(frame: pd.DataFrame, variables: list[str], series: str | None) -> list[Problem]:
    """What keeps the values from being looked at."""
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.hasnans:
        message = "index the frame by the first day of each week, as dates without gaps"
        return [Problem("not_dates", message)]
    columns = [*variables, *([] if series is None else [series])]
    repeated = {name for name in columns if columns.count(name) > 1}
    if repeated:
        return [
            Problem("repeated_variable", f"{name!r} is given more than one role", name)
            for name in sorted(repeated)
        ]
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        return [
            Problem(
                "missing_column",
                f"there is no column {name!r}; the columns are {sorted(map(str, frame.columns))}",
                name,
            )
            for name in missing
        ]
    problems = [
        Problem("not_numbers", f"{name} is not a column of numbers; convert it first", name)
        for name in variables
        if not pd.api.types.is_numeric_dtype(frame[name])
    ]
    if series is not None:
        problems += _series_problems(frame, series)
    if not problems and not len(frame):
        problems.append(Problem("too_few_weeks", _too_few_weeks(0)))
    return problems


def _series_problems(frame: pd.DataFrame, series: str) -> list[Problem]:
    nameless = week_starts(frame)[frame[series].isna().to_numpy()]
    problems = [
        Problem(
            "missing_series",
            f"{series} names no series in {count} row(s) of the week of {week}; "
            "say which series they belong to",
            series,
            str(week),
        )
        for week, count in zip(*np.unique(nameless, return_counts=True), strict=True)
    ]
    names = sorted(frame[series].dropna().astype(str).unique())
    return problems + [
        Problem(*reserved_series(name), series=name)
        for name in names
        if len(names) > 1 and name.strip().lower() == ALL_SERIES
    ]


def _too_few_weeks(weeks: int) -> str:
    return (
        f"{weeks} weeks of history; at least {MIN_WEEKS} are needed to tell seasonality from media"
    )


def _week_problems(rows: Rows) -> list[Problem]:
    """Weeks that do not follow each other within a series."""
    problems: list[Problem] = []
    broken = (np.diff(rows.week) != WEEK) & (np.diff(rows.group) == 0)
    for row in np.flatnonzero(broken):
        previous, week, group = rows.week[row], rows.week[row + 1], rows.group[row]
        if week == previous:
            of_week = int(np.count_nonzero((rows.week == week) & (rows.group == group)))
            problems.append(_in_series(rows, *duplicate_week(week, of_week), group, week=week))
        else:
            missing = previous + WEEK
            problems.append(_in_series(rows, *missing_week(missing), group, week=missing))
    return problems


def _length_problems(rows: Rows) -> list[Problem]:
    """Series that are too short."""
    return [
        _in_series(rows, "too_few_weeks", _too_few_weeks(rows.weeks[group]), group)
        for group in np.flatnonzero(rows.weeks < MIN_WEEKS)
    ]


def _end_problems(rows: Rows) -> list[Problem]:
    """Series off the calendar of most others, or without its last weeks."""
    last = rows.last_week
    weekday = last.astype(np.int64) % 7
    usual = weekday == np.bincount(weekday).argmax()
    end = last[usual].max()
    problems = [
        _in_series(
            rows,
            "other_week_start",
            f"its weeks begin on {_day_name(last[group])} (such as {last[group]}), those of other "
            f"series on {_day_name(end)} (such as {end}); let the weeks of all begin on one day",
            group,
            week=last[group],
        )
        for group in np.flatnonzero(~usual)
    ]
    return problems + [
        _in_series(rows, *early_end(last[group] + WEEK), group, week=last[group] + WEEK)
        for group in np.flatnonzero(usual & (last < end))
    ]


def _day_name(day: np.datetime64) -> str:
    return pd.Timestamp(day).day_name()


def _value_problems(rows: Rows, name: str, role: Role) -> list[Problem]:
    numbers = rows.frame[name].to_numpy(np.float64)
    problems = [
        _in_series(
            rows,
            f"missing_{role}" if np.isnan(numbers[row]) else f"non_finite_{role}",
            f"{name} has no finite value in the week of {rows.week[row]} (found {numbers[row]}); "
            "correct it at the source, with 0 where nothing was spent or sold",
            rows.group[row],
            variable=name,
            week=rows.week[row],
        )
        for row in np.flatnonzero(~np.isfinite(numbers))
    ]
    if role == "outcome":
        return problems + _outcome_problems(rows, name, numbers)
    if role == "control":
        return problems + _control_problems(rows, name, numbers)
    return problems + [
        _in_series(
            rows,
            f"negative_{role}",
            f"{name} is {numbers[row]:g} in the week of {rows.week[row]}; {NOT_NEGATIVE[role]}",
            rows.group[row],
            variable=name,
            week=rows.week[row],
        )
        for row in np.flatnonzero(numbers < 0)
    ]


def _worthless_weeks(rows: Rows, outcome: str, value: str) -> list[Problem]:
    """Weeks in which something was sold, and all of it for nothing."""
    units, money = (rows.frame[name].to_numpy(np.float64) for name in (outcome, value))
    return [
        _in_series(
            rows,
            "zero_value",
            f"{value} is 0 in the week of {rows.week[row]}, whose {outcome} is {units[row]:g}; "
            "correct it at the source",
            rows.group[row],
            variable=value,
            week=rows.week[row],
        )
        for row in np.flatnonzero((units > 0) & (money == 0))
    ]


def _outcome_problems(rows: Rows, name: str, numbers: Floats) -> list[Problem]:
    """Judged by series, for each is put on a scale of its own."""
    problems: list[Problem] = []
    finite = np.logical_and.reduceat(np.isfinite(numbers), rows.first)
    mean = np.add.reduceat(np.where(np.isfinite(numbers), numbers, 0.0), rows.first) / rows.weeks
    for group in np.flatnonzero(finite & (mean <= 0)):
        message = (
            f"{name} is {mean[group]:g} on average; the model needs a positive mean outcome: "
            "check its source and its sign"
        )
        problems.append(_in_series(rows, "no_outcome", message, group, variable=name))
    for group in np.flatnonzero(finite & (mean > 0) & rows.are_constant(numbers)):
        message = (
            f"{name} is {mean[group]:g} in every week, so nothing can be learned from it; "
            "check its source"
        )
        problems.append(_in_series(rows, "constant_outcome", message, group, variable=name))
    return problems


def _control_problems(rows: Rows, name: str, numbers: Floats) -> list[Problem]:
    """A control must vary in one series at least: what differs only between them is their level."""
    if not np.isfinite(numbers).all() or not rows.are_constant(numbers).all():
        return []
    found = f"{numbers[0]:g} in every week" if not np.ptp(numbers) else "constant in each series"
    message = f"{name} is {found}, so nothing can be learned from it; take it out of the settings"
    return [Problem("constant_control", message, name)]


def _in_series(
    rows: Rows,
    code: str,
    message: str,
    group: SupportsIndex,
    *,
    variable: str | None = None,
    week: object = None,
) -> Problem:
    """A problem of one series."""
    series = rows.series[group] if rows.series else None
    return Problem(
        code,
        f"{series}: {message}" if len(rows.series) > 1 else message,
        variable,
        None if week is None else str(week),
        series,
    )
