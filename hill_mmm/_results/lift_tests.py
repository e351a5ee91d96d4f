"""Lift tests beside what the model says of their weeks, with the test and without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.stats import norm

from hill_mmm._model.curves import Curves
from hill_mmm._model.data import ModelData, model_data
from hill_mmm._model.density import regime_probabilities
from hill_mmm._model.lift import ModelledLift
from hill_mmm._model.lift import modelled_lift as lift_of_draw
from hill_mmm._posterior import Posterior, flatten, over_draws
from hill_mmm._results.decompose import overall_name
from hill_mmm._results.importance import smoothed_weights
from hill_mmm._results.prior_effect import contribution_prior
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import Floats
from hill_mmm.spec import AdstockKind, LiftTest

# Of the logarithm of a test's lift about its share of the channel's contribution by spend: weeks
# saturate, and what a test leaves for the weeks after it is not in its lift.
WEEKS_SD_LOG = 0.7


@dataclass(frozen=True)
class LiftWithoutTest:
    """What the model says of a test's weeks without having seen the test.

    Attributes:
        mean: of the lift, in the outcome's unit.
        sd: its standard deviation.
        pareto_k: of the importance weights; over `MAX_PARETO_K`, only a refit is to be trusted.
        method: `psis`, the posterior's draws by weights; or `refit`.
    """

    mean: float
    sd: float
    pareto_k: float
    method: Literal["psis", "refit"]


def lift_test(
    posterior: Posterior, ci_level: float, without: Sequence[LiftWithoutTest] = ()
) -> pd.DataFrame:
    """Each lift test beside the posterior's own counterfactual for its weeks.

    `modelled_lift` is the mean over the regimes that the test's weeks were in, by their outcome.
    The posterior has absorbed the test, and agrees with it however wrong that is. `z_score` is the
    difference between test and the model *without* that test, over the root of the sum of both
    variances: over about 2, they disagree. `prior_probability` is the prior probability of a lift
    as far from the prior's median as the measured one, in which a wrong unit shows; NaN under the
    seed's amplitudes.

    Args:
        posterior: the fit.
        ci_level: of the interval.
        without: what the model says without each test, by `leave_test_out`; by default the
            posterior's draws by importance weights, whatever their Pareto k.
    """
    tests = posterior.lift_tests
    draws = modelled_lift(posterior, tests).mean
    without = without or psis_without(posterior)
    measured = np.array([test.lift for test in tests])
    error = np.array([test.standard_error for test in tests])
    mean, sd = (np.array([getattr(one, name) for one in without]) for name in ("mean", "sd"))
    return pd.DataFrame(
        {
            "channel": [test.channel for test in tests],
            "series_key": [test.series or overall_name(posterior.panel) for test in tests],
            "start_week": np.array([test.start for test in tests], dtype="datetime64[D]"),
            "end_week": np.array([test.end for test in tests], dtype="datetime64[D]"),
            "lift": measured,
            "standard_error": error,
            **statistics("modelled_lift", draws, ci_level),
            "lift_without_test_mean": mean,
            "lift_without_test_sd": sd,
            "without_test_method": [one.method for one in without],
            "pareto_k": np.array([one.pareto_k for one in without]),
            "z_score": (mean - measured) / np.hypot(error, sd),
            "prior_probability": np.array([_prior_probability(posterior, test) for test in tests]),
            "ci_level": ci_level,
        }
    )


def psis_without(posterior: Posterior) -> tuple[LiftWithoutTest, ...]:
    """Each test's lift by the posterior without that test, its draws weighted by 1 / likelihood.

    Pareto-smoothed (Vehtari et al. 2024).
    """
    tests = posterior.lift_tests
    mean, variance = modelled_lift(posterior, tests)
    found: list[LiftWithoutTest] = []
    for test, lift, over_regimes in zip(tests, mean.T, variance.T, strict=True):
        sd = np.sqrt(test.standard_error**2 + over_regimes)
        weight, pareto_k = smoothed_weights(-norm.logpdf(test.lift, lift, sd))
        found.append(LiftWithoutTest(*_moments(weight, lift, over_regimes), pareto_k, "psis"))
    return tuple(found)


def refitted_without(again: Posterior, test: LiftTest, pareto_k: float) -> LiftWithoutTest:
    """A test's lift by a fit that has not seen it; `pareto_k` says why there is one."""
    mean, variance = (values[:, 0] for values in modelled_lift(again, (test,)))
    even = np.full(len(mean), 1.0 / len(mean))
    return LiftWithoutTest(*_moments(even, mean, variance), pareto_k, "refit")


def _moments(weight: Floats, lift: Floats, over_regimes: Floats) -> tuple[float, float]:
    """Mean and standard deviation of a lift: of its draws, and of its regimes within a draw."""
    mean = float(weight @ lift)
    return mean, float(np.sqrt(weight @ ((lift - mean) ** 2 + over_regimes)))


class LiftDraws(NamedTuple):
    """`ModelledLift` of every draw, `(draws, tests)`."""

    mean: Floats
    variance: Floats


def modelled_lift(posterior: Posterior, tests: Sequence[LiftTest]) -> LiftDraws:
    """The posterior's own counterfactual of each test."""
    if not tests:
        return LiftDraws(*np.empty((2, posterior.n_draws, 0)))
    spec = posterior.spec
    data = model_data(posterior.panel, spec, posterior.scales, tests)
    sites = {name: jnp.asarray(flatten(values)) for name, values in posterior.draws.items()}
    return LiftDraws(*map(np.asarray, _lift_by_draw(data, sites, spec.adstock)))


@partial(jax.jit, static_argnums=2)
def _lift_by_draw(data: ModelData, sites: dict[str, jax.Array], kind: AdstockKind) -> ModelledLift:
    def one(draw: dict[str, jax.Array]) -> ModelledLift:
        at = None if data.moving is None else data.moving.at
        regimes = regime_probabilities(data, kind, draw)
        return lift_of_draw(data.lift, Curves.of(draw), kind, regimes, at)

    return over_draws(one, sites)


def _prior_probability(posterior: Posterior, test: LiftTest) -> float:
    """Two-sided, of the channel's prior contribution in proportion to the spend of the weeks."""
    if posterior.spec.amplitude_prior == "seed":
        return np.nan
    panel = posterior.panel
    channel = panel.channels.index(test.channel)
    # The prior is of the weeks with an outcome: media may be known of earlier ones.
    spend = panel.spend[:, :, channel] * panel.observed
    if test.series is not None:
        spend = spend[:, [panel.series.index(test.series)]]
    tested = (panel.weeks >= np.datetime64(test.start)) & (panel.weeks <= np.datetime64(test.end))
    share = spend[tested].sum() / spend.sum()
    prior = contribution_prior(posterior, test.series or overall_name(panel))
    lift = share * prior.draws(WEEKS_SD_LOG)[:, channel]
    below = norm.cdf((test.lift - lift) / test.standard_error).mean()
    return float(2.0 * min(below, 1.0 - below))
