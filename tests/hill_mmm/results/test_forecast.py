from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, ModelSpec, Panel
from hill_mmm._posterior import flatten
from hill_mmm._results.decompose import decompose
from hill_mmm._results.forecast import continued
from hill_mmm._results.predictive_scores import crps
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import forecast
from hill_mmm.spec import FORECAST_LEVELS, quantile_name
from tests.hill_mmm.conftest import TRAIN_WEEKS, InventFit


def test_weeks_to_come_are_as_they_were_a_year_ago(market: Panel) -> None:
    seasonal = dict.fromkeys(market.control_names, "seasonal")
    longer, as_last_year, assumed = continued(market, 13, seasonal)
    assert (assumed == "seasonal").all()
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
    longer, as_last_year, _ = continued(panel, 13)
    # Week 60 is 52 weeks before the ninth week after the panel's 104.
    np.testing.assert_array_equal(as_last_year[:, 0, 0], np.arange(13) >= 8)
    np.testing.assert_allclose(longer.spend[104:112, 0, 0], spend[-8:, 0, 0].mean())
    np.testing.assert_array_equal(longer.spend[112:, 0, 0], spend[60:65, 0, 0])
    np.testing.assert_array_equal(longer.spend[-13:, 0, 1], spend[-52:-39, 0, 1])


def test_a_series_that_is_new_goes_on_as_in_its_last_weeks(regions: Panel) -> None:
    late = replace(regions, starts=np.array([0, 0, 0, 60]), media_starts=np.array([0, 0, 0, 60]))
    longer, _, assumed = continued(late, 13, dict.fromkeys(late.control_names, "seasonal"))
    assert (assumed[:8, 3] == "recent_mean").all()
    np.testing.assert_allclose(
        longer.controls[104:112, 3], [late.controls[-8:, 3].mean(axis=0)] * 8
    )
    np.testing.assert_array_equal(longer.controls[112:, 3], late.controls[60:65, 3])


def test_beyond_a_year_the_year_repeats(market: Panel) -> None:
    longer, *_ = continued(market, 60)
    np.testing.assert_array_equal(longer.spend[-8:], market.spend[-52:-44])


def test_nothing_to_come_is_refused(market: Panel) -> None:
    with pytest.raises(ValueError, match="at least 1 week, not 0"):
        continued(market, 0)


def test_a_forecast_is_the_prediction_of_the_same_weeks(fitted: Fit) -> None:
    rows = fitted.forecast(13)
    longer, *_ = continued(fitted.panel, 13)
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
    fit = invent_fit(replace(market, spend=spend), ModelSpec(trend="linear", fourier_order=1))
    assert set(fit.forecast(3)["spend_assumption"]) == {"mixed"}


def test_the_crps_of_the_quantiles_is_that_of_the_draws() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(10.0, 2.0, size=(4000, 200))
    actual = rng.normal(10.0, 2.0, size=200)
    levels = np.array(FORECAST_LEVELS)[:, None]
    below = actual - np.quantile(draws, FORECAST_LEVELS, axis=0)
    of_quantiles = 2.0 * np.maximum(levels * below, (levels - 1.0) * below).sum(axis=0) / 20.0
    assert of_quantiles.mean() == pytest.approx(crps(draws, actual).mean(), rel=0.02)


def with_control(panel: Panel, values: np.ndarray) -> Panel:
    """The panel with one control, the same in every series, its first values left out."""
    controls = np.broadcast_to(values[-len(panel) :, None, None], (*panel.outcome.shape, 1))
    return replace(panel, controls=controls.copy(), control_names=("it",))


def ahead(panel: Panel, weeks: int = 13, **continues: str) -> tuple[list[float], list[str]]:
    """The control of `with_control` in the first series, and how it was taken to go on."""
    longer, _, assumed = continued(panel, weeks, continues)  # pyright: ignore[reportArgumentType]
    return longer.controls[-weeks:, 0, 0].tolist(), assumed[:, 0, 0].tolist()


def test_a_trending_control_follows_its_trend(market: Panel) -> None:
    weeks = np.arange(len(market) + 60.0)
    values, assumed = ahead(with_control(market, 3.0 * weeks[: len(market)]), 60)
    np.testing.assert_allclose(values, 3.0 * weeks[len(market) :])
    assert set(assumed) == {"trend"}


def test_a_season_and_a_step_go_on_together(market: Panel) -> None:
    weeks = np.arange(len(market) + 13)
    values = 10.0 + np.sin(2 * np.pi * weeks / 52) + 4.0 * (weeks >= len(market) - 13)
    found, _ = ahead(with_control(market, values[: len(market)]))
    np.testing.assert_allclose(found, values[len(market) :])


def test_in_a_short_series_a_control_goes_on_as_in_its_last_weeks(market: Panel) -> None:
    values, assumed = ahead(with_control(market.head(60), np.arange(60.0)))
    assert (values, assumed) == ([55.5] * 13, ["recent_mean"] * 13)


@pytest.mark.parametrize(
    ("weeks_with_it", "expected", "word"),
    [
        # Once, a year before the third week to come.
        ([54], 0.0, "absent"),
        # In both years: it comes again.
        ([2, 54], 2.0, "seasonal"),
        # For as long as a quarter, and still: a state.
        (range(91, 104), 2.0, "last_value"),
    ],
)
def test_an_event_comes_again_if_it_came_in_both_years(
    market: Panel, weeks_with_it: list[int], expected: float, word: str
) -> None:
    event = np.zeros(len(market))
    event[list(weeks_with_it)] = 2.0
    values, assumed = ahead(with_control(market, event))
    assert (values[2], assumed[2]) == (expected, word)
    if word != "last_value":
        assert (values[3], assumed[3]) == (0.0, "absent")


@pytest.mark.parametrize(
    ("kind", "first"), [("last_value", 103.0), ("seasonal", 52.0), ("absent", 0.0)]
)
def test_a_control_goes_on_as_it_is_told(market: Panel, kind: str, first: float) -> None:
    values, assumed = ahead(with_control(market, np.arange(104.0)), it=kind)
    assert (values[0], set(assumed)) == (first, {kind})


def test_planned_values_are_taken_where_they_are_asked_for(regions: Panel) -> None:
    panel = with_control(regions, np.arange(104.0))
    to_come = panel.weeks[-1] + np.timedelta64(7, "D") * np.arange(-1, 20)
    planned = pd.DataFrame(
        {
            "series_key": "region_02",
            "week_start": to_come,
            "variable": ["it", "another", *["it"] * 19],
            "value": [7.0] * 20 + [np.nan],
        }
    )
    longer, _, assumed = continued(panel, 4, {"it": "given"}, planned)
    np.testing.assert_array_equal(longer.controls[-4:, 1, 0], 7.0)
    assert assumed[:, 1, 0].tolist() == ["given"] * 4
    np.testing.assert_allclose(longer.controls[-4:, 0, 0], np.arange(104.0, 108.0))
    assert assumed[:, 0, 0].tolist() == ["trend"] * 4
    not_asked, *_ = continued(panel, 4, {}, planned)
    np.testing.assert_allclose(not_asked.controls[-4:, 1, 0], np.arange(104.0, 108.0))


def test_only_the_panels_controls_go_on(market: Panel) -> None:
    with pytest.raises(ValueError, match=r"continues names \['other'\], not among"):
        continued(market, 4, {"other": "absent"})


def test_what_was_assumed_of_controls_is_said(regional_fit: Fit, national_mixture: Fit) -> None:
    rows = regional_fit.forecast(2, continues={"competitor_price": "last_value"})
    names = regional_fit.panel.control_names
    said = rows["control_assumption"].iloc[0]
    assert [part.split(": ")[0] for part in said.split(", ")] == list(names)
    assert "competitor_price: last_value" in said
    bare = replace(
        national_mixture.panel,
        controls=national_mixture.panel.controls[:, :, :0],
        control_names=(),
    )
    _, _, assumed = continued(bare, 2)
    assert assumed.shape == (2, 1, 0)


def test_a_level_that_walks_widens_the_forecast(market: Panel, invent_fit: InventFit) -> None:
    spec = ModelSpec(trend="smooth", fourier_order=1)
    fit = invent_fit(market.head(TRAIN_WEEKS), spec, draws=2000)
    # The same every draw, so that nothing but the walk and the noise is left to vary.
    still = fit.draws["coefficients"].mean(axis=(0, 1), keepdims=True)
    curves = ("adstock", "carry_in", "amplitude", "half_saturation", "slope", "sigma")
    fixed = {name: np.repeat(fit.draws[name][:1, :1], 2, axis=0) for name in curves}
    fixed = {name: np.repeat(values, 2000, axis=1) for name, values in fixed.items()}
    fixed["coefficients"] = np.broadcast_to(still, fit.draws["coefficients"].shape)
    scale = np.full((2, 2000, 1), 0.8)
    walks = replace(fit, draws=fit.draws | fixed | {"baseline_scale": scale})
    rows = walks.forecast(65)
    spread = rows["outcome_sd"].to_numpy() / fit.scales.outcome[0]
    # 91 weeks are padded to 96; the step that begins with week 96 is the last that was sampled.
    steps_to_come = np.clip((TRAIN_WEEKS + np.arange(65) - 100) / 4, 0.0, None)
    whole = np.floor(steps_to_come)
    variance = 0.8**2 * fit.scales.outcome_sd[0] ** 2 / 13 * (whole + (steps_to_come - whole) ** 2)
    expected = np.sqrt(fixed["sigma"][0, 0, 0] ** 2 + variance)
    np.testing.assert_allclose(spread, expected, rtol=0.06)
    assert spread[-1] > 1.8 * spread[0]
    # However far it looks, what it says of a week is the same.
    assert np.array_equal(walks.forecast(13)["outcome_mean"], rows["outcome_mean"][:13])


def test_regions_walk_together(regions: Panel, invent_fit: InventFit) -> None:
    spec = ModelSpec(trend="smooth", fourier_order=0)
    fit = invent_fit(regions.head(TRAIN_WEEKS), spec, draws=400)
    longer, *_ = continued(regions.head(TRAIN_WEEKS), 26)
    walked = []
    for series, part in enumerate(decompose(fit, longer)):
        trend = part.baseline[:, :, part.baseline_parts.index(("trend", "trend"))]
        # In week 100 the first step begins that no draw holds; it ends with week 104.
        start = int(regions.starts[series])
        change = (trend[:, 104 - start] - trend[:, 100 - start]) / fit.scales.outcome[series]
        line = flatten(fit.draws["coefficients"])[:, series, 1] * 4 / fit.scales.time_sd
        walked.append(change - line)
    for step in walked[1:]:
        np.testing.assert_allclose(step, walked[0], atol=1e-9)
    assert walked[0].std() > 0.0
