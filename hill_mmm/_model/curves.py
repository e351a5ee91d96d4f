"""The parameters of the media's curves, and the effects that follow from them."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp

from hill_mmm._model.adstock import Media, adstocked_media
from hill_mmm._model.saturation import hill, hill_elasticity_gain
from hill_mmm.spec import AdstockKind


class Curves(NamedTuple):
    """Parameters of the media's curves, in scaled units; each may have leading draw axes.

    An effect that moves is a constant curve times a multiplier by week. So whoever asks for an
    effect says when: `at` is the weight of each knot of the multipliers, with the leading axes of
    the adstock before that of the knots, or None if no effect moves (see `_model.moving`).

    Attributes:
        adstock: parameters of the carry-over, `(media, parameters)`.
        carry_in: spend before the first week over the steady level of the first weeks, `(media,)`.
        weights: mixture weights, `(components,)`.
        amplitude: `A`, `(series, media, components)`; of an effect that moves, where its multiplier
            is 1, as it is on average over the weeks fitted to.
        half_saturation: `k`, `(media, components)`.
        slope: `n`, `(media, components)`.
        log_multiplier: logarithm of the multiplier at each knot, `(knots, media)`; None if no
            effect moves.
    """

    adstock: jax.Array
    carry_in: jax.Array
    weights: jax.Array
    amplitude: jax.Array
    half_saturation: jax.Array
    slope: jax.Array
    log_multiplier: jax.Array | None = None

    @classmethod
    def of(cls, sites: Mapping[str, jax.Array]) -> Self:
        """The curves among the recorded sites of a draw, or of many."""
        return cls(**{name: sites[name] for name in cls._fields if name in sites})

    def adstocked(self, kind: AdstockKind, media: Media) -> jax.Array:
        """Adstocked media of one draw, in the shape of `media.spend`."""
        return adstocked_media(kind, media, self.adstock, self.carry_in)

    def saturated(self, adstocked: jax.Array, at: jax.Array | None) -> jax.Array:
        """What each component brings for an amplitude of 1: `hill(s)` times the multiplier.

        Args:
            adstocked: spend `s`, shape `(..., media)`.
            at: weights of the knots, `(..., knots)`.

        Returns:
            Shape `(..., media, components)`.
        """
        saturated = hill(adstocked[..., None], self.half_saturation, self.slope)
        return moved(saturated, self.log_multiplier, at)

    def effect(self, adstocked: jax.Array, at: jax.Array | None) -> jax.Array:
        """What each component brings, the amplitude times `saturated`, in the amplitude's unit.

        Returns:
            Shape `(..., media, components)`; the mixture's effect is their mean by `weights`.
        """
        return self.amplitude * self.saturated(adstocked, at)

    def gain(self, adstocked: jax.Array, at: jax.Array | None) -> jax.Array:
        """The derivative of `effect` by a relative increase of the spend; see `effect`."""
        gain = hill_elasticity_gain(adstocked[..., None], self.half_saturation, self.slope)
        return self.amplitude * moved(gain, self.log_multiplier, at)

    def weighted(self) -> Self:
        """The curves whose components sum to the mixture's effect: amplitudes times weights."""
        return self._replace(amplitude=self.amplitude * self.weights)


def moved(effect: jax.Array, log_multiplier: jax.Array | None, at: jax.Array | None) -> jax.Array:
    """Effects times their media's multipliers: the one place in which an effect moves.

    Args:
        effect: `(..., media, components)`.
        log_multiplier: `(knots, media)`, or None if no effect moves.
        at: weights of the knots, `(..., knots)`, or None if no effect moves.

    Raises:
        ValueError: if only one of the two is there.
    """
    if (log_multiplier is None) != (at is None):
        raise ValueError("an effect that moves needs the weights of its knots, any other has none")
    if log_multiplier is None or at is None:
        return effect
    return effect * jnp.exp(at @ log_multiplier)[..., None]


def component_effects(saturated: jax.Array, amplitude: jax.Array) -> jax.Array:
    """Sum over media of the effect in each regime, `(weeks, series, components)`.

    Args:
        saturated: of each week, see `Curves.saturated`.
        amplitude: `(series, media, components)`.
    """
    return jnp.einsum("tgmk,gmk->tgk", saturated, amplitude)
