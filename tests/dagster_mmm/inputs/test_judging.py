"""What is used, repaired and refused, through the real file, warehouse and dbt."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.inputs import (
    InputError,
    ModelInput,
    build_panel,
    judge_input,
    lift_tests_within,
)
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse.marts import read_marts
from tests.dagster_mmm.inputs.conftest import (
    LATE_START,
    TODAY,
    InputWarehouse,
    build_warehouse,
    daily,
    rows_of,
    with_value,
)


def used_weeks(found: ModelInput) -> int:
    return found.snapshot.loc[found.snapshot["is_used"], "week_start"].nunique()


def test_clean_input_is_used_whole(weekly: InputWarehouse, market: Path) -> None:
    frame = pd.read_csv(market)
    found = weekly.judge(frame)
    assert (found.problems, found.repairs()) == ((), [])
    panel = build_panel(found.snapshot, weekly.settings)
    assert panel.series == ("national",)
    np.testing.assert_array_equal(panel.outcome[:, 0], frame["revenue"])
    np.testing.assert_array_equal(panel.spend[:, 0, 0], frame["tv_spend"])


def test_a_week_that_is_not_over_is_left_out_and_recorded(
    weekly: InputWarehouse, market: Path
) -> None:
    found = weekly.judge(pd.read_csv(market), today=dt.date(2023, 12, 30))
    assert found.problems == ()
    assert used_weeks(found) == 155
    assert found.repairs() == ["the week is not over on 2023-12-30"]
    left_out = found.snapshot[found.snapshot["is_repaired"]]
    assert set(left_out["week_start"].dt.strftime("%Y-%m-%d")) == {"2023-12-25"}
    assert left_out["value"].notna().all()


def test_controls_of_weeks_to_come_are_kept_though_not_used(
    weekly: InputWarehouse, market: Path
) -> None:
    """What a control that is `given` takes its values from."""
    frame = pd.read_csv(market)
    ahead = frame.tail(2).assign(week=["2024-01-01", "2024-01-08"], competitor_price=[1.5, 1.75])
    blank = [name for name in ahead if name not in ("week", "competitor_price")]
    ahead = ahead.astype({name: object for name in blank}).assign(**dict.fromkeys(blank, ""))
    found = weekly.judge(pd.concat([frame, ahead]), today=dt.date(2024, 1, 1))
    assert (found.problems, used_weeks(found)) == ((), 156)
    price = found.snapshot[found.snapshot["variable"] == "competitor_price"].set_index("week_start")
    assert price["value"].iloc[-2:].tolist() == [1.5, 1.75]
    assert not price["is_used"].iloc[-2:].any()


def test_a_last_week_without_revenue_is_left_out_and_recorded(
    weekly: InputWarehouse, market: Path
) -> None:
    found = weekly.judge(with_value(155, "revenue", "")(pd.read_csv(market)))
    assert (found.problems, used_weeks(found)) == ((), 155)
    assert found.repairs() == ["revenue has not arrived for this week"]


@pytest.mark.parametrize("n_late", [0, 1, 2, 3])
def test_immature_weeks_are_held_back_once_whether_or_not_their_revenue_is_there(
    weekly: InputWarehouse, market: Path, n_late: int
) -> None:
    document = weekly.settings.model_dump(mode="json", exclude_none=True)
    document["input"]["immature_weeks"] = 2
    frame = pd.read_csv(market).astype(object)
    frame.loc[len(frame) - n_late :, "revenue"] = ""
    lagging = replace(weekly, settings=Settings.read(document))
    # The day after the last week's end: weeks are counted by the calendar.
    found = lagging.judge(frame, today=dt.date(2024, 1, 1))
    assert (found.problems, used_weeks(found)) == ((), 156 - max(2, n_late))
    assert "input.immature_weeks holds the last 2 complete weeks back" in found.repairs()
    # Of a table whose last rows are three weeks old, all weeks are mature.
    assert used_weeks(lagging.judge(pd.read_csv(market), today=dt.date(2024, 1, 22))) == 156


def test_revenue_that_has_stopped_coming_is_refused(weekly: InputWarehouse, market: Path) -> None:
    frame = pd.read_csv(market).astype(object)
    frame.loc[151:, "revenue"] = ""
    found = weekly.judge(frame)
    (problem,) = found.problems
    assert problem.code == "unreadable_outcome"
    assert problem.week == "2023-11-27"
    assert "(and 4 more like it)" in problem.message


def test_a_channel_without_spend_is_left_out_and_recorded(
    weekly: InputWarehouse, market: Path
) -> None:
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
    by_day: InputWarehouse, market: Path
) -> None:
    frame = pd.read_csv(market)
    found = by_day.judge(daily(frame).iloc[:-3])
    assert (found.problems, used_weeks(found)) == ((), 155)
    assert found.repairs() == ["the week is incomplete: 4 of 7 days"]
    panel = build_panel(found.snapshot, by_day.settings)
    np.testing.assert_allclose(panel.outcome[:, 0], frame["revenue"][:-1], rtol=1e-12)


def test_a_missing_day_in_the_middle_is_refused(by_day: InputWarehouse, market: Path) -> None:
    found = by_day.judge(daily(pd.read_csv(market)).drop(index=100))
    assert [problem.code for problem in found.problems] == ["missing_day"]


def test_weekly_rows_under_daily_settings_are_named_once(
    by_day: InputWarehouse, market: Path
) -> None:
    found = by_day.judge(pd.read_csv(market))
    assert [problem.code for problem in found.problems] == ["weekly_rows"]
    assert "set input.grain: weekly" in str(InputError(found.problems))


def test_revenue_that_lags_behind_an_unfinished_week_is_waited_for(
    weekly: InputWarehouse, market: Path
) -> None:
    frame = with_value(154, "revenue", "")(pd.read_csv(market))
    found = weekly.judge(frame, today=dt.date(2023, 12, 30))
    assert (found.problems, used_weeks(found)) == ((), 154)


@pytest.mark.parametrize("starts", [None, "2021-08-30"])
def test_weeks_before_the_first_outcome_lead_in(
    weekly: InputWarehouse, market: Path, starts: str | None
) -> None:
    """The outcome is blank before week 30, or not to be believed before week 34."""
    frame = pd.read_csv(market)
    document = weekly.settings.model_dump(mode="json", exclude_none=True)
    document["outcome"] |= {"starts": starts} if starts else {}
    weekly = replace(weekly, settings=Settings.read(document))
    found = weekly.judge(frame.assign(revenue=frame["revenue"].where(frame.index >= 30)))
    first = 34 if starts else 30
    assert found.problems == ()
    panel = build_panel(found.snapshot, weekly.settings)
    assert (panel.starts.tolist(), panel.media_starts.tolist()) == ([first], [0])
    np.testing.assert_allclose(panel.spend[:, 0, 0], frame["tv_spend"])
    left_out = found.snapshot[~found.snapshot["is_used"]]
    assert set(left_out["role"]) == {"outcome", "control"}
    assert left_out["week_start"].nunique() == first


def test_a_variable_that_the_mart_lacks_is_never_left_out_in_silence(
    weekly: InputWarehouse, market: Path
) -> None:
    weekly.judge(pd.read_csv(market))
    mart, rejected = read_marts(weekly.resource, weekly.settings.model_key)
    found = judge_input(mart[mart["variable"] != "tv"], rejected, weekly.settings, TODAY)
    assert "tv is in the settings and not in mmm_weekly_input" in str(InputError(found.problems))


def used_weeks_by_series(found: ModelInput) -> dict[str, int]:
    used = found.snapshot[found.snapshot["is_used"]]
    return used.groupby("series_key")["week_start"].nunique().to_dict()


def test_series_of_different_starts_make_one_panel(
    by_geo: InputWarehouse, geos: pd.DataFrame
) -> None:
    found = by_geo.judge(geos)
    assert (found.problems, found.repairs()) == ((), [])
    panel = build_panel(found.snapshot, by_geo.settings)
    assert panel.series == ("north", "south")
    assert list(panel.starts) == [0, LATE_START]
    assert panel.organic_names == ("newsletter",)
    south = geos[geos["geo"] == "south"]
    np.testing.assert_array_equal(panel.outcome[LATE_START:, 1], south["revenue"])
    np.testing.assert_array_equal(panel.spend[LATE_START:, 1, 0], south["tv_spend"])
    np.testing.assert_array_equal(panel.organic[LATE_START:, 1, 0], south["mails"])
    assert np.isnan(panel.outcome[:LATE_START, 1]).all()


def test_a_week_that_is_late_in_one_series_is_left_out_for_all(
    by_geo: InputWarehouse, geos: pd.DataFrame
) -> None:
    late = geos.astype(object)
    late.loc[rows_of(geos, "south", -1), "revenue"] = ""
    found = by_geo.judge(late)
    assert found.problems == ()
    assert used_weeks_by_series(found) == {"north": 155, "south": 145}
    assert found.repairs() == ["revenue has not arrived for this week in south"]
    left_out = found.snapshot[found.snapshot["is_repaired"]]
    assert set(left_out["series_key"]) == {"north", "south"}
    assert set(left_out["week_start"].dt.strftime("%Y-%m-%d")) == {"2023-12-25"}


def test_a_series_whose_last_weeks_have_no_row_yet_is_waited_for(
    by_geo: InputWarehouse, geos: pd.DataFrame
) -> None:
    found = by_geo.judge(geos.drop(index=rows_of(geos, "south", -1, -2)))
    assert found.problems == ()
    assert used_weeks_by_series(found) == {"north": 154, "south": 144}
    assert found.repairs() == ["revenue has not arrived for this week in south"]


def test_a_series_that_has_ended_is_refused(by_geo: InputWarehouse, geos: pd.DataFrame) -> None:
    found = by_geo.judge(geos.drop(index=rows_of(geos, "south", -1, -2, -3, -4, -5)))
    (problem,) = found.problems
    assert (problem.code, problem.series, problem.week) == ("early_end", "south", "2023-11-27")
    assert problem.message.startswith("south: there is no row from the week of 2023-11-27 on")


def test_problems_name_the_series(by_geo: InputWarehouse, geos: pd.DataFrame) -> None:
    frame = geos.astype(object)
    frame.loc[rows_of(geos, "south", 3), "tv_spend"] = "n/a"
    frame.loc[rows_of(geos, "north", 5), "mails"] = ""
    found = by_geo.judge(frame.drop(index=rows_of(geos, "south", 20)))
    messages = {problem.code: problem.message for problem in found.problems}
    assert messages.keys() == {"missing_week", "unreadable_spend", "unreadable_organic"}
    # South's first week is that of 2021-03-15.
    assert messages["missing_week"].startswith("south: the week of 2021-08-02 has no row")
    assert messages["unreadable_spend"].startswith("south: tv (column 'tv_spend') has no usable")
    assert messages["unreadable_organic"].startswith("north: newsletter (column 'mails')")


def test_the_same_problem_in_many_series_is_said_once(
    by_geo: InputWarehouse, geos: pd.DataFrame
) -> None:
    found = by_geo.judge(geos.assign(mails=-1.0))
    (problem,) = found.problems
    assert problem.code == "negative_organic"
    assert problem.message.startswith("north: ")
    assert "(and 301 more like it, in 2 series)" in problem.message


def test_a_series_cannot_bear_the_name_of_the_sum(
    by_geo: InputWarehouse, geos: pd.DataFrame
) -> None:
    found = by_geo.judge(geos.assign(geo=geos["geo"].replace("south", "all")))
    assert str(InputError(found.problems)) == (
        "- a series is called 'all', the name of their sum, 'all'; call it something else"
    )


def test_rows_of_no_series_are_refused(by_geo: InputWarehouse, geos: pd.DataFrame) -> None:
    nameless = geos.astype(object)
    nameless.loc[rows_of(geos, "south", 0, 1), "geo"] = ""
    found = by_geo.judge(nameless)
    assert str(InputError(found.problems)) == (
        "- 2 rows name no series in column 'geo', such as one with the date '2021-03-15'; "
        "say which series they belong to"
    )


def test_a_channel_that_one_series_lacks_is_used(
    by_geo: InputWarehouse, geos: pd.DataFrame
) -> None:
    found = by_geo.judge(geos.assign(radio_spend=geos["radio_spend"] * (geos["geo"] == "north")))
    assert (found.problems, found.repairs()) == ((), [])
    assert "radio" in build_panel(found.snapshot, by_geo.settings).channels


def test_an_organic_medium_without_exposure_is_left_out_and_recorded(
    by_geo: InputWarehouse, geos: pd.DataFrame
) -> None:
    found = by_geo.judge(geos.assign(mails=0))
    assert found.problems == ()
    assert found.repairs() == ["the medium has no exposure in any week"]
    assert build_panel(found.snapshot, by_geo.settings).media_names == (
        "tv",
        "search",
        "social",
        "display",
        "radio",
    )


def test_organic_exposure_alone_is_not_enough(by_geo: InputWarehouse, geos: pd.DataFrame) -> None:
    found = by_geo.judge(geos.assign(**{c: 0 for c in geos if c.endswith("_spend")}))
    assert [problem.code for problem in found.problems] == ["no_spend"]


@pytest.mark.parametrize(
    ("test", "code", "message"),
    [
        (
            {"series": "east"},
            "unknown_series",
            "lift_tests[0] names the series 'east'; allowed: north, south",
        ),
        (
            {"channel": "radio"},
            "lift_test_without_spend",
            "radio has no spend from 2021-03-29 to 2021-06-28",
        ),
    ],
)
def test_a_lift_test_that_the_weeks_do_not_hold_is_refused(
    by_geo: InputWarehouse, geos: pd.DataFrame, test: dict[str, Any], code: str, message: str
) -> None:
    spend = geos["radio_spend"].where(~geos["week"].between("2021-03-29", "2021-06-28"), 0)
    weeks = {"start": "2021-03-29", "end": "2021-06-28"}
    asked = {"channel": "tv", "lift": 1e3, "standard_error": 2e2, **weeks}
    settings = with_lift_test(by_geo, asked)
    assert settings.judge(geos.assign(radio_spend=spend)).problems == ()

    (problem,) = with_lift_test(by_geo, asked | test).judge(geos.assign(radio_spend=spend)).problems
    assert problem.code == code
    assert message in problem.message


@pytest.mark.parametrize(
    "test",
    [
        {"series": "south", "start": "2021-03-08"},
        {"start": "2020-12-28"},
        {"start": "2020-01-06", "end": "2020-02-03"},
        {"end": "2024-01-01"},
    ],
    ids=["before the series", "begins before", "before all weeks", "ends later"],
)
def test_a_lift_test_of_other_weeks_is_left_out_and_named(
    by_geo: InputWarehouse, geos: pd.DataFrame, test: dict[str, Any]
) -> None:
    asked = {"channel": "tv", "lift": 1e3, "standard_error": 2e2}
    weeks = {"start": "2021-03-29", "end": "2021-06-28"} | test
    settings = with_lift_test(by_geo, asked | weeks)
    found = settings.judge(geos)
    first = "2021-03-15" if "series" in test else "2021-01-04"
    assert found.problems == ()
    assert [point.message for point in found.advice()] == [
        f"lift_tests[0] of tv is left out: it is of {weeks['start']} to {weeks['end']}, but the "
        f"weeks used are {first} to 2023-12-25"
    ]
    used = found.snapshot[found.snapshot["is_used"]]
    assert lift_tests_within(used, settings.settings) == ()
    within = with_lift_test(by_geo, asked | {"start": "2021-03-29", "end": "2021-06-28"})
    assert lift_tests_within(used, within.settings) == within.settings.lift_tests


def test_a_country_whose_holidays_end_within_the_weeks_is_refused(
    weekly: InputWarehouse, market: Path
) -> None:
    document = weekly.settings.model_dump(mode="json")
    document["model"]["holidays"] = "UA"
    of_ukraine = replace(weekly, settings=Settings.read(document))
    (problem,) = of_ukraine.judge(pd.read_csv(market)).problems
    assert problem.code == "unknown_holidays"
    assert problem.message == (
        "model.holidays is UA, of which no public holiday is known in 2023; leave it out, and give "
        "the days that matter as events"
    )


def with_lift_test(warehouse: InputWarehouse, test: dict[str, Any]) -> InputWarehouse:
    document = warehouse.settings.model_dump(mode="json") | {"lift_tests": [test]}
    return replace(warehouse, settings=Settings.read(document))


def test_a_partial_first_week_is_left_out_of_its_own_series_alone(
    tmp_path_factory: pytest.TempPathFactory, geos: pd.DataFrame
) -> None:
    days = pd.concat([daily(rows) for _, rows in geos.groupby("geo")], ignore_index=True)
    warehouse = build_warehouse(
        tmp_path_factory.mktemp("daily_geos"),
        days,
        input={"series_column": "geo", "grain": "daily"},
    )
    found = warehouse.judge(days.drop(index=rows_of(days, "south", 0, 1, -1)))
    assert found.problems == ()
    assert used_weeks_by_series(found) == {"north": 155, "south": 144}
    assert sorted(found.repairs()) == [
        "the week is incomplete: 5 of 7 days",
        "the week is incomplete: 6 of 7 days in south",
    ]
