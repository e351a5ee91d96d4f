"""Effects that move: where their multipliers have knots, and how weeks lie between these.

The logarithm of a multiplier is a random walk over the knots, and linear between them. They are
half a year apart, counted from the time origin of the model version, so that a refit has those of
the fit before it. Before the first knot, and after the last week fitted to, a multiplier stays as
it is there.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hill_mmm._model.padding import padded_length
from hill_mmm._model.scales import WEEKS_PER_KNOT, Scales
from hill_mmm.panel import WEEK, Floats, Integers, Panel
from hill_mmm.spec import ModelSpec


class MovingData(NamedTuple):
    """What the multipliers of a fit are made of.

    Attributes:
        at: weight of each knot in each week, `(weeks, knots)`; see `knot_weights`.
        share: of each week in the mean that is 1, `(weeks,)`; 0 in weeks that are not observed.
        media: indices of the media whose effect moves, `(moving,)`.
    """

    at: jax.Array
    share: jax.Array
    media: jax.Array


def moving_data(panel: Panel, spec: ModelSpec, scales: Scales, observed: Floats) -> MovingData:
    """Knots and weights of the panel fitted to.

    Args:
        panel: the weeks to fit to.
        spec: a model with `moving_effects`.
        scales: of the model version.
        observed: 1 or 0, `(weeks, series)`, its weeks padded.
    """
    of_week = observed.sum(axis=1)
    return MovingData(
        at=jnp.asarray(knot_weights(panel, scales, len(observed))),
        share=jnp.asarray(of_week / of_week.sum()),
        media=jnp.flatnonzero(np.isin(panel.media_names, spec.moving_effects)),
    )


def knot_weights(panel: Panel, scales: Scales, weeks: int) -> Floats:
    """Weight of each knot in each week, `(weeks, knots)`; those of a week sum to 1.

    Args:
        panel: the weeks fitted to.
        scales: of the model version.
        weeks: number of weeks, from the panel's first; there may be more than the panel has.
    """
    week = np.minimum(np.arange(weeks), len(panel) - 1)
    first, count = _knots(panel, scales)
    position = np.clip((week - first) / WEEKS_PER_KNOT, 0.0, count - 1.0)
    return np.maximum(1.0 - np.abs(position[:, None] - np.arange(count)), 0.0)


def told_weeks(panel: Panel, scales: Scales) -> Integers:
    """Where a multiplier is told: the week numbers of its knots, and the last week fitted to."""
    first, count = _knots(panel, scales)
    knots = first + WEEKS_PER_KNOT * np.arange(count)
    return np.unique(np.append(np.clip(knots, 0, len(panel) - 1), len(panel) - 1))


def _knots(panel: Panel, scales: Scales) -> tuple[int, int]:
    """Week number of the first knot, counted from the panel's first week; and how many there are.

    The number is that of the padded weeks: fits of like length share the compiled program.
    """
    origin = int((panel.weeks[0] - np.datetime64(scales.first_week)) // WEEK)
    first = WEEKS_PER_KNOT * round(origin / WEEKS_PER_KNOT) - origin
    return first, max(round(padded_length(len(panel)) / WEEKS_PER_KNOT), 2)
