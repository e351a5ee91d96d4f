"""Markets with known truth: the seed's synthetic benchmark, a national market, many regions."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from hill_mmm.panel import WEEK, Floats, Integers, Panel
from hill_mmm.spec import LiftTest

DGP = Literal["single", "mixture_k2", "mixture_k3", "mixture_k5"]
FIRST_WEEK = np.datetime64("2021-01-04", "D")
THOUSAND = 1000.0


@dataclass(frozen=True)
class Truth:
    """What generated a simulated panel, in the panel's own units.

    Attributes:
        alpha: adstock retention by channel, `(channels,)`.
        weights: mixture weights, `(components,)`.
        amplitude: `(series, channels, components)`, in currency a week.
        half_saturation: `(series, channels, components)`, in adstocked currency a week.
        slope: `(channels, components)`.
        sigma: noise standard deviation, `(series,)`, in currency.
        expected: outcome expected before the week's regime is known, `(weeks, series)`; NaN before
            a series' start.
        contribution: in the regime that each week was in, `(weeks, series, channels)`.
        regime: index of it among the components, `(weeks, series)`.
    """

    alpha: Floats
    weights: Floats
    amplitude: Floats
    half_saturation: Floats
    slope: Floats
    sigma: Floats
    expected: Floats
    contribution: Floats
    regime: Integers


# Weights, A, k over the median adstocked spend, n.
_SEED_DGPS: dict[DGP, tuple[list[float], list[float], list[float], list[float]]] = {
    "single": ([1.0], [30], [1.0], [1.5]),
    "mixture_k2": ([0.6, 0.4], [20, 40], [0.7, 1.3], [2, 1.2]),
    "mixture_k3": ([0.4, 0.3, 0.3], [15, 30, 60], [0.5, 1, 1.2], [2, 1.5, 1]),
    "mixture_k5": (
        [0.3, 0.25, 0.2, 0.15, 0.1],
        [10, 20, 35, 50, 70],
        [0.4, 0.7, 1, 1.3, 1.6],
        [2.5, 2, 1.5, 1.2, 1],
    ),
}


def simulate_seed_benchmark(dgp: DGP, seed: int, weeks: int = 200) -> tuple[Panel, Truth]:
    """One data set of the seed's benchmark (docs/seed.md, section 5.1): one channel, no controls.

    Spend ~ LogNormal(1.5, 0.6) each week, alpha 0.5, intercept 50, slope 2 on the standardised
    time index, noise 3.

    Args:
        dgp: which of the four data-generating processes.
        seed: of the random generator; equal seeds give equal data.
        weeks: length of the series.
    """
    weights, amplitude, relative_k, slope = (np.array(column) for column in _SEED_DGPS[dgp])
    rng = np.random.default_rng(seed)
    spend = rng.lognormal(1.5, 0.6, size=(weeks, 1))
    alpha = np.array([0.5])
    k = relative_k * np.median(_adstock(spend, alpha))
    time = np.arange(weeks)
    baseline = 50.0 + 2.0 * (time - time.mean()) / time.std()
    return _observe(
        rng,
        _Market(
            series=("national",),
            starts=np.zeros(1, dtype=np.int64),
            baseline=baseline[:, None],
            spend=spend[:, None],
            controls=np.empty((weeks, 1, 0)),
            channels=("media",),
            control_names=(),
        ),
        _Curves(alpha, weights, amplitude[None, None], k[None, None], slope[None]),
        sigma=np.array([3.0]),
    )


# Channel: mean weekly spend in thousands, share of weeks on air, alpha, A, k over mean spend, n.
_NATIONAL_CHANNELS: dict[str, tuple[float, float, float, float, float, float]] = {
    "tv": (60.0, 0.6, 0.6, 260.0, 1.2, 1.6),
    "search": (35.0, 1.0, 0.2, 190.0, 1.0, 1.0),
    "social": (25.0, 0.9, 0.35, 110.0, 0.9, 1.3),
    "display": (15.0, 0.8, 0.3, 40.0, 1.1, 1.2),
    "radio": (12.0, 0.5, 0.5, 45.0, 0.8, 1.4),
}


def simulate_national_market(
    seed: int = 0, weeks: int = 156, *, misallocation: float = 0.0
) -> tuple[Panel, Truth]:
    """Three years of a national market: five channels, two controls, trend and seasonality.

    Money is in currency units; ROI runs from under 1 to about 4. One response curve a channel
    (K = 1), so that ROI by channel has one true value.

    Args:
        seed: of the random generator; equal seeds give equal data.
        weeks: length of the series.
        misallocation: of the spend over the channels: the standard deviation of the logarithm by
            which each one's is off. At 0 the allocation is nearly the best for its budget.
    """
    rng = np.random.default_rng(seed)
    table = np.array(list(_NATIONAL_CHANNELS.values()))
    mean_spend, on_air, alpha, amplitude, relative_k, slope = table.T
    # Of a generator of its own, so that a market without it is the same as ever.
    off = np.random.default_rng([seed, 1]).lognormal(0.0, misallocation, len(table))
    spend = off * rng.gamma(4.0, mean_spend / 4.0, size=(weeks, len(table)))
    spend *= rng.random(spend.shape) < on_air
    time = np.arange(weeks)
    year = 2.0 * np.pi * time / 52.18
    price = np.cumsum(rng.normal(0, 0.15, weeks))
    promotion = (rng.random(weeks) < 0.12).astype(float)
    baseline = 1000.0 + 0.8 * time + 90.0 * np.sin(year) - 60.0 * np.cos(year)
    baseline += 45.0 * (price - price.mean()) + 120.0 * promotion
    return _observe(
        rng,
        _Market(
            series=("national",),
            starts=np.zeros(1, dtype=np.int64),
            baseline=baseline[:, None] * THOUSAND,
            spend=spend[:, None] * THOUSAND,
            controls=np.column_stack([price, promotion])[:, None],
            channels=tuple(_NATIONAL_CHANNELS),
            control_names=("competitor_price", "promotion"),
        ),
        _Curves(
            alpha,
            np.ones(1),
            amplitude[None, :, None] * THOUSAND,
            (relative_k * mean_spend)[None, :, None] * THOUSAND,
            slope[:, None],
        ),
        sigma=np.array([35.0 * THOUSAND]),
    )


# ROI of each of the national channels, common to all regions.
_REGIONAL_ROI = np.array([1.8, 2.6, 2.0, 0.8, 1.2])
_REGIONAL_ROI_SD_LOG = 0.3
_WEEKS_LATE = 26


def simulate_geo_market(seed: int = 0, series: int = 8, weeks: int = 104) -> tuple[Panel, Truth]:
    """Regions of one market that share the national channels' curves, but not their effects.

    Regions differ in size, level, trend, season and noise. The ROI of a channel is LogNormal about
    a common value (sd of the logarithm 0.3); half-saturation is common on the scale of each
    region's own spend. Every fourth region starts 26 weeks after the others.

    Args:
        seed: of the random generator; equal seeds give equal data.
        series: number of regions.
        weeks: length of the longest series, more than 26.
    """
    rng = np.random.default_rng(seed)
    table = np.array(list(_NATIONAL_CHANNELS.values()))
    mean_spend, on_air, alpha, _, relative_k, slope = table.T
    starts = np.where(np.arange(series) % 4 == 3, _WEEKS_LATE, 0)
    observed = np.arange(weeks)[:, None] >= starts
    size = THOUSAND * rng.lognormal(-2.0, 0.5, series)
    spend = size[:, None] * rng.gamma(4.0, mean_spend / 4.0, size=(weeks, series, len(table)))
    spend *= (rng.random(spend.shape) < on_air) & observed[:, :, None]
    price = np.cumsum(rng.normal(0.0, 0.15, (weeks, series)), axis=0)

    k = (relative_k * spend.sum(axis=0) / (spend > 0).sum(axis=0))[:, :, None]
    shape = _saturation(spend, alpha, k, slope[:, None]).sum(axis=0)
    roi = _REGIONAL_ROI * rng.lognormal(0.0, _REGIONAL_ROI_SD_LOG, (series, len(table)))
    amplitude = (roi * spend.sum(axis=0))[:, :, None] / shape
    return _observe(
        rng,
        _Market(
            series=tuple(f"region_{number + 1:02d}" for number in range(series)),
            starts=starts,
            baseline=size * _regional_baseline(rng, price),
            spend=spend,
            controls=(price * observed)[:, :, None],
            channels=tuple(_NATIONAL_CHANNELS),
            control_names=("competitor_price",),
        ),
        _Curves(alpha, np.ones(1), amplitude, k, slope[:, None]),
        sigma=size * 40.0 * rng.lognormal(0.0, 0.2, series),
    )


def _regional_baseline(rng: np.random.Generator, price: Floats) -> Floats:
    """Level, trend, season and control of regions of size 1, `(weeks, series)`."""
    weeks, series = price.shape
    time = np.arange(weeks)[:, None]
    year = 2.0 * np.pi * time / 52.18
    level = 1000.0 * rng.lognormal(0.0, 0.1, series)
    baseline = level + rng.normal(0.8, 0.4, series) * time
    baseline += rng.normal(90.0, 20.0, series) * np.sin(year)
    baseline -= rng.normal(60.0, 20.0, series) * np.cos(year)
    return baseline + rng.normal(45.0, 10.0, series) * price


def simulate_lift_test(
    panel: Panel,
    truth: Truth,
    channel: str,
    start_week: int,
    weeks: int,
    relative_error: float,
    seed: int,
    *,
    series: str | None = None,
) -> LiftTest:
    """An experiment on a simulated market: a channel's true lift, measured with Normal error.

    The lift is the expected outcome of the test's weeks, in the regimes that they were in, minus
    what it would have been, had the channel spent nothing in them.

    Args:
        panel: the market.
        truth: what generated it.
        channel: the paid channel tested.
        start_week: index of the test's first week in the panel.
        weeks: length of the test.
        relative_error: standard error of the measurement, over the true lift.
        seed: of the random generator.
        series: the series tested, or None for all together.

    Raises:
        ValueError: if the channel spent nothing in those weeks.
    """
    tested = slice(start_week, start_week + weeks)
    rows = slice(None) if series is None else panel.series.index(series)
    without = panel.spend.copy()
    without[tested, :, panel.channels.index(channel)] = 0.0
    lost = (_realised(panel.spend, truth) - _realised(without, truth))[tested, rows]
    lift = float(lost.sum())
    error = relative_error * lift
    return LiftTest(
        channel=channel,
        start=str(panel.weeks[tested][0]),
        end=str(panel.weeks[tested][-1]),
        lift=float(np.random.default_rng(seed).normal(lift, error)),
        standard_error=error,
        series=series,
    )


class _Market(NamedTuple):
    """A panel before its outcome, and the baseline of the outcome, `(weeks, series)`."""

    series: tuple[str, ...]
    starts: Integers
    baseline: Floats
    spend: Floats
    controls: Floats
    channels: tuple[str, ...]
    control_names: tuple[str, ...]


class _Curves(NamedTuple):
    """The curves' parameters as in `Truth`."""

    alpha: Floats
    weights: Floats
    amplitude: Floats
    half_saturation: Floats
    slope: Floats


def _observe(
    rng: np.random.Generator, market: _Market, curves: _Curves, sigma: Floats
) -> tuple[Panel, Truth]:
    effect = _effect(market.spend, curves)
    regime = rng.choice(len(curves.weights), size=market.baseline.shape, p=curves.weights)
    by_regime = effect.sum(axis=2)
    mean = market.baseline + np.take_along_axis(by_regime, regime[:, :, None], axis=2)[:, :, 0]
    observed = np.arange(len(mean))[:, None] >= market.starts
    panel = Panel(
        series=market.series,
        weeks=FIRST_WEEK + np.arange(len(mean)) * WEEK,
        outcome=np.where(observed, rng.normal(mean, sigma), np.nan),
        spend=market.spend,
        organic=np.empty((*mean.shape, 0)),
        controls=market.controls,
        starts=market.starts,
        media_starts=market.starts,
        channels=market.channels,
        organic_names=(),
        control_names=market.control_names,
    )
    mean_effect = (effect @ curves.weights).sum(axis=2)
    expected = np.where(observed, market.baseline + mean_effect, np.nan)
    return panel, Truth(*curves, sigma, expected, _in_regime(effect, regime), regime)


def _realised(spend: Floats, truth: Truth) -> Floats:
    """Effect of each channel in the regime of each week, `(weeks, series, channels)`."""
    return _in_regime(_effect(spend, truth), truth.regime[: len(spend)])


def _in_regime(effect: Floats, regime: Integers) -> Floats:
    return np.take_along_axis(effect, regime[:, :, None, None], axis=3)[:, :, :, 0]


def _effect(spend: Floats, curves: _Curves | Truth) -> Floats:
    """Effect of each channel in each regime, `(weeks, series, channels, components)`."""
    shape = _saturation(spend, curves.alpha, curves.half_saturation, curves.slope)
    return curves.amplitude * shape


def _saturation(spend: Floats, alpha: Floats, half_saturation: Floats, slope: Floats) -> Floats:
    risen = _adstock(spend, alpha)[..., None] ** slope
    return risen / (half_saturation**slope + risen)


def _adstock(spend: Floats, alpha: Floats) -> Floats:
    """Geometric adstock week by week, `(weeks, ..., channels)`."""
    carried = np.zeros(spend.shape[1:])
    weeks: list[Floats] = []
    for week in spend:
        carried = week + alpha * carried
        weeks.append(carried)
    return (1.0 - alpha) * np.array(weeks)
