from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from arviz_stats.base import array_stats

from hill_mmm import Progress, SamplerSettings
from hill_mmm._sampler import run_nuts

MEAN = np.array([3.0, -1.0])
COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])
SHORT = SamplerSettings(chains=2, warmup=53, draws=31, seed=5)


def gaussian() -> None:
    numpyro.sample("x", dist.MultivariateNormal(jnp.asarray(MEAN), jnp.asarray(COVARIANCE)))
    scale = numpyro.sample("log_scale", dist.Normal(0.0, 0.5))
    numpyro.deterministic("scale", jnp.exp(scale))


def test_known_target_is_recovered_within_monte_carlo_error() -> None:
    settings = SamplerSettings(chains=4, warmup=500, draws=1000, seed=1)
    sites, stats = run_nuts(gaussian, ("x",), settings)
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
    correlation = np.corrcoef(x.reshape(-1, 2).T)[0, 1]
    # The standard error of a correlation of n independent pairs; ESS is above 1000 of 4000 here.
    assert correlation == pytest.approx(0.75, abs=4 * (1 - 0.75**2) / np.sqrt(1000))
    np.testing.assert_allclose(sites["scale"], np.exp(sites["log_scale"]), rtol=1e-12)
    assert not stats.diverging.any()
    assert (stats.steps >= 1).all()


def test_equal_seeds_give_equal_draws_to_the_bit() -> None:
    first, _ = run_nuts(gaussian, ("x",), SHORT)
    second, _ = run_nuts(gaussian, ("x",), SHORT)
    np.testing.assert_array_equal(first["x"], second["x"])


def test_chains_and_seeds_give_different_draws() -> None:
    first, _ = run_nuts(gaussian, ("x",), SHORT)
    other, _ = run_nuts(gaussian, ("x",), SamplerSettings(chains=2, warmup=53, draws=31, seed=6))
    assert not np.isin(first["x"][0], first["x"][1]).any()
    assert not np.isin(first["x"], other["x"]).any()


def test_progress_adds_up_and_listening_changes_nothing() -> None:
    reports: list[Progress] = []
    heard, stats = run_nuts(gaussian, ("x",), SHORT, reports.append)
    unheard, _ = run_nuts(gaussian, ("x",), SHORT)
    np.testing.assert_array_equal(heard["x"], unheard["x"])

    assert {report.total for report in reports} == {2 * (53 + 31)}
    assert all(earlier.done < later.done for earlier, later in pairwise(reports))
    assert reports[-1].done == reports[-1].total
    assert reports[-1].remaining_seconds == 0.0
    assert reports[-1].divergences == stats.diverging.sum()
    assert reports[0].phase == "warmup"
    assert reports[-1].phase == "sampling"
    assert all(report.divergences == 0 for report in reports if report.phase == "warmup")


def test_remaining_time_is_at_the_pace_so_far() -> None:
    report = Progress("warmup", done=25, total=100, divergences=0, elapsed_seconds=10.0)
    assert report.remaining_seconds == pytest.approx(30.0)


def test_lengths_that_no_block_divides_are_kept() -> None:
    settings = SamplerSettings(chains=1, warmup=7, draws=3, seed=0)
    sites, stats = run_nuts(gaussian, ("x",), settings)
    assert sites["x"].shape == (1, 3, 2)
    assert stats.diverging.shape == stats.energy.shape == stats.steps.shape == (1, 3)
