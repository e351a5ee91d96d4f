"""Priors against data that they are not of, on fits of the right model."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import ContributionSharePrior, Fit, ModelSpec, Panel, simulate_national_market
from hill_mmm.checks import Check, conflict_checks
from hill_mmm.results import decompose

InventFit = Callable[..., Fit]


def checks_of(fit: Fit) -> dict[str, Check]:
    checks = conflict_checks(fit, fit.estimates().channel_summary)
    return {check.check_name: check for check in checks}


def with_scales(fit: Fit, *, outcome: float = 1.0, spend: float = 1.0) -> Fit:
    """The fit in other units; its draws are on the model's scales, and stay."""
    scales = replace(
        fit.scales, outcome=fit.scales.outcome * outcome, spend=fit.scales.spend * spend
    )
    panel = replace(fit.panel, outcome=fit.panel.outcome * outcome, spend=fit.panel.spend * spend)
    return replace(fit, panel=panel, scales=scales)


@pytest.mark.parametrize("name", ["fitted", "regional_fit"])
def test_a_right_world_is_no_conflict(name: str, request: pytest.FixtureRequest) -> None:
    checks = checks_of(request.getfixturevalue(name))
    assert list(checks) == ["prior_conflict", "prior_media_share"]
    assert {check.status for check in checks.values()} == {"pass"}
    assert not any(check.is_blocking for check in checks.values())


def test_orders_under_a_prior_of_money_are_told(fitted: Fit) -> None:
    checks = checks_of(with_scales(fitted, outcome=1 / 80))
    conflict, share = checks["prior_conflict"], checks["prior_media_share"]
    assert (conflict.status, share.status) == ("warn", "warn")
    assert "tv brings 0.0" in conflict.description
    assert "a ROI of 1.22" in conflict.description
    for check in (conflict, share):
        assert "outcome.kind: count" in check.description
    assert share.value > 5.0


def test_orders_of_a_known_value_are_no_conflict(fitted: Fit) -> None:
    orders = with_scales(fitted, outcome=1 / 80)
    valued = replace(orders, spec=replace(fitted.spec, outcome_kind="count", value_per_unit=80.0))
    expected = checks_of(fitted)
    for name, check in checks_of(valued).items():
        assert check.status == "pass"
        assert check.value == pytest.approx(expected[name].value, rel=1e-6)


def test_media_in_scaled_units_are_told(fitted: Fit) -> None:
    checks = checks_of(with_scales(fitted, spend=1e-5))
    assert checks["prior_media_share"].status == "warn"
    assert checks["prior_media_share"].value < 1e-4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("channel", ["tv", "search", "social"])
def test_one_channel_in_thousands_is_named(invent_fit: InventFit, channel: str, seed: int) -> None:
    """Its posterior stays at a prior of nearly nothing: least squares alone shows what it kept."""
    panel, _ = simulate_national_market(seed=seed)
    thousandth = np.where([name == channel for name in panel.channels], 1e-3, 1.0)
    fit = at_the_prior(invent_fit, replace(panel, spend=panel.spend * thousandth))
    conflict = checks_of(fit)["prior_conflict"]
    assert conflict.status == "warn"
    named = conflict.description.split(" brings ")[:-1]
    assert [one.split()[-1] for one in named] == [channel]


@pytest.mark.parametrize("seed", range(10))
def test_a_channel_in_its_own_unit_is_not(invent_fit: InventFit, seed: int) -> None:
    panel, _ = simulate_national_market(seed=seed)
    assert checks_of(at_the_prior(invent_fit, panel))["prior_conflict"].status == "pass"


def at_the_prior(invent_fit: InventFit, panel: Panel) -> Fit:
    """Made-up draws in which every medium brings its prior's median."""
    fit = invent_fit(panel, ModelSpec())
    (part,) = decompose(fit)
    usual = 1.2214 * panel.spend.sum(axis=(0, 1))
    factor = (usual / part.media.sum(axis=1)).reshape(2, 25, 1, -1, 1)
    return replace(fit, draws=fit.draws | {"amplitude": fit.draws["amplitude"] * factor})


def test_a_prior_of_ones_own_is_named_in_its_unit(fitted: Fit) -> None:
    own = {"tv": ContributionSharePrior(median=1e-4, sd_log=0.2)}
    fit = replace(fitted, spec=replace(fitted.spec, channel_priors=own))
    conflict = checks_of(fit)["prior_conflict"]
    assert conflict.status == "warn"
    assert "median, 0.0001 of the outcome" in conflict.description


def test_the_seeds_amplitudes_have_no_prior_on_effects(
    market: Panel, invent_fit: InventFit
) -> None:
    assert not checks_of(invent_fit(market.head(91), ModelSpec(amplitude_prior="seed")))
