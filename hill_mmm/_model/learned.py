"""Columns of the baseline whose prior scale is learned, in coordinates that do not depend on it.

Given the media effects and the noise, the coefficients of such a block are Gaussian. In units of
their prior and with all columns before them integrated out, the data's information on them is a
matrix R, and their precision `R + I / scale**2`: in the eigenvectors of R it is diagonal whatever
the scale, so that no factor has to be made for a draw. R is taken at pilot values of the noise, of
the spread between series and of the scales of blocks before. These decide how near to independent
the coordinates are, and nothing else: the density is that of the coefficients.
"""

from typing import NamedTuple

import numpy as np

from hill_mmm._model.padding import padded
from hill_mmm.panel import Floats

# Of the learned scales, and of the spread between series over the prior of their mean: about where
# fits find them.
PILOT_SCALE = 0.3
PILOT_SPREAD = 0.35


class LearnedBlock(NamedTuple):
    """Columns that share one learned scale, turned to the eigenvectors of R. Weeks are padded.

    Attributes:
        columns: in units of their prior at a scale of 1, `(weeks, series, columns)`.
        gain: what a unit of the residual in each week and series says of each, as a matrix
            `(columns, weeks * series)`.
        information: eigenvalues of R, `(columns,)`.
        turn: from their coefficients to those of the design's own columns, `(columns, columns)`.
    """

    columns: Floats
    gain: Floats
    information: Floats
    turn: Floats


def learned_blocks(
    matrix: Floats, scored: Floats, noise: Floats, prior_sd: Floats, widths: tuple[int, ...]
) -> tuple[LearnedBlock, ...]:
    """The blocks at the end of the design's columns, in their order.

    Args:
        matrix: of the design, `(weeks, series, columns)`.
        scored: 1 where a week counts, `(weeks, series)`.
        noise: pilot standard deviation by series.
        prior_sd: of each coefficient, at scales of 1.
        widths: numbers of columns of the blocks.
    """
    weight = (scored / noise)[:, :, None]
    columns = matrix * weight * prior_sd
    fixed = len(prior_sd) - sum(widths)
    ends = fixed + np.cumsum(widths, dtype=int)
    scale = np.where(np.arange(len(prior_sd)) < fixed, 1.0, PILOT_SCALE)
    blocks: list[LearnedBlock] = []
    for start, end in zip(ends - widths, ends, strict=True):
        left = _left_over(columns[:, :, start:end], columns[:, :, :start] * scale[:start], fixed)
        information = np.einsum("tgi,tgj->ij", columns[:, :, start:end], left)
        values, vectors = np.linalg.eigh(0.5 * (information + information.T))
        turn = prior_sd[start:end, None] * vectors
        blocks.append(
            LearnedBlock(
                columns=padded(matrix[:, :, start:end] @ turn),
                gain=padded(left @ vectors * weight).reshape(-1, end - start).T,
                # Information is not negative: what rounding leaves of none.
                information=np.maximum(values, 0.0),
                turn=turn,
            )
        )
    return tuple(blocks)


def _left_over(columns: Floats, before: Floats, fixed: int) -> Floats:
    """`V^-1 columns`, V the covariance of noise and of what stands before, in units of the noise.

    Of many series, each has coefficients of its own about the means of the fixed columns.
    """
    if columns.shape[1] == 1:
        left, before_left = columns, before
    else:
        own = PILOT_SPREAD * before[:, :, :fixed]
        left, before_left = (_without_own(x, own) for x in (columns, before))
    precision = np.eye(before.shape[2]) + np.einsum("tgi,tgj->ij", before, before_left)
    return left - before_left @ np.linalg.solve(precision, np.einsum("tgi,tgj->ij", before, left))


def _without_own(columns: Floats, own: Floats) -> Floats:
    """Woodbury: `(I + B B')^-1 X = X - B (I + B'B)^-1 B'X`, for each series."""
    precision = np.eye(own.shape[2]) + np.einsum("tgi,tgj->gij", own, own)
    along = np.einsum("tgi,tgj->gij", own, columns)
    return columns - np.einsum("tgi,gij->tgj", own, np.linalg.solve(precision, along))
