"""Frozen scales of a model version, and the baseline's regressors on them."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.signal import lfilter

from hill_mmm._model.calendar import event_columns, holiday_columns, holiday_names
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import ModelSpec

DAYS_PER_YEAR = 365.25
# Between the changes of slope of a piecewise trend.
WEEKS_PER_KNOT = 26
# Where the prior of half-saturation is located: the median adstocked spend at the prior mean of
# alpha ~ Beta(2, 2).
REFERENCE_ALPHA = 0.5
# The seed leaves A_loc to "data prep"; the published code behind it takes 0.3 of the range.
SEED_AMPLITUDE_FRACTION = 0.3


@dataclass(frozen=True, eq=False)
class Scales:
    """Everything derived from the training data that the model's meaning depends on.

    A holdout, a forecast or a refit of the same model version is put on these scales.

    Attributes:
        series: names, to which the rows below belong.
        media: names of paid channels and organic media.
        controls: names.
        outcome: mean outcome by series, in its unit; the model sees outcome divided by it.
        spend: mean of the weeks with spend (or exposure), `(series, media)`; 1 where there is none.
        outcome_sd: standard deviation of the scaled outcome, by series.
        amplitude_loc: the seed's `A_loc` on the scaled outcome, by series.
        log_half_saturation: log of the median adstocked scaled spend by medium, at alpha = 0.5.
        first_week: ISO date of the time origin.
        time_mean: mean of the week number since `first_week`.
        time_sd: its standard deviation.
        knots: week numbers at which a piecewise trend may change its slope.
        holidays: names of the holidays that have a coefficient.
        control_mean: `(series, controls)`.
        control_sd: `(series, controls)`; 1 for one that does not vary in the training weeks.
    """

    series: tuple[str, ...]
    media: tuple[str, ...]
    controls: tuple[str, ...]
    outcome: Floats
    spend: Floats
    outcome_sd: Floats
    amplitude_loc: Floats
    log_half_saturation: Floats
    first_week: str
    time_mean: float
    time_sd: float
    knots: Floats
    holidays: tuple[str, ...]
    control_mean: Floats
    control_sd: Floats

    @classmethod
    def of(cls, panel: Panel, spec: ModelSpec) -> "Scales":
        """The scales of a training panel."""
        scale = np.nanmean(panel.outcome, axis=0)
        active = panel.media > 0
        spend = panel.media.sum(axis=0) / np.maximum(active.sum(axis=0), 1)
        spend = np.where(spend > 0, spend, 1.0)
        observed = np.where(panel.observed[:, :, None], panel.controls, np.nan)
        control_sd = np.nanstd(observed, axis=0)
        time = np.arange(len(panel))
        extent = np.nanmax(panel.outcome, axis=0) - np.nanmin(panel.outcome, axis=0)
        return cls(
            series=panel.series,
            media=panel.media_names,
            controls=panel.control_names,
            outcome=scale,
            spend=spend,
            outcome_sd=np.nanstd(panel.outcome, axis=0) / scale,
            amplitude_loc=np.log(SEED_AMPLITUDE_FRACTION * extent / scale),
            log_half_saturation=_log_median_adstock(panel.media / spend),
            first_week=str(panel.weeks[0]),
            time_mean=float(time.mean()),
            time_sd=float(time.std()),
            knots=np.arange(WEEKS_PER_KNOT, len(panel) - WEEKS_PER_KNOT / 2, WEEKS_PER_KNOT),
            holidays=holiday_names(panel.weeks, spec.holidays) if spec.holidays else (),
            control_mean=np.nanmean(observed, axis=0),
            control_sd=np.where(control_sd > 0, control_sd, 1.0),
        )

    def require_same_variables(self, panel: Panel) -> None:
        """Refuse a panel that these scales do not describe.

        Raises:
            ValueError: if its series, media or controls are others.
        """
        found = (panel.series, panel.media_names, panel.control_names)
        expected = (self.series, self.media, self.controls)
        for name, has, wants in zip(("series", "media", "controls"), found, expected, strict=True):
            if has != wants:
                raise ValueError(
                    f"the panel's {name} are {has}, those of the model version are {wants}: "
                    "fit a new model version (without scales) to change them"
                )

    def as_dict(self) -> dict[str, Any]:
        """The scales as plain values, for JSON."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Scales":
        """The scales back from `as_dict`, through JSON or not."""
        names = {"series", "media", "controls", "holidays"}
        fields: dict[str, Any] = {
            name: (tuple(value) if name in names else np.array(value, dtype=np.float64))
            if isinstance(value, list | tuple)
            else value
            for name, value in values.items()
        }
        shape = (len(fields["series"]), len(fields["controls"]))
        # JSON forgets the second extent of an array without columns.
        return cls(
            **fields
            | {name: fields[name].reshape(shape) for name in ("control_mean", "control_sd")}
        )


def _log_median_adstock(scaled_spend: Floats) -> Floats:
    columns = reference_adstock(scaled_spend).reshape(-1, scaled_spend.shape[-1]).T
    medians = [np.median(column[column > 1e-3]) if column.any() else 1.0 for column in columns]
    return np.log(medians)


def reference_adstock(spend: Floats) -> Floats:
    """Geometric adstock at `REFERENCE_ALPHA`, weeks on the first axis."""
    return np.asarray(lfilter([1.0 - REFERENCE_ALPHA], [1.0, -REFERENCE_ALPHA], spend, axis=0))


@dataclass(frozen=True)
class Design:
    """The baseline's regressors on the model's scales.

    Attributes:
        matrix: shape `(weeks, series, columns)`; the first column is the intercept's. Zero in the
            weeks before a series starts.
        parts: for each column, the `(component_type, component)` that its effect belongs to.
        prior_mean: of each coefficient (on average over the series), on the scaled outcome.
        prior_sd: of each coefficient, on the scaled outcome.
        signed: standardised controls with a sign, `(weeks, series, signed)`.
        signed_parts: their `(component_type, component)`.
        directions: +1 or -1 for each of them.
        signed_prior_sd: of the size of their coefficients.
    """

    matrix: Floats
    parts: tuple[tuple[str, str], ...]
    prior_mean: Floats
    prior_sd: Floats
    signed: Floats
    signed_parts: tuple[tuple[str, str], ...]
    directions: Floats
    signed_prior_sd: Floats


def baseline_design(panel: Panel, spec: ModelSpec, scales: Scales) -> Design:
    """Intercept, trend, yearly Fourier terms, holidays, events and standardised controls.

    Priors as the seed's baseline: intercept ~ Normal(mean, 2 sd) and every slope ~ Normal(0, sd)
    of the scaled outcome, on standardised regressors; half of that for changes of slope.

    Raises:
        ValueError: if `spec.control_signs` names a control that the panel does not have.
    """
    unknown = sorted(set(spec.control_signs) - set(panel.control_names))
    if unknown:
        raise ValueError(f"control_signs name {unknown}, not among {panel.control_names}")
    sd = float(np.sqrt(np.mean(scales.outcome_sd**2)))
    blocks = _calendar_blocks(panel, spec, scales, sd)
    controls = (panel.controls - scales.control_mean) / scales.control_sd
    controls *= panel.observed[:, :, None]
    free = [j for j, name in enumerate(panel.control_names) if name not in spec.control_signs]
    signed = [j for j, name in enumerate(panel.control_names) if name in spec.control_signs]
    names = panel.control_names
    blocks += [(controls[:, :, [j]], ("control", names[j]), sd) for j in free]
    matrix = np.concatenate([columns for columns, *_ in blocks], axis=2)
    prior_mean = np.zeros(matrix.shape[2])
    prior_mean[0] = 1.0
    widths = [columns.shape[2] for columns, *_ in blocks]
    signs = [spec.control_signs[names[j]] for j in signed]
    return Design(
        matrix=matrix * panel.observed[:, :, None],
        parts=tuple(part for (_, part, _), n in zip(blocks, widths, strict=True) for _ in range(n)),
        prior_mean=prior_mean,
        prior_sd=np.repeat([prior_sd for *_, prior_sd in blocks], widths),
        signed=controls[:, :, signed],
        signed_parts=tuple(("control", names[j]) for j in signed),
        directions=np.array([1.0 if sign == "positive" else -1.0 for sign in signs]),
        signed_prior_sd=np.full(len(signed), sd),
    )


_Block = tuple[Floats, tuple[str, str], float]


def _calendar_blocks(panel: Panel, spec: ModelSpec, scales: Scales, sd: float) -> list[_Block]:
    """The regressors that only the calendar decides: columns, part and prior scale."""
    columns: list[tuple[Floats, tuple[str, str], float]] = [
        (np.ones((len(panel), 1)), ("baseline", "baseline"), 2.0 * sd)
    ]
    weeks = (panel.weeks - np.datetime64(scales.first_week)).astype(np.float64) / 7.0
    if spec.trend != "none":
        standardised = (weeks - scales.time_mean) / scales.time_sd
        columns.append((standardised[:, None], ("trend", "trend"), sd))
    if spec.trend == "piecewise" and len(scales.knots):
        hinges = np.maximum(weeks[:, None] - scales.knots, 0.0) / scales.time_sd
        columns.append((hinges, ("trend", "trend"), 0.5 * sd))
    if spec.fourier_order:
        fourier = _fourier_terms(panel, spec.fourier_order)
        columns.append((fourier, ("seasonality", "seasonality"), sd))
    if spec.holidays:
        days = holiday_columns(panel.weeks, spec.holidays, scales.holidays)
        columns += [
            (days[:, [column]], ("holiday", name), sd)
            for column, name in enumerate(scales.holidays)
        ]
    if spec.events:
        days = event_columns(panel.weeks, spec.events)
        columns += [
            (days[:, [column]], ("event", name), sd) for column, name in enumerate(spec.events)
        ]
    one_series = [(block[:, None, :], part, prior_sd) for block, part, prior_sd in columns]
    series = len(panel.series)
    return [
        (np.repeat(block, series, axis=1), part, prior_sd) for block, part, prior_sd in one_series
    ]


def _fourier_terms(panel: Panel, order: int) -> Floats:
    days = panel.weeks.astype(np.float64)
    phase = 2.0 * np.pi * np.outer(days / DAYS_PER_YEAR, np.arange(1, order + 1))
    return np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
