"""The baseline's coefficients, as deviations from their Gaussian conditional.

Given the media effects, the noise and all prior scales, coefficients are Gaussian. Standard Normals
about that conditional are coordinates that are nearly independent of each other and of all else.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.lax.linalg import triangular_solve

from hill_mmm._model.data import ModelData
from hill_mmm._model.priors import LEARNED_SCALE, SERIES_SCALE
from hill_mmm._model.sites import flat, sample


def sample_baseline(
    data: ModelData, learned_scales: Sequence[str], residual: jax.Array, sigma: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Coefficients of each series, `(series, columns)`, and their effect, `(weeks, series)`.

    They are free for one series and pooled for many. Those with a learned scale are the last, and
    the same in every series.

    Args:
        data: the arrays of the fit.
        learned_scales: names of the blocks of columns whose prior scale is learned.
        residual: outcome less the media effects, 0 where it is not scored, `(weeks, series)`.
        sigma: noise, `(series,)`.
    """
    series = len(data.pilot_sigma)
    learned, effect = _sample_learned(data, learned_scales, residual)
    sample_own = _sample_pooled_baseline if series > 1 else _sample_single_baseline
    own = sample_own(data, residual - data.scored * effect, sigma)
    effect = effect + jnp.einsum("tgj,gj->tg", data.regressors[:, :, : own.shape[1]], own)
    return jnp.concatenate([own, jnp.tile(learned, (series, 1))], axis=1), effect


def _sample_learned(
    data: ModelData, names: Sequence[str], residual: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Coefficients of the columns with a learned scale, and their effect, `(weeks, series)`."""
    learned_effect = jnp.zeros_like(residual)
    if not names:
        return jnp.zeros(0), learned_effect
    scales = sample("baseline_scale", LEARNED_SCALE.expand([len(names)]))
    found: list[jax.Array] = []
    # Each block with those before it integrated out: the last comes first.
    for name, block, scale in reversed(list(zip(names, data.learned, scales, strict=True))):
        raw = flat(f"{name}_raw", block.information.shape)
        evidence = block.gain @ (residual - data.prior_expected).reshape(-1)
        # In units of the scale, so that a scale of 0 is a place like any other.
        width = 1.0 / jnp.sqrt(1.0 + block.information * scale**2)
        standard = width * (width * scale * evidence + raw)
        prior = dist.Normal(0.0, 1.0).log_prob(standard) + jnp.log(width)
        numpyro.factor(f"{name}_prior", prior.sum())
        effect = block.columns @ (scale * standard)
        learned_effect, residual = learned_effect + effect, residual - data.scored * effect
        found.insert(0, block.turn @ (scale * standard))
    return jnp.concatenate(found), learned_effect


def _sample_single_baseline(data: ModelData, residual: jax.Array, _: jax.Array) -> jax.Array:
    # The noise of one series hardly moves: its pilot serves, and the factor is a constant.
    evidence = jnp.einsum("tgj,tg->gj", data.regressors[:, :, : len(data.prior_sd)], residual)
    evidence = evidence / data.pilot_sigma[:, None] ** 2 + data.prior_mean / data.prior_sd**2
    raw = flat("baseline_raw", evidence.shape)
    coefficients = _conditional_draw(data.pilot_factor, evidence, raw)
    prior = dist.Normal(data.prior_mean, data.prior_sd)
    numpyro.factor("baseline_prior", prior.log_prob(coefficients).sum())
    return coefficients


def _sample_pooled_baseline(data: ModelData, residual: jax.Array, sigma: jax.Array) -> jax.Array:
    """Coefficients Normal about a common mean, both given the residuals by Gaussian algebra.

    The means' conditional has the series' coefficients integrated out; the coefficients' follows
    given the means.
    """
    columns = len(data.prior_sd)
    spread = data.prior_sd * sample("baseline_spread", SERIES_SCALE.expand([columns]))
    precision = 1.0 / spread**2
    evidence = (
        jnp.einsum("tgj,tg->gj", data.regressors[:, :, : len(data.prior_sd)], residual)
        / sigma[:, None] ** 2
    )
    gram = data.gram / sigma[:, None, None] ** 2
    factor = jnp.linalg.cholesky(gram + jnp.diag(precision))

    shrinkage = _backward(
        factor, _forward(factor, jnp.tile(jnp.diag(precision), (len(sigma), 1, 1)))
    )
    precision_learned = (jnp.diag(precision) - precision[:, None] * shrinkage).sum(axis=0)
    mean_precision = jnp.diag(1.0 / data.prior_sd**2) + precision_learned
    mean_evidence = data.prior_mean / data.prior_sd**2
    mean_evidence = mean_evidence + jnp.einsum("gij,gi->j", shrinkage, evidence)
    mean_factor = jnp.linalg.cholesky(mean_precision)
    mean = _conditional_draw(
        mean_factor[None], mean_evidence[None], flat("mean_raw", (1, columns))
    )[0]

    raw = flat("baseline_raw", evidence.shape)
    coefficients = _conditional_draw(factor, evidence + precision * mean, raw)
    log_jacobian = -_log_diagonal(factor) - _log_diagonal(mean_factor)
    mean_prior = dist.Normal(data.prior_mean, data.prior_sd).log_prob(mean).sum()
    prior = dist.Normal(mean, spread).log_prob(coefficients).sum()
    numpyro.factor("baseline_prior", prior + mean_prior + log_jacobian)
    return coefficients


def _conditional_draw(factor: jax.Array, evidence: jax.Array, raw: jax.Array) -> jax.Array:
    """`N(P^-1 evidence, P^-1)` at the standard Normal `raw`, with `factor` the Cholesky of P."""
    whitened = _forward(factor, evidence[..., None])
    return _backward(factor, whitened + raw[..., None])[..., 0]


def _forward(factor: jax.Array, right_hand_side: jax.Array) -> jax.Array:
    return triangular_solve(factor, right_hand_side, left_side=True, lower=True)


def _backward(factor: jax.Array, right_hand_side: jax.Array) -> jax.Array:
    return triangular_solve(factor, right_hand_side, left_side=True, lower=True, transpose_a=True)


def _log_diagonal(factor: jax.Array) -> jax.Array:
    return jnp.log(jnp.diagonal(factor, axis1=-2, axis2=-1)).sum()
