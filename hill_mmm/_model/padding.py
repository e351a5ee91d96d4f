"""Weeks in round numbers, so that models of like length share the compiled programs."""

import numpy as np

from hill_mmm.panel import Floats

# Next week's refit and a holdout's fit run the program that is compiled already.
PADDING = 32


def padded_length(weeks: int) -> int:
    """The next multiple of `PADDING` weeks."""
    return weeks + -weeks % PADDING


def padded(values: Floats, axis: int = 0) -> Floats:
    """The values with zeros after them, up to the next multiple of `PADDING` weeks.

    Args:
        values: by week along `axis`.
        axis: of the weeks.
    """
    missing = -values.shape[axis] % PADDING
    return np.pad(values, [(0, missing if dim == axis else 0) for dim in range(values.ndim)])
