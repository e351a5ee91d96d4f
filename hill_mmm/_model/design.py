"""The baseline's regressors on the scales of a model version."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hill_mmm._model.calendar import event_columns, holiday_columns
from hill_mmm._model.controls import event_controls
from hill_mmm._model.scales import Scales
from hill_mmm.panel import Floats, Panel, Weeks
from hill_mmm.spec import ModelSpec

DAYS_PER_YEAR = 365.25
# The part that the intercept belongs to.
BASELINE = ("baseline", "baseline")


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

    Priors as the baseline of the code behind the seed (docs/seed.md, section 6.2): intercept ~
    Normal(mean, 2 sd) and every slope ~ Normal(0, sd) of the scaled outcome, on standardised
    regressors; half of that for changes of slope.

    Raises:
        ValueError: if `spec` names a control that the panel does not have.
    """
    for key in ("control_signs", "control_references", "control_roles"):
        unknown = sorted(set(getattr(spec, key)) - set(panel.control_names))
        if unknown:
            raise ValueError(f"{key} name {unknown}, not among {panel.control_names}")
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
    columns: list[_Block] = [(np.ones((len(panel), 1)), BASELINE, 2.0 * sd)]
    weeks = (panel.weeks - np.datetime64(scales.first_week)).astype(np.float64) / 7.0
    if spec.trend != "none":
        standardised = (weeks - scales.time_mean) / scales.time_sd
        columns.append((standardised[:, None], ("trend", "trend"), sd))
    if spec.trend == "piecewise" and len(scales.knots):
        hinges = np.maximum(weeks[:, None] - scales.knots, 0.0) / scales.time_sd
        columns.append((hinges, ("trend", "trend"), 0.5 * sd))
    if spec.fourier_order:
        fourier = fourier_terms(panel.weeks, range(1, spec.fourier_order + 1))
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


def control_references(panel: Panel, spec: ModelSpec, scales: Scales) -> Floats:
    """Each control's reference, standardised as its regressor, `(series, controls)`.

    The effect of a control is counted against it: 0 for an event, which may be absent; for what
    always has a value the mean of the training weeks, which is 0 on this scale.

    Args:
        panel: the weeks fitted to.
        spec: the model.
        scales: of the model version.
    """
    raw = np.where(event_controls(panel), 0.0, scales.control_mean)
    for name, value in spec.control_references.items():
        raw[:, panel.control_names.index(name)] = value
    return (raw - scales.control_mean) / scales.control_sd


def fourier_terms(weeks: Weeks, harmonics: Sequence[int]) -> Floats:
    """Sines, then cosines, of these harmonics of the year, `(weeks, 2 * harmonics)`."""
    days = weeks.astype(np.float64)
    phase = 2.0 * np.pi * np.outer(days / DAYS_PER_YEAR, np.asarray(harmonics))
    return np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
