"""What R-hat chance explains, on AR(1) chains whose ESS is known."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.signal import lfilter

from hill_mmm._checks.r_hat import ess_within_chains, r_hat_by_chance

CHAINS, DRAWS, QUANTITIES, FITS = 4, 1000, 300, 6
AXES = {"chain_axis": 0, "draw_axis": 1}


def chains(rng: np.random.Generator, ess: float, quantities: int = QUANTITIES) -> np.ndarray:
    """Stationary AR(1) chains of unit variance: `(chains, draws, quantities)`."""
    time = CHAINS * DRAWS / ess
    rho = (time - 1.0) / (time + 1.0)
    steps = rng.normal(size=(CHAINS, DRAWS, quantities)) * np.sqrt(1.0 - rho**2)
    steps[:, 0] /= np.sqrt(1.0 - rho**2)
    return lfilter([1.0], [1.0, -rho], steps, axis=1)


def one_chain_off(rng: np.random.Generator, ess: float, shift: float) -> np.ndarray:
    """A chain elsewhere: every one of ten directions, which all quantities are made of, is off."""
    directions = chains(rng, ess, 10)
    directions[0] += shift * rng.choice([-1.0, 1.0], 10)
    mixed = rng.normal(size=(10, QUANTITIES))
    shared = directions @ (mixed / np.linalg.norm(mixed, axis=0))
    return np.sqrt(0.9) * shared + np.sqrt(0.1) * chains(rng, ess)


def excess(draws: np.ndarray, quantities: int = QUANTITIES) -> np.ndarray:
    """R-hat over what chance explains; above 0 the quantity is refused."""
    r_hat = array_stats.rhat(draws, **AXES)
    return r_hat - r_hat_by_chance(ess_within_chains(draws), CHAINS, DRAWS, quantities)


@pytest.mark.parametrize("ess", [500, 1100, 1500])
def test_a_right_sampler_is_not_refused(ess: int) -> None:
    """Of 6 fits 1 at most: more has a chance of 0.6 % if 2 % are refused."""
    rng = np.random.default_rng(ess)
    fits = [chains(rng, ess) for _ in range(FITS)]
    assert sum((excess(fit) > 0).any() for fit in fits) <= 1
    # A fixed 1.01 refuses most of them, and those of 1,500 now and then.
    if ess < 1500:
        fixed = [(array_stats.rhat(fit, **AXES) > 1.01).any() for fit in fits]
        assert np.mean(fixed) > 0.2


@pytest.mark.parametrize("ess", [500, 1100])
def test_single_quantities_exceed_the_limit_as_often_as_they_should(ess: int) -> None:
    """As if 2 were judged: 0.5 % of each kind, so 10 of 1,000 at most; none if far too wide."""
    draws = chains(np.random.default_rng(ess), ess, 1000)
    assert 1 <= (excess(draws, quantities=2) > 0).sum() <= 14


@pytest.mark.parametrize("ess", [500, 1100, 3000])
def test_a_chain_elsewhere_is_found(ess: int) -> None:
    rng = np.random.default_rng(ess)
    assert all((excess(one_chain_off(rng, ess, 0.3)) > 0).any() for _ in range(FITS))


def test_one_quantity_of_many_is_found_where_the_chains_can_tell() -> None:
    """0.3 sd of one chain in four is 8 standard errors at an ESS of 4,000."""
    rng = np.random.default_rng(0)
    draws = chains(rng, 4000)
    draws[0, :, :50] += 0.3
    found = excess(draws) > 0
    assert found[:50].mean() >= 0.95
    assert not found[50:].any()


def test_disagreement_does_not_excuse_itself() -> None:
    """It lowers the usual ESS, but not that of the chains each by itself."""
    draws = chains(np.random.default_rng(1), 2000, 5)
    before = ess_within_chains(draws)
    draws[0] += 3.0
    np.testing.assert_allclose(ess_within_chains(draws), before, rtol=0.3)
    assert (array_stats.ess(draws, **AXES, method="bulk") < 20).all()


def test_what_has_no_r_hat_has_no_limit() -> None:
    assert np.isnan(ess_within_chains(np.ones((4, 3, 2)))).all()
    assert np.isnan(ess_within_chains(np.full((4, 10, 2), np.nan))).all()
    assert np.isnan(r_hat_by_chance(np.array([np.nan]), 4, 1000, 300)).all()
