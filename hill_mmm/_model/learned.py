"""Columns of the baseline whose prior scale is learned: their conditional, for one series.

Given the media effects and the noise, coefficients are Gaussian, with a precision `G + D(scales)`
whose Cholesky factor would have to be made anew for every draw of the scales. Block by block it
need not. A block of columns that share one scale has, with the columns before it integrated out,
the precision `R + I / scale**2` in units of their prior; and in the eigenvectors of R that is
diagonal whatever the scale.
"""

from typing import NamedTuple

import numpy as np

from hill_mmm.panel import Floats

# At which the scales of blocks before one count, when they are integrated out. It decides how near
# to independent the coordinates are, and nothing else.
PILOT_SCALE = 0.3


class LearnedBlock(NamedTuple):
    """Constants of columns that share one learned scale.

    Attributes:
        unit: prior standard deviation of each coefficient at a scale of 1, `(columns,)`.
        coupling: regression of the block on the columns before it, `(columns, before)`.
        cross: precision between them, `(columns, before)`.
        information: eigenvalues of R, `(columns,)`.
        basis: its eigenvectors, `(columns, columns)`.
    """

    unit: Floats
    coupling: Floats
    cross: Floats
    information: Floats
    basis: Floats


def learned_blocks(
    information: Floats, prior_sd: Floats, widths: tuple[int, ...]
) -> tuple[LearnedBlock, ...]:
    """The blocks at the end of the columns, in their order.

    Args:
        information: cross products of all columns over the noise variance, `(columns, columns)`.
        prior_sd: of each coefficient, at scales of 1.
        widths: numbers of columns of the blocks.
    """
    fixed = len(prior_sd) - sum(widths)
    scale = np.where(np.arange(len(prior_sd)) < fixed, 1.0, PILOT_SCALE)
    precision = information + np.diag((scale * prior_sd) ** -2.0)
    ends = fixed + np.cumsum(widths)
    return tuple(
        _block(precision[:start, :start], information[start:end, :end], prior_sd[start:end])
        for start, end in zip(ends - widths, ends, strict=True)
    )


def _block(before: Floats, information: Floats, unit: Floats) -> LearnedBlock:
    cross, own = np.split(information, [len(before)], axis=1)
    coupling = np.linalg.solve(before, cross.T).T
    left = (own - coupling @ cross.T) * np.outer(unit, unit)
    values, vectors = np.linalg.eigh(0.5 * (left + left.T))
    # Information is not negative: what rounding leaves of none.
    return LearnedBlock(unit, coupling, cross, np.maximum(values, 0.0), vectors)
