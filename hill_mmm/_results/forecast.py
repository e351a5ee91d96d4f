"""The forecast: what the weeks to come will bring if media and controls go on as they did."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hill_mmm._posterior import Posterior
from hill_mmm._results.accuracy import SEASON
from hill_mmm._results.decompose import Decomposition, with_total
from hill_mmm.panel import WEEK, Floats, Integers, Panel
from hill_mmm.spec import FORECAST_LEVELS, quantile_name

# What a series does now, where it has no last year: long enough to hold a pause of a campaign.
RECENT_WEEKS = 8

Bools = NDArray[np.bool_]


def continued(panel: Panel, weeks: int) -> tuple[Panel, Bools]:
    """The panel with weeks to come, in which media and controls are as they were a year ago.

    The same week of last year is 52 weeks before. A medium that had not begun by then (or a control
    of a series that had not) goes on at its mean of the last 8 weeks.

    Args:
        panel: the weeks known.
        weeks: number of weeks to come, at least 1.

    Returns:
        The panel, whose outcome is NaN in the weeks to come; and which of its media are as they
        were a year ago, `(weeks to come, series, media)`.

    Raises:
        ValueError: if no weeks are asked for.
    """
    if weeks < 1:
        raise ValueError(f"a forecast is of at least 1 week, not {weeks}")
    begun = np.where(panel.media.any(axis=0), (panel.media > 0).argmax(axis=0), 0)
    media, as_last_year = _continued_values(panel.media, begun, weeks)
    controls, _ = _continued_values(panel.controls, panel.starts[:, None], weeks)
    paid = len(panel.channels)
    unknown = np.full((weeks, len(panel.series)), np.nan)
    longer = replace(
        panel,
        weeks=np.concatenate([panel.weeks, panel.weeks[-1] + WEEK * np.arange(1, weeks + 1)]),
        outcome=np.concatenate([panel.outcome, unknown]),
        spend=media[:, :, :paid],
        organic=media[:, :, paid:],
        controls=controls,
    )
    return longer, as_last_year


def _continued_values(values: Floats, begun: Integers, weeks: int) -> tuple[Floats, Bools]:
    known, recent = len(values), values[-RECENT_WEEKS:].mean(axis=0)
    longer = np.concatenate([values, np.empty((weeks, *values.shape[1:]))])
    as_last_year = np.empty((weeks, *values.shape[1:]), dtype=bool)
    # One after the other: beyond a year, the year before is itself one to come.
    for ahead in range(weeks):
        year_before = known + ahead - SEASON
        as_last_year[ahead] = year_before >= begun
        longer[known + ahead] = np.where(as_last_year[ahead], longer[year_before], recent)
    return longer, as_last_year


def forecast(posterior: Posterior, weeks: int, panel: Panel | None = None) -> pd.DataFrame:
    """The outcome of the weeks to come, with its distribution.

    Carry-over, trend, seasonality, holidays and the specification's events run on; media and
    controls are those of `continued`.

    Args:
        posterior: the fit.
        weeks: number of weeks to come, at least 1.
        panel: the weeks known by now, which start with the fit's; by default those fitted to.

    Returns:
        A row for each series (and their sum, where there are several) and week to come:
        `series_key, week_start`, `horizon` (1 for the first), `planned_spend` of all channels,
        `spend_assumption` (`last_year`, `recent_mean` or, where media differ, `mixed`),
        `outcome_mean`, `outcome_sd` and quantiles `outcome_q05` to `outcome_q95`, all in the
        outcome's unit and of the outcome itself, noise included.

    Raises:
        ValueError: if no weeks are asked for, or the panel does not go with the fit.
    """
    known = panel or posterior.panel
    longer, as_last_year = continued(known, weeks)
    return pd.concat(
        [
            _series_forecast(part, weeks, _spend_assumption(as_last_year, known, part.series))
            for part in with_total(posterior, longer)
        ],
        ignore_index=True,
    )


def _series_forecast(part: Decomposition, weeks: int, assumption: list[str]) -> pd.DataFrame:
    outcome = part.predicted[:, -weeks:]
    quantiles = np.quantile(outcome, FORECAST_LEVELS, axis=0)
    return pd.DataFrame(
        {
            "series_key": part.series,
            "week_start": part.weeks[-weeks:],
            "horizon": np.arange(1, weeks + 1),
            "planned_spend": part.spend[-weeks:].sum(axis=1),
            "spend_assumption": assumption,
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
