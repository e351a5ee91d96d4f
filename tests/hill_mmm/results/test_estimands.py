from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import ContributionSharePrior, Fit, LiftTest, ModelSpec, Panel, RoiPrior
from hill_mmm._results.components import component
from hill_mmm._results.estimands import (
    CURVE_MULTIPLIERS,
    adstock_decay,
    channel_summary,
    period_returns,
)
from hill_mmm._results.lift_tests import LiftWithoutTest, lift_test, modelled_lift
from hill_mmm._results.statistics import statistics
from hill_mmm.checks import parameter_summary
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import Estimates, decompose, estimates, model_fit, with_total

LEVEL = 0.9

InventFit = Callable[..., Fit]


def columns_of(name: str) -> list[str]:
    return [f"{name}_{part}" for part in ("mean", "median", "sd", "ci_lo", "ci_hi")]


def assert_ordered(frame: pd.DataFrame, name: str) -> None:
    """The statistics of a quantity are in order; they may be undefined, all together."""
    found = frame[columns_of(name)]
    assert (found.notna().all(axis=1) | found.isna().all(axis=1)).all()
    known = found.dropna()
    assert len(known)
    assert (known[f"{name}_ci_lo"] <= known[f"{name}_median"]).all()
    assert (known[f"{name}_median"] <= known[f"{name}_ci_hi"]).all()
    assert (known[f"{name}_sd"] >= 0).all()


def summary_of(fit: Fit) -> pd.DataFrame:
    """The rows of the whole period, of the series and their sum."""
    parts = zip(with_total(fit), period_returns(fit, fit.panel), strict=True)
    rows = pd.concat([channel_summary(fit, part, returns, LEVEL) for part, returns in parts])
    return rows[rows["period"] == "all"].set_index(["series_key", "channel"])


@pytest.fixture(scope="module")
def national(national_mixture: Fit) -> Estimates:
    return estimates(national_mixture, LEVEL)


@pytest.fixture(scope="module")
def regional(regional_mixture: Fit) -> Estimates:
    return estimates(regional_mixture, LEVEL)


@pytest.fixture
def found(mixture: Fit, national: Estimates, regional: Estimates) -> Estimates:
    """Every table of `mixture`."""
    return regional if len(mixture.panel.series) > 1 else national


def test_statistics_are_numpys() -> None:
    draws = np.random.default_rng(0).normal(size=(200, 3, 2))
    found = statistics("x", draws, 0.8)
    assert list(found) == columns_of("x")
    np.testing.assert_allclose(found["x_mean"], draws.mean(axis=0).ravel())
    np.testing.assert_allclose(found["x_median"], np.median(draws, axis=0).ravel())
    np.testing.assert_allclose(found["x_sd"], draws.std(axis=0, ddof=1).ravel())
    np.testing.assert_allclose(found["x_ci_lo"], np.quantile(draws, 0.1, axis=0).ravel())
    np.testing.assert_allclose(found["x_ci_hi"], np.quantile(draws, 0.9, axis=0).ravel())


def test_each_series_and_their_sum_have_rows(national: Estimates, regional: Estimates) -> None:
    regions = [f"region_0{number}" for number in range(1, 5)]
    by_series = ("channel_summary", "contribution", "response_curve", "model_fit")
    for table in by_series:
        assert list(getattr(national, table)["series_key"].unique()) == ["national"]
        assert set(getattr(regional, table)["series_key"]) == {*regions, ALL_SERIES}
    # The components' curves have no sum.
    assert list(regional.component["series_key"].unique()) == regions


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("channel_summary", ["series_key", "channel", "period"]),
        ("contribution", ["series_key", "week_start", "component_type", "component"]),
        ("response_curve", ["series_key", "channel", "basis", "grid_index"]),
        ("model_fit", ["series_key", "week_start"]),
        ("adstock_decay", ["channel", "lag"]),
        ("component", ["series_key", "channel", "component"]),
    ],
)
def test_a_tables_key_is_a_key(found: Estimates, table: str, key: list[str]) -> None:
    rows = getattr(found, table)
    assert len(rows)
    assert not rows.duplicated(key).any()
    assert rows.index.tolist() == list(range(len(rows)))
    assert (rows["ci_level"] == LEVEL).all()


def test_the_parts_of_a_week_add_up_to_its_expected_outcome(found: Estimates) -> None:
    by_week = found.contribution.groupby(["series_key", "week_start"])["contribution_mean"].sum()
    expected = found.model_fit.set_index(["series_key", "week_start"])["expected_mean"]
    pd.testing.assert_series_equal(
        by_week, expected.sort_index(), check_names=False, rtol=1e-6, atol=0
    )


def test_the_series_add_up_to_all(regional: Estimates) -> None:
    parts = regional.contribution
    key = ["week_start", "component_type", "component"]
    each = parts[parts["series_key"] != ALL_SERIES].groupby(key)["contribution_mean"].sum()
    together = parts[parts["series_key"] == ALL_SERIES].set_index(key)["contribution_mean"]
    pd.testing.assert_series_equal(
        each, together.sort_index(), rtol=1e-6, atol=1e-6 * together.abs().mean()
    )
    summary = regional.channel_summary.query("period == 'all'")
    for column in ("spend", "contribution_mean"):
        each = summary[summary["series_key"] != ALL_SERIES].groupby("channel")[column].sum()
        together = summary[summary["series_key"] == ALL_SERIES].set_index("channel")[column]
        pd.testing.assert_series_equal(each, together.sort_index(), rtol=1e-6)


def test_the_weeks_of_a_channel_add_up_to_its_contribution(found: Estimates) -> None:
    weeks = found.contribution.query("component_type in ['channel', 'organic']")
    by_channel = weeks.groupby(["series_key", "component"])["contribution_mean"].sum()
    summary = found.channel_summary.query("period == 'all'")
    contribution = summary.set_index(["series_key", "channel"])["contribution_mean"].sort_index()
    pd.testing.assert_series_equal(by_channel, contribution, check_names=False, rtol=1e-6)


def test_channel_summary(mixture: Fit, found: Estimates) -> None:
    frame = found.channel_summary
    assert list(frame.columns) == [
        *("series_key", "channel", "period", "period_start", "period_end"),
        *("is_paid", "spend", "spend_share"),
        *columns_of("contribution"),
        *columns_of("contribution_share"),
        *("carried_in_share", "unseen_share"),
        *columns_of("incremental_outcome"),
        *columns_of("roi"),
        *columns_of("mroi"),
        *("cpik_median", "prob_roi_gt_1", "roi_hidden_driver_r2", "mroi_hidden_driver_r2"),
        *("no_return_reason", "ci_level", "roi_learned"),
        *("prob_effect", "no_prob_effect_reason"),
    ]
    for name in ("contribution", "contribution_share", "incremental_outcome", "roi", "mroi"):
        assert_ordered(frame, name)
    all_returns = period_returns(mixture, mixture.panel)
    for part, returns in zip(with_total(mixture), all_returns, strict=True):
        rows = frame[(frame["series_key"] == part.series) & (frame["period"] == "all")]
        assert tuple(rows["channel"]) == mixture.panel.media_names
        paid = rows[rows["is_paid"]]
        assert tuple(paid["channel"]) == mixture.panel.channels
        np.testing.assert_allclose(paid["spend"], part.spend.sum(axis=0))
        assert rows["spend_share"].sum() == pytest.approx(1.0)
        contribution = part.media.sum(axis=1)
        np.testing.assert_allclose(rows["contribution_mean"], contribution.mean(axis=0))
        share = contribution / part.expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(rows["contribution_share_mean"], share.mean(axis=0))
        carried_in = np.divide(
            part.carried_in.sum(axis=0),
            contribution.mean(axis=0),
            out=np.full(len(rows), np.nan),
            where=contribution.any(axis=0),
        )
        np.testing.assert_allclose(rows["carried_in_share"], carried_in)
        bought = paid[paid["spend"] > 0]
        np.testing.assert_allclose(
            bought["roi_mean"], bought["incremental_outcome_mean"] / bought["spend"]
        )
        channels = [part.channels.index(name) for name in bought["channel"]]
        roi = returns.effect[:, 0, channels] / part.spend.sum(axis=0)[channels]
        np.testing.assert_allclose(bought["prob_roi_gt_1"], (roi > 1).mean(axis=0))


def test_cpik_is_what_a_unit_of_outcome_costs(found: Estimates) -> None:
    frame = found.channel_summary.dropna(subset="roi_median")
    # 50 draws: the median of the reciprocals is that of the two middle ones' mean.
    np.testing.assert_allclose(frame["cpik_median"], 1 / frame["roi_median"], rtol=0.05)


def test_an_organic_medium_has_no_roi(regional: Estimates) -> None:
    frame = regional.channel_summary.query("channel == 'newsletter'")
    assert (frame["no_return_reason"] == "organic").all()
    assert not frame["is_paid"].any()
    assert (frame["spend"] == 0).all()
    assert (frame["spend_share"] == 0).all()
    assert (frame["contribution_mean"] > 0).all()
    undefined = [*columns_of("roi"), *columns_of("mroi"), "cpik_median", "prob_roi_gt_1"]
    assert frame[undefined].isna().all(axis=None)
    assert "newsletter" not in set(regional.response_curve["channel"])
    assert "newsletter" in set(regional.adstock_decay["channel"])


def test_a_channel_that_a_series_lacks_has_no_roi_there(regional: Estimates) -> None:
    rows = regional.channel_summary.query("channel == 'radio' and period == 'all'")
    rows = rows.set_index("series_key")
    assert rows["is_paid"].all()
    assert rows["roi_mean"].isna().tolist() == [False, True, False, False, False]
    assert rows["no_return_reason"].dropna().to_dict() == {"region_02": "no spend"}
    assert rows.loc["region_02", "contribution_mean"] == 0
    assert np.isnan(rows.loc["region_02", "roi_learned"])
    curves = regional.response_curve.query("channel == 'radio'")
    assert "region_02" not in set(curves["series_key"])
    assert {"region_01", ALL_SERIES} <= set(curves["series_key"])


def test_the_contribution_of_a_period_is_that_of_its_weeks(mixture: Fit, found: Estimates) -> None:
    for part in with_total(mixture):
        frame = found.channel_summary.query("series_key == @part.series")
        for _, rows in frame.groupby("period"):
            days = rows[["period_start", "period_end"]].iloc[0].to_numpy("datetime64[D]")
            weeks = (part.weeks >= days[0]) & (part.weeks <= days[1])
            assert part.weeks[weeks][0] == days[0]
            assert part.weeks[weeks][-1] + np.timedelta64(6, "D") == days[1]
            np.testing.assert_allclose(
                rows["spend"].iloc[: len(part.channels)], part.spend[weeks].sum(axis=0)
            )
            by_hand = part.media[:, weeks].sum(axis=1)
            np.testing.assert_allclose(rows["contribution_mean"], by_hand.mean(axis=0))


def test_a_series_has_the_last_weeks_where_it_has_others(
    market: Panel, invent_fit: InventFit
) -> None:
    year = invent_fit(market.head(52), ModelSpec(trend="linear", fourier_order=0))
    recent = [name for name in estimates(year).channel_summary["period"].unique() if "_" in name]
    assert recent == ["last_13_weeks"]


def test_what_was_learned_is_the_prior_variance_that_went(
    market: Panel, invent_fit: InventFit
) -> None:
    own = {
        "tv": RoiPrior(2.0, 0.4),
        "radio": ContributionSharePrior(0.02, 0.5),
    }
    fit = invent_fit(market.head(91), ModelSpec(channel_priors=own), chains=4, draws=500)
    (part,) = decompose(fit)
    prior_sd = np.array([0.4, 0.9, 0.9, 0.9, 0.5, 0.9])
    share_kept = np.array([0.5, 0.1, 0.0, 1.0, 0.3, 1.5])
    contribution = part.media.sum(axis=1)
    wanted = np.random.default_rng(3).lognormal(0.2, np.sqrt(share_kept) * prior_sd, (2000, 6))
    factor = (wanted / contribution).reshape(4, 500, 1, 6, 1)
    fit = replace(fit, draws=fit.draws | {"amplitude": fit.draws["amplitude"] * factor})
    summary = summary_of(fit)
    learned = summary["roi_learned"] / (1.0 - summary["unseen_share"])
    # 2000 independent draws know a variance to sqrt(2 / 2000) = 3.2 %; 4 of those.
    error = 4 * np.sqrt(2 / 2000)
    np.testing.assert_allclose(learned, np.clip(1 - share_kept, 0, 1), atol=error)


def test_what_was_learned_in_a_panel_counts_the_spread_between_series(
    regions: Panel, invent_fit: InventFit
) -> None:
    panel = replace(
        regions.only(regions.series[:3]),
        organic=np.zeros((len(regions), 3, 0)),
        organic_names=(),
        channels=("tv",),
        spend=np.ascontiguousarray(regions.spend[:, :3, :1]),
    )
    spec = ModelSpec(channel_priors={"tv": RoiPrior(2.0, 0.3)})
    # The prior as DECISIONS.md has it: common to all series, and the spread between them.
    rng = np.random.default_rng(5)

    def deviation(draws: int) -> np.ndarray:
        spread = rng.lognormal(-1.0, 0.5, (draws, 1))
        return 0.3 * rng.normal(size=(draws, 1)) + spread * rng.normal(size=(draws, 3))

    returns = 2.0 * panel.spend[:, :, 0].sum(axis=0)
    fit = invent_fit(panel, spec, chains=4, draws=2000)
    # A quarter of the variance is left in every series.
    wanted = returns * np.exp(0.5 * deviation(8_000))
    found = np.stack([part.media.sum(axis=(1, 2)) for part in decompose(fit)], axis=1)
    factor = (wanted / found).reshape(4, 2000, 3, 1, 1)
    fit = replace(fit, draws=fit.draws | {"amplitude": fit.draws["amplitude"] * factor})
    summary = summary_of(fit)
    learned = summary["roi_learned"] / (1.0 - summary["unseen_share"])
    np.testing.assert_allclose(learned[list(panel.series)], 0.75, atol=0.03)
    prior = np.log((returns * np.exp(deviation(200_000))).sum(axis=1)).var()
    of_sum = 1.0 - np.log(wanted.sum(axis=1)).var() / prior
    assert learned[ALL_SERIES, "tv"] == pytest.approx(of_sum, abs=0.03)


def test_returns_of_a_count_are_in_money_or_not_at_all(mixture: Fit) -> None:
    """Orders of 80 each, and orders of a value that nobody has said, against revenue."""
    scales = replace(mixture.scales, outcome=mixture.scales.outcome / 80.0)
    panel = replace(mixture.panel, outcome=mixture.panel.outcome / 80.0)
    orders = replace(
        mixture,
        panel=panel,
        scales=scales,
        spec=replace(mixture.spec, outcome_kind="count", value_per_unit=80.0),
    )
    unknown = replace(orders, spec=replace(mixture.spec, outcome_kind="count"))
    revenue = estimates(mixture, LEVEL)
    valued, valueless = estimates(orders, LEVEL), estimates(unknown, LEVEL)
    of_money = [*columns_of("roi"), *columns_of("mroi"), "prob_roi_gt_1"]
    for table, columns in (("channel_summary", of_money), ("response_curve", columns_of("mroi"))):
        wanted, found = getattr(revenue, table), getattr(valued, table)
        pd.testing.assert_frame_equal(found[columns], wanted[columns])
        np.testing.assert_allclose(
            80.0 * found["contribution_mean"], wanted["contribution_mean"], rtol=1e-9
        )
        assert getattr(valueless, table)[columns].isna().all(axis=None)
    cpik = valueless.channel_summary["cpik_median"]
    np.testing.assert_allclose(cpik, 80.0 * revenue.channel_summary["cpik_median"], rtol=1e-9)
    assert cpik.notna().any()


def test_under_the_seeds_amplitudes_nothing_is_said_of_learning(
    market: Panel, invent_fit: InventFit
) -> None:
    fit = invent_fit(market.head(91), ModelSpec(amplitude_prior="seed"))
    assert summary_of(fit)["roi_learned"].isna().all()


def test_roi_of_a_tiny_channel_stays_the_priors(fitted: Fit) -> None:
    learned = summary_of(fitted)["roi_learned"]["national"]
    # The prior's own variance, known to sqrt(2 / 100) from at least 100 effective draws: 2.5 sd.
    assert learned["leaflets"] < 0.35
    # TV comes and goes with four times the noise: the prior's 0.9 falls to 0.3 and a ninth is left;
    # and a tenth of its effect lies below any week's adstock.
    assert learned["tv"] > 0.65


def test_contribution_frame(mixture: Fit, found: Estimates) -> None:
    frame = found.contribution
    assert list(frame.columns) == [
        *("series_key", "week_start", "component_type", "component"),
        *columns_of("contribution"),
        "ci_level",
    ]
    assert_ordered(frame, "contribution")
    kinds = {"channel", "baseline", "trend", "seasonality", "control"}
    more = {"organic", "event"} if mixture.panel.organic_names else set[str]()
    assert set(frame["component_type"]) == kinds | more
    for part in with_total(mixture):
        of_series = frame[frame["series_key"] == part.series]
        tv = of_series[of_series["component"] == "tv"]
        np.testing.assert_array_equal(tv["week_start"], part.weeks)
        np.testing.assert_allclose(tv["contribution_mean"], part.media[:, :, 0].mean(axis=0))


def test_response_curve_frame(mixture: Fit, found: Estimates) -> None:
    frame = found.response_curve
    assert list(frame.columns) == [
        *("series_key", "channel", "basis", "grid_index", "spend_multiplier", "weekly_spend"),
        *columns_of("contribution"),
        *columns_of("mroi"),
        *("is_extrapolated", "effect_as_of", "ci_level"),
    ]
    assert_ordered(frame, "contribution")
    assert_ordered(frame, "mroi")
    assert frame["mroi_mean"].notna().all()
    for basis, multipliers in CURVE_MULTIPLIERS.items():
        for part in with_total(mixture):
            rows = frame[(frame["basis"] == basis) & (frame["series_key"] == part.series)]
            for position, channel in enumerate(part.channels):
                curve = rows[rows["channel"] == channel]
                if not part.spend[:, position].any():
                    assert curve.empty
                    continue
                np.testing.assert_array_equal(curve["spend_multiplier"], multipliers)
                np.testing.assert_array_equal(curve["grid_index"], np.arange(len(multipliers)))
    assert 0 < frame["is_extrapolated"].sum() < len(frame)


def test_at_the_spend_as_it_was_the_curve_is_the_mean_contribution(mixture: Fit) -> None:
    # A curve is of weeks to come, in which any regime may be.
    found = estimates(replace(mixture, prior_only=True), LEVEL)
    curve = found.response_curve.query("basis == 'historical_pattern' and spend_multiplier == 1")
    curve = curve.set_index(["series_key", "channel"])
    summary = found.channel_summary.query("period == 'all'")
    summary = summary.set_index(["series_key", "channel"]).loc[curve.index]
    weeks = found.model_fit.groupby("series_key").size().reindex(curve.index, level="series_key")
    # The sum over series is of weekly means, each over its own weeks.
    same = curve.index.get_level_values("series_key") != ALL_SERIES
    for column in ("contribution_mean", "contribution_ci_lo", "contribution_ci_hi"):
        np.testing.assert_allclose(curve[column][same], (summary[column] / weeks)[same], rtol=1e-9)


def test_model_fit_frame(mixture: Fit, market: Panel, regions: Panel) -> None:
    whole = regions if len(mixture.panel.series) > 1 else market
    for part in with_total(mixture, whole):
        frame = model_fit(part, LEVEL)
        assert list(frame.columns) == [
            *("series_key", "week_start", "evaluation_set", "actual"),
            *columns_of("expected"),
            *("baseline_mean", "residual", "predicted_ci_lo", "predicted_ci_hi", "ci_level"),
        ]
        assert_ordered(frame, "expected")
        assert list(frame["evaluation_set"]) == ["train"] * part.n_fitted + ["holdout"] * 13
        np.testing.assert_allclose(frame["residual"], frame["actual"] - frame["expected_mean"])
        np.testing.assert_allclose(
            frame["baseline_mean"], part.baseline.sum(axis=2).mean(axis=0), rtol=1e-12
        )
        low, high = np.quantile(part.predicted, [0.05, 0.95], axis=0)
        np.testing.assert_allclose(frame["predicted_ci_lo"], low)
        np.testing.assert_allclose(frame["predicted_ci_hi"], high)


def test_predictive_interval_is_wider_than_the_expectations(fitted: Fit) -> None:
    (part,) = decompose(fitted)
    frame = model_fit(part, LEVEL)
    noise = 2 * 1.645 * fitted.draws["sigma"].mean() * fitted.scales.outcome[0]
    width = (frame["predicted_ci_hi"] - frame["predicted_ci_lo"]).mean()
    # The noise and the expectation's own spread; their quantiles have a few per cent of error.
    assert width > 0.95 * noise
    assert width > (frame["expected_ci_hi"] - frame["expected_ci_lo"]).mean()


def with_adstock(fit: Fit, *parameters: float) -> Fit:
    """The fit with the same carry-over of every medium in every draw."""
    adstock = np.broadcast_to(parameters, fit.draws["adstock"].shape)
    return replace(fit, draws=fit.draws | {"adstock": adstock})


def test_decay_is_the_share_of_each_week(national_mixture: Fit) -> None:
    frame = adstock_decay(with_adstock(national_mixture, 0.6), LEVEL)
    assert list(frame.columns) == [
        *("channel", "lag"),
        *columns_of("weight"),
        *("half_life_weeks", "ci_level"),
    ]
    tv = frame[frame["channel"] == "tv"]
    np.testing.assert_array_equal(tv["lag"], np.arange(14))
    np.testing.assert_allclose(tv["weight_mean"], 0.4 * 0.6 ** np.arange(14), rtol=1e-9)
    np.testing.assert_allclose(tv["weight_sd"], 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("alpha", "half_life"),
    # 1 - alpha**weeks reaches a half in the second week at 0.6 (0.64), the fourth at 0.84 (0.502).
    [(0.0, 1.0), (0.4, 1.0), (0.6, 2.0), (0.84, 4.0), (0.99, np.inf)],
)
def test_half_life_is_the_weeks_until_half_has_come(
    national_mixture: Fit, alpha: float, half_life: float
) -> None:
    frame = adstock_decay(with_adstock(national_mixture, alpha), LEVEL)
    assert (frame["half_life_weeks"] == half_life).all()


def test_decay_of_a_delayed_adstock_peaks_late(market: Panel, invent_fit: InventFit) -> None:
    fit = invent_fit(market.head(91), ModelSpec(adstock="delayed", trend="linear", fourier_order=1))
    frame = adstock_decay(with_adstock(fit, 0.7, 3.0), LEVEL)
    tv = frame[frame["channel"] == "tv"]
    by_hand = 0.7 ** ((np.arange(14) - 3.0) ** 2)
    np.testing.assert_allclose(tv["weight_mean"], by_hand / by_hand.sum(), rtol=1e-9)
    assert (tv["half_life_weeks"] == 4.0).all()


def test_components_are_relabelled_by_effect_at_reference_spend(regional_mixture: Fit) -> None:
    draws, scales = regional_mixture.draws, regional_mixture.scales
    # Reference spend is 1 on the model's scale.
    shape = 1.0 / (1.0 + draws["half_saturation"] ** draws["slope"])
    effect = (draws["amplitude"].mean(axis=2) * shape).sum(axis=2)
    least = effect.argmin(axis=2)[:, :, None]
    frame = component(regional_mixture, LEVEL)
    assert_ordered(frame, "amplitude")
    row = frame.set_index(["series_key", "channel", "component"]).loc[("region_03", "social", 0)]

    def mean_of_least(values: np.ndarray) -> float:
        return float(np.take_along_axis(values, least, axis=2).mean())

    assert row["weight_mean"] == pytest.approx(mean_of_least(draws["weights"]))
    assert row["slope_mean"] == pytest.approx(mean_of_least(draws["slope"][:, :, 2]))
    half_saturation = mean_of_least(draws["half_saturation"][:, :, 2]) * scales.spend[2, 2]
    assert row["half_saturation_mean"] == pytest.approx(half_saturation)
    amplitude = mean_of_least(draws["amplitude"][:, :, 2, 2]) * scales.outcome[2]
    assert row["amplitude_mean"] == pytest.approx(amplitude)


def test_components_do_not_depend_on_their_labels(national_mixture: Fit) -> None:
    draws = national_mixture.draws
    swapped = {
        name: draws[name][..., ::-1]
        for name in ("weights", "amplitude", "half_saturation", "slope")
    }
    other = replace(national_mixture, draws=draws | swapped)
    pd.testing.assert_frame_equal(component(national_mixture, LEVEL), component(other, LEVEL))


def test_components_are_reportable_where_they_stand_apart(
    market: Panel, invent_fit: InventFit
) -> None:
    alike = invent_fit(
        market.head(91),
        ModelSpec(components=2, trend="linear", fourier_order=1),
        chains=4,
        draws=250,
    )
    assert not component(alike, LEVEL)["is_reportable"].any()
    # One curve for all, but the second component ten times as high.
    apart = {
        "weights": np.random.default_rng(1).dirichlet([60, 40], (4, 250)),
        "half_saturation": np.ones_like(alike.draws["half_saturation"]),
        "amplitude": alike.draws["amplitude"][..., :1] * np.array([1.0, 10.0]),
    }
    frame = component(replace(alike, draws=alike.draws | apart), LEVEL)
    assert frame["is_reportable"].all()
    weight = frame.groupby("component")["weight_mean"].mean()
    np.testing.assert_allclose(weight, [0.6, 0.4], atol=0.02)


def test_a_lift_test_stands_beside_the_models_own_counterfactual(regional_mixture: Fit) -> None:
    panel = regional_mixture.panel
    tests = (
        LiftTest("tv", str(panel.weeks[60]), str(panel.weeks[63]), 2e5, 3e4),
        LiftTest("search", str(panel.weeks[70]), str(panel.weeks[70]), 1e4, 1e3, "region_04"),
    )
    tested_fit = replace(regional_mixture, lift_tests=tests)
    over_regimes = np.asarray(modelled_lift(tested_fit, tests).variance).mean(axis=0)
    assert (over_regimes > 0).all()
    frame = lift_test(tested_fit, LEVEL)
    assert list(frame.columns) == [
        *("channel", "series_key", "start_week", "end_week", "lift", "standard_error"),
        *columns_of("modelled_lift"),
        *("lift_without_test_mean", "lift_without_test_sd", "without_test_method", "pareto_k"),
        *("z_score", "prior_probability", "ci_level"),
    ]
    assert list(frame["series_key"]) == [ALL_SERIES, "region_04"]
    parts = {part.series: part for part in with_total(regional_mixture)}
    for row, channel, weeks in ((0, 0, slice(60, 64)), (1, 1, slice(70, 71))):
        spend = panel.spend.copy()
        spend[weeks, :, channel] = 0.0
        off = with_total(regional_mixture, replace(panel, spend=spend))
        without = {part.series: part for part in off}
        series = frame["series_key"][row]
        tested = np.isin(parts[series].weeks, panel.weeks[weeks])
        lift = (parts[series].expected - without[series].expected)[:, tested].sum(axis=1)
        assert frame["modelled_lift_mean"][row] == pytest.approx(lift.mean(), rel=1e-6)
        assert frame["modelled_lift_sd"][row] == pytest.approx(lift.std(ddof=1), rel=1e-6)
    told = [LiftWithoutTest(3e5, 4e4, 0.9, "refit"), LiftWithoutTest(0.0, 0.0, 0.1, "psis")]
    frame = lift_test(replace(regional_mixture, lift_tests=tests), LEVEL, told)
    np.testing.assert_allclose(frame["z_score"], [2.0, -10.0])
    assert list(frame["without_test_method"]) == ["refit", "psis"]


def test_a_lift_test_of_the_only_series_bears_its_name(national_mixture: Fit) -> None:
    test = LiftTest("tv", "2022-02-07", "2022-02-28", 2e5, 3e4)
    frame = lift_test(replace(national_mixture, lift_tests=(test,)), LEVEL)
    assert list(frame["series_key"]) == ["national"]


def test_without_lift_tests_the_table_is_empty(national: Estimates) -> None:
    assert national.lift_test.empty
    assert {"z_score", "modelled_lift_mean"} <= set(national.lift_test.columns)


def test_a_region_without_any_media_has_tables_too(regional_mixture: Fit) -> None:
    panel = regional_mixture.panel
    has_media = np.array([1.0, 1.0, 0.0, 1.0])[:, None]
    control_region = replace(
        panel, spend=panel.spend * has_media, organic=panel.organic * has_media
    )
    fit = replace(regional_mixture, panel=control_region)
    found = estimates(fit, LEVEL)
    summary = found.channel_summary.query("series_key == 'region_03'")
    assert (summary["contribution_mean"] == 0).all()
    assert summary["spend_share"].isna().all()
    assert "region_03" not in set(found.response_curve["series_key"])
    named = parameter_summary(fit).query("parameter == 'contribution'")["index"]
    assert not named.str.startswith("region_03").any()
    assert named.str.startswith("region_02").any()


def counted(fit: Fit, value: np.ndarray) -> Fit:
    """The fit of an outcome in money as one of units that are worth so much, `(weeks, series)`."""
    by_series = value.mean(axis=0)
    spec = replace(fit.spec, outcome_kind="count", value_per_unit="by_week")
    panel = replace(fit.panel, outcome=fit.panel.outcome / value, value=fit.panel.outcome)
    scales = replace(fit.scales, outcome=fit.scales.outcome / by_series)
    return replace(fit, panel=panel, scales=scales, spec=spec)


def test_each_series_has_a_value_per_unit_of_its_own(mixture: Fit) -> None:
    """Units of 80 in one series, 160 in the next: their returns are those of the revenue."""
    by_series = 80.0 * np.arange(1, 1 + len(mixture.panel.series))
    orders = counted(mixture, np.tile(by_series, (len(mixture.panel), 1)))
    revenue, valued = estimates(mixture, LEVEL), estimates(orders, LEVEL)
    of_money = [*columns_of("roi"), *columns_of("mroi"), "prob_roi_gt_1", "no_return_reason"]
    for table, columns in (("channel_summary", of_money), ("response_curve", columns_of("mroi"))):
        wanted, found = getattr(revenue, table), getattr(valued, table)
        pd.testing.assert_frame_equal(found[columns], wanted[columns])


def test_each_week_has_a_value_per_unit_of_its_own(national_mixture: Fit) -> None:
    """Units are worth 80 in 2021 and 160 from then on, and so is what spend brings."""
    weeks = national_mixture.panel.weeks
    is_later = weeks >= np.datetime64("2021-12-27")
    orders = counted(national_mixture, np.where(is_later, 160.0, 80.0)[:, None])
    rows = estimates(orders, LEVEL).channel_summary
    rows = rows[rows["no_return_reason"].isna()]
    worth = rows["roi_mean"] * rows["spend"] / rows["incremental_outcome_mean"]
    # What is spent in the first two quarters works in no week of the dearer ones, whatever alpha.
    early = rows["period"].isin(["2021-Q1", "2021-Q2"])
    later = rows["period"].isin(["last_13_weeks", "2022-Q1", "2022-Q2"])
    np.testing.assert_allclose(worth[early], 80.0, rtol=1e-9)
    np.testing.assert_allclose(worth[later], 160.0, rtol=1e-9)
    assert worth[rows["period"] == "all"].between(80.0, 160.0, inclusive="neither").all()
    # A curve speaks of the weeks to come.
    one, other = (
        estimates(replace(fit, scales=orders.scales), LEVEL).response_curve["mroi_mean"]
        for fit in (orders, national_mixture)
    )
    np.testing.assert_allclose(one, 160.0 * other, rtol=1e-9)
