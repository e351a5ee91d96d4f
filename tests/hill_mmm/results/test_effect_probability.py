"""Whether a medium has any effect, against marginal likelihoods by brute force."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from hill_mmm import Fit, LiftTest, fit
from hill_mmm._model.design import baseline_design
from hill_mmm._posterior import flatten
from hill_mmm._results.decompose import decompose
from hill_mmm._results.effect_probability import effect_probability
from hill_mmm._results.lift_tests import modelled_lift
from tests.hill_mmm.conftest import InventFit

# Of the posterior of log ROI about its prior's median, LogNormal(0.2, 0.9).
PRIOR_SD = 0.9
PRIOR_MEDIAN = 1.2214


def only(found: Fit) -> tuple[np.ndarray, list[str | None]]:
    (part,) = decompose(found)
    return effect_probability(found, part)


def log_ratio_by_hand(found: Fit, draw: int, medium: int, test: LiftTest | None) -> float:
    """The likelihood without a medium over that with it, its effect and the baseline integrated."""
    (part,) = decompose(found)
    scale = found.scales.outcome[0]
    design = baseline_design(found.panel, found.spec, found.scales)
    columns = design.matrix[:, 0]
    sigma = flatten(found.draws["sigma"])[draw, 0]
    covariance = (columns * design.prior_sd**2) @ columns.T
    noise = multivariate_normal(
        columns @ design.prior_mean, covariance + sigma**2 * np.eye(len(columns))
    )
    own = part.media[draw, :, medium] / scale
    others = part.media[draw].sum(axis=1) / scale - own
    outcome = found.panel.outcome[:, 0] / scale
    drawn = flatten(found.draws["log_effect"])[draw, medium]
    modelled = 0.0 if test is None else modelled_lift(found, (test,)).mean[draw, 0]

    def log_likelihood(size: float) -> float:
        value = float(noise.logpdf(outcome - others - size * own))
        if test is not None:
            value += float(norm.logpdf(test.lift, size * modelled, test.standard_error))
        return value

    without = log_likelihood(0.0)

    def integrand(log_effect: float) -> float:
        density = norm.pdf(log_effect, np.log(PRIOR_MEDIAN), PRIOR_SD)
        return float(density * np.exp(log_likelihood(np.exp(log_effect - drawn)) - without))

    centre = np.log(PRIOR_MEDIAN)
    grid = np.linspace(centre - 7 * PRIOR_SD, centre + 7 * PRIOR_SD, 9)
    pieces = [quad(integrand, low, high)[0] for low, high in pairwise(grid)]
    return -float(np.log(sum(pieces)))


@pytest.mark.parametrize("with_test", [False, True])
def test_the_mean_ratio_of_the_marginal_likelihoods(fitted: Fit, *, with_test: bool) -> None:
    test = LiftTest("display", "2021-05-03", "2021-05-24", 4e4, 2e4) if with_test else None
    kept = slice(0, 200, 14)
    draws = {name: values[:, kept] for name, values in fitted.draws.items()}
    tests = () if test is None else (test,)
    few = replace(fitted, draws=draws, lift_tests=tests)
    medium = fitted.panel.channels.index("display")
    ratios = [log_ratio_by_hand(few, draw, medium, test) for draw in range(few.n_draws)]
    wanted = 1.0 / (1.0 + np.mean(np.exp(ratios)))
    # Smoothing the tail of 30 ratios moves their mean by a little.
    assert only(few)[0][medium] == pytest.approx(wanted, abs=0.02)


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
