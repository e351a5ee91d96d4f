import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from hill_mmm._model.adstock import (
    MAX_LAG,
    PARAMETERS,
    Media,
    adstock,
    adstock_weights,
    adstocked_media,
    geometric_adstock,
)
from hill_mmm.spec import AdstockKind

# Four channels of each kind, in the order of `PARAMETERS`.
CHANNELS: dict[AdstockKind, np.ndarray] = {
    "geometric": np.array([[0.0], [0.3], [0.7], [0.9]]),
    "delayed": np.array([[0.05, 0.0], [0.3, 1.0], [0.7, 2.5], [0.95, 6.0]]),
    "weibull": np.array([[0.5, 1.0], [1.0, 2.0], [1.5, 3.0], [4.0, 6.0]]),
}
KINDS = list(CHANNELS)
compiled = jax.jit(adstock, static_argnums=0)
compiled_media = jax.jit(adstocked_media, static_argnums=0)


def gamma_spend(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, 1.0, shape)


@pytest.mark.parametrize("kind", KINDS)
def test_channels_have_the_parameters_named(kind: AdstockKind) -> None:
    assert CHANNELS[kind].shape[1] == len(PARAMETERS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_weights_sum_to_one(kind: AdstockKind) -> None:
    weights = np.asarray(adstock_weights(kind, jnp.asarray(CHANNELS[kind]), 400))
    assert weights.shape == (400, 4)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lags", [1, 5])
def test_first_weights_are_the_same_however_many_are_asked_for(
    kind: AdstockKind, lags: int
) -> None:
    parameters = jnp.asarray(CHANNELS[kind])
    first = adstock_weights(kind, parameters, lags)
    np.testing.assert_array_equal(first, adstock_weights(kind, parameters, 40)[:lags])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weeks", [1, 2, 8, 40])
def test_impulse_spreads_by_the_weights(kind: AdstockKind, weeks: int) -> None:
    impulse = np.zeros((weeks, 4))
    impulse[0] = 5.0
    weights = adstock_weights(kind, jnp.asarray(CHANNELS[kind]), weeks)
    np.testing.assert_allclose(
        compiled(kind, impulse, CHANNELS[kind]), 5.0 * weights, rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("kind", KINDS)
def test_constant_spend_is_its_own_adstock(kind: AdstockKind) -> None:
    last = compiled(kind, np.full((400, 4), 3.0), CHANNELS[kind])[-1]
    np.testing.assert_allclose(last, 3.0, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_state_runs_on_over_a_boundary(kind: AdstockKind) -> None:
    """After it comes what the later spend brings by itself, and what is carried over."""
    spend = gamma_spend(60, 4)
    boundary = 45
    whole = compiled(kind, spend, CHANNELS[kind])
    carried = compiled(
        kind, np.where(np.arange(60)[:, None] < boundary, spend, 0.0), CHANNELS[kind]
    )
    later = compiled(kind, spend[boundary:], CHANNELS[kind])
    np.testing.assert_allclose(whole[boundary:], carried[boundary:] + later, rtol=1e-12)
    assert (carried[boundary, 1:] > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_flows_backwards(kind: AdstockKind) -> None:
    spend = gamma_spend(40, 4)
    later = spend.copy()
    later[25:] *= 9.0
    np.testing.assert_array_equal(
        compiled(kind, spend, CHANNELS[kind])[:25], compiled(kind, later, CHANNELS[kind])[:25]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_series_are_independent(kind: AdstockKind) -> None:
    spend = gamma_spend(40, 3, 4)
    together = compiled(kind, spend, CHANNELS[kind])
    assert together.shape == spend.shape
    for series in range(3):
        alone = compiled(kind, spend[:, series], CHANNELS[kind])
        np.testing.assert_allclose(together[:, series], alone, rtol=1e-14)


@pytest.mark.parametrize("weeks", [1, 3, 4, 5, 63, 64, 65, 200])
def test_geometric_is_the_published_codes_recursion_normalised(weeks: int) -> None:
    alpha = np.array([0.0, 0.3, 0.7, 0.999])
    spend = gamma_spend(weeks, 2, 4, seed=weeks)
    carried, expected = np.zeros((2, 4)), []
    for spent in spend:
        carried = spent + alpha * carried
        expected.append((1.0 - alpha) * carried)
    np.testing.assert_allclose(
        geometric_adstock(jnp.asarray(spend), jnp.asarray(alpha)), expected, rtol=1e-12
    )


def test_delayed_peaks_when_it_says() -> None:
    parameters = jnp.array([[0.5, 0.0], [0.5, 3.0], [0.9, 5.2]])
    weights = np.asarray(adstock_weights("delayed", parameters, MAX_LAG + 1))
    np.testing.assert_array_equal(weights.argmax(axis=0), [0, 3, 5])
    lag = np.arange(MAX_LAG + 1)
    written = 0.5 ** ((lag - 3.0) ** 2)
    np.testing.assert_allclose(weights[:, 1], written / written.sum(), rtol=1e-12)


def test_weibull_is_the_density_at_the_middle_of_each_week() -> None:
    shape, scale = 1.7, 3.0
    weights = adstock_weights("weibull", jnp.array([[shape, scale]]), MAX_LAG + 1)[:, 0]
    x = (np.arange(MAX_LAG + 1) + 0.5) / scale
    density = x ** (shape - 1) * np.exp(-(x**shape))
    np.testing.assert_allclose(weights, density / density.sum(), rtol=1e-12)


@pytest.mark.parametrize("kind", ["delayed", "weibull"])
def test_carry_over_ends(kind: AdstockKind) -> None:
    weights = adstock_weights(kind, jnp.asarray(CHANNELS[kind]), 30)
    assert not np.asarray(weights[MAX_LAG + 1 :]).any()
    assert np.asarray(weights[MAX_LAG]).any()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
def test_gradient_matches_finite_differences(alpha: float) -> None:
    check_grads(
        jax.jit(geometric_adstock),
        (jnp.asarray(gamma_spend(37, 2)), jnp.full(2, alpha)),
        order=1,
        modes=["rev"],
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("geometric", [[0.0], [0.5], [0.999]]),
        ("delayed", [[1e-6, 0.0], [0.5, 2.0], [0.999, 12.0]]),
        ("weibull", [[0.1, 0.05], [1.5, 2.0], [8.0, 0.2]]),
    ],
)
def test_gradient_is_finite_without_spend_and_at_the_edges(
    kind: AdstockKind, parameters: list[list[float]]
) -> None:
    gradients = jax.grad(lambda spend, values: compiled(kind, spend, values).sum(), argnums=(0, 1))(
        jnp.zeros((20, 3)), jnp.array(parameters)
    )
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("kind", KINDS)
def test_steady_spend_before_the_first_week_is_carried_in(kind: AdstockKind) -> None:
    """As if 600 weeks of it had been there; two series, the second known from week 5 on."""
    spend = gamma_spend(40, 2, 4)
    starts = np.array([0, 5])
    spend[:5, 1] = 0.0
    before = gamma_spend(2, 4, seed=1)
    carry_in = np.array([0.0, 0.5, 1.0, 2.0])
    media = Media(spend, before, (np.arange(40)[:, None] - starts)[:, :, None])
    found = compiled_media(kind, media, CHANNELS[kind], carry_in)
    for series, start in enumerate(starts):
        history = np.tile(carry_in * before[series], (600, 1))
        whole = np.concatenate([history, spend[start:, series]])
        expected = compiled(kind, whole, CHANNELS[kind])[600:]
        np.testing.assert_allclose(found[start:, series], expected, rtol=1e-10)
        assert not np.asarray(found[:start, series]).any()


@pytest.mark.parametrize("kind", KINDS)
def test_media_of_cells_that_begin_in_different_weeks_are_those_of_their_series(
    kind: AdstockKind,
) -> None:
    spend, before = gamma_spend(40, 4), gamma_spend(4, seed=1)
    carry_in, starts = np.full(4, 0.7), np.array([0, 3, 3, 9])
    week = np.arange(40)[:, None] - starts
    cells = compiled_media(kind, Media(spend, before, week), CHANNELS[kind], carry_in)
    for cell in range(4):
        media = Media(spend, before, week[:, [cell]])
        alone = compiled_media(kind, media, CHANNELS[kind], carry_in)[:, cell]
        np.testing.assert_allclose(cells[:, cell], alone, rtol=1e-14)
