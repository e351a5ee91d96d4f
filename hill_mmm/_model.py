"""The Hill mixture as a NumPyro model, in coordinates that NUTS finds easy.

The density is the one of the seed document and of DECISIONS.md; only the coordinates are ours.
Each channel is sampled by its mean effect (from which the amplitudes follow), and the baseline's
coefficients as standardised deviations from their conditional mean given the media effects. Both
maps have a constant Jacobian, so the priors stay where they are stated.
"""

from dataclasses import dataclass
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

from hill_mmm._adstock import geometric_adstock
from hill_mmm._design import REFERENCE_ALPHA, Design, Scales, baseline_design
from hill_mmm._hill import hill, stick_breaking
from hill_mmm._panel import Floats, Panel
from hill_mmm._priors import (
    ALPHA,
    LOG_HALF_SATURATION_SD,
    MEAN_SATURATION,
    MU_LOG_A_SD,
    MU_LOG_N,
    SIGMA_LOG_A,
    SIGMA_LOG_N,
)
from hill_mmm._spec import ModelSpec


@dataclass(frozen=True)
class ModelData:
    """The arrays that the model conditions on, all on the model's scales.

    Attributes:
        spend: shape `(weeks, channels)`.
        outcome: shape `(weeks,)`.
        design: the baseline's regressors and priors.
        amplitude_loc: the seed's `A_loc`.
        log_half_saturation: prior location by channel.
        log_roi_unit: log of the effect per week that a ROI of 1 is worth, by channel.
        roi_log_median: prior location of log ROI by channel.
        roi_sd_log: prior scale of log ROI by channel.
        outcome_sd: scale of the noise prior.
        pilot_sigma: noise level of a least-squares fit, about which sigma is sampled.
        baseline_gain: maps `outcome - effect` to the baseline's conditional mean, `(columns,
            weeks)`.
        baseline_offset: the prior's part of that mean, `(columns,)`.
        baseline_factor: Cholesky factor of the baseline's conditional covariance.
    """

    spend: Floats
    outcome: Floats
    design: Design
    amplitude_loc: float
    log_half_saturation: Floats
    log_roi_unit: Floats
    roi_log_median: Floats
    roi_sd_log: Floats
    outcome_sd: float
    pilot_sigma: float
    baseline_gain: Floats
    baseline_offset: Floats
    baseline_factor: Floats


class Curves(NamedTuple):
    """Parameters of the channels' curves, in scaled units; each may have leading draw axes.

    Attributes:
        alpha: adstock retention, `(channels,)`.
        weights: mixture weights, `(components,)`.
        amplitude: `A`, `(channels, components)`.
        half_saturation: `k`, `(channels, components)`.
        slope: `n`, `(channels, components)`.
    """

    alpha: jax.Array
    weights: jax.Array
    amplitude: jax.Array
    half_saturation: jax.Array
    slope: jax.Array


def model_data(panel: Panel, spec: ModelSpec, scales: Scales) -> ModelData:
    """Put a panel on the model's scales and precompute the baseline's coordinates."""
    outcome = panel.outcome / scales.outcome
    spend = panel.spend / np.array(scales.spend)
    design = baseline_design(panel, spec, scales)
    spend_per_week = panel.spend.mean(axis=0) / scales.outcome
    priors = [spec.roi_prior(channel) for channel in panel.channels]
    pilot_sigma = _pilot_sigma(design, outcome, spend)
    gain, offset, factor = _baseline_coordinates(design, pilot_sigma)
    return ModelData(
        spend=spend,
        outcome=outcome,
        design=design,
        amplitude_loc=scales.amplitude_loc,
        log_half_saturation=np.array(scales.log_half_saturation),
        log_roi_unit=np.log(spend_per_week),
        roi_log_median=np.log([prior.median for prior in priors]),
        roi_sd_log=np.array([prior.sd_log for prior in priors]),
        outcome_sd=scales.outcome_sd,
        pilot_sigma=pilot_sigma,
        baseline_gain=gain,
        baseline_offset=offset,
        baseline_factor=factor,
    )


def _pilot_sigma(design: Design, outcome: Floats, spend: Floats) -> float:
    media = np.sqrt(np.asarray(geometric_adstock(jnp.asarray(spend), jnp.asarray(REFERENCE_ALPHA))))
    regressors = np.concatenate([design.matrix, media], axis=1)
    coefficients, _, rank, _ = np.linalg.lstsq(regressors, outcome, rcond=None)
    residual = outcome - regressors @ coefficients
    sigma = np.sqrt(residual @ residual / max(len(outcome) - rank, 1))
    # With as many regressors as weeks nothing is left over, and nothing could be divided by it.
    return float(max(sigma, 0.01 * outcome.std()))


def _baseline_coordinates(design: Design, pilot_sigma: float) -> tuple[Floats, Floats, Floats]:
    """The baseline's Gaussian conditional given the media effects, at the pilot noise level."""
    z = design.matrix / pilot_sigma
    prior_precision = 1.0 / design.prior_sd**2
    covariance = np.linalg.inv(z.T @ z + np.diag(prior_precision))
    gain = covariance @ z.T / pilot_sigma
    offset = covariance @ (prior_precision * design.prior_mean)
    return gain, offset, np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def hill_mixture(data: ModelData, spec: ModelSpec) -> None:
    """The NumPyro model: seed section 6, extended to many channels (DECISIONS.md).

    Sites in scaled units: `alpha, weights, amplitude, half_saturation, slope` (see `Curves`),
    `coefficients` of the baseline, `sigma`, and `log_likelihood` of every week.
    """
    curves = _sample_curves(data, spec)
    by_component = component_effects(jnp.asarray(data.spend), curves)
    coefficients = _sample_baseline(data, by_component @ curves.weights)
    sigma = _sample_sigma(data)
    mean = (data.design.matrix @ coefficients)[:, None] + by_component
    by_week = jax.nn.logsumexp(
        dist.Normal(mean, sigma).log_prob(jnp.asarray(data.outcome)[:, None])
        + jnp.log(curves.weights),
        axis=1,
    )
    numpyro.deterministic("log_likelihood", by_week)
    numpyro.factor("outcome", by_week.sum())


def _sample(name: str, prior: dist.Distribution) -> jax.Array:
    # NumPyro's annotation has room for values that a model run by JAX never sees.
    return cast(jax.Array, numpyro.sample(name, prior))


def _record(name: str, value: jax.Array | Floats) -> jax.Array:
    return cast(jax.Array, numpyro.deterministic(name, value))


def _sample_sigma(data: ModelData) -> jax.Array:
    """`sigma ~ HalfNormal(outcome sd)`, sampled as log sigma about the pilot noise level."""
    log_scale = 1.0 / np.sqrt(2.0 * len(data.outcome))
    raw = _sample("log_sigma_raw", dist.ImproperUniform(dist.constraints.real, (), ()))
    log_sigma = jnp.log(data.pilot_sigma) + log_scale * raw
    sigma = _record("sigma", jnp.exp(log_sigma))
    # d sigma / d log sigma = sigma: the Jacobian of the log.
    numpyro.factor("sigma_prior", dist.HalfNormal(data.outcome_sd).log_prob(sigma) + log_sigma)
    return sigma


def curve_sites(spec: ModelSpec) -> tuple[str, ...]:
    """The sites whose correlations NUTS has to learn: all but the baseline's coordinates.

    Those are independent of the rest by construction, and a dense matrix over them costs warm-up.
    """
    sites = ["alpha", "mu_log_n", "sigma_log_n", "log_n_raw", "log_k_raw", "log_sigma_raw"]
    sites += ["log_roi_raw"] if spec.amplitude_prior == "roi" else ["log_effect"]
    if spec.components > 1 or spec.amplitude_prior == "seed":
        sites += ["sigma_log_A", "log_A_raw"]
    if spec.components > 1:
        sites += ["sticks"]
    return tuple(sites)


def component_effects(spend: jax.Array, curves: Curves) -> jax.Array:
    """Sum over channels of the Hill effect, for each week and component, scaled units."""
    adstocked = geometric_adstock(spend, curves.alpha)[:, :, None]
    shape = hill(adstocked, curves.half_saturation, curves.slope)
    return jnp.einsum("tck,ck->tk", shape, curves.amplitude)


def _sample_curves(data: ModelData, spec: ModelSpec) -> Curves:
    channels, components = data.spend.shape[1], spec.components
    by_channel, by_curve = [channels], [channels, components]
    alpha = _sample("alpha", ALPHA.expand(by_channel))
    weights = _record("weights", _sample_weights(components))

    mu_log_n = _sample("mu_log_n", MU_LOG_N)
    sigma_log_n = _sample("sigma_log_n", SIGMA_LOG_N)
    log_n_raw = _sample("log_n_raw", dist.Normal(0, 1).expand(by_curve))
    slope = _record("slope", jnp.exp(mu_log_n + sigma_log_n * log_n_raw))

    log_k_raw = _sample("log_k_raw", dist.Normal(0, 1).expand(by_curve))
    log_k = data.log_half_saturation[:, None] + LOG_HALF_SATURATION_SD * log_k_raw
    half_saturation = _record("half_saturation", jnp.exp(log_k))

    adstocked = geometric_adstock(jnp.asarray(data.spend), alpha)[:, :, None]
    mean_shape = hill(adstocked, half_saturation, slope).mean(axis=0)
    log_amplitude = _sample_log_amplitude(data, spec, mean_shape, weights)
    amplitude = _record("amplitude", jnp.exp(log_amplitude))
    return Curves(alpha, weights, amplitude, half_saturation, slope)


def _sample_weights(components: int) -> jax.Array:
    # Sticks Beta(1, K - j) are the uniform Dirichlet, so the components are exchangeable and
    # chains that settle in different labellings agree on everything that is published.
    if components == 1:
        return jnp.ones(1)
    sticks = _sample("sticks", dist.Beta(1.0, jnp.arange(components - 1.0, 0.0, -1.0)))
    return stick_breaking(sticks)


def _sample_log_amplitude(
    data: ModelData, spec: ModelSpec, mean_shape: jax.Array, weights: jax.Array
) -> jax.Array:
    """Log amplitudes from the channel's mean effect, with the prior on ROI or as the seed's."""
    channels, components = mean_shape.shape
    if components == 1 and spec.amplitude_prior == "roi":
        deviation = jnp.zeros((channels, 1))
    else:
        sigma_log_a = _sample("sigma_log_A", SIGMA_LOG_A)
        raw = _sample("log_A_raw", dist.Normal(0, 1).expand([channels, components]))
        deviation = sigma_log_a * raw
    log_shape = jnp.log((weights * jnp.exp(deviation) * mean_shape).sum(axis=1))
    if spec.amplitude_prior == "roi":
        log_roi_raw = _sample("log_roi_raw", dist.Normal(0, 1).expand([channels]))
        log_roi = jnp.asarray(data.roi_log_median) + data.roi_sd_log * log_roi_raw
        mu_log_a = log_roi + jnp.asarray(data.log_roi_unit) - log_shape
        saturation = (weights * mean_shape).sum(axis=1)
        numpyro.factor("mean_saturation", MEAN_SATURATION.log_prob(saturation).sum())
    else:
        flat = dist.ImproperUniform(dist.constraints.real, (channels,), ())
        mu_log_a = _sample("log_effect", flat) - log_shape
        numpyro.factor(
            "mu_log_A", dist.Normal(data.amplitude_loc, MU_LOG_A_SD).log_prob(mu_log_a).sum()
        )
    return mu_log_a[:, None] + deviation


def _sample_baseline(data: ModelData, effect: jax.Array) -> jax.Array:
    flat = dist.ImproperUniform(dist.constraints.real, data.baseline_offset.shape, ())
    deviation = _sample("baseline_raw", flat)
    conditional_mean = data.baseline_gain @ (data.outcome - effect) + data.baseline_offset
    coefficients = _record("coefficients", conditional_mean + data.baseline_factor @ deviation)
    prior = dist.Normal(data.design.prior_mean, data.design.prior_sd)
    numpyro.factor("baseline_prior", prior.log_prob(coefficients).sum())
    return coefficients
