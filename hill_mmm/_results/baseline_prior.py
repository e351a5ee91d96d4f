"""The baseline's prior as a fit has learned it."""

import numpy as np

from hill_mmm._model.design import Design
from hill_mmm._posterior import Posterior, flatten
from hill_mmm.panel import Floats


def baseline_scales(posterior: Posterior) -> Floats:
    """The learned scales by draw, `(draws, learned scales)`; of none, where nothing is learned."""
    if "baseline_scale" in posterior.draws:
        return flatten(posterior.draws["baseline_scale"])
    return np.empty((posterior.n_draws, 0))


def learned_prior_sd(posterior: Posterior, design: Design) -> Floats:
    """Prior standard deviation of each coefficient of a design, `(columns,)`.

    Scales that are learned are at their posterior root mean square.
    """
    return design.prior_sd_at(np.sqrt((baseline_scales(posterior) ** 2).mean(axis=0)))
