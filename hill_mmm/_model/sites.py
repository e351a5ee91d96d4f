"""The kinds of NumPyro sites that the model is made of."""

from typing import cast

import jax
import numpyro
import numpyro.distributions as dist


def sample(name: str, prior: dist.Distribution) -> jax.Array:
    """A parameter with its prior."""
    # NumPyro's annotation has room for values that a model run by JAX never sees.
    return cast(jax.Array, numpyro.sample(name, prior))


def flat(name: str, shape: tuple[int, ...]) -> jax.Array:
    """A coordinate without a distribution of its own."""
    return sample(name, dist.ImproperUniform(dist.constraints.real, shape, ()))


def normals(name: str, *shape: int) -> jax.Array:
    """Standard Normals."""
    return sample(name, dist.Normal(0.0, 1.0).expand(list(shape)))


def record(name: str, value: jax.Array) -> jax.Array:
    """A function of the parameters that is kept of each draw."""
    return cast(jax.Array, numpyro.deterministic(name, value))
