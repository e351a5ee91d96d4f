"""Spend from the long reports of ad platforms: the same panel as from a wide table, or a reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.inputs import InputError, RawTableError, build_panel
from dagster_mmm.settings import Settings, SettingsError
from tests.dagster_mmm.inputs.conftest import InputWarehouse, build_warehouse

PLATFORMS = {"tv": "tv", "search": "google_ads", "social": "facebook_ads", "display": "dv360"}
REPORTS = "ads.campaign_report"


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory, market: Path) -> InputWarehouse:
    """The market's revenue as a table, and its spend as two campaigns a day in reports."""
    weeks = pd.read_csv(market)
    return build_warehouse(
        tmp_path_factory.mktemp("reported"),
        weeks.drop(columns=[c for c in weeks if c.endswith("_spend")]),
        load_reports(weeks),
        input={"reports": {"table": REPORTS, "currency_column": "currency", "ignored": ["test"]}},
        channels=[{"name": name, "column": platform} for name, platform in PLATFORMS.items()],
    )


def load_reports(weeks: pd.DataFrame) -> str:
    """SQL that makes the reports: none where nothing was spent, and no order."""
    rows = [
        f"('{platform}', date '{week}' + {day}, '{campaign}', {spend / 14!r}::double, 'EUR')"
        for name, platform in PLATFORMS.items()
        for week, spend in zip(weeks["week"], weeks[f"{name}_spend"], strict=True)
        for day in range(7)
        for campaign in ("brand", "launch")
        if spend > 0 or week == weeks["week"].iloc[-1]
    ]
    columns = "platform, date_day, campaign_name, spend, currency"
    return (
        "create schema if not exists ads; "
        f"create or replace table {REPORTS} as "
        f"select * from (values {', '.join(rows)}) as r({columns})"
    )


@pytest.fixture(autouse=True)
def restored(reported: InputWarehouse, market: Path) -> None:
    reported.execute(*load_reports(pd.read_csv(market)).split("; "))


def test_reports_make_the_panel_that_a_wide_table_makes(
    reported: InputWarehouse, market: Path
) -> None:
    reported.check()
    found = reported.judge_table()
    assert (found.problems, found.repairs()) == ((), [])
    panel = build_panel(found.snapshot, reported.settings)
    wide = pd.read_csv(market)[[f"{name}_spend" for name in PLATFORMS]]
    np.testing.assert_allclose(panel.spend[:, 0], wide, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            f"insert into {REPORTS} values ('tiktok', '2022-01-03', 'new', 5, 'EUR')",
            "ads.campaign_report has platform 'tiktok' (1 rows); add a channel whose column is "
            "that text, or list it in input.reports.ignored",
        ),
        (
            f"insert into {REPORTS} values (null, '2022-01-03', 'new', 5, 'EUR')",
            "has platform '' (1 rows)",
        ),
        (
            f"insert into {REPORTS} values ('tv', '2022-01-03', 'new', 5, 'USD')",
            "rows in other currencies than EUR (column 'currency'): 1 in 'USD'",
        ),
        (f"drop table {REPORTS}", "there is no table ads.campaign_report; load it"),
    ],
)
def test_rows_that_would_be_lost_are_refused(
    reported: InputWarehouse, change: str, message: str
) -> None:
    reported.execute(change)
    with pytest.raises(RawTableError) as stopped:
        reported.check()
    assert message in str(stopped.value)


def test_a_text_in_the_reports_is_never_taken_for_a_week_beyond_them(
    reported: InputWarehouse,
) -> None:
    reported.execute(
        f"alter table {REPORTS} alter spend type varchar",
        f"update {REPORTS} set spend = 'reports from finance follow' "
        "where platform = 'tv' and date_day >= '2023-12-25'",
    )
    found = reported.judge_table()
    (problem,) = found.problems
    assert problem.code == "unreadable_spend"
    assert "in the week of 2023-12-25: found reports from finance follow" in problem.message


@pytest.mark.parametrize(
    ("change", "left_out", "weeks"),
    [
        (f"delete from {REPORTS} where extract(isodow from date_day) > 5", [], 156),
        (
            f"delete from {REPORTS} where date_day > '2023-12-28'",
            ["the week is not whole in the reports: reports from 2021-01-04 to 2023-12-28 alone"],
            155,
        ),
        (
            f"delete from {REPORTS} where date_day > '2023-12-28' or "
            "extract(isodow from date_day) > 5",
            ["the week is not whole in the reports: reports from 2021-01-04 to 2023-12-28 alone"],
            155,
        ),
        (
            f"delete from {REPORTS} where date_day > '2023-12-15'",
            ["the week is not whole in the reports: reports from 2021-01-04 to 2023-12-15 alone"],
            153,
        ),
    ],
    ids=["no weekends", "to Thursday", "no weekends, to Thursday", "to a Friday, weekends missing"],
)
def test_reports_need_no_weekends_and_may_end_within_a_week(
    reported: InputWarehouse, change: str, left_out: list[str], weeks: int
) -> None:
    reported.execute(change)
    found = reported.judge_table()
    assert (found.problems, found.repairs()) == ((), left_out)
    assert found.snapshot.loc[found.snapshot["is_used"], "week_start"].nunique() == weeks


def test_rows_of_no_platform_can_be_ignored_as_the_message_says(reported: InputWarehouse) -> None:
    reported.execute(
        f"insert into {REPORTS} values (null, '2022-01-03', 'new', 5, 'EUR'), "
        "(' ', '2022-01-03', 'new', 5, 'EUR')"
    )
    with pytest.raises(
        RawTableError, match=r"'' \(2 rows\); .* list it in input\.reports\.ignored"
    ):
        reported.check()
    document = reported.settings.model_dump(mode="json", exclude_none=True)
    document["input"]["reports"]["ignored"] = ["test", ""]
    ignoring = replace(reported, settings=Settings.read(document))
    ignoring.check()
    assert ignoring.judge_table().problems == ()


def test_an_ignored_platform_is_no_channel(reported: InputWarehouse) -> None:
    reported.execute(f"insert into {REPORTS} values ('test', '2022-01-03', 'new', 5, 'EUR')")
    reported.check()
    assert reported.judge_table().problems == ()


def test_a_platform_that_has_ended_is_off_air_from_then_on(
    tmp_path_factory: pytest.TempPathFactory, market: Path
) -> None:
    weeks = pd.read_csv(market)
    ended = build_warehouse(
        tmp_path_factory.mktemp("ended"),
        weeks.drop(columns=[c for c in weeks if c.endswith("_spend")]),
        f"{load_reports(weeks)}; delete from {REPORTS} "
        "where platform = 'google_ads' and date_day > '2023-12-03'",
        input={"reports": {"table": REPORTS, "ignored": ["test"]}},
        channels=[
            {"name": name, "column": platform}
            | ({"ended": "2023-12-04"} if name == "search" else {})
            for name, platform in PLATFORMS.items()
        ],
    )
    found = ended.judge_table()
    assert (found.problems, found.repairs()) == ((), [])
    panel = build_panel(found.snapshot, ended.settings)
    search = panel.spend[:, 0, panel.channels.index("search")]
    assert (search[-4:] == 0).all()
    assert (search[:-4] > 0).all()


def test_a_column_that_the_reports_lack_is_named(reported: InputWarehouse) -> None:
    reported.execute(f"alter table {REPORTS} rename spend to cost")
    with pytest.raises(SettingsError, match=r"input\.reports\.spend_column: found 'spend', not a"):
        reported.check()


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            f"update {REPORTS} set spend = 'nan' where platform = 'tv' and date_day = '2021-03-10'",
            "unreadable_spend",
            "tv (platform 'tv' of the reports) has no usable number in the week of 2021-03-08: "
            "found nan",
        ),
        (
            f"delete from {REPORTS} where date_day > '2023-11-29'",
            "unreadable_spend",
            "in the week of 2023-11-27: found reports from 2021-01-04 to 2023-11-29 alone",
        ),
        (
            f"update {REPORTS} set date_day = null where date_day = '2021-03-10'",
            "missing_date",
            "rows of ads.campaign_report have no date in column 'date_day'",
        ),
    ],
)
def test_what_is_wrong_in_the_reports_is_named(
    reported: InputWarehouse, change: str, code: str, message: str
) -> None:
    reported.execute(change)
    found = reported.judge_table()
    assert code in {problem.code for problem in found.problems}
    assert message in str(InputError(found.problems))
