"""The media of a panel as the adstock takes them."""

import jax.numpy as jnp
import numpy as np

from hill_mmm._model.adstock import Media
from hill_mmm._model.padding import padded
from hill_mmm._model.scales import Scales
from hill_mmm.panel import Panel

# Whose mean spend is the steady level before them: long enough to hold a pause of a campaign, short
# enough to be of the time before the panel.
FIRST_WEEKS = 8


def media_data(panel: Panel, scales: Scales, series: int | None = None) -> Media:
    """The media of a panel, or of one series of it, on the scales of a model version.

    Their weeks are padded.
    """
    which = slice(None) if series is None else series
    starts = np.asarray(panel.media_starts[which])
    media = padded(panel.media[:, which] / scales.spend[which])
    week = np.arange(len(media)).reshape(-1, *(1,) * starts.ndim) - starts
    is_first = (week >= 0) & (week < FIRST_WEEKS)
    before = np.mean(media, axis=0, where=np.broadcast_to(is_first[..., None], media.shape))
    return Media(*map(jnp.asarray, (media, before, week[..., None])))
