"""Lift tests beside what the posterior says of their weeks."""

from functools import partial

import jax
import numpy as np
import pandas as pd

from hill_mmm._model.curves import Curves
from hill_mmm._model.data import model_data
from hill_mmm._model.lift import LiftData, expected_lift
from hill_mmm._posterior import Posterior, over_draws
from hill_mmm._results.decompose import overall_name
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import Floats
from hill_mmm.spec import AdstockKind


def lift_test(posterior: Posterior, ci_level: float) -> pd.DataFrame:
    """Each lift test beside the posterior's own counterfactual for its weeks.

    `z_score` is their difference over the root of the sum of both variances: over about 2, test and
    model disagree.
    """
    tests = posterior.lift_tests
    draws = _modelled_lift(posterior) if tests else np.empty((posterior.n_draws, 0))
    measured = np.array([test.lift for test in tests])
    error = np.array([test.standard_error for test in tests])
    difference = draws.mean(axis=0) - measured
    return pd.DataFrame(
        {
            "channel": [test.channel for test in tests],
            "series_key": [test.series or overall_name(posterior.panel) for test in tests],
            "start_week": np.array([test.start for test in tests], dtype="datetime64[D]"),
            "end_week": np.array([test.end for test in tests], dtype="datetime64[D]"),
            "lift": measured,
            "standard_error": error,
            **statistics("modelled_lift", draws, ci_level),
            "z_score": difference / np.sqrt(error**2 + draws.var(axis=0, ddof=1)),
            "ci_level": ci_level,
        }
    )


def _modelled_lift(posterior: Posterior) -> Floats:
    """The posterior's own counterfactual of each test, `(draws, tests)`."""
    spec = posterior.spec
    data = model_data(posterior.panel, spec, posterior.scales, posterior.lift_tests)
    return np.asarray(_lift_by_draw(data.lift, posterior.curves, spec.adstock))


@partial(jax.jit, static_argnums=2)
def _lift_by_draw(lift: LiftData, curves: Curves, kind: AdstockKind) -> jax.Array:
    return over_draws(lambda draw: expected_lift(lift, draw, kind), curves)
