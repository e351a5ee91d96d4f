from typing import Any

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Panel, PanelError
from hill_mmm.panel import MIN_WEEKS, Problem, find_problems

ROLES: dict[str, Any] = {
    "outcome": "revenue",
    "channels": ["tv", "search"],
    "organic": ["newsletter"],
    "controls": ["price"],
}
GEO_ROLES = {**ROLES, "series": "geo"}


def one_series(weeks: int = 60, first: str = "2024-01-01", seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "revenue": rng.normal(100.0, 5.0, weeks),
            "tv": rng.gamma(2.0, 1.0, weeks),
            "search": rng.gamma(2.0, 1.0, weeks),
            "newsletter": rng.poisson(3.0, weeks),
            "price": rng.normal(size=weeks),
        },
        index=pd.date_range(first, periods=weeks, freq="7D"),
    )


@pytest.fixture
def frame() -> pd.DataFrame:
    return one_series()


@pytest.fixture
def geos() -> pd.DataFrame:
    """North with 60 weeks, south with the last 55 of them; south stands first."""
    north = one_series().assign(geo="north")
    south = one_series(55, "2024-02-05", seed=1).assign(geo="south")
    return pd.concat([south, north])


def only_problem(frame: pd.DataFrame, **roles: Any) -> Problem:
    (problem,) = find_problems(frame, **(roles or ROLES))
    return problem


def of_geo(geos: pd.DataFrame, geo: str, week: str) -> "pd.Series[bool]":
    return (geos["geo"] == geo) & (geos.index == pd.Timestamp(week))


def test_a_good_frame_has_no_problems_and_keeps_its_values(frame: pd.DataFrame) -> None:
    panel = Panel.from_frame(frame, **ROLES, name="de")
    assert (len(panel), panel.series, panel.starts.tolist()) == (60, ("de",), [0])
    assert (panel.channels, panel.organic_names) == (("tv", "search"), ("newsletter",))
    assert panel.control_names == ("price",)
    np.testing.assert_array_equal(panel.outcome, frame[["revenue"]])
    np.testing.assert_array_equal(panel.spend[:, 0], frame[["tv", "search"]])
    np.testing.assert_array_equal(panel.organic[:, 0], frame[["newsletter"]])
    np.testing.assert_array_equal(panel.controls[:, 0], frame[["price"]])
    assert panel.weeks[0] == np.datetime64("2024-01-01")
    assert panel.weeks.dtype == np.dtype("datetime64[D]")
    assert panel.observed.all()


def test_rows_may_come_in_any_order(frame: pd.DataFrame, geos: pd.DataFrame) -> None:
    shuffled = Panel.from_frame(frame.sample(frac=1.0, random_state=0), **ROLES)
    np.testing.assert_array_equal(shuffled.outcome, Panel.from_frame(frame, **ROLES).outcome)
    shuffled = Panel.from_frame(geos.sample(frac=1.0, random_state=0), **GEO_ROLES)
    np.testing.assert_array_equal(shuffled.spend, Panel.from_frame(geos, **GEO_ROLES).spend)


def test_a_panel_without_controls_and_organic_media(frame: pd.DataFrame) -> None:
    panel = Panel.from_frame(frame, outcome="revenue", channels=["tv"])
    assert panel.series == ("national",)
    assert (panel.controls.shape, panel.organic.shape) == ((60, 1, 0), (60, 1, 0))
    assert panel.media_names == ("tv",)


def test_series_stand_side_by_side_on_one_calendar(geos: pd.DataFrame) -> None:
    panel = Panel.from_frame(geos, **GEO_ROLES)
    assert (len(panel), panel.series, panel.starts.tolist()) == (60, ("north", "south"), [0, 5])
    assert panel.spend.shape == (60, 2, 2)
    for series, geo in enumerate(panel.series):
        rows, observed = geos[geos["geo"] == geo], panel.observed[:, series]
        assert observed.sum() == len(rows)
        np.testing.assert_array_equal(panel.outcome[observed, series], rows["revenue"])
        np.testing.assert_array_equal(panel.spend[observed, series], rows[["tv", "search"]])
        np.testing.assert_array_equal(panel.organic[observed, series], rows[["newsletter"]])
        np.testing.assert_array_equal(panel.controls[observed, series], rows[["price"]])


def test_before_its_start_a_series_has_no_outcome_and_zeros(geos: pd.DataFrame) -> None:
    panel = Panel.from_frame(geos, **GEO_ROLES)
    np.testing.assert_array_equal(np.isnan(panel.outcome), ~panel.observed)
    for values in (panel.spend, panel.organic, panel.controls):
        assert not values[~panel.observed].any()


def test_series_may_be_named_by_numbers(geos: pd.DataFrame) -> None:
    numbered = geos.assign(geo=geos["geo"].map({"north": 7, "south": 3}))
    assert Panel.from_frame(numbered, **GEO_ROLES).series == ("3", "7")


def test_media_are_the_channels_then_the_organic(geos: pd.DataFrame) -> None:
    panel = Panel.from_frame(geos, **GEO_ROLES)
    assert panel.media_names == ("tv", "search", "newsletter")
    np.testing.assert_array_equal(panel.media[..., :2], panel.spend)
    np.testing.assert_array_equal(panel.media[..., 2:], panel.organic)


def test_a_channel_is_silent_only_if_it_is_in_every_series(geos: pd.DataFrame) -> None:
    geos.loc[geos["geo"] == "north", ["tv", "newsletter"]] = 0
    assert Panel.from_frame(geos, **GEO_ROLES).silent_channels == ()
    geos.loc[:, ["tv", "newsletter"]] = 0
    assert Panel.from_frame(geos, **GEO_ROLES).silent_channels == ("tv", "newsletter")


def test_head_cuts_every_array(geos: pd.DataFrame) -> None:
    panel = Panel.from_frame(geos, **GEO_ROLES)
    head = panel.head(53)
    arrays = (head.weeks, head.outcome, head.spend, head.organic, head.controls, head.observed)
    assert {len(array) for array in (head, *arrays)} == {53}
    assert (head.series, head.starts.tolist()) == (panel.series, [0, 5])


def test_head_leaves_out_what_has_not_started(geos: pd.DataFrame) -> None:
    panel = Panel.from_frame(geos, **GEO_ROLES)
    head = panel.head(5)
    assert (head.series, head.starts.tolist()) == (("north",), [0])
    assert (head.outcome.shape, head.spend.shape) == ((5, 1), (5, 1, 2))
    assert (head.organic.shape, head.controls.shape) == ((5, 1, 1), (5, 1, 1))
    assert panel.head(6).series == ("north", "south")


def test_missing_week_is_named_with_a_remedy(frame: pd.DataFrame) -> None:
    problem = only_problem(frame.drop(frame.index[7]))
    assert (problem.code, problem.week) == ("missing_week", "2024-02-19")
    assert problem.message.startswith("the week of 2024-02-19 has no row")
    assert "add it, with 0" in problem.message


def test_duplicate_week_is_named_with_a_remedy(frame: pd.DataFrame) -> None:
    problem = only_problem(pd.concat([frame, frame.iloc[[7]]]))
    assert (problem.code, problem.week) == ("duplicate_week", "2024-02-19")
    assert "keep one row a week" in problem.message


def test_week_off_the_grid_is_a_missing_week(frame: pd.DataFrame) -> None:
    frame.index = frame.index.where(frame.index != frame.index[-1], pd.Timestamp("2025-02-18"))
    assert only_problem(frame).code == "missing_week"


def test_a_problem_of_one_series_names_it(geos: pd.DataFrame) -> None:
    gap = geos[~of_geo(geos, "north", "2024-03-04")]
    problem = only_problem(gap, **GEO_ROLES)
    assert (problem.code, problem.series, problem.week) == ("missing_week", "north", "2024-03-04")
    assert problem.message.startswith("north: the week of 2024-03-04 has no row")

    twice = pd.concat([geos, geos[of_geo(geos, "south", "2024-03-04")]])
    problem = only_problem(twice, **GEO_ROLES)
    assert (problem.code, problem.series, problem.week) == ("duplicate_week", "south", "2024-03-04")

    geos.loc[of_geo(geos, "south", "2024-03-04"), "tv"] = np.nan
    problem = only_problem(geos, **GEO_ROLES)
    assert (problem.code, problem.series, problem.week) == ("missing_spend", "south", "2024-03-04")
    assert problem.message.startswith("south: tv has no finite value")


def test_the_only_series_of_a_column_is_not_repeated_in_the_message(geos: pd.DataFrame) -> None:
    north = geos[(geos["geo"] == "north") & ~of_geo(geos, "north", "2024-03-04")]
    problem = only_problem(north, **GEO_ROLES)
    assert (problem.code, problem.series) == ("missing_week", "north")
    assert problem.message.startswith("the week of 2024-03-04 has no row")


def test_too_few_weeks(frame: pd.DataFrame) -> None:
    problem = only_problem(frame.head(MIN_WEEKS - 1))
    assert problem.code == "too_few_weeks"
    assert str(MIN_WEEKS) in problem.message
    assert not find_problems(frame.head(MIN_WEEKS), **ROLES)


def test_every_series_needs_its_weeks(geos: pd.DataFrame) -> None:
    late = geos[(geos["geo"] == "north") | (geos.index >= pd.Timestamp("2024-03-04"))]
    problem = only_problem(late, **GEO_ROLES)
    assert (problem.code, problem.series) == ("too_few_weeks", "south")
    assert problem.message.startswith("south: 51 weeks")


def test_a_series_that_ends_early_is_named(geos: pd.DataFrame) -> None:
    short = geos[(geos["geo"] == "north") | (geos.index < pd.Timestamp("2025-02-10"))]
    problem = only_problem(short, **GEO_ROLES)
    assert (problem.code, problem.series, problem.week) == ("early_end", "south", "2025-02-10")
    assert "south: there is no row from the week of 2025-02-10 on" in problem.message
    assert "leave the series out" in problem.message


def test_weeks_that_begin_on_another_day_are_refused(geos: pd.DataFrame) -> None:
    """Two series of Mondays and one of Sundays, which ends after them."""
    west = one_series(60, "2024-01-07", seed=2).assign(geo="west")
    problem = only_problem(pd.concat([geos, west]), **GEO_ROLES)
    assert (problem.code, problem.series) == ("other_week_start", "west")
    assert "begin on Sunday" in problem.message
    assert "on Monday (such as 2025-02-17)" in problem.message


@pytest.mark.parametrize(
    ("column", "role"),
    [("revenue", "outcome"), ("tv", "spend"), ("newsletter", "organic"), ("price", "control")],
)
@pytest.mark.parametrize(("value", "kind"), [(np.nan, "missing"), (np.inf, "non_finite")])
def test_value_that_is_no_number(
    frame: pd.DataFrame, column: str, role: str, value: float, kind: str
) -> None:
    frame = frame.astype(np.float64)
    frame.loc["2024-03-04", column] = value
    problem = only_problem(frame)
    assert (problem.code, problem.variable, problem.week) == (
        f"{kind}_{role}",
        column,
        "2024-03-04",
    )
    assert column in problem.message
    assert "2024-03-04" in problem.message
    assert "correct it at the source" in problem.message


def test_infinities_of_both_signs_are_named(frame: pd.DataFrame) -> None:
    frame.loc["2024-03-04", "revenue"] = np.inf
    frame.loc["2024-03-11", "revenue"] = -np.inf
    codes = [problem.code for problem in find_problems(frame, **ROLES)]
    assert codes == ["non_finite_outcome", "non_finite_outcome"]


def test_null_of_a_nullable_column_is_missing(frame: pd.DataFrame) -> None:
    frame["tv"] = frame["tv"].astype("Float64")
    frame.loc["2024-03-04", "tv"] = pd.NA
    assert only_problem(frame).code == "missing_spend"


@pytest.mark.parametrize(
    ("column", "code", "remedy"),
    [
        ("search", "negative_spend", "book refunds"),
        ("newsletter", "negative_organic", "correct them at the source"),
    ],
)
def test_negative_media_are_named_with_a_remedy(
    frame: pd.DataFrame, column: str, code: str, remedy: str
) -> None:
    frame = frame.astype(np.float64)
    frame.loc["2024-03-04", column] = -3.5
    problem = only_problem(frame)
    assert (problem.code, problem.variable) == (code, column)
    assert "-3.5 in the week of 2024-03-04" in problem.message
    assert remedy in problem.message


def test_outcome_and_controls_may_be_negative(frame: pd.DataFrame) -> None:
    frame.loc["2024-03-04", ["revenue", "price"]] = -1.0
    assert not find_problems(frame, **ROLES)


@pytest.mark.parametrize(
    ("column", "code", "remedy"),
    [
        ("price", "constant_control", "take it out of the settings"),
        ("revenue", "constant_outcome", "check its source"),
    ],
)
def test_constant_column(frame: pd.DataFrame, column: str, code: str, remedy: str) -> None:
    frame[column] = 4.0
    problem = only_problem(frame)
    assert (problem.code, problem.variable) == (code, column)
    assert "is 4 in every week" in problem.message
    assert remedy in problem.message


@pytest.mark.parametrize("column", ["tv", "newsletter"])
def test_constant_media_are_allowed(frame: pd.DataFrame, column: str) -> None:
    frame[column] = 4.0
    assert not find_problems(frame, **ROLES)


def test_a_control_must_vary_in_one_series_at_least(geos: pd.DataFrame) -> None:
    geos.loc[geos["geo"] == "north", "price"] = 4.0
    assert not find_problems(geos, **GEO_ROLES)
    geos.loc[geos["geo"] == "south", "price"] = 5.0
    problem = only_problem(geos, **GEO_ROLES)
    assert (problem.code, problem.variable, problem.series) == ("constant_control", "price", None)
    assert "price is constant in each series" in problem.message


@pytest.mark.parametrize(("value", "code"), [(0.0, "no_outcome"), (4.0, "constant_outcome")])
def test_outcome_is_judged_by_series(geos: pd.DataFrame, value: float, code: str) -> None:
    geos.loc[geos["geo"] == "south", "revenue"] = value
    problem = only_problem(geos, **GEO_ROLES)
    assert (problem.code, problem.variable, problem.series) == (code, "revenue", "south")
    assert problem.message.startswith("south: revenue is")


def test_missing_column_names_what_is_there(frame: pd.DataFrame) -> None:
    problem = only_problem(frame.drop(columns="search"))
    assert (problem.code, problem.variable) == ("missing_column", "search")
    assert "['newsletter', 'price', 'revenue', 'tv']" in problem.message


def test_series_column_that_is_missing_or_has_nulls(geos: pd.DataFrame) -> None:
    problem = only_problem(geos.drop(columns="geo"), **GEO_ROLES)
    assert (problem.code, problem.variable) == ("missing_column", "geo")
    geos.loc["2024-03-04", "geo"] = None
    geos.loc[of_geo(geos, "north", "2024-03-11"), "geo"] = None
    problems = find_problems(geos, **GEO_ROLES)
    assert [(p.code, p.variable, p.week) for p in problems] == [
        ("missing_series", "geo", "2024-03-04"),
        ("missing_series", "geo", "2024-03-11"),
    ]
    assert "2 row(s) of the week of 2024-03-04" in problems[0].message


def test_every_problem_is_listed_at_once(frame: pd.DataFrame, geos: pd.DataFrame) -> None:
    frame.loc["2024-03-04", "tv"] = np.nan
    frame.loc["2024-03-11", "search"] = -1.0
    frame["price"] = 0.0
    with pytest.raises(PanelError) as caught:
        Panel.from_frame(frame.drop(frame.index[3]), **ROLES)
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["missing_week", "missing_spend", "negative_spend", "constant_control"]
    assert all(problem.message in str(caught.value) for problem in caught.value.problems)

    geos.loc["2024-03-04", "tv"] = -1.0
    problems = find_problems(geos[~of_geo(geos, "south", "2024-03-11")], **GEO_ROLES)
    assert [(p.code, p.series) for p in problems] == [
        ("missing_week", "south"),
        ("negative_spend", "north"),
        ("negative_spend", "south"),
    ]


def test_an_empty_frame_is_too_short(frame: pd.DataFrame, geos: pd.DataFrame) -> None:
    assert only_problem(frame.head(0)).code == "too_few_weeks"
    assert only_problem(geos.head(0), **GEO_ROLES).code == "too_few_weeks"


def test_a_time_zone_does_not_move_a_week(frame: pd.DataFrame) -> None:
    index = pd.DatetimeIndex(frame.index)
    local = Panel.from_frame(frame.set_index(index.tz_localize("Europe/Berlin")), **ROLES)
    np.testing.assert_array_equal(local.weeks, index.to_numpy().astype("datetime64[D]"))


def test_a_frame_that_cannot_be_looked_at_says_why(frame: pd.DataFrame, geos: pd.DataFrame) -> None:
    assert only_problem(frame.reset_index(drop=True)).code == "not_dates"
    assert only_problem(frame.assign(tv="much")).code == "not_numbers"
    problem = only_problem(frame, **{**ROLES, "channels": ["tv", "tv"]})
    assert (problem.code, problem.variable) == ("repeated_variable", "tv")
    problem = only_problem(geos, **{**GEO_ROLES, "controls": ["geo"]})
    assert (problem.code, problem.variable) == ("repeated_variable", "geo")
    assert only_problem(frame.assign(revenue=-frame["revenue"])).code == "no_outcome"


@pytest.mark.parametrize(("controls", "codes"), [(59, ["too_many_variables"]), (58, [])])
def test_more_variables_than_weeks_of_the_longest_series_are_refused(
    geos: pd.DataFrame, controls: int, codes: list[str]
) -> None:
    names = [f"c{control}" for control in range(controls)]
    rng = np.random.default_rng(0)
    extra = pd.DataFrame(rng.normal(size=(len(geos), controls)), geos.index, names)
    roles = {"outcome": "revenue", "channels": ["tv"], "controls": names, "series": "geo"}
    problems = find_problems(pd.concat([geos, extra], axis=1), **roles)
    assert [problem.code for problem in problems] == codes


def test_first_weeks_without_an_outcome_lead_in(geos: pd.DataFrame) -> None:
    """North's outcome begins in week 4, south's with its own first row in week 5."""
    early = of_geo_before(geos, "north", "2024-01-29")
    geos.loc[early, ["revenue", "price"]] = np.nan
    panel = Panel.from_frame(geos, **GEO_ROLES)
    assert (panel.starts.tolist(), panel.media_starts.tolist()) == ([4, 5], [0, 5])
    assert str(panel.outcome_weeks[0]) == "2024-01-29"
    north = geos[geos["geo"] == "north"]
    np.testing.assert_array_equal(panel.spend[:, 0], north[["tv", "search"]])
    np.testing.assert_array_equal(panel.outcome[:, 0], north["revenue"])
    assert not panel.controls[:4, 0].any()
    np.testing.assert_array_equal(panel.observed[:, 0], np.arange(60) >= 4)


def of_geo_before(geos: pd.DataFrame, geo: str, week: str) -> "pd.Series[bool]":
    return (geos["geo"] == geo) & (geos.index < pd.Timestamp(week))


def test_weeks_that_lead_in_need_their_media_and_do_not_count_as_history(
    frame: pd.DataFrame,
) -> None:
    frame.loc[frame.index[:9], "revenue"] = np.nan
    frame.loc[frame.index[2], "tv"] = np.nan
    assert [problem.code for problem in find_problems(frame, **ROLES)] == [
        "too_few_weeks",
        "missing_spend",
    ]


def test_an_outcome_that_never_comes_is_missing_and_leads_nothing_in(frame: pd.DataFrame) -> None:
    frame["revenue"] = np.nan
    found = find_problems(frame, **ROLES)
    assert {problem.code for problem in found} == {"missing_outcome"}
    assert len(found) == 60


def test_a_channel_that_stops_before_the_first_outcome_is_silent(frame: pd.DataFrame) -> None:
    frame.loc[frame.index[:5], "revenue"] = np.nan
    frame.loc[frame.index[5:], "search"] = 0.0
    assert Panel.from_frame(frame, **ROLES).silent_channels == ("search",)


def test_a_count_may_have_a_value_by_week(geos: pd.DataFrame) -> None:
    geos["worth"] = 80.0 * geos["revenue"]
    panel = Panel.from_frame(geos, **GEO_ROLES, value="worth")
    assert panel.value is not None
    np.testing.assert_array_equal(panel.value, 80.0 * panel.outcome)
    assert panel.unit_value == pytest.approx(80.0)
    for part in (panel.head(40), panel.only(["south"])):
        np.testing.assert_array_equal(part.value, 80.0 * part.outcome)
    longer = panel.extended(np.zeros((2, 2, 3)), np.zeros((2, 2, 1)))
    assert longer.value is not None
    assert np.isnan(longer.value[-2:]).all()
    assert longer.unit_value == pytest.approx(80.0)


@pytest.mark.parametrize(
    ("value", "code", "remedy"),
    [
        (-5.0, "negative_value", "book returns to the week of the sale"),
        (0.0, "zero_value", "worth is 0 in the week of 2024-02-12, whose revenue is "),
        (np.nan, "missing_value", "worth has no finite value"),
        (np.inf, "non_finite_value", "worth has no finite value"),
    ],
)
def test_a_value_that_is_none_is_named(
    frame: pd.DataFrame, value: float, code: str, remedy: str
) -> None:
    frame["worth"] = 80.0 * frame["revenue"]
    frame.loc["2024-02-12", "worth"] = value
    problem = only_problem(frame, **ROLES, value="worth")
    assert (problem.code, problem.variable, problem.week) == (code, "worth", "2024-02-12")
    assert remedy in problem.message


def test_a_week_without_units_needs_no_value(frame: pd.DataFrame) -> None:
    frame["worth"] = 80.0 * frame["revenue"]
    frame.loc["2024-02-12", ["revenue", "worth"]] = 0.0
    assert not find_problems(frame, **ROLES, value="worth")


@pytest.mark.parametrize("name", ["all", "All "])
def test_a_series_cannot_be_called_as_their_sum(geos: pd.DataFrame, name: str) -> None:
    with pytest.raises(PanelError, match="the name of their sum, 'all'; call it something else"):
        Panel.from_frame(geos.replace({"geo": {"north": name}}), **GEO_ROLES)
    alone = geos[geos["geo"] == "north"].assign(geo="all")
    assert Panel.from_frame(alone, **GEO_ROLES).series == ("all",)
