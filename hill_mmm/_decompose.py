"""Posterior of the expected outcome's parts, draw by draw, in currency.

All sums are exact by construction: the parts of a week add up to its expected outcome in every
draw, so they do in every mean.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from hill_mmm._adstock import geometric_adstock
from hill_mmm._design import baseline_design
from hill_mmm._fit import Fit
from hill_mmm._hill import hill, hill_elasticity_gain
from hill_mmm._model import Curves
from hill_mmm._panel import Floats, Panel

DRAW_BATCH = 64


@dataclass(frozen=True)
class Decomposition:
    """The expected outcome of every week, taken apart; draws are flattened over chains.

    Attributes:
        panel: the weeks decomposed.
        media: contribution by channel, `(draws, weeks, channels)`, in currency.
        media_gain: derivative of `media` by a uniform relative increase of that channel's spend
            in all weeks, `(draws, weeks, channels)`.
        baseline: the other parts, `(draws, weeks, parts)`, in currency.
        baseline_parts: `(component_type, component)` of each part of `baseline`.
        regime_media: media effect under each mixture component, `(draws, weeks, components)`.
    """

    panel: Panel
    media: Floats
    media_gain: Floats
    baseline: Floats
    baseline_parts: tuple[tuple[str, str], ...]
    regime_media: Floats

    @property
    def expected(self) -> Floats:
        """Expected outcome, `(draws, weeks)`."""
        return self.media.sum(axis=2) + self.baseline.sum(axis=2)


def curves(fit: Fit) -> Curves:
    """The fit's curve parameters with all chains in one leading axis of draws, scaled units."""
    return Curves(*(jnp.asarray(flatten(fit.draws[name])) for name in Curves._fields))


def flatten(values: Floats) -> Floats:
    """Join the chain and draw axes."""
    return values.reshape(-1, *values.shape[2:])


def decompose(fit: Fit, panel: Panel | None = None) -> Decomposition:
    """Take the expected outcome of every week apart.

    Contributions are counterfactual: outcome with the channel's spend minus outcome without it
    in any week of the panel, carry-over included. The mixture's effect is its mean over the
    regimes.

    Args:
        fit: the posterior.
        panel: the weeks, by default those fitted to. It must start at the fit's first week, so
            that carry-over runs on through any boundary.

    Raises:
        ValueError: if the panel starts elsewhere or has other channels or controls.
    """
    panel = panel or fit.panel
    if panel.weeks[0] != fit.panel.weeks[0]:
        raise ValueError(
            f"the panel starts at {panel.weeks[0]}, the fit at {fit.panel.weeks[0]}: "
            "give all weeks from the fit's start, so that carry-over is complete"
        )
    if (panel.channels, panel.control_names) != (fit.panel.channels, fit.panel.control_names):
        raise ValueError("the panel's channels and controls differ from the fit's")
    spend = jnp.asarray(panel.spend / np.array(fit.scales.spend))
    media, gain, regime = jax.lax.map(
        partial(_media_effects, spend), curves(fit), batch_size=DRAW_BATCH
    )
    baseline, parts = _baseline_effects(fit, panel)
    scale = fit.scales.outcome
    return Decomposition(
        panel=panel,
        media=np.asarray(media) * scale,
        media_gain=np.asarray(gain) * scale,
        baseline=baseline * scale,
        baseline_parts=parts,
        regime_media=np.asarray(regime) * scale,
    )


def _media_effects(spend: jax.Array, draw: Curves) -> tuple[jax.Array, jax.Array, jax.Array]:
    adstocked = geometric_adstock(spend, draw.alpha)[:, :, None]
    effect = draw.amplitude * hill(adstocked, draw.half_saturation, draw.slope)
    gain = draw.amplitude * hill_elasticity_gain(adstocked, draw.half_saturation, draw.slope)
    return effect @ draw.weights, gain @ draw.weights, effect.sum(axis=1)


def _baseline_effects(fit: Fit, panel: Panel) -> tuple[Floats, tuple[tuple[str, str], ...]]:
    design = baseline_design(panel, fit.spec, fit.scales)
    coefficients = flatten(fit.draws["coefficients"])
    parts = tuple(dict.fromkeys(design.components))
    effects = [
        coefficients[:, columns] @ design.matrix[:, columns].T
        for columns in (
            [at for at, label in enumerate(design.components) if label == part] for part in parts
        )
    ]
    return np.stack(effects, axis=2), parts


def predictive_draws(fit: Fit, decomposition: Decomposition) -> Floats:
    """One draw of every week's outcome a posterior draw, `(draws, weeks)`, in currency.

    Regime and noise are drawn anew for each week from the fit's own seed.
    """
    rng = np.random.default_rng(fit.sampler.seed)
    regime = decomposition.regime_media
    cumulative = np.cumsum(flatten(fit.draws["weights"]), axis=1)[:, None, :-1]
    chosen = (rng.random((*regime.shape[:2], 1)) > cumulative).sum(axis=2)
    media = np.take_along_axis(regime, chosen[:, :, None], axis=2)[:, :, 0]
    sigma = flatten(fit.draws["sigma"])[:, None] * fit.scales.outcome
    return rng.normal(media + decomposition.baseline.sum(axis=2), sigma)


@dataclass(frozen=True)
class CurvePoints:
    """Steady-state response of each channel over a grid of weekly spend.

    Attributes:
        weekly_spend: `(points, channels)`, in currency.
        contribution: weekly incremental outcome, `(draws, points, channels)`, in currency.
        mroi: slope of the curve, `(draws, points, channels)`.
    """

    weekly_spend: Floats
    contribution: Floats
    mroi: Floats


def response_curves(fit: Fit, multipliers: Floats) -> CurvePoints:
    """Weekly outcome of a channel at a steady weekly spend, carry-over settled.

    Constant spend is its own normalised adstock, so the steady state is the Hill curve at the
    spend itself.

    Args:
        fit: the posterior.
        multipliers: weekly spend in units of the channel's mean weekly spend; 0 is allowed.
    """
    scale = np.array(fit.scales.spend)
    weekly_spend = multipliers[:, None] * fit.panel.spend.mean(axis=0)
    steady = jnp.asarray(weekly_spend / scale)[:, :, None]

    def at_grid(draw: Curves) -> tuple[jax.Array, jax.Array]:
        def effect(spend: jax.Array) -> jax.Array:
            shape = hill(spend, draw.half_saturation, draw.slope)
            return (draw.amplitude * shape) @ draw.weights

        _, slope = jax.jvp(effect, (steady,), (jnp.ones_like(steady),))
        return effect(steady), slope

    contribution, slope = jax.lax.map(at_grid, curves(fit), batch_size=DRAW_BATCH)
    return CurvePoints(
        weekly_spend,
        np.asarray(contribution) * fit.scales.outcome,
        np.asarray(slope) * fit.scales.outcome / scale,
    )
