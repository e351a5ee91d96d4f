"""The markets of the benchmarks: their truths are true."""

import numpy as np
import pytest

from benchmarks import markets
from benchmarks.markets import WEEKS, WORLDS, make, observe, outcome_of_plan, simulate


@pytest.mark.parametrize("name", list(WORLDS))
def test_a_market_is_what_its_world_says(name: str) -> None:
    market = simulate(name, 0)
    assert len(market.panel) == WEEKS and len(market.later) > WEEKS
    assert (market.panel.outcome > 0).all()
    spend = market.panel.spend[:, 0].sum(axis=0)
    # What the channels bring adds up to what media bring, ROI being of money.
    assert (market.roi * spend).sum() == pytest.approx(market.media)
    again = simulate(name, 0)
    np.testing.assert_array_equal(again.panel.outcome, market.panel.outcome)
    assert market.media < market.panel.outcome.sum()


def test_more_money_brings_what_its_mroi_says() -> None:
    world = make("as_the_model", 3)
    market = observe(world)
    more = world.spend.copy()
    more[world.history : world.history + WEEKS, 0] *= 1.01
    gained = markets._shape(world, more) - markets._shape(world, world.spend)
    within = (markets.amplitude(world) * gained)[world.history : world.history + WEEKS, 0].sum()
    spent = 0.01 * market.panel.spend[:, 0, 0].sum()
    assert within / spent == pytest.approx(market.mroi[0], rel=0.02)
    today = world.spend[:WEEKS].mean(axis=0)
    assert outcome_of_plan(world, today * 1.1, today, 26) > outcome_of_plan(world, today, today, 26)
