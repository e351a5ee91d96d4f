from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from hill_mmm._results.predictive_scores import (
    crps,
    elpd_difference,
    psis_loo,
    simplest_within_one_se,
    waic,
)

NOISE = 2.0
PRIOR_SD = 3.0
# Independent posteriors, whose spread is the Monte-Carlo error of what is computed from one.
REPLICATES = 20


class Conjugate(NamedTuple):
    """A Normal mean with known noise: y ~ Normal(mean, 2), mean ~ Normal(0, 3)."""

    y: np.ndarray

    def posterior(self, y: np.ndarray) -> tuple[float, float]:
        precision = 1 / PRIOR_SD**2 + len(y) / NOISE**2
        return y.sum() / NOISE**2 / precision, 1 / precision

    def log_likelihood(self, draws: int, seed: int) -> np.ndarray:
        mean, variance = self.posterior(self.y)
        means = np.random.default_rng(seed).normal(mean, np.sqrt(variance), (draws, 1))
        return norm.logpdf(self.y, means, NOISE)

    def exact_loo(self) -> np.ndarray:
        without = [
            self.posterior(np.delete(self.y, observation)) for observation in range(len(self.y))
        ]
        return np.array(
            [
                norm.logpdf(y, mean, np.sqrt(variance + NOISE**2))
                for y, (mean, variance) in zip(self.y, without, strict=True)
            ]
        )

    def exact_lppd(self) -> np.ndarray:
        mean, variance = self.posterior(self.y)
        return norm.logpdf(self.y, mean, np.sqrt(variance + NOISE**2))

    def exact_p_waic(self) -> np.ndarray:
        """Variance of `-(y - mean)**2 / (2 * noise**2)` over the posterior of the mean."""
        mean, variance = self.posterior(self.y)
        first = (self.y - mean) ** 2 * variance / NOISE**4
        return first + variance**2 / (2 * NOISE**4)


@pytest.fixture(scope="module")
def conjugate() -> Conjugate:
    return Conjugate(np.random.default_rng(5).normal(1.0, NOISE, 30))


def assert_within_error(replicates: np.ndarray, exact: np.ndarray | float) -> None:
    """The mean over replicates, first axis, is `exact` up to four of its standard errors."""
    error = replicates.std(axis=0, ddof=1) / np.sqrt(len(replicates))
    assert (np.abs(replicates.mean(axis=0) - exact) < 4 * error).all()


def test_loo_is_the_exact_one_of_a_conjugate_model(conjugate: Conjugate) -> None:
    fits = [psis_loo(conjugate.log_likelihood(2000, seed)) for seed in range(REPLICATES)]
    exact = conjugate.exact_loo()
    assert_within_error(np.array([fit.elpd for fit in fits]), exact.sum())
    assert_within_error(np.array([fit.pointwise for fit in fits]), exact)
    assert_within_error(
        np.array([fit.p_loo for fit in fits]), (conjugate.exact_lppd() - exact).sum()
    )
    # The error leaves room enough to tell LOO from the score in the sample.
    spread = np.std([fit.elpd for fit in fits])
    assert spread < 0.05 * (conjugate.exact_lppd() - exact).sum()


def test_loo_reports_its_error_and_reliability(conjugate: Conjugate) -> None:
    found = psis_loo(conjugate.log_likelihood(2000, 0))
    assert found.elpd == pytest.approx(found.pointwise.sum())
    assert found.se == pytest.approx(np.sqrt(30) * found.pointwise.std(ddof=1))
    assert found.pareto_k.shape == (30,)
    assert (found.pareto_k < 0.5).all()


def test_waic_is_watanabes_and_close_to_loo(conjugate: Conjugate) -> None:
    fits = [waic(conjugate.log_likelihood(2000, seed)) for seed in range(REPLICATES)]
    p_waic = conjugate.exact_p_waic()
    assert_within_error(np.array([fit.p_waic for fit in fits]), p_waic.sum())
    assert_within_error(np.array([fit.pointwise for fit in fits]), conjugate.exact_lppd() - p_waic)
    assert fits[0].elpd == pytest.approx(fits[0].pointwise.sum())
    assert fits[0].se == pytest.approx(np.sqrt(30) * fits[0].pointwise.std(ddof=1))
    few = conjugate.log_likelihood(25, 0)
    assert waic(few).p_waic == pytest.approx(few.var(axis=0, ddof=1).sum())
    # They differ by terms of the order of p / n.
    assert abs(fits[0].elpd - psis_loo(conjugate.log_likelihood(2000, 0)).elpd) < 2 / 30


@pytest.mark.parametrize("shape", [0.2, 0.9])
def test_pareto_k_is_the_tails_shape(shape: float) -> None:
    # Weights 1 / likelihood with a Pareto tail of known shape.
    ratios = np.random.default_rng(0).pareto(1 / shape, (4000, 40)) + 1
    found = psis_loo(-np.log(ratios)).pareto_k
    # The fit's prior, worth 10 of the 189 draws of the tail, pulls towards 0.5.
    expected = (189 * shape + 10 * 0.5) / 199
    assert_within_error(found, expected)


def test_observation_that_draws_agree_on_is_unreliable_and_has_a_score() -> None:
    log_likelihood = np.random.default_rng(0).normal(-1.0, 0.1, (400, 3))
    log_likelihood[:, 1] = -2.0
    # A chain of four that never moved, where the observation is least likely.
    log_likelihood[300:, 2] = -4.0
    found = psis_loo(log_likelihood)
    assert list(np.isinf(found.pareto_k)) == [False, True, True]
    assert found.pointwise[1] == pytest.approx(-2.0)
    assert found.pointwise[2] == pytest.approx(-np.log(np.exp(-log_likelihood[:, 2]).mean()))


def test_a_tail_that_begins_amid_ties_is_unreliable_and_has_a_score() -> None:
    # Half of the tail of 60 draws is at its lower end, which has no Pareto distribution.
    log_likelihood = np.random.default_rng(0).normal(-1.0, 0.1, (400, 2))
    log_likelihood[:30, 0] -= 30.0
    log_likelihood[30:150, 0] = -4.0
    found = psis_loo(log_likelihood)
    assert list(np.isinf(found.pareto_k)) == [True, False]
    assert found.pointwise[0] == pytest.approx(-np.log(np.exp(-log_likelihood[:, 0]).mean()))


@pytest.mark.parametrize("score", [psis_loo, waic])
def test_many_observations_score_as_one_by_one(score: type) -> None:
    log_likelihood = np.random.default_rng(0).normal(-1.0, 0.3, (50, 600))
    whole = score(log_likelihood).pointwise
    pairs = [score(log_likelihood[:, first : first + 2]).pointwise for first in range(0, 600, 2)]
    np.testing.assert_allclose(whole, np.concatenate(pairs), rtol=1e-12)


@pytest.mark.parametrize("score", [psis_loo, waic])
def test_log_likelihood_that_cannot_be_scored_is_refused(score: type) -> None:
    good = np.random.default_rng(0).normal(-1.0, 0.3, (50, 4))
    for value in (np.nan, -np.inf):
        broken = good.copy()
        broken[7, 2] = value
        with pytest.raises(ValueError, match=r"of 1 observations .* observation 2"):
            score(broken)
    with pytest.raises(ValueError, match="25 draws"):
        score(good[:24])
    with pytest.raises(ValueError, match="2 observations"):
        score(good[:, :1])


@pytest.mark.parametrize("z", [-2.0, 0.0, 0.7, 4.0])
def test_crps_is_the_closed_form_of_a_gaussian(z: float) -> None:
    loc, scale, draws = 100.0, 3.0, 500
    sample = np.random.default_rng(0).normal(loc, scale, (draws, 400))
    closed = scale * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    # A sample's mean |X - X'| counts each draw's distance to itself: 2 scale / sqrt(pi) / draws.
    bias = scale / np.sqrt(np.pi) / draws
    assert_within_error(crps(sample, np.full(400, loc + z * scale)), closed + bias)


def test_crps_is_the_sum_over_pairs() -> None:
    rng = np.random.default_rng(0)
    # More observations than a block.
    sample, actual = rng.lognormal(0.0, 1.0, (37, 300)), rng.lognormal(0.0, 1.0, 300)
    sample[:5, 0] = 1.0
    pairs = np.abs(sample[:, None] - sample[None]).mean(axis=(0, 1))
    expected = np.abs(sample - actual).mean(axis=0) - pairs / 2
    np.testing.assert_allclose(crps(sample, actual), expected, rtol=1e-10)
    # A level that dwarfs the spread costs no more than the data's own rounding.
    np.testing.assert_allclose(crps(sample + 1e9, actual + 1e9), expected, atol=1e-6)


def test_crps_of_a_point_is_the_absolute_error() -> None:
    assert crps(np.full((10, 2), 3.0), np.array([1.0, 7.0])) == pytest.approx([2.0, 4.0])


def test_crps_says_where_it_has_no_value() -> None:
    sample = np.random.default_rng(0).normal(size=(10, 3))
    sample[4, 1] = np.nan
    assert list(np.isnan(crps(sample, np.array([0.0, 0.0, np.nan])))) == [False, True, True]
    # As many draws as observations, the other way round, would broadcast.
    with pytest.raises(ValueError, match=r"\(10, 3\) and \(10,\)"):
        crps(sample, np.zeros(10))


def test_difference_by_hand() -> None:
    difference, se = elpd_difference(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    assert difference == pytest.approx(3.0)
    assert se == pytest.approx(np.sqrt(3.0))


def test_error_is_of_the_difference_not_of_the_scores() -> None:
    hard_and_easy = np.random.default_rng(0).normal(-3.0, 5.0, 100)
    difference, se = elpd_difference(hard_and_easy + 0.1, hard_and_easy)
    assert difference == pytest.approx(10.0)
    assert se == pytest.approx(0.0, abs=1e-10)


def test_only_finite_scores_of_the_same_observations_compare() -> None:
    with pytest.raises(ValueError, match="not the same observations"):
        elpd_difference(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="at least 2"):
        elpd_difference(np.zeros(1), np.zeros(1))
    with pytest.raises(ValueError, match="finite"):
        elpd_difference(np.array([0.0, -np.inf]), np.array([0.0, -np.inf]))


# By hand: against zeros, [3, 1] has a difference of 4 with error 2, [3, -1] one of 2 with error 4.
# Two origins leave one degree of freedom: a Cauchy holds 68.3 % within 1.84 errors.
FAR, NEAR = np.array([3.0, 1.0]), np.array([3.0, -1.0])
ZERO = np.zeros(2)


@pytest.mark.parametrize(
    ("by_origin", "chosen"),
    [
        ({1: FAR, 2: ZERO, 3: ZERO}, 1),
        ({1: ZERO, 2: NEAR, 3: ZERO}, 1),
        ({1: ZERO, 2: FAR, 3: ZERO}, 2),
        # The best is K = 3; K = 1 is too far from it, K = 2 is not.
        ({1: ZERO, 2: FAR - NEAR, 3: FAR}, 2),
        ({3: FAR, 2: FAR - NEAR, 1: ZERO}, 2),
        # A difference of 3.6 with error 2, within 1.84 of it; one of 3.8 is not.
        ({1: ZERO, 2: np.array([2.8, 0.8])}, 1),
        ({1: ZERO, 2: np.array([2.9, 0.9])}, 2),
        ({1: ZERO, 2: ZERO}, 1),
        ({4: FAR}, 4),
    ],
)
def test_simplest_within_one_se(by_origin: dict[int, np.ndarray], chosen: int) -> None:
    assert simplest_within_one_se(by_origin) == chosen


@pytest.mark.parametrize("origins", [3, 4])
def test_a_model_that_is_no_better_is_chosen_as_often_as_one_error_says(origins: int) -> None:
    """Weeks after an origin share an error, as they do its fit. One error leaves out 16 %."""
    rng = np.random.default_rng(origins)
    markets = 4000
    weeks = rng.normal(size=(markets, origins, 13)) + 0.7 * rng.normal(size=(markets, origins, 1))
    zero = np.zeros(origins)
    chosen = [simplest_within_one_se({1: zero, 2: better}) for better in weeks.sum(axis=2)]
    rate = float(np.mean(np.array(chosen) == 2))
    print(f"{rate:.3f} of the markets with {origins} origins")
    assert rate == pytest.approx(norm.cdf(-1.0), abs=4 * np.sqrt(0.16 * 0.84 / markets))


def test_simplest_needs_scores_that_compare() -> None:
    with pytest.raises(ValueError, match="no scores"):
        simplest_within_one_se({})
    for broken in (1, 2):
        scores = {1: ZERO, 2: FAR} | {broken: np.array([np.nan, 0.0])}
        with pytest.raises(ValueError, match="finite"):
            simplest_within_one_se(scores)
