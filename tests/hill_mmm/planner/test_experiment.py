"""The value of lift tests that are still to be run."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from hill_mmm import Fit, LiftTest, ModelSpec, Panel, PlanRequest, experiment_value
from hill_mmm._planner.experiment import _value_of
from hill_mmm._results.lift_tests import lift_test
from hill_mmm.panel import WEEK


@pytest.fixture(scope="module")
def unsure(market: Panel, invent_fit: Callable[..., Fit]) -> Fit:
    """Of tv alone it is open what it brings; what search and social bring is known."""
    panel = replace(
        market.head(91), spend=market.spend[:91, :, :3], channels=("tv", "search", "social")
    )
    fit = invent_fit(panel, ModelSpec(trend="linear", fourier_order=1), draws=100, seed=6)
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
    known = found.loc[["search", "social"]]
    assert (known["value"].abs() <= 3.0 * known["value_mcse"] + 1e-9).all()
    # No test is worth more than certainty.
    assert found.loc["tv", "value"] <= 1.01 * found.loc["tv", "value_of_certainty"]
    assert 0.0 < found.loc["tv", "value_mcse"] < 0.5 * found.loc["tv", "value"]


def test_a_better_test_is_worth_more(unsure: Fit) -> None:
    request = PlanRequest(max_change=0.5)
    values = [
        experiment_value(unsure, request, error).set_index("channel").loc["tv", "value"]
        for error in (0.1, 0.5, 5.0)
    ]
    assert values == sorted(values, reverse=True)
    assert values[2] < 0.2 * values[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_worthless_test_is_worth_nothing_within_its_error(seed: int) -> None:
    """A result that says nothing of sixty plans among which luck alone could choose."""
    rng = np.random.default_rng(seed)
    steps = np.linspace(0.1, 3.0, 60)[:, None]
    direction = rng.standard_normal(2000) - 0.05
    # Most of a plan's gain is a direction's that all share, as plans are steps towards a few.
    shared = np.concatenate([np.zeros((1, 2000)), steps * direction - 0.1 * steps**2])
    gains = shared.copy()
    gains[1:] += 0.2 * rng.standard_normal((60, 2000))
    values = pd.DataFrame(
        [_value_of(rng.normal(5.0, 2.0, 2000), gains, 1.0, rng) for _ in range(30)]
    )
    beyond = values["value"].abs() > 3.0 * values["value_mcse"] + 1e-9
    assert beyond.mean() <= 0.1
    # Of what certainty of the direction brings, next to nothing.
    certainty = shared.max(axis=0).mean() - shared.mean(axis=1).max()
    assert abs(values["value"].mean()) < 0.005 * certainty
    # A test of the direction itself brings most of it.
    perfect = _value_of(direction + 5.0, gains, 0.01, rng)
    assert perfect["value"] > 0.9 * certainty


def test_the_value_is_that_of_the_best_decision_by_a_result() -> None:
    """Two plans and a Normal world, in which the value has a formula.

    Gain g ~ N(m, s**2), measured with error e: E max(0, E[g | x]) - max(0, m) (Raiffa and Schlaifer
    1961, the unit normal linear loss).
    """
    mean, sd, error = -0.5, 1.0, 0.8
    spread = sd**2 / np.hypot(sd, error)
    u = abs(mean) / spread
    exact = spread * (norm.pdf(u) - u * norm.sf(u))
    values = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        gain = rng.normal(mean, sd, 2000)
        values.append(_value_of(10.0 + gain, np.stack([np.zeros(2000), gain]), error, rng))
    found = pd.DataFrame(values)
    assert found["value"].mean() == pytest.approx(exact, rel=0.05)
    # The error that is stated is the one that is made.
    assert found["value"].std() == pytest.approx(found["value_mcse"].mean(), rel=0.4)


def test_what_carries_over_beyond_the_test_is_not_in_its_lift(unsure: Fit) -> None:
    """The lift is that of a `LiftTest` on the weeks of the horizon, at today's spend."""
    request = PlanRequest()
    panel, weeks = unsure.panel, request.horizon_weeks
    now = panel.spend[-weeks:].mean(axis=0)
    days = panel.weeks[-1] + WEEK * np.arange(1, weeks + 1)
    longer = panel_after(panel, np.tile(now, (weeks, 1, 1)), days)
    test = LiftTest("tv", str(days[0]), str(days[-1]), lift=1.0, standard_error=1.0)
    modelled = lift_test(replace(unsure, panel=longer, lift_tests=(test,)), 0.9)
    found = experiment_value(unsure, request).set_index("channel")
    expected = modelled["modelled_lift_mean"].item()
    assert found.loc["tv", "lift_mean"] == pytest.approx(expected, rel=1e-9)


def panel_after(panel: Panel, spend: np.ndarray, days: np.ndarray) -> Panel:
    more = len(days)
    return replace(
        panel,
        weeks=np.concatenate([panel.weeks, days]),
        outcome=np.concatenate([panel.outcome, np.ones((more, 1))]),
        spend=np.concatenate([panel.spend, spend]),
        organic=np.concatenate([panel.organic, np.zeros((more, *panel.organic.shape[1:]))]),
        controls=np.concatenate([panel.controls, np.zeros((more, *panel.controls.shape[1:]))]),
    )


def test_an_error_must_be_positive(unsure: Fit) -> None:
    with pytest.raises(ValueError, match="relative_error"):
        experiment_value(unsure, relative_error=0.0)
