"""Plans in round amounts: what the search found, next to it, with budget and target kept."""

import numpy as np
from numpy.typing import NDArray

from hill_mmm._planner.search import Search
from hill_mmm._planner.space import PlanSpace
from hill_mmm.panel import Floats

# The error of a sum in floating point, as a share.
EXACT = 1e-12
# Steps down, some cells at a time, until the target ROI holds.
ROUNDS = 50


def rounded(search: Search, weekly: Floats) -> Floats:
    """The plan in multiples of each cell's step, or of a power of ten by its range.

    Cells whose step was asked for are in it already and stay. Near an optimum all cells' slopes are
    alike, so that what rounding moves from one to another costs next to nothing.

    Args:
        search: of the scenario.
        weekly: mean weekly spend of each cell, within the limits or next to them, `(cells,)`.
    """
    lattice = search.space.in_round_amounts()
    plan = lattice.nearest(weekly)
    # Cells that may not be rounded keep what they have: locked ones, and those in steps.
    fixed = (search.space.step > 0) | (lattice.step == 0)
    plan = np.where(fixed, weekly, plan)
    slope = search.slope(plan)
    plan = _within_budget(lattice, plan, np.where(fixed, np.inf, slope))
    if search.is_fixed:
        plan = _filled(lattice, plan, np.where(fixed, -np.inf, slope))
    return _on_target(search, lattice, plan, fixed) if search.is_roi else plan


def _within_budget(lattice: PlanSpace, plan: Floats, slope: Floats) -> Floats:
    """A step down in the cells that lose least by it, until the budget is kept."""
    while plan.sum() > lattice.total * (1.0 + EXACT):
        below = np.where(np.isinf(slope), np.nan, lattice.next_below(plan))
        before = plan.sum()
        for cell in np.argsort(slope).tolist():
            if plan.sum() <= lattice.total * (1.0 + EXACT):
                break
            plan = _moved(plan, cell, float(below[cell]))
        if plan.sum() == before:
            break
    return plan


def _filled(lattice: PlanSpace, plan: Floats, slope: Floats) -> Floats:
    """A step up in the cells that gain most by it, as long as the budget has it."""
    while True:
        above = np.where(slope > 0, lattice.next_above(plan), np.nan)
        before = plan.sum()
        for cell in np.argsort(-slope).tolist():
            if plan.sum() + above[cell] - plan[cell] <= lattice.total * (1.0 + EXACT):
                plan = _moved(plan, cell, float(above[cell]))
        if plan.sum() == before:
            return plan


def _on_target(
    search: Search, lattice: PlanSpace, plan: Floats, fixed: NDArray[np.bool_]
) -> Floats:
    """Steps down where they raise the expected ROI most, until it is the target."""
    for _ in range(ROUNDS):
        surplus, slope = search.surplus(plan)
        if surplus >= 0.0:
            break
        below = np.where(fixed, np.nan, lattice.next_below(plan))
        gained = np.nan_to_num((below - plan) * slope, nan=0.0)
        for cell in np.argsort(-gained).tolist():
            if surplus >= 0.0 or gained[cell] <= 0.0:
                break
            plan, surplus = _moved(plan, cell, float(below[cell])), surplus + gained[cell]
    return plan


def _moved(plan: Floats, cell: int, amount: float) -> Floats:
    """The plan with another amount of one cell; NaN leaves it."""
    if np.isnan(amount):
        return plan
    plan = plan.copy()
    plan[cell] = amount
    return plan
