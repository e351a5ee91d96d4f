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
) -> jax.Array:
    """Coefficients of each series, `(series, columns)`: free for one, pooled for many.

    Args:
        data: the arrays of the fit.
        learned_scales: names of the blocks of columns whose prior scale is learned.
        residual: outcome less the media effects, 0 where it is not scored, `(weeks, series)`.
        sigma: noise, `(series,)`.
    """
    scales = jnp.zeros(0)
    if learned_scales:
        scales = sample("baseline_scale", LEARNED_SCALE.expand([len(learned_scales)]))
    if len(data.pilot_sigma) == 1:
        return _single_baseline(data, scales, residual)
    return _pooled_baseline(data, scales, residual, sigma)


def _single_baseline(data: ModelData, scales: jax.Array, residual: jax.Array) -> jax.Array:
    # The noise of one series hardly moves: its pilot serves, and what is made of it is constant.
    evidence = jnp.einsum("tgj,tg->gj", data.regressors, residual)
    evidence = evidence / data.pilot_sigma[:, None] ** 2 + data.prior_mean / data.prior_sd**2
    learned: list[jax.Array] = []
    blocks = list(zip(data.learned, scales, strict=True))
    raw = flat("learned_raw", (len(data.learned_block),)) if blocks else None
    for block, scale in reversed(blocks):
        before = evidence.shape[1] - len(block.unit)
        raw, own_raw = jnp.split(raw, [len(raw) - len(block.unit)])
        evidence, own = jnp.split(evidence, [before], axis=1)
        own = block.unit * (own[0] - block.coupling @ evidence[0])
        # In units of scale times `unit`, so that a scale of 0 is a place like any other.
        width = 1.0 / jnp.sqrt(1.0 + block.information * scale**2)
        standard = block.basis @ (width * (width * scale * (block.basis.T @ own) + own_raw))
        numpyro.factor(
            f"learned_prior_{before}",
            dist.Normal(0.0, 1.0).log_prob(standard).sum() + jnp.log(width).sum(),
        )
        coefficients = block.unit * scale * standard
        evidence = evidence - coefficients @ block.cross
        learned.insert(0, coefficients[None])
    fixed = evidence.shape[1]
    coefficients = _conditional_draw(
        data.pilot_factor, evidence, flat("baseline_raw", evidence.shape)
    )
    prior = dist.Normal(data.prior_mean[:fixed], data.prior_sd[:fixed])
    numpyro.factor("baseline_prior", prior.log_prob(coefficients).sum())
    return jnp.concatenate([coefficients, *learned], axis=1)


def _pooled_baseline(
    data: ModelData, scales: jax.Array, residual: jax.Array, sigma: jax.Array
) -> jax.Array:
    """Coefficients Normal about a common mean, both given the residuals by Gaussian algebra.

    The means' conditional has the series' coefficients integrated out; the coefficients' follows
    given the means. Columns with a learned scale have one coefficient for all series, beside the
    means and in units of their prior.
    """
    own = len(data.prior_sd) - len(data.learned_block)
    prior_mean, prior_sd = data.prior_mean[:own], data.prior_sd[:own]
    spread = prior_sd * sample("baseline_spread", SERIES_SCALE.expand([own]))
    precision = 1.0 / spread**2
    common_unit = data.prior_sd[own:] * scales[data.learned_block]
    unit = jnp.concatenate([jnp.ones(own), common_unit])
    evidence = unit * jnp.einsum("tgj,tg->gj", data.regressors, residual) / sigma[:, None] ** 2
    gram = unit[:, None] * unit * data.gram / sigma[:, None, None] ** 2
    factor = jnp.linalg.cholesky(gram[:, :own, :own] + jnp.diag(precision))

    # Rows: what a mean, or a common column, does to the series' own coefficients.
    prior_rows = jnp.tile(jnp.diag(precision), (len(sigma), 1, 1))
    rows = jnp.concatenate([prior_rows, -gram[:, :own, own:]], axis=2)
    response = _backward(factor, _forward(factor, rows))
    learned_precision = _learned_precision(precision, gram, response, own)
    mean_precision = learned_precision + jnp.diag(
        jnp.concatenate([1.0 / prior_sd**2, jnp.ones(len(common_unit))])
    )
    mean_evidence = jnp.concatenate([prior_mean / prior_sd**2, evidence[:, own:].sum(axis=0)])
    mean_evidence = mean_evidence + jnp.einsum("gij,gi->j", response, evidence[:, :own])
    mean_factor = jnp.linalg.cholesky(mean_precision)
    means = _conditional_draw(
        mean_factor[None], mean_evidence[None], flat("mean_raw", (1, len(unit)))
    )[0]
    mean, common = means[:own], means[own:]

    raw = flat("baseline_raw", (len(sigma), own))
    own_evidence = evidence[:, :own] + precision * mean - gram[:, :own, own:] @ common
    coefficients = _conditional_draw(factor, own_evidence, raw)
    log_jacobian = -_log_diagonal(factor) - _log_diagonal(mean_factor)
    mean_prior = dist.Normal(prior_mean, prior_sd).log_prob(mean).sum()
    common_prior = dist.Normal(0.0, 1.0).log_prob(common).sum()
    prior = dist.Normal(mean, spread).log_prob(coefficients).sum()
    numpyro.factor("baseline_prior", prior + mean_prior + common_prior + log_jacobian)
    return jnp.concatenate([coefficients, jnp.tile(common_unit * common, (len(sigma), 1))], axis=1)


def _learned_precision(
    precision: jax.Array, gram: jax.Array, response: jax.Array, own: int
) -> jax.Array:
    """What the outcomes say of means and common columns, their own coefficients integrated out.

    Args:
        precision: of the coefficients about their means, `(own,)`.
        gram: `(series, columns, columns)`.
        response: of the own coefficients' conditional mean to each of means and common columns,
            `(series, own, columns)`.
        own: number of columns with coefficients of the series' own.
    """
    of_means = jnp.diag(precision) - precision[:, None] * response[:, :, :own]
    across = -precision[:, None] * response[:, :, own:]
    of_common = gram[:, own:, own:] + gram[:, own:, :own] @ response[:, :, own:]
    upper = jnp.concatenate([of_means, across], axis=2)
    lower = jnp.concatenate([jnp.swapaxes(across, 1, 2), of_common], axis=2)
    return jnp.concatenate([upper, lower], axis=1).sum(axis=0)


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
