"""Adstock: how spend carries over into later weeks.

Every kind is normalised, so that constant spend is its own adstock and half-saturation stays in
units of weekly spend.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from hill_mmm.spec import AdstockKind

# Weeks after which the delayed and the Weibull kind carry nothing over.
MAX_LAG = 13
PARAMETERS: Mapping[AdstockKind, tuple[str, ...]] = {
    "geometric": ("alpha",),
    "delayed": ("alpha", "peak"),
    "weibull": ("shape", "scale"),
}


class Media(NamedTuple):
    """Scaled spend and exposures by week, and what is assumed of the weeks before them.

    Attributes:
        spend: of each week, `(weeks, ..., media)`.
        before: steady spend a week before the first week known, `(..., media)`; 0 for none.
        week: number of each week since the first known, negative before it, `(weeks, ..., 1)`, or
            `(weeks, ..., media)` if the media begin in different weeks.
    """

    spend: jax.Array
    before: jax.Array
    week: jax.Array

    def first(self, count: int) -> "Media":
        """The first so many media."""
        return self._replace(spend=self.spend[..., :count], before=self.before[..., :count])


def adstocked_media(
    kind: AdstockKind, media: Media, parameters: jax.Array, carry_in: jax.Array
) -> jax.Array:
    """Adstocked media, with what the weeks before the first one carry into it.

    Steady spend `b` before week 0 leaves `b * (w_{t+1} + w_{t+2} + ...)` of itself in week t, with
    `w` the weights of the adstock; of the geometric kind that is `b * alpha ** (t + 1)`.

    Args:
        kind: which carry-over.
        media: of one or several series.
        parameters: of each medium, see `adstock`.
        carry_in: spend before the first week over `media.before`, by medium, `(media,)`.

    Returns:
        Adstocked spend with the shape and the unit of `media.spend`.
    """
    later = _later_weights(kind, parameters, len(media.spend))
    later = later.reshape(len(later), *(1,) * (media.week.ndim - 2), -1)
    share = jnp.take_along_axis(later, jnp.maximum(media.week, 0), axis=0)
    share = jnp.where(media.week >= 0, share, 0.0)
    return adstock(kind, media.spend, parameters) + carry_in * media.before * share


def adstock(kind: AdstockKind, spend: jax.Array, parameters: jax.Array) -> jax.Array:
    """Adstocked spend.

    Args:
        kind: which carry-over.
        spend: weekly spend, shape `(weeks, ..., channels)`; there was none before the first week.
        parameters: of each channel, in the order of `PARAMETERS[kind]`, shape
            `(channels, parameters)`.

    Returns:
        Adstocked spend with the shape and the unit of `spend`.
    """
    if kind == "geometric":
        return geometric_adstock(spend, parameters[:, 0])
    weights = adstock_weights(kind, parameters, MAX_LAG + 1)
    lagged = spend * weights[0]
    for lag in range(1, min(MAX_LAG + 1, len(spend))):
        earlier = jnp.concatenate([jnp.zeros_like(spend[:lag]), spend[:-lag]])
        lagged = lagged + weights[lag] * earlier
    return lagged


def adstock_weights(kind: AdstockKind, parameters: jax.Array, lags: int) -> jax.Array:
    """The share of a week's spend that works in each week after it.

    Args:
        kind: which carry-over.
        parameters: shape `(channels, parameters)`.
        lags: number of weeks, the week of the spend itself first.

    Returns:
        Shape `(lags, channels)`; all lags together sum to 1.
    """
    lag = jnp.arange(max(lags, MAX_LAG + 1))[:, None]
    return _WEIGHTS[kind](lag.astype(parameters.dtype), parameters)[:lags]


def _later_weights(kind: AdstockKind, parameters: jax.Array, lags: int) -> jax.Array:
    """The share of a week's spend that works later than each lag, `(lags, channels)`."""
    if kind == "geometric":
        return parameters[:, 0] ** jnp.arange(1.0, lags + 1.0)[:, None]
    weights = adstock_weights(kind, parameters, max(lags, MAX_LAG) + 1)
    # Summed from the far end, so that nothing is left exactly where nothing is.
    return jnp.cumsum(weights[::-1], axis=0)[::-1][1 : lags + 1]


def geometric_adstock(spend: jax.Array, alpha: jax.Array) -> jax.Array:
    """Geometric carry-over: `s_t = (1 - alpha) * (x_t + alpha * x_{t-1} + alpha**2 * ...)`.

    The adstock of the code behind the seed (docs/seed.md, section 6.1), normalised; computed by its
    recursion.

    Args:
        spend: weekly spend, shape `(weeks, ..., channels)`.
        alpha: retention per week in [0, 1), shape `(channels,)`.

    Returns:
        Adstocked spend with the shape and the unit of `spend`.
    """

    def week(carried: jax.Array, spent: jax.Array) -> tuple[jax.Array, jax.Array]:
        carried = spent + alpha * carried
        return carried, carried

    start = jnp.zeros(jnp.broadcast_shapes(spend.shape[1:], alpha.shape), spend.dtype)
    _, adstocked = jax.lax.scan(week, start, spend, unroll=4)
    return (1.0 - alpha) * adstocked


def _geometric_weights(lag: jax.Array, parameters: jax.Array) -> jax.Array:
    alpha = parameters[:, 0]
    return (1.0 - alpha) * alpha**lag


def _delayed_weights(lag: jax.Array, parameters: jax.Array) -> jax.Array:
    """`alpha ** ((lag - peak)**2)`, normalised (Jin et al. 2017, Bayesian methods for MMM)."""
    alpha, peak = parameters[:, 0], parameters[:, 1]
    return _normalised(jnp.where(lag <= MAX_LAG, alpha ** ((lag - peak) ** 2), 0.0))


def _weibull_weights(lag: jax.Array, parameters: jax.Array) -> jax.Array:
    """The Weibull density at the middle of each week, normalised (Robyn's Weibull PDF adstock)."""
    shape, scale = parameters[:, 0], parameters[:, 1]
    relative = (lag + 0.5) / scale
    log_density = (shape - 1.0) * jnp.log(relative) - relative**shape
    shifted = log_density - jax.lax.stop_gradient(log_density.max(axis=0))
    return _normalised(jnp.where(lag <= MAX_LAG, jnp.exp(shifted), 0.0))


def _normalised(weights: jax.Array) -> jax.Array:
    return weights / weights.sum(axis=0)


_WEIGHTS: Mapping[AdstockKind, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "geometric": _geometric_weights,
    "delayed": _delayed_weights,
    "weibull": _weibull_weights,
}
