"""What a lift test of each channel would be worth to the planner, before it is run.

Expected value of sample information (Raiffa and Schlaifer 1961), by regression (Strong, Oakley,
Brennan and Breeze 2015, Estimating the expected value of sample information using the probabilistic
sensitivity analysis sample): results are imagined from each draw, what each plan brings is
regressed on them, and the plan with the highest fitted value is chosen. What it brings over the
present plan, on average, is what the test is worth.

The highest of many fitted values is too high on the draws that they were fitted to. So the plans
are chosen by the fit to nine tenths of the draws and valued on the other tenth, as they are: the
rule found so is one that could be followed, and on average brings no more than the best one. The
plans to choose from are the best ones by single draws, and steps from the present plan towards
each: so no result needs a search of its own.
"""

from collections.abc import Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.interpolate import BSpline

from hill_mmm._arviz import array_stats
from hill_mmm._planner.plan import Scenario, scenario_of
from hill_mmm._planner.response import (
    PlanError,
    PlanResponse,
    compiled_effect,
    plan_response,
    within_horizon,
)
from hill_mmm._planner.search import ON_THE_WAY
from hill_mmm._posterior import Posterior
from hill_mmm.panel import Floats, Integers
from hill_mmm.spec import PlanRequest, Utility

DRAWS = 2000
# The present plan is looked for on so many of them.
SEARCH_DRAWS = 200
# Draws whose own best plan is looked for.
CERTAIN_DRAWS = 15
TOWARDS = (0.25, 0.5, 0.75, 1.0)
# Results imagined from each draw.
RESULTS = 8
FOLDS = 10
# Standard errors by which a plan must be better than the present one to be chosen. With none, a
# worthless test came out below 0 by 1.6 of its Monte-Carlo errors; with one, by 0.6 or less.
ERRORS = 1.0
# Of the cubic spline of a plan's value in the result: quantiles of the results.
INNER_KNOTS = (0.25, 0.5, 0.75)


def experiment_value(
    posterior: Posterior, request: PlanRequest | None = None, relative_error: float = 0.2
) -> pd.DataFrame:
    """Channels in the order of what a test of each would add to the plan's expected gain.

    A test switches the channel off in all series for the horizon and measures what is lost in
    these weeks. As with a `LiftTest`, carry-over from earlier weeks is in both, and carry-over
    beyond the test in neither.

    Args:
        posterior: the fit.
        request: the scenario that the test is to improve; its utility counts as the mean.
        relative_error: standard error of a test, over the expected lift.

    Returns:
        A row for each channel with spend today: `channel, rank, standard_error, lift_mean, lift_sd,
        value, value_mcse, value_of_certainty, least_effective_draws`. `value` is in the outcome's
        unit over the horizon, with its Monte-Carlo standard error: ranks are settled where values
        differ by several of these, and a test that is worth nothing has a value of about 0, be it
        slightly below. `value_of_certainty` is that of knowing every curve, the same in all rows.
        Where `least_effective_draws`, the draws that agree with the most surprising result, are
        few, what is chosen then rests on the spline alone.

    Raises:
        PlanError: as `plan`.
        ValueError: if the error is not positive, or for a target ROI, which a plan by one draw
            misses by the others.
    """
    request = replace(request or PlanRequest(), utility=Utility("mean"))
    if not relative_error > 0 or request.objective == "target_roi":
        raise ValueError(
            "an experiment is valued with a positive relative_error and an objective other than "
            f"target_roi, found {relative_error} and {request.objective}"
        )
    scenario = scenario_of(posterior, request)
    response = plan_response(posterior, scenario.current, DRAWS)
    gains = _gains_of_choices(posterior, scenario, response)
    rng = np.random.default_rng(posterior.sampler.seed)
    lifts = _lifts(posterior, scenario, response)
    rows = [
        {"channel": channel, **_value_of(lift, gains, relative_error * lift.mean(), rng)}
        for channel, lift in lifts.items()
    ]
    frame = pd.DataFrame(rows).sort_values("value", ascending=False, ignore_index=True)
    certainty = float(gains.max(axis=0).mean() - gains.mean(axis=1).max())
    return frame.assign(rank=np.arange(1, len(frame) + 1), value_of_certainty=certainty)


def _gains_of_choices(posterior: Posterior, scenario: Scenario, response: PlanResponse) -> Floats:
    """What each plan to choose from brings over the present one, `(plans, draws)`."""
    plans = list(_choices(posterior, scenario, response))
    outcome = np.array(
        [np.asarray(compiled_effect(response, jnp.asarray(one))).sum(axis=1) for one in plans]
    )
    request = scenario.request
    cost = request.price * request.horizon_weeks * np.array([one.sum() for one in plans])
    value = outcome - cost[:, None]
    return value - value[0]


def _choices(posterior: Posterior, scenario: Scenario, response: PlanResponse) -> Iterator[Floats]:
    """The present plan, and others that the limits allow, in between as well."""
    search = scenario.search(plan_response(posterior, scenario.current, SEARCH_DRAWS))
    best = search.best()
    if best is None:
        raise PlanError("no plan within the limits was found: relax steps, flights or bounds")
    yield best.weekly
    draws = len(response.without)
    for draw in np.unique(np.linspace(0, draws - 1, CERTAIN_DRAWS).round().astype(int)):
        of_one = jax.tree.map(lambda values, draw=draw: values[draw : draw + 1], response)
        other = scenario.search(of_one).from_grid()
        if other is None:
            continue
        for share in TOWARDS:
            towards = best.weekly + share * (other.weekly - best.weekly)
            if search.residual(towards) <= ON_THE_WAY:
                yield towards


def _lifts(posterior: Posterior, scenario: Scenario, response: PlanResponse) -> dict[str, Floats]:
    """What each channel brings in the horizon's weeks at today's spend, by draw."""
    in_test = within_horizon(response, scenario.request.horizon_weeks)
    with_it, without = (
        np.asarray(compiled_effect(in_test, jnp.asarray(weekly)))
        for weekly in (scenario.current.weekly, np.zeros_like(scenario.current.weekly))
    )
    channels = posterior.panel.channels
    spent = scenario.current.weekly.reshape(-1, len(channels)).sum(axis=0)
    lift = (with_it - without).reshape(len(with_it), -1, len(channels)).sum(axis=1)
    return {name: lift[:, channel] for channel, name in enumerate(channels) if spent[channel] > 0}


def _value_of(
    lift: Floats, gains: Floats, error: float, rng: np.random.Generator
) -> dict[str, float]:
    """A test of a channel, by `RESULTS` results from each draw.

    Args:
        lift: that the test would measure without error, `(draws,)`.
        gains: of each plan over the present one, `(plans, draws)`.
        error: standard error of the test.
        rng: of the results.
    """
    measured = lift + error * rng.standard_normal((RESULTS, len(lift)))
    basis = _spline_basis(measured)
    fold = np.arange(len(lift)) * FOLDS // len(lift)
    added = np.empty(len(lift))
    for held_out in (fold == number for number in range(FOLDS)):
        learned = gains[:, ~held_out]
        present = learned.mean(axis=1).argmax()
        chosen = _chosen(basis[:, ~held_out], learned - learned[present], basis[:, held_out])
        valued = gains[:, held_out] - gains[present, held_out]
        added[held_out] = np.take_along_axis(valued, chosen, axis=0).mean(axis=0)
    return {
        "standard_error": float(error),
        "lift_mean": float(lift.mean()),
        "lift_sd": float(lift.std(ddof=1)),
        "value": float(added.mean()),
        "value_mcse": _mcse(added),
        "least_effective_draws": _least_effective_draws(lift, measured[0], error),
    }


def _chosen(fitted_to: Floats, gains: Floats, results: Floats) -> Integers:
    """The plan with the highest fitted value less its errors, by result, `(results, draws)`.

    Less the errors, because noise alone would move away from the present plan, whose value is 0
    and known.

    Args:
        fitted_to: basis of the results learned from, `(results, draws, splines)`.
        gains: over the present plan, `(plans, draws)`.
        results: basis of the results to choose by, `(results, other draws, splines)`.
    """
    normal = np.einsum("rdi,rdj->ij", fitted_to, fitted_to)
    inverse = np.linalg.pinv(normal, hermitian=True)
    # Of all results of a draw the gain is the same: their sum stands for them.
    value = results @ (inverse @ (fitted_to.sum(axis=0).T @ gains.T))
    leverage = RESULTS * np.einsum("rdi,ij,rdj->rd", results, inverse, results)
    error = np.sqrt(np.maximum(leverage, 0.0))[:, :, None] * gains.std(axis=1)
    return (value - ERRORS * error).argmax(axis=2)


def _spline_basis(measured: Floats) -> Floats:
    """Cubic B-splines of the results, `(results, draws, splines)`."""
    knots = np.quantile(measured, [0.0, *INNER_KNOTS, 1.0])
    padded = np.concatenate([np.repeat(knots[0], 3), knots, np.repeat(knots[-1], 3)])
    matrix = BSpline.design_matrix(measured.ravel(), padded, k=3).toarray()
    return matrix.reshape(*measured.shape, -1)


def _mcse(added: Floats) -> float:
    """Of the mean over draws that follow each other as in their chains."""
    if np.ptp(added) == 0.0:
        return 0.0
    return float(array_stats.mcse(added[None], chain_axis=0, draw_axis=1, method="mean"))


def _least_effective_draws(lift: Floats, measured: Floats, error: float) -> float:
    """Kish's effective number of the draws, weighted by their agreement with each result."""
    log_weight = -0.5 * ((lift - measured[:, None]) / error) ** 2
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    return float((1.0 / (weight**2).sum(axis=1)).min())
