"""What a lift test of each channel would be worth to the planner, before it is run.

Expected value of sample information (Raiffa and Schlaifer 1961), by reweighting: a result is
imagined from each draw, the draws are weighted by how well they agree with it, and the best plan by
these weights takes the place of the present one. What it brings more, by the same weights, is what
that result is worth; the mean over results, what the test is.

The plans to choose from are the best ones by single draws, and steps from the present plan towards
each: so no result needs a search of its own, and the value is from below.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from hill_mmm._planner.plan import Scenario, scenario_of
from hill_mmm._planner.response import PlanResponse, compiled_effect, plan_response
from hill_mmm._posterior import Posterior
from hill_mmm.panel import Floats
from hill_mmm.spec import PlanRequest, Utility

# More than a search needs: a surprising result leaves few of them.
DRAWS = 500
# Draws whose own best plan is looked for.
CERTAIN_DRAWS = 15
TOWARDS = (0.25, 0.5, 0.75, 1.0)


def experiment_value(
    posterior: Posterior, request: PlanRequest | None = None, relative_error: float = 0.2
) -> pd.DataFrame:
    """Channels in the order of what a test of each would add to the plan's expected gain.

    A test switches the channel off in all series for the horizon and measures what is lost.

    Args:
        posterior: the fit.
        request: the scenario that the test is to improve; its utility counts as the mean.
        relative_error: standard error of a test, over the expected lift.

    Returns:
        A row for each channel with spend today: `channel, rank, standard_error, lift_mean, lift_sd,
        value, value_of_certainty, least_effective_draws`. `value` is in the outcome's unit over the
        horizon; `value_of_certainty` that of knowing every curve, the same in all rows. Where
        `least_effective_draws`, the draws that the most surprising result leaves, are few,
        `value` is uncertain.

    Raises:
        PlanError: as `plan`.
        ValueError: if the error is not positive, or for a target ROI, which a plan by one draw
            misses by the others.
    """
    request = replace(request or PlanRequest(), utility=Utility())
    if not relative_error > 0 or request.objective == "target_roi":
        raise ValueError(
            "an experiment is valued with a positive relative_error and an objective other than "
            f"target_roi, found {relative_error} and {request.objective}"
        )
    scenario = scenario_of(posterior, request)
    response = plan_response(posterior, scenario.current, DRAWS)
    gains = _gains_of_choices(scenario, response)
    rng = np.random.default_rng(posterior.sampler.seed)
    lifts = _lifts(posterior, scenario, response)
    rows = [
        {"channel": channel, **_value_of(lift, gains, relative_error * lift.mean(), rng)}
        for channel, lift in lifts.items()
    ]
    frame = pd.DataFrame(rows).sort_values("value", ascending=False, ignore_index=True)
    certainty = float(gains.max(axis=0).mean())
    return frame.assign(rank=np.arange(1, len(frame) + 1), value_of_certainty=certainty)


def _gains_of_choices(scenario: Scenario, response: PlanResponse) -> Floats:
    """What each plan to choose from brings over the present one, `(plans, draws)`."""
    best = scenario.search(response).best().weekly
    draws = len(response.without)
    chosen = np.unique(np.linspace(0, draws - 1, CERTAIN_DRAWS).round().astype(int))
    by_one = [
        scenario.search(jax.tree.map(lambda values, draw=draw: values[draw : draw + 1], response))
        .from_grid()
        .weekly
        for draw in chosen
    ]
    plans = [best, *(best + share * (other - best) for other in by_one for share in TOWARDS)]
    outcome = np.array(
        [np.asarray(compiled_effect(response, jnp.asarray(one))).sum(axis=1) for one in plans]
    )
    request = scenario.request
    cost = request.price * request.horizon_weeks * np.array([one.sum() for one in plans])
    value = outcome - cost[:, None]
    return value - value[0]


def _lifts(posterior: Posterior, scenario: Scenario, response: PlanResponse) -> dict[str, Floats]:
    """What each channel brings in the horizon at today's spend, by draw."""
    with_it, without = (
        np.asarray(compiled_effect(response, jnp.asarray(weekly)))
        for weekly in (scenario.current.weekly, np.zeros_like(scenario.current.weekly))
    )
    channels = posterior.panel.channels
    spent = scenario.current.weekly.reshape(-1, len(channels)).sum(axis=0)
    lift = (with_it - without).reshape(len(with_it), -1, len(channels)).sum(axis=1)
    return {name: lift[:, channel] for channel, name in enumerate(channels) if spent[channel] > 0}


def _value_of(
    lift: Floats, gains: Floats, error: float, rng: np.random.Generator
) -> dict[str, float]:
    """A test of a channel, by one result from each draw."""
    measured = lift + error * rng.standard_normal(len(lift))
    log_weight = -0.5 * ((lift - measured[:, None]) / error) ** 2
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    return {
        "standard_error": float(error),
        "lift_mean": float(lift.mean()),
        "lift_sd": float(lift.std(ddof=1)),
        "value": float((weight @ gains.T).max(axis=1).mean()),
        "least_effective_draws": float((1.0 / (weight**2).sum(axis=1)).min()),
    }
