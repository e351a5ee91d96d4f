import json
import math

import pytest

from hill_mmm import (
    DEFAULT_ROI_PRIOR,
    DEFAULT_SHARE_PRIOR,
    AmplitudePrior,
    LiftTest,
    ModelSpec,
    SamplerSettings,
)

EVERYTHING = ModelSpec(
    components=3,
    adstock="weibull",
    likelihood="student_t",
    amplitude_prior="contribution_share",
    channel_priors={"tv": AmplitudePrior("roi", 3.0, 0.1 + 0.2)},
    hyperprior="inverse_gamma",
    trend="piecewise",
    fourier_order=3,
    holidays="DE",
    events={"strike": ("2024-03-04", "2024-03-05"), "fair": ()},
    control_signs={"price": "negative"},
)


def test_default_roi_prior_is_meridians() -> None:
    assert DEFAULT_ROI_PRIOR.kind == "roi"
    assert math.log(DEFAULT_ROI_PRIOR.median) == pytest.approx(0.2, abs=1e-4)
    assert DEFAULT_ROI_PRIOR.sd_log == 0.9


def test_prior_of_a_channel_wins_over_the_default() -> None:
    known = AmplitudePrior("roi", median=3.0, sd_log=0.2)
    spec = ModelSpec(channel_priors={"tv": known})
    assert spec.channel_prior("tv", is_paid=True) == known
    assert spec.channel_prior("search", is_paid=True) == DEFAULT_ROI_PRIOR


def test_default_is_roi_or_share_as_said() -> None:
    spec = ModelSpec(amplitude_prior="contribution_share")
    assert spec.channel_prior("tv", is_paid=True) == DEFAULT_SHARE_PRIOR


def test_organic_media_have_a_share_prior_and_no_roi() -> None:
    assert ModelSpec().channel_prior("newsletter", is_paid=False) == DEFAULT_SHARE_PRIOR
    tenth = AmplitudePrior("contribution_share", 0.1, 0.5)
    named = ModelSpec(channel_priors={"newsletter": tenth})
    assert named.channel_prior("newsletter", is_paid=False) == tenth
    with pytest.raises(ValueError, match=r"newsletter is organic: .*contribution_share"):
        ModelSpec(channel_priors={"newsletter": DEFAULT_ROI_PRIOR}).channel_prior(
            "newsletter", is_paid=False
        )


@pytest.mark.parametrize("spec", [ModelSpec(), EVERYTHING], ids=["default", "everything"])
def test_spec_survives_json(spec: ModelSpec) -> None:
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec


def test_structure_is_what_shapes_the_program_and_no_more() -> None:
    plain = ModelSpec().structure
    for same in (
        ModelSpec(trend="none", fourier_order=0),
        ModelSpec(amplitude_prior="contribution_share"),
        ModelSpec(channel_priors={"tv": DEFAULT_SHARE_PRIOR}, events={"strike": ()}),
    ):
        assert same.structure == plain
    for other in (
        ModelSpec(components=2),
        ModelSpec(adstock="delayed"),
        ModelSpec(likelihood="student_t"),
        ModelSpec(hyperprior="halfnormal"),
        ModelSpec(amplitude_prior="seed"),
    ):
        assert other.structure != plain
        assert hash(other.structure) != hash(plain)


@pytest.mark.parametrize("kind", ["roi", "contribution_share"])
@pytest.mark.parametrize(
    ("median", "sd_log"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (math.nan, 1.0), (1.0, math.nan)]
)
def test_prior_must_be_positive(kind: str, median: float, sd_log: float) -> None:
    with pytest.raises(ValueError, match="positive median and sd_log"):
        AmplitudePrior(kind, median, sd_log)  # pyright: ignore[reportArgumentType]


def test_prior_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"kind must be one of .*roi.*found 'flat'"):
        AmplitudePrior("flat", 1.0, 1.0)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("field", "value"), [("components", 0), ("fourier_order", -1)])
def test_spec_quotes_the_bad_value(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{field} .*found {value}"):
        ModelSpec(**{field: value})


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("adstock", "geometric.*delayed.*weibull"),
        ("likelihood", "normal.*student_t"),
        ("amplitude_prior", "roi.*contribution_share.*seed"),
        ("hyperprior", "lognormal.*halfnormal.*inverse_gamma"),
        ("trend", "none.*linear.*piecewise"),
    ],
)
def test_an_unknown_choice_is_refused_with_those_there_are(field: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=rf"{field} must be one of \W*{allowed}.*found 'flat'"):
        ModelSpec(**{field: "flat"})


def test_a_sign_is_positive_or_negative() -> None:
    with pytest.raises(ValueError, match=r"the sign of price must be one of .*found 'down'"):
        ModelSpec(control_signs={"price": "down"})  # pyright: ignore[reportArgumentType]


def test_a_lift_test_of_one_week_is_allowed() -> None:
    assert LiftTest("tv", "2024-03-04", "2024-03-04", -1.0, 0.5).series is None


def test_a_lift_test_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="lift test of tv starts 2024-03-04, after its end"):
        LiftTest("tv", "2024-03-04", "2024-02-26", 1.0, 0.5)


@pytest.mark.parametrize(
    ("lift", "error"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, math.nan)]
)
def test_a_lift_test_needs_numbers(lift: float, error: float) -> None:
    with pytest.raises(ValueError, match="a finite lift and a positive error"):
        LiftTest("tv", "2024-03-04", "2024-03-25", lift, error)


@pytest.mark.parametrize("field", ["chains", "warmup", "draws", "max_tree_depth"])
def test_sampler_lengths_must_be_positive(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be at least 1, found 0"):
        SamplerSettings(**{field: 0})


@pytest.mark.parametrize("target", [0.0, 1.0, 1.5])
def test_target_acceptance_is_a_probability(target: float) -> None:
    with pytest.raises(ValueError, match="target_accept"):
        SamplerSettings(target_accept=target)


@pytest.mark.parametrize(
    ("spec", "series", "target"),
    [
        (ModelSpec(), 1, 0.95),
        (ModelSpec(), 40, 0.8),
        (ModelSpec(components=2), 1, 0.98),
        (ModelSpec(components=2), 40, 0.98),
        (ModelSpec(amplitude_prior="seed"), 1, 0.98),
    ],
)
def test_target_acceptance_follows_the_model(spec: ModelSpec, series: int, target: float) -> None:
    assert SamplerSettings().acceptance(spec, series) == target
    assert SamplerSettings(target_accept=0.9).acceptance(spec, series) == 0.9
