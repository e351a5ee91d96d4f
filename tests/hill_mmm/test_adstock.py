import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from hill_mmm import geometric_adstock

ALPHAS = np.array([0.0, 0.3, 0.7, 0.999])
adstock = jax.jit(geometric_adstock)


def recursion(spend: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    carried = np.zeros_like(spend)
    carried[0] = spend[0]
    for week in range(1, len(spend)):
        carried[week] = spend[week] + alpha * carried[week - 1]
    return (1.0 - alpha) * carried


@pytest.mark.parametrize("weeks", [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 63, 64, 65, 156, 200])
def test_doubling_is_the_recursion(weeks: int) -> None:
    spend = np.random.default_rng(weeks).gamma(2.0, 1.0, (weeks, len(ALPHAS)))
    np.testing.assert_allclose(adstock(spend, ALPHAS), recursion(spend, ALPHAS), rtol=1e-12)


def test_impulse_decays_geometrically() -> None:
    impulse = np.zeros((20, len(ALPHAS)))
    impulse[0] = 5.0
    lags = np.arange(20)[:, None]
    np.testing.assert_allclose(
        adstock(impulse, ALPHAS), 5.0 * (1.0 - ALPHAS) * ALPHAS**lags, rtol=1e-12
    )


def test_constant_spend_converges_to_itself() -> None:
    alpha = np.array([0.0, 0.3, 0.7, 0.9])
    last = adstock(np.full((400, 4), 3.0), alpha)[-1]
    np.testing.assert_allclose(last, 3.0, rtol=1e-12)


def test_nothing_flows_backwards() -> None:
    spend = np.random.default_rng(0).gamma(2.0, 1.0, (40, 4))
    later = spend.copy()
    later[25:] *= 9.0
    np.testing.assert_array_equal(adstock(spend, ALPHAS)[:25], adstock(later, ALPHAS)[:25])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
def test_gradient_matches_finite_differences(alpha: float) -> None:
    spend = jnp.asarray(np.random.default_rng(2).gamma(2.0, 1.0, (37, 2)))
    check_grads(adstock, (spend, jnp.full(2, alpha)), order=1, rtol=1e-6, atol=1e-6)
