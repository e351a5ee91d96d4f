"""What a plan does when nothing but the budget is asked: careful, learned, in round amounts."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import ChannelLimit, Fit, ModelSpec, Panel, PlanRequest, Utility, plan
from hill_mmm._planner.response import current_spend
from hill_mmm._results.learned import learned_range
from hill_mmm._results.response import response_points
from hill_mmm.spec import PlanObjective


@pytest.fixture(scope="module")
def one_is_poor(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    """Search, always on air, brings next to nothing: a free plan would switch it off."""
    panel = replace(
        market.head(91), spend=market.spend[:91, :, :3], channels=("tv", "search", "social")
    )
    fit = invent_fit(panel, ModelSpec(trend="linear", fourier_order=1), draws=40, seed=9)
    amplitude = fit.draws["amplitude"] * np.array([1.0, 0.02, 1.0])[:, None]
    return replace(fit, draws=fit.draws | {"amplitude": amplitude})


def spent_on(fit: Fit, request: PlanRequest, channel: str) -> float:
    cells = plan(fit, request).cells.set_index("channel")
    return float(cells.loc[channel, "planned_weekly_spend"])  # pyright: ignore[reportArgumentType]


def test_no_channel_moves_more_than_three_tenths(one_is_poor: Fit) -> None:
    cells = plan(one_is_poor).cells
    change = cells["planned_weekly_spend"] / cells["current_weekly_spend"] - 1.0
    assert change.abs().max() <= 0.3 + 1e-6
    assert change.abs().max() > 0.29


def test_a_channel_on_air_stays_within_what_is_learned(one_is_poor: Fit) -> None:
    lowest = learned_range(one_is_poor, 0).lowest_on_air[1]
    assert lowest > 1_000.0
    request = PlanRequest(max_change=None)
    assert lowest <= spent_on(one_is_poor, request, "search") <= 1.1 * lowest
    # Off air or less, if limits say so or extrapolation is allowed.
    for other in (
        replace(request, limits=(ChannelLimit("search", minimum_flight=2.0 * lowest),)),
        replace(request, limits=(ChannelLimit("search", max_weekly=0.0),)),
        replace(request, allow_extrapolation=True),
    ):
        assert spent_on(one_is_poor, other, "search") == 0.0


def test_spend_is_in_round_amounts_and_the_budget_is_kept(one_is_poor: Fit) -> None:
    for request in (PlanRequest(), PlanRequest(max_change=None), PlanRequest(budget=1e6)):
        found = plan(one_is_poor, request)
        for spent in found.weekly.ravel():
            digits = f"{spent:.6e}".split("e")[0].rstrip("0").replace(".", "")
            assert len(digits) <= 5, spent
        totals = found.totals.iloc[0]
        assert totals["planned_spend"] <= totals["budget"] * (1.0 + 1e-9)
        assert totals["unspent"] < 0.001 * totals["budget"]


def test_a_gain_that_may_be_a_loss_is_unsure(one_is_poor: Fit) -> None:
    sure = plan(one_is_poor)
    assert sure.status == "planned" and sure.totals["gain_ci_lo"].item() > 0.0
    # The channel that is thought to bring nothing brings much in one draw of four.
    amplitude = one_is_poor.draws["amplitude"].copy()
    amplitude[:, ::4, 0, 1] *= 100.0
    unsure = plan(replace(one_is_poor, draws=one_is_poor.draws | {"amplitude": amplitude}))
    assert unsure.status == "unsure"
    assert unsure.totals["gain_ci_lo"].item() < 0.0 < unsure.totals["gain_ci_hi"].item()
    assert unsure.totals["status"].item() == "unsure"


def test_a_risk_is_taken_only_if_it_pays(one_is_poor: Fit) -> None:
    """Search brings much in one draw of four: by the mean alone its budget goes all the same."""
    amplitude = one_is_poor.draws["amplitude"].copy()
    amplitude[:, ::4, 0, 1] *= 60.0
    risky = replace(one_is_poor, draws=one_is_poor.draws | {"amplitude": amplitude})
    bold = plan(risky, PlanRequest(utility=Utility("mean"))).totals.iloc[0]
    careful = plan(risky).totals.iloc[0]
    assert careful["utility"] == "mean_minus_sd 0.5"
    # The search's standard deviation is that of the draws, the row's that of a sample.
    of_draws = np.sqrt(1.0 - 1.0 / risky.n_draws)
    less, as_bold = (row["gain_mean"] - 0.5 * of_draws * row["gain_sd"] for row in (careful, bold))
    assert careful["utility_gain"] == pytest.approx(less, rel=1e-6)
    assert less > as_bold
    assert careful["gain_sd"] < 0.9 * bold["gain_sd"]
    assert careful["gain_mean"] < bold["gain_mean"]


@pytest.mark.parametrize("objective", ["target_roi", "target_mroi"])
def test_a_target_of_means_is_planned_for_by_the_mean(objective: PlanObjective) -> None:
    assert PlanRequest(objective, target=1.0).maximised == Utility("mean")
    asked = Utility("quantile")
    assert PlanRequest(objective, target=1.0, utility=asked).maximised == asked


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_plans_and_curves_mean_the_same_by_extrapolation(one_is_poor: Fit, channel: int) -> None:
    now = current_spend(one_is_poor, PlanRequest())
    multipliers = np.arange(1, 81) / 20
    points = response_points(one_is_poor, 0, multipliers, "steady_state")
    spend = points.weekly_spend[:, channel]
    beyond = spend > now.highest_learned[channel] * (1.0 + 1e-6)
    below = spend < now.lowest_seen[channel]
    np.testing.assert_array_equal(points.is_extrapolated[:, channel], beyond | below)
    assert beyond.any() and not beyond.all()
    # Less than the largest week, which no constant spend has been.
    assert now.highest_learned[channel] < now.highest[channel]


def test_less_than_was_ever_seen_is_extrapolated_too(one_is_poor: Fit) -> None:
    """Search was never off, TV was: nothing is known of a market without search."""
    request = PlanRequest(max_change=None, allow_extrapolation=True)
    off = [ChannelLimit(name, max_weekly=0.0) for name in ("search", "tv")]
    found = plan(one_is_poor, replace(request, limits=tuple(off)))
    cells = found.cells.set_index("channel")
    assert (cells.loc[["search", "tv"], "planned_weekly_spend"] == 0.0).all()
    assert cells["is_extrapolated"].loc[["search", "tv"]].tolist() == [True, False]
    assert found.totals["is_extrapolated"].item()


def test_last_years_weeks_are_not_extrapolated_but_more_of_them_are(one_is_poor: Fit) -> None:
    request = PlanRequest(timing="last_year", max_change=None, allow_extrapolation=True)
    now = current_spend(one_is_poor, request)
    assert (now.highest_learned >= now.weekly).all()
    even = current_spend(one_is_poor, PlanRequest())
    # Peaks of a rhythm must have been seen, not its mean alone.
    assert (now.highest_learned <= np.maximum(even.highest_learned, now.weekly)).all()
