import numpy as np
import pytest

from hill_mmm._sampling import metric as _metric
from hill_mmm._sampling.metric import (
    DENSE,
    DIAGONAL,
    Metric,
    fisher_metric,
    identity_metric,
    log_mass,
)

DENSE_KEY, DIAGONAL_KEY = (DENSE,), (DIAGONAL,)
SIZE = 20


def gaussian(sds: np.ndarray, seed: int) -> np.ndarray:
    """A covariance with these standard deviations along random directions."""
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(sds), len(sds))))
    return (rotation * sds**2) @ rotation.T


def draws_and_gradients(
    covariance: np.ndarray, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of the potential, at draws from a Gaussian away from the origin."""
    rng = np.random.default_rng(seed)
    deviation = rng.multivariate_normal(np.zeros(len(covariance)), covariance, draws)
    return 7.0 + deviation, np.linalg.solve(covariance, deviation.T).T


def metric_of(covariance: np.ndarray, sds: np.ndarray, draws: int) -> Metric:
    dense = draws_and_gradients(covariance, draws, seed=1)
    diagonal = draws_and_gradients(np.diag(sds**2), draws, seed=2)
    return fisher_metric(
        {DENSE: dense[0], DIAGONAL: diagonal[0]}, {DENSE: dense[1], DIAGONAL: diagonal[1]}
    )


def relative_spread(estimate: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Standard deviations of the target in the directions of the metric; all 1 if it is right."""
    lower = np.linalg.cholesky(estimate)
    half = np.linalg.solve(lower, np.linalg.cholesky(covariance))
    return np.linalg.svd(half, compute_uv=False)


def dense_spread(covariance: np.ndarray, draws: int) -> np.ndarray:
    estimate = metric_of(covariance, np.ones(1), draws).inverse_mass[DENSE_KEY]
    return relative_spread(np.asarray(estimate), covariance)


def diagonal_spread(sds: np.ndarray, draws: int) -> np.ndarray:
    return sds / np.sqrt(metric_of(np.eye(2), sds, draws).inverse_mass[DIAGONAL_KEY])


def test_an_ill_conditioned_gaussian_is_recovered_but_for_the_shrinkage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_metric, "PRIOR_DRAWS", 1e-6)
    sds = np.geomspace(0.01, 100.0, SIZE)
    covariance = gaussian(sds, seed=0)
    np.testing.assert_allclose(dense_spread(covariance, 3 * SIZE), 1.0, atol=0.01)
    np.testing.assert_allclose(diagonal_spread(sds, 3 * SIZE), 1.0, atol=0.01)
    # Draws alone, as many, are off by half: it is the gradients that make the difference.
    draws, _ = draws_and_gradients(covariance, 3 * SIZE, seed=1)
    assert relative_spread(np.cov(draws.T), covariance).max() > 1.5


@pytest.mark.parametrize(("draws", "off"), [(3 * SIZE, 0.35), (20 * SIZE, 0.05)])
def test_coordinates_near_the_unit_are_hardly_shrunk(draws: int, off: float) -> None:
    """The model's coordinates: a prior's unit each, and learned to a third of it, or to three."""
    sds = np.geomspace(1 / 3, 3.0, SIZE)
    np.testing.assert_allclose(dense_spread(gaussian(sds, seed=0), draws), 1.0, atol=off)
    np.testing.assert_allclose(diagonal_spread(sds, draws), 1.0, atol=off)


def test_fewer_draws_than_coordinates_still_give_a_metric() -> None:
    covariance = gaussian(np.geomspace(0.1, 10.0, SIZE), seed=3)
    spread = dense_spread(covariance, 6)
    assert spread.min() > 0.1
    assert spread.max() < 10.0


def test_draws_that_do_not_move_leave_the_unit() -> None:
    """Of a chain that is stuck nothing can be learned."""
    stuck = {DENSE: np.full((10, 3), 2.0), DIAGONAL: np.full((10, 2), -1.0)}
    metric, unit = fisher_metric(stuck, stuck), identity_metric({DENSE: 3, DIAGONAL: 2})
    for part, unit_part in zip(metric, unit, strict=True):
        for key, values in part.items():
            np.testing.assert_allclose(values, unit_part[key], rtol=1e-12)


@pytest.mark.parametrize("length", [1e6, 1e9, 1e12])
def test_a_chain_on_its_way_down_a_cliff_leaves_a_metric(length: float) -> None:
    """Its gradients are so long, all in one direction, that rounding hides the others."""
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(30, SIZE)) * rng.lognormal(0.0, 3.0, SIZE)
    cliff = length * rng.normal(size=(30, 1)) * rng.normal(size=SIZE)
    gradients = rng.standard_cauchy((30, SIZE)) + cliff
    metric = fisher_metric(
        {DENSE: positions, DIAGONAL: positions}, {DENSE: gradients, DIAGONAL: gradients}
    )
    for part in metric:
        assert all(np.isfinite(values).all() for values in part.values())


@pytest.mark.parametrize("key", [DENSE_KEY, DIAGONAL_KEY])
def test_square_roots_are_of_the_mass(key: tuple[str]) -> None:
    sds = np.geomspace(0.1, 10.0, SIZE)
    metric = metric_of(gaussian(sds, seed=4), sds, 3 * SIZE)

    def full(values: np.ndarray) -> np.ndarray:
        return np.diag(values) if np.ndim(values) == 1 else np.asarray(values)

    mass = np.linalg.inv(full(metric.inverse_mass[key]))
    sqrt, sqrt_inverse = full(metric.sqrt[key]), full(metric.sqrt_inverse[key])
    np.testing.assert_allclose(sqrt @ sqrt.T, mass, rtol=1e-8, atol=1e-8 * mass.max())
    np.testing.assert_allclose(sqrt @ sqrt_inverse, np.eye(SIZE), atol=1e-10)


def test_identity_is_what_is_known_before_any_draw() -> None:
    metric = identity_metric({DENSE: 3, DIAGONAL: 2})
    for part in metric:
        np.testing.assert_array_equal(part[DENSE_KEY], np.eye(3))
        np.testing.assert_array_equal(part[DIAGONAL_KEY], np.ones(2))


@pytest.mark.parametrize("size", [3, 600])
def test_the_mass_about_a_gaussian_is_its_own_but_for_the_constant(size: int) -> None:
    """In hundreds of dimensions the potential of a hundred draws has a mean that is off by two."""
    rng = np.random.default_rng(0)
    sds = np.geomspace(0.3, 3.0, size)
    masses = []
    for share in (1.0, 1.0, 0.01):
        positions = {DENSE: rng.normal(size=(100, 1)), DIAGONAL: rng.normal(5.0, sds, (100, size))}
        gradients = {
            DENSE: positions[DENSE],
            DIAGONAL: (positions[DIAGONAL] - 5.0) / sds**2,
        }
        potential = 0.5 * (positions[DENSE] ** 2).sum(axis=1) - np.log(share)
        potential += 0.5 * ((positions[DIAGONAL] - 5.0) ** 2 / sds**2).sum(axis=1)
        metric = fisher_metric(positions, gradients)
        masses.append(log_mass(metric, potential, positions, gradients))
    # Means of 100 draws as centres: half a chi-square of `size` over 100, in both.
    error = 4 * np.sqrt(2 * (size + 1)) / 200 * np.sqrt(2)
    assert masses[1] == pytest.approx(masses[0], abs=error)
    assert masses[2] == pytest.approx(masses[0] + np.log(0.01), abs=error)
