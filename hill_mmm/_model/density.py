"""The Hill mixture as a NumPyro model, in coordinates that NUTS finds easy.

The density is the one of the seed document and of DECISIONS.md; only the coordinates are ours:

- each medium is sampled by its mean effect, from which the amplitudes follow;
- the baseline's coefficients are sampled as standardised deviations from their Gaussian conditional
  given the media effects, the noise, the pooling and the scales that are learned (`baseline`);
- the mixture's sticks as Normals, of which they are a function.

Sites named `*_raw` are coordinates. Those without a distribution of their own (`flat`) get the
prior and the Jacobian of what they stand for by `numpyro.factor`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import log_ndtr

from hill_mmm._model.adstock import adstocked_media
from hill_mmm._model.baseline import sample_baseline
from hill_mmm._model.curves import Curves, component_effects, moved
from hill_mmm._model.data import CurvePriors, ModelData
from hill_mmm._model.lift import log_density_of_lift, modelled_lift
from hill_mmm._model.moving import MovingData
from hill_mmm._model.priors import (
    CARRY_IN,
    DEGREES_OF_FREEDOM,
    MEAN_SATURATION,
    MIN_DEGREES_OF_FREEDOM,
    MOVING_STEP_SD,
    MU_LOG_A_SD,
    PEAK,
    SERIES_SCALE,
    WEIBULL_SCALE,
    WEIBULL_SHAPE,
    component_scales,
)
from hill_mmm._model.saturation import hill
from hill_mmm._model.sites import flat, normals, record, sample
from hill_mmm.spec import AdstockKind, CarryIn, Likelihood, Structure

# Posterior sd of a log effect that a year or more of data allows: the unit of its coordinate.
LOG_EFFECT_UNIT = 0.1


def hill_mixture(data: ModelData, structure: Structure) -> None:
    """The NumPyro model: docs/seed.md, section 6.1, for many media and series (DECISIONS.md).

    Recorded sites, in scaled units: those of `Curves`, `coefficients (series, columns)` of the
    baseline, `sigma (series,)`; and, if the model has them, `signed_coefficients (signed,)`,
    `degrees_of_freedom`, `baseline_scale (learned scales,)`, and `log_effect (media,)`, of which
    the amplitude prior speaks.
    """
    weights = record("weights", _sample_weights(structure.components))
    curves, saturated = _sample_curves(data, structure, weights)
    by_component = component_effects(saturated, curves.amplitude)
    signed = _sample_signed_effect(data)
    sigma = _sample_sigma(data)
    residual = data.outcome - by_component @ weights - signed
    coefficients, baseline = sample_baseline(
        data, structure.learned_scales, residual * data.scored, sigma
    )
    record("coefficients", coefficients)
    baseline = baseline + signed
    degrees_of_freedom = _sample_degrees_of_freedom(structure.likelihood)
    by_regime = log_density_by_regime(
        data.outcome, baseline, by_component, weights, sigma, degrees_of_freedom
    )
    by_week = jax.nn.logsumexp(by_regime, axis=-1)
    numpyro.factor("outcome", (by_week * data.scored).sum())
    if len(data.lift.lift):
        regimes = _where_scored(data, jax.nn.softmax(by_regime, axis=-1), weights)
        at = None if data.moving is None else data.moving.at
        lift = modelled_lift(data.lift, curves, structure.adstock, regimes, at)
        numpyro.factor("lift_tests", log_density_of_lift(data.lift, lift).sum())


def regime_probabilities(
    data: ModelData, kind: AdstockKind, sites: Mapping[str, jax.Array]
) -> jax.Array:
    """Probability of each regime in each week of one draw, `(weeks, series, components)`.

    Given the week's outcome if it is scored, by Bayes' rule; else the mixture's weight.

    Args:
        data: with the outcomes that the draw is a draw given.
        kind: of the adstock.
        sites: the recorded sites of the draw.
    """
    curves = Curves.of(sites)
    saturated = curves.saturated(curves.adstocked(kind, data.media), weeks_between_knots(data))
    # Steps of a walk after the weeks fitted to are nothing in them, and the last of the columns.
    known = min(data.regressors.shape[2], sites["coefficients"].shape[1])
    baseline = jnp.einsum(
        "tgj,gj->tg", data.regressors[:, :, :known], sites["coefficients"][:, :known]
    )
    if "signed_coefficients" in sites:
        baseline += data.signed @ sites["signed_coefficients"]
    by_regime = log_density_by_regime(
        data.outcome,
        baseline,
        component_effects(saturated, curves.amplitude),
        curves.weights,
        sites["sigma"],
        sites.get("degrees_of_freedom"),
    )
    return _where_scored(data, jax.nn.softmax(by_regime, axis=-1), curves.weights)


def weeks_between_knots(data: ModelData) -> jax.Array | None:
    """When each week of each series is, for `Curves`: `(weeks, 1, knots)`."""
    return None if data.moving is None else data.moving.at[:, None]


def _where_scored(data: ModelData, given_outcome: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.where(data.scored[:, :, None] > 0, given_outcome, weights)


def log_density_by_regime(
    outcome: jax.Array,
    baseline: jax.Array,
    by_component: jax.Array,
    weights: jax.Array,
    sigma: jax.Array,
    degrees_of_freedom: jax.Array | None,
) -> jax.Array:
    """Log joint density of each week's outcome and regime, `(..., components)`.

    docs/seed.md, section 6.1: the likelihood of a week is the sum over its regimes. All arguments
    are scaled and broadcast; any may have leading axes.

    Args:
        outcome: of a week.
        baseline: of a week.
        by_component: media effect in each regime, `(..., components)`.
        weights: `(..., components)`.
        sigma: scale of the noise.
        degrees_of_freedom: of the Student-t likelihood, `(..., 1)`, or None for the Normal.
    """
    mean = baseline[..., None] + by_component
    noise = sigma[..., None]
    if degrees_of_freedom is None:
        distribution = dist.Normal(mean, noise)
    else:
        distribution = dist.StudentT(degrees_of_freedom, mean, noise)
    return distribution.log_prob(outcome[..., None]) + jnp.log(weights)


def dense_sites(structure: Structure, series: int) -> tuple[str, ...]:
    """The sites whose correlations NUTS has to learn.

    The others, one for each series or baseline column, are nearly independent of the rest by
    construction.
    """
    sites = [*_ADSTOCK_SITES[structure.adstock]]
    sites += ["carry_in"] if structure.carry_in == "steady" else []
    sites += ["log_n_raw", "log_k_raw", "log_effect_raw"]
    if structure.seed_amplitudes:
        sites += ["mu_log_n"]
    elif structure.components > 1:
        sites += ["log_n_common_raw"]
    if structure.components > 1 or structure.seed_amplitudes:
        sites += ["sigma_log_n", "sigma_log_A", "log_A_raw"]
    if structure.components > 1:
        sites += ["sticks_raw"]
    if structure.moving_effects:
        sites += ["log_multiplier_raw"]
    if structure.likelihood == "student_t":
        sites += ["excess_degrees_of_freedom"]
    sites += ["log_sigma_raw"] if series == 1 else ["noise_level"]
    if series > 1 and not structure.seed_amplitudes:
        sites += ["effect_spread"]
    sites += ["baseline_scale"] if structure.learned_scales else []
    return tuple(sites)


_ADSTOCK_SITES: dict[AdstockKind, tuple[str, ...]] = {
    "geometric": ("alpha",),
    "delayed": ("alpha", "peak"),
    "weibull": ("weibull_shape", "weibull_scale"),
}


def _sample_weights(components: int) -> jax.Array:
    """Sticks `Beta(1, K - j)`, the uniform Dirichlet, as functions of standard Normals.

    The components are exchangeable under it, so that chains that settle in different labellings
    agree on everything that is published. `1 - v = (1 - Phi(z)) ** (1 / (K - j))`.
    """
    if components == 1:
        return jnp.ones(1)
    z = normals("sticks_raw", components - 1)
    log_rest = log_ndtr(-z) / jnp.arange(components - 1.0, 0.0, -1.0)
    log_stick = jnp.log(-jnp.expm1(log_rest))
    start = jnp.zeros(1)
    before = jnp.concatenate([start, jnp.cumsum(log_rest)])
    return jnp.exp(jnp.concatenate([log_stick, start]) + before)


def _sample_curves(
    data: ModelData, structure: Structure, weights: jax.Array
) -> tuple[Curves, jax.Array]:
    """The curves, and the saturation of each week that they come with."""
    media, components = data.media.spend.shape[2], structure.components
    priors = data.curves
    adstock = record("adstock", _sample_adstock(structure.adstock, priors.alpha))
    carry_in = _sample_carry_in(structure.carry_in, media)
    scales = component_scales(structure.hyperprior, priors.sigma_log_A, priors.sigma_log_n)

    sample_log_slope = _seed_log_slope if structure.seed_amplitudes else _log_slope
    log_n = sample_log_slope(priors, scales.log_slope, media, components)
    slope = record("slope", jnp.exp(log_n))

    location, spread = priors.log_half_saturation[:, :, None]
    log_k = location + spread * normals("log_k_raw", media, components)
    half_saturation = record("half_saturation", jnp.exp(log_k))

    deviation = jnp.zeros((media, components))
    if components > 1 or structure.seed_amplitudes:
        sigma_log_a = sample("sigma_log_A", scales.log_amplitude)
        deviation = sigma_log_a * normals("log_A_raw", media, components)

    adstocked = adstocked_media(structure.adstock, data.media, adstock, carry_in)
    saturated = hill(adstocked[..., None], half_saturation, slope)
    mean = _MeanSaturation(*[_mean_of_observed(data, saturated)] * 2)
    log_multiplier = None
    if data.moving is not None:
        log_multiplier = record("log_multiplier", _sample_log_multiplier(data.moving, media))
        saturated = moved(saturated, log_multiplier, weeks_between_knots(data))
        mean = mean._replace(moved=_mean_of_observed(data, saturated))
    sample_amplitude = _seed_amplitude if structure.seed_amplitudes else _informed_amplitude
    amplitude = record("amplitude", sample_amplitude(data, mean, weights, deviation))
    curves = Curves(adstock, carry_in, weights, amplitude, half_saturation, slope, log_multiplier)
    return curves, saturated


def _mean_of_observed(data: ModelData, saturated: jax.Array) -> jax.Array:
    mean = jnp.einsum("tgmk,tg->gmk", saturated, data.observed)
    mean = mean / data.observed.sum(axis=0)[:, None, None]
    # A medium that a series does not have saturates nothing: the logarithm of 0 would poison the
    # gradient, and its amplitude is put to 0 below.
    return jnp.where(data.is_active[:, :, None] > 0, mean, 1.0)


def _sample_log_multiplier(moving: MovingData, media: int) -> jax.Array:
    """At each knot, `(knots, media)`: random walks, of which the multipliers' mean is 1.

    That mean is over the weeks fitted to. A shift of a whole walk is one of the amplitude, which
    has its own prior: so a walk has no start to be sampled, and steps alone.
    """
    knots, moves = moving.at.shape[1], len(moving.media)
    steps = MOVING_STEP_SD * normals("log_multiplier_raw", knots - 1, moves)
    walk = jnp.concatenate([jnp.zeros((1, moves)), jnp.cumsum(steps, axis=0)])
    walk = walk - jnp.log(moving.share @ jnp.exp(moving.at @ walk))
    return jnp.zeros((knots, media)).at[:, moving.media].set(walk)


def _log_slope(
    priors: CurvePriors, between: dist.Distribution, media: int, components: int
) -> jax.Array:
    """Log slopes `(media, components)`, each with its medium's prior, whatever the hierarchy's.

    Of two components `x ~ Normal(mu, sigma^2)`, whose `mu` is free, and of which none is to be a
    step: times `Normal(m, s^2)` the density of x given mu has the variance
    `sigma^2 s^2 / (sigma^2 + s^2) = s^2 r`. What is left of `s^2` is common to a medium's
    components, so that each slope is `Normal(m, s^2)` by itself, and `sigma` says how alike they
    are.
    """
    location, spread = priors.log_slope[:, :, None]
    raw = normals("log_n_raw", media, components)
    if components == 1:
        return location + spread * raw
    variance = sample("sigma_log_n", between) ** 2
    share = variance / (variance + spread**2)
    common = normals("log_n_common_raw", media, 1)
    return location + spread * (jnp.sqrt(share) * raw + jnp.sqrt(1.0 - share) * common)


def _seed_log_slope(
    priors: CurvePriors, between: dist.Distribution, media: int, components: int
) -> jax.Array:
    """The seed's hierarchy over all slopes (docs/seed.md, section 6.2)."""
    mu = sample("mu_log_n", dist.Normal(*priors.mu_log_n))
    return mu + sample("sigma_log_n", between) * normals("log_n_raw", media, components)


def _sample_adstock(kind: AdstockKind, alpha_prior: jax.Array) -> jax.Array:
    media = alpha_prior.shape[1]
    if kind == "weibull":
        shape = sample("weibull_shape", WEIBULL_SHAPE.expand([media]))
        return jnp.stack([shape, sample("weibull_scale", WEIBULL_SCALE.expand([media]))], axis=1)
    alpha = sample("alpha", dist.Beta(*alpha_prior))
    if kind == "geometric":
        return alpha[:, None]
    return jnp.stack([alpha, sample("peak", PEAK.expand([media]))], axis=1)


def _sample_carry_in(carry_in: CarryIn, media: int) -> jax.Array:
    if carry_in == "none":
        return record("carry_in", jnp.zeros(media))
    return sample("carry_in", CARRY_IN.expand([media]))


class _MeanSaturation(NamedTuple):
    """Mean over a medium's weeks of its saturation, `(series, media, components)`.

    Attributes:
        plain: of the Hill curve alone.
        moved: of what an amplitude of 1 brings, the multiplier included.
    """

    plain: jax.Array
    moved: jax.Array


class _LogMeanSaturation(NamedTuple):
    """Logarithms of a medium's mean saturation over its weeks, `(series, media)`.

    Attributes:
        weighted: of the amplitudes' mean, up to their common level.
        plain: of the mixture's mean saturation itself.
    """

    weighted: jax.Array
    plain: jax.Array


def _log_mean_saturation(
    mean_saturation: _MeanSaturation, weights: jax.Array, deviation: jax.Array
) -> _LogMeanSaturation:
    weighted = jnp.log((weights * jnp.exp(deviation) * mean_saturation.moved).sum(axis=2))
    return _LogMeanSaturation(weighted, jnp.log((weights * mean_saturation.plain).sum(axis=2)))


def _informed_amplitude(
    data: ModelData, mean_saturation: _MeanSaturation, weights: jax.Array, deviation: jax.Array
) -> jax.Array:
    """Amplitudes from the priors on ROI or contribution share, pooled over the series."""
    series, media = data.is_active.shape
    log_effect = data.effect_loc + data.effect_factor @ normals("log_effect_raw", media)
    log_effect = record("log_effect", log_effect)
    if series > 1:
        spread = sample("effect_spread", SERIES_SCALE.expand([media]))
        log_effect = log_effect + spread * normals("series_effect_raw", series, media)
    log_mean = _log_mean_saturation(mean_saturation, weights, deviation)
    active = data.is_active.sum(axis=0)
    geometric_mean = jnp.exp((log_mean.plain * data.is_active).sum(axis=0) / active)
    numpyro.factor("mean_saturation", MEAN_SATURATION.log_prob(geometric_mean).sum())
    log_level = log_effect + data.effect_unit - log_mean.weighted
    return jnp.exp(log_level[:, :, None] + deviation) * data.is_active[:, :, None]


def _seed_amplitude(
    data: ModelData, mean_saturation: _MeanSaturation, weights: jax.Array, deviation: jax.Array
) -> jax.Array:
    """Amplitudes with the seed's prior, `mu_log_A ~ Normal(A_loc, 0.5)`, in every series.

    docs/seed.md, section 6.2.
    """
    location = data.amplitude_loc[:, None]
    log_effect = location + LOG_EFFECT_UNIT * flat("log_effect_raw", data.is_active.shape)
    log_mean = _log_mean_saturation(mean_saturation, weights, deviation)
    log_level = log_effect - log_mean.weighted
    numpyro.factor("mu_log_A", dist.Normal(location, MU_LOG_A_SD).log_prob(log_level).sum())
    return jnp.exp(log_level[:, :, None] + deviation) * data.is_active[:, :, None]


def _sample_signed_effect(data: ModelData) -> jax.Array:
    """Effect of the controls that have a sign: HalfNormal coefficients, shared by all series."""
    signed = len(data.signed_prior_sd)
    if not signed:
        return jnp.zeros_like(data.outcome)
    size = sample("signed_size", dist.HalfNormal(1.0).expand([signed]))
    return data.signed @ record("signed_coefficients", data.signed_prior_sd * size)


def _sample_sigma(data: ModelData) -> jax.Array:
    """Noise: `sigma ~ HalfNormal(outcome sd)` for one series; for many, pooled around its mean.

    Sampled as log sigma about the pilot noise level, which many weeks determine well.
    """
    series = len(data.pilot_sigma)
    unit = 1.0 / jnp.sqrt(2.0 * data.observed.sum(axis=0))
    log_sigma = jnp.log(data.pilot_sigma) + unit * flat("log_sigma_raw", (series,))
    sigma = record("sigma", jnp.exp(log_sigma))
    if series == 1:
        # d sigma / d log sigma = sigma: the Jacobian of the log.
        prior = dist.HalfNormal(data.outcome_sd).log_prob(sigma) + log_sigma
    else:
        level = sample("noise_level", dist.HalfNormal(1.0))
        spread = sample("noise_spread", SERIES_SCALE)
        relative = log_sigma - jnp.log(data.outcome_sd)
        prior = dist.Normal(jnp.log(level), spread).log_prob(relative)
    numpyro.factor("sigma_prior", prior.sum())
    return sigma


def _sample_degrees_of_freedom(likelihood: Likelihood) -> jax.Array | None:
    if likelihood == "normal":
        return None
    excess = sample("excess_degrees_of_freedom", DEGREES_OF_FREEDOM)
    return record("degrees_of_freedom", MIN_DEGREES_OF_FREEDOM + excess)
