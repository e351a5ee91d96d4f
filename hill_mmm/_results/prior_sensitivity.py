"""What the returns would read if the amplitude priors were trusted more, or less.

Power scaling (Kallioinen et al. 2024): a prior to the power of `alpha` is one that is trusted so
many times as much. Of a LogNormal it is the LogNormal with `sd_log / sqrt(alpha)`. The posterior
under it is that of the fit with its draws weighted by `prior ** (alpha - 1)`: nothing is fitted.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from hill_mmm._model.effect_prior import effect_prior
from hill_mmm._posterior import Posterior, flatten
from hill_mmm._results.decompose import Decomposition
from hill_mmm._results.importance import MAX_PARETO_K, Weights, smoothed_weights
from hill_mmm.panel import Floats, Integers

# How many times as much a prior is trusted.
TRUST: Mapping[str, float] = {"half": 0.5, "double": 2.0}
# All media, as the priors that are scaled and as what is brought.
ALL_MEDIA = "all media"


class Quantity(NamedTuple):
    """A published figure over all weeks, by draw.

    Attributes:
        channel: whose it is, or `ALL_MEDIA`.
        metric: `roi`, `mroi` or `contribution`.
        draws: `(draws,)`.
    """

    channel: str
    metric: str
    draws: Floats


def prior_sensitivity(
    posterior: Posterior, part: Decomposition, returns: Mapping[str, Floats], ci_level: float
) -> pd.DataFrame:
    """Returns over all weeks and series, with the amplitude priors trusted half or twice as much.

    The priors of all media together (`prior_of` is `ALL_MEDIA`) bear on every figure. That of one
    medium by itself is shown for its own figures, and for what all media bring. A medium without a
    ROI is shown by its contribution. `shift_sd` is the move of the mean in standard deviations of
    the posterior. If the Pareto k of the weights is over 0.7, the posterior under the other prior
    is too far away to be had from these draws: the figures are NaN. There are no rows under the
    seed's amplitudes, or of a fit whose version did not record what the priors speak of.

    Args:
        posterior: the fit.
        part: all its weeks, of its only series or of the sum of all.
        returns: `roi` and `mroi` over all weeks, `(draws, media)`; NaN where there is none.
        ci_level: of the intervals.
    """
    figures = list(_figures(part, returns))
    rows = [
        _row(figure, weights, ci_level) | {"prior_of": prior_of, "trust": trust}
        for prior_of, trust, weights in _scaled_priors(posterior)
        for figure in figures
        if prior_of == ALL_MEDIA or figure.channel in (prior_of, ALL_MEDIA)
    ]
    columns = ["prior_of", "trust", *_row(figures[0], None, ci_level)]
    return pd.DataFrame(rows, columns=columns)


def _figures(part: Decomposition, returns: Mapping[str, Floats]) -> Iterator[Quantity]:
    contribution = part.media[:, : part.n_fitted].sum(axis=1)
    yield Quantity(ALL_MEDIA, "contribution", contribution.sum(axis=1))
    for medium, name in enumerate(part.media_names):
        if not contribution[:, medium].any():
            continue
        known = {
            metric: draws[:, medium]
            for metric, draws in returns.items()
            if np.isfinite(draws[:, medium]).all()
        }
        for metric, draws in (known or {"contribution": contribution[:, medium]}).items():
            yield Quantity(name, metric, draws)


def means_by_trust(posterior: Posterior, chosen: Integers, draws: Floats) -> dict[str, float]:
    """Mean of a figure with the amplitude priors of all media trusted half or twice as much.

    NaN where `prior_sensitivity` has no figures.

    Args:
        posterior: the fit.
        chosen: indices of the draws that the figure is known of.
        draws: the figure, by chosen draw.

    Returns:
        By `half` and `double`.
    """
    found = dict.fromkeys(TRUST, np.nan)
    for prior_of, trust, weights in _scaled_priors(posterior, chosen):
        if prior_of == ALL_MEDIA and weights.pareto_k <= MAX_PARETO_K:
            found[trust] = float(weights.weight @ draws)
    return found


def _scaled_priors(
    posterior: Posterior, chosen: Integers | slice = slice(None)
) -> Iterator[tuple[str, str, Weights]]:
    """Whose prior is scaled, by how much in words, and the weights of the draws under it."""
    if posterior.spec.amplitude_prior == "seed" or "log_effect" not in posterior.draws:
        return
    prior = effect_prior(posterior.panel, posterior.spec, posterior.scales)
    log_effect = flatten(posterior.draws["log_effect"])[chosen]
    densities = {ALL_MEDIA: prior.log_density(log_effect)}
    of_each = prior.log_density_of_each(log_effect)
    densities |= dict(zip(posterior.panel.media_names, of_each.T, strict=True))
    for name, density in densities.items():
        for trust, power in TRUST.items():
            yield name, trust, smoothed_weights((power - 1.0) * density)


def _row(figure: Quantity, weights: Weights | None, ci_level: float) -> dict[str, object]:
    """One figure as it is and under another prior; without weights, for the columns alone."""
    draws, tail = figure.draws, (1.0 - ci_level) / 2.0
    mean, sd = float(draws.mean()), float(draws.std())
    weight, pareto_k = weights or (np.empty(0), np.inf)
    scaled_mean = low = high = np.nan
    if pareto_k <= MAX_PARETO_K:
        scaled_mean = float(weight @ draws)
        low, high = np.quantile(draws, [tail, 1 - tail], weights=weight, method="inverted_cdf")
    return {
        "channel": figure.channel,
        "metric": figure.metric,
        "mean": mean,
        "sd": sd,
        "scaled_mean": scaled_mean,
        "scaled_ci_lo": low,
        "scaled_ci_hi": high,
        "shift_sd": (scaled_mean - mean) / sd if sd > 0 else np.nan,
        "pareto_k": pareto_k if np.isfinite(pareto_k) else np.nan,
        "ci_level": ci_level,
    }
