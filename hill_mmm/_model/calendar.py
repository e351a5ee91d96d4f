"""Public holidays and the user's own events as regressors: how many of their days a week has."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from holidays import country_holidays

from hill_mmm.panel import WEEK, Floats, Weeks
from hill_mmm.spec import years_without_holidays

TWO_YEARS = 104
# What the library puts about a name on a day that stands in for the holiday, or that depends on a
# moon not yet seen, in its English names.
_VARIANT = re.compile(
    r"^(?:Day off for|Alternative holiday for) "
    r"| \((?:(?:observed|estimated)(?:, estimated)?|substitute day|in lieu|additional holiday"
    r"|substituted from [\d/]+)\)$"
)


def holiday_names(weeks: Weeks, country: str) -> tuple[str, ...]:
    """The public holidays whose effect these weeks can teach, sorted.

    To be taken from the training weeks, so that later weeks get the same columns.

    Args:
        weeks: first day of each week, shape `(weeks,)`.
        country: ISO 3166-1 alpha-2 code, such as `DE`.

    Returns:
        English names of the holidays of the whole country that fall in at least two of the weeks;
        with less than two years of weeks, in at least one.

    Raises:
        ValueError: if no holiday of the country is known in one of the years.
    """
    unknown = years_without_holidays(country, _years(weeks))
    if unknown:
        raise ValueError(
            f"no public holiday of {country} is known in {', '.join(map(str, unknown))}; leave "
            "holidays out, and give the days that matter as events"
        )
    days = _holidays(weeks, country)
    names = tuple(sorted(days))
    occurrences = np.count_nonzero(_days_within(weeks, days, names), axis=0)
    needed = 2 if len(weeks) >= TWO_YEARS else 1
    return tuple(names[column] for column in np.flatnonzero(occurrences >= needed))


def holiday_columns(weeks: Weeks, country: str, names: Sequence[str]) -> Floats:
    """How many days of each of these public holidays each week has.

    A day on which a holiday is observed instead, or as well, is a day of that holiday.

    Args:
        weeks: first day of each week, shape `(weeks,)`.
        country: ISO 3166-1 alpha-2 code, such as `DE`.
        names: the holidays, as `holiday_names` gives them; one that has no day has zeros.

    Returns:
        Days, 0 to 7, shape `(weeks, holidays)`.
    """
    return _days_within(weeks, _holidays(weeks, country), names)


def event_columns(weeks: Weeks, events: Mapping[str, Sequence[str]]) -> Floats:
    """How many days of each event each week has.

    Args:
        weeks: first day of each week, shape `(weeks,)`.
        events: for each event, the ISO dates of its days; a date given twice is one day.

    Returns:
        Days, 0 to 7, shape `(weeks, events)`, in the order of `events`.
    """
    days = {event: set(map(date.fromisoformat, dates)) for event, dates in events.items()}
    return _days_within(weeks, days, tuple(days))


def _holidays(weeks: Weeks, country: str) -> dict[str, set[date]]:
    """The days of each public holiday in the years that the weeks touch."""
    # Without a language the names would depend on the machine's locale.
    calendar = country_holidays(country, years=_years(weeks), language="en_US")
    days: dict[str, set[date]] = {}
    for day in calendar:
        for name in calendar.get_list(day):
            days.setdefault(_VARIANT.sub("", name), set()).add(day)
    return days


def _years(weeks: Weeks) -> list[int]:
    """The years that the weeks touch."""
    touched = np.concatenate([weeks, weeks + WEEK - np.timedelta64(1, "D")])
    return (np.unique(touched.astype("datetime64[Y]")).astype(np.int64) + 1970).tolist()


def _days_within(weeks: Weeks, days: Mapping[str, set[date]], names: Sequence[str]) -> Floats:
    columns = np.zeros((len(weeks), len(names)))
    for column, name in enumerate(names):
        since = np.array(sorted(days.get(name, ())), dtype="datetime64[D]") - weeks[:, None]
        is_within = (since >= np.timedelta64(0, "D")) & (since < WEEK)
        columns[:, column] = np.count_nonzero(is_within, axis=1)
    return columns
