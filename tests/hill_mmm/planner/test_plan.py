"""The planner against its definitions, and against brute force where all plans can be tried."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from hill_mmm import (
    ChannelLimit,
    Fit,
    ModelSpec,
    Panel,
    Plan,
    PlanError,
    PlanRequest,
    Utility,
    plan,
)
from hill_mmm._planner.response import WEEKS_AFTER, compiled_effect, current_spend, plan_response
from hill_mmm.panel import WEEK
from hill_mmm.results import decompose
from hill_mmm.spec import PlanObjective

STEP = 4_000.0
STEPPED = ("tv", "search", "social")


@pytest.fixture(scope="module")
def small(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    """Three channels and two regimes: few enough for all plans to be tried.

    Too much is spent on search, and too little on social.
    """
    panel = replace(market.head(91), spend=market.spend[:91, :, :3], channels=STEPPED)
    fit = invent_fit(
        panel, ModelSpec(components=2, trend="linear", fourier_order=1), draws=50, seed=5
    )
    amplitude = fit.draws["amplitude"] * np.array([1.0, 0.5, 2.0])[:, None]
    return replace(fit, draws=fit.draws | {"amplitude": amplitude})


def free(objective: PlanObjective = "fixed_budget", **values: Any) -> PlanRequest:
    """A request for the best mean that lets channels move as far as has been learned."""
    return PlanRequest(objective, max_change=None, **{"utility": Utility("mean"), **values})


def outcome_of(fit: Fit, request: PlanRequest, weekly: np.ndarray) -> np.ndarray:
    """Of each draw and cell, over the horizon and after it."""
    response = plan_response(fit, current_spend(fit, request), fit.n_draws)
    return np.asarray(compiled_effect(response, jnp.asarray(weekly)))


def utility_of(request: PlanRequest, gains: np.ndarray) -> np.ndarray:
    risk = request.maximised
    if risk.kind == "quantile":
        # Of Harrell and Davis, within the draws next to the quantile.
        return np.quantile(gains, risk.level, axis=-1)
    return gains.mean(axis=-1) - (risk.kind == "mean_minus_sd") * risk.weight * gains.std(axis=-1)


def all_plans(
    fit: Fit, request: PlanRequest, reference: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Every plan in steps within the budget and what was seen; its gain over today, by draw."""
    now = current_spend(fit, request)
    may_be_off = any(limit.minimum_flight for limit in request.limits)
    least = STEP * (now.lowest_learned // STEP) * (not may_be_off)
    counts = [np.arange(int(seen // STEP) + 1) for seen in now.highest_learned]
    plans = STEP * np.array(list(itertools.product(*counts)))
    plans = plans[(plans >= least).all(axis=1)]
    plans = plans[plans.sum(axis=1) <= now.weekly.sum() * (request.budget_multiplier or 1.0)]
    longest = max(map(len, counts))
    table = np.array(
        [outcome_of(fit, request, np.full(3, STEP * level)) for level in range(longest)]
    )
    level = (plans / STEP).round().astype(int)
    outcome = sum(table[level[:, cell], :, cell] for cell in range(3))
    compared = now.weekly if reference is None else reference
    return plans, outcome - outcome_of(fit, request, compared).sum(axis=1)


def in_steps(**limits: float) -> tuple[ChannelLimit, ...]:
    return tuple(ChannelLimit(channel, step=STEP, **limits) for channel in STEPPED)


def weekly(found: Plan) -> np.ndarray:
    return found.weekly.reshape(-1)


def test_a_plan_brings_what_the_model_says_of_the_weeks_to_come(regional_mixture: Fit) -> None:
    """Horizon and carry-over, series by series, against the decomposition of the longer panel."""
    request = free(allow_extrapolation=True)
    now = current_spend(regional_mixture, request)
    rng = np.random.default_rng(0)
    planned = now.weekly * rng.uniform(0.5, 1.5, len(now.weekly))
    panel = regional_mixture.panel

    def followed(weekly: np.ndarray) -> Panel:
        after = np.concatenate([np.tile(weekly, (13, 1)), np.tile(now.weekly, (WEEKS_AFTER, 1))])
        more = len(after)
        spend = np.concatenate([panel.spend, after.reshape(more, *panel.spend.shape[1:])])
        return replace(
            panel,
            weeks=np.concatenate([panel.weeks, panel.weeks[-1] + WEEK * np.arange(1, more + 1)]),
            outcome=np.concatenate([panel.outcome, np.full((more, len(panel.series)), np.nan)]),
            spend=spend,
            organic=np.concatenate([panel.organic, np.zeros((more, *panel.organic.shape[1:]))]),
            controls=np.concatenate([panel.controls, np.zeros((more, *panel.controls.shape[1:]))]),
        )

    paid = len(panel.channels)
    difference = outcome_of(regional_mixture, request, planned)
    difference = difference - outcome_of(regional_mixture, request, now.weekly)
    parts = [list(decompose(regional_mixture, followed(x))) for x in (planned, now.weekly)]
    for g, (with_plan, without) in enumerate(zip(*parts, strict=True)):
        expected = (with_plan.media - without.media)[:, -13 - WEEKS_AFTER :, :paid].sum(axis=1)
        mine = difference[:, g * paid : (g + 1) * paid]
        np.testing.assert_allclose(mine, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    "utility",
    [Utility("mean"), Utility("mean_minus_sd", weight=0.7), Utility("quantile", level=0.2)],
    ids=lambda utility: utility.kind,
)
@pytest.mark.parametrize("multiplier", [1.0, 0.6])
def test_in_steps_nothing_is_better_than_the_plan(
    small: Fit, utility: Utility, multiplier: float
) -> None:
    request = free(utility=utility, budget_multiplier=multiplier, limits=in_steps())
    found = plan(small, request)
    plans, gains = all_plans(small, request, found.cells["reference_weekly_spend"].to_numpy())
    utilities = utility_of(request, gains)
    assert found.status != "kept"
    (mine,) = utilities[np.flatnonzero((np.abs(plans - weekly(found)) < 1.0).all(axis=1))]
    assert mine == pytest.approx(utilities.max(), abs=0.02 * np.abs(gains).mean())
    assert found.totals["has_converged"].item()
    assert found.totals["constraint_residual"].item() < 1e-6


def test_any_amounts_do_at_least_as_well_as_steps(small: Fit) -> None:
    request = free()
    _, gains = all_plans(small, request)
    totals = plan(small, request).totals.iloc[0]
    assert totals["gain_mean"] >= gains.mean(axis=1).max() * (1.0 - 1e-6)
    # All but less than a round amount, here 100 a week.
    assert 0.0 <= totals["budget"] - totals["planned_spend"] < 13 * 100.0


def test_a_channel_is_off_air_or_on_it_for_its_least(small: Fit) -> None:
    request = free(limits=in_steps(minimum_flight=3.0 * STEP))
    found = plan(small, request)
    plans, gains = all_plans(small, request)
    allowed = ((plans == 0) | (plans >= 3.0 * STEP)).all(axis=1)
    assert not np.any((weekly(found) > 0) & (weekly(found) < 3.0 * STEP))
    best = gains[allowed].mean(axis=1).max()
    assert found.totals["gain_mean"].item() == pytest.approx(best, rel=1e-6)


def test_without_steps_a_minimum_flight_holds_too(small: Fit) -> None:
    request = free(
        limits=tuple(ChannelLimit(channel, minimum_flight=3.3 * STEP) for channel in STEPPED)
    )
    found = plan(small, request)
    assert not np.any((weekly(found) > 0) & (weekly(found) < 3.3 * STEP - 1.0))
    stepped = plan(small, replace(request, limits=in_steps(minimum_flight=3.3 * STEP)))
    gains = [one.totals["gain_mean"].item() for one in (found, stepped)]
    assert gains[0] >= gains[1] * (1.0 - 1e-6)


@pytest.mark.parametrize(
    "request_of_money",
    [
        PlanRequest("target_roi", target=1.1),
        PlanRequest("target_mroi", target=0.9),
        PlanRequest("flexible", margin=0.8),
    ],
    ids=lambda request: request.objective,
)
def test_money_is_compared_with_what_a_unit_is_worth(
    small: Fit, request_of_money: PlanRequest
) -> None:
    """Of orders worth 80 each, the plan is that of their revenue."""
    scales = replace(small.scales, outcome=small.scales.outcome / 80.0)
    orders = replace(small, scales=scales, spec=replace(small.spec, outcome_kind="count"))
    valued = replace(orders, spec=replace(orders.spec, value_per_unit=80.0))
    wanted, found = plan(small, request_of_money), plan(valued, request_of_money)
    np.testing.assert_allclose(found.weekly, wanted.weekly, rtol=1e-3, atol=1.0)
    for column in ("roi_mean", "mroi_mean"):
        np.testing.assert_allclose(found.cells[column], wanted.cells[column], rtol=1e-2)
    assert found.totals["roi_mean"].item() == pytest.approx(wanted.totals["roi_mean"].item(), 1e-2)
    with pytest.raises(PlanError, match=r"has no value: set outcome\.value_per_unit"):
        plan(orders, request_of_money)


@pytest.mark.parametrize("objective", ["target_roi", "target_mroi"])
def test_a_target_out_of_reach_is_told_in_money(small: Fit, objective: PlanObjective) -> None:
    scales = replace(small.scales, outcome=small.scales.outcome / 80.0)
    spec = replace(small.spec, outcome_kind="count", value_per_unit=80.0)
    reached: list[float | None] = []
    for fit in (small, replace(small, scales=scales, spec=spec)):
        with pytest.raises(PlanError, match=r"of 1e\+06 is out of reach") as error:
            plan(fit, PlanRequest(objective, target=1e6))
        reached.append(error.value.best_reachable)
    assert reached[1] == pytest.approx(reached[0], rel=1e-3)


def test_a_count_without_a_value_is_planned_without_a_roi(small: Fit) -> None:
    orders = plan(replace(small, spec=replace(small.spec, outcome_kind="count")))
    np.testing.assert_array_equal(orders.weekly, plan(small).weekly)
    assert orders.cells[["roi_mean", "mroi_mean"]].isna().all(axis=None)
    assert orders.totals["roi_mean"].isna().all()


def test_a_target_roi_is_reached_with_as_much_outcome_as_there_is(small: Fit) -> None:
    spent = plan(small, free()).totals["roi_mean"].item()
    request = free("target_roi", target=1.1 * spent, limits=in_steps())
    found = plan(small, request)
    assert found.totals["roi_mean"].item() >= 1.1 * spent * (1.0 - 1e-4)
    plans, gains = all_plans(small, replace(request, budget_multiplier=9.0))
    nothing = outcome_of(small, request, np.zeros(3)).sum(axis=1)
    now = outcome_of(small, request, current_spend(small, request).weekly).sum(axis=1)
    contribution = (gains + now - nothing).mean(axis=1)
    reached = contribution >= 1.1 * spent * 13 * plans.sum(axis=1)
    assert found.totals["contribution_mean"].item() == pytest.approx(
        contribution[reached].max(), rel=0.01
    )


def test_money_is_spent_until_the_next_unit_brings_its_target(small: Fit) -> None:
    wide = free("target_mroi", target=0.5, allow_extrapolation=True)
    cells = plan(small, wide).cells
    inner = (cells["planned_weekly_spend"] > 1.0) & (
        cells["planned_weekly_spend"] < 0.99 * cells["upper_bound"]
    )
    assert inner.any()
    # As near as round amounts come to it.
    np.testing.assert_allclose(cells.loc[inner, "mroi_mean"], 0.5, rtol=0.02)
    flexible = plan(small, free("flexible", margin=2.0, allow_extrapolation=True))
    np.testing.assert_allclose(
        flexible.cells["planned_weekly_spend"], cells["planned_weekly_spend"], rtol=1e-3
    )


def test_a_plan_says_how_far_the_prior_carries_its_gain(small: Fit) -> None:
    totals = plan(small, free()).totals.iloc[0]
    half, mean, double = totals[["gain_mean_half_trust", "gain_mean", "gain_mean_double_trust"]]
    assert half < mean < double or double < mean < half


def test_today_is_kept_where_nothing_is_better(small: Fit) -> None:
    today_is_all = tuple(ChannelLimit(channel, locked=True) for channel in STEPPED)
    locked = plan(small, free(limits=today_is_all))
    assert locked.status == "kept" and locked.totals["gain_mean"].item() == 0.0


def test_a_reference_that_limits_forbid_is_no_plan(small: Fit) -> None:
    forbidden = free(limits=(ChannelLimit("tv", max_weekly=0.0),))
    found = plan(small, forbidden)
    assert found.status == "worse"
    assert weekly(found)[0] == 0.0
    assert found.totals["utility_gain"].item() < 0.0
    assert found.totals["constraint_residual"].item() == 0.0
    # By this utility every plan in steps is worse than today, which is in none.
    averse = free(budget_multiplier=0.6, limits=in_steps(), utility=Utility("quantile"))
    in_none = plan(small, averse)
    assert in_none.status == "worse"
    np.testing.assert_allclose(weekly(in_none) / STEP % 1.0, 0.0, atol=1e-9)


def test_what_was_never_spent_is_planned_only_when_allowed(small: Fit) -> None:
    double = free(budget_multiplier=30.0)
    with pytest.raises(PlanError, match=r"cannot be spent.*allow_extrapolation"):
        plan(small, double)
    found = plan(small, replace(double, allow_extrapolation=True))
    assert found.totals["is_extrapolated"].item()
    flagged = found.cells.set_index("channel")["is_extrapolated"]
    beyond = found.cells["planned_weekly_spend"] > found.cells["highest_weekly_spend"]
    assert flagged.to_list() == beyond.to_list()
    careful = plan(small, free(budget_multiplier=1.2)).cells
    assert (careful["planned_weekly_spend"] <= careful["highest_weekly_spend"] * 1.000001).all()


def test_last_years_rhythm_is_kept(small: Fit) -> None:
    request = PlanRequest(timing="last_year", max_change=0.5)
    now = current_spend(small, request)
    weeks = small.panel.spend[91 - 52 : 91 - 39, 0]
    np.testing.assert_allclose(now.weekly * now.rhythm, weeks, rtol=1e-12)
    cells = plan(small, request).cells
    assert (cells["planned_weekly_spend"] <= 1.5 * now.weekly * 1.000001).all()
    # No week of the plan is above what has been spent in one.
    peaks = cells["planned_weekly_spend"].to_numpy() * now.rhythm.max(axis=0)
    assert (peaks <= cells["highest_weekly_spend"] * 1.000001).all()


def test_series_have_limits_of_their_own(regional_mixture: Fit) -> None:
    limits = (ChannelLimit("tv", series="region_01", locked=True), ChannelLimit("radio"))
    found = plan(regional_mixture, free(limits=limits))
    cells = found.cells.set_index(["series_key", "channel"])
    tv = cells.loc[("region_01", "tv")]
    assert tv["planned_weekly_spend"] == tv["current_weekly_spend"]
    # A region without radio gets none: its response there is not known.
    assert cells.loc[("region_02", "radio"), "planned_weekly_spend"] == 0.0
    totals = found.totals.iloc[0]
    assert totals["gain_mean"] > 0
    assert totals["planned_spend"] == pytest.approx(totals["current_spend"], rel=1e-4)
    changes = cells["contribution_change_mean"].sum()
    assert changes == pytest.approx(totals["gain_mean"], rel=1e-9)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (PlanRequest(limits=(ChannelLimit("tvv"),)), "'tvv'"),
        (free(limits=(ChannelLimit("tv", min_weekly=9e9),)), "at least"),
        (free("target_roi", target=1e6, limits=(ChannelLimit("tv", locked=True),)),
         "target ROI"),
        (free(limits=(ChannelLimit("tv", min_weekly=11.0, max_weekly=12.0, step=STEP),)),
         "tv of national: no amount"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_said(small: Fit, request_: PlanRequest, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan(small, request_)


def test_requests_that_make_no_sense_are_refused() -> None:
    for wrong in (
        {"objective": "target_roi"},
        {"target": 2.0},
        {"budget": 1.0, "budget_multiplier": 1.0},
        {"horizon_weeks": 0},
        {"budget": -1.0},
    ):
        with pytest.raises(ValueError):
            PlanRequest(**wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError):
        Utility("quantile", level=1.0)
    for wrong in (
        {"level": 0.2},
        {"kind": "quantile", "weight": 1.0},
        {"kind": "mean", "level": 0.3},
    ):
        with pytest.raises(ValueError, match=r"kind (quantile|mean_minus_sd), or no"):
            Utility(**wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError):
        ChannelLimit("tv", min_weekly=2.0, max_weekly=1.0)


@pytest.mark.parametrize("objective", ["fixed_budget", "flexible"])
def test_a_plan_weighs_series_by_what_their_units_are_worth(
    regional_mixture: Fit, objective: PlanObjective
) -> None:
    """Of orders worth 20 in one region and 400 in another, the plan is that of their revenue."""
    worth, panel = np.array([20.0, 80.0, 400.0, 100.0]), regional_mixture.panel
    orders = replace(
        regional_mixture,
        panel=replace(panel, outcome=panel.outcome / worth, value=panel.outcome),
        scales=replace(regional_mixture.scales, outcome=regional_mixture.scales.outcome / worth),
        spec=replace(regional_mixture.spec, outcome_kind="count", value_per_unit="by_week"),
    )
    wanted, found = (plan(fit, free(objective)) for fit in (regional_mixture, orders))
    # The search stops a step apart.
    np.testing.assert_allclose(found.weekly, wanted.weekly, rtol=2e-2, atol=5.0)
    for column in ("roi_mean", "mroi_mean"):
        np.testing.assert_allclose(found.cells[column], wanted.cells[column], rtol=2e-2)
    by_cell = np.repeat(worth, len(panel.channels))
    np.testing.assert_allclose(
        by_cell * found.cells["contribution_mean"], wanted.cells["contribution_mean"], rtol=2e-2
    )
    assert found.totals["contribution_mean"].item() == pytest.approx(
        found.cells["contribution_mean"].sum()
    )
