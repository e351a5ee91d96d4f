"""The documented questions, asked as they stand, of the simulated market whose truth is known."""

import re

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.cli import demo
from dagster_mmm.environment import ROOT
from dagster_mmm.fitting.artefacts import load_run
from hill_mmm import Truth, simulate_national_market
from hill_mmm._results.response import response_points
from hill_mmm._simulate import _effect
from tests.conftest import Project

PAGE = (ROOT / "docs" / "questions.md").read_text()
QUESTIONS = re.findall(r"## \d+\. .*?\n\n```sql\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate_national_market(demo.DEMO_SEED)[1]


@pytest.fixture(scope="module")
def answers(published: tuple[Project, str]) -> list[pd.DataFrame]:
    project, _ = published
    return [project.query(question) for question in QUESTIONS]


def inside(rows: pd.DataFrame, name: str, true: "pd.Series[float]") -> int:
    """How many of five true values lie in their 90 % intervals; under three in 0.9 % of markets."""
    held = rows.set_index("channel")
    known = true.reindex(held.index)
    return int(((held[f"{name}_ci_lo"] <= known) & (known <= held[f"{name}_ci_hi"])).sum())


def by_channel(values: np.ndarray) -> "pd.Series[float]":
    return pd.Series(values, index=list(simulate_national_market(demo.DEMO_SEED)[0].channels))


def test_there_are_twelve_and_each_has_an_answer(answers: list[pd.DataFrame]) -> None:
    assert len(answers) == 12
    # A model that explains every week has none to show.
    assert [number for number, rows in enumerate(answers, start=1) if rows.empty] in ([], [7])


def test_contributions_hold_the_truth(answers: list[pd.DataFrame], truth: Truth) -> None:
    contribution = by_channel(truth.contribution.sum(axis=(0, 1)))
    assert inside(answers[0], "contribution", contribution) >= 3
    panel, _ = simulate_national_market(demo.DEMO_SEED)
    spend = answers[0].set_index("channel")["spend"]
    pd.testing.assert_series_equal(
        spend.sort_index(),
        by_channel(panel.spend.sum(axis=(0, 1))).sort_index(),
        check_names=False,
    )


def test_returns_hold_the_truth_wherever_they_are_asked_for(answers: list[pd.DataFrame]) -> None:
    assert inside(answers[1], "roi", demo.true_roi()) >= 3
    as_published = answers[9]
    pd.testing.assert_frame_equal(as_published, answers[1][as_published.columns])


def test_marginal_returns_hold_the_truth(answers: list[pd.DataFrame], truth: Truth) -> None:
    """By a true increase of the quarter's spend by a thousandth, and what that leaves for later."""
    panel, _ = simulate_national_market(demo.DEMO_SEED)
    later = np.tile(panel.spend[-13:].mean(axis=0), (26, 1, 1))
    as_it_is = np.concatenate([panel.spend, later])
    more = as_it_is.copy()
    more[len(panel) - 13 : len(panel)] *= 1.001
    gained = (_effect(more, truth) - _effect(as_it_is, truth))[:, 0, :, 0].sum(axis=0)
    gain = gained / (0.001 * panel.spend[-13:, 0].sum(axis=0))
    assert inside(answers[2], "mroi", by_channel(gain)) >= 3


def test_last_years_sales_are_all_accounted_for(
    answers: list[pd.DataFrame], published: tuple[Project, str]
) -> None:
    project, _ = published
    fitted = project.query(
        "select expected_mean from mmm.mmm_model_fit_latest where evaluation_set = 'train' "
        "order by week_start desc limit 52"
    )
    assert answers[3]["contribution"].sum() == pytest.approx(fitted["expected_mean"].sum())


def test_the_other_answers_agree_with_the_tables(
    answers: list[pd.DataFrame], published: tuple[Project, str]
) -> None:
    project, run_id = published
    assert len(answers[4]) == len(answers[5]) == 5
    assert (answers[4]["contribution_ci_lo"] < answers[4]["contribution_mean"]).all()
    # A tenth of 156 weeks is expected outside a 90 % interval; three sd of a binomial more is 27.
    assert len(answers[6]) <= 27
    checks = project.query("select status from mmm.mmm_diagnostic")["status"]
    assert sorted(answers[7]["status"]) == sorted(checks)
    row = answers[8].iloc[0]
    assert (row["run_id"], row["restated_values"], row["values_left_out"]) == (run_id, 0, 0)


def test_what_if_is_the_curve_itself_within_a_hundredth(
    answers: list[pd.DataFrame], published: tuple[Project, str]
) -> None:
    """At spends of its own and between all levels, against the posterior's curve."""
    project, run_id = published
    fit = load_run(project.folder / "artefacts" / "demo" / "runs" / run_id).fit
    mean = fit.panel.spend[:, 0].mean(axis=0)
    asked = answers[10].set_index("channel")
    assert set(asked.index) == {"tv", "search"}
    for channel, row in asked.iterrows():
        channel_index = fit.panel.channels.index(str(channel))
        multiplier = np.array([float(row["spend"]) / mean[channel_index]])
        points = response_points(fit, 0, multiplier, "steady_state")
        low, high = np.quantile(points.contribution[:, 0, channel_index], [0.05, 0.95])
        exact = [
            points.contribution[:, 0, channel_index].mean(),
            low,
            high,
            points.mroi[:, 0, channel_index].mean(),
        ]
        found = row[["contribution_mean", "contribution_ci_lo", "contribution_ci_hi", "mroi_mean"]]
        np.testing.assert_allclose(found.to_numpy(dtype=float), exact, rtol=0.01)


def test_channels_together_have_the_interval_of_their_sum(
    answers: list[pd.DataFrame], published: tuple[Project, str]
) -> None:
    project, run_id = published
    fit = load_run(project.folder / "artefacts" / "demo" / "runs" / run_id).fit
    asked = [fit.panel.channels.index(channel) for channel in ("tv", "search")]
    points = response_points(fit, 0, np.array([1.5]), "steady_state")
    drawn = points.contribution[fit.evenly_spaced(200), 0][:, asked].sum(axis=1)
    exact = [drawn.mean(), *np.quantile(drawn, [0.05, 0.95])]
    np.testing.assert_allclose(answers[11].iloc[0].to_numpy(dtype=float), exact)
    # Of channels that depend on each other, and of single ones, not the sum of their ends.
    alone = np.quantile(points.contribution[:, 0, asked], [0.05, 0.95], axis=0)
    assert exact[2] - exact[1] < (alone[1] - alone[0]).sum()


def test_the_levels_are_near_enough_for_straight_lines(published: tuple[Project, str]) -> None:
    project, run_id = published
    fit = load_run(project.folder / "artefacts" / "demo" / "runs" / run_id).fit
    levels = np.arange(1, 41) / 20.0
    between = (levels[1:] + levels[:-1]) / 2.0
    exact = response_points(fit, 0, between, "steady_state")
    known = response_points(fit, 0, levels, "steady_state")
    for quantity in ("contribution", "mroi"):
        nodes = np.asarray(getattr(known, quantity)).mean(axis=0)
        line = (nodes[1:] + nodes[:-1]) / 2.0
        curve = np.asarray(getattr(exact, quantity)).mean(axis=0)
        # The slope of an S-shaped curve turns below a fifth of today's spend.
        settled = levels[:-1] >= 0.2 if quantity == "mroi" else np.full(39, True)
        assert (np.abs(line - curve) <= 0.01 * nodes[19])[settled].all(), quantity
