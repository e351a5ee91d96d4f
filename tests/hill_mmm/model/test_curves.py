import jax
import jax.numpy as jnp
import numpy as np

from hill_mmm._model.curves import component_effects
from hill_mmm._model.saturation import hill

WEEKS, SERIES, MEDIA, COMPONENTS = 30, 3, 2, 4


def test_effects_are_the_saturated_adstock_summed_over_media() -> None:
    rng = np.random.default_rng(0)
    adstocked = rng.gamma(2.0, 1.0, (WEEKS, SERIES, MEDIA))
    adstocked[:, 1, 0] = 0.0
    k, n = rng.lognormal(0.0, 0.5, (2, MEDIA, COMPONENTS))
    amplitude = rng.lognormal(0.0, 0.5, (SERIES, MEDIA, COMPONENTS))

    shape = jax.jit(hill)(adstocked[..., None], k, n)
    effects = component_effects(shape, jnp.asarray(amplitude))

    assert shape.shape == (WEEKS, SERIES, MEDIA, COMPONENTS)
    assert effects.shape == (WEEKS, SERIES, COMPONENTS)
    assert not np.asarray(shape[:, 1, 0]).any()
    for g in range(SERIES):
        for j in range(COMPONENTS):
            expected = sum(
                amplitude[g, m, j]
                * adstocked[:, g, m] ** n[m, j]
                / (k[m, j] ** n[m, j] + adstocked[:, g, m] ** n[m, j])
                for m in range(MEDIA)
            )
            np.testing.assert_allclose(effects[:, g, j], expected, rtol=1e-10)
