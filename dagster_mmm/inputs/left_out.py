"""What the fit does without: weeks at either end, and media that were never used."""

from collections.abc import Collection, Hashable, Sequence
from datetime import date

import pandas as pd

from dagster_mmm.schedule.due import WEEK, last_complete_week
from dagster_mmm.settings import Settings

# An outcome that is later than this has stopped coming, and somebody has to know.
MAX_LATE_WEEKS = 4
SILENCE = {
    "spend": "the channel has no spend in any week",
    "organic": "the medium has no exposure in any week",
}


def weeks_left_out(
    weekly: pd.DataFrame, settings: Settings, today: date, as_of: date | None
) -> "pd.Series[str]":
    """Why the fit does without a row's week, by row of `weekly`; NA where it does not.

    Series end together: a last week that one of them cannot use is left out for all.
    """
    daily = settings.input.grain == "daily"
    for_all = _partial_last_week(weekly) if daily else {}
    for_all |= {
        week: f"the week is later than {as_of}, as of which the model is fitted"
        for week in weekly["week_start"].unique()
        if as_of is not None and week.date() > as_of
    }
    for_all |= {
        week: f"the week is not over on {today}"
        for week in weekly["week_start"].unique()
        if week.date() + WEEK > today
    }
    complete = last_complete_week(today, settings.input.week_starts_on)
    last = complete if as_of is None else min(as_of, complete)
    for_all = _immature_weeks(weekly, settings, last) | for_all
    for_all |= _weeks_since_a_stop(weekly, settings)
    for_all |= _late_weeks(weekly, settings, for_all.keys())
    reasons = weekly["week_start"].map(for_all).astype("string")
    return reasons.fillna(_in_partial_first_week(weekly)) if daily else reasons


def silent_media(weekly: pd.DataFrame) -> dict[str, str]:
    """Why the fit does without a medium, by its name: its value is 0 in all weeks and series."""
    media = weekly[weekly["role"].isin(SILENCE)].groupby(["variable", "role"])
    quiet = (media["value"].min() == 0) & (media["value"].max() == 0)
    silent = quiet & (media["n_unreadable"].sum() == 0)
    return {name: SILENCE[role] for name, role in silent.index[silent]}


def _in_partial_first_week(weekly: pd.DataFrame) -> "pd.Series[str]":
    first = weekly.groupby("series_key")["week_start"].transform("min")
    is_partial = (weekly["week_start"] == first) & (weekly["n_days"] < 7)
    reason = "the week is incomplete: " + weekly["n_days"].astype("string") + " of 7 days"
    return reason.where(is_partial)


def _partial_last_week(weekly: pd.DataFrame) -> dict[Hashable, str]:
    last_week = weekly["week_start"].max()
    days = weekly[weekly["week_start"] == last_week].groupby("series_key")["n_days"].max()
    partial = days[days < 7]
    if partial.empty:
        return {}
    where = _in_series(list(partial.index), len(days))
    return {last_week: f"the week is incomplete: {partial.iloc[0]} of 7 days{where}"}


def _weeks_since_a_stop(weekly: pd.DataFrame, settings: Settings) -> dict[Hashable, str]:
    """The weeks since a platform of the reports stopped, if the settings let the fit go on."""
    reports = settings.input.reports
    silent = weekly[weekly["silent_since"].notna()]
    if reports is None or reports.stopped != "leave_out" or silent.empty:
        return {}
    first = silent.sort_values(["week_start", "variable"]).iloc[0]
    reason = f"{first['variable']} has had no row in the reports since {first['silent_since']:%F}"
    return {week: reason for week in weekly["week_start"].unique() if week >= first["week_start"]}


def _late_weeks(
    weekly: pd.DataFrame, settings: Settings, left_out: Collection[Hashable]
) -> dict[Hashable, str]:
    """The last weeks, of those not left out already, that the outcome of a series is late for."""
    outcome = weekly[weekly["role"] == "outcome"]
    blank = (outcome["n_unreadable"] > 0) & outcome["unreadable_value"].fillna("").eq("")
    # A week without a row is late at the end of a series; before its last row, it is a gap.
    with_row = outcome["week_start"].where(outcome["n_rows"] > 0)
    last_row = with_row.groupby(outcome["series_key"]).transform("max")
    has_arrived = ~blank & (outcome["week_start"] <= last_row)
    arrival = outcome["week_start"].where(has_arrived & ~outcome["week_start"].isin(left_out))
    last_arrival = arrival.groupby(outcome["series_key"]).transform("max")
    late = outcome[~(outcome["week_start"] <= last_arrival) & ~outcome["week_start"].isin(left_out)]
    late = late[late.groupby("series_key")["week_start"].transform("size") <= MAX_LATE_WEEKS]
    n_series = outcome["series_key"].nunique()
    return {
        week: f"{settings.outcome.name} has not arrived for this week"
        f"{_in_series(sorted(series), n_series)}"
        for week, series in late.groupby("week_start")["series_key"]
    }


def _immature_weeks(weekly: pd.DataFrame, settings: Settings, last: date) -> dict[Hashable, str]:
    """The weeks that the settings hold back, whether or not their outcome has arrived.

    They are counted from the last complete week of the calendar: counted from the last one with an
    outcome, an outcome that arrives late would be held back twice.
    """
    held_back = settings.input.immature_weeks
    reason = f"input.immature_weeks holds the last {held_back} complete weeks back"
    return {
        week: reason
        for week in weekly["week_start"].unique()
        if last - held_back * WEEK < week.date() <= last
    }


def _in_series(names: Sequence[str], n_series: int) -> str:
    if n_series == 1:
        return ""
    others = f" and {len(names) - 1} more series" if len(names) > 1 else ""
    return f" in {names[0]}{others}"
