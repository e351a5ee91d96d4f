"""What a unit of the outcome is worth in money.

Of a count whose value the panel gives, that may move from week to week and differ between series: a
basket of another size, another price. An incremental unit is worth what the units of its week and
series are on average.
"""

import numpy as np

from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import ModelSpec

# The weeks to come are worth what so many last weeks are.
LAST_WEEKS = 13


def unit_values(panel: Panel, spec: ModelSpec) -> Floats:
    """Money that a unit of the outcome is worth, `(weeks, series)`: 1 of money, NaN if not known.

    Weeks to come are worth what the last 13 with an outcome are together; other weeks without an
    outcome, or in which nothing was sold, what all are.
    """
    if panel.value is None:
        return np.full(panel.outcome.shape, spec.unit_value)
    after = np.arange(len(panel))[:, None] >= _weeks_known(panel)
    usual = np.where(after, present_unit_value(panel, spec), mean_unit_value(panel, spec))
    return np.divide(panel.value, panel.outcome, out=usual, where=panel.outcome > 0)


def mean_unit_value(panel: Panel, spec: ModelSpec) -> Floats:
    """Money per unit over all weeks: their value over their outcome, `(series,)`."""
    if panel.value is None:
        return np.full(len(panel.series), spec.unit_value)
    return np.nansum(panel.value, axis=0) / np.nansum(panel.outcome, axis=0)


def present_unit_value(panel: Panel, spec: ModelSpec) -> Floats:
    """The same over the last 13 weeks with an outcome, `(series,)`; over all, if they sold none."""
    overall = mean_unit_value(panel, spec)
    if panel.value is None:
        return overall
    end = _weeks_known(panel)
    last = slice(max(end - LAST_WEEKS, 0), end)
    value, units = (np.nansum(of[last], axis=0) for of in (panel.value, panel.outcome))
    return np.divide(value, units, out=overall, where=units > 0)


def _weeks_known(panel: Panel) -> int:
    """How many weeks there are up to the last with an outcome."""
    return int(np.flatnonzero(np.isfinite(panel.outcome).any(axis=1))[-1]) + 1
