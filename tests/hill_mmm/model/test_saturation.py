import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hill_mmm import hill
from hill_mmm._model.saturation import hill_elasticity_gain, stick_breaking

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


def test_stick_breaking_sums_to_one() -> None:
    sticks = np.random.default_rng(0).beta(1.0, 1.0, (100, 4))
    weights = np.asarray(stick_breaking(jnp.asarray(sticks)))
    assert weights.shape == (100, 5)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-14)


def test_stick_breaking_takes_a_share_of_what_is_left() -> None:
    weights = stick_breaking(jnp.array([0.5, 0.4]))
    np.testing.assert_allclose(weights, [0.5, 0.2, 0.3], rtol=1e-15)


def test_whole_first_stick_leaves_nothing() -> None:
    np.testing.assert_array_equal(stick_breaking(jnp.array([1.0, 0.4])), [1.0, 0.0, 0.0])
