from dataclasses import replace

import jax
import numpy as np
import pytest

from hill_mmm import (
    ContributionSharePrior,
    LiftTest,
    ModelSpec,
    Panel,
    RoiPrior,
    Scales,
    simulate_geo_market,
    simulate_seed_benchmark,
)
from hill_mmm._model.data import ModelData, model_data
from hill_mmm._model.design import baseline_design
from hill_mmm._model.padding import PADDING
from hill_mmm.spec import CurvePrior

WEEKS, PADDED = 91, 96
SIGNED = ModelSpec(control_signs={"competitor_price": "negative"})
PLAIN = ModelSpec(trend="linear", fourier_order=2)
LIFT = LiftTest("tv", "2022-02-07", "2022-02-28", 1e5, 2e4)


@pytest.fixture(scope="module")
def train(regions: Panel) -> Panel:
    return regions.head(WEEKS)


def data_of(panel: Panel, spec: ModelSpec, *tests: LiftTest, prior_only: bool = False) -> ModelData:
    return model_data(panel, spec, Scales.of(panel, spec), tests, prior_only=prior_only)


def test_padding_is_not_observed_and_empty(train: Panel) -> None:
    data = data_of(train, SIGNED, LIFT)
    by_week = (
        data.media.spend,
        data.outcome,
        data.observed,
        data.scored,
        data.regressors,
        data.signed,
    )
    by_week += (data.lift.media.spend, data.lift.without, data.lift.weeks)
    for values in by_week:
        assert len(values) == PADDED
        assert not np.asarray(values[WEEKS:]).any()
        assert np.isfinite(values).all()
    np.testing.assert_array_equal(data.observed[:WEEKS], train.observed)


def test_weeks_of_one_bucket_have_equal_shapes(regions: Panel) -> None:
    shapes = {
        weeks: [
            np.shape(leaf) for leaf in jax.tree.leaves(data_of(regions.head(weeks), ModelSpec()))
        ]
        for weeks in (65, PADDED, PADDED + 1)
    }
    assert PADDED % PADDING == 0
    assert shapes[65] == shapes[PADDED]
    assert shapes[PADDED] != shapes[PADDED + 1]


def test_values_are_on_the_scales_of_the_model_version(regions: Panel, train: Panel) -> None:
    scales = Scales.of(train, ModelSpec())
    later = model_data(regions, ModelSpec(), scales)
    observed = regions.observed
    np.testing.assert_allclose(
        np.asarray(later.outcome[:104])[observed],
        (regions.outcome / scales.outcome)[observed],
        rtol=1e-14,
    )
    assert not np.asarray(later.outcome[:104])[~observed].any()
    np.testing.assert_allclose(later.media.spend[:104], regions.media / scales.spend, rtol=1e-14)


def test_other_variables_are_refused(market: Panel, train: Panel) -> None:
    with pytest.raises(ValueError, match="the panel's series are"):
        model_data(market, ModelSpec(), Scales.of(train, ModelSpec()))


def test_prior_leaves_the_outcome_and_the_experiments_out(train: Panel) -> None:
    data = data_of(train, PLAIN, LIFT, prior_only=True)
    assert not np.asarray(data.scored).any()
    assert not np.asarray(data.gram).any()
    assert len(data.lift.lift) == 0
    np.testing.assert_array_equal(data.observed[:WEEKS], train.observed)
    diagonal = np.diag(1.0 / np.asarray(data.prior_sd))
    np.testing.assert_allclose(data.pilot_factor, np.tile(diagonal, (4, 1, 1)), rtol=1e-12)


def test_factor_is_of_the_coefficients_precision(train: Panel) -> None:
    spec = PLAIN
    data = data_of(train, spec)
    matrix = baseline_design(train, spec, Scales.of(train, spec)).matrix
    for series in range(4):
        own = matrix[train.observed[:, series], series]
        np.testing.assert_allclose(data.gram[series], own.T @ own, rtol=1e-10, atol=1e-10)
        factor = np.asarray(data.pilot_factor[series])
        precision = own.T @ own / data.pilot_sigma[series] ** 2 + np.diag(1.0 / data.prior_sd**2)
        np.testing.assert_allclose(factor @ factor.T, precision, rtol=1e-8, atol=1e-8)
        np.testing.assert_array_equal(factor, np.tril(factor))


def test_pilot_noise_is_near_the_noise() -> None:
    panel, truth = simulate_geo_market(3, series=8)
    data = data_of(panel, ModelSpec(trend="linear", fourier_order=1))
    pilot = data.pilot_sigma * np.nanmean(panel.outcome, axis=0)
    # The regression's curves are square roots, and 78 weeks know a sd to 8 %.
    np.testing.assert_allclose(pilot / truth.sigma, 1.0, atol=0.35)


def test_pilot_noise_is_positive_with_as_many_regressors_as_weeks() -> None:
    panel, _ = simulate_seed_benchmark("single", 0, weeks=52)
    many = np.random.default_rng(0).normal(size=(52, 1, 60))
    crowded = replace(
        panel, controls=many, control_names=tuple(f"c{control}" for control in range(60))
    )
    data = data_of(crowded, ModelSpec())
    assert data.pilot_sigma[0] == pytest.approx(0.01 * float(np.std(data.outcome[:52])))
    assert np.isfinite(data.pilot_factor).all()


def test_effects_are_counted_in_roi_or_in_shares(train: Panel) -> None:
    share = ContributionSharePrior(median=0.1, sd_log=0.4)
    spec = ModelSpec(channel_priors={"tv": share, "search": RoiPrior(median=3.0, sd_log=0.2)})
    data = data_of(train, spec)
    tv, search, social, radio, newsletter = (
        train.media_names.index(name) for name in ("tv", "search", "social", "radio", "newsletter")
    )
    unit = np.exp(data.effect_unit)
    # A share is of the outcome, whose mean is 1 on the model's scale.
    np.testing.assert_array_equal(unit[:, [tv, newsletter]], 1.0)
    for medium in (search, social):
        for series in range(4):
            own = train.observed[:, series]
            # What a ROI of 1 brings a week, over the mean outcome.
            expected = train.spend[own, series, medium].mean() / train.outcome[own, series].mean()
            assert unit[series, medium] == pytest.approx(expected, rel=1e-12)
    assert np.isfinite(unit[1, radio])
    asked = [tv, search, social, newsletter]
    medians = np.exp(np.asarray(data.effect_loc)[asked])
    np.testing.assert_allclose(medians, [0.1, 3.0, 1.2214, 0.03], rtol=1e-12)
    covariance = np.asarray(data.effect_factor @ data.effect_factor.T)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance))[asked], [0.4, 0.2, 0.9, 1.0])
    # Those without a prior of their own share a half of it; a newsletter, without spend, does not.
    default = [m for m in range(len(train.channels)) if m not in (tv, search)]
    assert {social, radio} <= set(default)
    common = np.zeros_like(covariance)
    common[np.ix_(default, default)] = 0.5 * 0.9**2
    off_diagonal = ~np.eye(len(covariance), dtype=bool)
    np.testing.assert_allclose(covariance[off_diagonal], common[off_diagonal], atol=1e-15)


def test_a_channels_own_curve_prior_wins_over_the_default(train: Panel) -> None:
    own = CurvePrior(0.75, 8.0, 2.0, 0.3, 1.5, 0.4)
    usual = CurvePrior(slope_median=0.9)
    given = ModelSpec(curve_prior=usual, channel_curve_priors={"tv": own})
    data, plain = data_of(train, given), data_of(train, ModelSpec())
    tv, search = (train.media_names.index(name) for name in ("tv", "search"))
    np.testing.assert_allclose(data.curves.alpha[:, [tv, search]], [[6.0, 2.0], [2.0, 2.0]])
    slope = data.curves.log_slope[:, [tv, search]]
    np.testing.assert_allclose(slope, [np.log([2.0, 0.9]), [0.3, 0.5]])
    moved = data.curves.log_half_saturation - plain.curves.log_half_saturation
    np.testing.assert_allclose(moved[:, tv], [np.log(1.5), 0.4 - 0.7])
    np.testing.assert_array_equal(moved[:, search], 0.0)


def test_media_that_a_series_lacks_are_not_active(train: Panel) -> None:
    active = np.asarray(data_of(train, ModelSpec()).is_active)
    radio = train.channels.index("radio")
    assert active[1, radio] == 0.0
    assert active.sum() == active.size - 1


@pytest.mark.parametrize(("sign", "direction"), [("positive", 1.0), ("negative", -1.0)])
def test_controls_with_a_sign_are_turned(train: Panel, sign: str, direction: float) -> None:
    spec = replace(PLAIN, control_signs={"competitor_price": sign})  # pyright: ignore[reportArgumentType]
    free = data_of(train, PLAIN)
    data = data_of(train, spec)
    np.testing.assert_array_equal(data.signed[:, :, 0], direction * free.regressors[:, :, -1])
    assert data.regressors.shape[2] == free.regressors.shape[2] - 1
    np.testing.assert_array_equal(data.signed_prior_sd, free.prior_sd[-1:])


def test_a_roi_of_units_is_of_what_each_series_units_are_worth(train: Panel) -> None:
    worth = np.linspace(50.0, 200.0, len(train.series)) * (1.0 + np.arange(len(train)) % 2)[:, None]
    orders = replace(train, outcome=train.outcome / worth, value=train.outcome)
    spec = ModelSpec(outcome_kind="count", value_per_unit="by_week")
    paid = len(train.channels)
    wanted, found = data_of(train, ModelSpec()), data_of(orders, spec)
    np.testing.assert_allclose(found.effect_unit[:, :paid], wanted.effect_unit[:, :paid])
    np.testing.assert_array_equal(found.effect_loc, wanted.effect_loc)
