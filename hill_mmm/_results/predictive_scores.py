"""Scores of a predictive distribution: PSIS-LOO, WAIC and CRPS, and the choice among models.

Every score is by observation, so that models can be compared observation by observation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hill_mmm._arviz import array_stats
from hill_mmm.panel import Floats

# Observations that are scored at once: 4,000 draws of them are 8 MB.
BLOCK = 256
# A fifth of the draws are the tail of a short sample, and a Pareto fit to a tail needs five.
MIN_DRAWS = 25


@dataclass(frozen=True)
class Loo:
    """Leave-one-out score of a fit.

    Attributes:
        elpd: expected log pointwise predictive density; higher is better.
        se: standard error of `elpd`, over observations.
        p_loo: effective number of parameters.
        pointwise: `elpd` by observation, `(observations,)`.
        pareto_k: reliability by observation: above 0.7 the fit without the observation is too far
            from the fit with it to be had by reweighting, and the score is too optimistic.
            Infinite where no tail could be fitted.
    """

    elpd: float
    se: float
    p_loo: float
    pointwise: Floats
    pareto_k: Floats


@dataclass(frozen=True)
class Waic:
    """Widely applicable information criterion of a fit, on the scale of `Loo`.

    Attributes:
        elpd: expected log pointwise predictive density; higher is better.
        se: standard error of `elpd`, over observations.
        p_waic: effective number of parameters.
        pointwise: `elpd` by observation, `(observations,)`.
    """

    elpd: float
    se: float
    p_waic: float
    pointwise: Floats


def psis_loo(log_likelihood: Floats) -> Loo:
    """Leave-one-out cross-validation by Pareto-smoothed importance sampling.

    Vehtari, Gelman and Gabry 2017, smoothed as in Vehtari et al. 2024. The draws count as
    independent, which matters for the length of the smoothed tail only.

    Args:
        log_likelihood: of each observation in each draw, `(draws, observations)`.

    Raises:
        ValueError: where a log-likelihood is not finite, or there are fewer than 25 draws or 2
            observations.
    """
    _require_log_likelihood(log_likelihood)
    found = np.array([_leave_one_out(column) for column in log_likelihood.T])
    pointwise, pareto_k = found[:, 0], found[:, 1]
    p_loo = _by_blocks(_log_mean_exp, log_likelihood) - pointwise
    return Loo(
        elpd=float(pointwise.sum()),
        se=_standard_error(pointwise),
        p_loo=float(p_loo.sum()),
        pointwise=pointwise,
        pareto_k=pareto_k,
    )


def waic(log_likelihood: Floats) -> Waic:
    """Widely applicable information criterion: Watanabe 2010; Vehtari, Gelman and Gabry 2017.

    Args:
        log_likelihood: of each observation in each draw, `(draws, observations)`.

    Raises:
        ValueError: as `psis_loo`.
    """
    _require_log_likelihood(log_likelihood)
    p_waic = _by_blocks(lambda block: block.var(axis=0, ddof=1), log_likelihood)
    pointwise = _by_blocks(_log_mean_exp, log_likelihood) - p_waic
    return Waic(
        elpd=float(pointwise.sum()),
        se=_standard_error(pointwise),
        p_waic=float(p_waic.sum()),
        pointwise=pointwise,
    )


def crps(draws: Floats, actual: Floats) -> Floats:
    """Continuous ranked probability score of a sample, in the unit of the outcome; less is better.

    `mean |X - y| - mean |X - X'| / 2` over the draws (Gneiting and Raftery 2007), the second mean
    from the sorted draws (Jordan, Krueger and Lerch 2019).

    Args:
        draws: of the predictive distribution, `(draws, observations)`.
        actual: what came, `(observations,)`.

    Returns:
        Shape `(observations,)`; NaN where a draw or the actual value is.

    Raises:
        ValueError: where the shapes do not agree.
    """
    if draws.ndim != 2 or actual.shape != draws.shape[1:]:
        raise ValueError(
            f"draws must be (draws, observations) and actual (observations,), not {draws.shape} "
            f"and {actual.shape}"
        )
    count = len(draws)
    # In the sum of |X - X'| over pairs, a draw counts once for each draw below it, and minus once
    # for each above.
    rank = (2.0 * np.arange(1, count + 1) - count - 1)[:, None]

    def score(draws: Floats, actual: Floats) -> Floats:
        error = draws - actual
        half_spread = (rank * np.sort(error, axis=0)).sum(axis=0) / count**2
        return np.abs(error).mean(axis=0) - half_spread

    return _by_blocks(score, draws, actual)


def elpd_difference(pointwise_a: Floats, pointwise_b: Floats) -> tuple[float, float]:
    """How much better `a` predicts than `b`, and the standard error of that difference.

    The error is of the paired differences: models of the same observations err together, so the
    difference is known much better than either score (Vehtari, Gelman and Gabry 2017).
    Observations count as independent.

    Args:
        pointwise_a: score of each observation by one model, `(observations,)`.
        pointwise_b: of the same observations by the other.

    Raises:
        ValueError: where the shapes differ, there are fewer than 2 observations, or a score is not
            finite.
    """
    if pointwise_a.shape != pointwise_b.shape:
        raise ValueError(
            f"not the same observations: {pointwise_a.shape} and {pointwise_b.shape} scores"
        )
    scores = np.stack([pointwise_a, pointwise_b])
    if scores.shape[1] < 2 or not np.isfinite(scores).all():
        raise ValueError("scores must be finite and of at least 2 observations")
    difference = pointwise_a - pointwise_b
    return float(difference.sum()), _standard_error(difference)


def simplest_within_one_se(by_origin: Mapping[int, Floats]) -> int:
    """The smallest number of components that predicts about as well as the best.

    The smallest whose difference to the best total is within one standard error: the rule of
    Breiman et al. 1984, with the error of the paired difference (`elpd_difference`). An observation
    is the total after one origin, not a week: all weeks and series after an origin share the errors
    of its fit, and weeks next to each other their own. Few origins know their spread badly, so the
    error is as many times as wide as Student's t with their degrees of freedom needs to hold
    what a Normal holds within one.

    Args:
        by_origin: total score after each of the same origins, `(origins,)`, by number of
            components.

    Raises:
        ValueError: as `elpd_difference`, or where there is nothing to choose from.
    """
    if not by_origin:
        raise ValueError("no scores to choose from")
    best = max(sorted(by_origin), key=lambda components: float(by_origin[components].sum()))
    widened = float(stats.t.ppf(stats.norm.cdf(1.0), len(by_origin[best]) - 1))

    def is_as_good(components: int) -> bool:
        difference, se = elpd_difference(by_origin[best], by_origin[components])
        return difference <= widened * se

    # All are compared before one is chosen, so that a score that is NaN is refused wherever it is.
    return min([components for components in by_origin if is_as_good(components)])


def _require_log_likelihood(log_likelihood: Floats) -> None:
    draws, observations = log_likelihood.shape
    if draws < MIN_DRAWS or observations < 2:
        raise ValueError(
            f"needs at least {MIN_DRAWS} draws of 2 observations, not {draws} of {observations}"
        )
    broken = np.flatnonzero(~np.isfinite(log_likelihood).all(axis=0))
    if broken.size:
        raise ValueError(
            f"the log-likelihood of {broken.size} observations is not finite in some draw, first "
            f"that of observation {broken[0]}; leave out weeks without an outcome"
        )


def _leave_one_out(log_likelihood: Floats) -> tuple[float, float]:
    """Score and Pareto k of one observation, from its log-likelihood by draw."""
    try:
        # A tail of ties, such as a chain that never moved leaves, fits no Pareto distribution.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            elpd, pareto_k, _ = array_stats.loo(log_likelihood, chain_axis=None)
    except ValueError:
        elpd = pareto_k = np.nan
    if np.isfinite(elpd) and np.isfinite(pareto_k):
        return float(elpd), float(pareto_k)
    # The unsmoothed weights, 1 / likelihood.
    return -float(_log_mean_exp(-log_likelihood)), np.inf


def _log_mean_exp(values: Floats) -> Floats:
    return np.logaddexp.reduce(values, axis=0) - np.log(len(values))


def _by_blocks(statistic: Callable[..., Floats], *arrays: Floats) -> Floats:
    """A statistic of each observation, with memory for a block of them at a time.

    Observations are the last axis of all arrays.
    """
    observations = arrays[0].shape[-1]
    blocks = [slice(first, first + BLOCK) for first in range(0, observations, BLOCK)]
    return np.concatenate([statistic(*(array[..., block] for array in arrays)) for block in blocks])


def _standard_error(pointwise: Floats) -> float:
    """Of the sum of the scores of independent observations."""
    return float(np.sqrt(pointwise.size * pointwise.var(ddof=1)))
