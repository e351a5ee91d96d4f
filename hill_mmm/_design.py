"""Frozen scales of a model version, and the baseline's design matrix on them."""

from dataclasses import asdict, dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from hill_mmm._adstock import geometric_adstock
from hill_mmm._panel import Floats, Panel
from hill_mmm._spec import ModelSpec

DAYS_PER_YEAR = 365.25
# Where the prior of half-saturation is located: the median adstocked spend at the prior mean of
# alpha ~ Beta(2, 2).
REFERENCE_ALPHA = 0.5
# The seed leaves A_loc to "data prep"; the published code behind it takes 0.3 of the range.
SEED_AMPLITUDE_FRACTION = 0.3


@dataclass(frozen=True)
class Scales:
    """Everything derived from the training data that the model's meaning depends on.

    A holdout, or any week after the fit, is put on the scales of the fit.

    Attributes:
        outcome: mean outcome, in currency; the model sees outcome divided by it.
        spend: mean of the weeks with spend, by channel, in currency; 1 for a channel without any.
        outcome_sd: standard deviation of the scaled outcome.
        amplitude_loc: the seed's `A_loc` on the scaled outcome.
        log_half_saturation: log of the median adstocked scaled spend by channel, at alpha = 0.5.
        first_week: ISO date of the time origin.
        time_mean: mean of the week number since `first_week`.
        time_sd: its standard deviation.
        control_mean: by control.
        control_sd: by control; 1 for one that does not vary in the training weeks.
    """

    outcome: float
    spend: tuple[float, ...]
    outcome_sd: float
    amplitude_loc: float
    log_half_saturation: tuple[float, ...]
    first_week: str
    time_mean: float
    time_sd: float
    control_mean: tuple[float, ...]
    control_sd: tuple[float, ...]

    @classmethod
    def of(cls, panel: Panel) -> "Scales":
        """The scales of a training panel."""
        scale = float(panel.outcome.mean())
        active = panel.spend > 0
        spend = panel.spend.sum(axis=0) / np.maximum(active.sum(axis=0), 1)
        spend = np.where(spend > 0, spend, 1.0)
        control_sd = panel.controls.std(axis=0)
        time = np.arange(len(panel))
        return cls(
            outcome=scale,
            spend=tuple(spend.tolist()),
            outcome_sd=float(panel.outcome.std() / scale),
            amplitude_loc=float(np.log(SEED_AMPLITUDE_FRACTION * np.ptp(panel.outcome) / scale)),
            log_half_saturation=tuple(_log_median_adstock(panel.spend / spend)),
            first_week=str(panel.weeks[0]),
            time_mean=float(time.mean()),
            time_sd=float(time.std()),
            control_mean=tuple(panel.controls.mean(axis=0).tolist()),
            control_sd=tuple(np.where(control_sd > 0, control_sd, 1.0).tolist()),
        )

    def as_dict(self) -> dict[str, Any]:
        """The scales as plain numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Scales":
        """The scales back from `as_dict`, through JSON or not."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**fields)


def _log_median_adstock(scaled_spend: Floats) -> list[float]:
    adstocked = np.asarray(
        geometric_adstock(jnp.asarray(scaled_spend), jnp.asarray(REFERENCE_ALPHA))
    )
    medians = [np.median(column[column > 1e-3]) if column.any() else 1.0 for column in adstocked.T]
    return np.log(medians).tolist()


@dataclass(frozen=True)
class Design:
    """The baseline's regressors on the model's scales.

    Attributes:
        matrix: shape `(weeks, columns)`; the first column is the intercept's.
        components: for each column, the `(component_type, component)` that its effect belongs to.
        prior_mean: of each coefficient, on the scaled outcome.
        prior_sd: of each coefficient, on the scaled outcome.
    """

    matrix: Floats
    components: tuple[tuple[str, str], ...]
    prior_mean: Floats
    prior_sd: Floats


def baseline_design(panel: Panel, spec: ModelSpec, scales: Scales) -> Design:
    """Intercept, linear trend, yearly Fourier terms and standardised controls of a panel.

    Priors as the seed's baseline: intercept ~ Normal(mean, 2 sd) and every slope ~ Normal(0, sd)
    of the scaled outcome, on standardised regressors.
    """
    blocks = [(np.ones((len(panel), 1)), ("baseline", "baseline"))]
    if spec.trend:
        weeks = (panel.weeks - np.datetime64(scales.first_week)).astype(np.float64) / 7.0
        standardised = (weeks - scales.time_mean) / scales.time_sd
        blocks.append((standardised[:, None], ("trend", "trend")))
    if spec.fourier_order:
        fourier = _fourier_terms(panel, spec.fourier_order)
        blocks.append((fourier, ("seasonality", "seasonality")))
    controls = (panel.controls - np.array(scales.control_mean)) / np.array(scales.control_sd)
    blocks += [(controls[:, [j]], ("control", name)) for j, name in enumerate(panel.control_names)]
    matrix = np.concatenate([columns for columns, _ in blocks], axis=1)
    prior_mean = np.zeros(matrix.shape[1])
    prior_mean[0] = 1.0
    prior_sd = np.full(matrix.shape[1], scales.outcome_sd)
    prior_sd[0] *= 2.0
    labels = [label for columns, label in blocks for _ in range(columns.shape[1])]
    return Design(matrix, tuple(labels), prior_mean, prior_sd)


def _fourier_terms(panel: Panel, order: int) -> Floats:
    days = panel.weeks.astype(np.float64)
    phase = 2.0 * np.pi * np.outer(days / DAYS_PER_YEAR, np.arange(1, order + 1))
    return np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
