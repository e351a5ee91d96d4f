import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hill_mmm._model.saturation import hill, hill_elasticity_gain

SPEND = np.array([1e-6, 0.1, 0.5, 1.0, 3.0, 50.0])
CURVES = [(0.5, 0.6), (1.0, 1.0), (1.3, 2.5)]


@pytest.mark.parametrize(("k", "n"), CURVES)
def test_closed_form(k: float, n: float) -> None:
    np.testing.assert_allclose(hill(SPEND, k, n), SPEND**n / (k**n + SPEND**n), rtol=1e-12)


@pytest.mark.parametrize(("k", "n"), CURVES)
def test_half_of_the_effect_is_reached_at_k(k: float, n: float) -> None:
    assert hill(jnp.array(k), k, n) == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize(("k", "n"), CURVES)
def test_zero_spend_has_no_effect_and_finite_gradients(k: float, n: float) -> None:
    zero = jnp.zeros(())
    assert hill(zero, k, n) == 0.0
    gradients = jax.grad(hill, argnums=(0, 1, 2))(zero, jnp.array(k), jnp.array(n))
    assert np.isfinite(gradients).all()
    assert hill_elasticity_gain(zero, k, n) == 0.0


@pytest.mark.parametrize(("k", "n"), CURVES)
def test_elasticity_gain_is_the_derivative_by_log_spend(k: float, n: float) -> None:
    slope = jax.vmap(jax.grad(hill), in_axes=(0, None, None))(jnp.asarray(SPEND), k, n)
    np.testing.assert_allclose(hill_elasticity_gain(SPEND, k, n), SPEND * slope, rtol=1e-10)
