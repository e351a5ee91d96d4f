import _thread
import signal
from itertools import combinations, pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from arviz_stats.base import array_stats

from hill_mmm import Progress, SamplerError, SamplerSettings
from hill_mmm._sampling.metric import identity_metric
from hill_mmm._sampling.nuts import ChainStats, _initial_state, run_nuts
from hill_mmm._sampling.program import _PROGRAMS
from hill_mmm._sampling.warmup import _end_adaptation, _restart_adaptation, _window_lengths

Run = tuple[dict[str, np.ndarray], ChainStats]

MEAN = np.array([3.0, -1.0])
COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])
# Neither 153 nor 131 is a whole number of blocks.
SHORT = SamplerSettings(chains=2, warmup=153, draws=131, seed=5)


def gaussian(mean: jax.Array, structure: str) -> None:
    assert structure == "gaussian"
    numpyro.sample("x", dist.MultivariateNormal(mean, jnp.asarray(COVARIANCE)))
    scale = numpyro.sample("log_scale", dist.Normal(0.0, 0.5))
    numpyro.sample("of_no_interest_raw", dist.Normal(0.0, 1.0))
    numpyro.deterministic("scale", jnp.exp(scale))


def sample(settings: SamplerSettings, mean: np.ndarray = MEAN, heard: Any = None) -> Run:
    return run_nuts(gaussian, jnp.asarray(mean), "gaussian", ("x",), settings, heard)


@pytest.fixture(scope="module")
def reports() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def heard(reports: list[Progress]) -> Run:
    return sample(SHORT, heard=reports.append)


@pytest.fixture(scope="module")
def long() -> Run:
    return sample(SamplerSettings(warmup=500, draws=1000, seed=1))


def test_known_target_is_recovered_within_monte_carlo_error(long: Run) -> None:
    sites, stats = long
    x = sites["x"]
    assert x.shape == (4, 1000, 2)
    for coordinate in range(2):
        values = x[:, :, coordinate]
        axes = {"chain_axis": 0, "draw_axis": 1}
        # 4 standard errors: one test in 16 000 would fail by chance.
        mean_error = 4 * array_stats.mcse(values, **axes, method="mean")
        sd_error = 4 * array_stats.mcse(values, **axes, method="sd")
        assert values.mean() == pytest.approx(MEAN[coordinate], abs=mean_error)
        assert values.std() == pytest.approx(
            np.sqrt(COVARIANCE[coordinate, coordinate]), abs=sd_error
        )
        assert array_stats.ess(values, **axes, method="bulk") > 1000
    correlation = np.corrcoef(x.reshape(-1, 2).T)[0, 1]
    # The standard error of a correlation of as many independent pairs as the least ESS.
    assert correlation == pytest.approx(0.75, abs=4 * (1 - 0.75**2) / np.sqrt(1000))
    assert not stats.diverging.any()
    assert (stats.steps >= 1).all()


def test_a_site_without_the_dense_block_is_recovered_too(long: Run) -> None:
    log_scale = long[0]["log_scale"]
    assert log_scale.std() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2 * 1000))
    np.testing.assert_allclose(long[0]["scale"], np.exp(log_scale), rtol=1e-12)


def test_coordinates_are_not_recorded(long: Run) -> None:
    assert set(long[0]) == {"x", "log_scale", "scale"}


def test_equal_seeds_give_equal_draws_to_the_bit_heard_or_not(heard: Run) -> None:
    sites, stats = heard
    again, stats_again = sample(SHORT)
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
    assert sites["x"].shape == (2, 131, 2)
    assert stats.diverging.shape == stats.energy.shape == stats.steps.shape == (2, 131)
    assert stats.diverging.dtype == bool
    # Rows of a block that no transition filled would be zeros.
    assert (sites["x"] != 0).all()
    assert (stats.steps > 0).all()


def test_progress_adds_up(heard: Run, reports: list[Progress]) -> None:
    assert {report.total for report in reports} == {2 * (153 + 131)}
    assert all(earlier.done < later.done for earlier, later in pairwise(reports))
    assert reports[-1].done == reports[-1].total
    assert reports[-1].remaining_seconds == 0.0
    assert reports[-1].divergences == heard[1].diverging.sum()
    assert reports[0].phase == "warmup"
    assert reports[-1].phase == "sampling"


def test_an_interrupted_run_does_not_finish_its_draws() -> None:
    reports: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        if not reports:
            # As Ctrl-C does, or Dagster for a run that is stopped in its UI.
            _thread.interrupt_main()
        reports.append(progress)

    endless = SamplerSettings(chains=2, warmup=150, draws=1_000_000, seed=5)
    # A shell starts what it runs in the background deaf to it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            sample(endless, heard=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert reports[-1].done < endless.draws / 10


def test_remaining_time_is_at_the_pace_so_far() -> None:
    report = Progress("warmup", done=25, total=100, divergences=0, elapsed_seconds=10.0)
    assert report.remaining_seconds == pytest.approx(30.0)


def test_data_of_equal_shape_share_one_program(heard: Run) -> None:
    programs = set(_PROGRAMS)
    sites, _ = sample(SHORT, MEAN + 100.0)
    assert set(_PROGRAMS) == programs
    assert (sites["x"] > 50.0).all()
    assert (heard[0]["x"] < 50.0).all()


@pytest.mark.parametrize("warmup", [1, 2, 3, 10, 100, 500, 1001])
def test_windows_add_up_to_the_warm_up(warmup: int) -> None:
    lengths = _window_lengths(warmup)
    assert sum(lengths) == warmup
    assert min(lengths) >= 1


@pytest.mark.parametrize("warmup", [1, 2])
def test_the_shortest_runs_are_runs(heard: Run, warmup: int) -> None:
    sites, _ = sample(SamplerSettings(chains=1, warmup=warmup, draws=1))
    assert sites["x"].shape == (1, 1, 2)


def test_step_size_is_tuned_before_the_draws_and_kept_for_them(heard: Run) -> None:
    (program,) = (program for key, program in _PROGRAMS.items() if key[0] is gaussian)
    data = jnp.asarray(MEAN)
    start = _initial_state(program, data, np.array([1, 2], dtype=np.uint32))
    tuned = _restart_adaptation(start, identity_metric(program.size), 0.5)
    for state, is_kept in ((tuned, False), (_end_adaptation(tuned, 0.5), True)):
        later, _ = program.advance(state, 50, data)
        assert (float(later.adapt_state.step_size) == 0.5) == is_kept


def narrow(sds: jax.Array, _: str) -> None:
    """Independent along directions that no coordinate has."""
    size = len(sds)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))
    z = numpyro.sample("z", dist.ImproperUniform(dist.constraints.real, (size,), ()))
    numpyro.factor("density", dist.Normal(0.0, sds).log_prob(rotation.T @ z).sum())


def test_warm_up_learns_a_narrow_target() -> None:
    """With the metric of the start it needs more than a hundred steps a draw."""
    sds = jnp.asarray(np.geomspace(0.01, 1.0, 10))
    settings = SamplerSettings(chains=2, warmup=400, draws=100, seed=2, target_accept=0.8)
    sites, stats = run_nuts(narrow, sds, "narrow", ("z",), settings)
    assert not stats.diverging.any()
    assert stats.steps.mean() < 15
    assert sites["z"].std() > 0.1


def nowhere(mean: jax.Array, _: str) -> None:
    x = numpyro.sample("x", dist.Normal(mean, 1.0))
    numpyro.factor("impossible", jnp.log(-jnp.exp(x)))


def test_a_density_that_is_nowhere_finite_is_said_to_be() -> None:
    with pytest.raises(
        SamplerError, match=r"no finite density near the centre.*look for a channel"
    ):
        run_nuts(nowhere, jnp.asarray(0.0), "nowhere", ("x",), SHORT)


def walled(_: jax.Array, __: str) -> None:
    """Finite only within 0.1 of the centre of the coordinates."""
    x = numpyro.sample("x", dist.ImproperUniform(dist.constraints.real, (1,), ()))
    numpyro.factor("wall", (jnp.log(0.01 - x**2)).sum())


def test_chains_start_nearer_where_they_must() -> None:
    settings = SamplerSettings(chains=2, warmup=20, draws=20)
    sites, _ = run_nuts(walled, jnp.asarray(0.0), "wall", ("x",), settings)
    assert (np.abs(sites["x"]) < 0.1).all()


def two_places(log_share: jax.Array, _: str) -> None:
    """Two Gaussians too far apart to cross; that at -10 is as wide, and has a share of the mass."""
    x = numpyro.sample("x", dist.ImproperUniform(dist.constraints.real, (3,), ()))
    here = dist.Normal(10.0, 1.0).log_prob(x).sum() + jnp.log1p(-jnp.exp(log_share))
    there = dist.Normal(-10.0, 1.0).log_prob(x).sum() + log_share
    numpyro.factor("density", jnp.logaddexp(here, there))


# The seed of which two chains find each of the places.
APART = SamplerSettings(warmup=400, draws=100, seed=0)


def test_chains_leave_a_place_that_holds_next_to_no_mass() -> None:
    sites, stats = run_nuts(two_places, jnp.asarray(-20.0), "two_places", ("x",), APART)
    assert (sites["x"] > 0).all()
    assert 1 <= stats.moved.sum() <= 3
    # Those that were moved are chains of their own.
    chains = [set(chain) for chain in sites["x"][:, :, 0]]
    assert all(first.isdisjoint(second) for first, second in combinations(chains, 2))


def test_chains_stay_where_there_is_mass() -> None:
    """Two modes that matter must show as what they are: chains that do not agree."""
    sites, stats = run_nuts(two_places, jnp.log(0.3), "two_places", ("x",), APART)
    assert not stats.moved.any()
    assert len(set(np.sign(sites["x"][:, :, 0].mean(axis=1)))) == 2
    assert array_stats.rhat(sites["x"][:, :, 0], chain_axis=0, draw_axis=1) > 1.5


# As many as a panel of forty series has.
MANY = 600


def two_places_of_many(apart: jax.Array, _: str) -> None:
    """Two equal Gaussians in three coordinates, beside all those that do not tell them apart."""
    x = numpyro.sample("x", dist.ImproperUniform(dist.constraints.real, (3,), ()))
    rest = numpyro.sample("rest", dist.ImproperUniform(dist.constraints.real, (MANY - 3,), ()))
    here, there = (dist.Normal(place, 1.0).log_prob(x).sum() for place in (apart, -apart))
    numpyro.factor("density", jnp.logaddexp(here, there) - 0.5 * (rest**2).sum())


@pytest.mark.parametrize("seed", range(6))
def test_equal_places_are_not_hidden_in_many_dimensions(seed: int) -> None:
    """The potential's mean over a window's draws scatters by more than the mass may differ."""
    settings = SamplerSettings(warmup=500, draws=20, seed=seed, target_accept=0.8)
    sites, stats = run_nuts(two_places_of_many, jnp.asarray(10.0), "two", ("x",), settings)
    assert not stats.moved.any()
    assert set(np.sign(sites["x"][:, :, 0].mean(axis=1))) == {-1.0, 1.0}


def test_chains_start_wider_apart_than_the_prior() -> None:
    """Of which every coordinate has the unit."""
    settings = SamplerSettings(chains=2, warmup=1, draws=1)
    run_nuts(two_places_of_many, jnp.asarray(10.0), "two", ("x",), settings)
    program = next(program for key, program in _PROGRAMS.items() if key[0] is two_places_of_many)
    keys = np.arange(8, dtype=np.uint32).reshape(4, 2)
    starts = [_initial_state(program, jnp.asarray(10.0), key).z["diagonal"] for key in keys]
    assert np.std(starts) == pytest.approx(2 / np.sqrt(3), rel=0.05)
    assert (np.std(starts, axis=1) > 1.0).all()
