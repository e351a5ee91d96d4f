"""The mass matrix, from draws and gradients together."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Names of the two blocks of coordinates.
DENSE, DIAGONAL = "dense", "diagonal"
# Draws that the estimate counts the diagonal, or the unit, for.
PRIOR_DRAWS = 5.0
# Least eigenvalue beside the largest. A chain on its way down a cliff has gradients so long, all in
# one direction, that rounding would leave others without any.
LEAST_EIGENVALUE = 1e-10


class Metric(NamedTuple):
    """A mass matrix in NumPyro's form, by block of coordinates.

    Attributes:
        inverse_mass: estimate of the posterior's covariance.
        sqrt: square root of the mass matrix, which momenta are drawn with.
        sqrt_inverse: its inverse.
    """

    inverse_mass: dict[tuple[str, ...], Any]
    sqrt: dict[tuple[str, ...], Any]
    sqrt_inverse: dict[tuple[str, ...], Any]


def identity_metric(size: dict[str, int]) -> Metric:
    """The metric before anything is known."""
    return _metric(np.eye(size[DENSE]), np.ones(size[DIAGONAL]))


def fisher_metric(positions: dict[str, Floats], gradients: dict[str, Floats]) -> Metric:
    """The metric that makes draws and gradients look alike: it minimises the Fisher divergence.

    Of a Gaussian with covariance S, draws have covariance S and gradients `S^-1`, exactly related
    draw by draw, so that hardly more draws than coordinates are needed. The estimate is the
    geometric mean of the draws' covariance and the inverse of the gradients', both shrunk towards
    the diagonal (Seyboldt, Carlson and Carpenter 2026).

    Args:
        positions: by block, `(draws, coordinates)`.
        gradients: of the potential there, likewise.
    """
    dense = _geometric_mean(positions[DENSE], gradients[DENSE])
    return _metric(dense, _diagonal_scale(positions[DIAGONAL], gradients[DIAGONAL]) ** 2)


def log_mass(
    metric: Metric, potential: Floats, positions: dict[str, Floats], gradients: dict[str, Floats]
) -> float:
    """Logarithm of the mass about a chain, up to a constant: as if it were a Gaussian's.

    The mean log density plus half the log determinant of the covariance, which is a Gaussian's
    entropy. In D dimensions the potential of a draw scatters by `sqrt(D / 2)`, and few of a
    window's draws are independent in it, so that its plain mean hides one of two equal modes. Less
    `g . (x - mean x) / 2` it is the same for every draw of a Gaussian; and of any density the mean
    of `g . (x - a)` is D, whatever the constant a (integration by parts), so that nothing but noise
    and a constant is taken away: a control variate.

    Args:
        metric: estimated from the chain's own draws.
        potential: minus log density of each draw.
        positions: the draws by block, `(draws, coordinates)`.
        gradients: of the potential there, likewise.
    """
    dense, diagonal = metric.inverse_mass[(DENSE,)], metric.inverse_mass[(DIAGONAL,)]
    log_determinant = np.linalg.slogdet(dense)[1] + np.log(diagonal).sum()
    steadied = potential.copy()
    for block, values in positions.items():
        steadied -= 0.5 * (gradients[block] * (values - values.mean(axis=0))).sum(axis=1)
    return float(0.5 * log_determinant - steadied.mean())


def _diagonal_scale(positions: Floats, gradients: Floats) -> Floats:
    """Square root of the diagonal estimate, the unit that it is shrunk towards included."""
    n = len(positions)
    spread = (n * positions.var(axis=0) + PRIOR_DRAWS) / (n + PRIOR_DRAWS)
    slope = (n * gradients.var(axis=0) + PRIOR_DRAWS) / (n + PRIOR_DRAWS)
    return (spread / slope) ** 0.25


def _geometric_mean(positions: Floats, gradients: Floats) -> Floats:
    """`M` with `M G M = C`, where C and G are the shrunk covariances of draws and gradients."""
    scale = _diagonal_scale(positions, gradients)
    covariance = _shrunk_covariance(positions / scale)
    root, inverse_root = _roots(_shrunk_covariance(gradients * scale))
    middle, _ = _roots(root @ covariance @ root)
    values, vectors = _eigen(inverse_root @ middle @ inverse_root)
    return (vectors * values) @ vectors.T * np.outer(scale, scale)


def _shrunk_covariance(values: Floats) -> Floats:
    n, size = values.shape
    centred = values - values.mean(axis=0)
    return (centred.T @ centred + PRIOR_DRAWS * np.eye(size)) / (n + PRIOR_DRAWS)


def _roots(matrix: Floats) -> tuple[Floats, Floats]:
    """Square root of a symmetric positive matrix, and its inverse."""
    values, vectors = _eigen(matrix)
    roots = np.sqrt(values)
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T


def _eigen(matrix: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, none of them negligible beside the largest, and eigenvectors."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.maximum(values, LEAST_EIGENVALUE * values[-1]), vectors


def _metric(dense: Floats, diagonal: Floats) -> Metric:
    lower = np.linalg.cholesky(dense)
    dense_key, diagonal_key = (DENSE,), (DIAGONAL,)
    return Metric(
        {dense_key: jnp.asarray(dense), diagonal_key: jnp.asarray(diagonal)},
        {
            dense_key: jnp.asarray(np.linalg.inv(lower).T),
            diagonal_key: jnp.asarray(1.0 / np.sqrt(diagonal)),
        },
        {dense_key: jnp.asarray(lower.T), diagonal_key: jnp.asarray(np.sqrt(diagonal))},
    )
