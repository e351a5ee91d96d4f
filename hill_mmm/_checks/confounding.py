"""Advisory verdicts on confounding: do budgets follow what moves sales and is not in the model?

Demand that no control measures moves sales and budgets together, and the channel takes its credit.
Residuals do not go along with the spend of their own week, for the fit has made them so. The spend
of later weeks cannot have brought today's sales; but if it follows a demand that lasts for weeks,
today's residual tells of it. That is the test of strict exogeneity by a lead (Wooldridge 2010,
Econometric Analysis of Cross Section and Panel Data, section 10.7.1).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hill_mmm._checks.gate import Check, at_least, at_most
from hill_mmm._checks.residuals import Residuals, max_t, residuals
from hill_mmm._posterior import Posterior
from hill_mmm._results.decompose import decompose
from hill_mmm.panel import Floats

# Beside the 3.5 % of right models that the tests of the residuals warn of together.
LEAST_P = 0.01
# Weights of the weeks to come: of a demand that lasts for weeks, the next one tells most.
LEAD_WEIGHTS: Floats = np.power(0.5, np.arange(4.0))
# A residual that is all memory leaves nothing over.
MOST_MEMORY = 0.95


class Lead(NamedTuple):
    """The spend of the weeks to come beside the residuals of one series.

    Attributes:
        residuals: of the series.
        media: log spend of the next weeks about its mean, `(weeks, media)`.
    """

    residuals: Residuals
    media: Floats


def confounding_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdicts on what media may take the credit of.

    `demand_control`: media that capture demand, by their name or `follows_demand`, without a
    control whose role is demand. `spend_follows_demand`: whether the spend of weeks to come tells
    of today's residual.

    Args:
        posterior: the fit.
    """
    return [_demand_control(posterior), spend_follows_demand(leads(posterior))]


def _demand_control(posterior: Posterior) -> Check:
    spec = posterior.spec
    names = [name for name in posterior.panel.media_names if spec.medium_follows_demand(name)]
    bare = [] if "demand" in spec.control_roles.values() else names
    return at_most(
        "demand_control",
        float(len(bare)),
        0.0,
        f"Media that capture demand, without a control for it ({', '.join(bare) or 'none'}): their "
        "spend rises because more people look for the product, and the model counts those sales as "
        "their effect. Add an index of searches for the category, or another measure of demand "
        "that media do not move, as a control with role: demand, or run a lift test; set "
        "follows_demand: false for a medium whose budget does not follow demand.",
        blocking=False,
    )


def leads(posterior: Posterior) -> list[Lead]:
    """The residuals of every series, and the spend that follows them."""
    panel, found = posterior.panel, list[Lead]()
    for part in decompose(posterior):
        of_series = residuals(posterior, part)
        series = panel.series.index(part.series)
        ahead = spend_ahead(panel.media[int(panel.starts[series]) :, series])
        found.append(Lead(of_series, ahead[np.isin(part.weeks, of_series.weeks)]))
    return found


def spend_ahead(media: Floats) -> Floats:
    """Weighted sum of the log spend in the next weeks, about its mean, `(weeks, media)`.

    What comes after the last week known counts as usual. The logarithm is of 1 + spend over its
    mean in weeks with any: pauses are weeks too.
    """
    usual = media.sum(axis=0) / np.maximum(np.count_nonzero(media, axis=0), 1)
    log = np.log1p(media / np.where(usual > 0, usual, 1.0))
    padded = np.pad(log - log.mean(axis=0), ((0, len(LEAD_WEIGHTS)), (0, 0)))
    later = np.lib.stride_tricks.sliding_window_view(padded[1:], len(LEAD_WEIGHTS), axis=0)
    return later @ LEAD_WEIGHTS


def spend_follows_demand(found: Sequence[Lead]) -> Check:
    """Advisory verdict on the correlation of residuals with the spend of weeks to come.

    The value is the p of the worst medium, corrected for their number by the distribution of the
    worst one's correlation in outcomes from the model itself, as in `residual_checks`.
    """
    correlation = lead_correlation(found)
    p, worst = max_t(np.abs(correlation).T)
    name = found[0].residuals.media_names[worst]
    value, limit = correlation[0, worst], np.quantile(np.abs(correlation[1:, worst]), 0.95)
    way = "above" if value > 0 else "below"
    return at_least(
        "spend_follows_demand",
        p,
        LEAST_P,
        "Correlation of a week's residual with the spend of the next weeks, which cannot have "
        f"caused it: {value:.3g} for {name}, most of {len(found[0].residuals.media_names)} media; "
        f"of the model's own noise, 95 % stay within {limit:.3g}. The value is the chance of so "
        f"much by noise alone. Where it is small, sales are {way} what the model expects before "
        f"the spend of {name} rises: its budget follows something that is not in the model, and "
        "its ROI counts that as its effect. Add the control that both follow (demand, with role: "
        "demand; price, promotions, a season), or run a lift test: a ROI is causal only if "
        "budgets do not follow what is not in the model.",
        blocking=False,
    )


def lead_correlation(found: Sequence[Lead]) -> Floats:
    """Correlation of the residuals with the media of weeks to come, `(1 + replicates, media)`.

    Of what the week before says of neither: residuals that last would go along with any spend that
    lasts. It is partial, given all that is in the model, because a refit would take that out of
    the spend to come; and over all series.
    """
    product, of_residuals, of_leads = 0.0, 0.0, 0.0
    for series, lead in found:
        both = series.both
        memory = (both[:, 1:] * both[:, :-1]).sum(axis=1) / (both**2).sum(axis=1)
        memory = np.clip(memory, -MOST_MEMORY, MOST_MEMORY)[:, None]
        left = series.refit @ lead
        news = both[:, 1:] - memory * both[:, :-1]
        now, before = left[1:], left[:-1]
        product += news @ now - memory * (news @ before)
        of_residuals += (news**2).sum(axis=1, keepdims=True)
        of_leads += (
            (now**2).sum(axis=0)
            - 2.0 * memory * (now * before).sum(axis=0)
            + memory**2 * (before**2).sum(axis=0)
        )
    length = np.sqrt(np.maximum(of_residuals * of_leads, 0.0))
    # Spend that never changes, or does only as the model's baseline does, says nothing.
    return np.divide(product, length, out=np.zeros_like(length), where=~(length <= 1e-9))
