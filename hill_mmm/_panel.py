"""The panel: one series of weekly outcome, spend and controls that the model can be fitted to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MIN_WEEKS = 52
WEEK = np.timedelta64(7, "D")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input.

    Attributes:
        code: stable name of the kind of problem, such as `negative_spend`.
        variable: the channel, control or outcome concerned, or None for the whole panel.
        week: first day of the first week concerned, or None.
        message: what was found, where, and what to do about it.
    """

    code: str
    message: str
    variable: str | None = None
    week: str | None = None


class PanelError(ValueError):
    """The data cannot be made into a panel; `problems` lists every reason found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in problems))


@dataclass(frozen=True)
class Panel:
    """Weekly data of one series, checked: consecutive weeks, finite values, no negative spend.

    Attributes:
        series: name of the series (a brand, a market).
        weeks: first day of each week, `datetime64[D]`, shape `(weeks,)`.
        outcome: revenue or another outcome a week, shape `(weeks,)`, in the model's currency.
        spend: shape `(weeks, channels)`, in the model's currency.
        controls: shape `(weeks, controls)`, in any unit.
        channels: channel names, in the order of `spend`'s columns.
        control_names: control names, in the order of `controls`' columns.
    """

    series: str
    weeks: NDArray[np.datetime64]
    outcome: Floats
    spend: Floats
    controls: Floats
    channels: tuple[str, ...]
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
        series: str = "national",
    ) -> "Panel":
        """Check a wide frame and make it a panel.

        Args:
            frame: one row a week, indexed by the week's first day, with one column a variable.
            outcome: column of the outcome.
            channels: columns of spend.
            controls: columns of controls.
            series: name of the series.

        Raises:
            PanelError: with every problem that `find_problems` finds.
        """
        problems = find_problems(frame, outcome=outcome, channels=channels, controls=controls)
        if problems:
            raise PanelError(problems)
        ordered = frame.sort_index()
        return cls(
            series=series,
            weeks=_week_starts(ordered),
            outcome=ordered[outcome].to_numpy(np.float64),
            spend=ordered[list(channels)].to_numpy(np.float64),
            controls=ordered[list(controls)].to_numpy(np.float64),
            channels=tuple(channels),
            control_names=tuple(controls),
        )

    @property
    def silent_channels(self) -> tuple[str, ...]:
        """The channels without spend in any week, which cannot be fitted."""
        return tuple(self.channels[at] for at in np.flatnonzero(~self.spend.any(axis=0)))

    def head(self, weeks: int) -> "Panel":
        """The first `weeks` weeks as a panel of their own, to train on before a holdout."""
        return replace(
            self,
            weeks=self.weeks[:weeks],
            outcome=self.outcome[:weeks],
            spend=self.spend[:weeks],
            controls=self.controls[:weeks],
        )


def find_problems(
    frame: pd.DataFrame, *, outcome: str, channels: Sequence[str], controls: Sequence[str] = ()
) -> list[Problem]:
    """Every reason why `Panel.from_frame` would refuse this frame, in the order of its columns."""
    variables = [outcome, *channels, *controls]
    unusable = _frame_problems(frame, variables)
    if unusable:
        return unusable
    ordered = frame.sort_index()
    problems = _calendar_problems(_week_starts(ordered))
    if len(frame) >= MIN_WEEKS and len(variables) > len(frame):
        problems.append(
            Problem(
                "too_many_variables",
                f"{len(variables)} variables in {len(frame)} weeks; leave controls out",
            )
        )
    roles: Mapping[str, str] = {
        outcome: "outcome",
        **dict.fromkeys(channels, "spend"),
        **dict.fromkeys(controls, "control"),
    }
    for name, role in roles.items():
        problems += _value_problems(ordered[name], role)
    return problems


def _frame_problems(frame: pd.DataFrame, variables: list[str]) -> list[Problem]:
    """What keeps the values from being looked at."""
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.hasnans:
        message = "index the frame by the first day of each week, as dates without gaps"
        return [Problem("not_dates", message)]
    repeated = {name for name in variables if variables.count(name) > 1}
    if repeated:
        return [
            Problem("repeated_variable", f"{name!r} is given more than one role", name)
            for name in sorted(repeated)
        ]
    missing = [name for name in variables if name not in frame.columns]
    if missing:
        return [
            Problem(
                "missing_column",
                f"there is no column {name!r}; the columns are {sorted(map(str, frame.columns))}",
                name,
            )
            for name in missing
        ]
    return [
        Problem("not_numbers", f"{name} is not a column of numbers; convert it first", name)
        for name in variables
        if not pd.api.types.is_numeric_dtype(frame[name])
    ]


def _week_starts(frame: pd.DataFrame) -> NDArray[np.datetime64]:
    # The day as written: UTC would move a Monday of Berlin to Sunday.
    return pd.DatetimeIndex(frame.index).tz_localize(None).to_numpy().astype("datetime64[D]")


def _calendar_problems(weeks: NDArray[np.datetime64]) -> list[Problem]:
    problems: list[Problem] = []
    for previous, week in pairwise(weeks):
        if week == previous:
            problems.append(
                Problem(
                    "duplicate_week",
                    f"the week of {week} stands more than once; keep one row a week",
                    week=str(week),
                )
            )
        elif week - previous != WEEK:
            first_missing = previous + WEEK
            problems.append(
                Problem(
                    "missing_week",
                    f"the week of {first_missing} is missing: {previous} is followed by {week}; "
                    "add its row (with zero where nothing was spent)",
                    week=str(first_missing),
                )
            )
    if len(weeks) < MIN_WEEKS:
        problems.append(
            Problem(
                "too_few_weeks",
                f"{len(weeks)} weeks of history; at least {MIN_WEEKS} are needed "
                "to tell seasonality from media",
            )
        )
    return problems


def _value_problems(values: pd.Series, role: str) -> list[Problem]:
    name = str(values.name)
    numbers = values.to_numpy(np.float64)
    weeks = [str(week) for week in pd.DatetimeIndex(values.index).date]
    problems = [
        Problem(
            f"missing_{role}" if np.isnan(numbers[at]) else f"non_finite_{role}",
            f"{name} has no finite value in the week of {weeks[at]} (found {numbers[at]}); "
            "correct it at the source, with 0 where nothing was spent or sold",
            name,
            weeks[at],
        )
        for at in np.flatnonzero(~np.isfinite(numbers))
    ]
    if role == "spend":
        problems += [
            Problem(
                "negative_spend",
                f"{name} spend is {numbers[at]:g} in the week of {weeks[at]}; spend cannot be "
                "negative: book refunds to the week of the spend",
                name,
                weeks[at],
            )
            for at in np.flatnonzero(numbers < 0)
        ]
    elif role == "outcome" and len(numbers) and np.isfinite(numbers).all() and numbers.mean() <= 0:
        problems.append(
            Problem(
                "no_outcome",
                f"{name} is {numbers.mean():g} on average; the model needs a positive mean "
                "outcome: check its source and its sign",
                name,
            )
        )
    elif np.isfinite(numbers).all() and len(numbers) > 1 and np.ptp(numbers) == 0:
        problems.append(
            Problem(
                f"constant_{role}",
                f"{name} is {numbers[0]:g} in every week, so nothing can be learned from it; "
                + ("take it out of the settings" if role == "control" else "check its source"),
                name,
            )
        )
    return problems
