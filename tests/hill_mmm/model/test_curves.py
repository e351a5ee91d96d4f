import jax
import jax.numpy as jnp
import numpy as np

from hill_mmm._model.adstock import adstock
from hill_mmm._model.curves import component_effects
from hill_mmm._model.curves import saturation as eager_saturation

saturation = jax.jit(eager_saturation, static_argnums=0)

WEEKS, SERIES, MEDIA, COMPONENTS = 30, 3, 2, 4


def test_effects_are_the_hill_of_the_adstock_summed_over_media() -> None:
    rng = np.random.default_rng(0)
    spend = rng.gamma(2.0, 1.0, (WEEKS, SERIES, MEDIA))
    spend[:, 1, 0] = 0.0
    parameters = rng.uniform(0.2, 0.8, (MEDIA, 1))
    k, n = rng.lognormal(0.0, 0.5, (2, MEDIA, COMPONENTS))
    amplitude = rng.lognormal(0.0, 0.5, (SERIES, MEDIA, COMPONENTS))

    shape = saturation("geometric", jnp.asarray(spend), jnp.asarray(parameters), k, n)
    effects = component_effects(shape, jnp.asarray(amplitude))

    assert shape.shape == (WEEKS, SERIES, MEDIA, COMPONENTS)
    assert effects.shape == (WEEKS, SERIES, COMPONENTS)
    assert not np.asarray(shape[:, 1, 0]).any()
    adstocked = np.asarray(adstock("geometric", jnp.asarray(spend), jnp.asarray(parameters)))
    for g in range(SERIES):
        for j in range(COMPONENTS):
            expected = sum(
                amplitude[g, m, j]
                * adstocked[:, g, m] ** n[m, j]
                / (k[m, j] ** n[m, j] + adstocked[:, g, m] ** n[m, j])
                for m in range(MEDIA)
            )
            np.testing.assert_allclose(effects[:, g, j], expected, rtol=1e-10)


def test_media_of_one_series_need_no_series_axis() -> None:
    rng = np.random.default_rng(1)
    spend = jnp.asarray(rng.gamma(2.0, 1.0, (WEEKS, MEDIA)))
    alpha = jnp.array([[0.3], [0.6]])
    k, n = jnp.asarray(rng.lognormal(0.0, 0.5, (2, MEDIA, 1)))
    alone = saturation("geometric", spend, alpha, k, n)
    among = saturation("geometric", spend[:, None], alpha, k, n)
    np.testing.assert_array_equal(alone, among[:, 0])
