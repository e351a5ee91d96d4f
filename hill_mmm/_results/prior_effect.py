"""What the priors say of a medium's contribution, before the outcome has been seen."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from hill_mmm._model.effect_prior import effect_prior
from hill_mmm._model.priors import SERIES_SCALE
from hill_mmm._posterior import Posterior
from hill_mmm.panel import Floats

DRAWS = 10_000


class ContributionPrior(NamedTuple):
    """Prior of the logarithm of each medium's contribution over the weeks fitted to.

    A mixture of Normals of one scale. A single series is one Normal; of many, the sum over series
    has another centre in every draw of how they differ.

    Attributes:
        centre: of the Normals, `(draws, media)`; -inf where no series has the medium.
        factor: Cholesky factor of the Normals' covariance, `(media, media)`.
    """

    centre: Floats
    factor: Floats

    @property
    def scale(self) -> Floats:
        """The prior's `sd_log`, `(media,)`."""
        return np.sqrt((self.factor**2).sum(axis=1))

    @property
    def variance(self) -> Floats:
        """Prior variance, `(media,)`; NaN where no series has the medium."""
        with np.errstate(invalid="ignore"):
            return self.scale**2 + self.centre.var(axis=0)

    def probability_below(self, log_contribution: Floats) -> Floats:
        """Prior probability of a smaller contribution, `(media,)`."""
        with np.errstate(invalid="ignore"):
            return norm.cdf((log_contribution - self.centre) / self.scale).mean(axis=0)

    def draws(self, more_sd_log: float = 0.0) -> Floats:
        """Draws of the contributions themselves, `(draws, media)`, always the same.

        Args:
            more_sd_log: uncertainty of the logarithm to add to the prior's own.
        """
        rng = np.random.default_rng(1)
        own, more = rng.standard_normal((2, DRAWS, len(self.factor)))
        return np.exp(self.centre + own @ self.factor.T + more_sd_log * more)


def contribution_prior(posterior: Posterior, series: str) -> ContributionPrior:
    """The prior of one series' contributions, or of their sum over all series.

    It is the model's: `log effect = location + sd_log * z + spread * z_series`, with `spread ~
    SERIES_SCALE` where there are several series (DECISIONS.md). Not defined under the seed's
    amplitudes.

    Args:
        posterior: the fit.
        series: name of the series, or of their sum.
    """
    panel, scales = posterior.panel, posterior.scales
    prior = effect_prior(panel, posterior.spec, scales)
    weeks = panel.observed.sum(axis=0)
    with np.errstate(divide="ignore"):
        is_active = np.log(panel.media.any(axis=0, where=panel.observed[:, :, None]))
    by_series = prior.loc + prior.unit + np.log(scales.outcome * weeks)[:, None] + is_active
    several = len(panel.series) > 1
    if series in panel.series:
        by_series = by_series[[panel.series.index(series)]]
    if not several:
        return ContributionPrior(by_series, prior.factor)
    rng = np.random.default_rng(0)
    between = rng.lognormal(SERIES_SCALE.loc, SERIES_SCALE.scale, (DRAWS, 1))
    deviation = between * rng.standard_normal((DRAWS, len(by_series)))
    centre = [np.logaddexp.reduce(medium + deviation, axis=1) for medium in by_series.T]
    return ContributionPrior(np.stack(centre, axis=1), prior.factor)
