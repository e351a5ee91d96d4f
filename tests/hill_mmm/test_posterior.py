from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import Fit, ModelSpec, Panel, decompose, response_curves
from hill_mmm._posterior import predictive_draws

InventFit = Callable[..., Fit]
TRAIN_WEEKS = 91


@pytest.fixture(params=[1, 3], ids=["k1", "k3"])
def any_fit(request: pytest.FixtureRequest, market: Panel, invent_fit: InventFit) -> Fit:
    return invent_fit(market.head(TRAIN_WEEKS), ModelSpec(request.param, fourier_order=1))


def with_spend(fit: Fit, channel: int, factor: float) -> Panel:
    spend = fit.panel.spend.copy()
    spend[:, channel] *= factor
    return replace(fit.panel, spend=spend)


def test_the_parts_of_a_week_add_up_in_every_draw(any_fit: Fit) -> None:
    parts = decompose(any_fit)
    total = parts.media.sum(axis=2) + parts.baseline.sum(axis=2)
    np.testing.assert_allclose(parts.expected, total, rtol=1e-9)
    weights = any_fit.draws["weights"].reshape(-1, 1, any_fit.spec.components)
    mixed = (parts.regime_media * weights).sum(axis=2)
    np.testing.assert_allclose(parts.media.sum(axis=2), mixed, rtol=1e-9)


def test_expected_outcome_is_what_the_likelihood_was_given(fitted: Fit) -> None:
    parts = decompose(fitted)
    sigma = fitted.draws["sigma"].reshape(-1, 1)
    error = (fitted.panel.outcome - parts.expected) / fitted.scales.outcome / sigma
    log_likelihood = -0.5 * error**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(
        log_likelihood, fitted.draws["log_likelihood"].reshape(error.shape), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("channel", [0, 3])
def test_contribution_is_the_outcome_with_the_channel_minus_without(
    any_fit: Fit, channel: int
) -> None:
    with_channel = decompose(any_fit)
    without = decompose(any_fit, with_spend(any_fit, channel, 0.0))
    np.testing.assert_allclose(
        with_channel.expected - without.expected,
        with_channel.media[:, :, channel],
        rtol=1e-9,
        atol=1e-9 * any_fit.scales.outcome,
    )


@pytest.mark.parametrize("channel", [0, 3])
def test_media_gain_is_the_derivative_by_relative_spend(any_fit: Fit, channel: int) -> None:
    step = 1e-5
    up, down = (decompose(any_fit, with_spend(any_fit, channel, 1 + s)) for s in (step, -step))
    slope = (up.expected - down.expected) / (2 * step)
    np.testing.assert_allclose(
        decompose(any_fit).media_gain[:, :, channel],
        slope,
        rtol=1e-6,
        atol=1e-9 * any_fit.scales.outcome,
    )


def test_carry_over_goes_on_through_the_boundary(any_fit: Fit, market: Panel) -> None:
    train, whole = decompose(any_fit), decompose(any_fit, market)
    for part in ("media", "media_gain", "baseline", "regime_media", "expected"):
        np.testing.assert_allclose(
            getattr(whole, part)[:, :TRAIN_WEEKS], getattr(train, part), rtol=1e-9
        )
    # TV off air from the boundary on still works in the next week, from what went before.
    silent = market.spend.copy()
    silent[TRAIN_WEEKS:, 0] = 0.0
    after = decompose(any_fit, replace(market, spend=silent)).media[:, TRAIN_WEEKS, 0]
    assert (after > 0).all()


def test_baseline_parts_are_named_once(any_fit: Fit) -> None:
    parts = decompose(any_fit)
    assert parts.baseline_parts == (
        ("baseline", "baseline"),
        ("trend", "trend"),
        ("seasonality", "seasonality"),
        ("control", "competitor_price"),
        ("control", "promotion"),
    )
    assert parts.baseline.shape[2] == 5


def test_panel_that_starts_elsewhere_is_refused(any_fit: Fit, market: Panel) -> None:
    later = replace(market, weeks=market.weeks + np.timedelta64(7, "D"))
    with pytest.raises(ValueError, match="starts at 2021-01-11, the fit at 2021-01-04"):
        decompose(any_fit, later)


@pytest.mark.parametrize("field", ["channels", "control_names"])
def test_panel_with_other_columns_is_refused(any_fit: Fit, market: Panel, field: str) -> None:
    renamed = replace(market, **{field: tuple(f"{name}2" for name in getattr(market, field))})
    with pytest.raises(ValueError, match="channels and controls differ"):
        decompose(any_fit, renamed)


def test_response_mroi_is_the_slope_of_the_curve(any_fit: Fit) -> None:
    at = np.array([0.25, 1.0, 3.0])
    step = 1e-5
    points, up, down = (response_curves(any_fit, at * (1 + s)) for s in (0.0, step, -step))
    slope = (up.contribution - down.contribution) / (up.weekly_spend - down.weekly_spend)
    np.testing.assert_allclose(points.mroi, slope, rtol=1e-6)


def test_response_starts_at_nothing_and_never_falls(any_fit: Fit) -> None:
    points = response_curves(any_fit, np.linspace(0.0, 5.0, 21))
    np.testing.assert_array_equal(points.contribution[:, 0], 0.0)
    assert np.isfinite(points.mroi).all()
    assert (np.diff(points.contribution, axis=1) > 0).all()
    np.testing.assert_allclose(points.weekly_spend[4], any_fit.panel.spend.mean(axis=0))


def test_response_is_where_long_constant_spend_arrives(any_fit: Fit) -> None:
    mean = any_fit.panel.spend.mean(axis=0)
    constant = replace(any_fit.panel, spend=np.tile(mean, (TRAIN_WEEKS, 1)))
    # 0.8**90 = 2e-9: nothing of the start is left at the end.
    settled = replace(any_fit, draws=any_fit.draws | {"alpha": 0.8 * any_fit.draws["alpha"]})
    arrived = decompose(settled, constant).media[:, -1]
    steady = response_curves(settled, np.array([1.0])).contribution[:, 0]
    np.testing.assert_allclose(arrived, steady, rtol=1e-6)


def test_predictive_draws_have_the_mixtures_mean_and_variance(
    market: Panel, invent_fit: InventFit
) -> None:
    fit = invent_fit(market, ModelSpec(2, fourier_order=0), chains=4, draws=1000)
    one_draw = {site: np.broadcast_to(v[:1, :1], v.shape) for site, v in fit.draws.items()}
    same = replace(fit, draws=one_draw)
    parts = decompose(same)
    predicted = predictive_draws(same, parts)
    weights = one_draw["weights"][0, 0]
    between = parts.regime_media[0] @ weights
    variance = (parts.regime_media[0] - between[:, None]) ** 2 @ weights
    variance += (one_draw["sigma"][0, 0] * same.scales.outcome) ** 2
    z = (predicted.mean(axis=0) - parts.expected[0]) / np.sqrt(variance / len(predicted))
    # 104 weeks, 4000 draws each: the largest of 104 normal deviates stays below 4.5.
    assert np.abs(z).max() < 4.5
    ratio = predicted.var(axis=0) / variance
    # A Normal's sample variance has a relative sd of sqrt(2 / n), a two-point mixture's less.
    assert np.abs(ratio - 1).max() < 4.5 * np.sqrt(2 / len(predicted))


def test_predictive_draws_are_reproducible(any_fit: Fit) -> None:
    parts = decompose(any_fit)
    np.testing.assert_array_equal(
        predictive_draws(any_fit, parts), predictive_draws(any_fit, parts)
    )
