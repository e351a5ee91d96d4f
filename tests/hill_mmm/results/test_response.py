from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import Fit, ModelSpec, Panel
from hill_mmm._results.learned import learned_range
from hill_mmm._results.response import Basis, CurvePoints, response_points, total_response
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import decompose

BASES: list[Basis] = ["steady_state", "historical_pattern"]
both_bases = pytest.mark.parametrize("basis", BASES)


def curves_of(fit: Fit, multipliers: list[float], basis: Basis) -> list[CurvePoints]:
    """The curves of every series."""
    grid = np.array(multipliers)
    return [response_points(fit, g, grid, basis) for g in range(len(fit.panel.series))]


def of_any_week(fit: Fit) -> Fit:
    """The fit without knowledge of a week's regime: a response curve is of weeks to come."""
    return replace(fit, prior_only=True)


def with_spend(fit: Fit, spend: np.ndarray) -> Panel:
    return replace(fit.panel, spend=spend * fit.panel.observed[:, :, None])


@pytest.mark.parametrize("kind", ["geometric", "delayed", "weibull"])
def test_the_steady_state_is_where_constant_spend_arrives(
    market: Panel, invent_fit: Callable[..., Fit], kind: str
) -> None:
    spec = ModelSpec(components=2, adstock=kind, trend="linear", fourier_order=1)  # pyright: ignore[reportArgumentType]
    fit = invent_fit(market.head(91), spec)
    # Geometric retention of 0.8 at most: 0.8**90 = 2e-9 of the start is left at the end.
    settled = of_any_week(replace(fit, draws=fit.draws | {"adstock": 0.8 * fit.draws["adstock"]}))
    mean = settled.panel.spend.mean(axis=0)
    (points,) = curves_of(settled, [0.5, 1.5], "steady_state")
    for point, multiplier in enumerate([0.5, 1.5]):
        spend = np.broadcast_to(multiplier * mean, settled.panel.spend.shape)
        (part,) = decompose(settled, with_spend(settled, spend))
        np.testing.assert_allclose(points.contribution[:, point], part.media[:, -1], rtol=1e-6)
        np.testing.assert_allclose(points.gain[:, point], part.media_gain[:, -1], rtol=1e-6)


def test_a_seriess_steady_state_is_in_its_own_units(regional_mixture: Fit) -> None:
    settled = of_any_week(
        replace(
            regional_mixture,
            draws=regional_mixture.draws | {"adstock": 0.6 * regional_mixture.draws["adstock"]},
        )
    )
    panel, paid = settled.panel, len(settled.panel.channels)
    mean = panel.spend.sum(axis=0) / panel.observed.sum(axis=0)[:, None]
    constant = with_spend(settled, np.broadcast_to(mean, panel.spend.shape))
    parts = decompose(settled, constant)
    for g, (points, part) in enumerate(
        zip(curves_of(settled, [1.0], "steady_state"), parts, strict=True)
    ):
        np.testing.assert_allclose(points.weekly_spend, mean[[g]], rtol=1e-12)
        np.testing.assert_allclose(points.contribution[:, 0], part.media[:, -1, :paid], rtol=1e-6)


@pytest.mark.parametrize("multiplier", [0.5, 1.0, 2.0])
def test_the_historical_pattern_is_the_mean_week_with_its_spend_multiplied(
    mixture: Fit, multiplier: float
) -> None:
    panel, paid = mixture.panel, len(mixture.panel.channels)
    multiplied = decompose(of_any_week(mixture), with_spend(mixture, multiplier * panel.spend))
    points = curves_of(mixture, [multiplier], "historical_pattern")
    for point, part in zip(points, multiplied, strict=True):
        mean = part.media[:, :, :paid].mean(axis=1)
        np.testing.assert_allclose(point.contribution[:, 0], mean, rtol=1e-9)
        gain = part.media_gain[:, :, :paid].mean(axis=1)
        np.testing.assert_allclose(point.gain[:, 0], gain, rtol=1e-9)
        np.testing.assert_allclose(point.weekly_spend[0], part.spend.mean(axis=0), rtol=1e-12)


@both_bases
def test_mroi_is_the_slope_of_the_curve(mixture: Fit, basis: Basis) -> None:
    at, step = np.array([0.25, 1.0, 3.0]), 1e-5
    middle, up, down = (
        curves_of(mixture, list(at * (1 + change)), basis) for change in (0.0, step, -step)
    )
    for points, more, less in zip(middle, up, down, strict=True):
        spent = points.weekly_spend[0] > 0
        slope = (more.contribution - less.contribution)[:, :, spent] / (
            more.weekly_spend - less.weekly_spend
        )[:, spent]
        np.testing.assert_allclose(points.mroi[:, :, spent], slope, rtol=1e-6)


@both_bases
def test_mroi_of_the_sum_is_the_slope_of_the_summed_curve(
    regional_mixture: Fit, basis: Basis
) -> None:
    step = 1e-5
    points, up, down = (
        total_response(curves_of(regional_mixture, [1 + change], basis))
        for change in (0.0, step, -step)
    )
    slope = (up.contribution - down.contribution) / (up.weekly_spend - down.weekly_spend)
    np.testing.assert_allclose(points.mroi, slope, rtol=1e-6)


@both_bases
def test_the_sum_is_over_the_series(regional_mixture: Fit, basis: Basis) -> None:
    parts = curves_of(regional_mixture, [0.5, 1.0, 1.5], basis)
    everything = total_response(iter(parts))
    assert (everything.series, everything.basis) == (ALL_SERIES, basis)
    for name in ("weekly_spend", "contribution", "gain"):
        by_hand = np.sum([getattr(part, name) for part in parts], axis=0)
        np.testing.assert_allclose(getattr(everything, name), by_hand, rtol=1e-12)
    beyond = np.any([part.is_extrapolated for part in parts], axis=0)
    np.testing.assert_array_equal(everything.is_extrapolated, beyond)


@both_bases
def test_the_curve_never_falls(mixture: Fit, basis: Basis) -> None:
    for points in curves_of(mixture, [0.25, 0.5, 1.0, 2.0, 5.0], basis):
        spent = points.weekly_spend[0] > 0
        assert (np.diff(points.contribution[:, :, spent], axis=1) > 0).all()
        assert (points.mroi[:, :, spent] > 0).all()


@both_bases
def test_a_channel_that_a_series_lacks_brings_nothing(regional_mixture: Fit, basis: Basis) -> None:
    radio = regional_mixture.panel.channels.index("radio")
    points = curves_of(regional_mixture, [1.0, 2.0], basis)[1]
    assert not points.weekly_spend[:, radio].any()
    assert not points.contribution[:, :, radio].any()
    assert np.isnan(points.mroi[:, :, radio]).all()


def test_the_steady_state_is_extrapolated_outside_of_the_adstock(
    market: Panel, invent_fit: Callable[..., Fit]
) -> None:
    # Search so steady that twice its mean was never spent.
    spend = market.spend.copy()
    spend[:, :, 1] = spend[:, :, 1].mean() + 0.1 * (spend[:, :, 1] - spend[:, :, 1].mean())
    fit = invent_fit(
        replace(market, spend=spend).head(91),
        ModelSpec(components=2, trend="linear", fourier_order=1),
    )
    multipliers = list(np.arange(1, 41) / 20)
    (points,) = curves_of(fit, multipliers, "steady_state")
    for channel in range(len(market.channels)):
        alpha = fit.draws["adstock"][:, :, channel, 0].mean()
        spend = fit.panel.spend[:, 0, channel]
        carry_in = fit.draws["carry_in"][:, :, channel].mean()
        carried, seen = carry_in * spend[:8].mean() / (1 - alpha), []
        for week in spend:
            carried = week + alpha * carried
            seen.append((1 - alpha) * carried)
        least = 0.0 if min(seen) < 0.05 * np.mean(seen) else min(seen)
        spend = points.weekly_spend[:, channel]
        np.testing.assert_array_equal(
            points.is_extrapolated[:, channel], (spend > max(seen)) | (spend < least)
        )
    # Search was never off: a twentieth of its mean has been seen as little as twice of it.
    assert points.is_extrapolated[[0, -1], 1].all()
    assert not points.is_extrapolated[19].any()


def test_the_historical_pattern_is_extrapolated_beyond_itself(mixture: Fit) -> None:
    for series, points in enumerate(curves_of(mixture, [0.5, 1.0, 1.25], "historical_pattern")):
        spent = points.weekly_spend[0] > 0
        assert points.is_extrapolated[1:, spent].all(axis=1).tolist() == [False, True]
        assert points.is_extrapolated[1:, spent].any(axis=1).tolist() == [False, True]
        # Half of the least that was seen was not, unless the channel was off.
        never_off = learned_range(mixture, series).lowest > 0
        np.testing.assert_array_equal(points.is_extrapolated[0], never_off & spent)
