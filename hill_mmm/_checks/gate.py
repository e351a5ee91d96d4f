"""The gate: is a fit good enough to publish?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from hill_mmm._arviz import array_stats
from hill_mmm._checks.r_hat import FALSE_ALARMS
from hill_mmm._posterior import Posterior
from hill_mmm.spec import GateThresholds

# Sums of draws in another order differ by less; a share of the mean outcome.
ADDITIVE_WITHIN = 1e-6

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One verdict of the gate: what was found, against what, and what it means."""

    check_name: str
    status: Status
    value: float
    threshold: float
    is_blocking: bool
    description: str


def gate(summary: pd.DataFrame, posterior: Posterior, thresholds: GateThresholds) -> list[Check]:
    """The blocking verdicts on a fit's convergence.

    Args:
        summary: of the fit, by `parameter_summary`.
        posterior: the fit.
        thresholds: what to compare with.
    """
    judged = summary[summary["is_judged"]]
    # By NumPy, to which an undefined R-hat or ESS (of constant or non-finite draws) is the worst
    # there is; pandas would skip it.
    # Where chance has no limit, R-hat is undefined, and fails any.
    limits = np.fmax(judged["r_hat_by_chance"].to_numpy(), thresholds.max_r_hat)
    farthest = int((judged["r_hat"].to_numpy() - limits).argmax())
    worst = judged.iloc[farthest]
    ess = judged[["ess_bulk", "ess_tail"]].to_numpy().min(axis=1)
    thinnest = judged.iloc[int(ess.argmin())]
    stats = posterior.stats
    saturated = stats.steps >= 2**posterior.sampler.max_tree_depth - 1
    bfmi = array_stats.bfmi(stats.energy, chain_axis=0, draw_axis=1)
    longer = "Raise sampler.warmup and sampler.draws, or lower model.components."
    return [
        at_most(
            "max_r_hat",
            float(worst["r_hat"]),
            float(limits[farthest]),
            f"R-hat of {_quantity_name(worst)}, of all published quantities the farthest over its "
            f"limit, or the nearest to it. The limit is gate.max_r_hat, {thresholds.max_r_hat:g}, "
            "or the R-hat that chance explains at the quantity's ESS where that is more (a right "
            f"sampler exceeds it anywhere in {FALSE_ALARMS:.0%} of fits). Above it, the chains "
            f"disagree. {longer}",
        ),
        at_least(
            "min_ess",
            float(ess.min()),
            thresholds.min_ess,
            f"Least bulk or tail ESS of the published quantities, at {_quantity_name(thinnest)}. "
            f"{longer}",
        ),
        at_most(
            "divergence_rate",
            float(stats.diverging.mean()),
            thresholds.max_divergence_rate,
            "Share of divergent transitions. Raise sampler.target_accept towards 0.99.",
        ),
        at_least(
            "min_bfmi",
            float(np.min(bfmi)),
            thresholds.min_bfmi,
            "BFMI of the worst chain: low where the sampler cannot cross energy levels. "
            "Tighten the ROI priors or lower model.components.",
        ),
        at_most(
            "saturated_tree_rate",
            float(saturated.mean()),
            thresholds.max_saturated_tree_rate,
            "Share of transitions that reached the maximum tree depth. "
            "Raise sampler.max_tree_depth or sampler.warmup.",
        ),
    ]


def additivity_checks(contribution: pd.DataFrame, model_fit: pd.DataFrame) -> list[Check]:
    """The blocking verdict on whether baseline and contributions sum to the expected outcome.

    Args:
        contribution: `Estimates.contribution`.
        model_fit: `Estimates.model_fit`, of the same weeks.
    """
    week = ["series_key", "week_start"]
    total = contribution.groupby(week)["contribution_mean"].sum()
    expected = model_fit.set_index(week)["expected_mean"]
    # Rows that one of the two lacks make it NaN, which fails.
    error = (total - expected).abs().max(skipna=False) / expected.abs().mean()
    return [
        at_most(
            "additivity",
            float(error),
            ADDITIVE_WITHIN,
            "Largest difference between a week's expected outcome and the sum of its baseline and "
            "contributions, as a share of the mean outcome. It is a defect of the job: report it.",
        )
    ]


def at_most(
    name: str, value: float, threshold: float, description: str, *, blocking: bool = True
) -> Check:
    passed = value <= threshold
    return Check(name, _status(passed, blocking), value, threshold, blocking, description)


def at_least(
    name: str, value: float, threshold: float, description: str, *, blocking: bool = True
) -> Check:
    passed = value >= threshold
    return Check(name, _status(passed, blocking), value, threshold, blocking, description)


def _status(passed: bool, blocking: bool) -> Status:
    if passed:
        return "pass"
    return "fail" if blocking else "warn"


def _quantity_name(row: pd.Series) -> str:
    return f"{row['parameter']}[{row['index']}]" if row["index"] else str(row["parameter"])
