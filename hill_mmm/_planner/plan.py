"""The budget planner: where the money of the weeks to come brings most, by the posterior.

The model's baseline adds to the media's effect and does not multiply it. So the season of the
horizon moves the outcome of every plan alike: a plan's gain depends on the weeks' spend alone, and
on what earlier weeks carry over into them.
"""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pandas as pd

from hill_mmm._planner.response import (
    CurrentSpend,
    PlanError,
    PlanResponse,
    compiled_effect,
    current_spend,
    marginal,
    plan_response,
)
from hill_mmm._planner.search import Search, SearchResult, objective_of
from hill_mmm._planner.space import TOLERANCE, PlanSpace, cell_names, plan_space, reference
from hill_mmm._posterior import Posterior
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import WEEK, Floats
from hill_mmm.spec import PlanRequest

# The best plan is looked for on so many draws; from there on it is improved, and judged, on more.
SEARCH_DRAWS = 200
JUDGE_DRAWS = 2000


@dataclass(frozen=True)
class Plan:
    """A plan for the weeks to come, and what it is expected to bring over the reference.

    Attributes:
        request: what was asked.
        weekly: mean weekly spend of each series and channel, `(series, channels)`, in currency.
        is_kept: whether the reference is kept, because no plan that was found is better.
        cells: a row for each series and channel.
        totals: one row: all of them together.
    """

    request: PlanRequest
    weekly: Floats
    is_kept: bool
    cells: pd.DataFrame
    totals: pd.DataFrame


@dataclass(frozen=True)
class Scenario:
    """A scenario made ready: where it starts from, what it may do, what it is compared with."""

    request: PlanRequest
    current: CurrentSpend
    space: PlanSpace
    reference: Floats

    def search(self, response: PlanResponse) -> Search:
        """The search by these draws."""
        objective = objective_of(response, self.reference, self.request)
        return Search(objective, self.space, self.request, self.current.weekly)


def plan(posterior: Posterior, request: PlanRequest | None = None, ci_level: float = 0.9) -> Plan:
    """The best allocation of spend over the weeks after the panel.

    Its gain is over today's allocation: the mean week of the last `horizon_weeks`, or the weeks a
    year before. For another fixed budget it is over today's split of that budget. Where nothing
    that was found is better, the reference is the plan (`is_kept`), but for a target ROI that it
    misses. Counted is the outcome of the horizon and of 26 weeks after it, in which spend is as
    today whatever the plan.

    Args:
        posterior: the fit.
        request: the scenario; by default, today's budget for 13 weeks.
        ci_level: of the intervals.

    Raises:
        PlanError: if the limits contradict each other or the data, or no plan within them reaches
            the target ROI, or it is of an outcome without a value in money.
    """
    request = request or PlanRequest()
    scenario = scenario_of(posterior, request)
    rough = scenario.search(plan_response(posterior, scenario.current, SEARCH_DRAWS)).best()
    judge = plan_response(posterior, scenario.current, JUDGE_DRAWS)
    search = scenario.search(judge)
    found = search.from_start(rough.weekly)
    is_kept = search.utility(found.weekly) <= 0.0 and _may_be_kept(scenario, search)
    weekly = scenario.reference if is_kept else found.weekly
    shape = (len(posterior.panel.series), len(posterior.panel.channels))
    return Plan(
        request=request,
        weekly=weekly.reshape(shape),
        is_kept=is_kept,
        cells=_cells(posterior, scenario, judge, weekly, ci_level),
        totals=_totals(posterior, scenario, judge, weekly, found, is_kept, ci_level),
    )


def scenario_of(posterior: Posterior, request: PlanRequest) -> Scenario:
    """The scenario made ready; raises what `plan` raises of its limits and its objective."""
    request = _in_units_of_outcome(request, posterior.spec.worth)
    current = current_spend(posterior, request)
    space = plan_space(posterior.panel, current, request)
    return Scenario(request, current, space, reference(current, space, request))


def _in_units_of_outcome(request: PlanRequest, worth: float) -> PlanRequest:
    """The request with its target or margin, which are of money, by what a unit is worth."""
    if request.objective == "fixed_budget":
        return request
    if np.isnan(worth):
        raise PlanError(
            f"{request.objective} compares the outcome with money, and a unit of this outcome has "
            "no value: set outcome.value_per_unit, or plan for a fixed_budget"
        )
    target = None if request.target is None else request.target / worth
    return replace(request, target=target, margin=request.margin * worth)


def _may_be_kept(scenario: Scenario, search: Search) -> bool:
    """A reference that misses the target ROI is no answer to who asks for it.

    Other limits it may break: a plan that keeps to them and is worse than today is no advice.
    """
    is_roi = scenario.request.objective == "target_roi"
    return not is_roi or search.residual(scenario.reference) <= TOLERANCE


def _cells(
    posterior: Posterior, scenario: Scenario, judge: PlanResponse, weekly: Floats, ci_level: float
) -> pd.DataFrame:
    """Spend is a week's mean; contributions are of the horizon with what it carries over."""
    current, space, weeks = scenario.current, scenario.space, scenario.request.horizon_weeks
    names = cell_names(posterior.panel)
    planned, compared, without = (
        np.asarray(compiled_effect(judge, jnp.asarray(spend)))
        for spend in (weekly, scenario.reference, np.zeros_like(weekly))
    )
    paid = np.where(weekly > 0, weekly * weeks, np.nan)
    mroi = np.where(weekly > 0, np.asarray(marginal(judge, jnp.asarray(weekly))) / weeks, np.nan)
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
            "is_extrapolated": weekly > current.largest_known * (1.0 + TOLERANCE),
            **statistics("contribution", planned - without, ci_level),
            **statistics("contribution_change", planned - compared, ci_level),
            "roi_mean": posterior.spec.worth * ((planned - without) / paid).mean(axis=0),
            "mroi_mean": posterior.spec.worth * mroi.mean(axis=0),
            "ci_level": ci_level,
        }
    )


def _totals(
    posterior: Posterior,
    scenario: Scenario,
    judge: PlanResponse,
    weekly: Floats,
    found: SearchResult,
    is_kept: bool,
    ci_level: float,
) -> pd.DataFrame:
    request, space, search = scenario.request, scenario.space, scenario.search(judge)
    weeks, last = request.horizon_weeks, posterior.panel.weeks[-1]
    planned, compared, without = (
        np.asarray(compiled_effect(judge, jnp.asarray(spend))).sum(axis=1)
        for spend in (weekly, scenario.reference, np.zeros_like(weekly))
    )
    spend = weeks * weekly.sum()
    gains = planned - compared - request.price * (spend - weeks * scenario.reference.sum())
    sums = statistics("contribution", planned - without, ci_level)
    sums |= statistics("gain", gains, ci_level)
    left = weeks * space.total - spend
    row = {
        "objective": request.objective,
        "utility": request.utility.in_words,
        "horizon_start": last + WEEK,
        "horizon_end": last + weeks * WEEK,
        "horizon_weeks": weeks,
        "is_kept": is_kept,
        "budget": weeks * space.total if np.isfinite(space.total) else np.nan,
        "current_spend": weeks * scenario.current.weekly.sum(),
        "reference_spend": weeks * scenario.reference.sum(),
        "planned_spend": spend,
        **{column: values[0] for column, values in sums.items()},
        "prob_gain": float((gains > 0).mean()),
        "utility_gain": search.utility(weekly),
        "roi_mean": (
            posterior.spec.worth * float((planned - without).mean() / spend) if spend else np.nan
        ),
        "has_converged": found.has_converged,
        "constraint_residual": search.residual(weekly),
        "unspent": max(left, 0.0) if request.objective == "fixed_budget" else 0.0,
        "is_extrapolated": bool(
            (weekly > scenario.current.largest_known * (1.0 + TOLERANCE)).any()
        ),
        "draws_searched": min(SEARCH_DRAWS, posterior.n_draws),
        "draws_judged": min(JUDGE_DRAWS, posterior.n_draws),
        "ci_level": ci_level,
    }
    return pd.DataFrame([row])
