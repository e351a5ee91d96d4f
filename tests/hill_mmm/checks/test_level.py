"""Whether a slow medium is told from a level that walks: against covariances, and in markets."""

from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import Fit, ModelSpec, Panel
from hill_mmm._checks.level import MOST_LOST, level_checks, walk_takes
from hill_mmm._model.design import baseline_design
from hill_mmm._posterior import flatten
from hill_mmm._results.decompose import decompose
from tests.hill_mmm.conftest import TRAIN_WEEKS, InventFit

SMOOTH = ModelSpec(trend="smooth", fourier_order=3)


def test_what_a_walk_takes_is_the_ratio_of_two_variances(
    market: Panel, invent_fit: InventFit
) -> None:
    fit = invent_fit(market.head(TRAIN_WEEKS), SMOOTH)
    (part,) = decompose(fit)
    design = baseline_design(fit.panel, fit.spec, fit.scales)
    scale = np.sqrt((flatten(fit.draws["baseline_scale"]) ** 2).mean(axis=0))
    sd = design.prior_sd.copy()
    sd[-27:-25] *= scale[0]
    sd[-25:] *= scale[1]
    columns = design.matrix[:, 0] * sd
    noise = fit.draws["sigma"].mean() ** 2 * np.eye(TRAIN_WEEKS)
    known = noise + columns[:, :-25] @ columns[:, :-25].T
    walking = known + columns[:, -25:] @ columns[:, -25:].T
    effect = part.media.mean(axis=0) / fit.scales.outcome[0]
    left = [effect.T @ np.linalg.solve(covariance, effect) for covariance in (walking, known)]
    expected = 1.0 - np.diag(left[0]) / np.diag(left[1])
    np.testing.assert_allclose(walk_takes(fit), expected, atol=1e-8)


def test_regions_count_together(regions: Panel, invent_fit: InventFit) -> None:
    fit = invent_fit(regions.head(TRAIN_WEEKS), replace(SMOOTH, fourier_order=0))
    taken = walk_takes(fit)
    assert ((taken > 0.0) & (taken < 1.0)).all()
    # A walk that all share takes less from four regions than from one of them.
    alone = fit.panel.only(regions.series[:1])
    draws = {
        name: values[:, :, :1] if name in ("amplitude", "coefficients", "sigma") else values
        for name, values in fit.draws.items()
    }
    scales = {
        name: getattr(fit.scales, name)[:1]
        for name in ("outcome", "spend", "outcome_sd", "amplitude_loc", "control_mean")
    }
    scales |= {"series": regions.series[:1], "control_sd": fit.scales.control_sd[:1]}
    one = replace(fit, panel=alone, draws=draws, scales=replace(fit.scales, **scales))
    assert (walk_takes(one)[:2] > taken[:2]).all()


def test_a_medium_as_slow_as_the_level_is_named(market: Panel, invent_fit: InventFit) -> None:
    week = np.arange(TRAIN_WEEKS)
    panel = market.head(TRAIN_WEEKS)
    spend = panel.spend.copy()
    # A budget that comes and goes in a year and a half, under a level that moves one sd a year.
    spend[:, 0, 0] = 1e5 * (1.5 + np.sin(2 * np.pi * week / 80))
    slow = replace(panel, spend=spend)
    fit = invent_fit(slow, replace(SMOOTH, fourier_order=0))
    moves = np.ones_like(fit.draws["baseline_scale"])
    (check,) = level_checks(replace(fit, draws=fit.draws | {"baseline_scale": moves}))
    assert (check.status, check.is_blocking) == ("warn", False)
    assert check.value > MOST_LOST
    assert f"({panel.channels[0]})" in check.description
    assert "model.trend: linear" in check.description
    (check,) = level_checks(replace(fit, draws=fit.draws | {"baseline_scale": 0.1 * moves}))
    assert check.status == "pass"
    assert "(none)" in check.description


@pytest.mark.parametrize("trend", ["none", "linear", "piecewise"])
def test_a_level_that_does_not_walk_has_no_check(
    market: Panel, invent_fit: InventFit, trend: str
) -> None:
    spec = ModelSpec(trend=trend, fourier_order=1)  # pyright: ignore[reportArgumentType]
    fit: Fit = invent_fit(market.head(60), spec)
    assert level_checks(fit) == []
