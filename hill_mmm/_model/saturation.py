"""The Hill saturation curve and its derivative."""

import jax
import jax.numpy as jnp


def hill(spend: jax.Array, half_saturation: jax.Array, slope: jax.Array) -> jax.Array:
    """Saturation `s**n / (k**n + s**n)` in [0, 1): a Hill curve with amplitude 1.

    The curve of the code behind the seed (docs/seed.md, section 6.1), computed as
    `sigmoid(n * (log s - log k))`. Zero spend gives exactly 0 with a finite gradient, where the
    power form has an undefined one.

    Args:
        spend: adstocked spend `s`, non-negative.
        half_saturation: `k`, in the unit of `spend`, positive.
        slope: exponent `n`, positive.

    Returns:
        The saturated share of the amplitude; the arguments broadcast.
    """
    spent = spend > 0
    log_ratio = jnp.log(jnp.where(spent, spend, 1.0)) - jnp.log(half_saturation)
    return jnp.where(spent, jax.nn.sigmoid(slope * log_ratio), 0.0)


def hill_elasticity_gain(
    spend: jax.Array, half_saturation: jax.Array, slope: jax.Array
) -> jax.Array:
    """`s * d hill / d s = n * h * (1 - h)`: the gain from a uniform relative increase of spend.

    Takes the arguments of `hill` and returns its unit; zero where spend is zero.
    """
    saturated = hill(spend, half_saturation, slope)
    return slope * saturated * (1.0 - saturated)
