"""The search for the best plan: over all cells at once on a grid, then by gradients from there.

Response curves are S-shaped, so the utility has many local optima. A mixed-integer program (HiGHS)
over the mean response at each cell's allowed levels finds the best combination of levels of all,
with a certificate; it knows steps and minimum flights exactly. From it and other starts SLSQP
goes on with exact gradients, for the utility asked for; cells in steps then move by single steps
while that gains anything.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp, minimize
from scipy.sparse import csr_matrix
from scipy.stats import beta

from hill_mmm._planner.response import (
    PlanResponse,
    compiled_effect,
    effect_and_marginal,
)
from hill_mmm._planner.space import TOLERANCE, PlanSpace, split_in_proportion
from hill_mmm.panel import Floats, Integers
from hill_mmm.spec import PlanRequest

RANDOM_STARTS = 3
MILP_SECONDS = 20.0
MILP_GAP = 1e-5
# Cells whose next step is tried together with each other's: the most promising of each direction.
EXCHANGED = 25
EXCHANGES = 500
# Of the media's outcome: far less than what round amounts cost.
PRECISION = 1e-8
# By what share the search may leave the limits until its plan is in round amounts.
ON_THE_WAY = 1e-4


class Objective(NamedTuple):
    """What the utility of a plan is computed from; amounts of money are by week.

    Attributes:
        response: of the cells.
        reference_outcome: of the allocation compared with, `(draws,)`.
        reference_spend: its spend.
        price: outcome that a unit of weekly spend has to bring over the horizon.
        least_roi: outcome that a unit of weekly spend has to bring on average, or 0.
        outcome_without_spend: in the horizon, `(draws,)`.
        rank_weights: of the draws in ascending order, for a quantile, `(draws,)`.
        sd_weight: of the standard deviation.
    """

    response: PlanResponse
    reference_outcome: jax.Array
    reference_spend: jax.Array
    price: jax.Array
    least_roi: jax.Array
    outcome_without_spend: jax.Array
    rank_weights: jax.Array
    sd_weight: jax.Array


@dataclass(frozen=True)
class SearchResult:
    """The best plan found.

    Attributes:
        weekly: mean weekly spend of each cell, `(cells,)`.
        utility: of the gain over the reference.
        has_converged: whether the search that led to it ended at an optimum.
    """

    weekly: Floats
    utility: float
    has_converged: bool


def objective_of(response: PlanResponse, reference: Floats, request: PlanRequest) -> Objective:
    """What a scenario maximises, against a reference allocation.

    Args:
        response: of the cells.
        reference: weekly spend of each cell, `(cells,)`.
        request: the scenario.
    """
    is_roi = request.objective == "target_roi"
    risk = request.maximised
    return Objective(
        response=response,
        reference_outcome=compiled_effect(response, jnp.asarray(reference)).sum(axis=1),
        reference_spend=jnp.asarray(reference.sum()),
        price=jnp.asarray(request.price * request.horizon_weeks),
        least_roi=jnp.asarray((request.target or 0.0) * request.horizon_weeks * is_roi),
        outcome_without_spend=compiled_effect(response, jnp.zeros(len(reference))).sum(axis=1),
        rank_weights=jnp.asarray(_harrell_davis_weights(len(response.without), risk.level)),
        sd_weight=jnp.asarray(risk.weight if risk.kind == "mean_minus_sd" else 0.0),
    )


def _harrell_davis_weights(draws: int, level: float) -> Floats:
    """Of each rank (Harrell and Davis 1982): for a quantile that is smooth, as draws share it."""
    edges = np.arange(draws + 1) / draws
    return np.diff(beta.cdf(edges, level * (draws + 1), (1.0 - level) * (draws + 1)))


def gain(outcome: jax.Array, spend: jax.Array, objective: Objective) -> jax.Array:
    """What a plan is worth over the reference, in the outcome's unit, `(draws,)`."""
    cost = objective.price * (spend - objective.reference_spend)
    return outcome - objective.reference_outcome - cost


def utility(gains: jax.Array, objective: Objective, is_quantile: bool) -> jax.Array:
    """Of gains, `(..., draws)`."""
    if is_quantile:
        return jnp.sort(gains, axis=-1) @ objective.rank_weights
    mean = gains.mean(axis=-1)
    variance = gains.var(axis=-1)
    # The root has no slope at 0, where no risk is taken.
    sd = jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)
    return mean - objective.sd_weight * sd


@partial(jax.jit, static_argnums=2)
def _utility_and_gradient(
    weekly: jax.Array, objective: Objective, is_quantile: bool
) -> tuple[jax.Array, jax.Array]:
    """By one tangent for all cells, and the utility's slope in each draw's gain."""
    outcome, slope = effect_and_marginal(objective.response, weekly)
    gains = gain(outcome.sum(axis=1), weekly.sum(), objective)
    value, weight = jax.value_and_grad(utility)(gains, objective, is_quantile)
    return value, weight @ slope - objective.price * weight.sum()


@jax.jit
def _surplus_and_gradient(weekly: jax.Array, objective: Objective) -> tuple[jax.Array, jax.Array]:
    """Mean contribution beyond what the target ROI asks of the spend."""
    outcome, slope = effect_and_marginal(objective.response, weekly)
    contribution = (outcome.sum(axis=1) - objective.outcome_without_spend).mean()
    surplus = contribution - objective.least_roi * weekly.sum()
    return surplus, slope.mean(axis=0) - objective.least_roi


_utility_of_gains = jax.jit(utility, static_argnums=2)


class Search:
    """The search of one scenario.

    Attributes:
        objective: what is maximised.
        space: the plans allowed.
        is_fixed: whether a fixed budget is spent.
        is_roi: whether a target ROI is to be reached.
    """

    def __init__(
        self, objective: Objective, space: PlanSpace, request: PlanRequest, current: Floats
    ) -> None:
        self.objective = objective
        self.space = space
        self._is_quantile = request.maximised.kind == "quantile"
        self._is_mean = request.maximised.kind == "mean"
        self.is_fixed = request.objective == "fixed_budget"
        self.is_roi = request.objective == "target_roi"
        self._current = current
        # Variables and values of about 1 are what SLSQP's steps and tolerances are meant for. Each
        # cell by its own range: regions differ in size, and what is spent today may be nothing.
        self._unit = np.where(space.upper > 0, space.upper, 1.0)
        most = self._effects(space.upper).sum(axis=1) - np.asarray(objective.outcome_without_spend)
        self._scale = float(np.abs(most).mean()) or 1.0

    def at_price(self, price: float) -> "Search":
        """The same search for the most mean outcome, of which a unit of weekly spend costs so much.

        No target is set, and no budget has to be spent.
        """
        other = copy(self)
        other.objective = self.objective._replace(
            price=jnp.asarray(price), least_roi=jnp.asarray(0.0), sd_weight=jnp.asarray(0.0)
        )
        other.is_fixed = other.is_roi = other._is_quantile = False
        other._is_mean = True
        return other

    def best(self, starts: Sequence[Floats] = ()) -> SearchResult | None:
        """The best plan from the grid, from today, from random splits and from the given starts.

        None if no plan that was found keeps to the limits, the budget and the target ROI.
        """
        on_grid = self.grid_optimum()
        splits: list[Floats] = [] if on_grid is None else [on_grid.weekly]
        # Of the mean, no start is better than the levels that are proven best.
        if on_grid is None or not (on_grid.has_converged and self._is_mean):
            splits += self._starting_splits()
        found = [self.from_start(start) for start in [*splits, *starts]]
        found += [SearchResult(start, self.utility(start), True) for start in starts]
        if on_grid is not None and (self.space.step > 0).any():
            found.append(self._by_exchange(self.space.floored(on_grid.weekly)))
        elif on_grid is not None:
            found.append(on_grid)
        feasible = [one for one in found if self._is_feasible(one.weekly)]
        return max(feasible, key=lambda one: one.utility, default=None)

    def from_start(self, start: Floats) -> SearchResult:
        """The local optimum that one start leads to.

        By gradients; cells in steps then go to the lattice, and the others once more.
        """
        lower, upper = self.space.bounds_of(start)
        found = self._by_gradient(start, lower, upper)
        stepped = self.space.step > 0
        if not stepped.any():
            return found
        found = self._by_exchange(self.space.floored(found.weekly))
        if stepped.all():
            return found
        lower, upper = self.space.bounds_of(found.weekly)
        lower, upper = (np.where(stepped, found.weekly, bound) for bound in (lower, upper))
        return self._by_gradient(found.weekly, lower, upper)

    def from_grid(self) -> SearchResult | None:
        """The local optimum that the best combination of levels leads to; None without one."""
        on_grid = self.grid_optimum()
        return None if on_grid is None else self.from_start(on_grid.weekly)

    def utility(self, weekly: Floats) -> float:
        """Of a plan over the reference."""
        value, _ = self._utility_and_gradient(jnp.asarray(weekly))
        return float(value)

    def _utility_and_gradient(self, weekly: jax.Array) -> tuple[jax.Array, jax.Array]:
        return _utility_and_gradient(weekly, self.objective, self._is_quantile)

    def _surplus_and_gradient(self, weekly: jax.Array) -> tuple[jax.Array, jax.Array]:
        return _surplus_and_gradient(weekly, self.objective)

    def slope(self, weekly: Floats) -> Floats:
        """What a further unit of each cell's weekly spend adds to the utility, `(cells,)`."""
        _, gradient = self._utility_and_gradient(jnp.asarray(weekly))
        return np.asarray(gradient)

    def surplus(self, weekly: Floats) -> tuple[float, Floats]:
        """Mean contribution beyond what the target ROI asks of the spend, and its slope."""
        value, gradient = self._surplus_and_gradient(jnp.asarray(weekly))
        return float(value), np.asarray(gradient)

    def contribution(self, weekly: Floats) -> float:
        """Mean outcome of a plan over that of no spend."""
        without = np.asarray(self.objective.outcome_without_spend)
        return float((self._effects(weekly).sum(axis=1) - without).mean())

    def _starting_splits(self) -> list[Floats]:
        """Today's split and random ones, as far as the limits allow."""
        rng = np.random.default_rng(0)
        cells = len(self._current)
        shares = [self._current, *rng.dirichlet(np.ones(cells), RANDOM_STARTS)]
        space = self.space
        total = space.total if np.isfinite(space.total) else self._current.sum()
        return [split_in_proportion(total, share, space.lower, space.upper) for share in shares]

    @cached_property
    def level_values(self) -> tuple[list[Floats], list[Floats]]:
        """The allowed levels of each cell, ascending, and their mean outcome."""
        levels = [self.space.levels(cell) for cell in range(len(self.space.lower))]
        longest = max(map(len, levels))
        table = np.array([np.pad(amounts, (0, longest - len(amounts))) for amounts in levels])
        value = np.array([self._effects(amounts).mean(axis=0) for amounts in table.T]).T
        return levels, [
            of_cell[: len(amounts)] for of_cell, amounts in zip(value, levels, strict=True)
        ]

    def grid_optimum(self) -> SearchResult | None:
        """The best combination of the cells' levels by mean outcome, converged if proven best.

        None if no combination keeps to the budget and the target ROI.
        """
        space, objective = self.space, self.objective
        levels, values = self.level_values
        cells = len(levels)
        spend, value = np.concatenate(levels), np.concatenate(values)
        owner = np.repeat(np.arange(cells), list(map(len, levels)))
        column = np.arange(len(owner))
        one_level_each = csr_matrix((np.ones(len(owner)), (owner, column)), (cells, len(owner)))
        constraints: list[LinearConstraint] = [
            LinearConstraint(one_level_each, 1.0, 1.0),
        ]
        if np.isfinite(space.total):
            limit = max(space.total, sum(amounts[0] for amounts in levels))
            unit = space.total or 1.0
            constraints.append(LinearConstraint(spend / unit, -np.inf, limit / unit + TOLERANCE))
        if self.is_roi:
            without = float(np.asarray(objective.outcome_without_spend).mean()) / cells
            surplus = (value - without - float(objective.least_roi) * spend) / self._scale
            constraints.append(LinearConstraint(surplus, 0.0, np.inf))
        worth = (value - float(objective.price) * spend) / self._scale
        result = milp(
            -worth,
            integrality=np.ones_like(worth),
            bounds=Bounds(0.0, 1.0),
            constraints=constraints,
            options={"time_limit": MILP_SECONDS, "mip_rel_gap": MILP_GAP},
        )
        if result.x is None:
            return None
        chosen = np.zeros(cells)
        np.add.at(chosen, owner, spend * np.round(result.x))
        return SearchResult(chosen, self.utility(chosen), bool(result.status == 0))

    def _by_gradient(self, start: Floats, lower: Floats, upper: Floats) -> SearchResult:
        unit, scale = self._unit, self._scale
        result: OptimizeResult = minimize(
            _scaled(self._utility_and_gradient, -1.0, unit, scale),
            np.clip(start, lower, upper) / unit,
            jac=True,
            method="SLSQP",
            bounds=np.stack([lower, upper], axis=1) / unit[:, None],
            constraints=self._constraints(lower, upper),
            options={"maxiter": 300, "ftol": PRECISION},
        )
        weekly = np.clip(result.x * unit, lower, upper)
        return SearchResult(weekly, self.utility(weekly), bool(result.success))

    def _constraints(self, lower: Floats, upper: Floats) -> list[dict[str, Any]]:
        constraints: list[dict[str, Any]] = []
        total = self.space.total
        if np.isfinite(total):
            # An inequality: with some channels off air, the others may not be able to spend it all.
            share = self._unit / self._unit.mean()
            limit = total / self._unit.mean()
            constraints.append(
                {
                    "type": "ineq",
                    "fun": lambda x: np.array(limit - share @ x),
                    "jac": lambda _: -share,
                }
            )
        if self.is_roi:
            both = _scaled(self._surplus_and_gradient, 1.0, self._unit, self._scale)
            constraints.append(
                {"type": "ineq", "fun": lambda x: both(x)[0], "jac": lambda x: both(x)[1]}
            )
        return constraints

    def _is_feasible(self, weekly: Floats) -> bool:
        return self.residual(weekly) <= ON_THE_WAY

    def residual(self, weekly: Floats) -> float:
        """By what share a plan breaks its limits, its budget or its target ROI; 0 for none."""
        cells, budget = self.space.breaches(weekly)
        return max(float(cells.max()), budget, self.roi_shortfall(weekly))

    def roi_shortfall(self, weekly: Floats) -> float:
        """By what share a plan misses the target ROI; no spend has no ROI, and misses any."""
        if not self.is_roi:
            return 0.0
        if not weekly.any():
            return np.inf
        value, _ = self.surplus(weekly)
        return max(-value / (float(self.objective.least_roi) * float(weekly.sum())), 0.0)

    def _by_exchange(self, weekly: Floats) -> SearchResult:
        """Single steps, up, down, or from one cell to another, while one raises the utility."""
        value = self.utility(weekly) if self._is_feasible(weekly) else -np.inf
        for _ in range(EXCHANGES):
            better = self._best_exchange(weekly, value)
            if better is None:
                return SearchResult(weekly, value, True)
            weekly, value = better
        return SearchResult(weekly, value, False)

    def _best_exchange(self, weekly: Floats, value: float) -> tuple[Floats, float] | None:
        """The best plan a step away, and its utility; None where none is better."""
        above, below = self.space.next_above(weekly), self.space.next_below(weekly)
        now = self._effects(weekly)
        more, less = (
            self._effects(np.where(np.isnan(there), weekly, there)) - now
            for there in (above, below)
        )
        ups = _most_promising(above - weekly, more.mean(axis=0))
        downs = _most_promising(below - weekly, less.mean(axis=0))
        moves = _moves(ups, downs, len(weekly))
        plans = np.where(moves > 0, above, np.where(moves < 0, below, weekly))
        # Cells add up: a move's outcome follows from those of the two cells that it changes.
        outcome = now.sum(axis=1) + (moves > 0) @ more.T + (moves < 0) @ less.T
        gains = gain(jnp.asarray(outcome), jnp.asarray(plans.sum(axis=1))[:, None], self.objective)
        values = np.asarray(_utility_of_gains(gains, self.objective, self._is_quantile))
        for best in np.argsort(-values):
            if values[best] <= value + 1e-9 * self._scale:
                return None
            if self._is_feasible(plans[best]):
                return plans[best], float(values[best])
        return None

    def _effects(self, weekly: Floats) -> Floats:
        return np.asarray(compiled_effect(self.objective.response, jnp.asarray(weekly)))


def _most_promising(money: Floats, outcome: Floats) -> list[int]:
    """The cells whose step brings most, or costs least, a unit of money; NaN is no step."""
    possible = np.flatnonzero(~np.isnan(money))
    rate = outcome[possible] / np.abs(money[possible])
    return possible[np.argsort(-rate)][:EXCHANGED].tolist()


def _moves(ups: Sequence[int], downs: Sequence[int], cells: int) -> Integers:
    """One cell up, one down, or both: 1, -1 and 0 of each cell, `(moves, cells)`."""
    pairs = [(i, None) for i in ups] + [(None, j) for j in downs]
    pairs += [(i, j) for i in ups for j in downs if i != j]
    moves = np.zeros((len(pairs), cells), dtype=np.int64)
    for row, (up, down) in enumerate(pairs):
        if up is not None:
            moves[row, up] = 1
        if down is not None:
            moves[row, down] = -1
    return moves


def _scaled(
    function: Callable[[jax.Array], tuple[jax.Array, jax.Array]],
    sign: float,
    unit: Floats,
    scale: float,
) -> Callable[[Floats], tuple[float, Floats]]:
    """A value and its gradient for scipy, in units of about 1."""

    def value_and_gradient(x: Floats) -> tuple[float, Floats]:
        value, gradient = function(jnp.asarray(x * unit))
        return sign * float(value) / scale, sign * np.asarray(gradient) * unit / scale

    return value_and_gradient
