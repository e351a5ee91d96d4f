"""What can be said of the components of the mixture, whose labels switch while sampling.

The components are exchangeable, so a label means nothing from one draw to the next. Each draw is
relabelled by the components' total effect at reference spend, smallest first. Arrays have the axes
`(chains, draws, ..., components)`.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hill_mmm._arviz import array_stats
from hill_mmm._model.saturation import hill
from hill_mmm._posterior import Posterior, flatten
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import Floats

Order = NDArray[np.intp]


@dataclass(frozen=True)
class ReportThresholds:
    """When a component's parameters may be shown as a finding.

    Attributes:
        max_r_hat: of its relabelled weight and effect. Wider than the gate's: the components are
            shown, they are not what is published.
        min_separation: from each neighbour, see `separation`. At 2, a draw of the smaller of two
            Normals exceeds an independent draw of the larger with a probability of 8 %.
        min_weight: posterior mean. A component that hardly any week belongs to shows its prior.
    """

    max_r_hat: float = 1.05
    min_separation: float = 2.0
    min_weight: float = 0.05


@dataclass(frozen=True)
class EffectiveComponents:
    """How many components carry weight, draw by draw: 1 where one has it all, K where all share.

    Attributes:
        inverse_herfindahl: `1 / sum(weight**2)`, effective K (docs/seed.md, section 5.2).
        exp_entropy: exponential of the Shannon entropy; counts small components for more.
    """

    inverse_herfindahl: Floats
    exp_entropy: Floats


def relabelling(effect: Floats) -> Order:
    """The order of the components in each draw, smallest effect first.

    Args:
        effect: total effect at reference spend, `(chains, draws, components)`.

    Returns:
        Indices of the same shape, for `relabel`.
    """
    return np.argsort(effect, axis=-1, kind="stable")


def relabel(values: Floats, order: Order) -> Floats:
    """Put the components of each draw in order.

    Args:
        values: `(chains, draws, ..., components)`, with any axes between.
        order: from `relabelling`, `(chains, draws, components)`.

    Raises:
        ValueError: where the axes that both have do not agree.
    """
    if (*values.shape[:2], values.shape[-1]) != order.shape:
        raise ValueError(f"values of shape {values.shape} do not go with an order {order.shape}")
    between = tuple(range(2, values.ndim - 1))
    return np.take_along_axis(values, np.expand_dims(order, between), axis=-1)


def switching_rate(effect: Floats) -> float:
    """Share of the steps from one draw to the next in which the order of the components changes.

    Steps are within chains. Either labels were exchanged or two effects passed each other: the raw
    components cannot tell which, and neither leaves a label that means anything. A low rate does
    not show that labels are the same in all chains.

    Args:
        effect: total effect at reference spend, as sampled, `(chains, draws, components)`, of at
            least two draws.
    """
    order = relabelling(effect)
    return float((order[:, 1:] != order[:, :-1]).any(axis=-1).mean())


def separation(relabelled_effect: Floats) -> Floats:
    """Distance of neighbouring components: difference of medians over pooled standard deviation.

    The pooled standard deviation is the root of the mean of the two variances. Relabelling alone
    sets components apart: two that the data do not tell apart, with Normal effects, are at 1.3.

    Args:
        relabelled_effect: ascending over components, `(chains, draws, components)`.

    Returns:
        Shape `(components - 1,)`; NaN or infinite between components that never move.
    """
    median = np.median(relabelled_effect, axis=(0, 1))
    variance = relabelled_effect.var(axis=(0, 1), ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.diff(median) / np.sqrt((variance[:-1] + variance[1:]) / 2.0)


def is_reportable(
    weights: Floats, effect: Floats, thresholds: ReportThresholds | None = None
) -> NDArray[np.bool_]:
    """Which components may be shown as a finding, smallest effect first.

    Those whose relabelled weight and effect agree over chains, that are apart from both neighbours
    and that carry weight. What is undefined (R-hat of a single chain, or of draws that never moved)
    is not reportable.

    Args:
        weights: of the mixture, `(chains, draws, components)`, in any order of the components.
        effect: total effect at reference spend, in the same order.
        thresholds: what to compare with; the defaults of `ReportThresholds` where None.

    Returns:
        Shape `(components,)`.
    """
    limits = thresholds or ReportThresholds()
    order = relabelling(effect)
    weights, effect = relabel(weights, order), relabel(effect, order)
    converged = _r_hat(effect) <= limits.max_r_hat
    # The weight of a single component is 1 in every draw, which has no R-hat.
    if weights.shape[-1] > 1:
        converged &= _r_hat(weights) <= limits.max_r_hat
    apart = separation(effect) >= limits.min_separation
    from_below, from_above = np.append(True, apart), np.append(apart, True)
    weighty = weights.mean(axis=(0, 1)) >= limits.min_weight
    return converged & from_below & from_above & weighty


def effective_components(weights: Floats) -> EffectiveComponents:
    """The effective number of components in each draw, whatever their labels.

    These are the diversity numbers of order 2 and 1 of Hill 1973.

    Args:
        weights: of the mixture, sum to 1, `(chains, draws, components)`.

    Returns:
        Both counts, each `(chains, draws)`.
    """
    # A component without weight adds nothing to the entropy: its 0 * log 0 is 0.
    log_weights = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return EffectiveComponents(
        inverse_herfindahl=1.0 / (weights**2).sum(axis=-1),
        exp_entropy=np.exp(-(weights * log_weights).sum(axis=-1)),
    )


def component_effect(posterior: Posterior) -> Floats:
    """Total effect of each component at reference spend, scaled, `(chains, draws, components)`.

    Reference spend is each medium's mean over its weeks with spend; the mean over the series.
    """
    draws = posterior.draws
    shape = np.asarray(
        hill(jnp.ones(()), jnp.asarray(draws["half_saturation"]), jnp.asarray(draws["slope"]))
    )
    return (draws["amplitude"].mean(axis=2) * shape).sum(axis=2)


def component(posterior: Posterior, ci_level: float) -> pd.DataFrame:
    """The mixture's components, relabelled in each draw by their total effect at reference spend.

    `is_reportable` says whether a component is a finding (see `is_reportable`); the
    others are shown for completeness. Amplitude and half-saturation are in the outcome's and the
    medium's unit a week.
    """
    panel, scales, draws = posterior.panel, posterior.scales, posterior.draws
    effect = component_effect(posterior)
    order = relabelling(effect)
    reportable = is_reportable(draws["weights"], effect)
    weights = flatten(relabel(draws["weights"], order))
    curves = {
        name: flatten(relabel(draws[name], order))
        for name in ("amplitude", "half_saturation", "slope")
    }
    rows = [
        pd.DataFrame(
            {
                "series_key": panel.series[series],
                "channel": panel.media_names[medium],
                "component": np.arange(weights.shape[1]),
                **statistics("weight", weights, ci_level),
                **statistics(
                    "amplitude",
                    curves["amplitude"][:, series, medium] * scales.outcome[series],
                    ci_level,
                ),
                **statistics(
                    "half_saturation",
                    curves["half_saturation"][:, medium] * scales.spend[series, medium],
                    ci_level,
                ),
                **statistics("slope", curves["slope"][:, medium], ci_level),
                "is_reportable": reportable,
                "ci_level": ci_level,
            }
        )
        for series in range(len(panel.series))
        for medium in range(len(panel.media_names))
    ]
    return pd.concat(rows, ignore_index=True)


def _r_hat(draws: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return array_stats.rhat(draws, chain_axis=0, draw_axis=1)
