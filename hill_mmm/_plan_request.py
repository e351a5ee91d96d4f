"""What is asked of the planner: the objective, the limits of each channel, the attitude to risk."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

PlanObjective = Literal["fixed_budget", "target_roi", "target_mroi", "flexible"]
Timing = Literal["even", "last_year"]
UtilityKind = Literal["mean", "quantile", "mean_minus_sd"]


class PlanError(ValueError):
    """The scenario cannot be planned for: its limits contradict each other, or the data."""


@dataclass(frozen=True)
class ChannelLimit:
    """What a plan may spend on a channel, in currency a week.

    Attributes:
        channel: the paid channel.
        series: the series meant, or None for the channel in each of them.
        min_weekly: at least so much.
        max_weekly: at most so much.
        step: the plan is a multiple of it; 0 for any amount.
        minimum_flight: the plan is 0 or at least so much; 0 for any amount.
        is_locked: the plan is what is spent today.
    """

    channel: str
    series: str | None = None
    min_weekly: float = 0.0
    max_weekly: float = np.inf
    step: float = 0.0
    minimum_flight: float = 0.0
    is_locked: bool = False

    def __post_init__(self) -> None:
        amounts = (self.min_weekly, self.max_weekly, self.step, self.minimum_flight)
        if min(amounts) < 0 or self.min_weekly > self.max_weekly:
            raise ValueError(f"a limit needs amounts from 0 on, min below max; found {self}")


@dataclass(frozen=True)
class Utility:
    """What of the gain over today's allocation is maximised; that of no change is 0.

    Attributes:
        kind: its posterior `mean`; its `quantile` at `level`; or `mean_minus_sd`, the mean less
            `weight` standard deviations.
        level: of the quantile, in (0, 1): 0.1 is the gain that nine draws in ten exceed.
        weight: of the standard deviation, 0 or more.
    """

    kind: UtilityKind = "mean"
    level: float = 0.1
    weight: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in get_args(UtilityKind):
            raise ValueError(f"kind must be one of {get_args(UtilityKind)}, found {self.kind!r}")
        if not 0 < self.level < 1 or self.weight < 0:
            raise ValueError(f"level must lie in (0, 1) and weight not be negative, found {self}")

    @property
    def in_words(self) -> str:
        """The kind with its level or weight, for tables."""
        detail = {"mean": "", "quantile": f" {self.level:g}", "mean_minus_sd": f" {self.weight:g}"}
        return f"{self.kind}{detail[self.kind]}"


@dataclass(frozen=True)
class PlanRequest:
    """One scenario.

    Attributes:
        objective: `fixed_budget`: the most outcome for the budget. `target_roi`: the most outcome
            with an expected ROI of at least `target`. `target_mroi`: spend wherever the next unit
            of money brings `target` or more. `flexible`: the most profit, `margin` times outcome
            less spend.
        budget: money over the horizon; of a flexible or target objective, at most that. None for
            `budget_multiplier` times today's.
        budget_multiplier: of today's spend, where there is no `budget`; None for 1 of a fixed
            budget, and for no limit of the others.
        target: ROI or mROI, outcome per unit of money; for those two objectives.
        margin: profit per unit of outcome, for `flexible`.
        horizon_weeks: weeks planned, from the one after the panel's last.
        timing: `even`, the same every week, compared with the mean of as many last weeks; or
            `last_year`, the weeks of a year before with their rhythm, each channel multiplied.
        utility: what of the gain is maximised.
        limits: of channels; each may say something else of the same one.
        max_change: how far each channel may move from today, as a share of it; None for any.
        allow_extrapolation: plan for weeks with more spend than a series has ever had of a channel.
    """

    objective: PlanObjective = "fixed_budget"
    budget: float | None = None
    budget_multiplier: float | None = None
    target: float | None = None
    margin: float = 1.0
    horizon_weeks: int = 13
    timing: Timing = "even"
    utility: Utility = Utility()
    limits: tuple[ChannelLimit, ...] = ()
    max_change: float | None = None
    allow_extrapolation: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (("objective", PlanObjective), ("timing", Timing)):
            if getattr(self, name) not in get_args(allowed):
                found = getattr(self, name)
                raise ValueError(f"{name} must be one of {get_args(allowed)}, found {found!r}")
        if self.budget is not None and self.budget_multiplier is not None:
            raise ValueError("give budget or budget_multiplier, not both")
        if self.objective.startswith("target") != (self.target is not None):
            raise ValueError("target goes with target_roi and target_mroi, and with no other")
        if not 1 <= self.horizon_weeks <= 52:
            raise ValueError(f"horizon_weeks must be 1 to 52, found {self.horizon_weeks}")
        amounts = (self.budget, self.budget_multiplier, self.target, self.margin)
        if any(amount is not None and not amount > 0 for amount in amounts):
            raise ValueError(f"budget, target and margin must be positive, found {amounts}")
        if self.max_change is not None and self.max_change < 0:
            raise ValueError(f"max_change must not be negative, found {self.max_change}")

    @property
    def price(self) -> float:
        """Outcome that a unit of money has to bring to be worth it; 0 where money is given."""
        if self.objective == "flexible":
            return 1.0 / self.margin
        return float(self.target or 0.0) if self.objective == "target_mroi" else 0.0
