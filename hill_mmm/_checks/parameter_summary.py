"""Posterior and convergence of every quantity, those that are published among them."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from hill_mmm._arviz import array_stats
from hill_mmm._checks.r_hat import ess_within_chains, r_hat_by_chance
from hill_mmm._model.adstock import PARAMETERS
from hill_mmm._model.design import baseline_design
from hill_mmm._model.moving import told_weeks
from hill_mmm._posterior import Posterior
from hill_mmm._results.components import (
    component_effect,
    effective_components,
    relabel,
    relabelling,
)
from hill_mmm._results.decompose import Decomposition, with_total
from hill_mmm._results.response import response_points, total_response
from hill_mmm.panel import ALL_SERIES, Floats

# Where the response curves' convergence is judged, in units of the mean weekly spend.
JUDGED_MULTIPLIERS: Floats = np.array([0.05, 0.25, 0.5, 1.0, 1.5, 2.0])
TAIL = (0.05, 0.95)


def parameter_summary(posterior: Posterior) -> pd.DataFrame:
    """Posterior and convergence of every quantity, one row a quantity and index.

    `is_judged` marks the label-invariant ones, on which the gate judges. The others are the
    mixture's own, relabelled in each draw by their total effect at reference spend: their R-hat
    is for information, as labels may still switch where components overlap. `r_hat_by_chance` is
    what the R-hat of a judged one may be by chance alone (see `_checks.r_hat`).
    """
    quantities = list(_judged_quantities(posterior))
    judged = pd.concat([_summarise(*quantity) for quantity in quantities])
    ess = np.concatenate([ess_within_chains(draws) for _, _, draws in quantities])
    chains, draws = posterior.draws["weights"].shape[:2]
    judged["r_hat_by_chance"] = r_hat_by_chance(ess, chains, draws, len(judged))
    own = pd.concat([_summarise(*quantity) for quantity in _component_quantities(posterior)])
    frames = [judged.assign(is_judged=True), own.assign(is_judged=False)]
    return pd.concat(frames, ignore_index=True)


# Weeks between those at which a random walk of the level is judged.
HALF_YEAR = 26
# A parameter's name, the index of each of its draws' columns, and `(chains, draws, columns)`.
Quantity = tuple[str, list[str], Floats]


def _judged_quantities(posterior: Posterior) -> Iterator[Quantity]:
    panel, draws, several = posterior.panel, posterior.draws, len(posterior.panel.series) > 1
    log_likelihood = np.zeros(draws["weights"].shape[:2])
    for part in with_total(posterior):
        if part.series == ALL_SERIES and several:
            yield from _media_quantities(posterior, part)
        else:
            yield from _media_quantities(posterior, part, prefix=several)
            log_likelihood += posterior.by_chain(part.log_likelihood.sum(axis=1))
    yield "log_likelihood", [""], log_likelihood[:, :, None]
    sigma_index = list(panel.series) if several else [""]
    yield "sigma", sigma_index, draws["sigma"] * posterior.scales.outcome
    for series, name in enumerate(panel.series):
        prefix = f"{name}." if several else ""
        scale = posterior.scales.outcome[series]
        for parameter, index, values in _baseline_quantities(posterior, series):
            yield parameter, [f"{prefix}{label}" for label in index], values * scale
    if "baseline_scale" in draws:
        yield "baseline_scale", list(posterior.spec.learned_scales), draws["baseline_scale"]
    if "signed_coefficients" in draws:
        names = [name for name in panel.control_names if name in posterior.spec.control_signs]
        yield "signed_coefficient", names, draws["signed_coefficients"]
    yield from _curve_quantities(posterior)


def _media_quantities(
    posterior: Posterior, part: Decomposition, *, prefix: bool = False
) -> Iterator[Quantity]:
    """Contribution and marginal contribution a week; ROI and mROI are these over the spend."""
    contribution, gain = part.media.mean(axis=1), part.media_gain.mean(axis=1)
    active = np.flatnonzero(contribution.any(axis=0))
    # A control region may have no media at all.
    if not active.size:
        return
    names = [part.media_names[medium] for medium in active]
    index = [f"{part.series}.{name}" for name in names] if prefix else names
    yield "contribution", index, posterior.by_chain(contribution[:, active])
    yield "marginal_contribution", index, posterior.by_chain(gain[:, active])


def _baseline_quantities(posterior: Posterior, series: int) -> Iterator[Quantity]:
    """The baseline's coefficients and, for the many steps of a random walk, where it has got to."""
    design = baseline_design(posterior.panel, posterior.spec, posterior.scales)
    coefficients = posterior.draws["coefficients"][:, :, series]
    steps = design.learned.get("trend", 0)
    shown = len(design.parts) - steps
    labels = _column_labels(design.parts[:shown])
    yield "coefficient", labels, coefficients[:, :, :shown]
    if steps:
        rows = np.arange(len(posterior.panel) - 1, int(posterior.panel.starts[series]), -HALF_YEAR)
        weeks = [str(posterior.panel.weeks[row]) for row in rows[::-1]]
        yield (
            "walk",
            weeks,
            coefficients[:, :, shown:] @ design.matrix[rows[::-1], series, shown:].T,
        )


def _column_labels(parts: Sequence[tuple[str, str]]) -> list[str]:
    """One label a baseline column; parts with several columns are numbered."""
    labels = [
        component if component_type == component else f"{component_type}.{component}"
        for component_type, component in parts
    ]
    return [
        f"{label}.{column}" if labels.count(label) > 1 else label
        for column, label in enumerate(labels)
    ]


def _curve_quantities(posterior: Posterior) -> Iterator[Quantity]:
    """Adstock, and the response curves, of all series together where there are several."""
    panel, draws = posterior.panel, posterior.draws
    for column, parameter in enumerate(PARAMETERS[posterior.spec.adstock]):
        yield parameter, list(panel.media_names), draws["adstock"][:, :, :, column]
    yield from _multipliers(posterior)
    points = total_response(
        response_points(posterior, series, JUDGED_MULTIPLIERS, "steady_state")
        for series in range(len(panel.series))
    )
    response, slope = posterior.by_chain(points.contribution), posterior.by_chain(points.marginal)
    for channel, name in enumerate(panel.channels):
        index = [f"{name}@{multiplier:g}" for multiplier in JUDGED_MULTIPLIERS]
        yield "response", index, response[:, :, :, channel]
        yield "response_mroi", index, slope[:, :, :, channel]


def _multipliers(posterior: Posterior) -> Iterator[Quantity]:
    """Of each effect that moves, at its knots and in the last week fitted to."""
    panel = posterior.panel
    at = posterior.knot_weights(len(panel))
    if at is None:
        return
    told = told_weeks(panel, posterior.scales)
    by_week = np.exp(np.asarray(at)[told] @ posterior.draws["log_multiplier"])
    for medium, name in enumerate(panel.media_names):
        if name in posterior.spec.moving_effects:
            index = [f"{name}@{week}" for week in panel.weeks[told]]
            yield "effect_multiplier", index, by_week[:, :, :, medium]


def _component_quantities(posterior: Posterior) -> Iterator[Quantity]:
    panel, scales, draws = posterior.panel, posterior.scales, posterior.draws
    order = relabelling(component_effect(posterior))
    components = [str(component) for component in range(posterior.spec.components)]
    if len(components) > 1:
        yield "weight", components, relabel(draws["weights"], order)
        effective = effective_components(draws["weights"])
        both = np.stack([effective.inverse_herfindahl, effective.exp_entropy], axis=2)
        yield "effective_components", ["inverse_herfindahl", "exp_entropy"], both
    half_saturation, slope = (relabel(draws[name], order) for name in ("half_saturation", "slope"))
    amplitude = relabel(draws["amplitude"], order)
    for medium, name in enumerate(panel.media_names):
        index = [f"{name}.{component}" for component in components]
        yield "slope", index, slope[:, :, medium]
        # In the unit of an average series: k is shared on the scale of each.
        unit = scales.spend[:, medium].mean()
        yield "half_saturation", index, half_saturation[:, :, medium] * unit
        summed = np.einsum("cdgk,g->cdk", amplitude[:, :, :, medium], scales.outcome)
        yield "amplitude", index, summed


def _summarise(parameter: str, index: list[str], draws: Floats) -> pd.DataFrame:
    axes = {"chain_axis": 0, "draw_axis": 1}
    q05, q50, q95 = np.quantile(draws, [0.05, 0.5, 0.95], axis=(0, 1))
    # Draws that never moved give 0 / 0: an undefined R-hat, which the gate refuses.
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "parameter": parameter,
                "index": index,
                "mean": draws.mean(axis=(0, 1)),
                "sd": draws.reshape(-1, len(index)).std(axis=0, ddof=1),
                "q05": q05,
                "q50": q50,
                "q95": q95,
                "r_hat": array_stats.rhat(draws, **axes),
                "ess_bulk": array_stats.ess(draws, **axes, method="bulk"),
                "ess_tail": array_stats.ess(draws, **axes, method="tail", prob=TAIL),
                "mcse_mean": array_stats.mcse(draws, **axes, method="mean"),
            }
        )
