"""Lift tests beside what the posterior says of their weeks."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from hill_mmm._model.curves import Curves
from hill_mmm._model.data import ModelData, model_data
from hill_mmm._model.density import regime_probabilities
from hill_mmm._model.lift import ModelledLift
from hill_mmm._model.lift import modelled_lift as lift_of_draw
from hill_mmm._posterior import Posterior, flatten, over_draws
from hill_mmm._results.decompose import overall_name
from hill_mmm._results.statistics import statistics
from hill_mmm.spec import AdstockKind


def lift_test(posterior: Posterior, ci_level: float) -> pd.DataFrame:
    """Each lift test beside the posterior's own counterfactual for its weeks.

    `modelled_lift` is the mean over the regimes that the test's weeks were in, by their outcome.
    `z_score` is the difference over the root of the sum of all variances, that over the regimes
    included: over about 2, test and model disagree.
    """
    tests = posterior.lift_tests
    modelled = modelled_lift(posterior) if tests else np.empty((2, posterior.n_draws, 0))
    draws, over_regimes = map(np.asarray, modelled)
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
            "z_score": difference
            / np.sqrt(error**2 + draws.var(axis=0, ddof=1) + over_regimes.mean(axis=0)),
            "ci_level": ci_level,
        }
    )


def modelled_lift(posterior: Posterior) -> ModelledLift:
    """The posterior's own counterfactual of each test, `(draws, tests)`."""
    spec = posterior.spec
    data = model_data(posterior.panel, spec, posterior.scales, posterior.lift_tests)
    sites = {name: jnp.asarray(flatten(values)) for name, values in posterior.draws.items()}
    return _lift_by_draw(data, sites, spec.adstock)


@partial(jax.jit, static_argnums=2)
def _lift_by_draw(data: ModelData, sites: dict[str, jax.Array], kind: AdstockKind) -> ModelledLift:
    def one(draw: dict[str, jax.Array]) -> ModelledLift:
        curves = Curves(*(draw[name] for name in Curves._fields))
        return lift_of_draw(data.lift, curves, kind, regime_probabilities(data, kind, draw))

    return over_draws(one, sites)
