"""Markets with known truth: the seed's synthetic benchmark, and a national market for the demo."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from hill_mmm._panel import Floats, Panel

DGP = Literal["single", "mixture_k2", "mixture_k3", "mixture_k5"]
FIRST_WEEK = "2021-01-04"


@dataclass(frozen=True)
class Truth:
    """What generated a simulated panel, in the panel's own units.

    Attributes:
        alpha: adstock retention by channel, `(channels,)`.
        weights: mixture weights, `(components,)`.
        amplitude: `(channels, components)`, in currency a week.
        half_saturation: `(channels, components)`, in adstocked currency a week.
        slope: `(channels, components)`.
        sigma: noise standard deviation, in currency.
        expected: expected outcome, `(weeks,)`.
        contribution: expected contribution, `(weeks, channels)`.
    """

    alpha: Floats
    weights: Floats
    amplitude: Floats
    half_saturation: Floats
    slope: Floats
    sigma: float
    expected: Floats
    contribution: Floats


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
    """One data set of the seed's synthetic benchmark: one channel, no controls.

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
        baseline=baseline,
        spend=spend,
        controls=np.empty((weeks, 0)),
        curves=(alpha, weights, amplitude[None], k[None], slope[None]),
        sigma=3.0,
        names=(("media",), ()),
    )


# Channel: mean weekly spend in thousands, share of weeks on air, alpha, A, k over mean spend, n.
_NATIONAL_CHANNELS: dict[str, tuple[float, float, float, float, float, float]] = {
    "tv": (60.0, 0.6, 0.6, 260.0, 1.2, 1.6),
    "search": (35.0, 1.0, 0.2, 190.0, 1.0, 1.0),
    "social": (25.0, 0.9, 0.35, 110.0, 0.9, 1.3),
    "display": (15.0, 0.8, 0.3, 40.0, 1.1, 1.2),
    "radio": (12.0, 0.5, 0.5, 45.0, 0.8, 1.4),
}


def simulate_national_market(seed: int = 0, weeks: int = 156) -> tuple[Panel, Truth]:
    """Three years of a national market: five channels, two controls, trend and seasonality.

    Money is in currency units; ROI runs from under 1 to about 4. One response curve a channel
    (K = 1), so that ROI by channel has one true value.

    Args:
        seed: of the random generator; equal seeds give equal data.
        weeks: length of the series.
    """
    rng = np.random.default_rng(seed)
    table = np.array(list(_NATIONAL_CHANNELS.values()))
    mean_spend, on_air, alpha, amplitude, relative_k, slope = table.T
    spend = rng.gamma(4.0, mean_spend / 4.0, size=(weeks, len(table)))
    spend *= rng.random(spend.shape) < on_air
    time = np.arange(weeks)
    year = 2.0 * np.pi * time / 52.18
    price = np.cumsum(rng.normal(0, 0.15, weeks))
    promotion = (rng.random(weeks) < 0.12).astype(float)
    baseline = 1000.0 + 0.8 * time + 90.0 * np.sin(year) - 60.0 * np.cos(year)
    baseline += 45.0 * (price - price.mean()) + 120.0 * promotion
    thousand = 1000.0
    return _observe(
        rng,
        baseline=baseline * thousand,
        spend=spend * thousand,
        controls=np.column_stack([price, promotion]),
        curves=(
            alpha,
            np.ones(1),
            amplitude[:, None] * thousand,
            (relative_k * mean_spend)[:, None] * thousand,
            slope[:, None],
        ),
        sigma=35.0 * thousand,
        names=(tuple(_NATIONAL_CHANNELS), ("competitor_price", "promotion")),
    )


def _observe(
    rng: np.random.Generator,
    *,
    baseline: Floats,
    spend: Floats,
    controls: Floats,
    curves: tuple[Floats, Floats, Floats, Floats, Floats],
    sigma: float,
    names: tuple[tuple[str, ...], tuple[str, ...]],
) -> tuple[Panel, Truth]:
    alpha, weights, amplitude, k, slope = curves
    adstocked = _adstock(spend, alpha)[:, :, None]
    effect = amplitude * adstocked**slope / (k**slope + adstocked**slope)
    regime = rng.choice(len(weights), size=len(spend), p=weights)
    mean = baseline + effect.sum(axis=1)[np.arange(len(spend)), regime]
    contribution = effect @ weights
    panel = Panel(
        series=("national",),
        weeks=pd.date_range(FIRST_WEEK, periods=len(spend), freq="7D")
        .to_numpy()
        .astype("datetime64[D]"),
        outcome=rng.normal(mean, sigma)[:, None],
        spend=spend[:, None],
        organic=np.empty((len(spend), 1, 0)),
        controls=controls[:, None],
        starts=np.zeros(1, dtype=np.int64),
        channels=names[0],
        organic_names=(),
        control_names=names[1],
    )
    expected = baseline + contribution.sum(axis=1)
    return panel, Truth(*curves, sigma, expected, contribution)


def _adstock(spend: Floats, alpha: Floats) -> Floats:
    """The recursion itself, so that the model's closed form is tested against another way."""
    carried = np.zeros(spend.shape[1])
    weeks = []
    for week in spend:
        carried = week + alpha * carried
        weeks.append(carried)
    return (1.0 - alpha) * np.array(weeks)
