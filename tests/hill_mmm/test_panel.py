import numpy as np
import pandas as pd
import pytest

from hill_mmm import MIN_WEEKS, Panel, PanelError, Problem, find_problems

ROLES = {"outcome": "revenue", "channels": ["tv", "search"], "controls": ["price"]}


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    weeks = pd.date_range("2024-01-01", periods=60, freq="7D")
    return pd.DataFrame(
        {
            "revenue": rng.normal(100.0, 5.0, 60),
            "tv": rng.gamma(2.0, 1.0, 60),
            "search": rng.gamma(2.0, 1.0, 60),
            "price": rng.normal(size=60),
        },
        index=weeks,
    )


def only_problem(frame: pd.DataFrame) -> Problem:
    (problem,) = find_problems(frame, **ROLES)
    return problem


def test_a_good_frame_has_no_problems_and_keeps_its_values(frame: pd.DataFrame) -> None:
    panel = Panel.from_frame(frame, **ROLES, series="de")
    assert (len(panel), panel.series) == (60, "de")
    assert (panel.channels, panel.control_names) == (("tv", "search"), ("price",))
    np.testing.assert_array_equal(panel.spend, frame[["tv", "search"]])
    np.testing.assert_array_equal(panel.controls, frame[["price"]])
    assert panel.weeks[0] == np.datetime64("2024-01-01")


def test_rows_may_come_in_any_order(frame: pd.DataFrame) -> None:
    shuffled = Panel.from_frame(frame.sample(frac=1.0, random_state=0), **ROLES)
    np.testing.assert_array_equal(shuffled.outcome, Panel.from_frame(frame, **ROLES).outcome)


def test_a_panel_without_controls(frame: pd.DataFrame) -> None:
    panel = Panel.from_frame(frame, outcome="revenue", channels=["tv"])
    assert panel.controls.shape == (60, 0)


def test_head_cuts_every_array(frame: pd.DataFrame) -> None:
    panel = Panel.from_frame(frame, **ROLES).head(53)
    lengths = {len(panel), len(panel.outcome), len(panel.spend), len(panel.controls)}
    assert lengths == {53}


def test_missing_week_is_named_with_a_remedy(frame: pd.DataFrame) -> None:
    problem = only_problem(frame.drop(frame.index[7]))
    assert (problem.code, problem.week) == ("missing_week", "2024-02-19")
    assert "2024-02-19" in problem.message
    assert "add its row" in problem.message


def test_duplicate_week_is_named_with_a_remedy(frame: pd.DataFrame) -> None:
    problem = only_problem(pd.concat([frame, frame.iloc[[7]]]))
    assert (problem.code, problem.week) == ("duplicate_week", "2024-02-19")
    assert "keep one row a week" in problem.message


def test_week_off_the_grid_is_a_missing_week(frame: pd.DataFrame) -> None:
    frame.index = frame.index.where(frame.index != frame.index[-1], pd.Timestamp("2025-02-18"))
    assert only_problem(frame).code == "missing_week"


def test_too_few_weeks(frame: pd.DataFrame) -> None:
    problem = only_problem(frame.head(MIN_WEEKS - 1))
    assert problem.code == "too_few_weeks"
    assert str(MIN_WEEKS) in problem.message
    assert not find_problems(frame.head(MIN_WEEKS), **ROLES)


@pytest.mark.parametrize(
    ("column", "role"), [("revenue", "outcome"), ("tv", "spend"), ("price", "control")]
)
@pytest.mark.parametrize(("value", "kind"), [(np.nan, "missing"), (np.inf, "non_finite")])
def test_value_that_is_no_number(
    frame: pd.DataFrame, column: str, role: str, value: float, kind: str
) -> None:
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


def test_null_of_a_nullable_column_is_missing(frame: pd.DataFrame) -> None:
    frame["tv"] = frame["tv"].astype("Float64")
    frame.loc["2024-03-04", "tv"] = pd.NA
    assert only_problem(frame).code == "missing_spend"


def test_negative_spend_is_named_with_a_remedy(frame: pd.DataFrame) -> None:
    frame.loc["2024-03-04", "search"] = -3.5
    problem = only_problem(frame)
    assert (problem.code, problem.variable) == ("negative_spend", "search")
    assert "-3.5 in the week of 2024-03-04" in problem.message
    assert "book refunds" in problem.message


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
    assert remedy in problem.message


def test_constant_spend_is_allowed(frame: pd.DataFrame) -> None:
    frame["tv"] = 4.0
    assert not find_problems(frame, **ROLES)


def test_missing_column_names_what_is_there(frame: pd.DataFrame) -> None:
    problem = only_problem(frame.drop(columns="search"))
    assert (problem.code, problem.variable) == ("missing_column", "search")
    assert "['price', 'revenue', 'tv']" in problem.message


def test_every_problem_is_listed_at_once(frame: pd.DataFrame) -> None:
    frame.loc["2024-03-04", "tv"] = np.nan
    frame.loc["2024-03-11", "search"] = -1.0
    frame["price"] = 0.0
    with pytest.raises(PanelError) as caught:
        Panel.from_frame(frame.drop(frame.index[3]), **ROLES)
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["missing_week", "missing_spend", "negative_spend", "constant_control"]
    assert all(problem.message in str(caught.value) for problem in caught.value.problems)


def test_an_empty_frame_is_too_short(frame: pd.DataFrame) -> None:
    assert only_problem(frame.head(0)).code == "too_few_weeks"


def test_a_time_zone_does_not_move_a_week(frame: pd.DataFrame) -> None:
    index = pd.DatetimeIndex(frame.index)
    local = Panel.from_frame(frame.set_index(index.tz_localize("Europe/Berlin")), **ROLES)
    np.testing.assert_array_equal(local.weeks, index.to_numpy().astype("datetime64[D]"))


def test_a_frame_that_cannot_be_looked_at_says_why(frame: pd.DataFrame) -> None:
    assert only_problem(frame.reset_index(drop=True)).code == "not_dates"
    assert only_problem(frame.assign(tv="much")).code == "not_numbers"
    twice = {**ROLES, "channels": ["tv", "tv"]}
    (problem,) = find_problems(frame, **twice)
    assert (problem.code, problem.variable) == ("repeated_variable", "tv")
    assert only_problem(frame.assign(revenue=-frame["revenue"])).code == "no_outcome"


def test_more_variables_than_weeks_are_refused(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(len(frame))]
    wide = frame.join(pd.DataFrame(rng.normal(size=(len(frame), len(names))), frame.index, names))
    (problem,) = find_problems(wide, outcome="revenue", channels=["tv"], controls=names)
    assert problem.code == "too_many_variables"
