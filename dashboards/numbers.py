"""How a number is written: by its own size, whatever unit a model counts in."""

import math

import pandas as pd

# In charts, by d3: four digits that count, without trailing zeros.
TOOLTIP = ",.4~r"
# SI prefixes (k, M, G) for large numbers alone: 0.3 is not "300m".
AXIS = "abs(datum.value) >= 1000 ? format(datum.value, '~s') : format(datum.value, ',.3~r')"
LARGEST, SMALLEST = 1e12, 1e-4
# Two orders of one sum differ by a hair, which is no change.
HAIR = 1e-9


def written(value: float, *, is_signed: bool = False) -> str:
    """A number for a person: at least three digits that count, and all before the point.

    Args:
        value: the number; nothing is written where there is none.
        is_signed: with its sign, as of a change.
    """
    sign = "+" if is_signed else ""
    if pd.isna(value):
        return ""
    if value == 0:
        return f"{0:{sign}d}"
    size = abs(value)
    if not SMALLEST <= size < LARGEST:
        return f"{value:{sign}.3g}"
    decimals = max(0, 2 - math.floor(math.log10(size)))
    return f"{value:{sign},.{decimals}f}"


def change(before: float, after: float) -> float:
    """From one number to the other; exactly 0 where they differ by rounding alone."""
    is_hair = abs(after - before) <= HAIR * max(abs(before), abs(after))
    return 0.0 if is_hair else after - before
