from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, Panel
from hill_mmm._results.decompose import with_total
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import accuracy, score


@pytest.fixture(params=["national", "regional"])
def scored(request: pytest.FixtureRequest) -> tuple[Fit, Panel]:
    """A fit of the first 91 weeks, and all 104."""
    names = {"national": ("fitted", "market"), "regional": ("regional_fit", "regions")}
    fit, panel = (request.getfixturevalue(name) for name in names[request.param])
    return fit, panel


def test_weeks_after_the_fit_are_scored_as_a_holdout_would_be(scored: tuple[Fit, Panel]) -> None:
    fit, panel = scored
    found = score(fit, panel).accuracy
    expected = accuracy(with_total(fit, panel), 0.9)
    assert set(found["evaluation_set"]) == {"scored"}
    pd.testing.assert_frame_equal(
        found.drop(columns="evaluation_set"), expected.drop(columns="evaluation_set")
    )


def test_every_week_is_taken_apart(scored: tuple[Fit, Panel]) -> None:
    fit, panel = scored
    result = score(fit, panel)
    sets = result.model_fit.groupby("week_start")["evaluation_set"].unique()
    assert [set(names) for names in sets] == [{"train"}] * 91 + [{"scored"}] * 13
    keys = ["series_key", "week_start"]
    parts = result.contribution.groupby(keys)["contribution_mean"].sum()
    expected = result.model_fit.set_index(keys)["expected_mean"].sort_index()
    np.testing.assert_allclose(parts, expected, rtol=1e-9)


def test_the_weeks_of_the_fit_say_what_they_said(scored: tuple[Fit, Panel]) -> None:
    fit, panel = scored
    before, after = fit.estimates().contribution, score(fit, panel).contribution
    last = fit.panel.weeks[-1]
    pd.testing.assert_frame_equal(
        after[after["week_start"] <= last].reset_index(drop=True), before, rtol=1e-9
    )


def test_the_summary_is_of_all_weeks_of_the_panel(scored: tuple[Fit, Panel]) -> None:
    fit, panel = scored
    rows = score(fit, panel).channel_summary
    overall = ALL_SERIES if len(panel.series) > 1 else panel.series[0]
    paid = rows[(rows["series_key"] == overall) & rows["is_paid"]]
    for period, weeks in {"all": 104, "last_52_weeks": 52, "last_13_weeks": 13}.items():
        spend = panel.spend[-weeks:].sum(axis=(0, 1))
        np.testing.assert_allclose(paid.loc[paid["period"] == period, "spend"], spend)


def test_there_is_nothing_to_score_without_further_weeks(fitted: Fit, market: Panel) -> None:
    with pytest.raises(ValueError, match="nothing to score: the panel ends with the week of"):
        fitted.score(fitted.panel)
    other = replace(market, control_names=("one", "two"))
    with pytest.raises(ValueError, match="fit a new model version"):
        fitted.score(other)
