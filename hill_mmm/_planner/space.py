"""The plans that a scenario allows: bounds, money steps, minimum flights, and the budget."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hill_mmm._planner.response import CurrentSpend, PlanError
from hill_mmm.panel import Floats, Panel
from hill_mmm.spec import PlanRequest

# Of the levels of spend that a cell is tabulated at for the search over all cells.
LEVELS = 60
# Money is equal within this share of it.
TOLERANCE = 1e-6
# Round amounts of which a cell's range has at least so many lose next to nothing of a plan's gain.
ROUND_AMOUNTS = 100


@dataclass(frozen=True)
class PlanSpace:
    """The allowed weekly spend of each cell, `(cells,)`, and of all together, in currency.

    Attributes:
        lower: at least so much.
        upper: at most so much.
        step: multiples of it alone, where it is not 0.
        flight: 0 or at least so much.
        total: of all cells, at most; infinite for no limit.
    """

    lower: Floats
    upper: Floats
    step: Floats
    flight: Floats
    total: float

    def levels(self, cell: int) -> Floats:
        """Allowed amounts of a cell, ascending: all multiples of its step, or an even grid.

        Of more than `LEVELS` multiples, an even choice.
        """
        low, high, step = self._least_on_air(cell), self.upper[cell], self.step[cell]
        if step:
            first, last = np.ceil(low / step - TOLERANCE), np.floor(high / step + TOLERANCE)
            count = int(max(last - first + 1, 0))
            chosen = np.linspace(first, last, min(count, LEVELS)).round() if count else np.empty(0)
            amounts = step * chosen
        else:
            amounts = np.linspace(low, high, LEVELS) if low <= high else np.empty(0)
        with_off = np.append(0.0, amounts) if self.lower[cell] == 0 else amounts
        return np.unique(with_off)

    def floored(self, weekly: Floats) -> Floats:
        """The nearest allowed plan with no more spend in any cell, where there is one."""
        step = np.where(self.step > 0, self.step, 1.0)
        # A cell that may not go down to the multiple below its least goes up to the one above.
        down = step * np.floor(weekly / step + TOLERANCE)
        least = step * np.ceil(self.lower / step - TOLERANCE)
        stepped = np.where(self.step > 0, np.maximum(down, least), weekly)
        return np.where(stepped >= self.flight * (1.0 - TOLERANCE), stepped, self.lower) + 0.0

    def next_above(self, weekly: Floats) -> Floats:
        """One step more in each cell that has steps; NaN where there is no more."""
        on = np.array([self._least_on_air(cell) for cell in range(len(weekly))])
        least = self.step * np.ceil(on / np.where(self.step > 0, self.step, 1.0) - TOLERANCE)
        above = np.maximum(weekly + self.step, least)
        return np.where((self.step > 0) & (above <= self.upper * (1 + TOLERANCE)), above, np.nan)

    def next_below(self, weekly: Floats) -> Floats:
        """One step less in each cell that has steps; NaN where there is no less."""
        below = weekly - self.step
        below = np.where(below < self.flight * (1.0 - TOLERANCE), 0.0, below)
        possible = (self.step > 0) & (weekly > 0) & (below >= self.lower * (1.0 - TOLERANCE))
        return np.where(possible, below, np.nan)

    def bounds_of(self, weekly: Floats) -> tuple[Floats, Floats]:
        """Lower and upper bounds of the plans whose cells are on or off air as in this one."""
        on = np.array([self._least_on_air(cell) for cell in range(len(weekly))])
        # A cell whose least flight is beyond its upper bound is never on air.
        is_on = (weekly >= np.where(self.flight > 0, self.flight / 2.0, 0.0)) & (on <= self.upper)
        off = (self.flight > 0) & ~is_on & (self.lower == 0)
        return np.where(off, 0.0, on), np.where(off, 0.0, self.upper)

    def nearest(self, weekly: Floats) -> Floats:
        """The nearest multiples of the steps within the limits of each cell; the others as is."""
        step = np.where(self.step > 0, self.step, 1.0)
        on = np.array([self._least_on_air(cell) for cell in range(len(weekly))])
        least, most = np.ceil(on / step - TOLERANCE), np.floor(self.upper / step + TOLERANCE)
        stepped = step * np.clip(np.round(weekly / step), least, most)
        is_off = (weekly == 0) & (self.lower == 0)
        return np.where((self.step > 0) & ~is_off & (least <= most), stepped, weekly)

    def in_round_amounts(self) -> "PlanSpace":
        """The same with a step for each cell that has none: a power of ten, by the cell's range."""
        on = np.array([self._least_on_air(cell) for cell in range(len(self.lower))])
        width = (self.upper - on) / ROUND_AMOUNTS
        is_open = (self.step == 0) & (width > 0)
        step = 10.0 ** np.floor(np.log10(np.where(is_open, width, 1.0)))
        return replace(self, step=np.where(is_open, step, self.step))

    def breaches(self, weekly: Floats) -> tuple[Floats, float]:
        """By what share a plan breaks each cell's limits, `(cells,)`, and the budget; 0 for none.

        Bounds hold what is locked, `max_change` and what has been learned.
        """
        over = np.maximum(self.lower - weekly, weekly - self.upper)
        short = np.where((self.flight > 0) & (weekly > 0), self.flight - weekly, 0.0)
        step = np.where(self.step > 0, self.step, 1.0)
        off = np.abs(weekly - step * np.round(weekly / step)) * (self.step > 0)
        size = np.maximum(np.maximum(np.abs(weekly), self.lower), np.finfo(float).tiny)
        cells = np.maximum(np.maximum(np.maximum(over, short), off), 0.0) / size
        return cells, max(float(weekly.sum()) / self.total - 1.0, 0.0)

    def _least_on_air(self, cell: int) -> float:
        return float(max(self.lower[cell], self.flight[cell]))


def plan_space(
    panel: Panel, current: CurrentSpend, compared: Floats, request: PlanRequest
) -> PlanSpace:
    """The plans that the request allows.

    Args:
        panel: the data.
        current: what is spent today, and what has been learned.
        compared: the reference, from which `max_change` counts, `(cells,)`.
        request: the scenario.

    Raises:
        PlanError: if a limit names what is not there, or no plan meets all of them.
    """
    asked = _asked(panel, request)
    lower, upper, step, flight = _limits(asked, current, compared, request)
    total = weekly_budget(current, request)
    if lower.sum() > total * (1.0 + TOLERANCE):
        raise PlanError(
            f"the limits ask for {lower.sum():,.0f} a week at least, the budget is {total:,.0f} a "
            "week: raise the budget or max_change, or lower min_weekly or what is locked; below "
            "what has been spent of each channel, allow_extrapolation"
        )
    if request.objective == "fixed_budget" and upper.sum() < total * (1.0 - TOLERANCE):
        raise PlanError(
            f"the budget of {total:,.0f} a week cannot be spent: the limits allow at most "
            f"{upper.sum():,.0f}. Lower the budget, raise max_weekly or max_change, or "
            "allow_extrapolation beyond the spend that each series has had of each channel"
        )
    space = PlanSpace(lower, upper, step, flight, total)
    for cell, name in enumerate(cell_names(panel)):
        if not len(space.levels(cell)):
            raise PlanError(
                f"{' of '.join(name)}: no amount meets its limits: {lower[cell]:,.0f} to "
                f"{upper[cell]:,.0f} a week in steps of {step[cell]:,.0f}, at least "
                f"{flight[cell]:,.0f} on air"
            )
    return space


def cell_names(panel: Panel) -> list[tuple[str, str]]:
    """Channel and series of each cell."""
    return [(channel, series) for series in panel.series for channel in panel.channels]


class _Asked(NamedTuple):
    """The limits of a request by cell, `(cells,)`; 0 and infinite for none."""

    lower: Floats
    upper: Floats
    step: Floats
    flight: Floats
    locked: NDArray[np.bool_]


def _asked(panel: Panel, request: PlanRequest) -> _Asked:
    names = cell_names(panel)
    cells = len(names)
    asked = _Asked(
        lower=np.zeros(cells),
        upper=np.full(cells, np.inf),
        step=np.zeros(cells),
        flight=np.zeros(cells),
        locked=np.zeros(cells, dtype=bool),
    )
    for limit in request.limits:
        meant = np.array(
            [
                channel == limit.channel and limit.series in (None, series)
                for channel, series in names
            ]
        )
        if not meant.any():
            raise PlanError(
                f"a limit names {limit.channel!r} of {limit.series or 'all series'!r}; there are "
                f"the channels {panel.channels} and the series {panel.series}"
            )
        most = np.inf if limit.max_weekly is None else limit.max_weekly
        asked.lower[meant] = np.maximum(asked.lower[meant], limit.min_weekly)
        asked.upper[meant] = np.minimum(asked.upper[meant], most)
        asked.step[meant] = np.maximum(asked.step[meant], limit.step or 0.0)
        asked.flight[meant] = np.maximum(asked.flight[meant], limit.minimum_flight or 0.0)
        asked.locked[meant] |= limit.locked
    return asked


def _limits(
    asked: _Asked, current: CurrentSpend, compared: Floats, request: PlanRequest
) -> tuple[Floats, Floats, Floats, Floats]:
    """Lower and upper bounds, steps and flights: what was asked, `max_change`, what is known."""
    lower, upper = _within_change(asked, compared, request)
    flight = asked.flight
    # What a series has never had of a channel says nothing about it, extrapolation or not.
    never = current.highest == 0
    lower = np.where(never, 0.0, lower)
    if not request.allow_extrapolation:
        upper = np.minimum(upper, current.highest_learned)
        lower, flight = _learned_floor(asked, lower, upper, current, compared)
    upper = np.where(never, 0.0, upper)
    # An end to what may be extrapolated to: the whole budget, or ten times the most ever spent.
    end = np.minimum(weekly_budget(current, request), 10.0 * current.highest)
    end = np.maximum(end, compared)
    upper = np.where(np.isinf(upper), end, upper)
    locked = asked.locked
    lower, upper = (np.where(locked, current.weekly, bound) for bound in (lower, upper))
    return lower, upper, np.where(locked, 0.0, asked.step), np.where(locked, 0.0, flight)


def _within_change(asked: _Asked, compared: Floats, request: PlanRequest) -> tuple[Floats, Floats]:
    """The bounds asked for, narrowed to `max_change` as far as steps and flights allow.

    Where nothing is compared with, there is nothing to change from.
    """
    change = request.max_change
    if change is None or not compared.any():
        return asked.lower, asked.upper
    step = np.where(asked.step > 0, asked.step, 1.0)
    below = np.where(asked.step > 0, step * np.floor(compared / step + TOLERANCE), np.inf)
    above = np.where(asked.step > 0, step * np.ceil(compared / step - TOLERANCE), 0.0)
    low = np.minimum(compared * (1.0 - change), below)
    high = np.maximum(np.maximum(compared * (1.0 + change), above), asked.flight)
    # A limit beyond it is met as it stands.
    lower = np.maximum(asked.lower, np.minimum(low, asked.upper))
    return lower, np.minimum(asked.upper, np.maximum(high, asked.lower))


def _learned_floor(
    asked: _Asked, lower: Floats, upper: Floats, current: CurrentSpend, compared: Floats
) -> tuple[Floats, Floats]:
    """Lower bounds and flights below which nothing has been learned.

    What is off air in the reference stays so or comes on at that much, and what has a flight may
    be switched off. Limits that ask for less are met.
    """
    floor = np.minimum(current.lowest_learned, upper)
    step = np.where(asked.step > 0, asked.step, 1.0)
    kept = np.minimum(floor, compared)
    kept = np.where(asked.step > 0, step * np.floor(kept / step), kept)
    may_be_off = (compared == 0) | (asked.flight > 0)
    comes_on = (compared == 0) & (lower == 0)
    flight = np.where(comes_on, np.maximum(asked.flight, floor), asked.flight)
    return np.where(may_be_off, lower, np.maximum(lower, kept)), flight


def weekly_budget(current: CurrentSpend, request: PlanRequest) -> float:
    """The most that may be spent a week.

    Raises:
        PlanError: if it is a multiple of nothing.
    """
    if request.budget is not None:
        return request.budget / request.horizon_weeks
    multiplier = request.budget_multiplier
    if multiplier is None:
        multiplier = 1.0 if request.objective == "fixed_budget" else np.inf
    spent = float(current.weekly.sum())
    if not spent:
        raise PlanError("nothing is spent in the weeks that the plan starts from: give a budget")
    return multiplier * spent


def reference(current: CurrentSpend, request: PlanRequest) -> Floats:
    """What a plan is compared with: today's allocation; of another fixed budget, its split.

    If nothing is spent today, the split is that of all weeks. A cell goes no further than what its
    series has had, unless the plan may; the others have the rest.
    """
    if request.objective != "fixed_budget":
        return current.weekly
    total, spent = weekly_budget(current, request), float(current.weekly.sum())
    if abs(total - spent) <= TOLERANCE * spent:
        return current.weekly
    split = current.weekly if spent else current.usual
    most = np.full_like(split, np.inf) if request.allow_extrapolation else current.highest_learned
    return split_in_proportion(total, split, np.zeros_like(most), most)


def split_in_proportion(total: float, share: Floats, lower: Floats, upper: Floats) -> Floats:
    """Money in proportion to `share`, within bounds; what cannot be placed is left over.

    Args:
        total: the money.
        share: of each cell, any unit.
        lower: at least so much of each.
        upper: at most so much of each, which may be infinite.
    """
    low, high = 0.0, 1.0
    if not share.any():
        return lower

    def allocation(scale: float) -> Floats:
        return np.clip(scale * share, lower, upper)

    most = np.where(share > 0, upper, lower).sum()
    target = min(total, most * (1.0 - 1e-12)) if np.isfinite(most) else total
    while allocation(high).sum() < target:
        high *= 2.0
    for _ in range(100):
        middle = (low + high) / 2.0
        low, high = (middle, high) if allocation(middle).sum() < target else (low, middle)
    return allocation(high)
