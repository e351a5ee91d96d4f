"""The published estimands as tidy frames: each defined here and nowhere else.

Statistics of a quantity stand in columns `<name>_mean, _median, _sd, _ci_lo, _ci_hi`, the interval
equal-tailed at `ci_level`. Money is in the panel's currency. Rows of `ALL_SERIES` are sums over the
series, where there are several.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from hill_mmm._model.adstock import adstock_weights
from hill_mmm._posterior import Posterior, flatten, over_draws
from hill_mmm._results.components import component
from hill_mmm._results.decompose import Decomposition, with_total
from hill_mmm._results.lift_tests import LiftWithoutTest, lift_test
from hill_mmm._results.prior_effect import contribution_prior
from hill_mmm._results.response import Basis, CurvePoints, response_points, total_response
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import Floats
from hill_mmm.spec import AdstockKind

CURVE_MULTIPLIERS: Mapping[Basis, Floats] = {
    "steady_state": np.arange(1, 41) / 20.0,
    "historical_pattern": np.arange(1, 9) / 4.0,
}
# Periods of the channel summary: the last so many weeks of those fitted to; None for all.
PERIODS: Mapping[str, int | None] = {"all": None, "last_52_weeks": 52, "last_13_weeks": 13}
DECAY_LAGS = 14


@dataclass(frozen=True)
class Estimates:
    """Everything that is published of a fit, but its diagnostics.

    Attributes:
        channel_summary: a row for each series, medium and period.
        contribution: a row for each series, week and part of the expected outcome.
        response_curve: a row for each series, channel, basis and grid point.
        model_fit: a row for each series and week.
        adstock_decay: a row for each medium and lag.
        component: a row for each series, medium and component of the mixture.
        lift_test: a row for each lift test.
    """

    channel_summary: pd.DataFrame
    contribution: pd.DataFrame
    response_curve: pd.DataFrame
    model_fit: pd.DataFrame
    adstock_decay: pd.DataFrame
    component: pd.DataFrame
    lift_test: pd.DataFrame


def estimates(
    posterior: Posterior, ci_level: float = 0.9, without_test: Sequence[LiftWithoutTest] = ()
) -> Estimates:
    """Every estimand of a fit, one series in memory at a time.

    Args:
        posterior: the fit.
        ci_level: of the intervals.
        without_test: what the model says without each lift test, see `lift_test`.
    """
    summary: list[pd.DataFrame] = []
    contributions: list[pd.DataFrame] = []
    fitted: list[pd.DataFrame] = []
    for part in with_total(posterior):
        summary.append(channel_summary(posterior, part, ci_level))
        contributions.append(contribution(part, ci_level))
        fitted.append(model_fit(part, ci_level))
    return Estimates(
        channel_summary=pd.concat(summary, ignore_index=True),
        contribution=pd.concat(contributions, ignore_index=True),
        response_curve=response_curve(posterior, ci_level),
        model_fit=pd.concat(fitted, ignore_index=True),
        adstock_decay=adstock_decay(posterior, ci_level),
        component=component(posterior, ci_level),
        lift_test=lift_test(posterior, ci_level, without_test),
    )


def channel_summary(posterior: Posterior, part: Decomposition, ci_level: float) -> pd.DataFrame:
    """Spend, contribution, ROI and marginal ROI of each medium over each period.

    ROI is contribution divided by spend, in money: of a count, contributions times its value per
    unit, and NaN without one. mROI is the derivative of the outcome by a uniform relative
    increase of the channel's spend, divided by its spend; CPIK spend divided by contribution, the
    cost per incremental unit of an outcome that is not money. They are NaN where nothing was spent,
    as for organic media. Spend of earlier weeks that works in a period counts in it. `roi_learned`
    is the share of the prior variance of the medium's log effect over all weeks that the data
    removed: near 0, the result is the prior's. It is NaN under the seed's amplitude prior.
    """
    periods = {
        period: weeks or part.n_fitted
        for period, weeks in PERIODS.items()
        if weeks is None or weeks < part.n_fitted
    }
    learned = _learned(posterior, part)
    return pd.concat(
        [
            period_summary(
                part, slice(part.n_fitted - weeks, part.n_fitted), ci_level, posterior.spec.worth
            ).assign(period=period, roi_learned=learned)
            for period, weeks in periods.items()
        ],
        ignore_index=True,
    )


def period_summary(
    part: Decomposition, weeks: slice, ci_level: float, worth: float
) -> pd.DataFrame:
    """The rows of some weeks; `worth` is the money that a unit of the outcome is worth."""
    organic = len(part.media_names) - len(part.channels)
    spend = np.append(part.spend[weeks].sum(axis=0), np.zeros(organic))
    paid = np.where(spend > 0, spend, np.nan)
    contribution = part.media[:, weeks].sum(axis=1)
    expected = part.expected[:, weeks].sum(axis=1, keepdims=True)
    roi = worth * contribution / paid
    with np.errstate(divide="ignore"):
        cpik = paid / contribution
    return pd.DataFrame(
        {
            "series_key": part.series,
            "channel": part.media_names,
            "is_paid": np.arange(len(spend)) < len(part.channels),
            "spend": spend,
            "spend_share": spend / spend.sum() if spend.sum() > 0 else np.nan,
            **statistics("contribution", contribution, ci_level),
            **statistics("contribution_share", contribution / expected, ci_level),
            **statistics("roi", roi, ci_level),
            **statistics("mroi", worth * part.media_gain[:, weeks].sum(axis=1) / paid, ci_level),
            "cpik_median": np.median(cpik, axis=0),
            "prob_roi_gt_1": np.where(np.isnan(roi).any(axis=0), np.nan, (roi > 1).mean(axis=0)),
            "ci_level": ci_level,
        }
    )


def _learned(posterior: Posterior, part: Decomposition) -> Floats:
    if posterior.spec.amplitude_prior == "seed":
        return np.full(len(part.media_names), np.nan)
    contribution = part.media[:, : part.n_fitted].sum(axis=1)
    # A medium that the series does not have brings exactly 0, and nothing is learned of it.
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.log(contribution).var(axis=0)
    learned = 1.0 - spread / contribution_prior(posterior, part.series).variance
    return np.clip(learned, 0.0, 1.0)


def contribution(part: Decomposition, ci_level: float) -> pd.DataFrame:
    """Every part of every week's expected outcome; the parts of a week sum to it.

    Media are counted from zero. Trend, seasonality and controls are deviations from their mean over
    the weeks fitted to, which stands in the baseline.
    """
    paid = len(part.channels)
    types = ["channel" if medium < paid else "organic" for medium in range(len(part.media_names))]
    labels = [*zip(types, part.media_names, strict=True), *part.baseline_parts]
    blocks = [*np.moveaxis(part.media, 2, 0), *np.moveaxis(part.baseline, 2, 0)]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "series_key": part.series,
                    "week_start": part.weeks,
                    "component_type": component_type,
                    "component": component,
                    **statistics("contribution", draws, ci_level),
                    "ci_level": ci_level,
                }
            )
            for (component_type, component), draws in zip(labels, blocks, strict=True)
        ],
        ignore_index=True,
    )


def response_curve(posterior: Posterior, ci_level: float) -> pd.DataFrame:
    """Weekly outcome and mROI of each paid channel against its weekly spend.

    On two bases (see `CurvePoints`): at steady state, and against multiples of the historical
    pattern. The mROI is in money, and NaN for a count without a value per unit.
    """
    worth = posterior.spec.worth
    frames: list[pd.DataFrame] = []
    for basis, multipliers in CURVE_MULTIPLIERS.items():
        running: CurvePoints | None = None
        for series in range(len(posterior.panel.series)):
            points = response_points(posterior, series, multipliers, basis)
            frames += _curve_rows(points, posterior.panel.channels, ci_level, worth)
            running = points if running is None else total_response([running, points])
        if running is not None and len(posterior.panel.series) > 1:
            frames += _curve_rows(running, posterior.panel.channels, ci_level, worth)
    return pd.concat(frames, ignore_index=True)


def response_draws(posterior: Posterior, count: int) -> pd.DataFrame:
    """Single draws of the response curves of all series together, for intervals of any sum.

    Where an interval of several channels at once is asked for, add the channels draw by draw first:
    their effects are not independent, and intervals do not add up.

    Args:
        posterior: the fit.
        count: how many draws, evenly spaced over all of them; 0 for none.

    Returns:
        `series_key, channel, basis, grid_index, draw_index, contribution`, the grid that of
        `response_curve`; `draw_index` counts the draws taken, and is the same draw everywhere.
    """
    taken = posterior.evenly_spaced(max(count, 1))
    few = replace(posterior, draws={s: flatten(v)[taken][None] for s, v in posterior.draws.items()})
    frames: list[pd.DataFrame] = []
    for basis, multipliers in CURVE_MULTIPLIERS.items():
        parts = [
            response_points(few, series, multipliers, basis)
            for series in range(len(few.panel.series))
        ]
        points = parts[0] if len(parts) == 1 else total_response(parts)
        draw, grid = np.indices(points.contribution.shape[:2])
        frames += [
            pd.DataFrame(
                {
                    "series_key": points.series,
                    "channel": name,
                    "basis": basis,
                    "grid_index": grid.ravel(),
                    "draw_index": draw.ravel(),
                    "contribution": points.contribution[:, :, channel].ravel(),
                }
            )
            for channel, name in enumerate(few.panel.channels)
            if points.weekly_spend[:, channel].any()
        ]
    rows = pd.concat(frames, ignore_index=True)
    return rows if count else rows.head(0)


def _curve_rows(
    points: CurvePoints, channels: tuple[str, ...], ci_level: float, worth: float
) -> list[pd.DataFrame]:
    """A frame for each channel that the series spends on; a control region may have none."""
    mroi = worth * points.mroi
    return [
        pd.DataFrame(
            {
                "series_key": points.series,
                "channel": name,
                "basis": points.basis,
                "grid_index": np.arange(len(points.multipliers)),
                "spend_multiplier": points.multipliers,
                "weekly_spend": points.weekly_spend[:, channel],
                **statistics("contribution", points.contribution[:, :, channel], ci_level),
                **statistics("mroi", mroi[:, :, channel], ci_level),
                "is_extrapolated": points.is_extrapolated[:, channel],
                "ci_level": ci_level,
            }
        )
        for channel, name in enumerate(channels)
        if points.weekly_spend[:, channel].any()
    ]


def model_fit(part: Decomposition, ci_level: float) -> pd.DataFrame:
    """Actual against expected outcome by week, with the predictive interval of the actual.

    Weeks after those fitted to are the `holdout` set.
    """
    expected = part.expected
    predicted = statistics("predicted", part.predicted, ci_level)
    held_out = np.arange(len(part.weeks)) >= part.n_fitted
    return pd.DataFrame(
        {
            "series_key": part.series,
            "week_start": part.weeks,
            "evaluation_set": np.where(held_out, "holdout", "train"),
            "actual": part.outcome,
            **statistics("expected", expected, ci_level),
            "baseline_mean": part.baseline.sum(axis=2).mean(axis=0),
            "residual": part.outcome - expected.mean(axis=0),
            "predicted_ci_lo": predicted["predicted_ci_lo"],
            "predicted_ci_hi": predicted["predicted_ci_hi"],
            "ci_level": ci_level,
        }
    )


def adstock_decay(posterior: Posterior, ci_level: float) -> pd.DataFrame:
    """The share of a week's spend that works in each week after it, with the half-life.

    The half-life is the number of weeks, that of the spend included, in which half of the effect
    has come.
    """
    kind = posterior.spec.adstock
    parameters = flatten(posterior.draws["adstock"])
    draws = np.asarray(_decay_by_draw(jnp.asarray(parameters), kind))
    reached = np.cumsum(draws, axis=1) >= 0.5
    half_life = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "channel": name,
                    "lag": np.arange(DECAY_LAGS),
                    **statistics("weight", draws[:, :, medium], ci_level),
                    "half_life_weeks": float(np.median(half_life[:, medium])),
                    "ci_level": ci_level,
                }
            )
            for medium, name in enumerate(posterior.panel.media_names)
        ],
        ignore_index=True,
    )


@partial(jax.jit, static_argnums=1)
def _decay_by_draw(parameters: jax.Array, kind: AdstockKind) -> jax.Array:
    return over_draws(lambda draw: adstock_weights(kind, draw, DECAY_LAGS), parameters)
