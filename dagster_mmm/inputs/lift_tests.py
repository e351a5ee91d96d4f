"""Lift tests against the weeks that are fitted: which they hold, and which of them are wrong."""

import pandas as pd

from dagster_mmm.inputs.problems import day
from dagster_mmm.settings import Settings
from hill_mmm.panel import Problem
from hill_mmm.spec import LiftTest


def lift_tests_within(used: pd.DataFrame, settings: Settings) -> tuple[LiftTest, ...]:
    """The lift tests of the settings all of whose weeks are used.

    Args:
        used: the rows that are fitted, with `series_key, week_start, variable`.
        settings: the model's settings.
    """
    return tuple(test for test in settings.lift_tests if _is_within(test, _tested_rows(used, test)))


def lift_tests_left_out(used: pd.DataFrame, settings: Settings) -> list[Problem]:
    """The lift tests of other weeks, of which the fit does not know: advice, no error.

    The weeks of a test may be before the table's first, held back, or still to come.
    """
    points: list[Problem] = []
    for test_index, test in enumerate(settings.lift_tests):
        rows = _tested_rows(used, test)
        if len(rows) and not _is_within(test, rows):
            message = (
                f"lift_tests[{test_index}] of {test.channel} is left out: it is of {test.start} to "
                f"{test.end}, but the weeks used are {day(rows['week_start'].min())} to "
                f"{day(rows['week_start'].max())}"
            )
            points.append(Problem("lift_test_left_out", message, test.channel))
    return points


def lift_test_problems(used: pd.DataFrame, settings: Settings) -> list[Problem]:
    """Lift tests of series that are not there, and of weeks in which nothing was spent."""
    problems: list[Problem] = []
    for test_index, test in enumerate(settings.lift_tests):
        key, rows = f"lift_tests[{test_index}]", _tested_rows(used, test)
        if rows.empty:
            known = ", ".join(used["series_key"].unique())
            message = f"{key} names the series {test.series!r}; allowed: {known}"
            problems.append(Problem("unknown_series", message, test.channel))
        elif _is_within(test, rows):
            spend = rows.loc[rows["week_start"].between(test.start, test.end), "value"]
            if not spend.gt(0).any():
                message = (
                    f"{key}: {test.channel} has no spend from {test.start} to {test.end}; "
                    "correct its channel or dates"
                )
                problems.append(Problem("lift_test_without_spend", message, test.channel))
    return problems


def _tested_rows(used: pd.DataFrame, test: LiftTest) -> pd.DataFrame:
    rows = used[used["variable"] == test.channel]
    return rows if test.series is None else rows[rows["series_key"] == test.series]


def _is_within(test: LiftTest, rows: pd.DataFrame) -> bool:
    weeks = rows["week_start"]
    return bool(weeks.min() <= pd.Timestamp(test.start) <= pd.Timestamp(test.end) <= weeks.max())
