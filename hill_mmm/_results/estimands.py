"""The published estimands as tidy frames: each defined here and nowhere else.

Statistics of a quantity stand in columns `<name>_mean, _median, _sd, _ci_lo, _ci_hi`, the interval
equal-tailed at `ci_level`. Money is in the panel's currency. Rows of `ALL_SERIES` are sums over the
series, where there are several.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from hill_mmm._model.adstock import adstock_weights
from hill_mmm._posterior import Posterior, flatten, over_draws
from hill_mmm._results.components import component
from hill_mmm._results.confounding import robustness
from hill_mmm._results.decompose import Decomposition, overall_name, with_total
from hill_mmm._results.effect_probability import effect_probability
from hill_mmm._results.learned import LEAST_SPEND_SHARE, usual_spend
from hill_mmm._results.lift_tests import LiftWithoutTest, lift_test
from hill_mmm._results.periods import RECENT, Period, summary_periods
from hill_mmm._results.prior_effect import contribution_prior
from hill_mmm._results.prior_sensitivity import prior_sensitivity
from hill_mmm._results.response import Basis, CurvePoints, response_points, total_response
from hill_mmm._results.returns import PeriodReturns, returns_with_total
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import AdstockKind

CURVE_MULTIPLIERS: Mapping[Basis, Floats] = {
    "steady_state": np.arange(1, 41) / 20.0,
    "historical_pattern": np.arange(1, 9) / 4.0,
}
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
        prior_sensitivity: a row for each prior, trust in it, medium and metric.
    """

    channel_summary: pd.DataFrame
    contribution: pd.DataFrame
    response_curve: pd.DataFrame
    model_fit: pd.DataFrame
    adstock_decay: pd.DataFrame
    component: pd.DataFrame
    lift_test: pd.DataFrame
    prior_sensitivity: pd.DataFrame


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
    returns = period_returns(posterior, posterior.panel)
    sensitivity = pd.DataFrame()
    for part, brought in zip(with_total(posterior), returns, strict=True):
        if part.series == overall_name(posterior.panel):
            sensitivity = _sensitivity(posterior, part, brought, ci_level)
        summary.append(channel_summary(posterior, part, brought, ci_level))
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
        prior_sensitivity=sensitivity,
    )


def period_returns(posterior: Posterior, panel: Panel) -> Iterator[PeriodReturns]:
    """What the spend of each period of a summary brings, in the order of `with_total`."""
    return returns_with_total(posterior, panel, summary_periods(panel.outcome_weeks))


def channel_summary(
    posterior: Posterior, part: Decomposition, returns: PeriodReturns, ci_level: float
) -> pd.DataFrame:
    """Spend, contribution, and what the spend brought, of each medium over each period.

    `contribution` is of the period's weeks: it adds up, over weeks and with the baseline, and spend
    of earlier weeks that works in them counts in it. `incremental_outcome` is of the period's
    spend: the outcome with it less the outcome without it, in the period and the 26 weeks after it
    (see `returns_with_total`). ROI is what that is worth in money, over the spend: of a count, each
    week's at that week's value per unit, and NaN without one; mROI its derivative by a uniform
    relative increase of the period's spend, over the spend; CPIK spend over incremental outcome,
    the cost of an incremental unit of an outcome that is not money. They are NaN, and
    `no_return_reason` says why, for organic media, without spend, and where the weeks with spend
    have under 5 % of the channel's usual spend, the mean of its weeks with spend.
    `roi_hidden_driver_r2` is the share that a driver outside the model would have to explain, of
    what the model leaves over in the outcome and as much of what nothing else explains in the
    medium's contribution, to move the mean ROI across 1 (of a count without a value per unit, the
    incremental outcome to 0); `mroi_hidden_driver_r2` the same of mROI; see `robustness`.
    `carried_in_share` is the share of the contribution that rests on spend assumed before the first
    week known. `unseen_share` is the share of it that the least adstock of the weeks fitted to
    brings by itself: no week has shown what is below it, where the curve is the priors'.

    `roi_learned` is the share of the prior variance of the medium's log effect over all weeks that
    the data removed, times the share of the contribution that is not unseen: near 0, the result is
    the prior's. It is NaN under the seed's amplitude prior. `prob_effect` is the probability that
    the medium has any effect over all weeks, if before the data that was as likely as not. Where it
    is NaN, `no_prob_effect_reason` says why (see `effect_probability`).

    Args:
        posterior: the fit.
        part: all weeks of a series.
        returns: of the same series; a period of which it has no week, or no other, is left out.
        ci_level: of the intervals.
    """
    learned, expected = _learned(posterior, part), part.expected
    any_effect = effect_probability(posterior, part)
    return pd.concat(
        [
            _period_rows(part, expected, returns, index, ci_level).assign(
                roi_learned=learned,
                prob_effect=any_effect.probability,
                no_prob_effect_reason=pd.array(any_effect.reason, dtype="string"),
            )
            for index, period in enumerate(returns.periods)
            if _has(part, period)
        ],
        ignore_index=True,
    )


def _has(part: Decomposition, period: Period) -> bool:
    """Of a series that began later, the last weeks may be all that there are."""
    weeks = period.within(part.weeks)
    has_others = weeks.stop - weeks.start < len(part.weeks)
    return weeks.stop > weeks.start and (has_others or period.name not in RECENT)


def _period_rows(
    part: Decomposition,
    expected: Floats,
    returns: PeriodReturns,
    index: int,
    ci_level: float,
) -> pd.DataFrame:
    """The rows of one period, that of this index among those of `returns`."""
    period = returns.periods[index]
    weeks = period.within(part.weeks)
    spend, divisor, reason, roi, mroi = _returned(part, returns, index)
    contribution = part.media[:, weeks].sum(axis=1)
    share = contribution / expected[:, weeks].sum(axis=1, keepdims=True)
    incremental = returns.effect[:, index]
    with np.errstate(divide="ignore"):
        cpik = divisor / incremental
    days = part.weeks[weeks].astype("datetime64[s]")
    return pd.DataFrame(
        {
            "series_key": part.series,
            "channel": part.media_names,
            "period": period.name,
            "period_start": days[0],
            "period_end": days[-1] + np.timedelta64(6, "D"),
            "is_paid": np.arange(len(spend)) < len(part.channels),
            "spend": spend,
            "spend_share": spend / spend.sum() if spend.sum() > 0 else np.nan,
            **statistics("contribution", contribution, ci_level),
            **statistics("contribution_share", share, ci_level),
            "carried_in_share": _ratio(
                part.carried_in[weeks].sum(axis=0), contribution.mean(axis=0)
            ),
            "unseen_share": _ratio(part.unseen[weeks].sum(axis=0), contribution.mean(axis=0)),
            **statistics("incremental_outcome", incremental, ci_level),
            **statistics("roi", roi, ci_level),
            **statistics("mroi", mroi, ci_level),
            "cpik_median": np.median(cpik, axis=0),
            "prob_roi_gt_1": np.where(np.isnan(roi).any(axis=0), np.nan, (roi > 1).mean(axis=0)),
            "roi_hidden_driver_r2": _hidden_driver(part, roi, incremental / divisor),
            "mroi_hidden_driver_r2": _hidden_driver(part, mroi, incremental / divisor),
            "no_return_reason": pd.array(reason, dtype="string"),
            "ci_level": ci_level,
        }
    )


def _hidden_driver(part: Decomposition, returns: Floats, incremental: Floats) -> Floats:
    """Partial R2 of a driver that moves a return across 1; of a count without value, across 0.

    `incremental` is NaN where there is nothing to divide by.
    """
    mean = np.where(np.isnan(returns).any(axis=0), np.inf, returns.mean(axis=0))
    shift = np.where(np.isnan(incremental).any(axis=0), np.nan, np.abs(1.0 - 1.0 / mean))
    return robustness(shift, part.information, float(part.unexplained))


class _Returned(NamedTuple):
    """What each medium's spend of a period brought, `(media,)`; by draw, `(draws, media)`.

    Attributes:
        spend: in the period.
        divisor: the spend, NaN where a return would be read off next to nothing.
        reason: why there is no return, in words; None where there is one.
        roi: by draw.
        mroi: by draw.
    """

    spend: Floats
    divisor: Floats
    reason: list[str | None]
    roi: Floats
    mroi: Floats


def _returned(part: Decomposition, returns: PeriodReturns, index: int) -> _Returned:
    weeks = returns.periods[index].within(part.weeks)
    organic = len(part.media_names) - len(part.channels)
    spend = np.append(part.spend[weeks].sum(axis=0), np.zeros(organic))
    reason: list[str | None] = [*_no_return_reasons(part, weeks), *["organic"] * organic]
    divisor = np.where([why is None for why in reason], spend, np.nan)
    if np.isnan(returns.money[:, index]).all():
        reason = [why or "a count without a value per unit" for why in reason]
    roi, mroi = (of[:, index] / divisor for of in (returns.money, returns.gain))
    return _Returned(spend, divisor, reason, roi, mroi)


def _sensitivity(
    posterior: Posterior, part: Decomposition, returns: PeriodReturns, ci_level: float
) -> pd.DataFrame:
    """The rows of `prior_sensitivity`, over all weeks of the part."""
    whole = [period.name for period in returns.periods].index("all")
    brought = _returned(part, returns, whole)
    return prior_sensitivity(posterior, part, {"roi": brought.roi, "mroi": brought.mroi}, ci_level)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN of a medium that brings nothing."""
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def _no_return_reasons(part: Decomposition, weeks: slice) -> list[str | None]:
    """Why a paid channel has no return in a period, in words; None where it has one."""
    usual, here = usual_spend(part.spend), usual_spend(part.spend[weeks])
    return [
        "no spend"
        if not spent
        else f"spend under {LEAST_SPEND_SHARE:.0%} of the channel's usual week"
        if spent < LEAST_SPEND_SHARE * of_usual
        else None
        for spent, of_usual in zip(here, usual, strict=True)
    ]


def _learned(posterior: Posterior, part: Decomposition) -> Floats:
    if posterior.spec.amplitude_prior == "seed":
        return np.full(len(part.media_names), np.nan)
    contribution = part.media[:, : part.n_fitted].sum(axis=1)
    # A medium that the series does not have brings exactly 0, and nothing is learned of it.
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.log(contribution).var(axis=0)
    learned = 1.0 - spread / contribution_prior(posterior, part.series).variance
    unseen = _ratio(part.unseen[: part.n_fitted].sum(axis=0), contribution.mean(axis=0))
    return np.clip(learned, 0.0, 1.0) * (1.0 - unseen)


def contribution(part: Decomposition, ci_level: float) -> pd.DataFrame:
    """Every part of every week's expected outcome; the parts of a week sum to it.

    Of a mixture, each part is in the regimes that the week was in: see `decompose`.

    Media, holidays and events are counted from none, and so are controls that are events, of 0 and
    1 or 0 in most weeks. Trend and seasonality are deviations from their mean, and other controls
    from theirs over the weeks fitted to, or from the reference that the specification gives. What
    they have there stands in the baseline.
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
    pattern. The mROI is in money, at what a unit is worth in the last 13 weeks, and NaN for a count
    without a value per unit. `effect_as_of` is the week whose effect is drawn, if the channel's
    moves; else it is NaT.
    """
    frames: list[pd.DataFrame] = []
    for basis, multipliers in CURVE_MULTIPLIERS.items():
        running: CurvePoints | None = None
        for series in range(len(posterior.panel.series)):
            points = response_points(posterior, series, multipliers, basis)
            frames += _curve_rows(points, posterior, ci_level)
            running = points if running is None else total_response([running, points])
        if running is not None and len(posterior.panel.series) > 1:
            frames += _curve_rows(running, posterior, ci_level)
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


def _curve_rows(points: CurvePoints, posterior: Posterior, ci_level: float) -> list[pd.DataFrame]:
    """A frame for each channel that the series spends on; a control region may have none."""
    mroi, channels = points.mroi, posterior.panel.channels
    as_of = posterior.effect_as_of(channels)
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
                "effect_as_of": as_of[channel],
                "ci_level": ci_level,
            }
        )
        for channel, name in enumerate(channels)
        if points.weekly_spend[:, channel].any()
    ]


def model_fit(part: Decomposition, ci_level: float) -> pd.DataFrame:
    """Actual against expected outcome by week, with the predictive interval of the actual.

    Weeks after those fitted to are the `holdout` set. Of a mixture, `expected` is in the regimes
    that a week fitted to was in, while the predictive interval is of any regime.
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
