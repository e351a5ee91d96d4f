"""A posterior quantity as columns of a table."""

import numpy as np

from hill_mmm.panel import Floats


def statistics(name: str, draws: Floats, ci_level: float) -> dict[str, Floats]:
    """Mean, median, sd and equal-tailed interval over the first axis, as named columns.

    The remaining axes are flattened in C order.
    """
    flat = draws.reshape(len(draws), -1)
    tail = (1.0 - ci_level) / 2.0
    low, median, high = np.quantile(flat, [tail, 0.5, 1.0 - tail], axis=0)
    return {
        f"{name}_mean": flat.mean(axis=0),
        f"{name}_median": median,
        f"{name}_sd": flat.std(axis=0, ddof=1),
        f"{name}_ci_lo": low,
        f"{name}_ci_hi": high,
    }
