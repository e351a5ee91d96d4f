import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

import hill_mmm
from hill_mmm import (
    ContributionSharePrior,
    LiftTest,
    ModelSpec,
    RoiPrior,
    SamplerSettings,
    SpecError,
)
from hill_mmm.spec import DEFAULT_ROI_PRIOR, DEFAULT_SHARE_PRIOR, ComponentPrior, CurvePrior

EVERYTHING = ModelSpec(
    components=3,
    adstock="weibull",
    likelihood="student_t",
    amplitude_prior="contribution_share",
    channel_priors={"tv": RoiPrior(3.0, 0.1 + 0.2)},
    hyperprior="inverse_gamma",
    component_prior=ComponentPrior(sigma_log_A_loc=-1.5, sigma_log_A_sd=0.4),
    curve_prior=CurvePrior(slope_median=1.5),
    channel_curve_priors={"tv": CurvePrior(alpha_mean=0.7)},
    trend="piecewise",
    fourier_order=3,
    holidays="DE",
    events={"strike": ("2024-03-04", "2024-03-05"), "fair": ()},
    control_signs={"price": "negative"},
    control_roles={"searches": "demand"},
    follows_demand={"tv": True},
)


def test_default_roi_prior_is_meridians() -> None:
    assert DEFAULT_ROI_PRIOR.kind == "roi"
    assert math.log(DEFAULT_ROI_PRIOR.median) == pytest.approx(0.2, abs=1e-4)
    assert DEFAULT_ROI_PRIOR.sd_log == 0.9


def test_prior_of_a_channel_wins_over_the_default() -> None:
    known = RoiPrior(median=3.0, sd_log=0.2)
    spec = ModelSpec(channel_priors={"tv": known})
    assert spec.channel_prior("tv", is_paid=True) == known
    assert spec.channel_prior("search", is_paid=True) == DEFAULT_ROI_PRIOR


def test_default_is_roi_or_share_as_said() -> None:
    spec = ModelSpec(amplitude_prior="contribution_share")
    assert spec.channel_prior("tv", is_paid=True) == DEFAULT_SHARE_PRIOR


def test_a_count_has_a_roi_prior_only_with_a_value() -> None:
    orders = ModelSpec(outcome_kind="count")
    assert orders.channel_prior("tv", is_paid=True) == DEFAULT_SHARE_PRIOR
    valued = replace(orders, value_per_unit=80.0)
    assert valued.channel_prior("tv", is_paid=True) == DEFAULT_ROI_PRIOR
    assert ModelSpec.from_dict(valued.as_dict()) == valued
    own = {"tv": RoiPrior(2.0, 0.5)}
    assert replace(valued, channel_priors=own).channel_prior("tv", is_paid=True) == own["tv"]
    with pytest.raises(SpecError, match=r"ROI prior of tv on a count; allowed: .*value_per_unit"):
        replace(orders, channel_priors=own)
    with pytest.raises(SpecError, match=r"'money' and value_per_unit 80.0; allowed: .*count alone"):
        ModelSpec(value_per_unit=80.0)


def test_organic_media_have_a_share_prior_and_no_roi() -> None:
    assert ModelSpec().channel_prior("newsletter", is_paid=False) == DEFAULT_SHARE_PRIOR
    tenth = ContributionSharePrior(0.1, 0.5)
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
        ModelSpec(fourier_order=3),
        ModelSpec(amplitude_prior="contribution_share"),
        ModelSpec(curve_prior=CurvePrior(slope_median=2.0)),
        ModelSpec(channel_priors={"tv": DEFAULT_SHARE_PRIOR}, events={"strike": ()}),
    ):
        assert same.structure == plain
    for other in (
        ModelSpec(components=2),
        ModelSpec(adstock="delayed"),
        ModelSpec(likelihood="student_t"),
        ModelSpec(hyperprior="halfnormal"),
        ModelSpec(amplitude_prior="seed"),
        ModelSpec(trend="linear"),
        ModelSpec(fourier_order=2),
    ):
        assert other.structure != plain
        assert hash(other.structure) != hash(plain)
    still = ModelSpec(trend="none", fourier_order=0)
    assert still.structure == ModelSpec(trend="piecewise", fourier_order=2).structure


@pytest.mark.parametrize("kind", [RoiPrior, ContributionSharePrior])
@pytest.mark.parametrize(
    ("median", "sd_log", "field"),
    [
        (0.0, 0.5, "median"),
        (-1.0, 0.5, "median"),
        (0.5, 0.0, "sd_log"),
        (math.nan, 0.5, "median"),
        (0.5, math.nan, "sd_log"),
        (math.inf, 0.5, "median"),
    ],
)
def test_prior_must_be_positive(
    kind: type[RoiPrior | ContributionSharePrior], median: float, sd_log: float, field: str
) -> None:
    with pytest.raises(SpecError, match=rf"Prior\.{field}: found .*; allowed: greater than 0"):
        kind(median, sd_log)


def test_a_share_is_below_one() -> None:
    with pytest.raises(SpecError, match=r"median: found 3; allowed: .*less than 1"):
        ContributionSharePrior(3, 0.5)


@pytest.mark.parametrize(("field", "value"), [("components", 0), ("fourier_order", -1)])
def test_spec_quotes_the_bad_value(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"ModelSpec.{field}: found {value}; allowed: greater"):
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
    with pytest.raises(ValueError, match=rf"{field}: found 'flat'; allowed: \W*{allowed}"):
        ModelSpec(**{field: "flat"})


def test_a_sign_is_positive_or_negative() -> None:
    with pytest.raises(
        ValueError, match=r"control_signs: found .*'down'.*; allowed: 'positive' or"
    ):
        ModelSpec(control_signs={"price": "down"})  # pyright: ignore[reportArgumentType]


def test_a_lift_test_of_one_week_is_allowed() -> None:
    assert LiftTest("tv", "2024-03-04", "2024-03-04", -1.0, 0.5).series is None


def test_a_lift_test_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(
        ValueError, match="found start 2024-03-04, end 2024-02-26; allowed: an end on or after"
    ):
        LiftTest("tv", "2024-03-04", "2024-02-26", 1.0, 0.5)


@pytest.mark.parametrize(
    ("lift", "error"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, math.nan)]
)
def test_a_lift_test_needs_numbers(lift: float, error: float) -> None:
    with pytest.raises(ValueError, match=r"LiftTest\.(lift|standard_error): found .*; allowed: "):
        LiftTest("tv", "2024-03-04", "2024-03-25", lift, error)


@pytest.mark.parametrize("field", ["chains", "warmup", "draws", "max_tree_depth"])
def test_sampler_lengths_must_be_positive(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field}: found 0; allowed: greater than or equal to 1"):
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


def test_a_value_of_another_type_is_a_mistake_like_any() -> None:
    with pytest.raises(SpecError, match="chains: found '4'; allowed: greater than or equal to 1"):
        SamplerSettings(chains="4")  # pyright: ignore[reportArgumentType]


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SpecError) as raised:
        SamplerSettings(chains=0, target_accept=2.0)
    assert [mistake.key for mistake in raised.value.mistakes] == ["chains", "target_accept"]


@pytest.mark.parametrize("day", ["20240304", "2024-3-4", "29.11.2024", "2024", "2024-02-30", ""])
def test_a_day_is_written_one_way(day: str) -> None:
    with pytest.raises(SpecError, match=r"start: found .*; allowed: a day, such as 2026-01-31"):
        LiftTest("tv", day, "2024-03-25", 1.0, 1.0)
    with pytest.raises(SpecError, match=r"events: found .*; allowed: a day"):
        ModelSpec(events={"strike": (day,)})


@pytest.mark.parametrize("country", ["GER", "XX", "us", "NYSE", "", "BV", "HM", "IO"])
def test_a_country_has_known_holidays(country: str) -> None:
    with pytest.raises(SpecError, match=f"holidays: found '{country}'; allowed: an ISO 3166 code"):
        ModelSpec(holidays=country)


def test_importing_the_specification_leaves_jax_alone() -> None:
    code = "import sys, hill_mmm.spec, hill_mmm.panel; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_of_the_package_can_be_imported() -> None:
    assert len(hill_mmm.__all__) <= 35
    assert all(getattr(hill_mmm, name) is not None for name in hill_mmm.__all__)


@pytest.mark.parametrize("role", ["mediator", "cost"])
def test_a_mediator_is_no_control(role: str) -> None:
    """What media move on their way to the outcome would take away part of their effect."""
    with pytest.raises(SpecError, match=rf"control_roles: found .*'{role}'.*A mediator is no c"):
        ModelSpec(control_roles={"branded_searches": role})


@pytest.mark.parametrize(
    ("medium", "does"),
    [
        ("paid_search", True),
        ("google_sem", True),
        ("sea", True),
        ("shopping_ads", True),
        ("retargeting", True),
        ("affiliates", True),
        ("seaside_posters", False),
        ("seasonal_tv", False),
        ("tv", False),
        ("display", False),
    ],
)
def test_media_that_capture_demand_are_known_by_name(medium: str, does: bool) -> None:
    assert ModelSpec().medium_follows_demand(medium) is does
    assert ModelSpec(follows_demand={medium: not does}).medium_follows_demand(medium) is not does
