"""Which regime of the mixture each week was in, as far as its outcome tells."""

from collections.abc import Iterator
from functools import partial
from itertools import repeat

import jax
import jax.numpy as jnp

from hill_mmm._model.adstock import Media
from hill_mmm._model.data import ModelData, model_data
from hill_mmm._model.density import regime_probabilities
from hill_mmm._posterior import Posterior, flatten, over_draws
from hill_mmm.spec import AdstockKind

# Sites with an axis of series, the first after that of the draws.
OF_SERIES = ("amplitude", "coefficients", "sigma")


def week_regimes(posterior: Posterior, weeks: int) -> Iterator[jax.Array]:
    """Probability of each regime in each week, draw by draw, one series after the other.

    In a week fitted to it is the posterior probability given the week's outcome (the mixture's
    responsibility). In any other week, and in draws of the prior, it is the mixture's weight: the
    outcome of a week to come is not known, and one that a forecast is scored by must not have told
    the forecast its regime.

    Args:
        posterior: the fit, whose own panel says which outcomes its draws know.
        weeks: number of weeks, from the first fitted to.

    Yields:
        Shape `(draws, weeks, components)`.
    """
    spec, scales = posterior.spec, posterior.scales
    weights = jnp.asarray(flatten(posterior.draws["weights"]))[:, None]
    shape = (len(weights), weeks, spec.components)
    if spec.components == 1:
        yield from repeat(jnp.broadcast_to(weights, shape), len(posterior.panel.series))
        return
    data = model_data(posterior.panel, spec, scales, prior_only=posterior.prior_only)
    for series in range(len(posterior.panel.series)):
        sites = _sites_of_series(posterior, series)
        known = _by_draw(_data_of_series(data, series), sites, spec.adstock)[:, :weeks]
        further = jnp.broadcast_to(weights, shape)[:, known.shape[1] :]
        yield jnp.concatenate([known, further], axis=1)


def _sites_of_series(posterior: Posterior, series: int) -> dict[str, jax.Array]:
    flat = {name: flatten(values) for name, values in posterior.draws.items()}
    flat |= {name: flat[name][:, [series]] for name in OF_SERIES}
    return {name: jnp.asarray(values) for name, values in flat.items()}


def _data_of_series(data: ModelData, series: int) -> ModelData:
    one = [series]
    return data._replace(
        media=Media(
            data.media.spend[:, one], data.media.before[jnp.array(one)], data.media.week[:, one]
        ),
        outcome=data.outcome[:, one],
        scored=data.scored[:, one],
        regressors=data.regressors[:, one],
        signed=data.signed[:, one],
    )


@partial(jax.jit, static_argnums=2)
def _by_draw(data: ModelData, sites: dict[str, jax.Array], kind: AdstockKind) -> jax.Array:
    return over_draws(lambda draw: regime_probabilities(data, kind, draw)[:, 0], sites)
