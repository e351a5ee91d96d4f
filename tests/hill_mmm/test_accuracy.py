from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import (
    Fit,
    ModelSpec,
    Panel,
    accuracy,
    decompose,
    holdout_model_fit,
    model_fit,
    obstacle_to_training,
)


def rows_of(panel: Panel, at: slice, *, actual: list[float], residual: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "evaluation_set": "holdout",
            "week_start": panel.weeks[at],
            "actual": actual,
            "residual": residual,
            "predicted_ci_lo": [9.0, 0.0, 0.0, 41.0],
            "predicted_ci_hi": [11.0, 20.0, 29.0, 50.0],
        }
    )


def by_metric(frame: pd.DataFrame) -> pd.Series:
    return frame.set_index("metric")["value"]


@pytest.fixture
def year_and_more(market: Panel) -> Panel:
    """56 weeks; the last four sold 10, 20, 30, 40, the same weeks a year before 8, 20, 34, 40."""
    panel = market.head(56)
    outcome = np.full(56, 5.0)
    outcome[52:] = [10.0, 20.0, 30.0, 40.0]
    outcome[:4] = [8.0, 20.0, 34.0, 40.0]
    return replace(panel, outcome=outcome)


def test_metrics_by_hand(year_and_more: Panel) -> None:
    rows = rows_of(
        year_and_more, slice(52, 56), actual=[10, 20, 30, 40], residual=[1.0, -2.0, 3.0, 0.0]
    )
    found = by_metric(accuracy(rows, year_and_more))
    assert found["rmse"] == pytest.approx(np.sqrt(14 / 4))
    assert found["r2"] == pytest.approx(1 - 14 / 500)
    assert found["mape"] == pytest.approx((1 / 10 + 2 / 20 + 3 / 30) / 4)
    assert found["wmape"] == pytest.approx(6 / 100)
    assert found["coverage"] == pytest.approx(0.5)
    # Last year's weeks err by 2, 0, -4 and 0.
    assert found["rmse_vs_naive"] == pytest.approx(np.sqrt(14 / 20))


def test_no_naive_forecast_without_a_year_before(year_and_more: Panel) -> None:
    rows = rows_of(
        year_and_more, slice(51, 55), actual=[10, 20, 30, 40], residual=[1.0, -2.0, 3.0, 0.0]
    )
    assert "rmse_vs_naive" not in by_metric(accuracy(rows, year_and_more))


def test_no_relative_error_of_a_week_without_sales(year_and_more: Panel) -> None:
    rows = rows_of(
        year_and_more, slice(52, 56), actual=[0, 20, 30, 40], residual=[1.0, -2.0, 3.0, 0.0]
    )
    found = by_metric(accuracy(rows, year_and_more))
    assert "mape" not in found
    assert found["wmape"] == pytest.approx(6 / 90)


def test_rows_say_series_and_set(year_and_more: Panel) -> None:
    rows = rows_of(
        year_and_more, slice(52, 56), actual=[10, 20, 30, 40], residual=[1.0, -2.0, 3.0, 0.0]
    )
    frame = accuracy(rows, year_and_more)
    assert list(frame.columns) == ["series_key", "evaluation_set", "metric", "value"]
    assert set(frame["series_key"]) == {"national"}
    assert set(frame["evaluation_set"]) == {"holdout"}


def test_holdout_rows_are_the_last_of_the_whole_panels(
    market: Panel, invent_fit: Callable[..., Fit]
) -> None:
    train = invent_fit(market.head(91), ModelSpec())
    held_out = holdout_model_fit(train, market, 0.9)
    whole = model_fit(train, decompose(train, market), 0.9)
    pd.testing.assert_frame_equal(held_out, whole.iloc[91:].reset_index(drop=True))


def test_a_ratio_to_nothing_is_left_out(market: Panel) -> None:
    one = pd.DataFrame(
        {
            "week_start": market.weeks[-1:],
            "evaluation_set": "holdout",
            "actual": market.outcome[-1:],
            "residual": [1.0],
            "predicted_ci_lo": market.outcome[-1:] - 1,
            "predicted_ci_hi": market.outcome[-1:] + 1,
        }
    )
    metrics = accuracy(one, market)
    assert "r2" not in set(metrics["metric"])
    assert np.isfinite(metrics["value"]).all()


def test_why_there_can_be_no_holdout(market: Panel) -> None:
    assert obstacle_to_training(market) is None
    assert "only 51 weeks are left" in str(obstacle_to_training(market.head(51)))
    spend = market.spend.copy()
    spend[:, 0] = 0
    launched = replace(market, spend=spend)
    assert f"{market.channels[0]} had no spend" in str(obstacle_to_training(launched))
