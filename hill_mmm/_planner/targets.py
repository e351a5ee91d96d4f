"""How high ROI and mROI can be within the limits of a scenario, and whether a target is reached."""

import numpy as np

from hill_mmm._planner.search import Search
from hill_mmm.panel import Floats

# Dinkelbach's iteration converges faster than linearly.
ITERATIONS = 30


def highest_roi(search: Search) -> Floats:
    """The plan of the highest expected ROI that keeps to the limits, by mean weekly spend.

    By Dinkelbach (1967, On nonlinear fractional programming): the plan that is best at a price of
    money equal to the best ROI so far has a higher one, until it is the highest. First over all
    levels, then by gradients from there.
    """
    free = search.at_price(0.0)
    on_grid = free.grid_optimum()
    best = search.space.upper if on_grid is None else on_grid.weekly
    for is_local in (False, True):
        for _ in range(ITERATIONS):
            at_its_roi = free.at_price(_return(search, best))
            found = at_its_roi.from_start(best) if is_local else at_its_roi.grid_optimum()
            if found is None or not found.weekly.any():
                break
            if _return(search, found.weekly) <= _return(search, best) * (1.0 + 1e-6):
                break
            best = found.weekly
    return best


def _return(search: Search, weekly: Floats) -> float:
    """Contribution of a unit of weekly spend, which is the ROI times the weeks."""
    spent = float(weekly.sum())
    return search.contribution(weekly) / spent if spent else 0.0


def highest_mroi(search: Search, weeks: int) -> float:
    """The most that a further unit of money brings in any cell beyond the least it may spend.

    Of an S-shaped curve, the best average on the way up: the slope at its steepest is not to be had
    without what is spent before it.
    """
    levels, values = search.level_values
    rates = [
        (value[1:] - value[0]) / (spend[1:] - spend[0])
        for spend, value in zip(levels, values, strict=True)
    ]
    slope = search.at_price(0.0).slope(search.space.lower)[search.space.lower > 0]
    return max(np.concatenate([*rates, slope]), default=0.0) / weeks


def is_mroi_reached(search: Search, weekly: Floats) -> bool:
    """Whether the target is worth more money than the least that must be spent, in some cell."""
    space = search.space
    above = weekly - space.lower > 2.0 * space.in_round_amounts().step
    slope = search.at_price(0.0).slope(weekly)
    return bool((above | ((weekly > 0) & (slope >= float(search.objective.price)))).any())
