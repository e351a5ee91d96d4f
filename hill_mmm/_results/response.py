"""Response curves: what a channel would bring at other levels of spend."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hill_mmm._model.adstock import Media
from hill_mmm._model.curves import Curves
from hill_mmm._model.media import media_data
from hill_mmm._model.padding import padded
from hill_mmm._model.worth import present_unit_value
from hill_mmm._posterior import Posterior, over_draws
from hill_mmm._results.decompose import current_curves
from hill_mmm._results.learned import is_outside, learned_range
from hill_mmm.panel import ALL_SERIES, Floats
from hill_mmm.spec import AdstockKind

Basis = Literal["steady_state", "historical_pattern"]


@dataclass(frozen=True)
class CurvePoints:
    """Response of each paid channel of one series over a grid of spend multipliers.

    Attributes:
        series: its name, or `ALL_SERIES`.
        basis: `steady_state`, the same spend every week with carry-over settled; or
            `historical_pattern`, the weeks as they were, all multiplied.
        multipliers: of the channel's mean weekly spend, `(points,)`.
        weekly_spend: `(points, channels)`.
        contribution: mean weekly incremental outcome, `(draws, points, channels)`.
        gain: its derivative by a relative increase of the spend, `(draws, points, channels)`, in
            the outcome's unit.
        money: `gain` in money, at what a unit of the outcome is worth in the last 13 weeks.
        is_extrapolated: where the curve has met no data, `(points, channels)`.
    """

    series: str
    basis: Basis
    multipliers: Floats
    weekly_spend: Floats
    contribution: Floats
    gain: Floats
    money: Floats
    is_extrapolated: NDArray[np.bool_]

    @property
    def marginal(self) -> Floats:
        """Outcome that the next unit of spend brings, `(draws, points, channels)`."""
        return self._by_spend(self.gain)

    @property
    def mroi(self) -> Floats:
        """Money that the next unit of spend brings, `(draws, points, channels)`."""
        return self._by_spend(self.money)

    def _by_spend(self, gain: Floats) -> Floats:
        spend = self.weekly_spend
        return np.divide(gain, spend, out=np.full_like(gain, np.nan), where=spend > 0)


def response_points(
    posterior: Posterior, series: int, multipliers: Floats, basis: Basis
) -> CurvePoints:
    """The response curves of one series, over the regimes of a mixture by their weights.

    Of an effect that moves they are that of the last week fitted to, on both bases.

    A point is extrapolated if some week's adstock is more, or less, than all that the data have
    seen (see `learned_range`). One of the historical pattern is if its multiplier exceeds 1; or is
    below 1, and the channel was never off.

    Args:
        posterior: the fit.
        series: index of the series.
        multipliers: of the mean weekly spend, `(points,)`, positive.
        basis: see `CurvePoints`.
    """
    panel, kind = posterior.panel, posterior.spec.adstock
    paid = len(panel.channels)
    start = int(panel.starts[series])
    media = media_data(panel, posterior.scales, series).first(paid)
    mean = panel.spend[start:, series].mean(axis=0) / posterior.scales.spend[series, :paid]
    curves = _paid_curves(current_curves(posterior, series), paid)
    grid = jnp.asarray(multipliers)
    if basis == "steady_state":
        effect, gain = _steady_response(grid[:, None] * mean, curves)
    else:
        weeks = np.arange(len(panel)) >= start
        share = jnp.asarray(padded(weeks / weeks.sum()))
        effect, gain = _historical_response(media, share, grid, curves, kind)
    scale = posterior.scales.outcome[series]
    weekly_spend = multipliers[:, None] * panel.spend[start:, series].mean(axis=0)
    gain = np.asarray(gain) * scale
    seen = learned_range(posterior, series)
    # Constant spend is its own adstock; multiplied weeks have the least and the most multiplied.
    least = most = weekly_spend
    if basis == "historical_pattern":
        least, most = (multipliers[:, None] * each for each in (seen.lowest, seen.highest))
    return CurvePoints(
        series=panel.series[series],
        basis=basis,
        multipliers=multipliers,
        weekly_spend=weekly_spend,
        contribution=np.asarray(effect) * scale,
        gain=gain,
        money=gain * present_unit_value(panel, posterior.spec)[series],
        is_extrapolated=is_outside(least, most, seen.lowest, seen.highest),
    )


def total_response(parts: Iterable[CurvePoints]) -> CurvePoints:
    """The sum over series at common multipliers; extrapolated where any series is."""
    first, *others = parts
    summed = {
        name: sum((getattr(part, name) for part in others), start=getattr(first, name))
        for name in ("weekly_spend", "contribution", "gain", "money")
    }
    beyond = np.logical_or.reduce([part.is_extrapolated for part in (first, *others)])
    return replace(first, series=ALL_SERIES, is_extrapolated=beyond, **summed)


def _paid_curves(curves: Curves, paid: int) -> Curves:
    by_medium = ("adstock", "carry_in", "amplitude", "half_saturation", "slope")
    return curves._replace(**{name: getattr(curves, name)[:, :paid] for name in by_medium})


@jax.jit
def _steady_response(spend: jax.Array, curves: Curves) -> tuple[jax.Array, jax.Array]:
    """Constant spend is its own normalised adstock, so the Hill curve itself is the answer."""

    def one(draw: Curves) -> tuple[jax.Array, jax.Array]:
        mixture = draw.weighted()
        return mixture.effect(spend, None).sum(axis=2), mixture.gain(spend, None).sum(axis=2)

    return over_draws(one, curves)


@partial(jax.jit, static_argnums=4)
def _historical_response(
    media: Media, share: jax.Array, multipliers: jax.Array, curves: Curves, kind: AdstockKind
) -> tuple[jax.Array, jax.Array]:
    """Mean over the weeks; `share` is each week's in it, 0 before the series' start."""

    def one(draw: Curves) -> tuple[jax.Array, jax.Array]:
        scaled = multipliers[:, None, None] * draw.adstocked(kind, media)
        mixture = draw.weighted()
        effect, gain = mixture.effect(scaled, None), mixture.gain(scaled, None)
        return share @ effect.sum(axis=3), share @ gain.sum(axis=3)

    return over_draws(one, curves)
