"""What the fit does without: weeks at either end, and media that were never used."""

from collections.abc import Collection, Hashable, Sequence
from datetime import date

import pandas as pd

from dagster_mmm.schedule.due import WEEK, last_complete_week
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse.marts import OPEN_DAYS

# An outcome that is later than this has stopped coming, and somebody has to know.
MAX_LATE_WEEKS = 4
LEAD_IN = "the week leads in: its media count for what they carry over, its outcome does not"
# An outcome, and what it is worth.
OF_OUTCOME = ("outcome", "value")
# Public holidays make some weeks shorter than a business's usual one.
REGULAR = 0.8
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
    for_all |= _unreported_weeks(weekly, for_all.keys())
    for_all |= _late_weeks(weekly, settings, for_all.keys())
    reasons = weekly["week_start"].map(for_all).astype("string")
    return reasons.fillna(_in_partial_first_week(weekly)) if daily else reasons


def lead_in(weekly: pd.DataFrame, settings: Settings) -> "pd.Series[str]":
    """Why the fit does without an outcome or control of a series' first weeks, by row of `weekly`.

    Their media are used. Without `outcome.starts`, they are the weeks before the first outcome that
    is not blank; a series that has none has no lead-in.
    """
    outcome = weekly[weekly["role"] == "outcome"]
    has_arrived = ~_is_blank(outcome)
    if settings.outcome.starts is not None:
        has_arrived &= outcome["week_start"] >= pd.Timestamp(settings.outcome.starts)
    first = outcome[has_arrived].groupby("series_key")["week_start"].min()
    is_before = weekly["week_start"] < weekly["series_key"].map(first)
    of_week = weekly["role"].isin((*OF_OUTCOME, "control"))
    return pd.Series(LEAD_IN, index=weekly.index, dtype="string").where(is_before & of_week)


def _is_blank(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Of values that are missing, not of those that are there and cannot be read."""
    return (rows["n_unreadable"] > 0) & rows["unreadable_value"].fillna("").eq("")


def days_a_week(weekly: pd.DataFrame) -> "pd.Series[int]":
    """How many days a whole week of a row's series has in daily data, by row of `weekly`.

    Seven, or fewer where the series is regular and never has more: a feed of weekdays.
    """
    found = weekly["n_days"].where(weekly["n_rows"] > 0)
    most = found.groupby(weekly["series_key"]).transform("max")
    share = (found == most).where(found.notna()).groupby(weekly["series_key"]).transform("mean")
    return most.where(most.isin(OPEN_DAYS) & (share >= REGULAR), 7).astype(int)


def silent_media(weekly: pd.DataFrame) -> dict[str, str]:
    """Why the fit does without a medium, by its name: its value is 0 in all weeks and series."""
    media = weekly[weekly["role"].isin(SILENCE)].groupby(["variable", "role"])
    quiet = (media["value"].min() == 0) & (media["value"].max() == 0)
    silent = quiet & (media["n_unreadable"].sum() == 0)
    return {name: SILENCE[role] for name, role in silent.index[silent]}


def _in_partial_first_week(weekly: pd.DataFrame) -> "pd.Series[str]":
    first = weekly.groupby("series_key")["week_start"].transform("min")
    whole = days_a_week(weekly)
    is_partial = (weekly["week_start"] == first) & (weekly["n_days"] < whole)
    counts = weekly["n_days"].astype("string") + " of " + whole.astype("string")
    reason = "the week is incomplete: " + counts + " days"
    return reason.where(is_partial)


def _partial_last_week(weekly: pd.DataFrame) -> dict[Hashable, str]:
    last_week = weekly["week_start"].max()
    weekly = weekly.assign(whole=days_a_week(weekly))
    last = (
        weekly[weekly["week_start"] == last_week].groupby("series_key")[["n_days", "whole"]].max()
    )
    partial = last[last["n_days"] < last["whole"]]
    if partial.empty:
        return {}
    where, (found, whole) = _in_series(list(partial.index), len(last)), partial.iloc[0]
    return {last_week: f"the week is incomplete: {found} of {whole} days{where}"}


def _unreported_weeks(weekly: pd.DataFrame, left_out: Collection[Hashable]) -> dict[Hashable, str]:
    """The last weeks, of those not left out already, that the ad platforms' reports do not hold."""
    spend = weekly[(weekly["role"] == "spend") & ~weekly["week_start"].isin(left_out)]
    found = spend["unreadable_value"].where(spend["is_beyond_reports"].astype(bool))
    by_week = found.groupby(spend["week_start"]).max()
    last = by_week[by_week.index > by_week.index[by_week.isna()].max()]
    if len(last) > MAX_LATE_WEEKS:
        return {}
    return {week: f"the week is not whole in the reports: {days}" for week, days in last.items()}


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
    """The last weeks, of those not left out already, that an outcome, or its value, is late for."""
    of_outcome = weekly[weekly["role"].isin(OF_OUTCOME)].sort_values("role")
    blank = _is_blank(of_outcome)
    is_blank = blank.groupby([of_outcome["series_key"], of_outcome["week_start"]]).transform("any")
    outcome = of_outcome[of_outcome["role"] == "outcome"]
    # A week without a row is late at the end of a series; before its last row, it is a gap.
    with_row = outcome["week_start"].where(outcome["n_rows"] > 0)
    last_row = with_row.groupby(outcome["series_key"]).transform("max")
    has_arrived = ~is_blank[outcome.index] & (outcome["week_start"] <= last_row)
    arrival = outcome["week_start"].where(has_arrived & ~outcome["week_start"].isin(left_out))
    last_arrival = arrival.groupby(outcome["series_key"]).transform("max")
    late = outcome[~(outcome["week_start"] <= last_arrival) & ~outcome["week_start"].isin(left_out)]
    late = late[late.groupby("series_key")["week_start"].transform("size") <= MAX_LATE_WEEKS]
    n_series = outcome["series_key"].nunique()
    awaited = of_outcome[blank].groupby("week_start")["variable"].first()
    return {
        week: f"{awaited.get(week, settings.outcome.name)} has not arrived for this week"
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
