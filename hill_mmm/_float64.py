"""Switches JAX to 64-bit floats, which the sampler needs; whatever uses JAX imports it."""

import jax

jax.config.update("jax_enable_x64", True)
