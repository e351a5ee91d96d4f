from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import (
    Check,
    Fit,
    GateThresholds,
    ModelSpec,
    Panel,
    channel_summary,
    decompose,
    gate,
    holdout_checks,
    parameter_summary,
    prior_checks,
)
from hill_mmm._diagnostics import relabelling

NAMES = ["max_r_hat", "min_ess", "divergence_rate", "min_bfmi", "saturated_tree_rate"]


@pytest.fixture(scope="module")
def good(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    """Independent draws in agreeing chains: what a perfect sampler returns."""
    return invent_fit(market.head(60), ModelSpec(fourier_order=0), chains=4, draws=500)


def judge(fit: Fit) -> dict[str, Check]:
    checks = gate(parameter_summary(fit, decompose(fit)), fit, GateThresholds())
    return {check.check_name: check for check in checks}


def failed(fit: Fit) -> set[str]:
    return {name for name, check in judge(fit).items() if check.status == "fail"}


def with_draws(fit: Fit, site: str, values: np.ndarray) -> Fit:
    return replace(fit, draws=fit.draws | {site: values})


def test_a_good_fit_passes_every_check(good: Fit) -> None:
    checks = judge(good)
    assert list(checks) == NAMES
    assert {check.status for check in checks.values()} == {"pass"}
    assert all(check.is_blocking for check in checks.values())


def test_a_chain_elsewhere_fails_r_hat_and_is_named(good: Fit) -> None:
    alpha = good.draws["alpha"].copy()
    alpha[0, :, 2] = 0.5 + 0.5 * alpha[0, :, 2]
    check = judge(with_draws(good, "alpha", alpha))["max_r_hat"]
    assert check.status == "fail"
    assert check.value > 1.01
    assert "alpha[social]" in check.description


def test_a_sticky_chain_fails_ess(good: Fit) -> None:
    # Every draw of sigma stays for ten: 50 distinct ones a chain, 200 in all.
    sticky = np.repeat(good.draws["sigma"][:, :50], 10, axis=1)
    check = judge(with_draws(good, "sigma", sticky))["min_ess"]
    assert check.status == "fail"
    assert check.value < 400
    assert "sigma" in check.description


def test_chains_that_never_moved_fail(good: Fit) -> None:
    stuck = np.broadcast_to(good.draws["sigma"][:, :1], good.draws["sigma"].shape)
    assert "max_r_hat" in failed(with_draws(good, "sigma", stuck))


@pytest.mark.parametrize("value", [0.03, np.nan])
def test_quantity_whose_r_hat_is_undefined_fails(good: Fit, value: float) -> None:
    check = judge(with_draws(good, "sigma", np.full((4, 500), value)))["max_r_hat"]
    assert check.status == "fail"
    assert "sigma" in check.description


@pytest.mark.parametrize(("divergences", "status"), [(2, "pass"), (3, "fail")])
def test_divergences_above_one_in_a_thousand_fail(good: Fit, divergences: int, status: str) -> None:
    diverging = np.zeros((4, 500), dtype=bool)
    diverging[0, :divergences] = True
    fit = replace(good, stats=good.stats._replace(diverging=diverging))
    assert judge(fit)["divergence_rate"].status == status


def test_energy_that_wanders_fails_bfmi(good: Fit) -> None:
    # One chain is enough; a random walk's increments are far smaller than its spread.
    energy = good.stats.energy.copy()
    energy[2] = np.cumsum(energy[2])
    assert failed(replace(good, stats=good.stats._replace(energy=energy))) == {"min_bfmi"}


def test_full_trees_fail(good: Fit) -> None:
    steps = good.stats.steps.copy()
    steps[1, :100] = 2**good.sampler.max_tree_depth - 1
    assert failed(replace(good, stats=good.stats._replace(steps=steps))) == {"saturated_tree_rate"}


def test_thresholds_are_the_callers(good: Fit) -> None:
    summary = parameter_summary(good, decompose(good))
    strict = GateThresholds(max_r_hat=1.0, min_ess=1e6)
    status = {check.check_name: check.status for check in gate(summary, good, strict)}
    assert (status["max_r_hat"], status["min_ess"]) == ("fail", "fail")


def test_summary_has_each_quantity_once_with_its_moments(good: Fit) -> None:
    summary = parameter_summary(good, decompose(good))
    assert not summary.duplicated(["parameter", "index"]).any()
    judged = summary[summary["is_judged"]]
    assert set(judged["parameter"]) == {
        *("log_likelihood", "sigma", "coefficient", "alpha", "roi", "mroi"),
        *("response", "response_mroi"),
    }
    assert set(summary[~summary["is_judged"]]["parameter"]) == {
        *("amplitude", "half_saturation", "slope")
    }
    sigma = summary.set_index("parameter").loc["sigma"]
    draws = good.draws["sigma"] * good.scales.outcome
    assert sigma["mean"] == pytest.approx(draws.mean())
    assert sigma["q05"] == pytest.approx(np.quantile(draws, 0.05))
    # Independent draws: the standard error of the mean is sd / sqrt(n), itself estimated.
    assert sigma["mcse_mean"] == pytest.approx(sigma["sd"] / np.sqrt(2000), rel=0.25)
    trend = summary.set_index(["parameter", "index"]).loc[("coefficient", "trend"), "mean"]
    assert trend == pytest.approx(good.draws["coefficients"][:, :, 1].mean() * good.scales.outcome)


def test_a_control_may_bear_the_name_of_a_baseline_part(good: Fit) -> None:
    panel = replace(good.panel, control_names=("trend", *good.panel.control_names[1:]))
    fit = replace(good, panel=panel)
    summary = parameter_summary(fit, decompose(fit))
    assert not summary.duplicated(["parameter", "index"]).any()
    indices = set(summary.loc[summary["parameter"] == "coefficient", "index"])
    assert {"trend", "control.trend"} <= indices


def test_published_roi_is_the_channel_summarys(good: Fit) -> None:
    parts = decompose(good)
    summary = parameter_summary(good, parts).query("parameter == 'roi'").set_index("index")
    frame = channel_summary(good, parts, 0.9).set_index("channel")
    np.testing.assert_allclose(summary["mean"], frame["roi_mean"], rtol=1e-12)
    np.testing.assert_allclose(summary["q05"], frame["roi_ci_lo"], rtol=1e-12)


@pytest.fixture
def mixture(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    return invent_fit(market.head(60), ModelSpec(3, fourier_order=0), chains=4, draws=100)


def test_relabelling_orders_by_effect_at_reference_spend(mixture: Fit) -> None:
    draws = mixture.draws
    # Reference spend is 1 on the model's scale.
    shape = 1.0 / (1.0 + draws["half_saturation"] ** draws["slope"])
    effect = (draws["amplitude"] * shape).sum(axis=2)
    ordered = np.take_along_axis(effect, relabelling(mixture), axis=2)
    assert (np.diff(ordered, axis=2) > 0).all()


def test_relabelling_undoes_any_permutation_of_labels(mixture: Fit) -> None:
    rng = np.random.default_rng(1)
    permutation = rng.permuted(np.tile(np.arange(3), (4, 100, 1)), axis=2)
    curve = permutation[:, :, None, :]
    shuffled = mixture.draws | {
        name: np.take_along_axis(mixture.draws[name], curve, axis=3)
        for name in ("amplitude", "half_saturation", "slope")
    }
    shuffled["weights"] = np.take_along_axis(mixture.draws["weights"], permutation, axis=2)
    before, after = (
        parameter_summary(fit, decompose(fit))
        for fit in (mixture, replace(mixture, draws=shuffled))
    )
    assert set(before.loc[~before["is_judged"], "parameter"]) >= {"weight", "amplitude"}
    moments = ["parameter", "index", "mean", "sd", "q05", "q50", "q95"]
    pd.testing.assert_frame_equal(before[moments], after[moments], rtol=1e-8)
    # Sums over components differ in the last bit, which swaps ranks; relabelled ones do not.
    own = ~before["is_judged"]
    pd.testing.assert_frame_equal(before[own], after[own], check_exact=True)


def holdout_accuracy(**values: float) -> pd.DataFrame:
    return pd.DataFrame({"metric": list(values), "value": list(values.values())})


# 0.9 - 2.6 * sqrt(0.9 * 0.1 / 13) = 0.684: 8 of 13 weeks warn, 9 pass.
@pytest.mark.parametrize(("covered", "status"), [(9, "pass"), (8, "warn")])
def test_holdout_coverage_warns_below_what_chance_explains(covered: int, status: str) -> None:
    (check,) = holdout_checks(holdout_accuracy(coverage=covered / 13), 0.9, 13)
    assert (check.status, check.is_blocking) == (status, False)
    assert check.threshold == pytest.approx(0.6837, abs=1e-4)


@pytest.mark.parametrize(("ratio", "status"), [(1.0, "pass"), (1.01, "warn")])
def test_holdout_error_is_held_against_last_years(ratio: float, status: str) -> None:
    checks = holdout_checks(holdout_accuracy(coverage=0.9, rmse_vs_naive=ratio), 0.9, 13)
    assert [check.check_name for check in checks] == ["holdout_coverage", "holdout_rmse_vs_naive"]
    assert (checks[1].status, checks[1].is_blocking) == (status, False)


def with_roi(fit: Fit, sd_log: np.ndarray) -> Fit:
    """The fit with each channel's log ROI drawn from Normal(0.2, its `sd_log`)."""
    parts = decompose(fit)
    roi = parts.media.sum(axis=1) / fit.panel.spend.sum(axis=0)
    wanted = np.random.default_rng(3).lognormal(0.2, sd_log, roi.shape)
    factor = (wanted / roi).reshape(*fit.draws["sigma"].shape, -1, 1)
    return with_draws(fit, "amplitude", fit.draws["amplitude"] * factor)


def test_channels_that_the_data_say_nothing_of_are_named(
    market: Panel, invent_fit: Callable[..., Fit]
) -> None:
    fit = invent_fit(market.head(60), ModelSpec(), chains=4, draws=1000)
    sd_log = np.array([0.1, 0.2, 0.3, 0.9, 0.4, 0.9])
    fit = with_roi(fit, sd_log)
    summary = channel_summary(fit, decompose(fit), 0.9)
    # 4000 independent draws know a variance to sqrt(2 / 4000) = 2.2 %; 4 of those.
    np.testing.assert_allclose(
        1 - summary["roi_learned"], (sd_log / 0.9) ** 2, atol=4 * np.sqrt(2 / 4000)
    )
    (check,) = prior_checks(summary)
    assert (check.status, check.value, check.is_blocking) == ("warn", 2.0, False)
    assert "(display, leaflets)" in check.description


def test_no_warning_where_every_roi_is_learned(good: Fit) -> None:
    fit = with_roi(good, np.full(6, 0.3))
    (check,) = prior_checks(channel_summary(fit, decompose(fit), 0.9))
    assert check.status == "pass"
