"""The arrays that the model conditions on: a panel on the scales of its model version."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hill_mmm._model.adstock import Media
from hill_mmm._model.design import Design, baseline_design
from hill_mmm._model.effect_prior import effect_prior
from hill_mmm._model.learned import PILOT_SCALE, LearnedBlock, learned_blocks
from hill_mmm._model.lift import LiftData, lift_data
from hill_mmm._model.media import media_data
from hill_mmm._model.moving import MovingData, moving_data
from hill_mmm._model.padding import padded
from hill_mmm._model.scales import Scales, reference_adstock
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import LiftTest, ModelSpec

# The shrinkage of the pilot fit depends on its noise; so many steps settle both.
PILOT_STEPS = 5


class CurvePriors(NamedTuple):
    """Priors of the curves' parameters, each `(media,)` but for the hierarchy's.

    Attributes:
        alpha: the two parameters of the Beta of `alpha`, `(2, media)`.
        log_slope: location and scale of the log slope, `(2, media)`.
        log_half_saturation: the same of log k.
        mu_log_n: location and scale of the seed's mean log slope, `(2,)`.
        sigma_log_n: location and scale of the logarithm of the spread of log slopes, `(2,)`.
        sigma_log_A: the same of log amplitudes.
    """

    alpha: jax.Array
    log_slope: jax.Array
    log_half_saturation: jax.Array
    mu_log_n: jax.Array
    sigma_log_n: jax.Array
    sigma_log_A: jax.Array


class ModelData(NamedTuple):
    """Arrays of a fit, all on the model's scales. The weeks are padded; no padding is observed.

    Attributes:
        media: spend and exposures, `(weeks, series, media)`, and what came before them.
        outcome: `(weeks, series)`; 0 where it is not observed.
        observed: 1 or 0, `(weeks, series)`.
        scored: 1 where a week counts in the likelihood, `(weeks, series)`.
        regressors: of the baseline, `(weeks, series, columns)`.
            Those with a learned scale are the last.
        gram: cross products of the others over the scored weeks, `(series, columns, columns)`.
        prior_mean: of their coefficients, `(columns,)`.
        prior_sd: of their coefficients, `(columns,)`.
        prior_expected: their effect at `prior_mean` in the scored weeks, `(weeks, series)`.
        learned: the columns with a learned scale, a block for each.
        pilot_sigma: noise level of a least-squares fit, about which sigma is sampled, `(series,)`.
        pilot_factor: Cholesky factor of the coefficients' precision at that noise level.
        signed: controls with a sign, turned so that their effect is positive.
        signed_prior_sd: of their coefficients.
        outcome_sd: scale of the noise prior, `(series,)`.
        is_active: 1 where the series has anything of the medium, `(series, media)`.
        effect_unit: log of the mean weekly effect that the unit of the amplitude prior is worth
            (a ROI of 1, or the whole outcome), `(series, media)`.
        effect_loc: prior location of the logarithm of ROI or share, `(media,)`.
        effect_factor: Cholesky factor of its prior covariance, `(media, media)`.
        amplitude_loc: the seed's `A_loc`, `(series,)`.
        curves: priors of carry-over and saturation.
        lift: the experiments.
        moving: of the effects that move; None if none does.
    """

    media: Media
    outcome: jax.Array
    observed: jax.Array
    scored: jax.Array
    regressors: jax.Array
    gram: jax.Array
    prior_mean: jax.Array
    prior_sd: jax.Array
    prior_expected: jax.Array
    learned: tuple[LearnedBlock, ...]
    pilot_sigma: jax.Array
    pilot_factor: jax.Array
    signed: jax.Array
    signed_prior_sd: jax.Array
    outcome_sd: jax.Array
    is_active: jax.Array
    effect_unit: jax.Array
    effect_loc: jax.Array
    effect_factor: jax.Array
    amplitude_loc: jax.Array
    curves: CurvePriors
    lift: LiftData
    moving: MovingData | None


def model_data(
    panel: Panel,
    spec: ModelSpec,
    scales: Scales,
    lift_tests: Sequence[LiftTest] = (),
    *,
    prior_only: bool = False,
) -> ModelData:
    """Put a panel and its experiments on the scales of a model version.

    Args:
        panel: the weeks to fit to.
        spec: the model.
        scales: of the model version.
        lift_tests: experiments within the panel's weeks.
        prior_only: leave the outcome and the experiments out of the likelihood.

    Raises:
        ValueError: if the scales belong to other variables, or a lift test to other weeks.
    """
    scales.require_same_variables(panel)
    design = baseline_design(panel, spec, scales)
    outcome = np.nan_to_num(panel.outcome / scales.outcome)
    media = panel.media / scales.spend
    observed = panel.observed.astype(np.float64)
    scored = np.zeros_like(observed) if prior_only else observed
    pilot = pilot_sigma(design, outcome, media, panel.observed)
    widths, known = tuple(design.learned.values()), len(design.prior_sd) - design.n_learned
    matrix, prior_mean, prior_sd = (
        values[..., :known] for values in (design.matrix, design.prior_mean, design.prior_sd)
    )
    gram = np.einsum("tgi,tgj,tg->gij", matrix, matrix, scored)
    precision = gram / pilot[:, None, None] ** 2 + np.diag(1.0 / prior_sd**2)
    effect = effect_prior(panel, spec, scales)
    is_active = panel.media.any(axis=0, where=panel.observed[:, :, None])
    arrays: dict[str, Any] = {
        "outcome": padded(outcome),
        "observed": padded(observed),
        "scored": padded(scored),
        "regressors": padded(design.matrix),
        "gram": gram,
        "prior_mean": prior_mean,
        "prior_sd": prior_sd,
        "prior_expected": padded(matrix @ prior_mean * scored),
        "learned": learned_blocks(design.matrix, scored, pilot, design.prior_sd, widths),
        "pilot_sigma": pilot,
        "pilot_factor": np.linalg.cholesky(precision),
        "signed": padded(design.signed * design.directions),
        "signed_prior_sd": design.signed_prior_sd,
        "outcome_sd": scales.outcome_sd,
        "is_active": is_active.astype(np.float64),
        "effect_unit": effect.unit,
        "effect_loc": effect.loc,
        "effect_factor": effect.factor,
        "amplitude_loc": scales.amplitude_loc,
        "curves": _curve_priors(panel, spec, scales),
    }
    lift = lift_data(panel, scales, () if prior_only else lift_tests)
    moving = None
    if spec.moving_effects:
        moving = moving_data(panel, spec, scales, arrays["observed"])
    return ModelData(
        media=media_data(panel, scales),
        **jax.tree.map(jnp.asarray, arrays),
        lift=lift,
        moving=moving,
    )


def pilot_sigma(
    design: Design, outcome: Floats, media: Floats, observed: NDArray[np.bool_]
) -> Floats:
    """Noise of each series about a least-squares fit with the square root of adstocked media.

    Columns with a learned scale are shrunk as at the pilot scale.
    """
    smooth = np.sqrt(reference_adstock(media))
    columns = np.concatenate([design.signed, smooth, design.matrix], axis=2)
    shrunk = PILOT_SCALE * design.prior_sd[len(design.prior_sd) - design.n_learned :]
    return np.array(
        [
            _residual_sd(
                columns[observed[:, series], series], outcome[observed[:, series], series], shrunk
            )
            for series in range(outcome.shape[1])
        ]
    )


def _residual_sd(regressors: Floats, outcome: Floats, shrunk: Floats) -> float:
    """Of a fit in which the last coefficients are Normal about 0 with these standard deviations."""
    free, columns = np.split(regressors, [regressors.shape[1] - len(shrunk)], axis=1)
    basis, size, _ = np.linalg.svd(free, full_matrices=False)
    basis = basis[:, size > len(free) * np.finfo(float).eps * size[0]]
    residual = outcome - basis @ (basis.T @ outcome)
    # With as many regressors as weeks nothing is left over, and nothing could be divided by it.
    least, left = 0.01 * outcome.std(), max(len(outcome) - basis.shape[1], 1)
    sigma = max(np.sqrt(residual @ residual / left), least)
    if not len(shrunk):
        return float(sigma)
    columns = (columns - basis @ (basis.T @ columns)) * shrunk
    directions, size, _ = np.linalg.svd(columns, full_matrices=False)
    along = directions.T @ residual
    for _ in range(PILOT_STEPS):
        kept = size**2 / (size**2 + sigma**2)
        squares = residual @ residual - (kept * (2.0 - kept) * along**2).sum()
        sigma = max(np.sqrt(squares / max(left - kept.sum(), 1.0)), least)
    return float(sigma)


def _curve_priors(panel: Panel, spec: ModelSpec, scales: Scales) -> CurvePriors:
    own = [spec.channel_curve_priors.get(name, spec.curve_prior) for name in panel.media_names]
    alpha = [
        (p.alpha_mean * p.alpha_concentration, (1.0 - p.alpha_mean) * p.alpha_concentration)
        for p in own
    ]
    slope = [(np.log(p.slope_median), p.slope_sd_log) for p in own]
    half_saturation = [
        (location + np.log(p.half_saturation_median), p.half_saturation_sd_log)
        for location, p in zip(scales.log_half_saturation, own, strict=True)
    ]
    hyper = spec.component_prior
    return CurvePriors(
        jnp.asarray(alpha).T,
        jnp.asarray(slope).T,
        jnp.asarray(half_saturation).T,
        jnp.asarray([np.log(hyper.mu_log_n_median), hyper.mu_log_n_sd]),
        jnp.asarray([hyper.sigma_log_n_loc, hyper.sigma_log_n_sd]),
        jnp.asarray([hyper.sigma_log_A_loc, hyper.sigma_log_A_sd]),
    )
