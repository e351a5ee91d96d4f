"""From the weekly mart to the panel: what is wrong with the input, and what was repaired in it.

The mart says what it found and judges nothing. Here every week either enters the fit, is left out
with a recorded reason, or stops the job with a message that names the place and the remedy.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypedDict

import pandas as pd

from dagster_mmm.settings import Settings
from hill_mmm import Panel, PanelError, Problem, find_problems

WEEK = timedelta(days=7)
# An outcome that is later than this has stopped coming, and somebody has to know.
MAX_LATE_WEEKS = 4


class InputError(ValueError):
    """The input cannot be fitted; `problems` lists every reason found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"- {problem.message}" for problem in self.problems))


@dataclass(frozen=True)
class ModelInput:
    """The weekly input, judged.

    Attributes:
        snapshot: one row a week and variable, with `value, is_used, is_repaired, reason`, as in
            the result table `mmm_input_snapshot`.
        problems: why it cannot be fitted; empty where it can.
    """

    snapshot: pd.DataFrame
    problems: tuple[Problem, ...]

    def repairs(self) -> list[str]:
        """The reason of every repair, once each."""
        return list(self.snapshot["reason"].dropna().unique())


class _Roles(TypedDict):
    outcome: str
    channels: list[str]
    controls: list[str]


def judge_input(
    weekly: pd.DataFrame, rejected: pd.DataFrame, settings: Settings, today: date
) -> ModelInput:
    """Find every problem and make every repair that the settings allow.

    Repairs, each recorded: weeks that are not over by `today`, up to four last weeks whose outcome
    has not arrived, the partial first and last week of daily data, and channels without any spend
    are left out. All else that is wrong is a problem.

    Args:
        weekly: the mart `weekly_input`.
        rejected: the mart `rejected_input`.
        settings: the model's settings.
        today: the day as of which a week is over or not.
    """
    problems = _unreadable_dates(rejected, settings)
    if weekly.empty:
        table = settings.input.table
        return ModelInput(_snapshot(weekly), (*problems, _empty(table)))
    problems += _absent_variables(weekly, settings)
    weekly = weekly.assign(week_start=pd.to_datetime(weekly["week_start"]))
    left_out = _weeks_left_out(weekly, settings, today)
    kept = weekly[~weekly["week_start"].isin(left_out.index)]
    if kept.empty:
        return ModelInput(_snapshot(weekly), (*problems, _empty(settings.input.table)))
    problems += _calendar_problems(kept, settings)
    problems += _unreadable_values(kept, settings)
    silent = _silent_channels(kept)
    if len(silent) == len(settings.channels):
        problems.append(
            Problem("no_spend", "no channel has any spend; check the spend columns' source")
        )
    reasons = pd.Series(pd.NA, index=weekly.index, dtype="string")
    reasons = reasons.mask(weekly["variable"].isin(silent), "the channel has no spend in any week")
    reasons = reasons.mask(
        weekly["week_start"].isin(left_out.index), weekly["week_start"].map(left_out)
    )
    snapshot = _snapshot(weekly, reasons)
    if not problems:
        problems += find_problems(_wide(snapshot), **_roles(snapshot, settings))
    return ModelInput(snapshot, tuple(_first_of_each(problems)))


def build_panel(snapshot: pd.DataFrame, settings: Settings) -> Panel:
    """The panel of the snapshot's used values.

    Raises:
        InputError: if they do not make one.
    """
    try:
        return Panel.from_frame(
            _wide(snapshot), **_roles(snapshot, settings), series=settings.input.series
        )
    except PanelError as error:
        raise InputError(error.problems) from error


def _wide(snapshot: pd.DataFrame) -> pd.DataFrame:
    used = snapshot[snapshot["is_used"]]
    return used.pivot(index="week_start", columns="variable", values="value")


def _roles(snapshot: pd.DataFrame, settings: Settings) -> _Roles:
    used = set(snapshot.loc[snapshot["is_used"], "variable"])
    return {
        "outcome": settings.outcome.name,
        "channels": [channel.name for channel in settings.channels if channel.name in used],
        "controls": [control.name for control in settings.controls],
    }


def _snapshot(weekly: pd.DataFrame, reasons: pd.Series | None = None) -> pd.DataFrame:
    rows = weekly[["series_key", "week_start", "variable", "role", "value"]].copy()
    rows["reason"] = pd.Series(pd.NA, index=rows.index, dtype="string")
    if reasons is not None:
        rows["reason"] = reasons
    rows["is_repaired"] = rows["reason"].notna()
    rows["is_used"] = ~rows["is_repaired"]
    return rows.reset_index(drop=True)


def _first_of_each(problems: list[Problem]) -> list[Problem]:
    """One problem for each kind and variable, which says how many more there are."""
    kinds: dict[tuple[str, str | None], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.code, problem.variable), []).append(problem)
    return [
        replace(same[0], message=f"{same[0].message} (and {len(same) - 1} more like it)")
        if len(same) > 1
        else same[0]
        for same in kinds.values()
    ]


def _absent_variables(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    names = [variable.name for variable in settings.variables().values()]
    return [
        Problem(
            "missing_variable",
            f"{name} is in the settings and not in weekly_input; build weekly_input again",
            name,
        )
        for name in names
        if name not in set(weekly["variable"])
    ]


def _weeks_left_out(weekly: pd.DataFrame, settings: Settings, today: date) -> "pd.Series[str]":
    """The reason for each week at either end that the fit does without, by its first day."""
    by_week = weekly.groupby("week_start")
    days, rows = by_week["n_days"].max(), by_week["n_rows"].max()
    reasons: dict[pd.Timestamp, str] = {}
    if settings.input.grain == "daily":
        for week in (days.index[0], days.index[-1]):
            if days[week] < 7:
                reasons[week] = f"the week is incomplete: {days[week]} of 7 days"
    for week in days.index:
        if week.date() + WEEK > today:
            reasons[week] = f"the week is not over on {today}"
    outcome = weekly[weekly["role"] == "outcome"].set_index("week_start").sort_index()
    outcome = outcome.drop(index=list(reasons), errors="ignore")
    blank = (outcome["n_unreadable"] > 0) & outcome["unreadable_value"].fillna("").eq("")
    arrived = outcome.index[~(blank & (rows[outcome.index] > 0))]
    late = outcome.index[outcome.index > arrived.max()] if len(arrived) else outcome.index
    if len(late) <= MAX_LATE_WEEKS:
        reasons |= dict.fromkeys(late, f"{settings.outcome.name} has not arrived for this week")
    return pd.Series(reasons, dtype="object")


def _calendar_problems(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    weeks = weekly.drop_duplicates("week_start").set_index("week_start").sort_index()
    problems = [
        _at(
            week,
            "missing_week",
            f"the week of {_day(week)} has no row; add it (0 where nothing was spent)",
        )
        for week in weeks.index[weeks["n_rows"] == 0]
    ]
    weeks = weeks[weeks["n_rows"] > 0]
    daily = settings.input.grain == "daily"
    problems += _daily_problems(weeks) if daily else _weekly_problems(weeks, settings)
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
        _at(
            week,
            "missing_day",
            f"the week of {_day(week)} has {days} of 7 days; add the missing days",
        )
        for week, days in weeks.loc[weeks["n_days"] < 7, "n_days"].items()
    ]
    repeated = weeks.index[weeks["n_rows"] > weeks["n_days"]]
    return problems + [
        _at(
            week,
            "duplicate_day",
            f"a day of the week of {_day(week)} stands twice; keep one row a day",
        )
        for week in repeated
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
        _at(
            week, "duplicate_week", f"the week of {_day(week)} has {rows} rows; keep one row a week"
        )
        for week, rows in weeks.loc[weeks["n_rows"] > 1, "n_rows"].items()
    ]
    dates = pd.to_datetime(weeks["first_date"])
    shifted = dates[dates != weeks.index]
    if len(shifted):
        found = ", ".join(sorted(set(shifted.dt.day_name())))
        problems.append(
            Problem(
                "wrong_week_start",
                f"{len(shifted)} rows are dated on {found}, such as {shifted.iloc[0].date()}, but "
                f"input.week_starts_on is {settings.input.week_starts_on}; "
                "set it to the day that the data uses",
                week=str(shifted.index[0].date()),
            )
        )
    return problems


def _unreadable_values(weekly: pd.DataFrame, settings: Settings) -> list[Problem]:
    columns = {v.name: v.column for v in settings.variables().values()}
    bad = weekly[weekly["n_unreadable"] > 0].sort_values(["variable", "week_start"])
    found = bad["unreadable_value"].fillna("").replace("", "nothing")
    return [
        _at(
            week,
            f"unreadable_{role}",
            f"{name} (column {columns[name]!r}) has no usable number in the week of "
            f"{_day(week)}: found {text}; correct it at the source, with 0 where nothing was spent",
            name,
        )
        for week, name, role, text in zip(
            bad["week_start"], bad["variable"], bad["role"], found, strict=True
        )
    ]


def _unreadable_dates(rejected: pd.DataFrame, settings: Settings) -> list[Problem]:
    return [
        Problem(
            "unreadable_date",
            f"{row.n_rows} rows have {_quoted_date(row.raw_date)} in column "
            f"{settings.input.date_column!r}, which cannot be read; write it as 2026-01-31",
        )
        for row in rejected.itertuples()
    ]


def _quoted_date(raw: object) -> str:
    return f"the date {raw!r}" if isinstance(raw, str) else "no date"


def _silent_channels(weekly: pd.DataFrame) -> list[str]:
    spend = weekly[weekly["role"] == "spend"].groupby("variable")
    quiet = (spend["value"].min() == 0) & (spend["value"].max() == 0)
    silent = quiet & (spend["n_unreadable"].sum() == 0)
    return list(silent.index[silent])


def _empty(table: str) -> Problem:
    return Problem(
        "empty_table", f"{table} has no complete week with a readable date; load it first"
    )


def _at(week: Hashable, code: str, message: str, variable: str | None = None) -> Problem:
    return Problem(code, message, variable, _day(week))


def _day(week: Hashable) -> str:
    return str(pd.Timestamp(str(week)).date())
