"""Does a medium have any effect? The model with it against the model without it.

A LogNormal prior on ROI never reaches 0, so no interval of a ROI says "nothing". The Bayes factor
of the model without the medium does. The other parameters have one prior in both models, so that it
is a mean over the posterior of the model with the medium:

    p(y | without) / p(y | with) = E[ p(y | rest, no effect) / p(y | rest, effect) ]

In the model without the medium its baseline and the medium's effect would be elsewhere. So both are
integrated out of both likelihoods (Rao and Blackwell), given the curves, the noise and the other
media: the baseline is Gaussian, and the likelihood of the medium's effect B (over the draw's) is
then `exp(b B - a B^2 / 2)` times that of B = 0, which is summed over a grid of log B.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logsumexp

from hill_mmm._model.design import baseline_design
from hill_mmm._model.effect_prior import effect_prior
from hill_mmm._posterior import Posterior, flatten
from hill_mmm._results.baseline_prior import baseline_scales
from hill_mmm._results.decompose import Decomposition
from hill_mmm._results.importance import MAX_PARETO_K, smoothed_weights
from hill_mmm._results.lift_tests import modelled_lift
from hill_mmm.panel import Floats

# The grid of the log effect: its range in prior standard deviations, and its points. It is exact
# for an effect known to a thirtieth of itself; more certain ones are certain all the same.
RANGE = 8.0
POINTS = 513
# Where the tail of the ratios is too heavy for their mean, so many times the estimate stands for it
# (the chains' own estimates differ by less), and if even that leaves CERTAIN, it is given.
MARGIN = 10.0
CERTAIN = 0.95


class EffectProbability(NamedTuple):
    """Of each medium, `(media,)`.

    Attributes:
        probability: that it has any effect, if before the data that was as likely as not; NaN where
            it is not known.
        reason: why it is not known; None where it is.
    """

    probability: Floats
    reason: list[str | None]


class _Effect(NamedTuple):
    """Log likelihood `b B - a B^2 / 2` of a medium's effect B over that of none, `(draws,)`.

    Attributes:
        linear: `b`; B is 1 at the draw's own effect.
        square: `a`.
    """

    linear: Floats
    square: Floats


def effect_probability(posterior: Posterior, part: Decomposition) -> EffectProbability:
    """Probability that each medium has any effect, at even prior odds.

    Where the Pareto k of the ratios is over 0.7, their mean is not known. If even ten times its
    estimate leaves 95 %, that is given as the least that the probability is.

    Args:
        posterior: the fit.
        part: the weeks of its only series.
    """
    media = len(part.media_names)
    obstacle = _obstacle(posterior)
    if obstacle is not None:
        return EffectProbability(np.full(media, np.nan), [obstacle] * media)
    log_effect = flatten(posterior.draws["log_effect"])
    prior = effect_prior(posterior.panel, posterior.spec, posterior.scales)
    found: list[tuple[float, str | None]] = []
    for medium, effect in enumerate(_effects(posterior, part)):
        mean, sd = prior.given_the_others(log_effect, medium)
        found.append(_probability(_log_ratio(effect, mean - log_effect[:, medium], sd)))
    return EffectProbability(np.array([p for p, _ in found]), [reason for _, reason in found])


def _obstacle(posterior: Posterior) -> str | None:
    """Why it is known of no medium of the fit, in words."""
    spec = posterior.spec
    obstacles = {
        "draws of the prior": posterior.prior_only,
        "the seed's amplitude prior": spec.amplitude_prior == "seed",
        "a mixture of curves": spec.components > 1,
        "Student-t noise": spec.likelihood == "student_t",
        "several series": len(posterior.panel.series) > 1,
        "a fit of an earlier version": "log_effect" not in posterior.draws,
    }
    return next((name for name, holds in obstacles.items() if holds), None)


def _effects(posterior: Posterior, part: Decomposition) -> Iterator[_Effect]:
    """Of each medium, the baseline integrated out, on the weeks with an outcome."""
    panel, scale = posterior.panel, posterior.scales.outcome[0]
    own = slice(int(panel.starts[0]), len(panel))
    outcome = panel.outcome[own, 0] / scale
    scored = np.isfinite(outcome)
    design = baseline_design(panel, posterior.spec, posterior.scales)
    columns = design.matrix[own, 0][scored]
    media = part.media[:, : len(scored)][:, scored] / scale
    residual = outcome[scored] - columns @ design.prior_mean - media.sum(axis=2)
    if design.signed_parts:
        signed = flatten(posterior.draws["signed_coefficients"]) * design.directions
        residual = residual - signed @ design.signed[own, 0][scored].T
    variance = flatten(posterior.draws["sigma"])[:, 0] ** 2
    # Of the coefficients given the rest, whose prior variances are S: the covariance of the outcome
    # is `variance I + X S X'`.
    prior_sd = design.prior_sd_at(baseline_scales(posterior))
    precision = columns.T @ columns / variance[:, None, None]
    precision += prior_sd[:, :, None] ** -2.0 * np.eye(columns.shape[1])
    covariance = np.linalg.inv(precision)

    def product(one: Floats, other: Floats) -> Floats:
        by_column = np.einsum("dij,dj->di", covariance, other @ columns)
        of_baseline = ((one @ columns) * by_column).sum(axis=1) / variance
        return ((one * other).sum(axis=1) - of_baseline) / variance

    for medium, name in enumerate(part.media_names):
        effect, tested = media[:, :, medium], _of_lift_tests(posterior, name)
        yield _Effect(
            product(effect, residual + effect) + tested.linear,
            product(effect, effect) + tested.square,
        )


def _of_lift_tests(posterior: Posterior, medium: str) -> _Effect:
    """What the medium's own lift tests say: each lift is in proportion to its effect."""
    tests = [test for test in posterior.lift_tests if test.channel == medium]
    lift = modelled_lift(posterior, tests).mean
    measured = np.array([test.lift for test in tests])
    error = np.array([test.standard_error for test in tests])
    return _Effect((lift * measured / error**2).sum(axis=1), (lift**2 / error**2).sum(axis=1))


def _log_ratio(effect: _Effect, prior_mean: Floats, prior_sd: float) -> Floats:
    """Log of the likelihood without the medium over that with it, `(draws,)`.

    Args:
        effect: what the data say of it.
        prior_mean: of log B, `(draws,)`.
        prior_sd: of log B.
    """
    grid = np.linspace(-RANGE, RANGE, POINTS)
    size = np.exp(prior_mean[:, None] + prior_sd * grid)
    linear, square = (each[:, None] for each in effect)
    log_integrand = (linear - 0.5 * square * size) * size - 0.5 * grid**2
    step = (grid[1] - grid[0]) / np.sqrt(2.0 * np.pi)
    log_integral: Floats = np.logaddexp.reduce(log_integrand, axis=1)
    return -log_integral - np.log(step)


def _probability(log_ratio: Floats) -> tuple[float, str | None]:
    """At even prior odds `1 / (1 + mean ratio)`; or the reason why it is not known."""
    weight, pareto_k = smoothed_weights(log_ratio)
    log_mean = -float(np.asarray(logsumexp(-log_ratio, b=weight)))
    if pareto_k <= MAX_PARETO_K:
        return float(expit(-log_mean)), None
    least = float(expit(-log_mean - np.log(MARGIN)))
    if least >= CERTAIN:
        return least, None
    return np.nan, f"importance weights with a Pareto k of {pareto_k:.2g}"
