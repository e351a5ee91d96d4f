"""What a lift test of each channel would be worth to the planner, before it is run.

Expected value of sample information (Raiffa and Schlaifer 1961), by reweighting: a test's result is
imagined from a draw, the draws are weighted by how well they agree with it, and the plan is made
anew. What the new plan brings more than the old one, by the weighted draws, is what that result is
worth; the mean over results, what the test is.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd

from hill_mmm._panel import Floats, Integers
from hill_mmm._plan_request import PlanRequest, Utility
from hill_mmm._plan_response import PlanResponse, compiled_effect, plan_response
from hill_mmm._planner import Problem, problem_of
from hill_mmm._posterior import Posterior

# More than a search needs: a surprising result leaves few of them.
EXPERIMENT_DRAWS = 500
RESULTS = 16


def experiment_value(
    posterior: Posterior,
    request: PlanRequest | None = None,
    relative_error: float = 0.2,
    results: int = RESULTS,
) -> pd.DataFrame:
    """Channels in the order of what a test of each would add to the plan's expected gain.

    A test switches the channel off in all series for the horizon and measures what is lost.

    Args:
        posterior: the fit.
        request: the scenario that the test is to improve; its utility counts as the mean.
        relative_error: standard error of a test, over the expected lift.
        results: number of results imagined of each test.

    Returns:
        A row for each channel with spend today: `channel, rank, standard_error, lift_mean, lift_sd,
        value, value_of_certainty, least_effective_draws`. `value` is in the outcome's unit over the
        horizon; `value_of_certainty` that of knowing every curve, the same in all rows. Where
        `least_effective_draws`, the draws that the most surprising result leaves, are few,
        `value` is too high.

    Raises:
        PlanError: as `plan`.
        ValueError: if the error is not positive.
    """
    if not relative_error > 0:
        raise ValueError(f"relative_error must be positive, found {relative_error}")
    request = replace(request or PlanRequest(), utility=Utility())
    problem = problem_of(posterior, request)
    response = plan_response(posterior, problem.now, EXPERIMENT_DRAWS)
    best = problem.search(response).best().weekly
    draws = len(response.without)
    truths = np.unique(np.linspace(0, draws - 1, results).round().astype(int))
    certainty = np.mean(
        [_improvement(problem, response, best, np.eye(draws)[truth]) for truth in truths]
    )
    rng = np.random.default_rng(posterior.sampler.seed)
    rows = [
        _value_of(problem, response, best, lift, relative_error, truths, rng) | {"channel": channel}
        for channel, lift in _lifts(posterior, problem, response).items()
    ]
    frame = pd.DataFrame(rows).sort_values("value", ascending=False, ignore_index=True)
    return frame.assign(rank=np.arange(1, len(frame) + 1), value_of_certainty=certainty)


def _lifts(posterior: Posterior, problem: Problem, response: PlanResponse) -> dict[str, Floats]:
    """What each channel brings in the horizon at today's spend, by draw."""
    with_it, without = (
        np.asarray(compiled_effect(response, jnp.asarray(weekly)))
        for weekly in (problem.now.weekly, np.zeros_like(problem.now.weekly))
    )
    channels = posterior.panel.channels
    spent = problem.now.weekly.reshape(-1, len(channels)).sum(axis=0)
    lift = (with_it - without).reshape(len(with_it), -1, len(channels)).sum(axis=1)
    return {channel: lift[:, at] for at, channel in enumerate(channels) if spent[at] > 0}


def _value_of(
    problem: Problem,
    response: PlanResponse,
    best: Floats,
    lift: Floats,
    relative_error: float,
    truths: Integers,
    rng: np.random.Generator,
) -> dict[str, float]:
    error = relative_error * lift.mean()
    values: list[float] = []
    effective: list[float] = []
    for measured in lift[truths] + error * rng.standard_normal(len(truths)):
        distance = ((lift - measured) / error) ** 2
        weight = np.exp(-0.5 * (distance - distance.min()))
        probability = weight / weight.sum()
        values.append(_improvement(problem, response, best, probability))
        effective.append(float(1.0 / (probability**2).sum()))
    return {
        "standard_error": float(error),
        "lift_mean": float(lift.mean()),
        "lift_sd": float(lift.std(ddof=1)),
        "value": float(np.mean(values)),
        "least_effective_draws": min(effective),
    }


def _improvement(
    problem: Problem, response: PlanResponse, best: Floats, probability: Floats
) -> float:
    """What a plan by these probabilities brings more than the present one, by them."""
    search = problem.search(response, probability)
    # By gradients alone a channel that is off air would stay so.
    found = max(search.from_start(best).utility, search.from_grid().utility)
    return max(0.0, found - search.utility(best))
