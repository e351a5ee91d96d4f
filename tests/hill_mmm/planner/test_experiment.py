"""The value of lift tests that are still to be run."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import Fit, ModelSpec, Panel, PlanRequest, experiment_value


@pytest.fixture(scope="module")
def unsure(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    """Of tv alone it is open what it brings; what search and social bring is known."""
    panel = replace(
        market.head(91), spend=market.spend[:91, :, :3], channels=("tv", "search", "social")
    )
    fit = invent_fit(panel, ModelSpec(fourier_order=1), draws=100, seed=6)
    known = {
        site: np.broadcast_to(values.mean(axis=(0, 1)), values.shape).copy()
        for site, values in fit.draws.items()
        if site in ("adstock", "amplitude", "half_saturation", "slope")
    }
    spread = np.random.default_rng(7).lognormal(0.0, 0.6, fit.draws["amplitude"].shape[:2])
    known["amplitude"][..., 0, 0] *= spread[:, :, None]
    return replace(fit, draws=fit.draws | known)


def test_a_test_is_worth_something_where_something_is_open(unsure: Fit) -> None:
    found = experiment_value(unsure, relative_error=0.15).set_index("channel")
    assert found.index[0] == "tv" and found.loc["tv", "rank"] == 1
    assert found.loc["tv", "value"] > 0
    assert found.loc[["search", "social"], "value"].max() < 1e-3 * found.loc["tv", "value"]
    # No test is worth more than certainty.
    assert found.loc["tv", "value"] <= 1.01 * found.loc["tv", "value_of_certainty"]


def test_a_better_test_is_worth_more(unsure: Fit) -> None:
    request = PlanRequest(max_change=0.5)
    values = [
        experiment_value(unsure, request, error).set_index("channel").loc["tv", "value"]
        for error in (0.1, 0.5, 5.0)
    ]
    assert values == sorted(values, reverse=True)
    assert values[2] < 0.2 * values[0]


def test_an_error_must_be_positive(unsure: Fit) -> None:
    with pytest.raises(ValueError, match="relative_error"):
        experiment_value(unsure, relative_error=0.0)
