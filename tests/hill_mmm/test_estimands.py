from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import (
    Fit,
    ModelSpec,
    Panel,
    channel_summary,
    contribution,
    decompose,
    model_fit,
    response_curve,
)
from hill_mmm._estimands import CURVE_MULTIPLIERS, statistics

LEVEL = 0.9


def columns_of(name: str) -> list[str]:
    return [f"{name}_{part}" for part in ("mean", "median", "sd", "ci_lo", "ci_hi")]


def assert_ordered(frame: pd.DataFrame, name: str) -> None:
    assert (frame[f"{name}_ci_lo"] <= frame[f"{name}_median"]).all()
    assert (frame[f"{name}_median"] <= frame[f"{name}_ci_hi"]).all()
    assert (frame[f"{name}_sd"] >= 0).all()


@pytest.fixture(scope="module")
def mixture(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    # Search so steady that twice its mean was never spent.
    spend = market.spend.copy()
    spend[:, 1] = spend[:, 1].mean() + 0.1 * (spend[:, 1] - spend[:, 1].mean())
    steady = replace(market, spend=spend).head(91)
    return invent_fit(steady, ModelSpec(2, fourier_order=1))


def test_statistics_are_numpys() -> None:
    draws = np.random.default_rng(0).normal(size=(200, 3, 2))
    found = statistics("x", draws, 0.8)
    assert list(found) == columns_of("x")
    np.testing.assert_allclose(found["x_mean"], draws.mean(axis=0).ravel())
    np.testing.assert_allclose(found["x_sd"], draws.std(axis=0, ddof=1).ravel())
    np.testing.assert_allclose(found["x_ci_lo"], np.quantile(draws, 0.1, axis=0).ravel())
    np.testing.assert_allclose(found["x_ci_hi"], np.quantile(draws, 0.9, axis=0).ravel())


def test_channel_summary(mixture: Fit) -> None:
    parts = decompose(mixture)
    frame = channel_summary(mixture, parts, LEVEL)
    assert list(frame.columns) == [
        *("series_key", "channel", "period", "spend", "spend_share"),
        *columns_of("contribution"),
        *columns_of("contribution_share"),
        *columns_of("roi"),
        *columns_of("mroi"),
        *("prob_roi_gt_1", "roi_learned", "ci_level"),
    ]
    assert tuple(frame["channel"]) == mixture.panel.channels
    for name in ("contribution", "contribution_share", "roi", "mroi"):
        assert_ordered(frame, name)
    np.testing.assert_allclose(frame["spend"], mixture.panel.spend.sum(axis=0))
    assert frame["spend_share"].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(frame["roi_mean"], frame["contribution_mean"] / frame["spend"])
    roi = parts.media.sum(axis=1) / mixture.panel.spend.sum(axis=0)
    np.testing.assert_allclose(frame["prob_roi_gt_1"], (roi > 1).mean(axis=0))
    assert (frame["ci_level"] == LEVEL).all()


def test_mroi_is_the_gain_from_one_more_unit_of_spend(mixture: Fit) -> None:
    step = 1e-5
    panel = mixture.panel
    summary = channel_summary(mixture, decompose(mixture), LEVEL)
    spend = panel.spend.copy()
    spend[:, 0] *= 1 + step
    more = decompose(mixture, replace(panel, spend=spend)).expected.sum(axis=1)
    gained = (more - decompose(mixture).expected.sum(axis=1)).mean()
    assert summary["mroi_mean"][0] == pytest.approx(gained / (step * summary["spend"][0]), rel=1e-4)


def test_contributions_of_a_week_sum_to_its_expected_outcome(mixture: Fit) -> None:
    parts = decompose(mixture)
    frame = contribution(parts, LEVEL)
    assert list(frame.columns) == [
        *("series_key", "week_start", "component_type", "component"),
        *columns_of("contribution"),
        "ci_level",
    ]
    assert_ordered(frame, "contribution")
    assert not frame.duplicated(["week_start", "component_type", "component"]).any()
    expected = model_fit(mixture, parts, LEVEL).set_index("week_start")["expected_mean"]
    by_week = frame.groupby("week_start")["contribution_mean"].sum()
    np.testing.assert_allclose(by_week, expected, rtol=1e-9)
    by_channel = frame[frame["component_type"] == "channel"].groupby("component", sort=False)
    summary = channel_summary(mixture, parts, LEVEL)
    np.testing.assert_allclose(
        by_channel["contribution_mean"].sum(), summary["contribution_mean"], rtol=1e-9
    )


def test_response_curve(mixture: Fit) -> None:
    frame = response_curve(mixture, LEVEL)
    assert list(frame.columns) == [
        *("series_key", "channel", "grid_index", "spend_multiplier", "weekly_spend"),
        *columns_of("contribution"),
        *columns_of("mroi"),
        *("is_extrapolated", "ci_level"),
    ]
    assert_ordered(frame, "contribution")
    assert_ordered(frame, "mroi")
    assert len(frame) == len(CURVE_MULTIPLIERS) * len(mixture.panel.channels)
    for at, channel in enumerate(mixture.panel.channels):
        spend = mixture.panel.spend[:, at]
        curve = frame[frame["channel"] == channel]
        np.testing.assert_allclose(
            curve["weekly_spend"], curve["spend_multiplier"] * spend.mean(), rtol=1e-12
        )
        alpha = mixture.draws["alpha"][:, :, at].mean()
        carried, highest = 0.0, 0.0
        for week in spend:
            carried = week + alpha * carried
            highest = max(highest, (1 - alpha) * carried)
        beyond = curve["weekly_spend"] > highest
        np.testing.assert_array_equal(curve["is_extrapolated"], beyond)
    assert 0 < frame["is_extrapolated"].sum() < len(frame)


def test_model_fit(mixture: Fit, market: Panel) -> None:
    parts = decompose(mixture, market)
    frame = model_fit(mixture, parts, LEVEL)
    assert list(frame.columns) == [
        *("series_key", "week_start", "evaluation_set", "actual"),
        *columns_of("expected"),
        *("baseline_mean", "residual", "predicted_ci_lo", "predicted_ci_hi", "ci_level"),
    ]
    assert_ordered(frame, "expected")
    assert list(frame["evaluation_set"]) == ["train"] * 91 + ["holdout"] * 13
    np.testing.assert_allclose(frame["residual"], frame["actual"] - frame["expected_mean"])
    np.testing.assert_allclose(
        frame["baseline_mean"], parts.baseline.sum(axis=2).mean(axis=0), rtol=1e-12
    )
    predictive = frame["predicted_ci_hi"] - frame["predicted_ci_lo"]
    assert (predictive > 0).all()


def test_predictive_interval_is_wider_than_the_expectations(fitted: Fit) -> None:
    frame = model_fit(fitted, decompose(fitted), LEVEL)
    noise = 2 * 1.645 * fitted.draws["sigma"].mean() * fitted.scales.outcome
    width = (frame["predicted_ci_hi"] - frame["predicted_ci_lo"]).mean()
    # The noise and the expectation's own spread; their quantiles have a few per cent of error.
    assert width > 0.95 * noise
    assert width > (frame["expected_ci_hi"] - frame["expected_ci_lo"]).mean()


def test_roi_of_a_tiny_channel_stays_the_priors(fitted: Fit) -> None:
    frame = channel_summary(fitted, decompose(fitted), LEVEL).set_index("channel")
    # The prior's own variance, known to sqrt(2 / 100) from at least 100 effective draws: 2.5 sd.
    assert frame["roi_learned"]["leaflets"] < 0.35
    assert frame["roi_learned"]["search"] > frame["roi_learned"]["leaflets"]
