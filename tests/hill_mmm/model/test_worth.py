"""What a unit of the outcome is worth, by week and series."""

from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import ModelSpec, Panel, SamplerSettings, fit
from hill_mmm._model.worth import mean_unit_value, present_unit_value, unit_values

BY_WEEK = ModelSpec(outcome_kind="count", value_per_unit="by_week")


@pytest.fixture
def orders(regions: Panel) -> Panel:
    """Orders worth 50 until the last 13 weeks, and twice that since; none in week 30."""
    value = np.full(regions.outcome.shape, 50.0)
    value[-13:] = 100.0
    outcome = np.where(regions.observed, 10.0, np.nan)
    outcome[30] = np.where(regions.observed[30], 0.0, np.nan)
    return replace(regions, outcome=outcome, value=value * outcome)


def test_the_value_of_a_unit_is_that_of_its_week(orders: Panel) -> None:
    found, mean = unit_values(orders, BY_WEEK), mean_unit_value(orders, BY_WEEK)
    assert np.isfinite(found).all()
    sold = np.nan_to_num(orders.outcome) > 0
    assert orders.value is not None
    np.testing.assert_allclose(found[sold], orders.value[sold] / orders.outcome[sold])
    weeks = np.count_nonzero(sold, axis=0)
    np.testing.assert_allclose(mean, (50.0 * (weeks - 13) + 100.0 * 13) / weeks)
    # Where nothing is sold, nothing is known of the week.
    np.testing.assert_allclose(found[30], mean)


def test_weeks_to_come_are_worth_what_the_last_quarter_is(orders: Panel) -> None:
    media, series = len(orders.media_names), len(orders.series)
    longer = orders.extended(
        np.zeros((4, series, media)), np.zeros((4, series, len(orders.control_names)))
    )
    np.testing.assert_allclose(present_unit_value(longer, BY_WEEK), 100.0)
    np.testing.assert_allclose(unit_values(longer, BY_WEEK)[-4:], 100.0)


def test_other_outcomes_have_one_value_throughout(regions: Panel) -> None:
    valued = ModelSpec(outcome_kind="count", value_per_unit=80.0)
    for spec, worth in (
        (ModelSpec(), 1.0),
        (valued, 80.0),
        (ModelSpec(outcome_kind="count"), np.nan),
    ):
        assert unit_values(regions, spec).shape == regions.outcome.shape
        for found in (unit_values, mean_unit_value, present_unit_value):
            np.testing.assert_array_equal(found(regions, spec), worth)


def test_values_that_one_side_knows_nothing_of_are_refused(orders: Panel) -> None:
    hasty = SamplerSettings(chains=1, warmup=4, draws=4)
    with pytest.raises(ValueError, match=r"value_per_unit is None, and the panel has values"):
        fit(orders, ModelSpec(outcome_kind="count"), hasty)
    with pytest.raises(ValueError, match=r"value_per_unit is 'by_week', and the panel has none"):
        fit(replace(orders, value=None), BY_WEEK, hasty)
