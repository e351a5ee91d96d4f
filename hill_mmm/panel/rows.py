"""A frame's rows by series and week, and the types of their arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DAY = np.timedelta64(1, "D")
WEEK = 7 * DAY
# Name of what is summed over all series, in every result.
ALL_SERIES = "all"

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Weeks = NDArray[np.datetime64]


@dataclass(frozen=True)
class Rows:
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
    def of(cls, frame: pd.DataFrame, series: str | None) -> "Rows":
        """The rows of a frame; `series` is the column that names the series, or None."""
        if series is None:
            group, names = np.zeros(len(frame), dtype=np.int64), ()
        else:
            group, names = pd.factorize(frame[series].astype(str).to_numpy(), sort=True)
        week = week_starts(frame)
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

    def without_lead_in(self, outcome: str) -> "Rows":
        """The rows from each series' first finite outcome on; all rows of a series without one.

        Rows before it are the lead-in: they have media, and no outcome yet.
        """
        known = np.isfinite(self.frame[outcome].to_numpy(np.float64))
        counted = np.cumsum(known)
        before_series = (counted - known)[self.first][self.group]
        has_begun = counted > before_series
        never_begins = ~np.logical_or.reduceat(has_begun, self.first)[self.group]
        kept = has_begun | never_begins
        weeks = np.bincount(self.group[kept])
        return replace(
            self,
            frame=self.frame[kept],
            group=self.group[kept],
            week=self.week[kept],
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


def last_day(week: np.datetime64) -> np.datetime64:
    """The last day of the week that begins on a day."""
    return week + WEEK - DAY


def week_starts(frame: pd.DataFrame) -> Weeks:
    """The first day of each row's week."""
    # The day as written: UTC would move a Monday of Berlin to Sunday.
    return pd.DatetimeIndex(frame.index).tz_localize(None).to_numpy().astype("datetime64[D]")
