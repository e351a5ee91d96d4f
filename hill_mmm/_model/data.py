"""The arrays that the model conditions on: a panel on the scales of its model version."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hill_mmm._model.adstock import Media
from hill_mmm._model.design import Design, baseline_design
from hill_mmm._model.lift import LiftData, lift_data
from hill_mmm._model.media import media_data
from hill_mmm._model.padding import padded
from hill_mmm._model.scales import Scales, reference_adstock
from hill_mmm._model.worth import mean_unit_value
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import LiftTest, ModelSpec


class ModelData(NamedTuple):
    """Arrays of a fit, all on the model's scales. The weeks are padded; no padding is observed.

    Attributes:
        media: spend and exposures, `(weeks, series, media)`, and what came before them.
        outcome: `(weeks, series)`; 0 where it is not observed.
        observed: 1 or 0, `(weeks, series)`.
        scored: 1 where a week counts in the likelihood, `(weeks, series)`.
        regressors: of the baseline, `(weeks, series, columns)`.
        gram: their cross products over the scored weeks, `(series, columns, columns)`.
        prior_mean: of the coefficients, `(columns,)`.
        prior_sd: of the coefficients, `(columns,)`.
        pilot_sigma: noise level of a least-squares fit, about which sigma is sampled, `(series,)`.
        pilot_factor: Cholesky factor of the coefficients' precision at that noise level.
        signed: controls with a sign, turned so that their effect is positive.
        signed_prior_sd: of their coefficients.
        outcome_sd: scale of the noise prior, `(series,)`.
        is_active: 1 where the series has anything of the medium, `(series, media)`.
        effect_unit: log of the mean weekly effect that the unit of the amplitude prior is worth
            (a ROI of 1, or the whole outcome), `(series, media)`.
        effect_loc: prior location of the logarithm of ROI or share, `(media,)`.
        effect_sd: prior scale of it, `(media,)`.
        amplitude_loc: the seed's `A_loc`, `(series,)`.
        log_half_saturation: prior location, `(media,)`.
        lift: the experiments.
    """

    media: Media
    outcome: jax.Array
    observed: jax.Array
    scored: jax.Array
    regressors: jax.Array
    gram: jax.Array
    prior_mean: jax.Array
    prior_sd: jax.Array
    pilot_sigma: jax.Array
    pilot_factor: jax.Array
    signed: jax.Array
    signed_prior_sd: jax.Array
    outcome_sd: jax.Array
    is_active: jax.Array
    effect_unit: jax.Array
    effect_loc: jax.Array
    effect_sd: jax.Array
    amplitude_loc: jax.Array
    log_half_saturation: jax.Array
    lift: LiftData


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
    gram = np.einsum("tgi,tgj,tg->gij", design.matrix, design.matrix, scored)
    precision = gram / pilot[:, None, None] ** 2 + np.diag(1.0 / design.prior_sd**2)
    unit, loc, sd = effect_priors(panel, spec, scales)
    is_active = panel.media.any(axis=0, where=panel.observed[:, :, None])
    arrays: dict[str, Any] = {
        "outcome": padded(outcome),
        "observed": padded(observed),
        "scored": padded(scored),
        "regressors": padded(design.matrix),
        "gram": gram,
        "prior_mean": design.prior_mean,
        "prior_sd": design.prior_sd,
        "pilot_sigma": pilot,
        "pilot_factor": np.linalg.cholesky(precision),
        "signed": padded(design.signed * design.directions),
        "signed_prior_sd": design.signed_prior_sd,
        "outcome_sd": scales.outcome_sd,
        "is_active": is_active.astype(np.float64),
        "effect_unit": unit,
        "effect_loc": loc,
        "effect_sd": sd,
        "amplitude_loc": scales.amplitude_loc,
        "log_half_saturation": scales.log_half_saturation,
    }
    lift = lift_data(panel, scales, () if prior_only else lift_tests)
    return ModelData(
        media=media_data(panel, scales), **jax.tree.map(jnp.asarray, arrays), lift=lift
    )


def pilot_sigma(
    design: Design, outcome: Floats, media: Floats, observed: NDArray[np.bool_]
) -> Floats:
    """Noise of each series about a least-squares fit with the square root of adstocked media."""
    smooth = np.sqrt(reference_adstock(media))
    columns = np.concatenate([design.matrix, design.signed, smooth], axis=2)
    return np.array(
        [
            _residual_sd(columns[observed[:, series], series], outcome[observed[:, series], series])
            for series in range(outcome.shape[1])
        ]
    )


def _residual_sd(regressors: Floats, outcome: Floats) -> float:
    coefficients, _, rank, _ = np.linalg.lstsq(regressors, outcome, rcond=None)
    residual = outcome - regressors @ coefficients
    sigma = np.sqrt(residual @ residual / max(len(outcome) - rank, 1))
    # With as many regressors as weeks nothing is left over, and nothing could be divided by it.
    return float(max(sigma, 0.01 * outcome.std()))


def effect_priors(panel: Panel, spec: ModelSpec, scales: Scales) -> tuple[Floats, Floats, Floats]:
    """Unit, location and scale of the prior on each medium's log mean effect."""
    paid = len(panel.channels)
    priors = [
        spec.channel_prior(name, is_paid=medium < paid)
        for medium, name in enumerate(panel.media_names)
    ]
    observed = panel.observed[:, :, None]
    # A ROI is in money, the outcome perhaps in units.
    worth = scales.outcome * mean_unit_value(panel, spec)
    spend_per_week = np.mean(panel.media, axis=0, where=observed) / worth[:, None]
    through_roi = np.array([prior.kind == "roi" for prior in priors])
    with_spend = np.where(through_roi & (spend_per_week > 0), spend_per_week, 1.0)
    return (
        np.log(with_spend),
        np.log([prior.median for prior in priors]),
        np.array([prior.sd_log for prior in priors]),
    )
