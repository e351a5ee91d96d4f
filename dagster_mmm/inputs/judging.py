"""The weekly input judged as a whole, and the panel that its used values make."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TypedDict

import pandas as pd

from dagster_mmm.inputs.errors import InputError, RawTableError
from dagster_mmm.inputs.left_out import lead_in, silent_media, weeks_left_out
from dagster_mmm.inputs.lift_tests import lift_test_problems, lift_tests_left_out
from dagster_mmm.inputs.plausibility import advice, unit_errors
from dagster_mmm.inputs.problems import (
    absent_spend,
    absent_variables,
    built_otherwise,
    calendar_problems,
    empty_table,
    future_dates,
    rejected_rows,
    series_like_their_sum,
    similar_series,
    stopped_feeds,
    unknown_holidays,
    unreadable_values,
)
from dagster_mmm.inputs.raw_tables import check_table
from dagster_mmm.settings import Settings, SettingsError
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.marts import read_marts
from hill_mmm import Panel, PanelError
from hill_mmm.panel import Problem, find_problems

# The column of the panel's frame that names the series: no variable's name can hold a space.
SERIES = "series key"
# Plans of spend reach further ahead than this in no company's warehouse.
PLANNED_AHEAD = pd.Timedelta(days=2 * 366)


@dataclass(frozen=True)
class ModelInput:
    """The weekly input, judged.

    Attributes:
        snapshot: one row a series, week and variable, with `value, is_used, is_repaired, reason`,
            as in the result table `mmm_input_snapshot`.
        problems: why it cannot be fitted; empty where it can.
        notes: what was found beside the values that asks for a second look, or was left out.
    """

    snapshot: pd.DataFrame
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()

    def advice(self) -> list[Problem]:
        """What can be fitted, but a careful reader would look at first; none where nothing can.

        With values missing, a medium may look as if it had stopped.
        """
        return [] if self.problems else [*self.notes, *input_advice(self.snapshot)]

    def repairs(self) -> list[str]:
        """The reason of every repair, once each."""
        return list(self.snapshot["reason"].dropna().unique())


class _Roles(TypedDict):
    outcome: str
    value: str | None
    channels: list[str]
    organic: list[str]
    controls: list[str]


def judge_stored(
    warehouse: Warehouse, settings: Settings, today: date, as_of: date | None = None
) -> ModelInput:
    """Judge a model's input as it stands in the warehouse, its raw table included.

    A raw table that is not as the settings say is the only problem then. The arguments are those of
    `judge_input`.
    """
    try:
        table = check_table(warehouse, settings)
    except (RawTableError, SettingsError) as error:
        nothing = pd.DataFrame(columns=["series_key", "week_start", "variable", "role", "value"])
        return ModelInput(_snapshot(nothing), (Problem("raw_table", str(error)),))
    judged = judge_input(*read_marts(warehouse, settings.model_key), settings, today, as_of)
    return replace(judged, notes=(*table.advice, *judged.notes))


def judge_input(
    weekly: pd.DataFrame,
    rejected: pd.DataFrame,
    settings: Settings,
    today: date,
    as_of: date | None = None,
) -> ModelInput:
    """Find every problem and make every repair that the settings allow.

    Repairs, each recorded: outcome and controls of the weeks that lead in, weeks after `as_of`,
    weeks that are not over by `today`, up to four last weeks whose outcome has not arrived, the
    partial first and last week of daily data, the weeks since a platform stopped, and media without
    any spend or exposure are left out. All else that is wrong is a problem. What a series lacks at
    the end is left out for all series, so that they end together.

    Args:
        weekly: the mart `mmm_weekly_input`.
        rejected: the mart `mmm_rejected_input`.
        settings: the model's settings.
        today: the day as of which a week is over or not.
        as_of: the first day of the last week to use; lift tests that end later are not known yet.
    """
    if as_of is not None:
        settings = settings.known_by(as_of)
    problems = rejected_rows(rejected, settings)
    if weekly.empty:
        return ModelInput(_snapshot(weekly), tuple(problems) or (empty_table(settings),))
    otherwise = built_otherwise(weekly, settings)
    if otherwise:
        return ModelInput(_snapshot(weekly), (*problems, *otherwise))
    problems += absent_variables(weekly, settings) + series_like_their_sum(weekly)
    problems += similar_series(weekly)
    weekly = weekly.assign(week_start=pd.to_datetime(weekly["week_start"]))
    far_ahead = future_dates(weekly, pd.Timestamp(today) + PLANNED_AHEAD)
    if far_ahead:
        # The weeks up to them are no gap in the data.
        return ModelInput(
            _snapshot(weekly), (*problems, *_first_of_each(_naming_series(far_ahead, weekly)))
        )
    left_out = weeks_left_out(weekly, settings, today, as_of)
    left_out = left_out.fillna(lead_in(weekly[left_out.isna()], settings))
    kept = weekly[left_out.isna()]
    if kept.empty:
        return ModelInput(_snapshot(weekly), (*problems, empty_table(settings)))
    silent = silent_media(kept)
    silence = weekly["variable"].map(silent).astype("string")
    snapshot = _snapshot(weekly, left_out.fillna(silence))
    found = calendar_problems(kept, settings) + unreadable_values(kept, settings)
    found += stopped_feeds(kept, settings)
    found += absent_spend(silent, settings) + unit_errors(kept, settings)
    found += unknown_holidays(kept, settings)
    problems += _naming_series(found, weekly)
    if not problems:
        problems += find_problems(_wide(snapshot), **_roles(snapshot, settings), series=SERIES)
        problems += lift_test_problems(kept, settings)
    notes = () if problems else tuple(lift_tests_left_out(kept, settings))
    return ModelInput(snapshot, tuple(_first_of_each(problems)), notes)


def input_advice(snapshot: pd.DataFrame) -> list[Problem]:
    """What is suspicious in the snapshot's used values, and what it does to the fit."""
    used = snapshot[snapshot["is_used"] & snapshot["value"].notna()]
    return _first_of_each(_naming_series(advice(used), used)) if len(used) else []


def build_panel(snapshot: pd.DataFrame, settings: Settings) -> Panel:
    """The panel of the snapshot's used values.

    Raises:
        InputError: if they do not make one.
    """
    roles = _roles(snapshot, settings)
    try:
        return Panel.from_frame(_wide(snapshot), **roles, series=SERIES)
    except PanelError as error:
        raise InputError(error.problems) from error


def _wide(snapshot: pd.DataFrame) -> pd.DataFrame:
    used = snapshot[snapshot["is_used"]].rename(columns={"series_key": SERIES})
    wide = used.pivot(index=[SERIES, "week_start"], columns="variable", values="value")
    return wide.reset_index(SERIES)


def _roles(snapshot: pd.DataFrame, settings: Settings) -> _Roles:
    used = set(snapshot.loc[snapshot["is_used"], "variable"].unique())
    value = settings.outcome.value
    return {
        "outcome": settings.outcome.name,
        "value": None if value is None else value.name,
        "channels": [channel.name for channel in settings.channels if channel.name in used],
        "organic": [medium.name for medium in settings.organic if medium.name in used],
        "controls": [control.name for control in settings.controls],
    }


def _snapshot(weekly: pd.DataFrame, reasons: "pd.Series[str] | None" = None) -> pd.DataFrame:
    rows = weekly[["series_key", "week_start", "variable", "role", "value"]].copy()
    rows["reason"] = pd.Series(pd.NA, index=rows.index, dtype="string")
    if reasons is not None:
        rows["reason"] = reasons
    rows["is_repaired"] = rows["reason"].notna()
    rows["is_used"] = ~rows["is_repaired"]
    return rows.reset_index(drop=True)


def _naming_series(problems: list[Problem], weekly: pd.DataFrame) -> list[Problem]:
    """The problems as `find_problems` says them: of which series, where there are several."""
    if weekly["series_key"].nunique() == 1:
        return problems
    return [
        problem
        if problem.series is None
        else replace(problem, message=f"{problem.series}: {problem.message}")
        for problem in problems
    ]


def _first_of_each(problems: list[Problem]) -> list[Problem]:
    """One problem for each kind and variable, which says how many more there are."""
    kinds: dict[tuple[str, str | None], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.code, problem.variable), []).append(problem)
    return [
        replace(same[0], message=f"{same[0].message} ({_and_more(same)})")
        if len(same) > 1
        else same[0]
        for same in kinds.values()
    ]


def _and_more(same: list[Problem]) -> str:
    series = {problem.series for problem in same}
    within = f", in {len(series)} series" if len(series) > 1 else ""
    return f"and {len(same) - 1} more like it{within}"
