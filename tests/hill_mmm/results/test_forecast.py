from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, ModelSpec, Panel
from hill_mmm._results.forecast import continued
from hill_mmm._results.predictive_scores import crps
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import forecast
from hill_mmm.spec import FORECAST_LEVELS, quantile_name
from tests.hill_mmm.conftest import InventFit


def test_weeks_to_come_are_as_they_were_a_year_ago(market: Panel) -> None:
    longer, as_last_year = continued(market, 13)
    assert as_last_year.all()
    assert len(longer) == len(market) + 13
    assert (np.diff(longer.weeks) == np.timedelta64(7, "D")).all()
    assert np.isnan(longer.outcome[-13:]).all()
    for name in ("spend", "organic", "controls"):
        values, known = getattr(longer, name), getattr(market, name)
        np.testing.assert_array_equal(values[: len(market)], known)
        np.testing.assert_array_equal(values[-13:], known[-52:-39])


def test_a_medium_that_is_new_goes_on_as_in_its_last_weeks(market: Panel) -> None:
    spend = market.spend.copy()
    spend[:60, 0, 0] = 0.0
    panel = replace(market, spend=spend)
    longer, as_last_year = continued(panel, 13)
    # Week 60 is 52 weeks before the ninth week after the panel's 104.
    np.testing.assert_array_equal(as_last_year[:, 0, 0], np.arange(13) >= 8)
    np.testing.assert_allclose(longer.spend[104:112, 0, 0], spend[-8:, 0, 0].mean())
    np.testing.assert_array_equal(longer.spend[112:, 0, 0], spend[60:65, 0, 0])
    np.testing.assert_array_equal(longer.spend[-13:, 0, 1], spend[-52:-39, 0, 1])


def test_a_series_that_is_new_goes_on_as_in_its_last_weeks(regions: Panel) -> None:
    late = replace(regions, starts=np.array([0, 0, 0, 60]), media_starts=np.array([0, 0, 0, 60]))
    longer, _ = continued(late, 13)
    np.testing.assert_allclose(
        longer.controls[104:112, 3], [late.controls[-8:, 3].mean(axis=0)] * 8
    )
    np.testing.assert_array_equal(longer.controls[112:, 3], late.controls[60:65, 3])


def test_beyond_a_year_the_year_repeats(market: Panel) -> None:
    longer, _ = continued(market, 60)
    np.testing.assert_array_equal(longer.spend[-8:], market.spend[-52:-44])


def test_nothing_to_come_is_refused(market: Panel) -> None:
    with pytest.raises(ValueError, match="at least 1 week, not 0"):
        continued(market, 0)


def test_a_forecast_is_the_prediction_of_the_same_weeks(fitted: Fit) -> None:
    rows = fitted.forecast(13)
    longer, _ = continued(fitted.panel, 13)
    variables = [*longer.channels, *longer.control_names]
    values = np.concatenate([longer.spend, longer.controls], axis=2)[-13:, 0]
    future = pd.DataFrame(values, columns=variables, index=pd.DatetimeIndex(longer.weeks[-13:]))
    predicted = fitted.predict(future)
    np.testing.assert_allclose(rows["outcome_mean"], predicted["expected_mean"])
    np.testing.assert_allclose(rows["outcome_q05"], predicted["predicted_ci_lo"])
    np.testing.assert_allclose(rows["outcome_q95"], predicted["predicted_ci_hi"])
    np.testing.assert_allclose(rows["planned_spend"], longer.spend[-13:, 0].sum(axis=1))
    assert list(rows["horizon"]) == list(range(1, 14))
    assert set(rows["spend_assumption"]) == {"last_year"}
    quantiles = rows[[quantile_name(level) for level in FORECAST_LEVELS]].to_numpy()
    assert (np.diff(quantiles, axis=1) > 0).all()


def test_events_to_come_are_in_the_forecast(market: Panel, invent_fit: InventFit) -> None:
    panel = market.head(91)
    to_come = str(panel.weeks[-1] + np.timedelta64(21, "D"))
    spec = ModelSpec(fourier_order=1, events={"strike": (str(panel.weeks[40]), to_come)})
    fit = invent_fit(panel, spec)
    column = 1 + 1 + 2
    without = fit.draws["coefficients"].copy()
    without[..., column] = 0.0
    quiet = replace(fit, draws=fit.draws | {"coefficients": without})
    effect = fit.forecast(6)["outcome_mean"] - quiet.forecast(6)["outcome_mean"]
    assert list(effect != 0) == [False, False, True, False, False, False]


def test_a_panel_is_forecast_with_its_sum(regional_fit: Fit, regions: Panel) -> None:
    rows = forecast(regional_fit, 4, regions)
    assert list(rows["series_key"].unique()) == [*regions.series, ALL_SERIES]
    weeks = regions.weeks[-1] + np.timedelta64(7, "D") * np.arange(1, 5)
    assert list(rows["week_start"].unique()) == list(weeks.astype("datetime64[s]"))
    by_week = rows[rows["series_key"] != ALL_SERIES].groupby("week_start")
    of_all = rows[rows["series_key"] == ALL_SERIES].set_index("week_start")
    for name in ("outcome_mean", "planned_spend"):
        np.testing.assert_allclose(by_week[name].sum(), of_all[name])


def test_assumptions_that_differ_are_called_mixed(market: Panel, invent_fit: InventFit) -> None:
    spend = market.spend.copy()
    spend[:98, 0, 0] = 0.0
    fit = invent_fit(replace(market, spend=spend), ModelSpec(fourier_order=1))
    assert set(fit.forecast(3)["spend_assumption"]) == {"mixed"}


def test_the_crps_of_the_quantiles_is_that_of_the_draws() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(10.0, 2.0, size=(4000, 200))
    actual = rng.normal(10.0, 2.0, size=200)
    levels = np.array(FORECAST_LEVELS)[:, None]
    below = actual - np.quantile(draws, FORECAST_LEVELS, axis=0)
    of_quantiles = 2.0 * np.maximum(levels * below, (levels - 1.0) * below).sum(axis=0) / 20.0
    assert of_quantiles.mean() == pytest.approx(crps(draws, actual).mean(), rel=0.02)
