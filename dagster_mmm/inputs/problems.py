"""What is wrong with the weekly input, said with the place and the remedy.

A problem's message does not name its series; whoever lists the problems of several series does.
"""

import unicodedata
from collections.abc import Collection

import pandas as pd

from dagster_mmm.settings import Settings, reading
from hill_mmm.panel import ALL_SERIES, Problem, duplicate_week, early_end, missing_week


def empty_table(settings: Settings) -> Problem:
    """There is nothing to look at."""
    return Problem(
        "empty_table",
        f"{settings.input.table} has no complete week with a readable date; load it first, "
        "and build weekly_input",
    )


def built_otherwise(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Rows of `weekly_input` that were built as another settings file, or an older one, says."""
    remedy = "build it again: run the job weekly_input, or mmm run"
    if "read_as" not in weekly:
        return [Problem("built_otherwise", f"weekly_input is of an earlier version; {remedy}")]
    read_as = weekly["read_as"].dropna()
    if read_as.empty or (read_as == reading(settings)).all():
        return []
    return [
        Problem(
            "built_otherwise",
            f"weekly_input of {settings.model_key} was built with {weekly['settings_file'].iloc[0]}"
            f", which then said otherwise how the input is read than the settings do now; {remedy}",
        )
    ]


def rejected_rows(rejected: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Raw rows of the mart `rejected_input`: without a date that can be read, or of no series."""
    reports = settings.input.reports
    columns = {"table": (settings.input.date_column, settings.input.series_column)}
    if reports is not None:
        columns["reports"] = (reports.date_column, reports.series_column)
    problems: list[Problem] = []
    for origin, (date_column, series_column) in columns.items():
        rows = rejected[rejected["origin"] == origin]
        where = "" if origin == "table" else f" of {reports.table}" if reports else ""
        undated = rows[rows["observed_on"].isna()].groupby("raw_date", dropna=False)
        problems += [
            Problem(
                "unreadable_date",
                f"{n_rows} rows{where} have {_quoted_date(raw_date)} in column {date_column!r}, "
                "which is no day from 1990 to 2099; write it as 2026-01-31",
            )
            for raw_date, n_rows in undated["n_rows"].sum().items()
        ]
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
    """Variables of the settings that `weekly_input` was not built with."""
    names = [variable.name for variable in settings.variables().values()]
    built = set(weekly["variable"].unique())
    return [
        Problem(
            "missing_variable",
            f"{name} is in the settings and not in weekly_input; build weekly_input again",
            name,
        )
        for name in names
        if name not in built
    ]


def reserved_series(weekly: pd.DataFrame) -> list[Problem]:
    """A series among several that bears the name of their sum in the result tables."""
    names = weekly["series_key"].unique()
    if len(names) == 1 or ALL_SERIES not in names:
        return []
    message = f"a series is called {ALL_SERIES!r}, the name of their sum; call it something else"
    return [Problem("reserved_series", message, series=ALL_SERIES)]


def similar_series(weekly: pd.DataFrame) -> list[Problem]:
    """Names of series that a reader would take for one: they differ in case or encoding alone."""
    spellings: dict[str, list[str]] = {}
    for name in sorted(weekly["series_key"].unique()):
        spellings.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    return [
        Problem(
            "similar_series",
            f"the series {', '.join(map(repr, names))} differ in case or encoding alone; spell "
            "them one way",
            series=names[0],
        )
        for names in spellings.values()
        if len(names) > 1
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
    bad = bad.assign(
        place=bad["variable"].map(places),
        found=bad["unreadable_value"].fillna("").replace("", "nothing"),
    )
    return [
        in_week(
            row.series_key,
            row.week_start,
            f"unreadable_{row.role}",
            f"{row.variable} ({row.place}) has no usable number in the week of "
            f"{day(row.week_start)}: found {row.found}; correct it at the source, with 0 where "
            "nothing was spent",
            str(row.variable),
        )
        for row in bad.itertuples()
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


def lift_test_problems(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Lift tests that the weeks to be fitted do not hold."""
    problems: list[Problem] = []
    for test_index, test in enumerate(settings.lift_tests):
        key = f"lift_tests[{test_index}]"
        spend = weekly[weekly["variable"] == test.channel]
        if test.series is not None:
            spend = spend[spend["series_key"] == test.series]
        if spend.empty:
            known = ", ".join(weekly["series_key"].unique())
            found = f"names the series {test.series!r}; allowed: {known}"
            problems.append(Problem("unknown_series", f"{key} {found}", test.channel))
            continue
        start, end = pd.Timestamp(test.start), pd.Timestamp(test.end)
        first, last = spend["week_start"].min(), spend["week_start"].max()
        if start < first or end > last:
            message = (
                f"{key} is of {test.start} to {test.end}, but the weeks used are "
                f"{day(first)} to {day(last)}; correct its dates or take it out of the settings"
            )
            problems.append(Problem("lift_test_outside", message, test.channel))
        elif not spend.loc[spend["week_start"].between(start, end), "value"].gt(0).any():
            message = (
                f"{key}: {test.channel} has no spend from {test.start} to {test.end}; "
                "correct its channel or dates"
            )
            problems.append(Problem("lift_test_without_spend", message, test.channel))
    return problems


def _daily_problems(weeks: pd.DataFrame) -> list[Problem]:
    if (weeks["n_days"] == 1).mean() > 0.5:
        return [
            Problem(
                "weekly_rows",
                "most weeks have one date, but input.grain is daily; set input.grain: weekly",
            )
        ]
    problems = [
        in_week(
            row.series_key,
            row.week_start,
            "missing_day",
            f"the week of {day(row.week_start)} has {row.n_days} of 7 days; add the missing days",
        )
        for row in weeks[weeks["n_days"] < 7].itertuples()
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
    dates = pd.to_datetime(weeks["first_date"])
    shifted = weeks.assign(first_date=dates)[dates != weeks["week_start"]]
    if len(shifted):
        found = ", ".join(sorted(set(shifted["first_date"].dt.day_name())))
        problems.append(
            Problem(
                "wrong_week_start",
                f"{len(shifted)} rows are dated on {found}, such as "
                f"{day(shifted['first_date'].iloc[0])}, but input.week_starts_on is "
                f"{settings.input.week_starts_on}; set it to the day that the data uses",
                week=day(shifted["week_start"].iloc[0]),
            )
        )
    return problems


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
