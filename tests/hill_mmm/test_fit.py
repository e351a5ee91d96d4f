from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hill_mmm import (
    ContributionSharePrior,
    Fit,
    ModelSpec,
    Panel,
    Progress,
    RoiPrior,
    SamplerSettings,
    Scales,
    fit,
    sample_prior,
    simulate_seed_benchmark,
)
from hill_mmm._posterior import OPTIONAL_SITE_DIMS, SITE_DIMS
from hill_mmm._results.lift_tests import modelled_lift
from hill_mmm._sampling.program import _PROGRAMS
from hill_mmm.spec import AmplitudePrior

# Of the walk, in 91 weeks that are filled up to 96: one each four weeks, and one more.
STEPS = 25
NATIONAL_SIZES = {
    "series": 1,
    "medium": 6,
    "component": 1,
    "adstock_parameter": 1,
    "column": 6 + STEPS,
}
REGIONAL_SIZES = NATIONAL_SIZES | {"series": 4, "component": 2, "column": 5 + STEPS}
TINY = SamplerSettings(chains=2, warmup=20, draws=20)


@pytest.fixture(params=["fitted", "regional_fit"])
def any_fit(request: pytest.FixtureRequest) -> Fit:
    return request.getfixturevalue(request.param)


def through_a_file(fit: Fit, path: Path) -> Fit:
    fit.to_dataset().to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return Fit.from_dataset(dataset.load())


def assert_same_fields(one: object, other: object, kind: type) -> None:
    """Equal to the bit, with NaN equal to NaN."""
    for field in fields(kind):
        np.testing.assert_array_equal(
            getattr(one, field.name), getattr(other, field.name), err_msg=field.name
        )


def assert_same(stored: Fit, original: Fit) -> None:
    assert_same_fields(stored.panel, original.panel, Panel)
    assert_same_fields(stored.scales, original.scales, Scales)
    assert (stored.spec, stored.sampler) == (original.spec, original.sampler)
    assert stored.lift_tests == original.lift_tests
    assert stored.draws.keys() == original.draws.keys()
    for site, values in original.draws.items():
        np.testing.assert_array_equal(stored.draws[site], values, strict=True)
    for name, values in original.stats._asdict().items():
        np.testing.assert_array_equal(getattr(stored.stats, name), values, strict=True)
    for name in ("cpu_seconds", "wall_seconds", "peak_rss_mb", "prior_only"):
        assert getattr(stored, name) == getattr(original, name)


def test_fit_has_every_site_in_its_shape(fitted: Fit) -> None:
    assert set(fitted.draws) == {*SITE_DIMS, "log_effect", "baseline_scale"}
    for site, dims in SITE_DIMS.items():
        assert fitted.draws[site].shape == (2, 200, *(NATIONAL_SIZES[dim] for dim in dims))
        assert np.isfinite(fitted.draws[site]).all()
    assert fitted.stats.diverging.shape == (2, 200)


def test_fit_of_many_series_has_every_site_in_its_shape(regional_fit: Fit) -> None:
    assert set(regional_fit.draws) == set(SITE_DIMS | OPTIONAL_SITE_DIMS) - {"log_multiplier"}
    for site, dims in SITE_DIMS.items():
        assert regional_fit.draws[site].shape == (2, 60, *(REGIONAL_SIZES[dim] for dim in dims))
        assert np.isfinite(regional_fit.draws[site]).all()
    assert regional_fit.draws["signed_coefficients"].shape == (2, 60, 1)
    assert (regional_fit.draws["signed_coefficients"] > 0).all()
    assert (regional_fit.draws["degrees_of_freedom"] > 2).all()
    active = (regional_fit.panel.media > 0).any(axis=0)
    np.testing.assert_array_equal((regional_fit.draws["amplitude"] > 0).all(axis=(0, 1, 4)), active)
    assert not regional_fit.draws["amplitude"][:, :, ~active].any()


def test_noise_is_found(fitted: Fit) -> None:
    sigma = fitted.draws["sigma"].mean() * fitted.scales.outcome[0]
    # 91 weeks know a standard deviation to 7 %, less what 12 coefficients and six curves take.
    assert sigma == pytest.approx(35_000.0, rel=0.3)


def test_posterior_agrees_with_the_lift_tests(regional_fit: Fit) -> None:
    tests = regional_fit.lift_tests
    found = modelled_lift(regional_fit, tests)
    for position, test in enumerate(tests):
        expected, between = found.mean[:, position].mean(), found.variance[:, position].mean()
        error = np.sqrt(test.standard_error**2 + between)
        assert float(expected) == pytest.approx(test.lift, abs=2 * error)


def test_fit_accounts_for_what_it_cost(any_fit: Fit) -> None:
    assert any_fit.cpu_seconds > 0
    assert any_fit.wall_seconds > 0
    assert any_fit.peak_rss_mb > 50


def test_fit_keeps_the_target_acceptance_that_it_ran_with(fitted: Fit, regional_fit: Fit) -> None:
    assert (fitted.sampler.target_accept, regional_fit.sampler.target_accept) == (0.95, 0.98)


def test_a_stored_fit_is_the_same_to_the_bit(any_fit: Fit, tmp_path: Path) -> None:
    assert_same(through_a_file(any_fit, tmp_path / "fit.nc"), any_fit)


def test_a_stored_prior_stays_one(fitted: Fit, tmp_path: Path) -> None:
    prior = replace(fitted, prior_only=True)
    assert_same(through_a_file(prior, tmp_path / "prior.nc"), prior)


def test_a_mixture_without_controls_is_stored_too(
    invent_fit: Callable[..., Fit], tmp_path: Path
) -> None:
    panel, _ = simulate_seed_benchmark("mixture_k3", 0, weeks=60)
    prior = ContributionSharePrior(0.1, 0.3)
    spec = ModelSpec(components=3, trend="linear", fourier_order=0, channel_priors={"media": prior})
    invented = invent_fit(panel, spec)
    assert_same(through_a_file(invented, tmp_path / "fit.nc"), invented)


def test_refit_of_a_model_version_keeps_its_scales_and_its_program(
    fitted: Fit, market: Panel
) -> None:
    programs = set(_PROGRAMS)
    reports: list[Progress] = []
    later = fit(
        market.head(95), fitted.spec, TINY, scales=fitted.scales, on_progress=reports.append
    )
    assert set(_PROGRAMS) == programs
    assert later.scales is fitted.scales
    assert len(later.panel) == 95
    assert reports[-1].done == reports[-1].total == 2 * 40


def test_scales_of_other_variables_are_refused(fitted: Fit, market: Panel) -> None:
    renamed = replace(market, channels=("cinema", *market.channels[1:]))
    with pytest.raises(ValueError, match=r"the panel's media are .*'cinema'.* new model version"):
        fit(renamed, fitted.spec, TINY, scales=fitted.scales)


def test_prior_draws_are_the_priors(fitted: Fit) -> None:
    programs = set(_PROGRAMS)
    settings = SamplerSettings(chains=2, warmup=200, draws=300, seed=1)
    prior = sample_prior(fitted.panel, fitted.spec, settings)
    assert set(_PROGRAMS) == programs
    summary = prior.summary()
    roi = summary[summary["period"] == "all"]
    # Draws of the prior are nearly independent: 4 standard errors of 300.
    assert len(roi) == 6
    np.testing.assert_allclose(np.log(roi["roi_median"]), 0.2, atol=4 * 1.25 * 0.9 / np.sqrt(300))
    for side, z in (("lo", -1.645), ("hi", 1.645)):
        error = 4 * 0.9 * np.sqrt(0.05 * 0.95 / 300) / 0.103
        np.testing.assert_allclose(np.log(roi[f"roi_ci_{side}"]), 0.2 + z * 0.9, atol=error)
    # Those without a learned scale: intercept, line, a harmonic and two controls.
    coefficients = prior.draws["coefficients"][:, :, 0, :6].reshape(-1, 6)
    sd = prior.scales.outcome_sd[0]
    np.testing.assert_allclose(
        (coefficients.mean(axis=0) - [1, 0, 0, 0, 0, 0]) / ([2 * sd] + 5 * [sd]),
        0.0,
        atol=4 / np.sqrt(300),
    )
    np.testing.assert_allclose(
        coefficients.std(axis=0) / ([2 * sd] + 5 * [sd]), 1.0, atol=4 / np.sqrt(600)
    )


def test_channel_without_spend_is_named(market: Panel) -> None:
    silent = replace(market, spend=market.spend * np.array([1.0, 0, 1, 1, 0, 1]))
    with pytest.raises(ValueError, match=r"without any spend .*'search', 'radio'"):
        fit(silent)


def test_panel_without_channels_is_refused(market: Panel) -> None:
    bare = replace(market, spend=market.spend[:, :, :0], channels=())
    with pytest.raises(ValueError, match="no channels"):
        fit(bare)


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"cinema": RoiPrior(1.0, 1.0)}, r"channel_priors name \['cinema'\], not"),
        ({"newsletter": RoiPrior(1.0, 1.0)}, "newsletter is organic"),
    ],
)
def test_prior_of_a_channel_that_cannot_have_it_is_refused(
    regions: Panel, priors: dict[str, AmplitudePrior], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit(regions, ModelSpec(channel_priors=priors))
