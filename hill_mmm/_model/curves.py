"""The parameters of the media's curves, and the effects that follow from them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from hill_mmm._model.adstock import Media, adstocked_media
from hill_mmm._model.saturation import hill, hill_elasticity_gain
from hill_mmm.spec import AdstockKind


class Curves(NamedTuple):
    """Parameters of the media's curves, in scaled units; each may have leading draw axes.

    Attributes:
        adstock: parameters of the carry-over, `(media, parameters)`.
        carry_in: spend before the first week over the steady level of the first weeks, `(media,)`.
        weights: mixture weights, `(components,)`.
        amplitude: `A`, `(series, media, components)`.
        half_saturation: `k`, `(media, components)`.
        slope: `n`, `(media, components)`.
    """

    adstock: jax.Array
    carry_in: jax.Array
    weights: jax.Array
    amplitude: jax.Array
    half_saturation: jax.Array
    slope: jax.Array

    def adstocked(self, kind: AdstockKind, media: Media) -> jax.Array:
        """Adstocked media of one draw, in the shape of `media.spend`."""
        return adstocked_media(kind, media, self.adstock, self.carry_in)

    def effect(self, adstocked: jax.Array) -> jax.Array:
        """What each component brings, `A * hill(s)`, in the unit of the amplitude.

        Args:
            adstocked: spend `s`, shape `(..., media)`.

        Returns:
            Shape `(..., media, components)`; the mixture's effect is their mean by `weights`.
        """
        return self.amplitude * hill(adstocked[..., None], self.half_saturation, self.slope)

    def gain(self, adstocked: jax.Array) -> jax.Array:
        """The derivative of `effect` by a relative increase of the spend; see `effect`."""
        spend = adstocked[..., None]
        return self.amplitude * hill_elasticity_gain(spend, self.half_saturation, self.slope)

    def weighted(self) -> "Curves":
        """The curves whose components sum to the mixture's effect: amplitudes times weights."""
        return self._replace(amplitude=self.amplitude * self.weights)


def component_effects(saturated: jax.Array, amplitude: jax.Array) -> jax.Array:
    """Sum over media of the effect in each regime, `(weeks, series, components)`.

    Args:
        saturated: adstock, by `saturation`.
        amplitude: `(series, media, components)`.
    """
    return jnp.einsum("tgmk,gmk->tgk", saturated, amplitude)
