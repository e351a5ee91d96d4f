"""The range of adstock that the data have seen, against loops over its weeks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hill_mmm import Fit, ModelSpec, Panel
from hill_mmm._results.learned import is_outside, learned_range, settled_range


def test_the_range_is_that_of_the_adstock(mixture: Fit) -> None:
    panel = mixture.panel
    for series, start in enumerate(panel.starts):
        known = learned_range(mixture, series)
        for channel in range(len(panel.channels)):
            alpha = mixture.draws["adstock"][:, :, channel, 0].mean()
            spend = panel.spend[start:, series, channel]
            carry_in = mixture.draws["carry_in"][:, :, channel].mean()
            carried, seen, on_air = carry_in * spend[:8].mean() / (1 - alpha), [], []
            for spent in spend:
                carried = spent + alpha * carried
                seen.append((1 - alpha) * carried)
                on_air += [(1 - alpha) * carried] if spent > 0 else []
            np.testing.assert_allclose(known.highest[channel], max(seen), rtol=1e-9)
            least = 0.0 if min(seen) < 0.05 * np.mean(seen) else min(seen)
            np.testing.assert_allclose(known.lowest[channel], least, rtol=1e-9)
            on_air_least = min(on_air, default=0.0)
            np.testing.assert_allclose(known.lowest_on_air[channel], on_air_least, rtol=1e-9)


def test_a_cut_off_start_is_no_low_spend(market: Panel, invent_fit: Callable[..., Fit]) -> None:
    """Constant spend is learned at itself alone, in whatever week the panel begins."""
    spend = np.ones_like(market.spend) * 1_000.0
    fit = invent_fit(
        replace(market, spend=spend).head(91), ModelSpec(trend="linear", fourier_order=1)
    )
    steady = replace(fit, draws=fit.draws | {"carry_in": np.ones_like(fit.draws["carry_in"])})
    np.testing.assert_allclose(learned_range(steady, 0).lowest, 1_000.0, rtol=1e-9)
    np.testing.assert_allclose(learned_range(steady, 0).lowest_on_air, 1_000.0, rtol=1e-9)


def test_outside_is_on_both_sides() -> None:
    least, most = np.array([1.0, 0.9, 1.0, 0.0, 0.0]), np.array([3.0, 3.0, 3.1, 1.0, 1.0])
    lowest = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    outside = is_outside(least, most, lowest, np.full(5, 3.0))
    assert outside.tolist() == [False, True, True, True, False]


def test_a_pattern_settles_between_its_trough_and_its_peak(mixture: Fit) -> None:
    channels = len(mixture.panel.channels)
    even = settled_range(mixture, np.ones((13, 2, channels)))
    np.testing.assert_allclose(even, 1.0, rtol=1e-6)
    bursts = np.zeros((4, channels))
    bursts[0] = 4.0
    alpha = mixture.draws["adstock"].mean(axis=(0, 1))[:channels, 0]
    expected = 4.0 * (1 - alpha) / (1 - alpha**4)
    trough, peak = settled_range(mixture, bursts)
    np.testing.assert_allclose(peak, expected, rtol=1e-6)
    np.testing.assert_allclose(trough, expected * alpha**3, rtol=1e-6)
