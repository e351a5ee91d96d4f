"""The panel: weekly outcome, media and controls of one or many series, checked for the model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, SupportsIndex

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MIN_WEEKS = 52
WEEK = np.timedelta64(7, "D")

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Weeks = NDArray[np.datetime64]

_Role = Literal["outcome", "spend", "organic", "control"]
_NOT_NEGATIVE = {
    "spend": "spend cannot be negative: book refunds to the week of the spend",
    "organic": "exposures cannot be negative: correct them at the source",
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


@dataclass(frozen=True)
class Panel:
    """Weekly data of one or many series on one calendar.

    As `from_frame` makes it: consecutive weeks, finite values, no negative media. A series may
    start later than the others; all end in the last week.

    Attributes:
        series: names of the series (brands, markets), in the order of every array's second axis.
        weeks: first day of each week, `datetime64[D]`, shape `(weeks,)`.
        outcome: revenue or another outcome a week, shape `(weeks, series)`, in the model's
            currency; NaN before a series' start.
        spend: shape `(weeks, series, channels)`, in the model's currency; 0 before the start.
        organic: exposures of media that cost nothing (newsletters sent, ...), shape
            `(weeks, series, organic)`, in any unit; 0 before the start.
        controls: shape `(weeks, series, controls)`, in any unit; 0 before the start.
        starts: index of the first observed week of each series, shape `(series,)`.
        channels: names of the paid channels, in the order of `spend`'s last axis.
        organic_names: names of the organic media, in the order of `organic`'s last axis.
        control_names: names of the controls, in the order of `controls`' last axis.
    """

    series: tuple[str, ...]
    weeks: Weeks
    outcome: Floats
    spend: Floats
    organic: Floats
    controls: Floats
    starts: Integers
    channels: tuple[str, ...]
    organic_names: tuple[str, ...]
    control_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.weeks)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        outcome: str,
        channels: Sequence[str],
        controls: Sequence[str] = (),
        organic: Sequence[str] = (),
        series: str | None = None,
        name: str = "national",
    ) -> "Panel":
        """Check a wide frame and make it a panel, its series in the order of their names.

        Args:
            frame: one row a week and series, in any order, indexed by the week's first day, with
                one column a variable.
            outcome: column of the outcome.
            channels: columns of spend.
            controls: columns of controls.
            organic: columns of exposures of organic media.
            series: column that names the series; None for a frame of one series.
            name: name of that one series.

        Raises:
            PanelError: with every problem that `find_problems` finds.
        """
        problems = find_problems(
            frame,
            outcome=outcome,
            channels=channels,
            controls=controls,
            organic=organic,
            series=series,
        )
        if problems:
            raise PanelError(problems)
        rows = _Rows.of(frame, series)
        return cls(
            series=rows.series or (name,),
            weeks=rows.calendar,
            outcome=rows.grid([outcome], before_start=np.nan)[:, :, 0],
            spend=rows.grid(channels),
            organic=rows.grid(organic),
            controls=rows.grid(controls),
            starts=rows.position[rows.first],
            channels=tuple(channels),
            organic_names=tuple(organic),
            control_names=tuple(controls),
        )

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Whether a series has started by a week, shape `(weeks, series)`."""
        return np.arange(len(self))[:, None] >= self.starts

    @property
    def media(self) -> Floats:
        """Spend, then organic exposures, shape `(weeks, series, channels + organic)`."""
        return np.concatenate([self.spend, self.organic], axis=2)

    @property
    def media_names(self) -> tuple[str, ...]:
        """Names of the paid channels, then of the organic media, in the order of `media`."""
        return self.channels + self.organic_names

    @property
    def silent_channels(self) -> tuple[str, ...]:
        """The media that are 0 in every week of every series, which cannot be fitted."""
        silent = ~self.media.any(axis=(0, 1))
        return tuple(self.media_names[at] for at in np.flatnonzero(silent))

    def head(self, weeks: int) -> "Panel":
        """The first `weeks` weeks as a panel of their own, to train on before a holdout.

        A series that has not started by then is left out.
        """
        started = [name for name, at in zip(self.series, self.starts, strict=True) if at < weeks]
        first = replace(
            self,
            weeks=self.weeks[:weeks],
            outcome=self.outcome[:weeks],
            spend=self.spend[:weeks],
            organic=self.organic[:weeks],
            controls=self.controls[:weeks],
        )
        return first.only(started)

    def only(self, series: Sequence[str]) -> "Panel":
        """The panel of these series alone, on the same calendar."""
        at = [self.series.index(name) for name in series]
        return replace(
            self,
            series=tuple(series),
            outcome=self.outcome[:, at],
            spend=self.spend[:, at],
            organic=self.organic[:, at],
            controls=self.controls[:, at],
            starts=self.starts[at],
        )

    def followed_by(self, future: pd.DataFrame, *, series: str | None = None) -> "Panel":
        """The panel with weeks to come, whose outcome is not known (NaN).

        Args:
            future: one row a week and series, indexed by the week's first day, with a column for
                each channel, control and organic medium; its weeks follow the panel's last.
            series: column that names the series; None for a panel of one.

        Raises:
            PanelError: if the weeks do not follow, or a column or series is missing.
        """
        variables = [*self.channels, *self.organic_names, *self.control_names]
        unusable = _frame_problems(future, variables, series)
        if unusable:
            raise PanelError(unusable)
        rows = _Rows.of(future, series)
        expected = self.weeks[-1] + WEEK * np.arange(1, len(rows.calendar) + 1)
        if (series and rows.series != self.series) or not np.array_equal(rows.calendar, expected):
            message = (
                f"the weeks to come must follow {self.weeks[-1]} without a gap, with a row for "
                f"every series of {self.series}"
            )
            raise PanelError([Problem("future_does_not_follow", message)])
        unknown = np.full((len(expected), len(self.series)), np.nan)
        return replace(
            self,
            weeks=np.concatenate([self.weeks, expected]),
            outcome=np.concatenate([self.outcome, unknown]),
            spend=np.concatenate([self.spend, rows.grid(self.channels)]),
            organic=np.concatenate([self.organic, rows.grid(self.organic_names)]),
            controls=np.concatenate([self.controls, rows.grid(self.control_names)]),
        )


@dataclass(frozen=True)
class _Rows:
    """A usable frame's rows, ordered by series and week.

    Attributes:
        frame: the rows in that order.
        series: the names found in the series column; empty where there is none.
        group: index of each row's series.
        week: first day of each row's week.
        first: index of the first row of each series.
        weeks: number of rows of each series.
    """

    frame: pd.DataFrame
    series: tuple[str, ...]
    group: Integers
    week: Weeks
    first: Integers
    weeks: Integers

    @classmethod
    def of(cls, frame: pd.DataFrame, series: str | None) -> "_Rows":
        if series is None:
            group, names = np.zeros(len(frame), dtype=np.int64), ()
        else:
            group, names = pd.factorize(frame[series].astype(str).to_numpy(), sort=True)
        week = _week_starts(frame)
        order = np.lexsort((week, group))
        weeks = np.bincount(group)
        return cls(
            frame=frame.iloc[order],
            series=tuple(str(name) for name in names),
            group=group[order],
            week=week[order],
            first=np.cumsum(weeks) - weeks,
            weeks=weeks,
        )

    @property
    def last_week(self) -> Weeks:
        """The last week of each series."""
        return self.week[self.first + self.weeks - 1]

    @property
    def calendar(self) -> Weeks:
        """Every week from the first of any series to the last."""
        return np.arange(self.week.min(), self.week.max() + WEEK, WEEK)

    @property
    def position(self) -> Integers:
        """Index of each row's week in the calendar."""
        return (self.week - self.week.min()) // WEEK

    def grid(self, columns: Sequence[str], before_start: float = 0.0) -> Floats:
        """The columns' values by week and series, shape `(weeks, series, columns)`."""
        values = np.full((len(self.calendar), len(self.weeks), len(columns)), before_start)
        values[self.position, self.group] = self.frame[list(columns)].to_numpy(np.float64)
        return values

    def are_constant(self, numbers: Floats) -> NDArray[np.bool_]:
        """For each series, whether its numbers, one a row, are all the same."""
        low, high = (f.reduceat(numbers, self.first) for f in (np.minimum, np.maximum))
        return (low == high) & (self.weeks > 1)

    def problem(
        self,
        code: str,
        message: str,
        group: SupportsIndex,
        *,
        variable: str | None = None,
        week: object = None,
    ) -> Problem:
        """A problem of one series."""
        series = self.series[group] if self.series else None
        return Problem(
            code,
            f"{series}: {message}" if len(self.series) > 1 else message,
            variable,
            None if week is None else str(week),
            series,
        )


def find_problems(
    frame: pd.DataFrame,
    *,
    outcome: str,
    channels: Sequence[str],
    controls: Sequence[str] = (),
    organic: Sequence[str] = (),
    series: str | None = None,
) -> list[Problem]:
    """Every reason why `Panel.from_frame` would refuse this frame: its weeks, then its columns."""
    variables = [outcome, *channels, *organic, *controls]
    unusable = _frame_problems(frame, variables, series)
    if unusable:
        return unusable
    rows = _Rows.of(frame, series)
    problems = _week_problems(rows) + _end_problems(rows)
    longest = int(rows.weeks.max())
    if longest >= MIN_WEEKS and len(variables) > longest:
        message = f"{len(variables)} variables in {longest} weeks; leave controls out"
        problems.append(Problem("too_many_variables", message))
    roles: dict[str, _Role] = {outcome: "outcome"}
    roles |= dict.fromkeys(channels, "spend")
    roles |= dict.fromkeys(organic, "organic")
    roles |= dict.fromkeys(controls, "control")
    for name, role in roles.items():
        problems += _value_problems(rows, name, role)
    return problems


def _frame_problems(frame: pd.DataFrame, variables: list[str], series: str | None) -> list[Problem]:
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
    nameless = _week_starts(frame)[frame[series].isna().to_numpy()]
    return [
        Problem(
            "missing_series",
            f"{series} names no series in {count} row(s) of the week of {week}; "
            "say which series they belong to",
            series,
            str(week),
        )
        for week, count in zip(*np.unique(nameless, return_counts=True), strict=True)
    ]


def _week_starts(frame: pd.DataFrame) -> Weeks:
    # The day as written: UTC would move a Monday of Berlin to Sunday.
    return pd.DatetimeIndex(frame.index).tz_localize(None).to_numpy().astype("datetime64[D]")


def _too_few_weeks(weeks: int) -> str:
    return (
        f"{weeks} weeks of history; at least {MIN_WEEKS} are needed to tell seasonality from media"
    )


def _week_problems(rows: _Rows) -> list[Problem]:
    """Weeks that do not follow each other within a series, and series that are too short."""
    problems: list[Problem] = []
    broken = (np.diff(rows.week) != WEEK) & (np.diff(rows.group) == 0)
    for at in np.flatnonzero(broken):
        previous, week, group = rows.week[at], rows.week[at + 1], rows.group[at]
        if week == previous:
            message = f"the week of {week} stands more than once; keep one row a week"
            problems.append(rows.problem("duplicate_week", message, group, week=week))
        else:
            first_missing = previous + WEEK
            message = (
                f"the week of {first_missing} is missing: {previous} is followed by {week}; "
                "add its row (with zero where nothing was spent)"
            )
            problems.append(rows.problem("missing_week", message, group, week=first_missing))
    return problems + [
        rows.problem("too_few_weeks", _too_few_weeks(rows.weeks[group]), group)
        for group in np.flatnonzero(rows.weeks < MIN_WEEKS)
    ]


def _end_problems(rows: _Rows) -> list[Problem]:
    """Series off the calendar of most others, or without its last weeks."""
    last = rows.last_week
    weekday = last.astype(np.int64) % 7
    usual = weekday == np.bincount(weekday).argmax()
    end = last[usual].max()
    problems = [
        rows.problem(
            "other_week_start",
            f"its weeks begin on {_day_name(last[group])} (such as {last[group]}), those of other "
            f"series on {_day_name(end)} (such as {end}); let the weeks of all begin on one day",
            group,
            week=last[group],
        )
        for group in np.flatnonzero(~usual)
    ]
    return problems + [
        rows.problem(
            "early_end",
            f"the week of {last[group]} is its last, but other series run to {end}; add its later "
            "weeks (with zero where nothing was spent or sold) or leave the series out",
            group,
            week=last[group] + WEEK,
        )
        for group in np.flatnonzero(usual & (last < end))
    ]


def _day_name(day: np.datetime64) -> str:
    return pd.Timestamp(day).day_name()


def _value_problems(rows: _Rows, name: str, role: _Role) -> list[Problem]:
    numbers = rows.frame[name].to_numpy(np.float64)
    problems = [
        rows.problem(
            f"missing_{role}" if np.isnan(numbers[at]) else f"non_finite_{role}",
            f"{name} has no finite value in the week of {rows.week[at]} (found {numbers[at]}); "
            "correct it at the source, with 0 where nothing was spent or sold",
            rows.group[at],
            variable=name,
            week=rows.week[at],
        )
        for at in np.flatnonzero(~np.isfinite(numbers))
    ]
    if role == "outcome":
        return problems + _outcome_problems(rows, name, numbers)
    if role == "control":
        return problems + _control_problems(rows, name, numbers)
    return problems + [
        rows.problem(
            f"negative_{role}",
            f"{name} is {numbers[at]:g} in the week of {rows.week[at]}; {_NOT_NEGATIVE[role]}",
            rows.group[at],
            variable=name,
            week=rows.week[at],
        )
        for at in np.flatnonzero(numbers < 0)
    ]


def _outcome_problems(rows: _Rows, name: str, numbers: Floats) -> list[Problem]:
    """Judged by series, for each is put on a scale of its own."""
    problems: list[Problem] = []
    finite = np.logical_and.reduceat(np.isfinite(numbers), rows.first)
    mean = np.add.reduceat(np.where(np.isfinite(numbers), numbers, 0.0), rows.first) / rows.weeks
    for group in np.flatnonzero(finite & (mean <= 0)):
        message = (
            f"{name} is {mean[group]:g} on average; the model needs a positive mean outcome: "
            "check its source and its sign"
        )
        problems.append(rows.problem("no_outcome", message, group, variable=name))
    for group in np.flatnonzero(finite & (mean > 0) & rows.are_constant(numbers)):
        message = (
            f"{name} is {mean[group]:g} in every week, so nothing can be learned from it; "
            "check its source"
        )
        problems.append(rows.problem("constant_outcome", message, group, variable=name))
    return problems


def _control_problems(rows: _Rows, name: str, numbers: Floats) -> list[Problem]:
    """A control must vary in one series at least: what differs only between them is their level."""
    if not np.isfinite(numbers).all() or not rows.are_constant(numbers).all():
        return []
    found = f"{numbers[0]:g} in every week" if not np.ptp(numbers) else "constant in each series"
    message = f"{name} is {found}, so nothing can be learned from it; take it out of the settings"
    return [Problem("constant_control", message, name)]
