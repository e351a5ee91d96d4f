"""Do the priors and the data speak of the same thing?

The default prior on ROI is of money over money. If the outcome is in orders, or a medium's spend in
thousands, it is a statement about something else: the fit converges all the same, and its returns
lie between the two, or are the prior's.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from hill_mmm._checks.gate import Check, at_least, at_most
from hill_mmm._model.data import pilot_sigma
from hill_mmm._model.design import baseline_design
from hill_mmm._model.scales import reference_adstock
from hill_mmm._posterior import Posterior
from hill_mmm._results.baseline_prior import learned_prior_sd
from hill_mmm._results.decompose import overall_name
from hill_mmm._results.prior_effect import ContributionPrior, contribution_prior
from hill_mmm.panel import Floats

# Of a warning of any medium although every prior is right.
FALSE_ALARM = 0.01
# What all media together may be believed to bring, as a share of the outcome: more than all of it
# is a contradiction, and what is less than a thousandth no weekly outcome could show.
MOST_SHARE = 1.0
LEAST_SHARE = 0.001
# Of the logarithm of a least-squares effect, because its curve is a square root and its carry-over
# a half: in 80 simulated markets it was on average exp(0.26) to exp(0.46) times the truth.
SHAPE_SD_LOG = 0.5
# Precision of a least-squares effect without any prior, for media that are collinear.
NEXT_TO_NONE = 1e-6

_REMEDY = (
    "If the outcome is orders or other units, set outcome.kind: count; bring the outcome and every "
    "channel's spend to the model's currency, none of them in thousands or scaled; or give the "
    "medium a roi_prior or contribution_share_prior of its own."
)


class Tail(NamedTuple):
    """How far out in its prior a medium's effect has been found.

    Attributes:
        probability: prior probability of what is at least as far out.
        found: contribution over all weeks that the fit, or least squares, finds.
        medium: name of the medium, with the series if it is one of several.
        usual: the prior's median of the contribution.
        prior: that median in the prior's own unit, in words.
    """

    probability: float
    found: float
    medium: str
    usual: float
    prior: str


def conflict_checks(posterior: Posterior, channel_summary: pd.DataFrame) -> list[Check]:
    """Advisory verdicts on priors that the data contradict, or that no business could have.

    `prior_conflict`: how far out in its prior a medium's effect is, as the prior probability of
    what is as far out (Box 1980; Evans and Moshonov 2006). Judged are the posterior median, which
    data that speak clearly pull out of a wrong prior, and a least-squares effect without a prior on
    media, which shows what a prior near 0 has kept from the posterior. `prior_media_share`: the
    prior's median of what all media bring, as a share of the outcome. There are none under the
    seed's amplitudes, whose prior is on the amplitude.

    Args:
        posterior: the fit.
        channel_summary: of the fit, by `channel_summary`.
    """
    if posterior.spec.amplitude_prior == "seed":
        return []
    overall = contribution_prior(posterior, overall_name(posterior.panel))
    tails = [*_of_posterior(posterior, channel_summary), *_of_least_squares(posterior, overall)]
    return [_conflict(tails), _media_share(posterior, overall)]


def _conflict(tails: list[Tail]) -> Check:
    # Of so many, one is always a little out.
    threshold = FALSE_ALARM / len(tails)
    out = sorted(tail for tail in tails if tail.probability < threshold)
    worst = {tail.medium: tail for tail in reversed(out)}
    found = "; ".join(
        f"{tail.medium} brings {tail.found / tail.usual:.3g} times its prior's median, {tail.prior}"
        for tail in worst.values()
    )
    return at_least(
        "prior_conflict",
        min(tail.probability for tail in tails),
        threshold,
        "Least prior probability of effects as far from a medium's prior as the one found: "
        f"{found or 'none is far out'}. {_REMEDY}",
        blocking=False,
    )


def _of_posterior(posterior: Posterior, channel_summary: pd.DataFrame) -> list[Tail]:
    """Of the posterior median of each medium, in each series and in their sum; two-sided."""
    rows = channel_summary[channel_summary["period"] == "all"]
    tails: list[Tail] = []
    for series, of_series in rows.groupby("series_key", sort=False):
        prior = contribution_prior(posterior, str(series))
        median = of_series["contribution_median"].to_numpy()
        with np.errstate(divide="ignore"):
            below = prior.probability_below(np.log(median))
        tails += _tails(posterior, prior, str(series), median, 2.0 * np.minimum(below, 1.0 - below))
    return tails


def _of_least_squares(posterior: Posterior, prior: ContributionPrior) -> list[Tail]:
    """Of each medium's least-squares effect, over all series; one-sided.

    Too small an effect says nothing: it is biased towards 0 by a wrong curve.
    """
    effect, error = _least_squares(posterior)
    surprise = (prior.draws(SHAPE_SD_LOG) - effect) / error
    probability = norm.cdf(surprise).mean(axis=0)
    return _tails(posterior, prior, overall_name(posterior.panel), effect, probability)


def _tails(
    posterior: Posterior, prior: ContributionPrior, series: str, found: Floats, probability: Floats
) -> list[Tail]:
    """One of each medium that the series has."""
    panel, spec = posterior.panel, posterior.spec
    usual = np.exp(np.median(prior.centre, axis=0))
    where = "" if series == overall_name(panel) else f" in {series}"
    tails: list[Tail] = []
    for medium, name in enumerate(panel.media_names):
        own = spec.channel_prior(name, is_paid=medium < len(panel.channels))
        unit = "a ROI of {:.3g}" if own.kind == "roi" else "{:.3g} of the outcome"
        tails.append(
            Tail(
                float(probability[medium]),
                float(found[medium]),
                f"{name}{where}",
                float(usual[medium]),
                unit.format(own.median),
            )
        )
    return [tail for tail in tails if tail.usual > 0]


def _least_squares(posterior: Posterior) -> tuple[Floats, Floats]:
    """Each medium's contribution and its standard error, over all weeks and series, `(media,)`.

    Of the baseline's regressors with their priors, and the square root of each medium's adstock
    with next to none; the noise is that of `pilot_sigma`.
    """
    panel, scales = posterior.panel, posterior.scales
    design = baseline_design(panel, posterior.spec, scales)
    outcome = np.nan_to_num(panel.outcome / scales.outcome)
    media = panel.media / scales.spend
    noise = pilot_sigma(design, outcome, media, panel.observed)
    smooth = np.sqrt(reference_adstock(media))
    columns = np.concatenate([design.matrix, design.signed, smooth], axis=2)
    n_media = smooth.shape[2]
    baseline_sd = np.concatenate([learned_prior_sd(posterior, design), design.signed_prior_sd])
    precision = np.append(baseline_sd**-2.0, np.full(n_media, NEXT_TO_NONE))
    mean = np.append(design.prior_mean, np.zeros(len(precision) - len(design.prior_mean)))
    effect, variance = np.zeros(n_media), np.zeros(n_media)
    for series, observed in enumerate(panel.observed.T):
        own = columns[observed, series]
        covariance = np.linalg.inv(own.T @ own / noise[series] ** 2 + np.diag(precision))
        evidence = own.T @ outcome[observed, series] / noise[series] ** 2 + precision * mean
        reach = scales.outcome[series] * smooth[observed, series].sum(axis=0)
        effect += reach * (covariance @ evidence)[-n_media:]
        variance += reach**2 * np.diag(covariance)[-n_media:]
    return effect, np.sqrt(variance)


def _media_share(posterior: Posterior, prior: ContributionPrior) -> Check:
    panel, contribution = posterior.panel, prior.draws()
    share = float(np.median(contribution.sum(axis=1)) / np.nansum(panel.outcome))
    largest = panel.media_names[int(np.median(contribution, axis=0).argmax())]
    compare, threshold = (at_least, LEAST_SHARE) if share < LEAST_SHARE else (at_most, MOST_SHARE)
    return compare(
        "prior_media_share",
        share,
        threshold,
        "What the priors say that all media bring, as a share of the outcome: their median, most "
        f"of it by {largest}. From {LEAST_SHARE:g} to {MOST_SHARE:g} is plausible; beyond it, "
        f"spend and outcome are not in one unit. {_REMEDY}",
        blocking=False,
    )
