import json
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import ModelSpec, Panel, simulate_seed_benchmark
from hill_mmm._design import Scales, baseline_design

TRAIN_WEEKS = 91


def test_scales_are_means_of_outcome_and_of_weeks_with_spend(market: Panel) -> None:
    scales = Scales.of(market)
    assert scales.outcome == pytest.approx(market.outcome.mean(), rel=1e-14)
    on_air = [column[column > 0].mean() for column in market.spend.T]
    np.testing.assert_allclose(scales.spend, on_air, rtol=1e-14)
    assert scales.outcome_sd == pytest.approx(market.outcome.std() / market.outcome.mean())


def test_amplitude_location_is_three_tenths_of_the_range(market: Panel) -> None:
    spread = market.outcome.max() - market.outcome.min()
    amplitude = np.exp(Scales.of(market).amplitude_loc) * market.outcome.mean()
    assert amplitude == pytest.approx(0.3 * spread, rel=1e-12)


def test_half_saturation_is_located_at_the_median_adstocked_spend() -> None:
    panel, truth = simulate_seed_benchmark("single", 0)
    scales = Scales.of(panel)
    located = np.exp(scales.log_half_saturation[0]) * scales.spend[0]
    # The DGP's own k is the median adstocked spend at the same alpha.
    assert located == pytest.approx(truth.half_saturation[0, 0], rel=1e-12)


def test_channel_without_spend_has_finite_scales(market: Panel) -> None:
    silent = replace(market, spend=market.spend * np.array([0.0, 1, 1, 1, 1, 1]))
    scales = Scales.of(silent)
    assert scales.spend[0] == 1.0
    assert np.isfinite(scales.log_half_saturation).all()


def test_scales_survive_json_to_the_bit(market: Panel) -> None:
    scales = Scales.of(market)
    assert Scales.from_dict(json.loads(json.dumps(scales.as_dict()))) == scales


def test_design_goes_on_unchanged_after_the_training_weeks(market: Panel) -> None:
    spec = ModelSpec(fourier_order=2)
    train = market.head(TRAIN_WEEKS)
    scales = Scales.of(train)
    whole = baseline_design(market, spec, scales).matrix
    np.testing.assert_array_equal(whole[:TRAIN_WEEKS], baseline_design(train, spec, scales).matrix)
    trend = whole[:, 1]
    np.testing.assert_allclose(np.diff(trend), np.diff(trend)[0], rtol=1e-10)


def test_regressors_are_standardised_in_the_training_weeks(market: Panel) -> None:
    spec = ModelSpec(fourier_order=0)
    matrix = baseline_design(market, spec, Scales.of(market)).matrix
    np.testing.assert_array_equal(matrix[:, 0], 1.0)
    np.testing.assert_allclose(matrix[:, 1:].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(matrix[:, 1:].std(axis=0), 1.0, rtol=1e-12)


def test_columns_are_labelled_by_what_they_are(market: Panel) -> None:
    design = baseline_design(market, ModelSpec(fourier_order=2), Scales.of(market))
    assert design.components == (
        ("baseline", "baseline"),
        ("trend", "trend"),
        *[("seasonality", "seasonality")] * 4,
        ("control", "competitor_price"),
        ("control", "promotion"),
    )
    assert design.matrix.shape == (len(market), len(design.components))


def test_trend_and_seasonality_can_be_left_out(market: Panel) -> None:
    spec = ModelSpec(trend=False, fourier_order=0)
    design = baseline_design(market, spec, Scales.of(market))
    assert [kind for kind, _ in design.components] == ["baseline", "control", "control"]


def test_seasonality_repeats_every_year() -> None:
    panel, _ = simulate_seed_benchmark("single", 0, weeks=209)
    design = baseline_design(panel, ModelSpec(fourier_order=1), Scales.of(panel))
    seasonality = design.matrix[:, 2:]
    np.testing.assert_allclose((seasonality**2).sum(axis=1), 1.0, rtol=1e-12)
    # 208 weeks are 1456 days, 5 days short of four years.
    angle = np.arccos(seasonality[0] @ seasonality[208])
    assert angle == pytest.approx(2 * np.pi * 5 / 365.25, rel=1e-6)


def test_priors_are_the_seeds(market: Panel) -> None:
    scales = Scales.of(market)
    design = baseline_design(market, ModelSpec(fourier_order=1), scales)
    np.testing.assert_array_equal(design.prior_mean, [1.0, *[0.0] * 5])
    np.testing.assert_allclose(design.prior_sd / scales.outcome_sd, [2.0, *[1.0] * 5])
