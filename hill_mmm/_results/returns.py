"""What the spend of a period brings: the outcome with it, less the outcome without it.

The contribution of a period's weeks is another quantity: spend of earlier weeks that still works in
them counts in it, and what their own spend brings later does not. A return needs the effect of the
very spend that it is divided by.

Adstock is linear in spend: without the spend of a period, each week's adstock is less by what that
spend alone leaves in it. So a period costs one adstock of its own weeks and those after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hill_mmm._model.adstock import Media, adstock
from hill_mmm._model.curves import Curves
from hill_mmm._model.media import media_data
from hill_mmm._model.padding import padded
from hill_mmm._model.worth import unit_values
from hill_mmm._posterior import Posterior, over_draws
from hill_mmm._results.decompose import series_curves
from hill_mmm._results.periods import Period
from hill_mmm._results.regimes import week_regimes
from hill_mmm.panel import ALL_SERIES, Floats, Panel
from hill_mmm.spec import AdstockKind

# Weeks after a period, or after a plan's horizon, in which what its spend carries over counts: 1 %
# is left of an alpha of 0.84.
WEEKS_AFTER = 26
# After the panel's last week every medium goes on at its mean of so many last weeks.
GOES_ON_AS_LAST = 13
# Lengths, in weeks, that shorter periods are brought to, so that they share an array: quarters and
# months, and years. Their number is brought to a multiple of the other, to share the program.
LENGTHS = (14, 53)
PERIODS_TOGETHER = 4
# What `PeriodReturns` has by draw, period and medium.
QUANTITIES = ("effect", "money", "gain")


@dataclass(frozen=True)
class PeriodReturns:
    """The effect of each period's own spend, of one series or the sum of all; draws flattened.

    Attributes:
        series: its name, or `ALL_SERIES` for the sum over all.
        periods: the periods.
        effect: outcome that the period's spend brings, in the period and `WEEKS_AFTER` it,
            `(draws, periods, media)`.
        money: what that is worth, each week's at its own value (`unit_values`); NaN if not known.
        gain: derivative of `money` by a uniform relative increase of the period's spend,
            `(draws, periods, media)`.
    """

    series: str
    periods: tuple[Period, ...]
    effect: Floats
    money: Floats
    gain: Floats


class _Windows(NamedTuple):
    """Periods of like length, each with the weeks after it; on the scales of one series.

    Attributes:
        position: of each week in the panel and the weeks after it, `(weeks, periods)`.
        own: spend of the period, 0 in the weeks after it, `(weeks, periods, media)`.
        counted: 1 where the week is one of the period or of the `WEEKS_AFTER` it.
        worth: money that a unit of the outcome is worth where the week is counted, and 0 elsewhere.
    """

    position: jax.Array
    own: jax.Array
    counted: jax.Array
    worth: jax.Array


def returns_with_total(
    posterior: Posterior, panel: Panel, periods: Sequence[Period]
) -> Iterator[PeriodReturns]:
    """The effect of each period's spend by series and, where there are several, of their sum.

    What is spent in other weeks stays as it was: a week's counterfactual is that week with all
    spend but the period's. In the weeks after the panel's last, every medium goes on at its mean of
    the last 13 weeks.

    Args:
        posterior: the fit.
        panel: the weeks, which start with the fit's.
        periods: on the weeks of the panel.
    """
    running: PeriodReturns | None = None
    longer = _going_on(panel)
    regimes = week_regimes(posterior, len(padded(longer.outcome)))
    for series, probability in enumerate(regimes):
        found = _series_returns(posterior, longer, tuple(periods), probability, series)
        yield found
        if len(panel.series) > 1:
            running = found if running is None else _sum(running, found)
    if running is not None:
        yield running


def _sum(one: PeriodReturns, other: PeriodReturns) -> PeriodReturns:
    summed = {name: getattr(one, name) + getattr(other, name) for name in QUANTITIES}
    return replace(one, series=ALL_SERIES, **summed)


def _going_on(panel: Panel) -> Panel:
    """The panel and the weeks after it in which effects are counted."""
    media = np.tile(panel.media[-GOES_ON_AS_LAST:].mean(axis=0), (WEEKS_AFTER, 1, 1))
    # Media's effects do not depend on the controls.
    return panel.extended(media, np.zeros((WEEKS_AFTER, *panel.controls.shape[1:])))


def _series_returns(
    posterior: Posterior,
    longer: Panel,
    periods: tuple[Period, ...],
    regimes: jax.Array,
    series: int,
) -> PeriodReturns:
    media, start = media_data(longer, posterior.scales, series), int(longer.starts[series])
    within = [period.within(longer.weeks) for period in periods]
    # What led into a series' weeks is in no period of it.
    own = [slice(max(weeks.start, start), max(weeks.stop, start)) for weeks in within]
    spend, worth = np.asarray(media.spend), unit_values(longer, posterior.spec)[:, series]
    groups = _of_like_length([weeks.stop - weeks.start for weeks in own], len(spend))
    windows = [
        _windows(spend, worth, [own[period] for period in group], length)
        for length, group in groups.items()
    ]
    found = _effect_and_money(
        media,
        windows,
        series_curves(posterior, series),
        regimes,
        posterior.knot_weights(len(spend)),
        posterior.spec.adstock,
    )
    # Each group has been filled up to round numbers.
    order = np.argsort(np.concatenate([*groups.values()]))
    scale = float(posterior.scales.outcome[series])
    by_quantity = (
        scale
        * np.concatenate(
            [
                np.asarray(values)[:, : len(group)]
                for values, group in zip(of_groups, groups.values(), strict=True)
            ],
            axis=1,
        )[:, order]
        for of_groups in found
    )
    return PeriodReturns(longer.series[series], periods, *by_quantity)


def _of_like_length(lengths: list[int], longest: int) -> dict[int, list[int]]:
    """The periods, by number, under the length that they are brought to."""
    groups: dict[int, list[int]] = {}
    for period, length in enumerate(lengths):
        brought_to = next((each for each in LENGTHS if length <= each), longest)
        groups.setdefault(brought_to, []).append(period)
    return groups


def _windows(spend: Floats, worth: Floats, own: list[slice], length: int) -> _Windows:
    """Programs are shared by like shapes, so periods of no weeks fill the last places."""
    missing = -len(own) % PERIODS_TOGETHER if length in LENGTHS else 0
    filled = [*own, *[slice(0, 0)] * missing]
    start, stop = np.array([[weeks.start, weeks.stop] for weeks in filled]).T
    week = start + np.arange(length + WEEKS_AFTER)[:, None]
    # The weeks are padded, and what comes after the last is never counted.
    position = np.minimum(week, len(spend) - 1)
    is_counted = week < stop + WEEKS_AFTER
    return _Windows(
        position=jnp.asarray(position),
        own=jnp.asarray(spend[position] * (week < stop)[:, :, None]),
        counted=jnp.asarray(is_counted.astype(np.float64)),
        worth=jnp.asarray(np.where(is_counted, worth[np.minimum(week, len(worth) - 1)], 0.0)),
    )


@partial(jax.jit, static_argnums=5)
def _effect_and_money(
    media: Media,
    windows: list[_Windows],
    curves: Curves,
    regimes: jax.Array,
    at: jax.Array | None,
    kind: AdstockKind,
) -> tuple[list[jax.Array], ...]:
    """Of each group of periods the `QUANTITIES`, `(draws, periods, media)`, scaled.

    Each week is in the regime that it was in, with and without the period's spend: `regimes` are
    the probabilities, `(draws, weeks, components)`. And in the week's effect: `at` as `Curves` has
    it, `(weeks, knots)`.
    """

    def one(given: tuple[Curves, jax.Array]) -> tuple[list[jax.Array], ...]:
        draw, regime = given
        adstocked = draw.adstocked(kind, media)
        effect, gain = (
            jnp.einsum("tmk,tk->tm", by_regime, regime)
            for by_regime in (draw.effect(adstocked, at), draw.gain(adstocked, at))
        )
        effects: list[jax.Array] = []
        moneys: list[jax.Array] = []
        gains: list[jax.Array] = []
        for group in windows:
            left = adstock(kind, group.own, draw.adstock)
            with_it = adstocked[group.position]
            at_position = None if at is None else at[group.position]
            without = draw.effect(jnp.maximum(with_it - left, 0.0), at_position)
            without = jnp.einsum("tpmk,tpk->tpm", without, regime[group.position])
            share = left / jnp.where(with_it > 0, with_it, 1.0)
            brought = effect[group.position] - without
            effects.append(jnp.einsum("tp,tpm->pm", group.counted, brought))
            moneys.append(jnp.einsum("tp,tpm->pm", group.worth, brought))
            gains.append(jnp.einsum("tp,tpm->pm", group.worth, gain[group.position] * share))
        return effects, moneys, gains

    return over_draws(one, (curves, regimes))
