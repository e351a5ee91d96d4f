"""Every plan that is returned keeps to everything asked, checked here from the request alone."""

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
from hill_mmm._planner.response import current_spend, plan_response
from hill_mmm._planner.search import _utility_and_gradient, objective_of
from hill_mmm._results.returns import WEEKS_AFTER
from hill_mmm.spec import UtilityKind

CHANNELS = ("tv", "search", "social")
RELATIVE = 1e-6


@pytest.fixture(scope="module")
def small(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    panel = replace(market.head(91), spend=market.spend[:91, :, :3], channels=CHANNELS)
    return invent_fit(panel, ModelSpec(trend="linear", fourier_order=1), draws=30, seed=8)


@pytest.fixture(scope="module")
def dark(small: Fit) -> Fit:
    """Nothing has been spent in the last 13 weeks."""
    spend = small.panel.spend.copy()
    spend[-13:] = 0.0
    return replace(small, panel=replace(small.panel, spend=spend))


def broken(fit: Fit, found: Plan) -> list[str]:
    """What a plan that moves money breaks of its request, in words."""
    request, now = found.request, current_spend(fit, found.request)
    weekly, cells, totals = found.weekly.reshape(-1), found.cells, found.totals.iloc[0]
    reference = cells["reference_weekly_spend"].to_numpy()
    wrong: list[str] = []
    budget = request.budget
    if budget is None and (request.budget_multiplier or request.objective == "fixed_budget"):
        budget = (request.budget_multiplier or 1.0) * now.weekly.sum() * request.horizon_weeks
    if budget is not None and weekly.sum() * request.horizon_weeks > budget * (1.0 + RELATIVE):
        wrong.append(f"budget {budget}: {weekly.sum() * request.horizon_weeks}")
    if request.objective == "target_roi" and totals["roi_mean"] < request.target * (1 - RELATIVE):
        wrong.append(f"target {request.target}: {totals['roi_mean']}")
    limits = {limit.channel: limit for limit in request.limits}
    for cell, channel in enumerate(cells["channel"]):
        limit, spent = limits.get(channel, ChannelLimit(channel)), weekly[cell]
        at_least, at_most = limit.min_weekly * (1 - RELATIVE), limit.max_weekly
        checks = {
            "lock": not limit.locked or spent == now.weekly[cell],
            "least": limit.locked or spent >= at_least,
            "most": limit.locked or at_most is None or spent <= at_most * (1 + RELATIVE),
            "step": limit.locked
            or limit.step is None
            or abs(spent / limit.step - round(spent / limit.step)) < RELATIVE,
            "flight": limit.locked
            or limit.minimum_flight is None
            or spent == 0
            or spent >= limit.minimum_flight * (1 - RELATIVE),
            "learned": limit.locked
            or request.allow_extrapolation
            or spent <= now.highest_learned[cell] * (1 + RELATIVE),
            "learned floor": limit.locked
            or request.allow_extrapolation
            or spent >= min(now.lowest_learned[cell], reference[cell]) * (1 - RELATIVE)
            or bool(limit.minimum_flight or limit.step)
            or at_most is not None,
        }
        if request.max_change is not None and limit == ChannelLimit(channel):
            moved = abs(spent - reference[cell])
            checks["change"] = moved <= request.max_change * reference[cell] * (1 + RELATIVE)
        wrong += [f"{name} of {channel}: {spent}" for name, held in checks.items() if not held]
    return wrong


def random_request(rng: np.random.Generator) -> PlanRequest:
    limits = tuple(
        ChannelLimit(
            channel,
            min_weekly=float(rng.choice([0.0, 5_000.0])),
            max_weekly=[None, 40_000.0][rng.integers(2)],
            step=[None, None, 3_000.0][rng.integers(3)],
            minimum_flight=[None, None, 9_000.0][rng.integers(3)],
            locked=bool(rng.random() < 0.15),
        )
        for channel in CHANNELS
        if rng.random() < 0.5
    )
    objective = rng.choice(["fixed_budget", "fixed_budget", "target_roi", "flexible"])
    values: dict[str, Any] = {}
    if objective == "target_roi":
        values["target"] = float(rng.uniform(0.3, 6.0))
    return PlanRequest(
        objective,
        budget_multiplier=[None, 0.8, 1.1][rng.integers(3)],
        utility=[Utility("mean"), None, Utility("quantile")][rng.integers(3)],
        limits=limits,
        max_change=[None, 0.1, 0.3, 0.7][rng.integers(4)],
        allow_extrapolation=bool(rng.random() < 0.2),
        **values,
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_keeps_to_everything_or_is_impossible(small: Fit, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(3):
        request = random_request(rng)
        try:
            found = plan(small, request)
        except PlanError as error:
            assert str(error)
            continue
        assert broken(small, found) == []
        assert found.totals["constraint_residual"].item() <= RELATIVE


@pytest.mark.parametrize("max_change", [0.3, None])
@pytest.mark.parametrize("kind", ["mean", "mean_minus_sd", "quantile"])
def test_a_budget_after_weeks_without_spend_is_kept(
    dark: Fit, kind: UtilityKind, max_change: float | None
) -> None:
    request = PlanRequest(budget=900_000.0, utility=Utility(kind), max_change=max_change)
    found = plan(dark, request)
    totals = found.totals.iloc[0]
    assert totals["current_spend"] == 0.0
    assert totals["planned_spend"] <= 900_000.0
    assert totals["planned_spend"] > 0.99 * 900_000.0
    # Compared with the usual split of that money, not with nothing.
    usual = dark.panel.spend.mean(axis=0).ravel()
    reference = found.cells["reference_weekly_spend"].to_numpy()
    np.testing.assert_allclose(reference / reference.sum(), usual / usual.sum(), rtol=1e-6)
    assert broken(dark, found) == []


def test_tiny_and_huge_units_of_money_are_planned_alike(small: Fit) -> None:
    """The same plan whatever the currency, in as many round digits."""
    spend, scale = small.panel.spend, small.scales.spend
    plans = [
        plan(
            replace(
                small,
                panel=replace(small.panel, spend=unit * spend),
                scales=replace(small.scales, spend=unit * scale),
            )
        ).weekly
        / unit
        for unit in (1e-6, 1.0, 1e6)
    ]
    for other in (plans[0], plans[2]):
        np.testing.assert_allclose(other, plans[1], rtol=0.02)


def test_a_channel_next_to_off_air_has_no_return_and_no_range_of_its_own(small: Fit) -> None:
    """One unit of tv a week in the last quarter: no ROI of cents, no cents as the least seen."""
    spend = small.panel.spend.copy()
    least = np.where(spend[:-13, 0, 0] > 0, spend[:-13, 0, 0], np.inf).min()
    spend[-13:, 0, 0] = 1e-6 * least
    trickle = replace(small, panel=replace(small.panel, spend=spend))
    found = plan(trickle, PlanRequest())
    tv, *others = found.cells.itertuples()
    assert 0.0 < tv.planned_weekly_spend < 0.01 * least
    assert np.isnan([tv.roi_mean, tv.mroi_mean]).all()
    assert np.isfinite([[one.roi_mean, one.mroi_mean] for one in others]).all()
    assert tv.lowest_learned_spend > 0.01 * least


def test_a_plan_keeps_the_weeks_of_its_horizon_alone(
    market: Panel, invent_fit: Callable[..., Fit]
) -> None:
    """Memory is that of horizon, cells and draws: not of the panel's weeks, nor of a gradient's."""
    fit = invent_fit(market.head(91), ModelSpec(fourier_order=1), draws=500)
    request = PlanRequest()
    now = current_spend(fit, request)
    response = plan_response(fit, now, 2000)
    shape = (fit.n_draws, request.horizon_weeks + WEEKS_AFTER, len(now.weekly))
    assert response.without.shape == response.per_unit.shape == shape
    objective = objective_of(response, now.weekly, request)
    weekly = jnp.asarray(now.weekly)
    program = _utility_and_gradient.lower(weekly, objective, False).compile()
    # Of arrays of this size, differentiation in reverse kept 4.2; forward it takes 2.2.
    assert program.memory_analysis().temp_size_in_bytes < 3 * response.without.nbytes
