"""Bad input through the real file, warehouse and dbt: a clear error or a recorded repair."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from dagster_mmm.defs.ingest import load_csv
from dagster_mmm.defs.panel import read_marts
from dagster_mmm.environment import ROOT
from dagster_mmm.model_input import InputError, ModelInput, build_panel, judge_input
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse.resource import WarehouseResource

TODAY = dt.date(2026, 1, 1)
SQL = ROOT / "sql"
MARTS = ("weekly_input", "rejected_input")
Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Warehouse:
    """A warehouse with dbt's models in it, and the SQL that dbt compiled for the marts."""

    settings: Settings
    resource: WarehouseResource
    marts: dict[str, str]

    def judge(self, frame: pd.DataFrame, today: dt.date = TODAY) -> ModelInput:
        file = Path(self.resource.path).with_name("input.csv")
        frame.to_csv(file, index=False)
        load_csv(self.resource, file, self.settings)
        # The staging and intermediate models are views: they follow the raw table by themselves.
        with self.resource.begin() as connection:
            for name, query in self.marts.items():
                connection.exec_driver_sql(f"create or replace table mmm.{name} as {query}")
        return judge_input(*read_marts(self.resource), self.settings, today)


def build_warehouse(folder: Path, market: Path, grain: str) -> Warehouse:
    document = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
    settings = Settings.model_validate(document | {"input": {"grain": grain}})
    resource = WarehouseResource(path=str(folder / "warehouse.duckdb"))
    load_csv(resource, market, settings)
    arguments = [Path(sys.executable).with_name("dbt"), "build", "--quiet"]
    arguments += ["--select", "+weekly_input", "rejected_input", "--project-dir", SQL]
    arguments += ["--profiles-dir", SQL, "--target-path", folder / "target"]
    arguments += ["--log-path", folder / "logs", "--vars", json.dumps(settings.dbt_vars())]
    environment = os.environ | {"MMM_DUCKDB_PATH": resource.path}
    subprocess.run([str(argument) for argument in arguments], env=environment, check=True)
    compiled = folder / "target" / "compiled" / "mmm" / "models" / "marts"
    return Warehouse(
        settings, resource, {name: (compiled / f"{name}.sql").read_text() for name in MARTS}
    )


@pytest.fixture(scope="module")
def weekly(tmp_path_factory: pytest.TempPathFactory, market: Path) -> Warehouse:
    """A warehouse whose settings say weekly."""
    return build_warehouse(tmp_path_factory.mktemp("weekly"), market, "weekly")


@pytest.fixture(scope="module")
def by_day(tmp_path_factory: pytest.TempPathFactory, market: Path) -> Warehouse:
    """A warehouse whose settings say daily."""
    return build_warehouse(tmp_path_factory.mktemp("daily"), market, "daily")


def with_value(row: int, column: str, value: object) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype(object)
        frame.loc[row, column] = value
        return frame

    return change


def daily(frame: pd.DataFrame) -> pd.DataFrame:
    days = frame.loc[frame.index.repeat(7)].reset_index(drop=True)
    offset = pd.to_timedelta(np.tile(np.arange(7), len(frame)), unit="D")
    numbers = [c for c in frame if c.endswith("_spend") or c == "revenue"]
    days["week"] = (pd.to_datetime(days["week"]) + offset).dt.strftime("%Y-%m-%d")
    days[numbers] = days[numbers] / 7
    return days


PROBLEMS: dict[str, tuple[Change, str, str]] = {
    "missing week": (lambda f: f.drop(index=20), "missing_week", "week of 2021-05-24 has no row"),
    "duplicate week": (
        lambda f: pd.concat([f, f.iloc[[30]]]),
        "duplicate_week",
        "week of 2021-08-02 has 2 rows",
    ),
    "negative spend": (with_value(5, "tv_spend", -1), "negative_spend", "week of 2021-02-08"),
    "missing revenue": (with_value(7, "revenue", ""), "unreadable_outcome", "found nothing"),
    "infinite revenue": (with_value(7, "revenue", "inf"), "unreadable_outcome", "found inf"),
    "NaN revenue": (with_value(7, "revenue", "NaN"), "unreadable_outcome", "found NaN"),
    "text in spend": (
        with_value(9, "radio_spend", "1,200"),
        "unreadable_spend",
        "(column 'radio_spend') has no usable number in the week of 2021-03-08: found 1,200",
    ),
    "daily rows": (daily, "daily_rows", "set input.grain: daily"),
    "short history": (lambda f: f.head(51), "too_few_weeks", "51 weeks of history; at least 52"),
    "unreadable date": (
        with_value(3, "week", "31/01/2021"),
        "unreadable_date",
        "1 rows have the date '31/01/2021' in column 'week'",
    ),
    "wrong week start": (
        lambda f: f.assign(week=(pd.to_datetime(f["week"]) + pd.Timedelta(days=2)).astype(str)),
        "wrong_week_start",
        "dated on Wednesday",
    ),
    "no spend at all": (
        lambda f: f.assign(**{c: 0 for c in f if c.endswith("_spend")}),
        "no_spend",
        "no channel has any spend",
    ),
    "many at once": (
        lambda f: f.assign(tv_spend=-f["tv_spend"] - 1),
        "negative_spend",
        "(and 155 more like it)",
    ),
    "no date": (with_value(3, "week", ""), "unreadable_date", "1 rows have no date in column"),
    "constant control": (
        lambda f: f.assign(promotion=0),
        "constant_control",
        "promotion is 0 in every week",
    ),
    "no rows": (lambda f: f.head(0), "empty_table", "raw.weekly_media has no complete week"),
}


@pytest.mark.parametrize("change, code, message", PROBLEMS.values(), ids=PROBLEMS)
def test_what_cannot_be_repaired_is_refused_with_place_and_remedy(
    weekly: Warehouse, market: Path, change: Change, code: str, message: str
) -> None:
    found = weekly.judge(change(pd.read_csv(market)))
    assert code in {problem.code for problem in found.problems}
    text = str(InputError(found.problems))
    assert message in text
    assert "SELECT" not in text.upper().replace("SELECTED", "")


def used_weeks(found: ModelInput) -> int:
    return found.snapshot.loc[found.snapshot["is_used"], "week_start"].nunique()


def test_clean_input_is_used_whole(weekly: Warehouse, market: Path) -> None:
    frame = pd.read_csv(market)
    found = weekly.judge(frame)
    assert (found.problems, found.repairs()) == ((), [])
    panel = build_panel(found.snapshot, weekly.settings)
    np.testing.assert_array_equal(panel.outcome, frame["revenue"])
    np.testing.assert_array_equal(panel.spend[:, 0], frame["tv_spend"])


def test_a_week_that_is_not_over_is_left_out_and_recorded(weekly: Warehouse, market: Path) -> None:
    found = weekly.judge(pd.read_csv(market), today=dt.date(2023, 12, 30))
    assert found.problems == ()
    assert used_weeks(found) == 155
    assert found.repairs() == ["the week is not over on 2023-12-30"]
    left_out = found.snapshot[found.snapshot["is_repaired"]]
    assert set(left_out["week_start"].dt.strftime("%Y-%m-%d")) == {"2023-12-25"}
    assert left_out["value"].notna().all()


def test_a_last_week_without_revenue_is_left_out_and_recorded(
    weekly: Warehouse, market: Path
) -> None:
    found = weekly.judge(with_value(155, "revenue", "")(pd.read_csv(market)))
    assert (found.problems, used_weeks(found)) == ((), 155)
    assert found.repairs() == ["revenue has not arrived for this week"]


def test_revenue_that_has_stopped_coming_is_refused(weekly: Warehouse, market: Path) -> None:
    frame = pd.read_csv(market).astype(object)
    frame.loc[151:, "revenue"] = ""
    found = weekly.judge(frame)
    (problem,) = found.problems
    assert problem.code == "unreadable_outcome"
    assert problem.week == "2023-11-27"
    assert "(and 4 more like it)" in problem.message


def test_a_channel_without_spend_is_left_out_and_recorded(weekly: Warehouse, market: Path) -> None:
    found = weekly.judge(pd.read_csv(market).assign(radio_spend=0))
    assert (found.problems, used_weeks(found)) == ((), 156)
    assert found.repairs() == ["the channel has no spend in any week"]
    assert build_panel(found.snapshot, weekly.settings).channels == (
        "tv",
        "search",
        "social",
        "display",
    )


def test_daily_rows_are_summed_to_weeks_and_a_partial_last_week_left_out(
    by_day: Warehouse, market: Path
) -> None:
    frame = pd.read_csv(market)
    found = by_day.judge(daily(frame).iloc[:-3])
    assert (found.problems, used_weeks(found)) == ((), 155)
    assert found.repairs() == ["the week is incomplete: 4 of 7 days"]
    panel = build_panel(found.snapshot, by_day.settings)
    np.testing.assert_allclose(panel.outcome, frame["revenue"][:-1], rtol=1e-12)


def test_a_missing_day_in_the_middle_is_refused(by_day: Warehouse, market: Path) -> None:
    found = by_day.judge(daily(pd.read_csv(market)).drop(index=100))
    assert [problem.code for problem in found.problems] == ["missing_day"]


def test_weekly_rows_under_daily_settings_are_named_once(by_day: Warehouse, market: Path) -> None:
    found = by_day.judge(pd.read_csv(market))
    assert [problem.code for problem in found.problems] == ["weekly_rows"]
    assert "set input.grain: weekly" in str(InputError(found.problems))


def test_revenue_that_lags_behind_an_unfinished_week_is_waited_for(
    weekly: Warehouse, market: Path
) -> None:
    frame = with_value(154, "revenue", "")(pd.read_csv(market))
    found = weekly.judge(frame, today=dt.date(2023, 12, 30))
    assert (found.problems, used_weeks(found)) == ((), 154)


def test_a_variable_that_the_mart_lacks_is_never_left_out_in_silence(
    weekly: Warehouse, market: Path
) -> None:
    weekly.judge(pd.read_csv(market))
    mart, rejected = read_marts(weekly.resource)
    found = judge_input(mart[mart["variable"] != "tv"], rejected, weekly.settings, TODAY)
    assert "tv is in the settings and not in weekly_input" in str(InputError(found.problems))
