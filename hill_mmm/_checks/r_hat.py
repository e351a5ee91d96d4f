"""How large an R-hat may be by chance alone."""

import numpy as np
from scipy import stats

from hill_mmm._arviz import array_stats
from hill_mmm.panel import Floats

# Share of right samplers whose largest R-hat, of all that is judged, exceeds its limit.
FALSE_ALARMS = 0.02
# R-hat is the larger of two: of the ranks, and of the ranks of the distance from the median.
KINDS = 2
# What the estimate of the ESS costs, which reaches over three times as many lags as one effective
# draw takes: every half-chain loses 3 effective draws to its own mean and 1 to its variance, and
# the estimate scatters as a variance of a third as many degrees of freedom does.
LOST_DRAWS = 4.0
DRAWS_A_DEGREE = 3.0


def ess_within_chains(draws: Floats) -> Floats:
    """Effective sample size of draws whose half-chains are each taken from their own mean.

    The usual ESS falls where chains disagree, and a limit that rests on it would excuse them.

    Args:
        draws: `(chains, draws, quantities)`.

    Returns:
        The lesser one of a quantity's ranks and its ranked distances from the median; NaN where
        R-hat is undefined too.
    """
    half = draws.shape[1] // 2
    if half < 2:
        return np.full(draws.shape[2], np.nan)
    distance = np.abs(draws - np.median(draws, axis=(0, 1)))
    return np.minimum(_ess_of_halves(draws, half), _ess_of_halves(distance, half))


def r_hat_by_chance(ess: Floats, chains: int, draws: int, quantities: int) -> Floats:
    """The R-hat that a right sampler of this ESS exceeds, in any quantity, in 2 % of fits.

    With M half-chains of N draws, R-hat squared is `1 - 1/N + V / W`: V is the variance of their
    means, W the mean of their variances. Chains that agree have `V / W = F / h`, where
    `h = ess / M` is a half-chain's number of effective draws and F follows an F distribution with
    M - 1 degrees of freedom, and those of the estimate of h. Bonferroni's correction is for as many
    R-hats as are judged.

    Args:
        ess: by `ess_within_chains`.
        chains: number of chains.
        draws: of each.
        quantities: number of quantities that are judged together.
    """
    halves, level = 2 * chains, FALSE_ALARMS / (KINDS * quantities)
    between = stats.f.isf(level, halves - 1, ess / DRAWS_A_DEGREE)
    effective = np.maximum(ess / halves - LOST_DRAWS, 1.0)
    return np.sqrt(1.0 - 1.0 / (draws // 2) + between / effective)


def _ess_of_halves(values: Floats, half: int) -> Floats:
    scores = _normal_scores(values)
    split = np.stack([scores[:, :half], scores[:, -half:]], axis=1)
    centred = split - split.mean(axis=2, keepdims=True)
    chains, quantities = len(values), values.shape[2]
    joined = centred.reshape(chains, 2 * half, quantities)
    return np.asarray(array_stats.ess(joined, chain_axis=0, draw_axis=1, method="mean"))


def _normal_scores(values: Floats) -> Floats:
    """What R-hat is made of: ranks of all chains' draws, as Normal quantiles (Blom's)."""
    ranks = stats.rankdata(values.reshape(-1, values.shape[2]), axis=0)
    return stats.norm.ppf((ranks - 0.375) / (len(ranks) + 0.25)).reshape(values.shape)
