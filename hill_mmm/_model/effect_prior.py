"""The prior on the media's log effects, as a density: what the amplitude priors stand for."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import norm

from hill_mmm._model.priors import SHARED_EFFECT
from hill_mmm._model.scales import Scales
from hill_mmm._model.worth import mean_unit_value
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import ModelSpec


class EffectPrior(NamedTuple):
    """A joint Normal of the media's log effects: logarithms of their ROI or share of the outcome.

    It is of the site `log_effect`. In a panel that is what is common to the series.

    Attributes:
        unit: log of the mean weekly effect that a ROI of 1, or the whole outcome, is worth, on the
            scaled outcome, `(series, media)`.
        loc: location, `(media,)`.
        covariance: of the media, `(media, media)`.
    """

    unit: Floats
    loc: Floats
    covariance: Floats

    @property
    def factor(self) -> Floats:
        """Cholesky factor of the covariance."""
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=np.float64)

    @property
    def sd(self) -> Floats:
        """Standard deviation of each log effect, `(media,)`."""
        return np.sqrt(np.diag(self.covariance))

    def log_density(self, log_effect: Floats) -> Floats:
        """Joint log density of draws `(draws, media)`, `(draws,)`."""
        factor = self.factor
        whitened = solve_triangular(factor, (log_effect - self.loc).T, lower=True)
        return norm.logpdf(whitened).sum(axis=0) - np.log(np.diag(factor)).sum()

    def log_density_of_each(self, log_effect: Floats) -> Floats:
        """Log density of each medium's own, whatever the others are, `(draws, media)`."""
        return norm.logpdf(log_effect, self.loc, self.sd)

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
    """The prior on ROI or contribution share; not defined under the seed's amplitudes.

    Paid channels without a prior of their own are correlated by `SHARED_EFFECT`.
    """
    paid = len(panel.channels)
    priors = [
        spec.channel_prior(name, is_paid=medium < paid)
        for medium, name in enumerate(panel.media_names)
    ]
    observed = panel.observed[:, :, None]
    # A ROI is in money, the outcome perhaps in units.
    worth = scales.outcome * mean_unit_value(panel, spec)
    spend_per_week = np.mean(panel.media, axis=0, where=observed) / worth[:, None]
    through_roi = np.array([prior.kind == "roi" for prior in priors])
    with_spend = np.where(through_roi & (spend_per_week > 0), spend_per_week, 1.0)
    sd = np.array([prior.sd_log for prior in priors])
    is_default = np.array(
        [
            medium < paid and name not in spec.channel_priors
            for medium, name in enumerate(panel.media_names)
        ]
    )
    correlation = np.where(np.outer(is_default, is_default), SHARED_EFFECT, 0.0)
    np.fill_diagonal(correlation, 1.0)
    return EffectPrior(
        unit=np.log(with_spend),
        loc=np.log([prior.median for prior in priors]),
        covariance=correlation * np.outer(sd, sd),
    )
