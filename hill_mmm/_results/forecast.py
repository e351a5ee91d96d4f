"""The forecast: what the weeks to come will bring if media and controls go on as assumed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hill_mmm._posterior import Posterior
from hill_mmm._results.accuracy import SEASON
from hill_mmm._results.continuation import RECENT_WEEKS, Words, continued_controls
from hill_mmm._results.decompose import Decomposition, with_total
from hill_mmm.panel import Floats, Integers, Panel
from hill_mmm.spec import FORECAST_LEVELS, Continuation, quantile_name

Bools = NDArray[np.bool_]


def continued(
    panel: Panel,
    weeks: int,
    continues: Mapping[str, Continuation] | None = None,
    planned: pd.DataFrame | None = None,
) -> tuple[Panel, Bools, Words]:
    """The panel with weeks to come, in which media are as they were a year ago.

    The same week of last year is 52 weeks before. A medium that had not begun by then goes on at
    its mean of the last 8 weeks. Controls go on as `continued_controls` says.

    Args:
        panel: the weeks known.
        weeks: number of weeks to come, at least 1.
        continues: how controls go on, by name, where not as by default.
        planned: `series_key, week_start, variable, value` of controls in weeks to come.

    Returns:
        The panel, whose outcome is NaN in the weeks to come; which of its media are as they were a
        year ago, `(weeks to come, series, media)`; and how each control was taken to go on,
        `(weeks to come, series, controls)`.

    Raises:
        ValueError: if no weeks are asked for, or a control is not the panel's.
    """
    if weeks < 1:
        raise ValueError(f"a forecast is of at least 1 week, not {weeks}")
    begun = np.where(panel.media.any(axis=0), (panel.media > 0).argmax(axis=0), 0)
    media, as_last_year = _continued_values(panel.media, begun, weeks)
    controls = continued_controls(panel, weeks, continues or {}, planned)
    longer = panel.extended(media, controls.values)
    return longer, as_last_year, controls.assumption


def _continued_values(values: Floats, begun: Integers, weeks: int) -> tuple[Floats, Bools]:
    known, recent = len(values), values[-RECENT_WEEKS:].mean(axis=0)
    longer = np.concatenate([values, np.empty((weeks, *values.shape[1:]))])
    as_last_year = np.empty((weeks, *values.shape[1:]), dtype=bool)
    # One after the other: beyond a year, the year before is itself one to come.
    for ahead in range(weeks):
        year_before = known + ahead - SEASON
        as_last_year[ahead] = year_before >= begun
        longer[known + ahead] = np.where(as_last_year[ahead], longer[year_before], recent)
    return longer[known:], as_last_year


def forecast(
    posterior: Posterior,
    weeks: int,
    panel: Panel | None = None,
    *,
    continues: Mapping[str, Continuation] | None = None,
    planned: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The outcome of the weeks to come, with its distribution.

    Carry-over, trend, seasonality, holidays and the specification's events run on; media and
    controls are those of `continued`.

    Args:
        posterior: the fit.
        weeks: number of weeks to come, at least 1.
        panel: the weeks known by now, which start with the fit's; by default those fitted to.
        continues: how controls go on, by name, where not as by default.
        planned: `series_key, week_start, variable, value` of controls in weeks to come, for those
            that continue as `given`.

    Returns:
        A row for each series (and their sum, where there are several) and week to come:
        `series_key, week_start`, `horizon` (1 for the first), `planned_spend` of all channels,
        `spend_assumption` (`last_year`, `recent_mean` or, where media differ, `mixed`),
        `control_assumption` (such as `price: trend, strike: absent`; None without controls),
        `effect_as_of` (the week whose effects go on, if any medium's effect moves; else NaT),
        `outcome_mean`, `outcome_sd` and quantiles `outcome_q05` to `outcome_q95`, all in the
        outcome's unit and of the outcome itself, noise included.

    Raises:
        ValueError: if no weeks are asked for, a control is not the panel's, or the panel does not
            go with the fit.
    """
    known = panel or posterior.panel
    longer, as_last_year, assumed = continued(known, weeks, continues, planned)
    as_of = np.fmax.reduce(posterior.effect_as_of(posterior.panel.media_names))
    return pd.concat(
        [
            _series_forecast(part, weeks).assign(
                spend_assumption=_spend_assumption(as_last_year, known, part.series),
                control_assumption=_control_assumption(assumed, known, part.series),
                effect_as_of=as_of,
            )
            for part in with_total(posterior, longer)
        ],
        ignore_index=True,
    )


def _series_forecast(part: Decomposition, weeks: int) -> pd.DataFrame:
    outcome = part.predicted[:, -weeks:]
    quantiles = np.quantile(outcome, FORECAST_LEVELS, axis=0)
    return pd.DataFrame(
        {
            "series_key": part.series,
            "week_start": part.weeks[-weeks:],
            "horizon": np.arange(1, weeks + 1),
            "planned_spend": part.spend[-weeks:].sum(axis=1),
            # Of the expected outcome: the same mean, without the noise of its draws.
            "outcome_mean": part.expected[:, -weeks:].mean(axis=0),
            "outcome_sd": outcome.std(axis=0, ddof=1),
            **{
                quantile_name(level): values
                for level, values in zip(FORECAST_LEVELS, quantiles, strict=True)
            },
        }
    )


def _spend_assumption(as_last_year: Bools, panel: Panel, series: str) -> list[str]:
    """Of each week, over the media that the series has."""
    counted = [panel.series.index(series)] if series in panel.series else slice(None)
    has = np.any(panel.media, axis=0)[counted]
    of_its_media = as_last_year[:, counted][:, has]
    names = np.where(of_its_media.any(axis=1), "mixed", "recent_mean")
    return np.where(of_its_media.all(axis=1), "last_year", names).tolist()


def _control_assumption(assumed: Words, panel: Panel, series: str) -> list[Any]:
    """Of each week, over the series counted: a control that differs between them has every word."""
    counted = [panel.series.index(series)] if series in panel.series else slice(None)
    if not panel.control_names:
        return [None] * len(assumed)
    return [
        ", ".join(
            f"{name}: {' or '.join(dict.fromkeys(words))}"
            for name, words in zip(panel.control_names, of_week.T, strict=True)
        )
        for of_week in assumed[:, counted]
    ]
