"""NUTS, its metric, and its progress. It knows nothing of marketing."""

# For its effect.
from hill_mmm import _float64 as _float64
