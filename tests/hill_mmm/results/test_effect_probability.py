"""Whether a medium has any effect, against marginal likelihoods by brute force."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from hill_mmm import Fit, LiftTest, ModelSpec, Panel, fit
from hill_mmm._model.design import baseline_design
from hill_mmm._posterior import flatten
from hill_mmm._results.decompose import decompose
from hill_mmm._results.effect_probability import effect_probability, log_ratios, probability_of
from hill_mmm._results.lift_tests import modelled_lift
from tests.hill_mmm.conftest import InventFit


def only(found: Fit) -> tuple[np.ndarray, list[str | None]]:
    (part,) = decompose(found)
    return effect_probability(found, part)


def log_ratio_by_hand(found: Fit, draw: int, medium: int) -> float:
    """The likelihood without a medium over that with it, its effect and the baseline integrated."""
    (part,) = decompose(found)
    scale = found.scales.outcome[0]
    design = baseline_design(found.panel, found.spec, found.scales)
    columns = design.matrix[:, 0]
    sigma = flatten(found.draws["sigma"])[draw, 0]
    prior_sd = design.prior_sd.copy()
    if "baseline_scale" in found.draws:
        widths = list(design.learned.values())
        prior_sd[-sum(widths) :] *= np.repeat(flatten(found.draws["baseline_scale"])[draw], widths)
    noise = multivariate_normal(
        columns @ design.prior_mean,
        (columns * prior_sd**2) @ columns.T + sigma**2 * np.eye(len(columns)),
    )
    own = part.media[draw, :, medium] / scale
    others = part.media[draw].sum(axis=1) / scale - own
    outcome = found.panel.outcome[:, 0] / scale
    lift = modelled_lift(found, found.lift_tests).mean[draw]

    def log_likelihood(size: float) -> float:
        value = float(noise.logpdf(outcome - others - size * own))
        for test, modelled in zip(found.lift_tests, lift, strict=True):
            value += float(norm.logpdf(test.lift, size * modelled, test.standard_error))
        return value

    # The medium's prior given the others', of the joint Normal of ROIs that are correlated by half.
    log_effect = flatten(found.draws["log_effect"])[draw]
    covariance = 0.81 * (0.5 + 0.5 * np.eye(len(log_effect)))
    rest = np.arange(len(log_effect)) != medium
    gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, medium])
    centre = np.log(1.2214) + gain @ (log_effect[rest] - np.log(1.2214))
    sd = np.sqrt(0.81 - gain @ covariance[rest, medium])
    top = max(log_likelihood(size) for size in np.exp(np.linspace(-7, 3, 200)))

    def integrand(value: float) -> float:
        size = np.exp(value - log_effect[medium])
        return float(norm.pdf(value, centre, sd) * np.exp(log_likelihood(size) - top))

    grid = np.linspace(centre - 7 * sd, centre + 7 * sd, 40)
    integral = sum(quad(integrand, low, high)[0] for low, high in pairwise(grid))
    return log_likelihood(0.0) - top - float(np.log(integral))


@pytest.mark.parametrize("fourier_order", [1, 3])
@pytest.mark.parametrize("with_test", [False, True])
def test_the_ratio_of_the_marginal_likelihoods(
    market: Panel, invent_fit: InventFit, *, fourier_order: int, with_test: bool
) -> None:
    tests = (LiftTest("display", "2021-05-03", "2021-05-24", 4e4, 2e4),) * with_test
    made = invent_fit(market.head(60), ModelSpec(fourier_order=fourier_order), draws=2)
    made = replace(made, lift_tests=tests)
    (part,) = decompose(made)
    display = made.panel.channels.index("display")
    wanted = [log_ratio_by_hand(made, draw, display) for draw in range(made.n_draws)]
    np.testing.assert_allclose(log_ratios(made, part)[:, display], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("odds", [0.05, 1.0, 8.0])
def test_the_odds_are_the_mean_ratio(odds: float) -> None:
    ratio = odds * np.random.default_rng(0).gamma(4.0, 0.25, 4000)
    found, reason = probability_of(np.log(ratio))
    assert found == pytest.approx(1.0 / (1.0 + odds), abs=0.005)
    assert reason is None


def test_a_mean_that_is_not_known_is_given_from_its_safe_side() -> None:
    """Ratios with so heavy a tail that they have no mean."""
    tail = np.random.default_rng(0).pareto(0.8, 4000)
    certain, _ = probability_of(np.log(1e-5 * (1.0 + tail)))
    # Ten times the mean of these draws.
    assert 0.99 < certain < 1.0 / (1.0 + 1e-5 * (1.0 + tail).mean())
    assert probability_of(np.log(3.0 * (1.0 + tail)))[0] < 0.25
    # A tail of ties fits no distribution; ratios that are all equal need none.
    assert np.isnan(probability_of(np.minimum(np.log(1.0 + tail), 0.2))[0])
    even, reason = probability_of(np.zeros(4000))
    assert even == pytest.approx(0.5) and reason is None
    unknown, reason = probability_of(np.log(0.02 * (1.0 + tail)))
    assert np.isnan(unknown) and reason is not None and "Pareto k" in reason


def test_what_has_an_effect_and_what_nobody_can_tell(fitted: Fit) -> None:
    probability, reason = only(fitted)
    by_channel = dict(zip(fitted.panel.media_names, probability, strict=True))
    assert by_channel["tv"] > 0.98
    # Leaflets cost next to nothing: the data are as likely with them as without.
    assert by_channel["leaflets"] == pytest.approx(0.5, abs=0.02)
    assert reason == [None] * len(reason)


def test_a_channel_whose_outcome_is_taken_back_has_none(fitted: Fit) -> None:
    """A fit of an outcome without what TV brought."""
    (part,) = decompose(fitted)
    tv = part.media[:, :, 0].mean(axis=0)
    panel = replace(fitted.panel, outcome=fitted.panel.outcome - tv[:, None])
    denied = fit(panel, fitted.spec, fitted.sampler)
    (part,) = decompose(denied)
    # Its ROI does not say it: the prior holds it up.
    roi = part.media[:, :, 0].sum(axis=1) / part.spend[:, 0].sum()
    assert np.quantile(roi, 0.05) > 0.03
    assert only(denied)[0][0] < 0.3


def test_where_it_is_not_known_there_is_a_reason(
    national_mixture: Fit, regional_mixture: Fit, fitted: Fit
) -> None:
    _, reason = only(national_mixture)
    assert set(reason) == {"a mixture of curves"}
    (part, *_) = decompose(regional_mixture)
    single = replace(regional_mixture, spec=replace(regional_mixture.spec, components=1))
    assert set(effect_probability(single, part).reason) == {"Student-t noise"}
    normal = replace(single, spec=replace(single.spec, likelihood="normal"))
    assert set(effect_probability(normal, part).reason) == {"several series"}
    older = {name: values for name, values in fitted.draws.items() if name != "log_effect"}
    probability, reason = only(replace(fitted, draws=older))
    assert set(reason) == {"a fit of an earlier version"} and np.isnan(probability).all()
    assert set(only(replace(fitted, prior_only=True))[1]) == {"draws of the prior"}


def test_weights_that_say_nothing_give_no_number(invent_fit: InventFit, fitted: Fit) -> None:
    """Draws that have nothing to do with the data: some deny the effect, some affirm it."""
    probability, reason = only(invent_fit(fitted.panel, fitted.spec, draws=200))
    for value, why in zip(probability, reason, strict=True):
        assert np.isnan(value) == (why is not None)
    assert any(why is not None and "Pareto k" in why for why in reason)


def test_a_certain_effect_has_ratios_too_small_for_a_number() -> None:
    """Of a medium that is most of the outcome: `exp(-3000)` is 0, and its logarithm none."""
    probability, reason = probability_of(np.linspace(-3000.0, -20.0, 4000))
    assert (round(probability, 6), reason) == (1.0, None)
