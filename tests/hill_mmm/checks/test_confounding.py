"""Do budgets follow what is not in the model? Against least squares, and worlds that do or do not.

The fits are exact ones of a linear model, so that hundreds cost seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

from benchmarks.markets import CHANNELS, simulate, specification
from hill_mmm import Fit, ModelSpec, Panel, SamplerSettings, fit
from hill_mmm._checks.confounding import (
    LEAST_P,
    Lead,
    confounding_checks,
    lead_correlation,
    lead_of,
    leads,
    spend_ahead,
    spend_follows_demand,
)
from hill_mmm._checks.gate import Check
from hill_mmm._model.design import baseline_design, fourier_terms
from hill_mmm._results.decompose import decompose
from hill_mmm.panel import Floats
from tests.hill_mmm.conftest import InventFit

N_WEEKS = 156
WEEKS = np.datetime64("2021-01-04") + 7 * np.arange(N_WEEKS)
NAMES = ("tv", "search", "social")

Noise = Callable[[np.random.Generator], Floats]


def white(rng: np.random.Generator) -> Floats:
    return rng.normal(size=N_WEEKS)


def lasting(rng: np.random.Generator) -> Floats:
    return autoregressive(rng, 0.6)


def autoregressive(rng: np.random.Generator, rho: float) -> Floats:
    """Of standard deviation 1."""
    shocks = rng.normal(0.0, np.sqrt(1.0 - rho**2), N_WEEKS + 100)
    return lfilter([1.0], [1.0, -rho], shocks)[100:]


def linear_fit(
    seed: int, noise: Noise = white, *, demand: float = 0.0, is_given: bool = False
) -> Lead:
    """Residuals of a least-squares fit with the true curves, and the spend to come.

    Demand, of twice the noise, moves the budget for search, by 40 % for an effect of 1.
    """
    rng = np.random.default_rng(seed)
    looked_for = autoregressive(rng, 0.85)
    on_air = np.repeat(np.arange(60) % 2, rng.integers(3, 9, 60))[:N_WEEKS]
    shapes = np.column_stack([on_air, np.ones(N_WEEKS), rng.random(N_WEEKS) < 0.8])
    media = shapes * rng.gamma(6.0, 1.0 / 6.0, (N_WEEKS, 3))
    media[:, 1] *= np.exp(0.4 * np.sign(demand) * looked_for)
    effect = np.column_stack(
        [lfilter([1.0 - a], [1.0, -a], x) for a, x in zip((0.6, 0.2, 0.3), media.T, strict=True)]
    )
    baseline = np.column_stack(
        [np.ones(N_WEEKS), np.arange(N_WEEKS) / N_WEEKS, fourier_terms(WEEKS, (1, 2))]
    )
    matrix = np.column_stack([baseline, effect, looked_for] if is_given else [baseline, effect])
    outcome = 2.0 * effect.sum(axis=1) + 2.0 * abs(demand) * looked_for + noise(rng)
    return lead_of(outcome, matrix, spend_ahead(media), rng)


def share_that_warns(fits: Sequence[Lead]) -> float:
    return float(np.mean([spend_follows_demand([lead], NAMES).status == "warn" for lead in fits]))


def test_the_spend_ahead_is_the_plain_sum() -> None:
    spend = np.array([[0.0, 5.0], [3.0, 5.0], [6.0, 5.0], [0.0, 5.0], [3.0, 5.0]])
    log = np.log1p(spend[:, 0] / 4.0)
    log -= log.mean()
    expected = [
        sum(log[week + ahead] / 2 ** (ahead - 1) for ahead in range(1, 5) if week + ahead < 5)
        for week in range(5)
    ]
    ahead = spend_ahead(spend)
    assert ahead[:, 0] == pytest.approx(np.array(expected))
    # What never changes says nothing.
    assert ahead[:, 1] == pytest.approx(np.zeros(5))


def test_the_correlation_is_partial_and_of_what_is_new() -> None:
    first, second = linear_fit(1, lasting), linear_fit(2, lasting)
    for row in (0, 7):
        products, squares, of_leads = np.zeros(3), 0.0, np.zeros(3)
        for both, left in (first, second):
            r = both[row]
            rho = (r[1:] @ r[:-1]) / (r @ r)
            news, of_lead = r[1:] - rho * r[:-1], left[1:] - rho * left[:-1]
            products += news @ of_lead
            squares += news @ news
            of_leads += (of_lead**2).sum(axis=0)
        expected = products / np.sqrt(squares * of_leads)
        assert lead_correlation([first, second])[row] == pytest.approx(expected)


def test_a_budget_that_follows_demand_is_found_by_its_next_weeks() -> None:
    fits = [linear_fit(seed, demand=1.0) for seed in range(60)]
    assert share_that_warns(fits) > 0.75
    warned = [spend_follows_demand([lead], NAMES) for lead in fits]
    named = [check for check in warned if check.status == "warn"]
    assert np.mean(["for search" in check.description for check in named]) > 0.9
    assert all("sales are above" in c.description for c in named if "for search" in c.description)


def test_a_budget_that_follows_the_demand_of_the_model_is_not() -> None:
    fits = [linear_fit(seed, demand=1.0, is_given=True) for seed in range(100)]
    assert share_that_warns(fits) <= binom.ppf(0.999, 100, LEAST_P) / 100


@pytest.mark.parametrize("noise", [white, lasting])
def test_a_budget_of_its_own_warns_seldom(noise: Noise) -> None:
    """Although residuals that last go along with any spend that lasts, such as TV's in bursts."""
    fits = [linear_fit(seed, noise) for seed in range(120)]
    assert share_that_warns(fits) <= binom.ppf(0.999, 120, 2 * LEAST_P) / 120


def test_many_series_speak_together() -> None:
    """What no series shows by itself, ten show."""
    weak = [linear_fit(seed, demand=0.25) for seed in range(40)]
    assert share_that_warns(weak) < 0.3
    together = [spend_follows_demand(weak[first : first + 10], NAMES) for first in range(0, 40, 10)]
    assert all(check.status == "warn" for check in together)


def test_what_is_not_a_number_does_not_pass() -> None:
    both, ahead = linear_fit(0)
    broken = Lead(np.full_like(both, np.nan), ahead)
    assert spend_follows_demand([broken], NAMES).status == "warn"


def test_a_medium_that_captures_demand_asks_for_a_control_of_it(
    market: Panel, invent_fit: InventFit
) -> None:
    fit = invent_fit(market.head(91), ModelSpec())
    assert "search" in fit.panel.channels
    check = demand_control(fit)
    assert (check.status, check.value, check.is_blocking) == ("warn", 1.0, False)
    assert "(search)" in check.description
    assert "role: demand" in check.description

    known = replace(fit.spec, control_roles={fit.panel.control_names[0]: "demand"})
    assert demand_control(replace(fit, spec=known)).status == "pass"
    other = replace(fit.spec, control_roles={fit.panel.control_names[0]: "price"})
    assert demand_control(replace(fit, spec=other)).status == "warn"
    told = replace(fit.spec, follows_demand={"search": False, "tv": True})
    assert "(tv)" in demand_control(replace(fit, spec=told)).description


def demand_control(fit: Fit) -> Check:
    checks = {check.check_name: check for check in confounding_checks(fit)}
    assert list(checks) == ["demand_control", "spend_follows_demand"]
    return checks["demand_control"]


def test_the_baseline_and_the_media_of_the_fit_are_taken_out(
    regions: Panel, invent_fit: InventFit
) -> None:
    """One region starts late, and the weeks of each are its own."""
    fit = invent_fit(regions.head(91), ModelSpec(trend="smooth", fourier_order=6))
    design = baseline_design(fit.panel, fit.spec, fit.scales)
    walk_and_harmonics = design.n_learned
    for series, (part, lead) in enumerate(zip(decompose(fit), leads(fit), strict=True)):
        start = int(regions.starts[series])
        matrix = design.matrix[start:, series, :-walk_and_harmonics]
        gone = np.column_stack([matrix, part.media.mean(axis=0)])
        for left in (lead.both[:3].T, lead.ahead):
            assert len(left) == 91 - start
            assert gone.T @ left == pytest.approx(0.0, abs=1e-6 * np.linalg.norm(gone))


@pytest.mark.slow
def test_demand_as_a_control_gives_search_its_own_effect_back() -> None:
    """Its ROI, in markets whose search budget follows demand."""
    search = list(CHANNELS).index("search")
    ratio: dict[str, list[float]] = {"demand": [], "demand_given": []}
    for seed in range(3):
        for world, found in ratio.items():
            market = simulate(world, seed)
            fitted = fit(market.panel, specification(market.panel, 1), SamplerSettings(seed=seed))
            rows = fitted.summary().query("period == 'all'").set_index("channel")
            found.append(rows.loc["search", "roi_mean"] / market.roi[search])
            if world == "demand_given":
                low, high = rows.loc["search", ["roi_ci_lo", "roi_ci_hi"]]
                assert low < market.roi[search] < high
            status = {check.check_name: check.status for check in confounding_checks(fitted)}
            assert status["demand_control"] == ("warn" if world == "demand" else "pass")
    # The excess over the truth is more than halved.
    assert np.mean(ratio["demand"]) > 1.8
    assert np.mean(ratio["demand_given"]) - 1.0 < 0.5 * (np.mean(ratio["demand"]) - 1.0)
