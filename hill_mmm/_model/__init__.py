"""The model: priors, curves, design, experiments, and the density that NUTS samples."""

# For its effect.
from hill_mmm import _float64 as _float64
