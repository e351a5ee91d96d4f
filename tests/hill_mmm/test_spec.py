import math

import pytest

from hill_mmm import DEFAULT_ROI_PRIOR, LogNormalPrior, ModelSpec, SamplerSettings


def test_default_roi_prior_is_meridians() -> None:
    assert math.log(DEFAULT_ROI_PRIOR.median) == pytest.approx(0.2, abs=1e-4)
    assert DEFAULT_ROI_PRIOR.sd_log == 0.9


def test_roi_prior_of_a_channel_wins_over_the_default() -> None:
    known = LogNormalPrior(median=3.0, sd_log=0.2)
    spec = ModelSpec(roi_priors={"tv": known})
    assert spec.roi_prior("tv") == known
    assert spec.roi_prior("search") == DEFAULT_ROI_PRIOR


@pytest.mark.parametrize(("median", "sd_log"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0)])
def test_prior_must_be_positive(median: float, sd_log: float) -> None:
    with pytest.raises(ValueError, match="positive median and sd_log"):
        LogNormalPrior(median, sd_log)


@pytest.mark.parametrize(("field", "value"), [("components", 0), ("fourier_order", -1)])
def test_spec_quotes_the_bad_value(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{field} .*found {value}"):
        ModelSpec(**{field: value})


@pytest.mark.parametrize("field", ["chains", "warmup", "draws", "max_tree_depth"])
def test_sampler_lengths_must_be_positive(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be at least 1, found 0"):
        SamplerSettings(**{field: 0})


@pytest.mark.parametrize("target", [0.0, 1.0, 1.5])
def test_target_acceptance_is_a_probability(target: float) -> None:
    with pytest.raises(ValueError, match="target_accept"):
        SamplerSettings(target_accept=target)


def test_an_unknown_amplitude_prior_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of .*roi.*seed.*found 'flat'"):
        ModelSpec(amplitude_prior="flat")  # pyright: ignore[reportArgumentType]


def test_a_prior_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="positive median"):
        LogNormalPrior(float("nan"), 1.0)
