"""The model's coordinates are ours; its density must be the one that the documents write down.

The check is by change of variables: at any point u of the sampler's coordinates,
`log p(u) = log p(theta(u)) + log |det d theta / d u|`, where `p(theta)` is written here anew, in
the parameters that the documents put priors on, by scipy. The two may differ by a constant, so
differences between points are compared.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from numpyro.infer.util import constrain_fn, potential_energy
from scipy import special, stats

from hill_mmm import (
    LiftTest,
    ModelSpec,
    Panel,
    RoiPrior,
    Scales,
    simulate_geo_market,
    simulate_national_market,
    simulate_seed_benchmark,
)
from hill_mmm._model.adstock import adstock_weights
from hill_mmm._model.data import model_data
from hill_mmm._model.density import dense_sites, hill_mixture
from hill_mmm._model.priors import MOVING_STEP_SD
from hill_mmm._sampling.program import compiler_options, zeros_by_site
from hill_mmm.spec import CurvePrior, Trend

Sites = dict[str, jax.Array]
Parameters = dict[str, Any]
POINTS = 4
# Where the documents have no name for it, the hyperparameter's own.
SAME_AS_SITES = (
    *("alpha", "peak", "weibull_shape", "weibull_scale"),
    *("mu_log_n", "sigma_log_n", "sigma_log_A", "log_A_raw", "sigma"),
    *("effect_spread", "noise_level", "noise_spread", "baseline_spread"),
    *("signed_coefficients", "degrees_of_freedom", "baseline_scale"),
)


LOGARITHMS = {"log_k": "half_saturation", "log_n": "slope"}

# Run a few times, these functions cost their compilation.
quickly_compiled = partial(
    jax.jit, compiler_options=compiler_options() | {"xla_backend_optimization_level": 0}
)


@dataclass
class Problem:
    """A panel and a specification, with the model bound to them."""

    panel: Panel
    spec: ModelSpec
    lift_tests: tuple[LiftTest, ...] = ()

    def __post_init__(self) -> None:
        scales = Scales.of(self.panel, self.spec)
        self.data = model_data(self.panel, self.spec, scales, self.lift_tests)

    def model(self) -> None:
        hill_mixture(self.data, self.spec.structure)

    @cached_property
    def start(self) -> Sites:
        """Zeros in the shapes of the sampler's coordinates."""
        return zeros_by_site(hill_mixture, self.data, self.spec.structure)

    @cached_property
    def density_and_gradient(self) -> Callable[[jax.Array], tuple[jax.Array, jax.Array]]:
        """Log density of the sampler's coordinates, flattened, and its gradient."""
        _, unravel = ravel_pytree(self.start)
        return quickly_compiled(jax.value_and_grad(lambda flat: self.log_density(unravel(flat))))

    @cached_property
    def jacobian_and_parameters(self) -> Callable[[jax.Array], tuple[jax.Array, Sites]]:
        """The matrix d theta / d u, and theta with the model's sites."""
        _, unravel = ravel_pytree(self.start)

        def parameters(flat: jax.Array) -> tuple[jax.Array, Sites]:
            point = unravel(flat)
            sites = self.sites(point)
            theta = natural(self, point, sites)
            return ravel_pytree(theta)[0], theta | sites

        return quickly_compiled(jax.jacfwd(parameters, has_aux=True))

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
    return Problem(
        panel,
        ModelSpec(
            components=components,
            amplitude_prior="seed",
            trend="linear",
            fourier_order=0,
            carry_in="none",
        ),
    )


def roi_problem(components: int, weeks: int = 60, **choices: Any) -> Problem:
    panel, _ = simulate_national_market(0, weeks=weeks)
    two_channels = replace(panel, spend=panel.spend[:, :, :2], channels=panel.channels[:2])
    spec = ModelSpec(
        components=components,
        channel_priors={"search": RoiPrior(median=3.0, sd_log=0.4)},
        channel_curve_priors={"tv": CurvePrior(0.7, 10.0, 2.0, 0.3, 1.5, 0.4)},
        trend="linear",
        fourier_order=1,
        **choices,
    )
    return Problem(two_channels, spec)


def moving_problem() -> Problem:
    """A level that walks, and a season of two harmonics with a scale that is learned."""
    problem = roi_problem(1)
    spec = replace(problem.spec, trend="smooth", fourier_order=4)
    return replace(problem, spec=spec)


def panel_problem(trend: Trend = "linear", fourier_order: int = 0, **choices: Any) -> Problem:
    """Three series: one lacks a channel, one starts late after a lead-in; newsletters are free."""
    panel, _ = simulate_geo_market(0, series=3, weeks=60)
    starts, media_starts = np.array([0, 0, 7]), np.array([0, 0, 3])
    observed, known = (np.arange(60)[:, None] >= first for first in (starts, media_starts))
    spend = panel.spend[:, :, :2] * known[:, :, None]
    spend[:, 1, 0] = 0.0
    rng = np.random.default_rng(0)
    return Problem(
        replace(
            panel,
            starts=starts,
            media_starts=media_starts,
            outcome=np.where(observed, panel.outcome, np.nan),
            spend=spend,
            channels=panel.channels[:2],
            organic=(rng.poisson(3.0, (60, 3)) * known)[:, :, None].astype(float),
            organic_names=("newsletter",),
            controls=rng.normal(size=(60, 3, 2)) * observed[:, :, None],
            control_names=("price", "weather"),
        ),
        ModelSpec(trend=trend, fourier_order=fourier_order, **choices),
    )


PROBLEMS = {
    "seed-k1": partial(seed_problem, 1),
    "seed-k3": partial(seed_problem, 3),
    "roi-k1": partial(roi_problem, 1),
    "roi-k3": partial(roi_problem, 3),
    "roi-moving-effects": partial(roi_problem, 2, weeks=80, moving_effects=("search",)),
    "moving": moving_problem,
    "panel": panel_problem,
    "panel-moving": partial(panel_problem, trend="smooth", fourier_order=4),
    "panel-all": partial(
        panel_problem,
        components=2,
        adstock="delayed",
        likelihood="student_t",
        hyperprior="inverse_gamma",
        control_signs={"price": "negative"},
        moving_effects=("newsletter", "tv"),
    ),
    "panel-seed": partial(
        panel_problem, amplitude_prior="seed", adstock="weibull", hyperprior="halfnormal"
    ),
}


@cache
def problem_named(name: str) -> Problem:
    return PROBLEMS[name]()


@pytest.fixture(params=list(PROBLEMS))
def problem(request: pytest.FixtureRequest) -> Problem:
    return problem_named(request.param)


def is_active(problem: Problem) -> np.ndarray:
    return (problem.panel.media > 0).any(axis=0)


def natural(problem: Problem, point: Sites, sites: Sites) -> Sites:
    """The parameters that the documents put priors on, from the sampler's coordinates."""
    parameters = {name: sites[name] for name in SAME_AS_SITES if name in sites}
    parameters |= {name: jnp.log(sites[site]) for name, site in LOGARITHMS.items()}
    beta = sites["coefficients"]
    parameters["beta"], learned = jnp.split(beta, [beta.shape[1] - n_learned(problem)], axis=1)
    if problem.spec.learned_scales:
        # One for all series.
        parameters["learned"] = learned[0]
    if "log_n_common_raw" in point:
        parameters["log_n_common"] = point["log_n_common_raw"]
    if problem.spec.carry_in == "steady":
        parameters["carry_in"] = sites["carry_in"]
    if problem.spec.moving_effects:
        moving = np.isin(problem.panel.media_names, problem.spec.moving_effects)
        parameters["log_multiplier_steps"] = jnp.diff(sites["log_multiplier"][:, moving], axis=0)
    if problem.spec.components > 1:
        parameters["weights"] = sites["weights"][:-1]
    # Deviations of the components are scaled by a standard deviation that may be any.
    deviation = sites["sigma_log_A"] * sites["log_A_raw"] if "log_A_raw" in sites else 0.0
    active = jnp.asarray(is_active(problem))
    level = jnp.log(jnp.where(active, (sites["amplitude"] * jnp.exp(-deviation))[:, :, 0], 1.0))
    if problem.spec.amplitude_prior == "seed":
        # A channel that the series lacks has no amplitude; its coordinate stands for it.
        absent = problem.data.amplitude_loc[:, None] + 0.1 * point["log_effect_raw"]
        absent -= jnp.log(jnp.exp(deviation) @ sites["weights"])
        parameters["mu_log_A"] = jnp.where(active, level, absent)
    elif len(problem.panel.series) == 1:
        parameters["log_level"] = level
    else:
        common = problem.data.effect_factor @ point["log_effect_raw"]
        parameters["common_effect"] = problem.data.effect_loc + common
        parameters["log_level"] = jnp.where(active, level, point["series_effect_raw"])
    if len(problem.panel.series) > 1:
        parameters["beta_mean"] = coefficient_means(problem, point, sites)
    return parameters


def n_learned(problem: Problem) -> int:
    return len(learned_prior_sd(problem, np.ones(2)))


def coefficient_means(problem: Problem, point: Sites, sites: Sites) -> jax.Array:
    """Means over the series of the baseline's coefficients, at the coordinate `mean_raw`.

    The coordinate is their deviation from the mean of their Gaussian conditional, in which the
    coefficients of the series are integrated out: each series' outcome, less the media's mean
    effect and those of columns with a learned scale, has covariance
    `sigma**2 I + X diag(spread**2) X'`.
    """
    data, panel = problem.data, problem.panel
    by_component = effects(problem, sites)
    effect = by_component @ sites["weights"] + signed_effect(problem, sites)
    own = len(data.prior_sd)
    effect += jnp.einsum(
        "tgj,gj->tg", data.regressors[: len(panel), :, own:], sites["coefficients"][:, own:]
    )
    precision = jnp.diag(1.0 / data.prior_sd**2)
    evidence = data.prior_mean / data.prior_sd**2
    for g, start in enumerate(panel.starts):
        rows = slice(int(start), len(panel))
        x = data.regressors[rows, g, :own]
        spread = jnp.diag((data.prior_sd * sites["baseline_spread"]) ** 2)
        covariance = sites["sigma"][g] ** 2 * jnp.eye(len(x)) + x @ spread @ x.T
        precision += x.T @ jnp.linalg.solve(covariance, x)
        residual = (data.outcome[: len(panel)] - effect)[rows, g]
        evidence += x.T @ jnp.linalg.solve(covariance, residual)
    deviation = jnp.linalg.solve(jnp.linalg.cholesky(precision).T, point["mean_raw"][0])
    return jnp.linalg.solve(precision, evidence) + deviation


def effects(problem: Problem, sites: Sites) -> jax.Array:
    """Sum over media of the Hill effects in units of the mean outcome, from scratch."""
    return hill_effects(problem, sites).sum(axis=2)


def hill_effects(problem: Problem, sites: Sites, scaled_as: Panel | None = None) -> jax.Array:
    """By week, series, medium and component; spend scaled as that of another panel, if given."""
    panel, scale = problem.panel, scaled_as or problem.panel
    on_air = np.maximum((scale.media > 0).sum(axis=0), 1)
    active = (scale.media > 0).any(axis=0)
    spend = panel.media / np.where(active, scale.media.sum(axis=0) / on_air, 1.0)
    spend = with_steady_weeks_before(panel, spend, sites["carry_in"])
    weights = adstock_weights(problem.spec.adstock, sites["adstock"], len(spend))
    lag = np.arange(len(spend))[-len(panel) :, None] - np.arange(len(spend))
    toeplitz = jnp.where((lag >= 0)[:, :, None], weights[np.maximum(lag, 0)], 0.0)
    s = jnp.einsum("tum,ugm->tgm", toeplitz, spend)[..., None]
    k, n = sites["half_saturation"], sites["slope"]
    risen = jnp.where(s > 0, jnp.where(s > 0, s, 1.0) ** n, 0.0)
    return sites["amplitude"] * multipliers(problem, sites) * risen / (k**n + risen)


def multipliers(problem: Problem, sites: Sites) -> jax.Array:
    """By week and medium, `(weeks, 1, media, 1)`: linear between half-years, in the logarithm.

    There are as many knots as half-years in the weeks, rounded up to 32, and 2 at least.
    """
    weeks = np.arange(len(problem.panel))
    if not problem.spec.moving_effects:
        return jnp.ones((len(weeks), 1, 1, 1))
    log_multiplier = sites["log_multiplier"]
    knots = 26.0 * np.arange({60: 2, 80: 4}[len(weeks)])
    by_medium = [jnp.interp(weeks, knots, at_knots) for at_knots in jnp.asarray(log_multiplier).T]
    return jnp.exp(jnp.stack(by_medium, axis=1))[:, None, :, None]


def with_steady_weeks_before(panel: Panel, spend: np.ndarray, carry_in: jax.Array) -> jax.Array:
    """Two years of the mean of the first 8 weeks, times `carry_in`, before the first one known."""
    before = 104
    longer = jnp.concatenate([jnp.zeros((before, *spend.shape[1:])), jnp.asarray(spend)])
    week = np.arange(len(longer))[:, None] - before - panel.media_starts
    first = np.stack([spend[b : b + 8, g].mean(axis=0) for g, b in enumerate(panel.media_starts)])
    return jnp.where((week < 0)[:, :, None], carry_in * first, longer)


def signed_effect(problem: Problem, sites: Sites) -> Any:
    """Of the controls with a sign, all of them negative here."""
    signs = problem.spec.control_signs
    if not signs:
        return 0.0
    assert set(signs.values()) == {"negative"}
    columns = [problem.panel.control_names.index(name) for name in signs]
    return -standardised_controls(problem.panel)[:, :, columns] @ sites["signed_coefficients"]


def standardised_controls(panel: Panel) -> np.ndarray:
    controls = np.where(panel.observed[:, :, None], panel.controls, np.nan)
    return np.nan_to_num((controls - np.nanmean(controls, 0)) / np.nanstd(controls, 0))


def regressors(problem: Problem) -> np.ndarray:
    """Intercept, trend, seasonality, controls without a sign, finer seasonality, the level's walk.

    `(weeks, series, columns)`.
    """
    panel, spec = problem.panel, problem.spec
    time = np.arange(len(panel))
    angle = 2 * np.pi * panel.weeks.astype(np.float64) / 365.25

    def season(harmonics: range) -> list[np.ndarray]:
        waves = [wave(h * angle) for wave in (np.sin, np.cos) for h in harmonics]
        return [np.empty((len(panel), 0)), *(column[:, None] for column in waves)]

    def of_all(columns: list[np.ndarray]) -> np.ndarray:
        return np.repeat(np.hstack(columns)[:, None], len(panel.series), axis=1)

    level = [np.ones((len(panel), 1)), ((time - time.mean()) / time.std())[:, None]]
    coarse, fine = (
        season(range(1, 3)[: spec.fourier_order]),
        season(range(3, spec.fourier_order + 1)),
    )
    walk = walk_columns(len(panel)) if spec.trend == "smooth" else np.empty((len(panel), 0))
    free = [j for j, name in enumerate(panel.control_names) if name not in spec.control_signs]
    controls = standardised_controls(panel)[:, :, free]
    return np.concatenate([of_all(level + coarse), controls, of_all([*fine, walk])], axis=2)


def walk_columns(weeks: int) -> np.ndarray:
    """What a step of the walk does to the level: by a quarter a week from its start on."""
    padded = 32 * -(-weeks // 32)
    starts = range(0, padded + 1, 4)
    columns = np.array([[min(max(t - start, 0), 4) / 4 for start in starts] for t in range(weeks)])
    return columns - columns.mean(axis=0)


def learned_prior_sd(problem: Problem, scales: Any) -> Any:
    """Of the columns whose scale is learned, in shares of the sd; a year has 13 steps of a walk."""
    spec, panel = problem.spec, problem.panel
    sd = np.sqrt(
        np.mean((np.nanstd(panel.outcome, axis=0) / np.nanmean(panel.outcome, axis=0)) ** 2)
    )
    fine = 2 * max(spec.fourier_order - 2, 0)
    steps = walk_columns(len(panel)).shape[1] if spec.trend == "smooth" else 0
    sds = [scales[0] * sd] * fine + [scales[-1] * sd * np.sqrt(4 / 52)] * steps
    return jnp.stack(sds) if sds else jnp.zeros(0)


def written_log_density(problem: Problem, theta: Parameters) -> float:
    """The density of docs/seed.md, section 6, or of DECISIONS.md, in natural parameters."""
    panel = problem.panel
    y = panel.outcome / np.nanmean(panel.outcome, axis=0)
    by_channel = np.asarray(hill_effects(problem, theta))
    beta = theta["beta"]
    if "learned" in theta:
        beta = np.hstack([beta, np.tile(theta["learned"], (len(beta), 1))])
    mean = np.einsum("tgj,gj->tg", regressors(problem), beta)
    mean = mean + np.asarray(signed_effect(problem, theta))
    mean = mean[:, :, None] + by_channel.sum(axis=2)
    noise = (
        stats.norm if "degrees_of_freedom" not in theta else stats.t(theta["degrees_of_freedom"])
    )
    sigma = theta["sigma"][:, None]
    by_component = np.log(theta["weights"]) + noise.logpdf((y[..., None] - mean) / sigma)
    by_week = special.logsumexp(by_component - np.log(sigma), axis=2)
    prior = written_curve_prior(problem, theta) + written_amplitude_prior(
        problem, theta, by_channel
    )
    prior += written_baseline_prior(theta, np.nanstd(y, axis=0))
    if "learned" in theta:
        scales = theta["baseline_scale"]
        prior += stats.halfnorm.logpdf(scales).sum()
        sd = np.asarray(learned_prior_sd(problem, scales))
        prior += stats.norm.logpdf(theta["learned"], 0.0, sd).sum()
    if "degrees_of_freedom" in theta:
        prior += stats.gamma.logpdf(theta["degrees_of_freedom"], 2, loc=2, scale=10)
    return float(prior + by_week[panel.observed].sum())


def written_curve_prior(problem: Problem, theta: Parameters) -> float:
    spec = problem.spec
    weights = theta["weights"]
    scale_of = {
        "lognormal": stats.lognorm(0.5, scale=np.exp(-1.5)),
        "halfnormal": stats.halfnorm(scale=0.1),
        "inverse_gamma": stats.invgamma(4, scale=1),
    }
    own = [spec.channel_curve_priors.get(name, CurvePrior()) for name in problem.panel.media_names]
    log_n = theta["log_n"]
    prior = 0.0
    if "log_multiplier_steps" in theta:
        prior += stats.norm.logpdf(theta["log_multiplier_steps"], 0.0, MOVING_STEP_SD).sum()
    if "sigma_log_n" in theta:
        sigma = theta["sigma_log_n"]
        prior += scale_of[spec.hyperprior].logpdf(sigma)
    if spec.amplitude_prior == "seed":
        prior += stats.norm.logpdf(theta["mu_log_n"], np.log(1.5), 0.3)
        prior += stats.norm.logpdf(log_n, theta["mu_log_n"], sigma).sum()
    else:
        center = np.log([prior.slope_median for prior in own])[:, None]
        sd = np.array([prior.slope_sd_log for prior in own])[:, None]
        if spec.components == 1:
            prior += stats.norm.logpdf(log_n, center, sd).sum()
        else:
            # Each slope is Normal(center, sd); a medium's, given what is common to them, Normal
            # with the variance of the product of Normal(sigma) and Normal(sd).
            share = sigma**2 / (sigma**2 + sd**2)
            common = center + sd * np.sqrt(1 - share) * theta["log_n_common"]
            prior += stats.norm.logpdf(theta["log_n_common"]).sum()
            prior += stats.norm.logpdf(log_n, common, sd * np.sqrt(share)).sum()
    k_center = log_k_location(problem) + np.log([prior.half_saturation_median for prior in own])
    k_sd = np.array([prior.half_saturation_sd_log for prior in own])
    prior += stats.norm.logpdf(theta["log_k"], k_center[:, None], k_sd[:, None]).sum()
    if spec.carry_in == "steady":
        prior += stats.gamma.logpdf(theta["carry_in"], 2, scale=0.5).sum()
    if spec.components > 1:
        prior += stats.dirichlet.logpdf(weights / weights.sum(), np.ones(spec.components))
    if spec.adstock == "weibull":
        prior += stats.lognorm.logpdf(theta["weibull_shape"], 0.4, scale=np.exp(0.4)).sum()
        prior += stats.lognorm.logpdf(theta["weibull_scale"], 0.5, scale=np.exp(0.7)).sum()
    else:
        mean = np.array([prior.alpha_mean for prior in own])
        weight = np.array([prior.alpha_concentration for prior in own])
        prior += stats.beta.logpdf(theta["alpha"], mean * weight, (1 - mean) * weight).sum()
    if spec.adstock == "delayed":
        prior += stats.halfnorm.logpdf(theta["peak"], scale=2).sum()
    return prior


def written_amplitude_prior(problem: Problem, theta: Parameters, by_channel: np.ndarray) -> float:
    panel, spec = problem.panel, problem.spec
    prior = 0.0
    if "log_A_raw" in theta:
        scale_of = {
            "lognormal": stats.lognorm(0.5, scale=np.exp(-1.0)),
            "halfnormal": stats.halfnorm(scale=0.1),
            "inverse_gamma": stats.invgamma(3, scale=1),
        }
        prior += scale_of[spec.hyperprior].logpdf(theta["sigma_log_A"])
        prior += stats.norm.logpdf(theta["log_A_raw"]).sum()
    y = panel.outcome / np.nanmean(panel.outcome, axis=0)
    if spec.amplitude_prior == "seed":
        a_loc = np.log(0.3 * (np.nanmax(y, axis=0) - np.nanmin(y, axis=0)))
        return prior + stats.norm.logpdf(theta["mu_log_A"], a_loc[:, None], 0.5).sum()

    active = is_active(problem)
    weeks = panel.observed.sum(axis=0)[:, None]
    with np.errstate(divide="ignore"):
        effect = np.where(panel.observed[:, :, None], by_channel @ theta["weights"], 0.0)
        log_effect = np.log(effect.sum(axis=0) / weeks)
    outcome = np.nanmean(panel.outcome, axis=0)[:, None]
    paid = len(panel.channels)
    media = np.where(panel.observed[:, :, None], panel.media, 0.0)
    spent = np.where(active, media.sum(axis=0), 1.0)[:, :paid] / weeks / outcome
    log_effect[:, :paid] -= np.log(spent)
    location = np.log([1.2214, 3.0] if len(panel.series) == 1 else [1.2214, 1.2214, 0.03])
    spread = np.array([0.9, 0.4] if len(panel.series) == 1 else [0.9, 0.9, 1.0])
    if len(panel.series) == 1:
        prior += stats.norm.logpdf(log_effect[0], location, spread).sum()
    else:
        # The two channels have the default prior, and half of their variance in common.
        correlation = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])
        covariance = correlation * np.outer(spread, spread)
        common = theta["common_effect"]
        prior += stats.multivariate_normal.logpdf(common, location, covariance)
        prior += stats.lognorm.logpdf(theta["effect_spread"], 0.5, scale=np.exp(-1.0)).sum()
        among = stats.norm.logpdf(log_effect, common, theta["effect_spread"])
        prior += np.where(active, among, stats.norm.logpdf(theta["log_level"])).sum()
    by_channel = by_channel / np.asarray(multipliers(problem, theta))
    shape = np.divide(
        by_channel, theta["amplitude"], out=np.zeros_like(by_channel), where=active[..., None]
    )
    shape *= panel.observed[:, :, None, None]
    log_saturation = np.log(np.where(active, (shape @ theta["weights"]).sum(axis=0) / weeks, 1.0))
    typical = np.exp(log_saturation.sum(axis=0) / active.sum(axis=0))
    return prior + stats.beta.logpdf(typical, 2, 1).sum()


def written_baseline_prior(theta: Parameters, outcome_sd: np.ndarray) -> float:
    """Of the coefficients and the noise: for one series the seed's, for many pooled."""
    sd = np.sqrt((outcome_sd**2).mean())
    beta = theta["beta"]
    location, scale = np.zeros(beta.shape[1]), np.full(beta.shape[1], sd)
    location[0], scale[0] = 1.0, 2 * sd
    prior = 0.0
    if "signed_coefficients" in theta:
        prior += stats.halfnorm.logpdf(theta["signed_coefficients"], scale=sd).sum()
    if len(beta) == 1:
        prior += stats.norm.logpdf(beta[0], location, scale).sum()
        return prior + stats.halfnorm.logpdf(theta["sigma"], scale=outcome_sd).sum()
    prior += stats.norm.logpdf(theta["beta_mean"], location, scale).sum()
    prior += stats.norm.logpdf(beta, theta["beta_mean"], scale * theta["baseline_spread"]).sum()
    prior += stats.lognorm.logpdf(theta["baseline_spread"], 0.5, scale=np.exp(-1.0)).sum()
    prior += stats.halfnorm.logpdf(theta["noise_level"])
    prior += stats.lognorm.logpdf(theta["noise_spread"], 0.5, scale=np.exp(-1.0))
    noise = stats.lognorm(theta["noise_spread"], scale=theta["noise_level"] * outcome_sd)
    return prior + noise.logpdf(theta["sigma"]).sum()


def log_k_location(problem: Problem) -> np.ndarray:
    """Log of the median adstocked spend by medium, over the weeks and series that have any."""
    panel = problem.panel
    found: list[float] = []
    for medium in np.moveaxis(panel.media, 2, 0):
        adstocked: list[float] = []
        for spend in medium.T[medium.any(axis=0)]:
            carried = 0.0
            for spent in spend / spend[spend > 0].mean():
                carried = spent + 0.5 * carried
                adstocked.append(0.5 * carried)
        # Weeks before the first spend of a channel have none to take the median of.
        found.append(float(np.median([value for value in adstocked if value > 1e-3])))
    return np.log(found)


def test_density_is_the_written_one(problem: Problem) -> None:
    model_minus_written = []
    for seed in range(POINTS):
        flat, _ = ravel_pytree(problem.point(seed))
        log_density, _ = problem.density_and_gradient(flat)
        jacobian, theta = problem.jacobian_and_parameters(flat)
        assert jacobian.shape[0] == jacobian.shape[1]
        written = written_log_density(problem, {k: np.asarray(v) for k, v in theta.items()})
        written += np.linalg.slogdet(jacobian)[1]
        model_minus_written.append(float(log_density) - written)
    assert np.isfinite(model_minus_written).all()
    # The densities are of the order of 1e5 at points so far from the data: 1e-6 is rounding.
    np.testing.assert_allclose(model_minus_written, model_minus_written[0], rtol=0, atol=1e-6)


def test_gradient_is_finite_in_weeks_and_series_without_spend(problem: Problem) -> None:
    assert (problem.panel.media == 0).any() or len(problem.panel.channels) == 1
    for seed in range(POINTS):
        _, gradient = problem.density_and_gradient(ravel_pytree(problem.point(seed))[0])
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["roi-moving-effects", "panel-all"])
def test_multipliers_are_1_on_average_over_the_weeks_fitted_to(name: str) -> None:
    problem = problem_named(name)
    sites = jax.jit(problem.sites)(problem.point(1))
    by_week = np.asarray(multipliers(problem, sites))[:, 0, :, 0]
    observed = problem.panel.observed.sum(axis=1)
    np.testing.assert_allclose(observed @ by_week / observed.sum(), 1.0, rtol=1e-12)
    moves = np.isin(problem.panel.media_names, problem.spec.moving_effects)
    np.testing.assert_array_equal(np.ptp(by_week, axis=0) > 1e-3, moves)


def test_components_are_exchangeable() -> None:
    problem = problem_named("seed-k3")
    order = np.array([2, 0, 1])
    point = problem.point(0)
    sites = jax.jit(problem.sites)
    weights = np.asarray(sites(point)["weights"])
    relabelled = point | {
        name: point[name][:, order] for name in ("log_n_raw", "log_k_raw", "log_A_raw")
    }
    relabelled["sticks_raw"] = sticks_of(weights[order])
    found = sites(relabelled)
    np.testing.assert_allclose(found["weights"], weights[order], rtol=1e-10)
    np.testing.assert_allclose(
        found["amplitude"], sites(point)["amplitude"][:, :, order], rtol=1e-10
    )
    assert density_over_weights(problem, relabelled) == pytest.approx(
        density_over_weights(problem, point), abs=1e-8
    )


def sticks_of(weights: np.ndarray) -> jax.Array:
    """The Normals under which the sticks, Beta(1, 2) and Beta(1, 1), give these weights."""
    left = 1.0 - np.cumsum(weights)[:-1]
    before = np.concatenate([[1.0], left[:-1]])
    return jnp.asarray(-stats.norm.ppf((left / before) ** np.array([2.0, 1.0])))


def density_over_weights(problem: Problem, point: Sites) -> float:
    """Log density over the simplex: labels are symmetric there, not in the sticks."""
    jacobian = quickly_compiled(
        jax.jacfwd(lambda z: problem.sites(point | {"sticks_raw": z})["weights"][:-1])
    )
    log_density, _ = problem.density_and_gradient(ravel_pytree(point)[0])
    return float(log_density) - float(np.linalg.slogdet(jacobian(point["sticks_raw"]))[1])


def test_dense_sites_are_all_but_those_of_series_and_baseline(problem: Problem) -> None:
    series = len(problem.panel.series)
    dense = dense_sites(problem.spec.structure, series)
    assert len(dense) == len(set(dense))
    assert set(dense) <= set(problem.start)
    of_series_or_baseline = {"baseline_raw", "seasonality_raw", "trend_raw", "signed_size"}
    if series > 1:
        of_series_or_baseline |= {"baseline_spread", "mean_raw", "series_effect_raw"}
        of_series_or_baseline |= {"log_sigma_raw", "noise_spread"}
    assert set(problem.start) - set(dense) <= of_series_or_baseline


def test_a_channel_that_a_series_lacks_has_no_amplitude_there() -> None:
    problem = problem_named("panel")
    amplitude = np.asarray(jax.jit(problem.sites)(problem.point(2))["amplitude"])
    np.testing.assert_array_equal(amplitude[:, :, 0] > 0, is_active(problem))
    assert not is_active(problem).all()


@pytest.mark.parametrize("name", ["panel", "panel-all"])
def test_lift_tests_enter_given_the_outcome_of_their_weeks(name: str) -> None:
    weeks = ("2021-10-04", "2021-10-25")
    tests = (
        LiftTest("tv", *weeks, lift=1e5, standard_error=3e4),
        LiftTest("search", *weeks, lift=2e4, standard_error=5e3, series="region_02"),
    )
    without = problem_named(name)
    measured = replace(without, lift_tests=tests)
    # Not as far out as it may be: every week would be in the regime with the least effect.
    point = {site: 0.5 * values for site, values in without.point(5).items()}
    flat, _ = ravel_pytree(point)
    difference = measured.density_and_gradient(flat)[0] - without.density_and_gradient(flat)[0]
    sites = jax.jit(measured.sites)(point)
    regime = regimes_by_hand(measured, sites)
    if name == "panel-all":
        told = np.abs(regime[39:43] - np.asarray(sites["weights"]))
        assert told.max() > 0.1
    agreement = 0.0
    for test, medium, series in zip(tests, (0, 1), ([0, 1, 2], [1]), strict=True):
        silent = measured.panel.spend.copy()
        silent[39:43, :, medium] = 0.0
        off = replace(without, panel=replace(measured.panel, spend=silent))
        brought = hill_effects(measured, sites) - hill_effects(off, sites, measured.panel)
        by_regime = np.asarray(brought)[39:43, series, medium]
        by_regime *= np.nanmean(measured.panel.outcome, axis=0)[series, None]
        mean = (regime[39:43, series] * by_regime).sum(axis=2)
        spread = (regime[39:43, series] * (by_regime - mean[..., None]) ** 2).sum()
        error = np.sqrt(test.standard_error**2 + spread)
        agreement += stats.norm.logpdf(test.lift, mean.sum(), error)
    assert float(difference) == pytest.approx(agreement, abs=1e-6)


def regimes_by_hand(problem: Problem, sites: Sites) -> np.ndarray:
    """Probability of each regime given the outcome, `(weeks, series, components)`."""
    y = problem.panel.outcome / np.nanmean(problem.panel.outcome, axis=0)
    mean = np.einsum("tgj,gj->tg", regressors(problem), sites["coefficients"])
    mean = (mean + np.asarray(signed_effect(problem, sites)))[:, :, None]
    mean = mean + np.asarray(effects(problem, sites))
    noise = stats.t(sites["degrees_of_freedom"]) if "degrees_of_freedom" in sites else stats.norm
    sigma = np.asarray(sites["sigma"])[:, None]
    joint = np.asarray(sites["weights"]) * noise.pdf((y[..., None] - mean) / sigma)
    return joint / joint.sum(axis=2, keepdims=True)
