from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from hill_mmm import Fit, Panel
from hill_mmm._results.accuracy import information_criteria, log_predictive_density
from hill_mmm._results.predictive_scores import psis_loo, waic
from hill_mmm.checks import score_checks
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import (
    Decomposition,
    accuracy,
    decompose,
    information_rows,
    obstacle_to_training,
    with_total,
)

LEVEL = 0.8
SOLD = np.array([10.0, 20.0, 30.0, 40.0])
SOLD_LAST_YEAR = np.array([8.0, 20.0, 34.0, 40.0])
ERROR = np.array([1.0, -2.0, 3.0, 0.0])
# Of each of the four weeks: the interval of these three draws holds the first and the last actual.
PREDICTED = np.array([[9.0, 25.0, 31.0, 30.0], [10.0, 26.0, 32.0, 40.0], [11.0, 27.0, 33.0, 50.0]])
DENSITY = np.array([[-1.0, -2.0, -3.0, -4.0], [-1.5, -2.5, -3.5, -4.5], [-9.0, -9.0, -9.0, -9.0]])


def year_and_more(fitted: int = 52, sold: np.ndarray = SOLD) -> Decomposition:
    """56 weeks of 5, but for the last four and the same four a year before them."""
    outcome = np.full(56, 5.0)
    outcome[52:], outcome[:4] = sold, SOLD_LAST_YEAR
    expected = outcome.copy()
    expected[52:] = sold - ERROR
    no_media = np.zeros((3, 56, 1))
    predicted = np.tile(expected, (3, 1))
    predicted[:, 52:] = PREDICTED
    density = np.zeros((3, 56))
    density[:, 52:] = DENSITY
    return Decomposition(
        series="national",
        weeks=np.datetime64("2021-01-04") + 7 * np.arange(56),
        outcome=outcome,
        spend=np.zeros((56, 1)),
        channels=("tv",),
        media_names=("tv",),
        n_fitted=fitted,
        media=no_media,
        carried_in=no_media[0],
        unseen=no_media[0],
        media_gain=no_media,
        baseline=np.tile(expected, (3, 1))[:, :, None],
        baseline_parts=(("baseline", "baseline"),),
        predicted=predicted,
        predicted_mean=np.tile(expected, (3, 1)),
        log_likelihood=density,
        information=np.eye(1),
        unexplained=np.array(1.0),
    )


def metrics(part: Decomposition) -> pd.Series:
    return accuracy([part], LEVEL).set_index("metric")["value"]


def crps_by_hand(draws: np.ndarray, actual: float) -> float:
    spread = np.abs(draws[:, None] - draws[None, :]).mean()
    return float(np.abs(draws - actual).mean() - spread / 2)


def test_metrics_by_hand() -> None:
    found = metrics(year_and_more())
    assert found["rmse"] == pytest.approx(np.sqrt(14 / 4))
    assert found["r2"] == pytest.approx(1 - 14 / 500)
    assert found["mape"] == pytest.approx((1 / 10 + 2 / 20 + 3 / 30) / 4)
    assert found["wmape"] == pytest.approx(6 / 100)
    assert found["coverage"] == pytest.approx(0.5)
    # Last year's weeks err by 2, 0, -4 and 0.
    assert found["rmse_vs_naive"] == pytest.approx(np.sqrt(14 / 20))
    crps = [crps_by_hand(PREDICTED[:, week], SOLD[week]) for week in range(4)]
    assert found["crps"] == pytest.approx(np.mean(crps))
    assert found["elpd"] == pytest.approx(logsumexp(DENSITY, axis=0).sum() - 4 * np.log(3))


def test_rows_say_series_and_set() -> None:
    frame = accuracy([year_and_more(), replace(year_and_more(56), series="region_01")], LEVEL)
    assert list(frame.columns) == ["series_key", "evaluation_set", "metric", "value"]
    sets = frame.groupby("series_key")["evaluation_set"].unique().str[0].to_dict()
    assert sets == {"national": "holdout", "region_01": "train"}
    assert np.isfinite(frame["value"]).all()


def test_weeks_fitted_to_are_not_forecasts() -> None:
    found = metrics(year_and_more(fitted=56))
    assert not {"elpd", "rmse_vs_naive"} & set(found.index)
    assert found["rmse"] == pytest.approx(np.sqrt(14 / 56))


def test_no_naive_forecast_without_a_year_before() -> None:
    assert "rmse_vs_naive" not in metrics(year_and_more(fitted=51))


def test_no_relative_error_of_a_week_without_sales() -> None:
    found = metrics(year_and_more(sold=np.array([0.0, 20.0, 30.0, 40.0])))
    assert "mape" not in found
    assert found["wmape"] == pytest.approx(6 / 90)


def test_a_ratio_to_nothing_is_left_out() -> None:
    one_week = accuracy([year_and_more(fitted=55)], LEVEL)
    assert "r2" not in set(one_week["metric"])
    assert np.isfinite(one_week["value"]).all()


def test_every_series_and_their_sum_are_judged(regional_mixture: Fit, regions: Panel) -> None:
    frame = accuracy(with_total(regional_mixture, regions), 0.9)
    assert set(frame["series_key"]) == {*regions.series, ALL_SERIES}
    assert set(frame["evaluation_set"]) == {"holdout"}
    rmse = frame.query("metric == 'rmse'").set_index("series_key")["value"]
    *_, everything = with_total(regional_mixture, regions)
    error = everything.outcome[91:] - everything.expected[:, 91:].mean(axis=0)
    assert rmse[ALL_SERIES] == pytest.approx(np.sqrt((error**2).mean()))
    elpd = frame.query("metric == 'elpd'").set_index("series_key")["value"]
    for part in decompose(regional_mixture, regions):
        by_hand = log_predictive_density(part)[part.n_fitted :].sum()
        assert elpd[part.series] == pytest.approx(by_hand)


def test_a_weeks_own_outcome_does_not_tell_what_was_expected_of_it(
    national_mixture: Fit,
) -> None:
    (part,) = decompose(national_mixture)
    found = metrics(part)
    error = part.outcome - part.predicted_mean.mean(axis=0)
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert np.sqrt(((part.outcome - part.expected.mean(axis=0)) ** 2).mean()) < found["rmse"]


def test_information_is_of_every_observed_week_of_every_series(regional_mixture: Fit) -> None:
    loo, widely = information_criteria(regional_mixture)
    parts = list(decompose(regional_mixture))
    by_week = np.concatenate([part.log_likelihood for part in parts], axis=1)
    # Three regions of 91 weeks, and one that starts 26 weeks later.
    assert loo.pointwise.shape == (3 * 91 + 65,)
    np.testing.assert_array_equal(loo.pointwise, psis_loo(by_week).pointwise)
    np.testing.assert_array_equal(widely.pointwise, waic(by_week).pointwise)


def test_information_rows(regional_mixture: Fit, national_mixture: Fit) -> None:
    loo, widely = information_criteria(regional_mixture)
    frame = information_rows(regional_mixture)
    assert list(frame.columns) == ["series_key", "evaluation_set", "metric", "value"]
    assert set(frame["series_key"]) == {ALL_SERIES}
    assert set(frame["evaluation_set"]) == {"train"}
    found = frame.set_index("metric")["value"].to_dict()
    assert found == {
        "elpd_loo": loo.elpd,
        "elpd_loo_se": loo.se,
        "p_loo": loo.p_loo,
        "max_pareto_k": loo.pareto_k.max(),
        "share_pareto_k_over_0_7": (loo.pareto_k > 0.7).mean(),
        "elpd_waic": widely.elpd,
        "elpd_waic_se": widely.se,
        "p_waic": widely.p_waic,
    }
    assert set(information_rows(national_mixture)["series_key"]) == {"national"}


def test_an_undefined_metric_has_no_row_and_warns(national_mixture: Fit) -> None:
    # Chains that never move: the tail of the importance ratios is made of ties.
    first = {site: values[:1, :1] for site, values in national_mixture.draws.items()}
    draws = {
        site: np.broadcast_to(first[site], values.shape).copy()
        for site, values in national_mixture.draws.items()
    }
    stuck = information_rows(replace(national_mixture, draws=draws))
    assert np.isfinite(stuck["value"]).all()
    assert "max_pareto_k" not in set(stuck["metric"])
    (check,) = score_checks(stuck)
    assert (check.status, np.isnan(check.value)) == ("warn", True)


def test_loo_of_a_real_fit_is_below_the_density_of_what_it_has_seen(fitted: Fit) -> None:
    loo, widely = information_criteria(fitted)
    (part,) = decompose(fitted)
    seen = log_predictive_density(part).sum()
    # The gap counts parameters: 6 of the baseline, sigma, and 5 channels that outcome shows.
    assert 5 < seen - loo.elpd < 40
    assert loo.p_loo == pytest.approx(seen - loo.elpd)
    assert widely.elpd == pytest.approx(loo.elpd, abs=0.5 * loo.p_loo)


def test_why_there_can_be_no_holdout(market: Panel) -> None:
    assert obstacle_to_training(market) is None
    assert "only 51 weeks are left" in str(obstacle_to_training(market.head(51)))
    spend = market.spend.copy()
    spend[:, :, 0] = 0
    launched = replace(market, spend=spend)
    assert f"{market.channels[0]} had no spend" in str(obstacle_to_training(launched))


def test_one_series_with_spend_is_enough(regions: Panel) -> None:
    assert obstacle_to_training(regions) is None
    spend = regions.spend.copy()
    spend[:, :3, 0] = 0
    assert obstacle_to_training(replace(regions, spend=spend)) is None


def test_a_series_that_had_sold_nothing_is_an_obstacle(regions: Panel) -> None:
    outcome = regions.outcome.copy()
    outcome[:95, 3] = 0.0
    opened = replace(regions, outcome=outcome)
    assert obstacle_to_training(opened) is None
    assert "the outcome of region_04 was constant" in str(obstacle_to_training(opened.head(91)))
    # Its first week alone has no scale either.
    outcome[:90, 3] = np.nan
    late = replace(opened, starts=np.array([0, 0, 0, 90]), media_starts=np.array([0, 0, 0, 90]))
    assert "the outcome of region_04 was constant" in str(obstacle_to_training(late.head(91)))
