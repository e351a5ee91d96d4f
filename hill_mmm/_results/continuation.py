"""How a control goes on in weeks whose outcome is not known yet."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hill_mmm._model.controls import event_controls
from hill_mmm._results.accuracy import SEASON
from hill_mmm.panel import WEEK, Floats, Panel
from hill_mmm.spec import Continuation

QUARTER = 13
# What a series does now, where it has no last year: long enough to hold a pause of a campaign.
RECENT_WEEKS = 8

Words = NDArray[np.object_]


class Continued(NamedTuple):
    """Controls in the weeks to come.

    Attributes:
        values: `(weeks to come, series, controls)`.
        assumption: how each was taken to go on, in a word: a `Continuation`, or `recent_mean` where
            the series is too short for it.
    """

    values: Floats
    assumption: Words


def continued_controls(
    panel: Panel,
    weeks: int,
    continues: Mapping[str, Continuation],
    planned: pd.DataFrame | None,
) -> Continued:
    """The controls of the weeks to come.

    - `last_value`: the last week's value.
    - `seasonal`: the value of 52 weeks before; the mean of the last 8 weeks where the series had
      not begun by then.
    - `trend`: `seasonal`, moved by how far the last 13 weeks are on average from the same weeks a
      year before; the mean of the last 8 weeks in a series of less than 65 weeks.
    - `absent`: 0.
    - `given`: the planned value; in a week without one, as by default.

    By default a control goes on by `trend`. An event (see `event_controls`) is `absent`, but
    `seasonal` in weeks in which it was there both one and two years before, and at its `last_value`
    where it has been there in each of the last 13 weeks: that is a state, and no event.

    Args:
        panel: the weeks known.
        weeks: number of weeks to come.
        continues: how a control goes on, by its name, where it is not as by default.
        planned: `series_key, week_start, variable, value` of what is known of weeks to come.

    Raises:
        ValueError: if `continues` names a control that the panel does not have.
    """
    unknown = sorted(set(continues) - set(panel.control_names))
    if unknown:
        raise ValueError(f"continues names {unknown}, not among {panel.control_names}")
    events = event_controls(panel)
    given = _given(panel, weeks, planned)
    shape = (weeks, len(panel.series), len(panel.control_names))
    values, words = np.empty(shape), np.empty(shape, dtype=object)
    for control, name in enumerate(panel.control_names):
        kind = continues.get(name, "default")
        if kind not in _KINDS:
            kind = "event" if events[control] else "trend"
        for series, start in enumerate(panel.starts):
            known = panel.controls[start:, series, control]
            values[:, series, control], words[:, series, control] = _KINDS[kind](known, weeks)
        if continues.get(name) == "given":
            is_known = np.isfinite(given[:, :, control])
            values[:, :, control][is_known] = given[:, :, control][is_known]
            words[:, :, control][is_known] = "given"
    return Continued(values, words)


def _last_value(known: Floats, weeks: int) -> tuple[Floats, Any]:
    return np.full(weeks, known[-1]), "last_value"


def _seasonal(known: Floats, weeks: int) -> tuple[Floats, Any]:
    values = _year_before(known, weeks, change=0.0)
    has_year = np.isfinite(values)
    recent = known[-RECENT_WEEKS:].mean()
    return np.where(has_year, values, recent), np.where(has_year, "seasonal", "recent_mean")


def _trend(known: Floats, weeks: int) -> tuple[Floats, Any]:
    if len(known) < SEASON + QUARTER:
        return np.full(weeks, known[-RECENT_WEEKS:].mean()), "recent_mean"
    change = known[-QUARTER:].mean() - known[-QUARTER - SEASON : -SEASON].mean()
    return _year_before(known, weeks, change), "trend"


def _absent(known: Floats, weeks: int) -> tuple[Floats, Any]:
    return np.zeros(weeks), "absent"


def _event(known: Floats, weeks: int) -> tuple[Floats, Any]:
    if (known[-QUARTER:] != 0).all():
        return _last_value(known, weeks)
    last_year = _year_before(known, weeks, change=0.0)
    # Of the weeks a year before those that are to come.
    two_years_ago = _year_before(known[:-SEASON], weeks, change=0.0)
    comes_again = (np.nan_to_num(last_year) != 0) & (np.nan_to_num(two_years_ago) != 0)
    return np.where(comes_again, last_year, 0.0), np.where(comes_again, "seasonal", "absent")


_KINDS: Mapping[str, Callable[[Floats, int], tuple[Floats, Any]]] = {
    "last_value": _last_value,
    "seasonal": _seasonal,
    "trend": _trend,
    "absent": _absent,
    "event": _event,
}


def _year_before(known: Floats, weeks: int, change: float) -> Floats:
    """The values of 52 weeks before and what has changed in a year; NaN before the first week.

    Beyond a year, the year before is itself one to come.
    """
    longer = np.concatenate([np.full(SEASON, np.nan), known, np.empty(weeks)])
    for week in range(len(longer) - weeks, len(longer)):
        longer[week] = longer[week - SEASON] + change
    return longer[len(longer) - weeks :]


def _given(panel: Panel, weeks: int, planned: pd.DataFrame | None) -> Floats:
    """What is planned, `(weeks, series, controls)`; NaN where nothing is."""
    values = np.full((weeks, len(panel.series), len(panel.control_names)), np.nan)
    if planned is None:
        return values
    days = pd.to_datetime(planned["week_start"]).to_numpy().astype("datetime64[D]")
    ahead = (days - panel.weeks[-1]) // WEEK - 1
    series = pd.Index(panel.series).get_indexer(pd.Index(planned["series_key"]))
    control = pd.Index(panel.control_names).get_indexer(pd.Index(planned["variable"]))
    has_place = (ahead >= 0) & (ahead < weeks) & (series >= 0) & (control >= 0)
    values[ahead[has_place], series[has_place], control[has_place]] = planned["value"].to_numpy(
        np.float64
    )[has_place]
    return values
