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
from hill_mmm._checks.residuals import REPLICATES, max_t
from hill_mmm._model.design import Design, baseline_design
from hill_mmm._posterior import Posterior
from hill_mmm._results.decompose import Decomposition, decompose
from hill_mmm.panel import Floats, Integers

# Beside the 3.5 % of right models that the tests of the residuals warn of together.
LEAST_P = 0.01
# Weights of the weeks to come: of a demand that lasts for weeks, the next one tells most.
LEAD_WEIGHTS: Floats = np.power(0.5, np.arange(4.0))
# A residual that is all memory leaves nothing over.
MOST_MEMORY = 0.95


class Lead(NamedTuple):
    """Residuals of one series, and the spend of the weeks to come.

    Attributes:
        both: residuals of the outcome and, below them, of pure noise, `(1 + replicates, weeks)`.
        ahead: what the model leaves over of the log spend of the next weeks, `(weeks, media)`.
    """

    both: Floats
    ahead: Floats


def confounding_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdicts on what media may take the credit of.

    `demand_control`: media that capture demand, by their name or `follows_demand`, without a
    control whose role is demand. `spend_follows_demand`: whether the spend of weeks to come tells
    of today's residual.

    Args:
        posterior: the fit.
    """
    names = posterior.panel.media_names
    return [_demand_control(posterior), spend_follows_demand(leads(posterior), names)]


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
    panel = posterior.panel
    design = baseline_design(panel, posterior.spec, posterior.scales)
    rng = np.random.default_rng(posterior.sampler.seed)
    found: list[Lead] = []
    for series, part in enumerate(decompose(posterior)):
        start = int(panel.starts[series])
        known = np.flatnonzero(np.isfinite(part.outcome))
        ahead = spend_ahead(panel.media[start:, series])[known]
        columns = _followed(part, design, series, start + known, known)
        found.append(lead_of(part.outcome[known], columns, ahead, rng))
    return found


def _followed(
    part: Decomposition, design: Design, series: int, rows: Integers, known: Integers
) -> Floats:
    """What the model can follow in known weeks, linearised: baseline and media, `(weeks, columns)`.

    Of each medium its mean contribution and the direction in which its draws differ most. Columns
    with a learned scale, which is small as a rule, would take more than they do in the fit: the
    season as fitted stands for its harmonics, and nothing for the steps of a walk, which follows
    whatever lasts, demand too.
    """
    matrix = np.concatenate([design.signed, design.matrix], axis=2)[rows, series]
    found = [matrix[:, : matrix.shape[1] - design.n_learned]]
    found += [
        part.baseline[:, known, position].mean(axis=0)[:, None]
        for position, (kind, _) in enumerate(part.baseline_parts)
        if kind == "seasonality"
    ]
    for medium in np.moveaxis(part.media[:, known], 2, 0):
        _, direction = np.linalg.eigh(np.cov(medium, rowvar=False))
        found += [medium.mean(axis=0)[:, None], direction[:, -1:]]
    return np.concatenate(found, axis=1)


def lead_of(outcome: Floats, columns: Floats, ahead: Floats, rng: np.random.Generator) -> Lead:
    """Both as least squares on the columns leaves them, and what it leaves of white noise."""
    length = np.linalg.norm(columns, axis=0)
    basis, size, _ = np.linalg.svd(columns / np.where(length > 0, length, 1.0), full_matrices=False)
    basis = basis[:, size > 1e-6]
    noise = rng.normal(size=(REPLICATES, len(outcome)))
    rows = np.vstack([outcome, noise])
    left = rows - rows @ basis @ basis.T
    left[0] /= np.sqrt(left[0] @ left[0] / max(len(outcome) - basis.shape[1], 1))
    return Lead(left, ahead - basis @ (basis.T @ ahead))


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


def spend_follows_demand(found: Sequence[Lead], names: Sequence[str]) -> Check:
    """Advisory verdict on the correlation of residuals with the spend of weeks to come.

    The value is the p of the worst medium, corrected for their number by the distribution of the
    worst one's correlation in pure noise (see `max_t`).

    Args:
        found: of every series.
        names: of the media.
    """
    correlation = lead_correlation(found)
    p, worst = max_t(np.abs(correlation).T)
    value, limit = correlation[0, worst], np.quantile(np.abs(correlation[1:, worst]), 0.95)
    way = "above" if value > 0 else "below"
    return at_least(
        "spend_follows_demand",
        p,
        LEAST_P,
        "Correlation of a week's residual with the spend of the next weeks, which cannot have "
        f"caused it: {value:.3g} for {names[worst]}, most of {len(names)} media; of pure noise, "
        f"95 % stay within {limit:.3g}. The value is the chance of so much by noise alone. Where "
        f"it is small, sales are {way} what media and controls explain before the spend of "
        f"{names[worst]} rises: its budget follows something that is not in the model, and its "
        "ROI counts that as its effect. Add the control that both follow (demand, with role: "
        "demand; price, promotions, a season), or run a lift test: a ROI is causal only if "
        "budgets do not follow what is not in the model.",
        blocking=False,
    )


def lead_correlation(found: Sequence[Lead]) -> Floats:
    """Correlation of the residuals with the media of weeks to come, `(1 + replicates, media)`.

    Of what the week before says of neither: residuals that last would go along with any spend that
    lasts. It is partial, given all that is in the model, and over all series.
    """
    product, of_residuals, of_leads = 0.0, 0.0, 0.0
    for both, ahead in found:
        memory = (both[:, 1:] * both[:, :-1]).sum(axis=1) / (both**2).sum(axis=1)
        memory = np.clip(memory, -MOST_MEMORY, MOST_MEMORY)[:, None]
        news = both[:, 1:] - memory * both[:, :-1]
        now, before = ahead[1:], ahead[:-1]
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
