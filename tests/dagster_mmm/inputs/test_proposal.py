"""What is proposed for a table that nobody has described: by its names and a look at its values."""

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.inputs.column_words import Kind, kind_of, role_of, stem_of, variable_name
from dagster_mmm.inputs.profile import profile
from dagster_mmm.inputs.proposal import Proposal, ProposalError, Wishes, propose

WEEKS = pd.date_range("2024-01-01", periods=60, freq="7D")
DRAWS = np.random.default_rng(0)


def table(**columns: object) -> pd.DataFrame:
    """Sixty weeks of revenue and one channel, with these columns besides or in their place."""
    usual: dict[str, object] = {
        "week": WEEKS.strftime("%Y-%m-%d"),
        "revenue": DRAWS.uniform(50, 90, 60).round(2),
        "tv_spend": DRAWS.uniform(0, 9, 60).round(2),
    }
    return pd.DataFrame(usual | columns).astype("str")


def proposed(frame: pd.DataFrame, **wishes: object) -> Proposal:
    return propose(profile(frame), Wishes(**wishes))  # pyright: ignore[reportArgumentType]


def input_keys(found: Proposal) -> dict[str, str | float]:
    return {key: value for entry in found.input for key, value in entry.keys.items()}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("TVSpend", Kind.SPEND),
        ("cost_google_ads", Kind.SPEND),
        ("facebook_S", Kind.SPEND),
        ("facebook_I", Kind.EXPOSURE),
        ("Channel0_impression", Kind.EXPOSURE),
        ("organic_impressions", Kind.ORGANIC),
        ("net_sales", Kind.MONEY),
        ("competitor_sales", Kind.UNKNOWN),
        ("revenue_per_order", Kind.RATE),
        ("Orders", Kind.COUNT),
        ("wk_in_yr_nbr", Kind.CALENDAR),
        ("tv_contribution", Kind.DERIVED),
        ("temperature", Kind.UNKNOWN),
    ],
)
def test_a_name_says_what_a_column_holds(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


def test_names_of_variables_are_what_settings_allow() -> None:
    assert variable_name("hldy_New Year's Day") == "hldy_new_year_s_day"
    assert variable_name("competitor_sales_B") == "competitor_sales"
    assert [stem_of(name) for name in ("tv_S", "cost_tv", "search_clicks_P")] == [
        "tv",
        "tv",
        "search",
    ]
    assert (role_of("Promo"), role_of("avg_price"), role_of("rain")) == ("promotion", "price", None)


@pytest.mark.parametrize(
    ("first", "name", "keys"),
    [
        ("2024-01-01", "week", {"week_starts_on": "monday"}),
        ("2024-01-07", "wk_strt_dt", {"week_starts_on": "sunday"}),
        ("2024-01-06", "week_ending", {"dated_by": "last_day", "week_starts_on": "sunday"}),
    ],
)
def test_the_week_starts_as_the_dates_say(first: str, name: str, keys: dict[str, str]) -> None:
    dates = pd.date_range(first, periods=60, freq="7D").strftime("%Y-%m-%d")
    found = input_keys(proposed(table(**{name: dates}).drop(columns={"week"} - {name})))
    assert found == {"date_column": name} | keys


def test_daily_dates_and_those_in_another_order_are_told() -> None:
    days = pd.date_range("2024-01-01", periods=60).strftime("%d.%m.%Y")
    found = input_keys(proposed(table(week=days)))
    assert (found["grain"], found["date_format"]) == ("daily", "dmy")
    monthly = pd.date_range("2020-01-01", periods=60, freq="MS").strftime("%Y-%m-%d")
    with pytest.raises(ProposalError, match="31 days apart; give a table by weeks or days"):
        proposed(table(week=monthly))


def test_numbers_and_money_are_read_as_they_are_written() -> None:
    found = proposed(
        table(
            revenue=[f"1.{number:03d},50 €" for number in range(60)],
            tv_spend=[f"{number},25 €" for number in range(60)],
        )
    )
    assert input_keys(found)["decimal"] == ","
    assert input_keys(found)["thousands"] == "."
    assert found.currency.keys == {"currency": "EUR"}
    thousands = proposed(table(revenue=[f"{number},000" for number in range(100, 160)]))
    assert input_keys(thousands)["thousands"] == ","


def test_several_rows_a_date_are_of_series() -> None:
    both = pd.concat([table(region=name, store_size="4") for name in ("north", "south")])
    found = proposed(both.reset_index(drop=True))
    assert input_keys(found)["series_column"] == "region"
    assert found.left_out["store_size"] == "is the same in every row"
    with pytest.raises(ProposalError, match="no column of text, such as a geo, tells them apart"):
        proposed(both.drop(columns="region").reset_index(drop=True))


def test_what_sales_move_what_counts_and_what_others_tell_is_no_control() -> None:
    price = DRAWS.uniform(1, 2, 60).round(3)
    found = proposed(
        table(
            orders=range(60, 120),
            row=range(60),
            year=WEEKS.year,
            price=price,
            price_in_cents=(100 * price).round(1),
            holiday=[int(week % 9 == 0) for week in range(60)],
            xmas=[int(week % 9 == 0) for week in range(60)],
            event=["launch" if week == 7 else "na" for week in range(60)],
            tv_impressions=range(1, 61),
            newsletter=range(2, 62),
            rain=["", *map(str, range(59))],
        )
    )
    assert [entry.keys for entry in found.controls] == [
        {"name": "price", "column": "price", "role": "price"},
        {"name": "holiday", "column": "holiday"},
        {"name": "launch", "column": "event", "equals": "launch"},
    ]
    assert [entry.keys["name"] for entry in found.organic] == ["newsletter"]
    reasons = found.left_out
    assert "would take their effect away" in reasons["orders"]
    assert reasons["row"] == "counts the rows"
    assert "counts the calendar" in reasons["year"]
    assert reasons["price_in_cents"] == "the controls before it tell it already"
    assert reasons["xmas"] == "the same as holiday, row by row"
    assert reasons["tv_impressions"] == "exposures of a channel, for which its spend stands"
    assert reasons["rain"] == "blank in 1 rows"


def test_a_count_is_worth_what_a_rate_says() -> None:
    frame = table(revenue_per_order=20.0, orders=range(60, 120)).drop(columns="revenue")
    found = proposed(frame)
    assert found.outcome.keys["kind"] == "count"
    assert found.outcome.keys["value_per_unit"] == 20.0


def test_channels_may_be_called_by_their_medium_alone() -> None:
    frame = table(search=range(60), radio=range(1, 61)).drop(columns="tv_spend")
    assert [entry.keys["name"] for entry in proposed(frame).channels] == ["search", "radio"]


def test_wishes_stand_before_what_is_found() -> None:
    frame = table(x=range(3, 63), letters=range(4, 64), orders=range(5, 65))
    found = proposed(
        frame, outcome="orders", spend=["x"], controls=["letters"], currency="JPY", date="week"
    )
    assert found.outcome.keys["column"] == "orders"
    assert [entry.keys["column"] for entry in found.channels] == ["x"]
    assert [entry.keys["column"] for entry in found.controls] == ["letters"]
    assert found.left_out["tv_spend"] == "not named by --control"
    with pytest.raises(ProposalError, match=r"no column 'revenu' \(did you mean 'revenue'\?\)"):
        proposed(frame, outcome="revenu")


@pytest.mark.parametrize(
    ("without", "says"),
    [("week", "no column holds dates"), ("revenue", "--outcome"), ("tv_spend", "--spend")],
)
def test_what_cannot_be_told_is_asked_for(without: str, says: str) -> None:
    with pytest.raises(ProposalError, match=says):
        proposed(table().drop(columns=without))
