"""Sensitivity to a hidden driver, against a regression that is given one."""

from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import Fit, ModelSpec, Panel
from hill_mmm._model.design import baseline_design
from hill_mmm._results.baseline_prior import learned_prior_sd
from hill_mmm._results.confounding import multiplier_information, robustness
from hill_mmm._results.decompose import decompose, with_total
from hill_mmm.panel import ALL_SERIES, Floats
from tests.hill_mmm.conftest import InventFit

WEEKS = 120


def coefficients(outcome: Floats, *columns: Floats) -> Floats:
    return np.linalg.lstsq(np.column_stack(columns), outcome, rcond=None)[0]


def direction(values: Floats, *columns: Floats) -> Floats:
    """What the columns leave over of the values, of length 1."""
    left = values - np.column_stack(columns) @ coefficients(values, *columns)
    return left / np.linalg.norm(left)


@pytest.mark.parametrize("shift", [-0.3, 0.2, 0.9])
def test_a_driver_of_that_strength_moves_the_effect_by_so_much(shift: float) -> None:
    rng = np.random.default_rng(1)
    baseline = np.column_stack([np.ones(WEEKS), np.arange(WEEKS) / WEEKS, rng.normal(size=WEEKS)])
    effect = rng.gamma(3.0, 0.4, (WEEKS, 2)) + 0.3 * baseline[:, [2]]
    outcome = 5.0 + effect.sum(axis=1) + rng.normal(size=WEEKS)
    # As of a posterior mean, the contribution is what has been fitted: a multiplier of 1.
    effect = effect * coefficients(outcome, effect, baseline)[:2]
    residual = outcome - np.column_stack([effect, baseline]) @ coefficients(
        outcome, effect, baseline
    )
    noise = 0.7
    information = multiplier_information(effect / noise, baseline / noise, np.full(3, 1e6))
    unexplained = float(residual @ residual) / noise**2
    share = robustness(np.full(2, abs(shift)), information, unexplained)[0]

    others = (effect[:, 1:], baseline)
    along_medium, along_outcome = direction(effect[:, 0], *others), direction(residual, baseline)
    apart = direction(rng.normal(size=WEEKS), *others, along_medium, along_outcome)
    # It explains `share` of the medium and, of what the medium leaves over, `share` of the outcome.
    driver = -np.sign(shift) * np.sqrt(share) * along_outcome + np.sqrt(1.0 - share) * apart
    driver = np.sqrt(share) * along_medium + np.sqrt(1.0 - share) * driver
    assert coefficients(outcome, effect, baseline, driver)[0] - 1.0 == pytest.approx(shift)


def test_what_brings_nothing_has_no_answer() -> None:
    information = np.diag([4.0, 0.0])
    found = robustness(np.array([0.5, np.nan]), information, 100.0)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_media_always_on_together_are_overturned_by_next_to_nothing() -> None:
    effect = np.tile(np.random.default_rng(2).gamma(2.0, 1.0, (WEEKS, 1)), (1, 2))
    information = multiplier_information(effect, np.ones((WEEKS, 1)), np.array([1e6]))
    assert np.all(robustness(np.full(2, 0.5), information, float(WEEKS)) < 0.01)


def test_the_sum_knows_what_its_series_know(regions: Panel, invent_fit: InventFit) -> None:
    fit = invent_fit(regions, ModelSpec())
    *parts, total = with_total(fit)
    assert total.series == ALL_SERIES
    assert total.information == pytest.approx(sum(part.information for part in parts))
    assert total.unexplained == pytest.approx(sum(float(part.unexplained) for part in parts))


def test_a_level_that_walks_counts_as_far_as_it_has_been_seen_to(
    market: Panel, invent_fit: InventFit
) -> None:
    """By the covariance of the weeks itself, noise and baseline together."""
    fit = invent_fit(market.head(91), ModelSpec(trend="smooth"))
    (part,) = decompose(fit)
    design = baseline_design(fit.panel, fit.spec, fit.scales)
    sd = learned_prior_sd(fit, design)
    assert not np.allclose(sd, design.prior_sd)
    columns, scale = design.matrix[:, 0], fit.scales.outcome[0]
    noise = fit.draws["sigma"].mean()
    covariance = noise**2 * np.eye(91) + (columns * sd**2) @ columns.T
    effect = part.media.mean(axis=0) / scale
    rest = part.outcome / scale - effect.sum(axis=1) - columns @ design.prior_mean
    expected = effect.T @ np.linalg.solve(covariance, effect)
    assert part.information == pytest.approx(expected, rel=1e-6)
    assert part.unexplained == pytest.approx(rest @ np.linalg.solve(covariance, rest), rel=1e-6)


def test_weeks_after_those_fitted_to_do_not_count(market: Panel, invent_fit: InventFit) -> None:
    fit = invent_fit(market.head(91), ModelSpec())
    (short,), (long,) = decompose(fit), decompose(fit, market)
    assert long.information == pytest.approx(short.information)
    assert long.unexplained == pytest.approx(short.unexplained)


def test_the_summary_says_how_strong_a_driver_overturns_a_return(national_mixture: Fit) -> None:
    (part,) = decompose(national_mixture)
    rows = national_mixture.summary()
    rows = rows[(rows["period"] == "all") & rows["is_paid"]]
    for name in ("roi", "mroi"):
        shift = np.abs(1.0 - 1.0 / rows[f"{name}_mean"].to_numpy())
        paid = len(shift)
        nothing = np.full(len(part.media_names) - paid, np.nan)
        expected = robustness(np.append(shift, nothing), part.information, float(part.unexplained))
        assert rows[f"{name}_hidden_driver_r2"].to_numpy() == pytest.approx(expected[:paid])
        assert rows[f"{name}_hidden_driver_r2"].between(0.0, 1.0).all()


def test_of_a_count_without_value_it_is_the_effect_that_is_overturned(
    national_mixture: Fit,
) -> None:
    spec = replace(national_mixture.spec, outcome_kind="count", channel_priors={})
    rows = replace(national_mixture, spec=spec).summary()
    rows = rows[(rows["period"] == "all") & rows["is_paid"]]
    (part,) = decompose(national_mixture)
    expected = robustness(np.ones(len(part.media_names)), part.information, float(part.unexplained))
    assert rows["roi_mean"].isna().all()
    for name in ("roi", "mroi"):
        found = rows[f"{name}_hidden_driver_r2"].to_numpy()
        assert found == pytest.approx(expected[: len(rows)])
