from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import ModelSpec, Panel, Scales, simulate_seed_benchmark
from hill_mmm._model.calendar import event_columns, holiday_columns
from hill_mmm._model.design import baseline_design, fourier_terms

TRAIN_WEEKS = 91
LATE = 3
PLAIN = ModelSpec(fourier_order=0, trend="none")


def test_design_goes_on_unchanged_after_the_training_weeks(regions: Panel) -> None:
    spec = ModelSpec(
        trend="piecewise", holidays="DE", control_signs={"competitor_price": "positive"}
    )
    train = regions.head(TRAIN_WEEKS)
    scales = Scales.of(train, spec)
    whole, first = (baseline_design(panel, spec, scales) for panel in (regions, train))
    np.testing.assert_array_equal(whole.matrix[:TRAIN_WEEKS], first.matrix)
    np.testing.assert_array_equal(whole.signed[:TRAIN_WEEKS], first.signed)
    assert whole.parts == first.parts
    trend = whole.matrix[:, 0, 1]
    np.testing.assert_allclose(np.diff(trend), np.diff(trend)[0], rtol=1e-10)


def test_regressors_are_standardised_in_a_series_own_weeks(regions: Panel) -> None:
    spec = ModelSpec(trend="linear", fourier_order=0)
    matrix = baseline_design(regions, spec, Scales.of(regions, spec)).matrix
    for series in range(len(regions.series)):
        intercept, trend, price = matrix[regions.observed[:, series], series].T
        np.testing.assert_array_equal(intercept, 1.0)
        assert price.mean() == pytest.approx(0.0, abs=1e-12)
        assert price.std() == pytest.approx(1.0, rel=1e-12)
        # Time is the calendar's: one trend means the same in every series.
        np.testing.assert_array_equal(trend, matrix[regions.observed[:, series], 0, 1])
    np.testing.assert_allclose((matrix[:, 0, 1].mean(), matrix[:, 0, 1].std()), (0, 1), atol=1e-12)


def test_a_series_has_no_regressors_before_its_start(regions: Panel) -> None:
    spec = ModelSpec(
        trend="piecewise", holidays="DE", control_signs={"competitor_price": "positive"}
    )
    design = baseline_design(regions, spec, Scales.of(regions, spec))
    assert not design.matrix[: regions.starts[LATE], LATE].any()
    assert not design.signed[: regions.starts[LATE], LATE].any()
    assert (design.matrix[regions.starts[LATE] :, LATE, 0] == 1.0).all()


def test_a_control_that_does_not_vary_in_a_series_is_zero_there(regions: Panel) -> None:
    controls = regions.controls.copy()
    controls[:, 1] = 4.0
    constant = replace(regions, controls=controls)
    matrix = baseline_design(constant, PLAIN, Scales.of(constant, PLAIN)).matrix
    assert not matrix[:, 1, 1].any()
    assert matrix[:, 0, 1].any()


def test_columns_are_labelled_by_what_they_are(market: Panel) -> None:
    spec = ModelSpec(
        trend="piecewise", fourier_order=2, holidays="DE", events={"strike": ("2021-06-14",)}
    )
    scales = Scales.of(market, spec)
    design = baseline_design(market, spec, scales)
    assert design.parts == (
        ("baseline", "baseline"),
        *[("trend", "trend")] * 4,
        *[("seasonality", "seasonality")] * 4,
        *[("holiday", name) for name in scales.holidays],
        ("event", "strike"),
        ("control", "competitor_price"),
        ("control", "promotion"),
    )
    assert design.matrix.shape == (len(market), 1, len(design.parts))
    assert len(scales.holidays) > 5


def test_trend_and_seasonality_can_be_left_out(market: Panel) -> None:
    design = baseline_design(market, PLAIN, Scales.of(market, PLAIN))
    assert [kind for kind, _ in design.parts] == ["baseline", "control", "control"]


def test_seasonality_repeats_every_year() -> None:
    panel, _ = simulate_seed_benchmark("single", 0, weeks=209)
    spec = ModelSpec(trend="linear", fourier_order=1)
    design = baseline_design(panel, spec, Scales.of(panel, spec))
    seasonality = design.matrix[:, 0, 2:]
    np.testing.assert_allclose((seasonality**2).sum(axis=1), 1.0, rtol=1e-12)
    # 208 weeks are 1456 days, 5 days short of four years.
    angle = np.arccos(seasonality[0] @ seasonality[208])
    assert angle == pytest.approx(2 * np.pi * 5 / 365.25, rel=1e-6)


def test_piecewise_trend_bends_every_half_year(market: Panel) -> None:
    spec = ModelSpec(trend="piecewise", fourier_order=0)
    scales = Scales.of(market, spec)
    np.testing.assert_array_equal(scales.knots, [26, 52, 78])
    design = baseline_design(market, spec, scales)
    hinges = design.matrix[:, 0, 2:5]
    # In units of the trend's own slope: a coefficient is the change of slope.
    slopes = np.diff(hinges, axis=0) * scales.time_sd
    np.testing.assert_allclose(slopes, np.arange(103)[:, None] >= [26, 52, 78], atol=1e-12)
    np.testing.assert_allclose(design.prior_sd[2:5], 0.5 * design.prior_sd[1], rtol=1e-14)


def test_holidays_are_those_of_the_training_weeks(market: Panel) -> None:
    spec = ModelSpec(trend="none", fourier_order=0, holidays="DE")
    scales = Scales.of(market.head(60), spec)
    design = baseline_design(market, spec, scales)
    columns = slice(1, 1 + len(scales.holidays))
    assert design.parts[columns] == tuple(("holiday", name) for name in scales.holidays)
    np.testing.assert_array_equal(
        design.matrix[:, 0, columns], holiday_columns(market.weeks, "DE", scales.holidays)
    )
    assert design.matrix[60:, 0, columns].any()


def test_events_are_days_in_the_week_for_every_series(regions: Panel) -> None:
    events = {"strike": ("2021-09-14", "2021-09-15"), "fair": ("2022-03-02",)}
    spec = ModelSpec(trend="none", fourier_order=0, events=events)
    design = baseline_design(regions, spec, Scales.of(regions, spec))
    assert design.parts[1:3] == (("event", "strike"), ("event", "fair"))
    for series in range(len(regions.series)):
        np.testing.assert_array_equal(
            design.matrix[:, series, 1:3], event_columns(regions.weeks, events)
        )
    assert design.matrix[:, LATE, 1:3].sum(axis=0).tolist() == [2.0, 1.0]


def test_controls_with_a_sign_stand_apart(market: Panel) -> None:
    free = baseline_design(market, PLAIN, Scales.of(market, PLAIN))
    spec = replace(PLAIN, control_signs={"promotion": "negative"})
    design = baseline_design(market, spec, Scales.of(market, spec))
    assert design.parts == (("baseline", "baseline"), ("control", "competitor_price"))
    assert design.signed_parts == (("control", "promotion"),)
    np.testing.assert_array_equal(design.directions, [-1.0])
    np.testing.assert_array_equal(design.signed[:, :, 0], free.matrix[:, :, 2])
    np.testing.assert_array_equal(design.signed_prior_sd, free.prior_sd[2:])
    both = replace(PLAIN, control_signs={"promotion": "negative", "competitor_price": "positive"})
    design = baseline_design(market, both, Scales.of(market, both))
    assert design.signed_parts == (("control", "competitor_price"), ("control", "promotion"))
    np.testing.assert_array_equal(design.directions, [1.0, -1.0])


def test_sign_of_an_unknown_control_is_refused(market: Panel) -> None:
    spec = ModelSpec(control_signs={"rain": "negative", "promotion": "positive"})
    with pytest.raises(ValueError, match=r"control_signs name \['rain'\], not among .*promotion"):
        baseline_design(market, spec, Scales.of(market, spec))


def test_priors_are_those_of_the_published_codes_baseline(market: Panel) -> None:
    spec = ModelSpec(trend="linear", fourier_order=1)
    scales = Scales.of(market, spec)
    design = baseline_design(market, spec, scales)
    np.testing.assert_array_equal(design.prior_mean, [1.0, *[0.0] * 5])
    np.testing.assert_allclose(design.prior_sd / scales.outcome_sd, [2.0, *[1.0] * 5])


def test_priors_of_many_series_are_on_their_common_scale(regions: Panel) -> None:
    scales = Scales.of(regions, PLAIN)
    common = np.sqrt((scales.outcome_sd**2).mean())
    design = baseline_design(regions, PLAIN, scales)
    np.testing.assert_allclose(design.prior_sd, [2.0 * common, common], rtol=1e-14)


def test_a_level_that_walks_moves_by_steps_of_four_weeks(market: Panel) -> None:
    spec = ModelSpec(trend="smooth", fourier_order=0)
    scales = Scales.of(market.head(TRAIN_WEEKS), spec)
    design = baseline_design(market.head(TRAIN_WEEKS), spec, scales)
    # 96 padded weeks have 24 steps, and one more begins with the week after.
    assert design.learned == {"trend": 25}
    assert design.parts[-25:] == (("trend", "trend"),) * 25
    steps = design.matrix[:, 0, -25:]
    started = np.arange(TRAIN_WEEKS - 1)[:, None] // 4 == np.arange(25)
    np.testing.assert_allclose(np.diff(steps, axis=0), 0.25 * started, atol=1e-12)
    np.testing.assert_allclose(steps.mean(axis=0), 0.0, atol=1e-12)
    # A year's 13 steps together: the outcome's standard deviation, at a scale of 1.
    np.testing.assert_allclose(np.sqrt(13) * design.prior_sd[-25:], scales.outcome_sd[0])


def test_a_later_refit_adds_steps_and_moves_none(market: Panel) -> None:
    spec = ModelSpec(trend="smooth", fourier_order=4)
    scales = Scales.of(market.head(60), spec)
    first, later = (baseline_design(market.head(n), spec, scales) for n in (60, 104))
    known = first.matrix.shape[2]
    np.testing.assert_array_equal(later.matrix[:60, :, :known], first.matrix)
    assert later.parts[:known] == first.parts
    assert later.learned == {"seasonality": 4, "trend": first.learned["trend"] + 16}
    # What begins after the weeks of the first fit has not moved any of them.
    assert not later.matrix[:60, :, known:].any()


def test_a_window_that_moves_has_the_steps_of_its_own_weeks(market: Panel) -> None:
    spec = ModelSpec(trend="smooth", fourier_order=0)
    scales = Scales.of(market.head(TRAIN_WEEKS), spec)
    whole = baseline_design(market, spec, scales).matrix[:, 0]
    later = replace(
        market,
        **{name: getattr(market, name)[10:] for name in ("weeks", "outcome", "spend", "organic")},
        controls=market.controls[10:],
    )
    steps = baseline_design(later, spec, scales).matrix[:, 0, 4:]
    # Week 10 lies in the third step; the first two are over, and part of the level.
    np.testing.assert_allclose(steps, whole[10:, 6 : 6 + steps.shape[1]], atol=1e-12)


def test_finer_harmonics_share_a_scale_that_is_learned(market: Panel) -> None:
    free, fine = (ModelSpec(trend="linear", fourier_order=order) for order in (2, 5))
    scales = Scales.of(market, free)
    plain, finer = (baseline_design(market, spec, scales) for spec in (free, fine))
    assert (plain.learned, finer.learned) == ({}, {"seasonality": 6})
    known = plain.matrix.shape[2]
    np.testing.assert_array_equal(finer.matrix[:, :, :known], plain.matrix)
    np.testing.assert_array_equal(finer.prior_sd[:known], plain.prior_sd)
    np.testing.assert_array_equal(
        finer.matrix[:, 0, known:], fourier_terms(market.weeks, range(3, 6))
    )
    assert free.learned_scales == ()
