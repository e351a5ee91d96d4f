"""The model's coordinates are ours; its density must be the one that the documents write down.

The check is by change of variables: at any point u of the sampler's coordinates,
`log p(u) = log p(theta(u)) + log |det d theta / d u|`, where `p(theta)` is written here anew, in
the seed's own parameters, by scipy. The two may differ by a constant, so differences between
points are compared.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from numpyro.infer import init_to_uniform
from numpyro.infer.util import constrain_fn, initialize_model, log_density, potential_energy
from scipy import special, stats

from hill_mmm import (
    LogNormalPrior,
    ModelSpec,
    Panel,
    simulate_national_market,
    simulate_seed_benchmark,
)
from hill_mmm._design import Scales
from hill_mmm._hill import stick_breaking
from hill_mmm._model import curve_sites, hill_mixture, model_data

Sites = dict[str, jax.Array]
POINTS = 4


@dataclass
class Problem:
    """A panel and a specification, with the model bound to them."""

    panel: Panel
    spec: ModelSpec

    def __post_init__(self) -> None:
        self.data = model_data(self.panel, self.spec, Scales.of(self.panel))

    def model(self) -> None:
        hill_mixture(self.data, self.spec)

    @cached_property
    def start(self) -> Sites:
        """A point in the sampler's coordinates, to take the sites and their shapes from."""
        start = initialize_model(
            jax.random.key(0), self.model, init_strategy=init_to_uniform, validate_grad=False
        )
        return start.param_info.z

    def point(self, seed: int) -> Sites:
        """A random point, every coordinate uniform in (-1, 1)."""
        rng = np.random.default_rng(seed)
        return {
            name: jnp.asarray(rng.uniform(-1, 1, size=at.shape)) for name, at in self.start.items()
        }

    def sites(self, point: Sites) -> Sites:
        """Constrained and deterministic sites."""
        return constrain_fn(self.model, (), {}, point, return_deterministic=True)

    def log_density(self, point: Sites) -> jax.Array:
        """What NUTS samples: the log density of the unconstrained coordinates."""
        return -potential_energy(self.model, (), {}, point)


def seed_problem(components: int) -> Problem:
    panel, _ = simulate_seed_benchmark("mixture_k2", 0, weeks=60)
    return Problem(panel, ModelSpec(components, amplitude_prior="seed", fourier_order=0))


def roi_problem(components: int) -> Problem:
    panel, _ = simulate_national_market(0, weeks=60)
    two_channels = replace(panel, spend=panel.spend[:, :2], channels=panel.channels[:2])
    known = {"search": LogNormalPrior(median=3.0, sd_log=0.4)}
    return Problem(two_channels, ModelSpec(components, roi_priors=known, fourier_order=1))


def natural(problem: Problem, sites: Sites) -> Sites:
    """The parameters that the documents put priors on, from the model's sites."""
    weights, amplitude = sites["weights"], sites["amplitude"]
    parameters = {
        name: sites[name] for name in ("alpha", "mu_log_n", "sigma_log_n", "log_n_raw", "sigma")
    }
    parameters |= {"log_k": jnp.log(sites["half_saturation"]), "beta": sites["coefficients"]}
    if len(weights) > 1:
        parameters["weights"] = weights[:-1]
    if "log_A_raw" in sites:
        parameters |= {"sigma_log_A": sites["sigma_log_A"], "log_A_raw": sites["log_A_raw"]}
    if problem.spec.amplitude_prior == "seed":
        deviation = sites["sigma_log_A"] * sites["log_A_raw"]
        parameters["mu_log_A"] = (jnp.log(amplitude) - deviation)[:, 0]
    else:
        parameters["log_A"] = jnp.log(amplitude[:, 0])
    return parameters


def natural_jacobian(problem: Problem, point: Sites) -> jax.Array:
    """The matrix d theta / d u."""
    flat, unravel = ravel_pytree(point)
    return jax.jacfwd(lambda flat: ravel_pytree(natural(problem, problem.sites(unravel(flat))))[0])(
        flat
    )


def effects(problem: Problem, theta: dict[str, np.ndarray]) -> np.ndarray:
    """Hill effects in units of the mean outcome, `(weeks, channels, components)`, from scratch."""
    panel = problem.panel
    spend = panel.spend / [column[column > 0].mean() for column in panel.spend.T]
    adstocked = np.zeros_like(spend)
    carried = np.zeros(spend.shape[1])
    for week, spent in enumerate(spend):
        carried = spent + theta["alpha"] * carried
        adstocked[week] = (1.0 - theta["alpha"]) * carried
    n, k = theta["slope"], theta["half_saturation"]
    s = adstocked[:, :, None]
    return theta["amplitude"] * s**n / (k**n + s**n)


def written_log_density(problem: Problem, theta: dict[str, np.ndarray]) -> float:
    """The joint density of the seed's section 6 (or with the ROI prior), in natural parameters."""
    panel, spec = problem.panel, problem.spec
    y = panel.outcome / panel.outcome.mean()
    time = np.arange(len(y))
    columns = [np.ones(len(y)), (time - time.mean()) / time.std()]
    if spec.fourier_order:
        days = panel.weeks.astype(np.float64)
        columns += [np.sin(2 * np.pi * days / 365.25), np.cos(2 * np.pi * days / 365.25)]
    columns += list(((panel.controls - panel.controls.mean(0)) / panel.controls.std(0)).T)
    by_channel = effects(problem, theta)
    mean = (np.stack(columns, axis=1) @ theta["beta"])[:, None] + by_channel.sum(axis=1)
    by_component = np.log(theta["weights"]) + stats.norm.logpdf(y[:, None], mean, theta["sigma"])

    weights, components = theta["weights"], spec.components
    log_k_at = np.log([median_adstock(column) for column in panel.spend.T])[:, None]
    prior = stats.norm.logpdf(theta["beta"][0], 1.0, 2 * y.std())
    prior += stats.norm.logpdf(theta["beta"][1:], 0.0, y.std()).sum()
    prior += stats.halfnorm.logpdf(theta["sigma"], scale=y.std())
    prior += stats.beta.logpdf(theta["alpha"], 2, 2).sum()
    prior += stats.norm.logpdf(theta["mu_log_n"], np.log(1.5), 0.3)
    prior += stats.lognorm.logpdf(theta["sigma_log_n"], 0.5, scale=np.exp(-1.5))
    prior += stats.norm.logpdf(theta["log_n_raw"]).sum()
    prior += stats.norm.logpdf(np.log(theta["half_saturation"]), log_k_at, 0.7).sum()
    if components > 1:
        prior += stats.dirichlet.logpdf(weights / weights.sum(), np.ones(components))
    if "log_A_raw" in theta:
        prior += stats.lognorm.logpdf(theta["sigma_log_A"], 0.5, scale=np.exp(-1.0))
        prior += stats.norm.logpdf(theta["log_A_raw"]).sum()
    if spec.amplitude_prior == "seed":
        prior += stats.norm.logpdf(theta["mu_log_A"], np.log(0.3 * np.ptp(y)), 0.5).sum()
    else:
        contribution = (by_channel @ weights).sum(axis=0) * panel.outcome.mean()
        log_roi = np.log(contribution / panel.spend.sum(axis=0))
        prior += stats.norm.logpdf(log_roi, np.log([1.2214, 3.0]), [0.9, 0.4]).sum()
        saturation = ((by_channel / theta["amplitude"]) @ weights).mean(axis=0)
        prior += stats.beta.logpdf(saturation, 2, 1).sum()
    return float(prior + special.logsumexp(by_component, axis=1).sum())


def median_adstock(spend: np.ndarray) -> float:
    scaled = spend / spend[spend > 0].mean()
    carried, adstocked = 0.0, []
    for spent in scaled:
        carried = spent + 0.5 * carried
        adstocked.append(0.5 * carried)
    # Weeks before the first spend of a channel have none to take the median of.
    return float(np.median([value for value in adstocked if value > 1e-3]))


@pytest.mark.parametrize(
    "problem",
    [seed_problem(1), seed_problem(3), roi_problem(1), roi_problem(3)],
    ids=["seed-k1", "seed-k3", "roi-k1", "roi-k3"],
)
def test_density_is_the_written_one(problem: Problem) -> None:
    sites_of, log_density_of = jax.jit(problem.sites), jax.jit(problem.log_density)
    jacobian_of = jax.jit(partial(natural_jacobian, problem))
    model_minus_written = []
    for seed in range(POINTS):
        point = problem.point(seed)
        sites = sites_of(point)
        theta = natural(problem, sites) | sites
        written = written_log_density(problem, {k: np.asarray(v) for k, v in theta.items()})
        written += np.linalg.slogdet(jacobian_of(point))[1]
        model_minus_written.append(float(log_density_of(point)) - written)
    assert np.isfinite(model_minus_written).all()
    # The densities are of the order of 1e5 at points so far from the data: 1e-6 is rounding.
    np.testing.assert_allclose(model_minus_written, model_minus_written[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("problem", [seed_problem(3), roi_problem(3)], ids=["seed", "roi"])
def test_components_are_exchangeable(problem: Problem) -> None:
    point = problem.point(0)
    sites = {name: value for name, value in problem.sites(point).items() if name in point}
    order = np.array([2, 0, 1])
    permuted = sites | {
        name: sites[name][:, order] for name in ("log_n_raw", "log_k_raw", "log_A_raw")
    }
    permuted["sticks"] = sticks_of(stick_breaking(sites["sticks"])[order])
    original, relabelled = (density_over_weights(problem, at) for at in (sites, permuted))
    assert relabelled == pytest.approx(original, abs=1e-8)


def sticks_of(weights: jax.Array) -> jax.Array:
    left = 1.0 - jnp.concatenate([jnp.zeros(1), jnp.cumsum(weights)[:-1]])
    return (weights / left)[:-1]


def density_over_weights(problem: Problem, sites: Sites) -> float:
    """Log density over the simplex: labels are symmetric there, not in the sticks."""
    value, _ = log_density(problem.model, (), {}, sites)
    to_weights = jax.jacfwd(lambda sticks: stick_breaking(sticks)[:-1])(sites["sticks"])
    return float(value) - float(np.linalg.slogdet(to_weights)[1])


@pytest.mark.parametrize("problem", [seed_problem(1), roi_problem(3)], ids=["seed", "roi"])
def test_curve_sites_are_all_sites_but_the_baselines(problem: Problem) -> None:
    assert set(curve_sites(problem.spec)) == set(problem.point(0)) - {"baseline_raw"}


def test_gradient_is_finite_in_weeks_without_spend() -> None:
    problem = roi_problem(1)
    assert (problem.panel.spend == 0).any()
    gradient = jax.jit(jax.grad(problem.log_density))(problem.point(1))
    assert all(np.isfinite(value).all() for value in gradient.values())
