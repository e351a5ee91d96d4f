"""Pareto-smoothed importance weights of the draws (Vehtari et al. 2024)."""

from typing import NamedTuple

import numpy as np

from hill_mmm._arviz import array_stats
from hill_mmm.panel import Floats

# Above it, the posterior that the weights speak of is too far from the draws to be had by weights.
MAX_PARETO_K = 0.7


class Weights(NamedTuple):
    """Weights of the draws, which sum to 1.

    Attributes:
        weight: `(draws,)`.
        pareto_k: of their tail; over `MAX_PARETO_K` they say nothing. Infinite if none can be had.
    """

    weight: Floats
    pareto_k: float


def smoothed_weights(log_ratio: Floats) -> Weights:
    """Weights in proportion to `exp(log_ratio)`, `(draws,)`, their tail smoothed.

    Equal ones, such as of a medium that a panel has nothing of, need no smoothing.
    """
    if np.ptp(log_ratio) == 0.0:
        return Weights(np.full(len(log_ratio), 1.0 / len(log_ratio)), 0.0)
    try:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            log_weight, pareto_k = array_stats.psislw(-log_ratio)
    except ValueError:
        # A tail of ties, such as a chain that never moved leaves, fits no Pareto distribution.
        log_weight, pareto_k = log_ratio, np.inf
    if not np.isfinite(log_weight).all() or not np.isfinite(pareto_k):
        log_weight, pareto_k = log_ratio, np.inf
    weight = np.exp(log_weight - log_weight.max())
    return Weights(weight / weight.sum(), float(pareto_k))
