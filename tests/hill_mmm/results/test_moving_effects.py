"""Effects that move: every figure that rests on an effect is of the weeks that it speaks of."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import Fit, LiftTest, ModelSpec, Panel, PlanRequest, plan
from hill_mmm._posterior import flatten
from hill_mmm._results.lift_tests import modelled_lift
from hill_mmm._results.periods import Period
from hill_mmm._results.returns import returns_with_total
from hill_mmm.checks import parameter_summary
from hill_mmm.results import decompose

MOVING = ("tv", "social")
FITTED = 91


@pytest.fixture(scope="module")
def moving(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    spec = ModelSpec(fourier_order=1, moving_effects=MOVING)
    return invent_fit(market.head(FITTED), spec, draws=40)


def with_constant_effects(fit: Fit, factor: np.ndarray) -> Fit:
    """The same curves with constant effects, times a factor of each draw and medium."""
    draws = {name: values for name, values in fit.draws.items() if name != "log_multiplier"}
    draws["amplitude"] = draws["amplitude"] * fit.by_chain(factor)[:, :, None, :, None]
    return replace(fit, draws=draws, spec=replace(fit.spec, moving_effects=()))


def multiplier_by_week(fit: Fit, weeks: int) -> np.ndarray:
    """`(draws, weeks, media)`; constant since the last week fitted to."""
    week = np.minimum(np.arange(weeks), FITTED - 1)
    at_knots = flatten(fit.draws["log_multiplier"])
    knots = 26.0 * np.arange(at_knots.shape[1])
    return np.exp([[np.interp(week, knots, m) for m in draw.T] for draw in at_knots]).swapaxes(1, 2)


@pytest.fixture(scope="module")
def plain(moving: Fit) -> Fit:
    return with_constant_effects(moving, np.ones((moving.n_draws, len(moving.panel.media_names))))


@pytest.fixture(scope="module")
def current(moving: Fit) -> Fit:
    return with_constant_effects(moving, multiplier_by_week(moving, FITTED)[:, -1])


def test_contributions_move_and_still_add_up(moving: Fit, plain: Fit, market: Panel) -> None:
    (part,), (constant,) = decompose(moving, market), decompose(plain, market)
    multiplier = multiplier_by_week(moving, len(market))
    assert np.ptp(multiplier[:, :, 0], axis=1).min() > 0.05
    np.testing.assert_allclose(part.media, constant.media * multiplier, rtol=1e-9)
    np.testing.assert_allclose(part.media_gain, constant.media_gain * multiplier, rtol=1e-9)
    whole = part.media.sum(axis=2) + part.baseline.sum(axis=2)
    np.testing.assert_allclose(part.predicted_mean, whole, rtol=1e-12)
    np.testing.assert_array_equal(part.baseline, constant.baseline)


def test_returns_of_a_period_are_of_its_weeks(moving: Fit) -> None:
    panel = moving.panel
    own = slice(30, 43)
    period = Period("a quarter", panel.weeks[30], panel.weeks[42])
    spend = panel.spend.copy()
    spend[own] = 0.0
    (with_it,), (without,) = decompose(moving), decompose(moving, replace(panel, spend=spend))
    (found,) = returns_with_total(moving, panel, [period])
    by_week = (with_it.media - without.media)[:, : own.stop + 26]
    np.testing.assert_allclose(found.effect[:, 0], by_week.sum(axis=1), rtol=1e-8)


def test_lift_tests_meet_the_effect_of_their_weeks(moving: Fit) -> None:
    panel = moving.panel
    test = LiftTest("tv", str(panel.weeks[60]), str(panel.weeks[65]), 1.0, 1.0)
    spend = panel.spend.copy()
    spend[60:66, :, panel.channels.index("tv")] = 0.0
    (with_it,), (without,) = decompose(moving), decompose(moving, replace(panel, spend=spend))
    lost = (with_it.media - without.media)[:, 60:66].sum(axis=(1, 2))
    np.testing.assert_allclose(modelled_lift(moving, [test]).mean[:, 0], lost, rtol=1e-8)


def test_curves_and_plans_are_of_the_current_effect(moving: Fit, current: Fit, plain: Fit) -> None:
    curves, expected = moving.response_curves(), current.response_curves()
    named = ["contribution_mean", "contribution_ci_hi", "mroi_mean"]
    np.testing.assert_allclose(curves[named], expected[named], rtol=1e-9)
    is_moving = curves["channel"].isin(MOVING)
    last = moving.panel.weeks[-1].astype("datetime64[s]")
    assert (curves.loc[is_moving, "effect_as_of"] == last).all()
    assert curves.loc[~is_moving, "effect_as_of"].isna().all()
    assert expected["effect_as_of"].isna().all()

    made, same, other = (plan(fit, PlanRequest()) for fit in (moving, current, plain))
    np.testing.assert_array_equal(made.weekly, same.weekly)
    gains = ["contribution_change_mean", "roi_mean", "mroi_mean"]
    np.testing.assert_allclose(made.cells[gains], same.cells[gains], rtol=1e-9)
    assert not np.allclose(made.cells["mroi_mean"], other.cells["mroi_mean"], rtol=1e-3)
    is_moving = made.cells["channel"].isin(MOVING)
    assert (made.cells["effect_as_of"].notna() == is_moving).all()


def test_a_forecast_goes_on_with_the_current_effect(moving: Fit, current: Fit, plain: Fit) -> None:
    found, same, other = (fit.forecast(26) for fit in (moving, current, plain))
    # What earlier weeks carry over works with the effect of the week in which it works.
    np.testing.assert_allclose(found["outcome_mean"], same["outcome_mean"], rtol=1e-9)
    assert (found["effect_as_of"] == moving.panel.weeks[-1].astype("datetime64[s]")).all()
    assert other["effect_as_of"].isna().all()


def test_how_an_effect_moved_is_told(moving: Fit, plain: Fit) -> None:
    rows = parameter_summary(moving)
    rows = rows[rows["parameter"] == "effect_multiplier"].set_index("index")
    weeks = moving.panel.weeks[[0, 26, 52, 78, 90]]
    assert list(rows.index) == [f"{name}@{week}" for name in MOVING for week in weeks]
    assert rows["is_judged"].all()
    multiplier = multiplier_by_week(moving, FITTED)
    medium = moving.panel.media_names.index("social")
    for week, at in zip(weeks, (0, 26, 52, 78, 90), strict=True):
        mean = multiplier[:, at, medium].mean()
        assert rows.loc[f"social@{week}", "mean"] == pytest.approx(mean, rel=1e-9)
    assert "effect_multiplier" not in set(parameter_summary(plain)["parameter"])
    (axes,) = moving.plot_moving_effects().axes
    assert axes.get_legend_handles_labels()[1] == list(MOVING)
    with pytest.raises(ValueError, match="no effect of this fit moves"):
        plain.plot_moving_effects()
