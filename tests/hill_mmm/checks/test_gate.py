from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, GateThresholds, ModelSpec, Panel
from hill_mmm._results.estimands import channel_summary, period_returns
from hill_mmm._results.lift_tests import lift_test
from hill_mmm.checks import (
    Check,
    effect_checks,
    gate,
    holdout_checks,
    lift_test_checks,
    missing_holdout,
    mixture_checks,
    parameter_summary,
    prior_checks,
    score_checks,
    sensitivity_checks,
    unseen_checks,
    warmup_checks,
)
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import decompose, with_total

InventFit = Callable[..., Fit]

LIMITS = {
    "min_ess": 400.0,
    "divergence_rate": 0.001,
    "min_bfmi": 0.3,
    "saturated_tree_rate": 0.01,
}


@pytest.fixture(scope="module")
def good(market: Panel, invent_fit: InventFit) -> Fit:
    """Independent draws in agreeing chains: what a perfect sampler returns."""
    return invent_fit(
        market.head(60), ModelSpec(trend="linear", fourier_order=0), chains=4, draws=500
    )


def judge(fit: Fit) -> dict[str, Check]:
    checks = gate(parameter_summary(fit), fit, GateThresholds())
    return {check.check_name: check for check in checks}


def failed(fit: Fit) -> set[str]:
    return {name for name, check in judge(fit).items() if check.status == "fail"}


def with_draws(fit: Fit, site: str, values: np.ndarray) -> Fit:
    return replace(fit, draws=fit.draws | {site: values})


def test_a_good_fit_passes_every_check_and_is_told_the_limits(good: Fit) -> None:
    checks = judge(good)
    limits = {name: check.threshold for name, check in checks.items()}
    # What chance explains at the ESS of 2,000 draws.
    assert 1.005 < limits.pop("max_r_hat") < 1.012
    assert limits == LIMITS
    assert {check.status for check in checks.values()} == {"pass"}
    assert all(check.is_blocking for check in checks.values())
    assert 1.0 <= checks["max_r_hat"].value < checks["max_r_hat"].threshold
    assert 400 < checks["min_ess"].value <= 3000
    # Independent energies: the variance of a difference is twice that of each.
    assert checks["min_bfmi"].value == pytest.approx(2.0, rel=0.2)
    assert checks["divergence_rate"].value == checks["saturated_tree_rate"].value == 0.0


def test_a_chain_elsewhere_fails_r_hat_and_is_named(good: Fit) -> None:
    adstock = good.draws["adstock"].copy()
    adstock[0, :, 2] = 0.5 + 0.5 * adstock[0, :, 2]
    check = judge(with_draws(good, "adstock", adstock))["max_r_hat"]
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
    check = judge(with_draws(good, "sigma", np.full((4, 500, 1), value)))["max_r_hat"]
    assert check.status == "fail"
    assert np.isnan(check.value)
    # Without noise the likelihood is undefined too, and comes first.
    assert ("sigma" if value > 0 else "log_likelihood") in check.description


def test_the_limit_is_the_larger_of_what_is_tolerated_and_what_chance_explains(good: Fit) -> None:
    summary = parameter_summary(good)
    summary["r_hat"], summary["r_hat_by_chance"] = 1.0, 1.001
    summary.loc[summary["parameter"] == "sigma", ["r_hat", "r_hat_by_chance"]] = (1.03, 1.04)
    summary.loc[summary["parameter"] == "log_likelihood", "r_hat"] = 1.004
    for tolerated, value, threshold, status in (
        # The noise level's is the larger, but chance explains it.
        (1.005, 1.004, 1.005, "pass"),
        (1.003, 1.004, 1.003, "fail"),
        (1.05, 1.03, 1.05, "pass"),
    ):
        check = gate(summary, good, GateThresholds(max_r_hat=tolerated))[0]
        assert (check.value, check.threshold, check.status) == (value, threshold, status)
        assert f"gate.max_r_hat, {tolerated:g}, or the R-hat that chance" in check.description


def test_an_undefined_r_hat_is_worse_than_any(good: Fit) -> None:
    summary = parameter_summary(good)
    summary.loc[summary["parameter"] == "response", "r_hat"] = 3.0
    summary.loc[summary["parameter"] == "sigma", ["r_hat", "ess_bulk"]] = np.nan
    checks = {check.check_name: check for check in gate(summary, good, GateThresholds())}
    for name in ("max_r_hat", "min_ess"):
        assert checks[name].status == "fail"
        assert np.isnan(checks[name].value)
        assert "sigma" in checks[name].description


@pytest.mark.parametrize(("divergences", "status"), [(2, "pass"), (3, "fail")])
def test_divergences_above_one_in_a_thousand_fail(good: Fit, divergences: int, status: str) -> None:
    diverging = np.zeros((4, 500), dtype=bool)
    diverging[0, :divergences] = True
    fit = replace(good, stats=good.stats._replace(diverging=diverging))
    check = judge(fit)["divergence_rate"]
    assert (check.status, check.value) == (status, divergences / 2000)


def test_energy_that_wanders_fails_bfmi(good: Fit) -> None:
    # One chain is enough; a random walk's increments are far smaller than its spread.
    energy = good.stats.energy.copy()
    energy[2] = np.cumsum(energy[2])
    assert failed(replace(good, stats=good.stats._replace(energy=energy))) == {"min_bfmi"}


@pytest.mark.parametrize(("full", "fails"), [(20, False), (21, True)])
def test_full_trees_fail_above_one_in_a_hundred(good: Fit, full: int, fails: bool) -> None:
    steps = good.stats.steps.copy()
    steps[1, :full] = 2**good.sampler.max_tree_depth - 1
    found = failed(replace(good, stats=good.stats._replace(steps=steps)))
    assert found == ({"saturated_tree_rate"} if fails else set())


def test_thresholds_are_the_callers(good: Fit) -> None:
    diverging, steps = good.stats.diverging.copy(), good.stats.steps.copy()
    diverging[0, 0], steps[0, 0] = True, 2**good.sampler.max_tree_depth - 1
    fit = replace(good, stats=good.stats._replace(diverging=diverging, steps=steps))
    strict = GateThresholds(1.0 + 1e-9, 1e6, 0.0, 3.0, 0.0)
    summary = parameter_summary(fit).assign(r_hat_by_chance=1.0)
    checks = gate(summary, fit, strict)
    assert [check.status for check in checks] == ["fail"] * 5
    assert [check.threshold for check in checks] == [1.0 + 1e-9, 1e6, 0.0, 3.0, 0.0]


def test_the_components_own_are_shown_and_not_judged(good: Fit) -> None:
    summary = parameter_summary(good)
    summary.loc[~summary["is_judged"], ["r_hat", "ess_bulk", "ess_tail"]] = (2.0, 3.0, 3.0)
    assert {check.status for check in gate(summary, good, GateThresholds())} == {"pass"}


def test_summary_has_each_quantity_once_with_its_moments(good: Fit) -> None:
    summary = parameter_summary(good)
    assert not summary.duplicated(["parameter", "index"]).any()
    judged = summary[summary["is_judged"]]
    assert set(judged["parameter"]) == {
        *("log_likelihood", "sigma", "coefficient", "alpha", "contribution"),
        *("marginal_contribution", "response", "response_mroi"),
    }
    assert set(summary[~summary["is_judged"]]["parameter"]) == {
        *("amplitude", "half_saturation", "slope")
    }
    sigma = summary.set_index("parameter").loc["sigma"]
    draws = good.draws["sigma"] * good.scales.outcome
    assert sigma["mean"] == pytest.approx(draws.mean())
    assert sigma["sd"] == pytest.approx(draws.std(ddof=1))
    assert sigma["q05"] == pytest.approx(np.quantile(draws, 0.05))
    # Independent draws: the standard error of the mean is sd / sqrt(n), itself estimated.
    assert sigma["mcse_mean"] == pytest.approx(sigma["sd"] / np.sqrt(2000), rel=0.25)
    trend = summary.set_index(["parameter", "index"]).loc[("coefficient", "trend"), "mean"]
    by_hand = good.draws["coefficients"][:, :, 0, 1].mean() * good.scales.outcome[0]
    assert trend == pytest.approx(by_hand)


def test_summary_of_many_series_names_them(regional_mixture: Fit) -> None:
    summary = parameter_summary(regional_mixture)
    assert not summary.duplicated(["parameter", "index"]).any()
    index = summary.groupby("parameter")["index"].agg(set)
    regions = set(regional_mixture.panel.series)
    assert index["sigma"] == regions
    # Of the sum, then of each region; the second has no radio.
    assert {"tv", "newsletter", "region_04.radio", "region_02.newsletter"} <= index["contribution"]
    assert "region_02.radio" not in index["contribution"]
    assert {"region_01.baseline", "region_04.event.strike"} <= index["coefficient"]
    # Yearly sine and cosine.
    assert {"region_03.seasonality.2", "region_03.seasonality.3"} <= index["coefficient"]
    assert index["signed_coefficient"] == {"competitor_price"}
    assert index["weight"] == {"0", "1"}
    assert index["effective_components"] == {"inverse_herfindahl", "exp_entropy"}
    # Curves are of all regions together, and an organic medium has none.
    assert "radio@0.5" in index["response"]
    assert not any(name.startswith(("newsletter", "region")) for name in index["response"])
    assert {"tv", "newsletter"} <= index["alpha"]
    # A constant is no estimate of anything: none is in the summary.
    assert summary["r_hat"].notna().all()


def test_the_log_likelihood_is_that_of_all_series(regional_mixture: Fit) -> None:
    summary = parameter_summary(regional_mixture).set_index("parameter")
    total = sum(part.log_likelihood.sum(axis=1) for part in decompose(regional_mixture))
    assert summary.loc["log_likelihood", "mean"] == pytest.approx(np.mean(total), rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("delayed", {"alpha", "peak"}), ("weibull", {"shape", "scale"})],
)
def test_every_parameter_of_the_carry_over_is_judged(
    market: Panel, invent_fit: InventFit, kind: str, parameters: set[str]
) -> None:
    spec = ModelSpec(adstock=kind, trend="linear", fourier_order=1)  # pyright: ignore[reportArgumentType]
    summary = parameter_summary(invent_fit(market.head(91), spec))
    judged = set(summary[summary["is_judged"]]["parameter"])
    assert judged & {"alpha", "peak", "shape", "scale"} == parameters


def test_a_control_may_bear_the_name_of_a_baseline_part(good: Fit) -> None:
    panel = replace(good.panel, control_names=("trend", *good.panel.control_names[1:]))
    fit = replace(good, panel=panel, scales=replace(good.scales, controls=panel.control_names))
    summary = parameter_summary(fit)
    assert not summary.duplicated(["parameter", "index"]).any()
    indices = set(summary.loc[summary["parameter"] == "coefficient", "index"])
    assert {"trend", "control.trend"} <= indices


def test_judged_contributions_are_the_channel_summarys(mixture: Fit) -> None:
    summary = parameter_summary(mixture).set_index(["parameter", "index"])
    *_, part = with_total(mixture)
    *_, returns = period_returns(mixture, mixture.panel)
    frame = channel_summary(mixture, part, returns, 0.9)
    frame = frame.query("period == 'all'").set_index("channel")
    for channel in ("tv", "radio"):
        row = summary.loc[("contribution", channel)]
        weeks = len(part.weeks)
        assert row["mean"] * weeks == pytest.approx(frame.loc[channel, "contribution_mean"])
        assert row["q05"] * weeks == pytest.approx(frame.loc[channel, "contribution_ci_lo"])
        gain = part.media_gain[:, :, part.media_names.index(channel)].mean()
        assert summary.loc[("marginal_contribution", channel), "mean"] == pytest.approx(gain)


@pytest.fixture
def three(market: Panel, invent_fit: InventFit) -> Fit:
    return invent_fit(
        market.head(60),
        ModelSpec(components=3, trend="linear", fourier_order=0),
        chains=4,
        draws=100,
    )


def test_a_summary_does_not_depend_on_the_labels(three: Fit) -> None:
    rng = np.random.default_rng(1)
    labels = rng.permuted(np.tile(np.arange(3), (4, 100, 1)), axis=2)
    shuffled = {
        name: np.take_along_axis(values, np.expand_dims(labels, between), axis=-1)
        for name, between in (
            ("weights", ()),
            ("amplitude", (2, 3)),
            ("half_saturation", (2,)),
            ("slope", (2,)),
        )
        for values in [three.draws[name]]
    }
    before, after = (
        parameter_summary(fit) for fit in (three, replace(three, draws=three.draws | shuffled))
    )
    assert set(before.loc[~before["is_judged"], "parameter"]) >= {"weight", "amplitude"}
    moments = ["parameter", "index", "mean", "sd", "q05", "q50", "q95"]
    pd.testing.assert_frame_equal(before[moments], after[moments], rtol=1e-8)


def holdout_accuracy(**values: float) -> pd.DataFrame:
    return pd.DataFrame({"metric": list(values), "value": list(values.values())})


# Of 13 independent weeks, fewer than 8 are inside in 0.1 % of holdouts, fewer than 9 in 0.6 %.
@pytest.mark.parametrize(("covered", "status"), [(8, "pass"), (7, "warn")])
def test_holdout_coverage_warns_below_what_chance_explains(covered: int, status: str) -> None:
    (check,) = holdout_checks(holdout_accuracy(coverage=covered / 13), 0.9, 13)
    assert (check.status, check.is_blocking) == (status, False)
    assert check.threshold == pytest.approx(8 / 13)


@pytest.mark.parametrize(("ratio", "status"), [(1.0, "pass"), (1.01, "warn")])
def test_holdout_error_is_held_against_last_years(ratio: float, status: str) -> None:
    checks = holdout_checks(holdout_accuracy(coverage=0.9, rmse_vs_naive=ratio), 0.9, 13)
    assert [check.check_name for check in checks] == ["holdout_coverage", "holdout_rmse_vs_naive"]
    assert (checks[1].status, checks[1].is_blocking) == (status, False)
    assert (checks[1].value, checks[1].threshold) == (ratio, 1.0)


def test_one_week_alone_says_nothing_of_coverage() -> None:
    (check,) = holdout_checks(holdout_accuracy(coverage=0.0), 0.9, 1, "scored")
    assert (check.check_name, check.status) == ("scored_coverage", "pass")


def test_a_missing_holdout_is_a_warning_that_says_why() -> None:
    check = missing_holdout("only 40 weeks are left before it")
    assert (check.check_name, check.status, check.is_blocking) == (
        *("holdout_coverage", "warn"),
        False,
    )
    assert "only 40 weeks are left" in check.description


def learned(**by_channel: float) -> pd.DataFrame:
    """Rows of a channel summary, of one series and its whole period."""
    return pd.DataFrame(
        {
            "series_key": "national",
            "channel": list(by_channel),
            "period": "all",
            "roi_learned": list(by_channel.values()),
        }
    )


def test_channels_that_the_data_say_nothing_of_are_named() -> None:
    summary = learned(tv=0.9, display=0.099, search=0.1, leaflets=0.0, radio=np.nan)
    (check,) = prior_checks(summary)
    assert (check.check_name, check.status) == ("prior_dominated_channels", "warn")
    assert (check.value, check.threshold, check.is_blocking) == (2.0, 0.0, False)
    assert "(display, leaflets)" in check.description


def test_of_many_series_and_periods_the_sum_over_all_weeks_counts() -> None:
    regional = learned(tv=0.0).assign(series_key="region_01")
    quarter = learned(tv=0.0).assign(series_key=ALL_SERIES, period="last_13_weeks")
    together = learned(tv=0.8).assign(series_key=ALL_SERIES)
    (check,) = prior_checks(pd.concat([regional, quarter, together]))
    assert (check.status, check.value) == ("pass", 0.0)


def summary_with(column: str, **by_channel: float) -> pd.DataFrame:
    return learned(**by_channel).rename(columns={"roi_learned": column})


def test_channels_whose_contribution_no_week_has_shown_are_named() -> None:
    (check,) = unseen_checks(
        summary_with("unseen_share", tv=0.02, search=0.7, social=0.9, x=np.nan)
    )
    assert (check.check_name, check.status, check.value) == ("unseen_share", "warn", 0.9)
    assert "(social 90%)" in check.description and "lift test" in check.description
    (check,) = unseen_checks(summary_with("unseen_share", tv=0.02, search=0.79))
    assert (check.status, check.is_blocking) == ("pass", False)


def test_channels_that_may_have_no_effect_are_named() -> None:
    (check,) = effect_checks(summary_with("prob_effect", tv=1.0, search=0.5, x=0.04, y=np.nan))
    assert (check.check_name, check.status, check.value) == ("prob_effect", "warn", 0.04)
    assert "no effect: x 4%." in check.description
    (check,) = effect_checks(summary_with("prob_effect", tv=1.0, search=0.05))
    assert (check.status, check.is_blocking) == ("pass", False)
    assert effect_checks(summary_with("prob_effect", tv=np.nan)) == []


def sensitivity(*rows: tuple[str, str, str, str, float]) -> pd.DataFrame:
    keys = ["prior_of", "trust", "channel", "metric", "shift_sd"]
    return pd.DataFrame(rows, columns=keys).assign(mean=1.2, scaled_mean=1.6)


def test_returns_that_move_with_their_priors_are_named() -> None:
    (check,) = sensitivity_checks(
        sensitivity(
            ("all media", "half", "tv", "roi", 0.7),
            ("tv", "half", "tv", "roi", 0.6),
            ("all media", "double", "tv", "mroi", 2.0),
            ("all media", "double", "all media", "contribution", -0.9),
            ("search", "half", "search", "roi", np.nan),
        )
    )
    assert (check.check_name, check.status, check.value) == ("prior_sensitivity", "warn", 0.9)
    said = check.description
    assert (
        "tv would read 1.6 instead of 1.2 (roi, +0.7 sd) with 0.5 times the trust in all pr" in said
    )
    assert said.count("tv would read") == 1 and "what all media bring would read" in said
    assert "not known of the priors of search at half" in said
    (check,) = sensitivity_checks(sensitivity(("tv", "half", "tv", "roi", -0.5)))
    assert (check.status, check.is_blocking) == ("pass", False)
    assert sensitivity_checks(sensitivity()) == []


def test_where_no_weights_say_anything_sensitivity_is_a_warning() -> None:
    (check,) = sensitivity_checks(sensitivity(("all media", "half", "tv", "roi", np.nan)))
    assert check.status == "warn" and np.isnan(check.value)


def effects_apart(fit: Fit, ratio: float) -> Fit:
    """The fit with one curve for all components, each `ratio` times as high as the one before."""
    height = ratio ** np.arange(3.0)
    ones = np.ones_like(fit.draws["half_saturation"])
    noise = np.random.default_rng(2).lognormal(0.0, 0.05, fit.draws["amplitude"].shape)
    even = np.full_like(fit.draws["weights"], 1 / 3)
    changed = {"half_saturation": ones, "slope": ones, "weights": even}
    return replace(fit, draws=fit.draws | changed | {"amplitude": height * noise})


def test_components_that_stand_apart_pass(three: Fit) -> None:
    switching, apart = mixture_checks(effects_apart(three, 2.0))
    assert (switching.check_name, switching.status) == ("component_switching_rate", "pass")
    assert (switching.value, switching.threshold) == (0.0, 0.05)
    assert (apart.check_name, apart.status, apart.threshold) == (
        *("component_separation", "pass"),
        2.0,
    )
    assert apart.value > 10
    # Equal weights: three of them by either count.
    assert "components: 3.00 (1/sum of squared weights), 3.00 (Shannon)" in apart.description


def test_components_that_overlap_warn_and_do_not_block(three: Fit) -> None:
    switching, apart = mixture_checks(effects_apart(three, 1.0))
    # Six orders, all as likely: five of six steps change it.
    assert switching.value == pytest.approx(5 / 6, abs=4 * np.sqrt(5 / 36 / 396))
    assert apart.value < 2
    assert [check.status for check in (switching, apart)] == ["warn", "warn"]
    assert not (switching.is_blocking or apart.is_blocking)


@pytest.mark.parametrize(("moved", "status"), [(0, "pass"), (1, "warn"), (3, "warn")])
def test_a_place_that_not_every_chain_found_by_itself_warns(
    good: Fit, moved: int, status: str
) -> None:
    stats = good.stats._replace(moved=np.arange(4) < moved)
    (check,) = warmup_checks(replace(good, stats=stats))
    assert (check.check_name, check.status, check.is_blocking) == ("moved_chains", status, False)
    assert (check.value, check.threshold) == (moved, 0.0)
    assert "Chains of 4 " in check.description
    assert "sampler.seed" in check.description


def test_a_single_curve_has_no_components_to_judge(good: Fit) -> None:
    assert mixture_checks(good) == []


@pytest.mark.parametrize(("k", "status"), [(1.0, "pass"), (1.01, "warn"), (np.inf, "warn")])
def test_weeks_that_sway_the_fit_warn(k: float, status: str) -> None:
    (check,) = score_checks(holdout_accuracy(max_pareto_k=k, share_pareto_k_over_0_7=0.021))
    assert (check.check_name, check.status, check.is_blocking) == ("max_pareto_k", status, False)
    assert (check.value, check.threshold) == (k, 1.0)
    assert "2.1% of weeks" in check.description


def experiments(**columns: list[object]) -> pd.DataFrame:
    """Two lift tests that the model agrees with, but for these columns."""
    agreed: dict[str, list[object]] = {
        "channel": ["tv", "search"],
        "start_week": [pd.Timestamp("2022-02-14"), pd.Timestamp("2022-05-02")],
        "lift": [45.0, 1e4],
        "standard_error": [9.0, 2e3],
        "lift_without_test_mean": [4.5e4, 1.1e4],
        "lift_without_test_sd": [8e3, 3e3],
        "without_test_method": ["refit", "psis"],
        "pareto_k": [3.0, 0.5],
        "z_score": [0.3, 0.3],
        "prior_probability": [0.4, 0.9],
    }
    return pd.DataFrame(agreed | columns)


@pytest.mark.parametrize(("errors", "status"), [(2.2, "pass"), (2.3, "warn"), (-2.3, "warn")])
def test_an_experiment_that_the_model_contradicts_warns(errors: float, status: str) -> None:
    check, size = lift_test_checks(experiments(z_score=[errors, 0.3]))
    assert (check.check_name, check.status) == ("lift_test_disagreement", status)
    # Of two tests, one is beyond 1.96 more often than one of a single test is.
    assert check.threshold == pytest.approx(2.24, abs=0.01)
    assert check.value == abs(errors)
    assert not check.is_blocking
    assert "tv from 2022-02-14: measured 45, else 4.5e+04 +- 8e+03" in check.description
    assert (size.check_name, size.status) == ("lift_test_size", "pass")


def test_an_experiment_of_an_impossible_size_is_asked_for_its_unit() -> None:
    _, check = lift_test_checks(experiments(prior_probability=[1e-6, 0.9]))
    assert (check.status, check.is_blocking, check.threshold) == ("warn", False, 0.005)
    assert "tv from 2022-02-14: 45 +- 9" in check.description
    assert "another unit than the outcome (thousands" in check.description


@pytest.mark.parametrize("k", [0.71, np.nan, np.inf])
def test_an_experiment_that_cannot_be_left_out_is_no_agreement(k: float) -> None:
    frame = experiments(without_test_method=["psis", "psis"], pareto_k=[k, 0.5])
    check, _ = lift_test_checks(frame)
    assert check.status == "warn"
    assert "Not known of tv from 2022-02-14" in check.description


def test_under_the_seeds_amplitudes_no_size_is_impossible() -> None:
    frame = experiments(prior_probability=[np.nan, np.nan])
    assert [check.check_name for check in lift_test_checks(frame)] == ["lift_test_disagreement"]


def test_without_experiments_there_is_nothing_to_disagree_with(national_mixture: Fit) -> None:
    assert lift_test_checks(lift_test(national_mixture, 0.9)) == []
