"""The baseline's regressors on the scales of a model version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hill_mmm._model.calendar import event_columns, holiday_columns
from hill_mmm._model.controls import event_controls
from hill_mmm._model.padding import padded_length
from hill_mmm._model.scales import Scales
from hill_mmm.panel import Floats, Panel, Weeks
from hill_mmm.spec import FREE_HARMONICS, ModelSpec

DAYS_PER_YEAR = 365.25
# The level walks in steps that are spread over so many weeks each, counted from the time origin.
WEEKS_PER_STEP = 4
STEPS_PER_YEAR = 52 / WEEKS_PER_STEP
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
        prior_sd: of each coefficient, on the scaled outcome; for those with a learned scale where
            that scale is 1.
        learned: number of columns by learned scale. They are the last of all, in this order.
        signed: standardised controls with a sign, `(weeks, series, signed)`.
        signed_parts: their `(component_type, component)`.
        directions: +1 or -1 for each of them.
        signed_prior_sd: of the size of their coefficients.
    """

    matrix: Floats
    parts: tuple[tuple[str, str], ...]
    prior_mean: Floats
    prior_sd: Floats
    learned: Mapping[str, int]
    signed: Floats
    signed_parts: tuple[tuple[str, str], ...]
    directions: Floats
    signed_prior_sd: Floats

    @property
    def n_learned(self) -> int:
        """Number of columns whose scale is learned."""
        return sum(self.learned.values())

    def prior_sd_at(self, scale: Floats) -> Floats:
        """Prior standard deviation of each coefficient at given scales, `(..., columns)`.

        Args:
            scale: of each learned scale, `(..., learned scales)`.
        """
        fixed = np.ones((*scale.shape[:-1], len(self.prior_sd) - self.n_learned))
        learned = np.repeat(scale, list(self.learned.values()), axis=-1)
        return self.prior_sd * np.concatenate([fixed, learned], axis=-1)


def baseline_design(panel: Panel, spec: ModelSpec, scales: Scales) -> Design:
    """Intercept, trend, yearly Fourier terms, holidays, events and standardised controls.

    Priors as the baseline of the code behind the seed (docs/seed.md, section 6.2): intercept ~
    Normal(mean, 2 sd) and every slope ~ Normal(0, sd) of the scaled outcome, on standardised
    regressors; half of that for changes of slope. Harmonics above the second share a learned share
    of the sd, and so do the steps of a smooth trend: at 1, the level walks one sd a year.

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
    learned = _learned_blocks(panel, spec, scales, sd)
    blocks += learned.values()
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
        learned={name: columns.shape[2] for name, (columns, *_) in learned.items()},
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
        free = min(spec.fourier_order, FREE_HARMONICS)
        fourier = fourier_terms(panel.weeks, range(1, free + 1))
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
    return [(_of_all_series(block, panel), part, prior_sd) for block, part, prior_sd in columns]


def _of_all_series(columns: Floats, panel: Panel) -> Floats:
    return np.repeat(columns[:, None, :], len(panel.series), axis=1)


def _learned_blocks(panel: Panel, spec: ModelSpec, scales: Scales, sd: float) -> dict[str, _Block]:
    """The regressors whose prior scale is learned, by its name; the walk last, as it goes on."""
    found: dict[str, _Block] = {}
    for name in spec.learned_scales:
        if name == "trend":
            columns, prior_sd = walk_steps(panel, scales), sd / np.sqrt(STEPS_PER_YEAR)
        else:
            finer = range(FREE_HARMONICS + 1, spec.fourier_order + 1)
            columns, prior_sd = fourier_terms(panel.weeks, finer), sd
        found[name] = (_of_all_series(columns, panel), (name, name), prior_sd)
    return found


def walk_steps(panel: Panel, scales: Scales) -> Floats:
    """A random walk's steps as regressors: each rises from 0 to 1 over its weeks, and stays there.

    They are counted from the model version's time origin and centred on the weeks that it was made
    of, so that a further week moves none of them. There are as many as the padded weeks need, so
    that panels of like length have equally many.

    Returns:
        Shape `(weeks, steps)`.
    """
    origin = np.datetime64(scales.first_week)
    week = (panel.weeks - origin).astype(np.float64) / 7.0
    first = np.floor((panel.outcome_weeks[0] - origin).astype(np.float64) / 7.0 / WEEKS_PER_STEP)
    steps = padded_length(len(panel)) // WEEKS_PER_STEP + 1
    starts = (first + np.arange(steps)) * WEEKS_PER_STEP
    version = np.arange(round(2.0 * scales.time_mean) + 1, dtype=np.float64)

    def risen(weeks: Floats) -> Floats:
        return np.clip((weeks[:, None] - starts) / WEEKS_PER_STEP, 0.0, 1.0)

    return risen(week) - risen(version).mean(axis=0)


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
