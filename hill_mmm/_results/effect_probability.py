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

from hill_mmm._model.design import Design, baseline_design
from hill_mmm._model.effect_prior import effect_prior
from hill_mmm._posterior import Posterior, flatten
from hill_mmm._results.baseline_prior import baseline_scales
from hill_mmm._results.decompose import Decomposition
from hill_mmm._results.importance import MAX_PARETO_K, smoothed_weights
from hill_mmm._results.lift_tests import modelled_lift
from hill_mmm.panel import Floats

# Draws whose baselines are integrated out at a time: a matrix of columns by columns for each.
BATCH = 256
# The grid of the log effect: its range in prior standard deviations, and its points. It is exact
# for an effect known to a thirtieth of itself; more certain ones are certain all the same.
RANGE = 8.0
POINTS = 513
# Under it the data speak three to one for a model without the medium (Jeffreys 1961: substantial).
DOUBTFUL = 0.25
# Where the tail of the ratios is too heavy for their mean, the estimate is too low if anything. So
# it is at least itself, and taken to be at most so many times as much. (Chains' own estimates
# differed by less than twice where the Pareto k was under 1.)
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

    Where the Pareto k of the ratios is over 0.7, their mean is not known. Their estimate is then
    too low if anything: of a doubtful effect the probability is given as the most that it is; and
    if even ten times the estimate leaves 95 %, as the least that it is.

    Args:
        posterior: the fit.
        part: the weeks of its only series.
    """
    media = len(part.media_names)
    obstacle = _obstacle(posterior)
    if obstacle is not None:
        return EffectProbability(np.full(media, np.nan), [obstacle] * media)
    found = [probability_of(log_ratio) for log_ratio in log_ratios(posterior, part).T]
    return EffectProbability(np.array([p for p, _ in found]), [reason for _, reason in found])


def log_ratios(posterior: Posterior, part: Decomposition) -> Floats:
    """Log likelihood without each medium over that with it, by draw, `(draws, media)`.

    Args:
        posterior: the fit, of one series and one curve with Normal noise.
        part: the weeks of its series.
    """
    log_effect = flatten(posterior.draws["log_effect"])
    prior = effect_prior(posterior.panel, posterior.spec, posterior.scales)
    found = np.empty_like(log_effect)
    for medium, effect in enumerate(_effects(posterior, part)):
        mean, sd = prior.given_the_others(log_effect, medium)
        found[:, medium] = _log_ratio(effect, mean - log_effect[:, medium], sd)
    return found


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
    vectors = np.concatenate([media, residual[:, :, None]], axis=2)
    products = _products(posterior, design, columns, vectors)
    for medium, name in enumerate(part.media_names):
        tested = _of_lift_tests(posterior, name)
        own = products[:, medium, medium]
        yield _Effect(products[:, medium, -1] + own + tested.linear, own + tested.square)


def _products(posterior: Posterior, design: Design, columns: Floats, vectors: Floats) -> Floats:
    """`u' C^-1 v` of each draw's vectors `(draws, weeks, vectors)`, `(draws, vectors, vectors)`.

    C is the outcome's covariance given all but the baseline: with the prior scale S of the
    coefficients of the columns X, `sigma^2 I + X S S X'`. By Woodbury, `C^-1 = (I - X S M^-1 S X' /
    sigma^2) / sigma^2` with `M = I + S X'X S / sigma^2`.
    """
    noise = flatten(posterior.draws["sigma"])[:, 0]
    scale = design.prior_sd_at(baseline_scales(posterior))
    gram = columns.T @ columns
    found = np.empty((len(noise), vectors.shape[2], vectors.shape[2]))
    for first in range(0, len(noise), BATCH):
        some = slice(first, first + BATCH)
        relative = scale[some] / noise[some, None]
        inner = np.eye(len(gram)) + relative[:, :, None] * gram * relative[:, None, :]
        own = vectors[some] / noise[some, None, None]
        along = relative[:, :, None] * (columns.T @ own)
        explained = along.transpose(0, 2, 1) @ np.linalg.solve(inner, along)
        found[some] = own.transpose(0, 2, 1) @ own - explained
    return found


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
    top = log_integrand.max(axis=1)
    return -top - np.log(step * np.exp(log_integrand - top[:, None]).sum(axis=1))


def probability_of(log_ratio: Floats) -> tuple[float, str | None]:
    """At even prior odds `1 / (1 + mean ratio)`; or the reason why it is not known."""
    weight, pareto_k = smoothed_weights(log_ratio)
    # Weights in proportion to the ratios, summed over the ratios, are one over their mean.
    log_mean = -float(np.asarray(logsumexp(-log_ratio, b=weight)))
    most, least = (float(expit(-log_mean - np.log(times))) for times in (1.0, MARGIN))
    if pareto_k <= MAX_PARETO_K or most < DOUBTFUL:
        return most, None
    if least >= CERTAIN:
        return least, None
    return np.nan, f"importance weights with a Pareto k of {pareto_k:.2g}"
