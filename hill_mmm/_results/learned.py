"""Which spend the data have seen: the one meaning of extrapolation, of curves and of plans.

A response curve is a function of adstock. So what has been seen of it is the range of the adstock
in the weeks fitted to, whatever single weeks were spent: constant spend is its own adstock, and a
burst of one week is not evidence of what the same spend brings every week.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hill_mmm._model.adstock import adstock, adstocked_media
from hill_mmm._model.media import media_data
from hill_mmm._model.padding import padded
from hill_mmm._posterior import Posterior
from hill_mmm.panel import Floats

# Under this share of the channel's usual weekly spend, where the published response curves begin, a
# week is next to off air: a return there is read off a piece of the curve that the data say nothing
# of.
LEAST_SPEND_SHARE = 0.05
# An adstock under this share of its mean is as good as none: the channel was off.
AS_GOOD_AS_OFF = 0.05
# Two computations of the same adstock differ by no more than this share.
TOLERANCE = 1e-6
# Weeks after which a pattern that repeats has settled.
SETTLED = 208


class LearnedRange(NamedTuple):
    """The adstock that one series has had of each paid channel, in currency a week.

    Attributes:
        lowest: the least in any week, `(channels,)`; 0 if the channel was off for long enough.
        lowest_on_air: the least in a week on air, of 5 % of the usual spend or more,
            `(channels,)`; 0 without any.
        highest: the most, `(channels,)`.
    """

    lowest: Floats
    lowest_on_air: Floats
    highest: Floats


def learned_range(posterior: Posterior, series: int) -> LearnedRange:
    """What the data have seen of one series, at the posterior mean of the adstock's parameters."""
    panel, paid = posterior.panel, len(posterior.panel.channels)
    carry_in = jnp.asarray(posterior.draws["carry_in"].mean(axis=(0, 1))[:paid])
    adstocked = _compiled_adstocked_media(
        posterior.spec.adstock,
        media_data(panel, posterior.scales, series).first(paid),
        _mean_parameters(posterior),
        carry_in,
    )
    own = slice(int(panel.starts[series]), len(panel))
    level = np.asarray(adstocked)[own] * posterior.scales.spend[series, :paid]
    lowest, highest = level.min(axis=0), level.max(axis=0)
    spend = panel.spend[own, series]
    is_on_air = (spend > 0) & (spend >= LEAST_SPEND_SHARE * usual_spend(spend))
    on_air = np.where(is_on_air, level, np.inf).min(axis=0)
    return LearnedRange(
        lowest=np.where(lowest < AS_GOOD_AS_OFF * level.mean(axis=0), 0.0, lowest),
        lowest_on_air=np.where(np.isinf(on_air), 0.0, on_air),
        highest=highest,
    )


def usual_spend(spend: Floats) -> Floats:
    """Mean of the weeks with spend, by column of `(weeks, ...)`; 0 where there is none."""
    return spend.sum(axis=0) / np.maximum(np.count_nonzero(spend, axis=0), 1)


def is_outside(least: Floats, most: Floats, lowest: Floats, highest: Floats) -> NDArray[np.bool_]:
    """Whether weeks have less adstock than any that was seen, or more; in currency a week.

    Args:
        least: adstock of the week with the least; spend of 0 in a channel that was never off is
            outside.
        most: adstock of the week with the most.
        lowest: that was seen.
        highest: that was seen.
    """
    return (most > highest * (1.0 + TOLERANCE)) | (least < lowest * (1.0 - TOLERANCE))


def settled_range(posterior: Posterior, pattern: Floats) -> tuple[Floats, Floats]:
    """The least and the largest adstock of a pattern of weeks that goes on and on.

    Args:
        posterior: the fit.
        pattern: spend of each week and paid channel, `(weeks, ..., channels)`.

    Returns:
        Shapes `(..., channels)`, in the unit of the pattern.
    """
    times = -(-SETTLED // len(pattern)) + 1
    repeated = np.tile(pattern, (times, *([1] * (pattern.ndim - 1))))
    adstocked = _compiled_adstock(
        posterior.spec.adstock, jnp.asarray(padded(repeated)), _mean_parameters(posterior)
    )
    settled = np.asarray(adstocked)[len(repeated) - len(pattern) : len(repeated)]
    return settled.min(axis=0), settled.max(axis=0)


def _mean_parameters(posterior: Posterior) -> jax.Array:
    """Of the paid channels' adstock."""
    means = posterior.draws["adstock"].mean(axis=(0, 1))
    return jnp.asarray(means[: len(posterior.panel.channels)])


# Compiled once for all series; outside of a program, every call would compile its loop anew.
_compiled_adstock = jax.jit(adstock, static_argnums=0)
_compiled_adstocked_media = jax.jit(adstocked_media, static_argnums=0)
