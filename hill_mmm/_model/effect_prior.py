"""The prior on the media's log effects, as a density: what the amplitude priors stand for."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import norm

from hill_mmm._model.data import effect_priors
from hill_mmm._model.scales import Scales
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import ModelSpec


class EffectPrior(NamedTuple):
    """A joint Normal of the media's log effects: logarithms of their ROI or share of the outcome.

    It is of the site `log_effect`. In a panel that is what is common to the series.

    Attributes:
        loc: location, `(media,)`.
        covariance: of the media, `(media, media)`.
    """

    loc: Floats
    covariance: Floats

    def log_density(self, log_effect: Floats) -> Floats:
        """Joint log density of draws `(draws, media)`, `(draws,)`."""
        factor = np.linalg.cholesky(self.covariance)
        whitened = solve_triangular(factor, (log_effect - self.loc).T, lower=True)
        return norm.logpdf(whitened).sum(axis=0) - np.log(np.diag(factor)).sum()

    def log_density_of_each(self, log_effect: Floats) -> Floats:
        """Log density of each medium's own, whatever the others are, `(draws, media)`."""
        return norm.logpdf(log_effect, self.loc, np.sqrt(np.diag(self.covariance)))

    def given_the_others(self, log_effect: Floats, medium: int) -> tuple[Floats, float]:
        """Mean, `(draws,)`, and standard deviation of one medium's log effect given the others'.

        Of a joint Normal with precision P: `mean = loc - (P_m,others / P_mm) (x - loc)_others`,
        variance `1 / P_mm`.
        """
        precision = np.linalg.inv(self.covariance)[medium]
        own = precision[medium]
        others = np.where(np.arange(len(self.loc)) == medium, 0.0, precision / own)
        mean = self.loc[medium] - (log_effect - self.loc) @ others
        return mean, float(own**-0.5)


def effect_prior(panel: Panel, spec: ModelSpec, scales: Scales) -> EffectPrior:
    """The model's prior on `log_effect`; not defined under the seed's amplitudes."""
    _, loc, sd = effect_priors(panel, spec, scales)
    return EffectPrior(loc, np.diag(sd**2))
