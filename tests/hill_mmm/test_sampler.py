from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from arviz_stats.base import array_stats

from hill_mmm import Progress, SamplerSettings
from hill_mmm._sampler import ChainStats, run_nuts

Run = tuple[dict[str, np.ndarray], ChainStats]

MEAN = np.array([3.0, -1.0])
COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])
# Neither 53 nor 31 is a whole number of blocks.
SHORT = SamplerSettings(chains=2, warmup=53, draws=31, seed=5)


def gaussian() -> None:
    numpyro.sample("x", dist.MultivariateNormal(jnp.asarray(MEAN), jnp.asarray(COVARIANCE)))
    scale = numpyro.sample("log_scale", dist.Normal(0.0, 0.5))
    numpyro.deterministic("scale", jnp.exp(scale))


@pytest.fixture(scope="module")
def reports() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def heard(reports: list[Progress]) -> Run:
    return run_nuts(gaussian, ("x",), SHORT, reports.append)


@pytest.fixture(scope="module")
def long() -> Run:
    return run_nuts(gaussian, ("x",), SamplerSettings(warmup=500, draws=1000, seed=1))


def test_known_target_is_recovered_within_monte_carlo_error(long: Run) -> None:
    sites, stats = long
    x = sites["x"]
    assert x.shape == (4, 1000, 2)
    for at in range(2):
        values = x[:, :, at]
        axes = {"chain_axis": 0, "draw_axis": 1}
        # 4 standard errors: one test in 16 000 would fail by chance.
        mean_error = 4 * array_stats.mcse(values, **axes, method="mean")
        sd_error = 4 * array_stats.mcse(values, **axes, method="sd")
        assert values.mean() == pytest.approx(MEAN[at], abs=mean_error)
        assert values.std() == pytest.approx(np.sqrt(COVARIANCE[at, at]), abs=sd_error)
        assert array_stats.ess(values, **axes, method="bulk") > 1000
    correlation = np.corrcoef(x.reshape(-1, 2).T)[0, 1]
    # The standard error of a correlation of as many independent pairs as the least ESS.
    assert correlation == pytest.approx(0.75, abs=4 * (1 - 0.75**2) / np.sqrt(1000))
    np.testing.assert_allclose(sites["scale"], np.exp(sites["log_scale"]), rtol=1e-12)
    assert not stats.diverging.any()
    assert (stats.steps >= 1).all()


def test_equal_seeds_give_equal_draws_to_the_bit_heard_or_not(heard: Run) -> None:
    sites, stats = heard
    again, stats_again = run_nuts(gaussian, ("x",), SHORT)
    for site, values in sites.items():
        np.testing.assert_array_equal(values, again[site])
    for values, values_again in zip(stats, stats_again, strict=True):
        np.testing.assert_array_equal(values, values_again)


def test_chains_and_seeds_give_different_draws(heard: Run, long: Run) -> None:
    x = heard[0]["x"]
    assert not np.isin(x[0], x[1]).any()
    assert not np.isin(x, long[0]["x"]).any()


def test_lengths_that_no_block_divides_are_kept(heard: Run) -> None:
    sites, stats = heard
    assert sites["x"].shape == (2, 31, 2)
    assert stats.diverging.shape == stats.energy.shape == stats.steps.shape == (2, 31)
    # Rows of a block that no transition filled would be zeros.
    assert (sites["x"] != 0).all()


def test_progress_adds_up(heard: Run, reports: list[Progress]) -> None:
    assert {report.total for report in reports} == {2 * (53 + 31)}
    assert all(earlier.done < later.done for earlier, later in pairwise(reports))
    assert reports[-1].done == reports[-1].total
    assert reports[-1].remaining_seconds == 0.0
    assert reports[-1].divergences == heard[1].diverging.sum()
    assert reports[0].phase == "warmup"
    assert reports[-1].phase == "sampling"


def test_remaining_time_is_at_the_pace_so_far() -> None:
    report = Progress("warmup", done=25, total=100, divergences=0, elapsed_seconds=10.0)
    assert report.remaining_seconds == pytest.approx(30.0)
