"""What is wrong with the weekly input, said with the place and the remedy.

A problem's message does not name its series; whoever lists the problems of several series does.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from dagster_mmm.inputs.formats import (
    IN_WORDS,
    NumberFormat,
    date_readings,
    is_date_in_another_order,
    is_number_in_another_format,
    number_readings,
    why_no_number,
    without_money_sign,
)
from dagster_mmm.inputs.left_out import days_a_week
from dagster_mmm.settings import Settings, as_read, reading
from dagster_mmm.warehouse.marts import NEWEST_COLUMN
from hill_mmm.panel import (
    ALL_SERIES,
    Problem,
    duplicate_week,
    early_end,
    missing_week,
    reserved_series,
)
from hill_mmm.spec import years_without_holidays


def empty_table(settings: Settings) -> Problem:
    """There is nothing to look at."""
    return Problem(
        "empty_table",
        f"{settings.input.table} has no complete week with a readable date; load it first, "
        "and build mmm_weekly_input",
    )


def built_otherwise(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Rows of the weekly input that were built as another settings file, or an older one, says."""
    remedy = "build it again: run the job mmm_weekly_input, or mmm run"
    if NEWEST_COLUMN not in weekly:
        return [Problem("built_otherwise", f"mmm_weekly_input is of an earlier version; {remedy}")]
    read_as = weekly["read_as"].dropna()
    if read_as.empty or (read_as == reading(settings)).all():
        return []
    return [
        Problem(
            "built_otherwise",
            f"mmm_weekly_input of {settings.model_key} was built with "
            f"{weekly['settings_file'].iloc[0]}, which then said otherwise how the input is read "
            f"than the settings do now; {remedy}",
        )
    ]


def rejected_rows(rejected: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Raw rows of `mmm_rejected_input`: without a date that can be read, or of no series."""
    reports = settings.input.reports
    columns = {"table": (settings.input.date_column, settings.input.series_column)}
    if reports is not None:
        columns["reports"] = (reports.date_column, reports.series_column)
    problems: list[Problem] = []
    for origin, (date_column, series_column) in columns.items():
        rows = rejected[rejected["origin"] == origin]
        where = "" if origin == "table" else f" of {reports.table}" if reports else ""
        undated = rows[rows["observed_on"].isna()]
        problems += _undated(undated, date_column, where)
        nameless = rows[rows["series_key"].isna()]
        if len(nameless):
            problems.append(
                Problem(
                    "missing_series",
                    f"{nameless['n_rows'].sum()} rows{where} name no series in column "
                    f"{series_column!r}, such as one with "
                    f"{_quoted_date(nameless['raw_date'].iloc[0])}; say which series they belong "
                    "to",
                )
            )
    return problems


def absent_variables(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Variables of the settings that `mmm_weekly_input` was not built with."""
    names = [variable.name for variable in settings.variables().values()]
    built = set(weekly["variable"].unique())
    return [
        Problem(
            "missing_variable",
            f"{name} is in the settings and not in mmm_weekly_input; build mmm_weekly_input again",
            name,
        )
        for name in names
        if name not in built
    ]


def unknown_holidays(used: pd.DataFrame, settings: Settings) -> list[Problem]:
    """A country whose calendar is empty in a year: its holidays would have no effect there."""
    country = settings.model.holidays
    if country is None:
        return []
    ends = pd.concat([used["week_start"], used["week_start"] + pd.Timedelta(days=6)])
    years = years_without_holidays(country, ends.dt.year.unique().tolist())
    if not years:
        return []
    message = (
        f"model.holidays is {country}, of which no public holiday is known in "
        f"{', '.join(map(str, years))}; leave it out, and give the days that matter as events"
    )
    return [Problem("unknown_holidays", message)]


def series_like_their_sum(weekly: pd.DataFrame) -> list[Problem]:
    """A series among several that a reader would take for their sum in the result tables."""
    names = sorted(weekly["series_key"].unique())
    reserved = [name for name in names if as_read(name) == ALL_SERIES]
    if len(names) == 1 or not reserved:
        return []
    return [Problem(*reserved_series(reserved[0]), series=reserved[0])]


def similar_series(weekly: pd.DataFrame) -> list[Problem]:
    """Names of series that a reader would take for one, or for none."""
    spellings: dict[str, list[str]] = {}
    for name in sorted(weekly["series_key"].unique()):
        spellings.setdefault(as_read(name), []).append(name)
    problems = [
        Problem(
            "similar_series",
            f"the series {', '.join(map(repr, names))} differ in case, spaces, invisible "
            "characters or encoding alone; spell them one way",
            series=names[0],
        )
        for names in spellings.values()
        if len(names) > 1
    ]
    return problems + [
        Problem(
            "missing_series",
            f"the series {name!r} has a name that nobody can see; say which series its rows "
            "belong to",
            series=name,
        )
        for name in spellings.get("", [])
    ]


def future_dates(weekly: pd.DataFrame, last_day: pd.Timestamp) -> list[Problem]:
    """Weeks with rows after a day by which nobody plans: dates with a wrong year."""
    weeks = weekly[(weekly["week_start"] > last_day) & (weekly["n_rows"] > 0)]
    return [
        in_week(
            row.series_key,
            row.week_start,
            "future_date",
            f"a row is dated {day(row.first_date)}, which is far ahead; correct its year",
        )
        for row in weeks.drop_duplicates(["series_key", "week_start"]).itertuples()
    ]


def calendar_problems(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Weeks and days that are missing, stand twice or are not what the settings say."""
    weeks = weekly.drop_duplicates(["series_key", "week_start"])
    weeks = weeks.sort_values(["series_key", "week_start"])
    with_rows = weeks[weeks["n_rows"] > 0]
    last_row = weeks["series_key"].map(with_rows.groupby("series_key")["week_start"].max())
    missing = weeks[weeks["n_rows"] == 0]
    # Of one series alone, weeks to come may follow the gap.
    several = weekly["series_key"].nunique() > 1
    is_after = (missing["week_start"] > last_row[missing.index]) & several
    problems = [
        in_week(
            row.series_key,
            row.week_start,
            *missing_week(day(row.week_start)),
        )
        for row in missing[~is_after].itertuples()
    ]
    problems += [
        in_week(
            row.series_key,
            row.week_start,
            *early_end(day(row.week_start)),
        )
        for row in missing[is_after].drop_duplicates("series_key").itertuples()
    ]
    daily = settings.input.grain == "daily"
    return problems + (
        _daily_problems(with_rows) if daily else _weekly_problems(with_rows, settings)
    )


def unreadable_values(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Values that are blank, no number, or not finite."""
    places = {v.name: settings.place_of(v) for v in settings.variables().values()}
    bad = weekly[(weekly["n_unreadable"] > 0) & weekly["silent_since"].isna()]
    bad = bad.sort_values(["variable", "series_key", "week_start"])
    found, currency = bad["unreadable_value"].fillna("").astype(str).tolist(), settings.currency
    current = NumberFormat(settings.input.thousands, settings.input.decimal)
    bad = bad.assign(
        place=bad["variable"].map(places),
        found=[(text or "nothing") + why_no_number(text, currency) for text in found],
        bare=[without_money_sign(text, currency) for text in found],
    )
    of_format = np.array([is_number_in_another_format(t, current) for t in bad["bare"]], dtype=bool)
    return _other_number_format(bad[of_format], current) + [
        in_week(
            row.series_key,
            row.week_start,
            f"unreadable_{row.role}",
            f"{row.variable} ({row.place}) has no usable number in the week of "
            f"{day(row.week_start)}: found {row.found}; correct it at the source, with 0 where "
            "nothing was spent",
            str(row.variable),
        )
        for row in bad[~of_format].itertuples()
    ]


def stopped_feeds(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Platforms of the reports that had rows regularly, and have none while others go on."""
    since = weekly.groupby("variable")["silent_since"].max().dropna()
    return [
        Problem(
            "stopped_feed",
            f"{channel.name} ({settings.place_of(channel)}) has had no row since "
            f"{day(since[channel.name])}, regular ones before, and others go on: its spend is not "
            "known from then on. Mend its feed; or, if nothing was spent, set "
            f"channels[{channel_index}].ended: {day(since[channel.name])}",
            channel.name,
        )
        for channel_index, channel in enumerate(settings.channels)
        if channel.name in since
    ]


def absent_spend(silent: Collection[str], settings: Settings) -> list[Problem]:
    """Nothing to fit: every paid channel is among the silent media."""
    if any(channel.name not in silent for channel in settings.channels):
        return []
    return [Problem("no_spend", "no channel has any spend; check the spend columns' source")]


def _daily_problems(weeks: pd.DataFrame) -> list[Problem]:
    if (weeks["n_days"] == 1).mean() > 0.5:
        return [
            Problem(
                "weekly_rows",
                "most weeks have one date, but input.grain is daily; set input.grain: weekly",
            )
        ]
    weeks = weeks.assign(whole=days_a_week(weeks))
    problems = [
        in_week(
            row.series_key,
            row.week_start,
            "missing_day",
            f"the week of {day(row.week_start)} has {row.n_days} of {row.whole} days; add the "
            "missing days",
        )
        for row in weeks[weeks["n_days"] < weeks["whole"]].itertuples()
    ]
    return problems + [
        in_week(
            row.series_key,
            row.week_start,
            "duplicate_day",
            f"a day of the week of {day(row.week_start)} stands twice; keep one row a day",
        )
        for row in weeks[weeks["n_rows"] > weeks["n_days"]].itertuples()
    ]


def _weekly_problems(weeks: pd.DataFrame, settings: Settings) -> list[Problem]:
    if (weeks["n_days"] > 1).mean() > 0.5:
        most = weeks["n_days"].max()
        return [
            Problem(
                "daily_rows",
                f"{settings.input.table} has up to {most} dates a week, but input.grain is weekly; "
                "set input.grain: daily to have days summed to weeks",
            )
        ]
    problems = [
        in_week(
            row.series_key,
            row.week_start,
            *duplicate_week(day(row.week_start), row.n_rows),
        )
        for row in weeks[(weeks["n_rows"] > 1) & (weeks["n_days"] == 1)].itertuples()
    ]
    problems += [
        in_week(
            row.series_key,
            row.week_start,
            "mixed_grain",
            f"the week of {day(row.week_start)} has {row.n_rows} rows of {row.n_days} dates, most "
            "weeks one; deliver one row a week throughout, or days throughout with input.grain: "
            "daily",
        )
        for row in weeks[weeks["n_days"] > 1].itertuples()
    ]
    return problems + _dated_otherwise(weeks, settings)


def _dated_otherwise(weeks: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Weekly rows whose date is not the day of the week that the settings say."""
    starts_on, dated_by = settings.input.week_starts_on, settings.input.dated_by
    dates = pd.to_datetime(weeks["first_date"])
    expected = weeks["week_start"] + pd.Timedelta(days=6 if dated_by == "last_day" else 0)
    shifted = weeks.assign(first_date=dates)[dates != expected]
    if shifted.empty:
        return []
    names = sorted(set(shifted["first_date"].dt.day_name()))
    found = (
        f"{len(shifted)} rows are dated on {', '.join(names)}, such as "
        f"{day(shifted['first_date'].iloc[0])}, but "
    )
    first = shifted["first_date"].iloc[0]
    last_of_week, next_day = first.day_name().lower(), first + pd.Timedelta(days=1)
    ends = f"input.dated_by: last_day with input.week_starts_on: {next_day.day_name().lower()}"
    if dated_by == "last_day":
        found += f"input.dated_by is last_day of weeks that start on {starts_on}"
        remedy = "set input.week_starts_on to the day after the one that the data use"
    elif len(names) > 1:
        found += f"input.week_starts_on is {starts_on}"
        remedy = "set it to the day that the data uses"
    else:
        found += f"input.week_starts_on is {starts_on}"
        remedy = (
            f"set it to the day that the data uses, {last_of_week}, if that is the first of the "
            f"week; if it is the last, set {ends}"
        )
    return [
        Problem("wrong_week_start", f"{found}; {remedy}", week=day(shifted["week_start"].iloc[0]))
    ]


def _other_number_format(bad: pd.DataFrame, current: NumberFormat) -> list[Problem]:
    """Texts that are numbers with other marks than the settings': one problem for them all."""
    if bad.empty:
        return []
    first, texts = bad.iloc[0], dict.fromkeys(bad["bare"])
    readings = number_readings(texts)
    ways = " or ".join(
        one.to_set(current) + (f" if that is {number:.12g}" if len(readings) > 1 else "")
        for number, one in readings.items()
    )
    # Of which no one format reads all.
    remedy = f"set {ways}" if readings else "write all in one way"
    names = ", ".join(bad["variable"].unique())
    return [
        Problem(
            "number_format",
            f"{bad['n_unreadable'].sum()} values of {names} are numbers in another format than "
            f"the settings', such as {first['unreadable_value']!r} of {first['variable']} "
            f"({first['place']}) in the week of {day(first['week_start'])}; {remedy}, or correct "
            "them at the source",
            week=day(first["week_start"]),
        )
    ]


def _undated(rows: pd.DataFrame, column: str, where: str) -> list[Problem]:
    """Rows without a day, a problem for each cause: blank, in another order, or no day at all."""
    counts = rows.groupby("raw_date", dropna=False)["n_rows"].sum()
    is_blank = counts.index.isna() | (counts.index.fillna("").str.strip() == "")
    blank, written = counts[is_blank], counts[~is_blank]
    in_order = np.array([is_date_in_another_order(str(t)) for t in written.index], dtype=bool)
    problems: list[Problem] = []
    if len(blank):
        message = (
            f"{blank.sum()} rows{where} have no date in column {column!r}; add it, or drop them"
        )
        problems.append(Problem("missing_date", message, column))
    if in_order.any():
        dates = written[in_order]
        readings = date_readings([str(text) for text in dates.index])
        ways = " or ".join(
            f"input.date_format: {order}" + (f" if that is {found}" if len(readings) > 1 else "")
            for order, found in readings.items()
        )
        order = f" ({IN_WORDS[next(iter(readings))]})" if len(readings) == 1 else ""
        problems.append(
            Problem(
                "date_format",
                f"{_dated(dates)} in column {column!r}{where}, which is no ISO date{order}; "
                + (f"set {ways}, or write" if readings else "write")
                + " dates as 2026-01-31",
                column,
            )
        )
    if not in_order.all():
        problems.append(
            Problem(
                "unreadable_date",
                f"{_dated(written[~in_order])} in column {column!r}{where}, which is no day from "
                "1990 to 2099; write it as 2026-01-31",
                column,
            )
        )
    return problems


def _dated(counts: "pd.Series[int]") -> str:
    of_how_many = "the date" if len(counts) == 1 else f"{len(counts)} dates such as"
    return f"{counts.sum()} rows have {of_how_many} {counts.index[0]!r}"


def _quoted_date(raw: object) -> str:
    return f"the date {raw!r}" if isinstance(raw, str) else "no date"


def in_week(
    series: object, week: object, code: str, message: str, variable: str | None = None
) -> Problem:
    """A problem in one week of one series."""
    return Problem(code, message, variable, day(week), str(series))


def day(week: object) -> str:
    """A day as it is written in messages."""
    return str(pd.Timestamp(str(week)).date())
