"""Asserts the right values of docs/seed_check.md, so that the document cannot drift."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from hill_mmm._model import priors as _priors
from hill_mmm.spec import ComponentPrior, CurvePrior, Hyperprior

SIGMA_LOG_A = stats.lognorm(s=0.5, scale=np.exp(-1.0))
SIGMA_LOG_N = stats.lognorm(s=0.5, scale=np.exp(-1.5))
HALF_NORMAL = stats.halfnorm(scale=0.1)
INVERSE_GAMMA = stats.invgamma(3.0, scale=1.0)
INVERSE_GAMMA_N = stats.invgamma(4.0, scale=1.0)


def log_normal_mode(prior: stats.rv_continuous, sd_log: float = 0.5) -> float:
    return prior.median() * np.exp(-(sd_log**2))


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (SIGMA_LOG_A.median(), 0.368),
        (SIGMA_LOG_A.mean(), 0.417),
        (log_normal_mode(SIGMA_LOG_A), 0.287),
        (SIGMA_LOG_A.cdf(0.1), 0.0046),
        (SIGMA_LOG_A.ppf(0.025), 0.138),
        (SIGMA_LOG_A.ppf(0.975), 0.980),
        (SIGMA_LOG_N.median(), 0.223),
        (SIGMA_LOG_N.mean(), 0.253),
        (log_normal_mode(SIGMA_LOG_N), 0.174),
        (SIGMA_LOG_N.cdf(0.1), 0.0543),
        (SIGMA_LOG_N.ppf(0.025), 0.0837),
        (SIGMA_LOG_N.ppf(0.975), 0.594),
        (HALF_NORMAL.median(), 0.0674),
        (HALF_NORMAL.mean(), 0.0798),
        (HALF_NORMAL.cdf(0.1), 0.683),
        (INVERSE_GAMMA.median(), 0.374),
        (INVERSE_GAMMA.mean(), 0.500),
        (1.0 / (3.0 + 1.0), 0.250),
        (INVERSE_GAMMA.cdf(0.1), 0.00277),
        (INVERSE_GAMMA_N.median(), 0.272),
        (INVERSE_GAMMA_N.cdf(0.1), 0.0103),
    ],
)
def test_figure_of_the_seed_check(value: float, right: float) -> None:
    # Half a unit of the third digit, to which the document states its figures.
    assert value == pytest.approx(right, rel=5e-3, abs=5e-5)


def test_modes_are_where_the_density_peaks() -> None:
    grid = np.linspace(1e-3, 2.0, 20_000)
    for prior, mode in (
        (SIGMA_LOG_A, log_normal_mode(SIGMA_LOG_A)),
        (SIGMA_LOG_N, log_normal_mode(SIGMA_LOG_N)),
        (INVERSE_GAMMA, 0.25),
    ):
        assert grid[prior.pdf(grid).argmax()] == pytest.approx(mode, abs=2e-4)


def test_left_tails_are_ordered_otherwise_than_the_seed_says() -> None:
    # The seed gives InverseGamma the heavier left tail (docs/seed.md, section 4.3); it has the
    # lighter one.
    assert INVERSE_GAMMA.cdf(0.1) < SIGMA_LOG_A.cdf(0.1)
    assert INVERSE_GAMMA.cdf(0.05) < SIGMA_LOG_A.cdf(0.05)


@pytest.mark.parametrize(
    ("implemented", "written"),
    [
        (_priors.MEAN_SATURATION, stats.beta(2.0, 1.0)),
        (_priors.SERIES_SCALE, SIGMA_LOG_A),
        (_priors.PEAK, stats.halfnorm(scale=2.0)),
        (_priors.WEIBULL_SHAPE, stats.lognorm(s=0.4, scale=np.exp(0.4))),
        (_priors.WEIBULL_SCALE, stats.lognorm(s=0.5, scale=np.exp(0.7))),
        (_priors.DEGREES_OF_FREEDOM, stats.gamma(2.0, scale=10.0)),
    ],
)
def test_prior_is_the_one_written(
    implemented: dist.Distribution, written: stats.rv_continuous
) -> None:
    assert_same(implemented, written)


@pytest.mark.parametrize(
    ("family", "log_amplitude", "log_slope"),
    [
        ("lognormal", SIGMA_LOG_A, SIGMA_LOG_N),
        ("halfnormal", HALF_NORMAL, HALF_NORMAL),
        ("inverse_gamma", INVERSE_GAMMA, INVERSE_GAMMA_N),
    ],
)
def test_family_of_hyperpriors_is_the_seeds(
    family: Hyperprior, log_amplitude: stats.rv_continuous, log_slope: stats.rv_continuous
) -> None:
    seeds = ComponentPrior()
    scales = _priors.component_scales(
        family,
        jnp.array([seeds.sigma_log_A_loc, seeds.sigma_log_A_sd]),
        jnp.array([seeds.sigma_log_n_loc, seeds.sigma_log_n_sd]),
    )
    assert_same(scales.log_amplitude, log_amplitude)
    assert_same(scales.log_slope, log_slope)


def test_defaults_are_the_seeds() -> None:
    """docs/seed.md, section 6.2: Beta(2, 2), log k about the median, `mu_log_n` about log 1.5."""
    curve, component = CurvePrior(), ComponentPrior()
    assert (curve.alpha_mean * curve.alpha_concentration, curve.alpha_concentration) == (2.0, 4.0)
    assert (curve.half_saturation_median, curve.half_saturation_sd_log) == (1.0, 0.7)
    assert (component.mu_log_n_median, component.mu_log_n_sd) == (1.5, 0.3)


def assert_same(implemented: dist.Distribution, written: stats.rv_continuous) -> None:
    points = written.ppf([0.01, 0.2, 0.5, 0.8, 0.99])
    np.testing.assert_allclose(implemented.log_prob(points), written.logpdf(points), rtol=1e-10)
    np.testing.assert_allclose(implemented.cdf(points), written.cdf(points), rtol=1e-10)
