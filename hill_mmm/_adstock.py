"""Geometric adstock: how spend carries over into later weeks."""

import jax
import jax.numpy as jnp


def geometric_adstock(spend: jax.Array, alpha: jax.Array) -> jax.Array:
    """Geometric carry-over of spend, normalised so that constant spend is its own adstock.

    `s_t = (1 - alpha) * (x_t + alpha * x_{t-1} + alpha**2 * x_{t-2} + ...)`, with no spend before
    the first week (seed section 6.1; the normalisation keeps half-saturation in units of weekly
    spend). Computed by doubling: `log2(weeks)` shifted multiply-adds, exact and parallel.

    Args:
        spend: weekly spend, weeks on the first axis, shape `(weeks, ...)`.
        alpha: retention per week in [0, 1), broadcast against `spend[0]`.

    Returns:
        Adstocked spend with the shape and the unit of `spend`.
    """
    weeks = spend.shape[0]
    carried = spend
    weight = alpha
    shift = 1
    while shift < weeks:
        earlier = jnp.concatenate([jnp.zeros_like(carried[:shift]), carried[:-shift]])
        carried = carried + weight * earlier
        weight = weight * weight
        shift *= 2
    return (1.0 - alpha) * carried
