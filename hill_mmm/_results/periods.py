"""The periods that a summary speaks of: all weeks, the last ones, and those of the calendar."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hill_mmm.panel import DAY, Weeks, last_day

# The last so many weeks.
RECENT = {"last_52_weeks": 52, "last_13_weeks": 13}


@dataclass(frozen=True)
class Period:
    """Weeks that follow each other.

    Attributes:
        name: `all`, `last_52_weeks`, `last_13_weeks`; or of the calendar, such as `2025`,
            `2025-Q3` or `2025-07`.
        first: the first day of its first week.
        last: the first day of its last week.
    """

    name: str
    first: np.datetime64
    last: np.datetime64

    def within(self, weeks: Weeks) -> slice:
        """Its weeks among others that follow each other; empty if it has none of them."""
        start, stop = np.searchsorted(weeks, [self.first, self.last + DAY])
        return slice(int(start), int(stop))


def summary_periods(weeks: Weeks) -> list[Period]:
    """The periods of a summary: all weeks, the last 52 and 13, and every year, quarter and month.

    A week belongs to the month that most of its days lie in, that of its fourth day, as ISO 8601
    has it for years. The first and the last month, quarter and year hold the weeks that are there.
    """
    periods = [Period("all", weeks[0], weeks[-1])]
    periods += [
        Period(name, weeks[-count], weeks[-1])
        for name, count in RECENT.items()
        if count < len(weeks)
    ]
    middle = pd.DatetimeIndex(weeks + 3 * DAY)
    for names in (
        middle.strftime("%Y"),
        middle.year.astype(str) + "-Q" + middle.quarter.astype(str),
        middle.strftime("%Y-%m"),
    ):
        _, firsts, counts = np.unique(names, return_index=True, return_counts=True)
        periods += [
            Period(str(names[first]), weeks[int(first)], weeks[int(first + count) - 1])
            for first, count in zip(firsts, counts, strict=True)
        ]
    return periods


def period_between(weeks: Weeks, first: np.datetime64, last: np.datetime64) -> Period:
    """The weeks that mostly lie between two days, both included.

    Raises:
        ValueError: if there is no such week.
    """
    middle = weeks + 3 * DAY
    inside = np.flatnonzero((middle >= first) & (middle <= last)).tolist()
    if not inside:
        raise ValueError(
            f"no week lies between {first} and {last}: the weeks go from {weeks[0]} to "
            f"{last_day(weeks[-1])}"
        )
    return Period(f"{first} to {last}", weeks[inside[0]], weeks[inside[-1]])
