"""The frozen scales of a model version, to which every panel of it is put."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.signal import lfilter

from hill_mmm._model.calendar import holiday_names
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import ModelSpec

# Between the changes of slope of a piecewise trend.
WEEKS_PER_KNOT = 26
# Where the prior of half-saturation is located: the median adstocked spend at the prior mean of
# alpha ~ Beta(2, 2).
REFERENCE_ALPHA = 0.5
# The seed leaves A_loc to "data prep"; the code behind it takes 0.3 of the range (docs/seed.md,
# section 6.2).
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
        first_week: ISO date of the time origin, the first week with an outcome.
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
        weeks = panel.outcome_weeks
        time = np.arange(len(weeks))
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
            first_week=str(weeks[0]),
            time_mean=float(time.mean()),
            time_sd=float(time.std()),
            knots=np.arange(WEEKS_PER_KNOT, len(time) - WEEKS_PER_KNOT / 2, WEEKS_PER_KNOT),
            holidays=holiday_names(weeks, spec.holidays) if spec.holidays else (),
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
