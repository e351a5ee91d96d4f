"""Targets that are out of reach, and how high ROI and mROI go."""

from collections.abc import Callable
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from hill_mmm import Fit, ModelSpec, Panel, PlanError, PlanRequest, plan
from hill_mmm._planner.plan import scenario_of
from hill_mmm._planner.response import compiled_effect, plan_response

CHANNELS = ("tv", "search", "social")


@pytest.fixture(scope="module")
def small(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    panel = replace(market.head(91), spend=market.spend[:91, :, :3], channels=CHANNELS)
    return invent_fit(panel, ModelSpec(trend="linear", fourier_order=1), draws=30, seed=8)


def highest_by_trying(fit: Fit, request: PlanRequest) -> float:
    """The highest expected ROI of many plans within the limits."""
    scenario = scenario_of(fit, request)
    response = plan_response(fit, scenario.current, fit.n_draws)
    rng = np.random.default_rng(0)
    lower, upper = scenario.space.lower, scenario.space.upper
    # Corners too: ROI is highest at one where curves bend down everywhere.
    shares = np.clip(rng.uniform(-0.5, 1.5, (4000, len(lower))), 0.0, 1.0)
    plans = np.concatenate([lower + shares * (upper - lower), lower[None]])
    levels = np.linspace(0.0, 1.0, 201)
    table = np.array(
        [
            np.asarray(compiled_effect(response, jnp.asarray(lower + x * (upper - lower)))).mean(0)
            for x in levels
        ]
    )
    nothing = np.asarray(compiled_effect(response, jnp.zeros(len(lower)))).mean(axis=0).sum()
    outcome = sum(
        np.interp((plans[:, cell] - lower[cell]) / (upper - lower)[cell], levels, table[:, cell])
        for cell in range(len(lower))
    )
    return float(((outcome - nothing) / (13 * plans.sum(axis=1))).max())


@pytest.mark.parametrize("max_change", [0.3, None])
def test_a_target_roi_beyond_reach_is_impossible_with_the_best(
    small: Fit, max_change: float | None
) -> None:
    request = PlanRequest("target_roi", target=50.0, max_change=max_change)
    with pytest.raises(PlanError, match="target ROI of 50 is out of reach") as error:
        plan(small, request)
    best = error.value.best_reachable
    assert best is not None
    assert best == pytest.approx(highest_by_trying(small, request), rel=0.01)
    assert f"{best:.3g}" in str(error.value)
    # Just within reach there is a plan, and it spends money.
    found = plan(small, replace(request, target=0.98 * best))
    assert found.totals["planned_spend"].item() > 0.0
    assert found.totals["roi_mean"].item() >= 0.98 * best * (1.0 - 1e-6)


def test_a_target_mroi_beyond_reach_is_impossible_with_the_best(small: Fit) -> None:
    request = PlanRequest("target_mroi", target=50.0)
    with pytest.raises(PlanError, match="target mROI of 50 is out of reach") as error:
        plan(small, request)
    best = error.value.best_reachable
    assert best is not None and best < 50.0
    for target in (0.9 * best, 1.1 * best):
        again = replace(request, target=target)
        if target < best:
            cells = plan(small, again).cells
            assert cells["mroi_mean"].max() >= 0.99 * target
        else:
            with pytest.raises(PlanError, match="out of reach"):
                plan(small, again)


def test_no_spend_reaches_no_target(small: Fit) -> None:
    """Off air is allowed here, and its ROI is nothing over nothing."""
    request = PlanRequest("target_roi", target=1e4, max_change=None, allow_extrapolation=True)
    with pytest.raises(PlanError, match="out of reach"):
        plan(small, request)
