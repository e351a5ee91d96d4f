"""The budget planner: where the money of the weeks to come brings most, by the posterior.

The model's baseline adds to the media's effect and does not multiply it. So the season of the
horizon moves the outcome of every plan alike: a plan's gain depends on the weeks' spend alone, and
on what earlier weeks carry over into them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hill_mmm._planner.response import (
    CurrentSpend,
    PlanError,
    PlanResponse,
    compiled_effect,
    current_spend,
    marginal,
    plan_response,
    relative_value,
    unit_value,
)
from hill_mmm._planner.rounding import rounded
from hill_mmm._planner.search import Search, SearchResult, objective_of
from hill_mmm._planner.space import TOLERANCE, PlanSpace, cell_names, plan_space, reference
from hill_mmm._planner.targets import highest_mroi, highest_roi, is_mroi_reached
from hill_mmm._posterior import Posterior
from hill_mmm._results.learned import LEAST_SPEND_SHARE, is_outside, usual_spend
from hill_mmm._results.prior_sensitivity import means_by_trust
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import WEEK, Floats
from hill_mmm.spec import PlanRequest

# The best plan is looked for on so many draws; from there on it is improved, and judged, on more.
SEARCH_DRAWS = 200
JUDGE_DRAWS = 2000


PlanStatus = Literal["planned", "unsure", "worse", "kept"]


@dataclass(frozen=True)
class Plan:
    """A plan for the weeks to come, and what it is expected to bring over the reference.

    Attributes:
        request: what was asked.
        weekly: mean weekly spend of each series and channel, `(series, channels)`, in currency.
        status: `planned`; `unsure`, if the interval of its gain holds 0; `worse`, if the limits
            forbid the reference and nothing that they allow is as good; or `kept`, if the
            reference is the plan, because none that was found is better. A target ROI may cost
            outcome: its plan is `planned` whatever the gain.
        cells: a row for each series and channel.
        totals: one row: all of them together.
    """

    request: PlanRequest
    weekly: Floats
    status: PlanStatus
    cells: pd.DataFrame
    totals: pd.DataFrame


@dataclass(frozen=True)
class Scenario:
    """A scenario made ready: where it starts from, what it may do, what it is compared with.

    Attributes:
        request: what was asked.
        names: channel and series of each cell.
        current: what is spent today.
        space: the plans allowed.
        reference: what a plan is compared with, `(cells,)`.
        worth: money that a unit of the outcome is worth today; NaN if that is not known. If series
            differ, it is the mean, in whose units plans are compared.
        relative: what a unit is worth over that mean, `(cells,)`.
    """

    request: PlanRequest
    names: Sequence[tuple[str, str]]
    current: CurrentSpend
    space: PlanSpace
    reference: Floats
    worth: float
    relative: Floats

    def search(self, response: PlanResponse) -> Search:
        """The search by these draws."""
        objective = objective_of(response, self.reference, self.request)
        return Search(objective, self.space, self.request, self.current.weekly)


def plan(posterior: Posterior, request: PlanRequest | None = None, ci_level: float = 0.9) -> Plan:
    """The best allocation of spend over the weeks after the panel, in round amounts.

    Its gain is over today's allocation: the mean week of the last `horizon_weeks`, or the weeks a
    year before. For another fixed budget it is over today's split of that budget. If nothing that
    was found is better, the reference is the plan (`kept`), unless the limits forbid it. Counted is
    the outcome of the horizon and of 26 weeks after it, in which spend is as today whatever the
    plan.

    Args:
        posterior: the fit.
        request: the scenario; by default, today's budget for 13 weeks, each channel within 30 %.
        ci_level: of the intervals.

    Raises:
        PlanError: if the limits contradict each other or the data, or no plan that keeps to all of
            them was found: every plan is checked once more before it is returned; or if it is of
            an outcome without a value in money.
    """
    scenario = scenario_of(posterior, request or PlanRequest())
    rough = scenario.search(plan_response(posterior, scenario.current, SEARCH_DRAWS))
    judge = plan_response(posterior, scenario.current, JUDGE_DRAWS)
    search = scenario.search(judge)
    found = _chosen(scenario, rough, search)
    _require_mroi(scenario, rough, search, found.weekly)
    totals = _totals(posterior, scenario, judge, found, ci_level)
    return Plan(
        request=scenario.request,
        weekly=found.weekly.reshape(len(posterior.panel.series), len(posterior.panel.channels)),
        status=totals["status"].item(),
        cells=_cells(posterior, scenario, judge, found.weekly, ci_level),
        totals=totals,
    )


def scenario_of(posterior: Posterior, request: PlanRequest) -> Scenario:
    """The scenario made ready; raises what `plan` raises of its limits and its objective."""
    worth = unit_value(posterior)
    request = _in_units_of_outcome(request, worth)
    current = current_spend(posterior, request)
    compared = reference(current, request)
    space = plan_space(posterior.panel, current, compared, request)
    relative = np.repeat(relative_value(posterior), len(posterior.panel.channels))
    return Scenario(request, cell_names(posterior.panel), current, space, compared, worth, relative)


def _in_units_of_outcome(request: PlanRequest, worth: float) -> PlanRequest:
    """The request with its target or margin, which are of money, by what a unit is worth."""
    if request.objective == "fixed_budget":
        return request
    if np.isnan(worth):
        raise PlanError(
            f"{request.objective} compares the outcome with money, and a unit of this outcome has "
            "no value: set outcome.value_per_unit or value_column, or plan for a fixed_budget"
        )
    target = None if request.target is None else request.target / worth
    return replace(request, target=target, margin=request.margin * worth)


def _chosen(scenario: Scenario, rough: Search, search: Search) -> SearchResult:
    """The best plan that keeps to everything asked; the reference, if nothing is better.

    Raises:
        PlanError: if there is none.
    """
    starts = [highest_roi(rough)] if rough.is_roi else []
    best = rough.best(starts)
    tried = [SearchResult(start, search.utility(start), True) for start in starts]
    if best is not None:
        tried += [best, search.from_start(best.weekly)]
    in_round = [_in_round_amounts(search, one) for one in tried]
    allowed = [one for one in in_round if search.residual(one.weekly) <= TOLERANCE]
    if not allowed:
        raise _unreachable(scenario, search, starts, in_round)
    found = max(allowed, key=lambda one: one.utility)
    if found.utility <= 0.0 and search.residual(scenario.reference) <= TOLERANCE:
        return SearchResult(scenario.reference, 0.0, found.has_converged)
    return found


def _require_mroi(scenario: Scenario, rough: Search, search: Search, weekly: Floats) -> None:
    request = scenario.request
    if request.objective == "target_mroi" and not is_mroi_reached(search, weekly):
        highest = highest_mroi(rough, request.horizon_weeks)
        raise _missed("mROI", scenario, highest)


def _in_round_amounts(search: Search, found: SearchResult) -> SearchResult:
    weekly = rounded(search, found.weekly)
    return SearchResult(weekly, search.utility(weekly), found.has_converged)


def _unreachable(
    scenario: Scenario,
    search: Search,
    highest_by_roi: Sequence[Floats],
    tried: Sequence[SearchResult],
) -> PlanError:
    """Why none of the plans that were found can be returned."""
    for weekly in highest_by_roi:
        spent = float(weekly.sum()) * scenario.request.horizon_weeks
        highest = search.contribution(weekly) / spent if spent else 0.0
        if search.roi_shortfall(weekly) > 0.0:
            return _missed("ROI", scenario, highest)
    if not tried:
        return PlanError("no plan within the limits was found: relax steps, flights or bounds")
    nearest = min(tried, key=lambda one: search.residual(one.weekly))
    return PlanError(
        "no plan that keeps to everything asked was found; the nearest breaks "
        f"{_broken(scenario, search, nearest.weekly)}"
    )


def _missed(name: str, scenario: Scenario, highest: float) -> PlanError:
    """In money, as the target was asked for; the search is in units of the outcome."""
    request, highest = scenario.request, highest * scenario.worth
    target = (request.target or 0.0) * scenario.worth
    within = "" if request.max_change is None else f" and max_change {request.max_change:g}"
    return PlanError(
        f"the target {name} of {target:g} is out of reach: within the limits{within} the highest "
        f"expected {name} is {highest:.3g}. Lower the target, or widen max_change or limits",
        highest,
    )


def _broken(scenario: Scenario, search: Search, weekly: Floats) -> str:
    """What a plan breaks and by how much, in words."""
    cells, budget = scenario.space.breaches(weekly)
    broken = {
        f"the limits of {' of '.join(name)}": share
        for name, share in zip(scenario.names, cells, strict=True)
    }
    broken |= {"the budget": budget, "the target ROI": search.roi_shortfall(weekly)}
    return ", ".join(f"{what} by {by:.1%}" for what, by in broken.items() if by > TOLERANCE)


def _status(
    scenario: Scenario, found: SearchResult, gain_ci_lo: float, gain_ci_hi: float
) -> PlanStatus:
    if found.weekly is scenario.reference:
        return "kept"
    if scenario.request.objective == "target_roi":
        return "planned"
    if found.utility <= 0.0:
        return "worse"
    return "unsure" if gain_ci_lo <= 0.0 <= gain_ci_hi else "planned"


def _cells(
    posterior: Posterior, scenario: Scenario, judge: PlanResponse, weekly: Floats, ci_level: float
) -> pd.DataFrame:
    """Spend is a week's mean; contributions are of the horizon with what it carries over.

    A channel that is next to off air has no return, as in `channel_summary`.
    """
    current, space, weeks = scenario.current, scenario.space, scenario.request.horizon_weeks
    names = cell_names(posterior.panel)
    planned, compared, without = (
        np.asarray(compiled_effect(judge, jnp.asarray(spend)))
        for spend in (weekly, scenario.reference, np.zeros_like(weekly))
    )
    usual = usual_spend(posterior.panel.spend).ravel()
    has_return = (weekly > 0) & (weekly >= LEAST_SPEND_SHARE * usual)
    paid = np.where(has_return, weekly * weeks, np.nan)
    mroi = np.where(has_return, np.asarray(marginal(judge, jnp.asarray(weekly))) / weeks, np.nan)
    return pd.DataFrame(
        {
            "series_key": [series for _, series in names],
            "channel": [channel for channel, _ in names],
            "current_weekly_spend": current.weekly,
            "reference_weekly_spend": scenario.reference,
            "planned_weekly_spend": weekly,
            "lower_bound": space.lower,
            "upper_bound": space.upper,
            "highest_weekly_spend": current.highest,
            "lowest_learned_spend": current.lowest_learned,
            "highest_learned_spend": current.highest_learned,
            "is_extrapolated": _is_extrapolated(current, weekly),
            **statistics("contribution", (planned - without) / scenario.relative, ci_level),
            **statistics("contribution_change", (planned - compared) / scenario.relative, ci_level),
            "roi_mean": scenario.worth * ((planned - without) / paid).mean(axis=0),
            "mroi_mean": scenario.worth * mroi.mean(axis=0),
            "effect_as_of": posterior.effect_as_of([channel for channel, _ in names]),
            "ci_level": ci_level,
        }
    )


def _is_extrapolated(current: CurrentSpend, weekly: Floats) -> NDArray[np.bool_]:
    return is_outside(weekly, weekly, current.lowest_seen, current.highest_learned)


def _totals(
    posterior: Posterior,
    scenario: Scenario,
    judge: PlanResponse,
    found: SearchResult,
    ci_level: float,
) -> pd.DataFrame:
    request, space, search = scenario.request, scenario.space, scenario.search(judge)
    weeks, last, weekly = request.horizon_weeks, posterior.panel.weeks[-1], found.weekly
    by_cell = [
        np.asarray(compiled_effect(judge, jnp.asarray(spend)))
        for spend in (weekly, scenario.reference, np.zeros_like(weekly))
    ]
    planned, compared, without = (effect.sum(axis=1) for effect in by_cell)
    contribution = (by_cell[0] - by_cell[2]) @ (1.0 / scenario.relative)
    spend = weeks * weekly.sum()
    gains = planned - compared - request.price * (spend - weeks * scenario.reference.sum())
    sums = statistics("contribution", contribution, ci_level)
    sums |= statistics("gain", gains, ci_level)
    chosen = posterior.evenly_spaced(JUDGE_DRAWS)
    by_trust = means_by_trust(posterior, chosen, gains)
    left = weeks * space.total - spend
    row = {
        "status": _status(scenario, found, sums["gain_ci_lo"][0], sums["gain_ci_hi"][0]),
        "objective": request.objective,
        "utility": request.maximised.in_words,
        "horizon_start": last + WEEK,
        "horizon_end": last + weeks * WEEK,
        "horizon_weeks": weeks,
        "budget": weeks * space.total if np.isfinite(space.total) else np.nan,
        "current_spend": weeks * scenario.current.weekly.sum(),
        "reference_spend": weeks * scenario.reference.sum(),
        "planned_spend": spend,
        **{column: values[0] for column, values in sums.items()},
        **{f"gain_mean_{trust}_trust": mean for trust, mean in by_trust.items()},
        "prob_gain": float((gains > 0).mean()),
        "utility_gain": found.utility,
        "roi_mean": (
            scenario.worth * float((planned - without).mean() / spend) if spend else np.nan
        ),
        "has_converged": found.has_converged,
        "constraint_residual": search.residual(weekly),
        "unspent": max(left, 0.0) if request.objective == "fixed_budget" else 0.0,
        "is_extrapolated": bool(_is_extrapolated(scenario.current, weekly).any()),
        "draws_searched": min(SEARCH_DRAWS, posterior.n_draws),
        "draws_judged": len(chosen),
        "ci_level": ci_level,
    }
    return pd.DataFrame([row])
