"""Is a fit good enough to publish? Convergence of what is published, and the gate's verdicts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np
import pandas as pd
from arviz_stats import base as arviz_base

from hill_mmm._design import baseline_design
from hill_mmm._fit import Fit
from hill_mmm._hill import hill
from hill_mmm._panel import Floats
from hill_mmm._posterior import Decomposition, curves, response_curves

# arviz-stats annotates its arguments too narrowly and its results not at all.
array_stats: Any = arviz_base.array_stats  # pyright: ignore[reportPrivateImportUsage]

# Where the response curves' convergence is judged, in units of the mean weekly spend.
JUDGED_MULTIPLIERS: Floats = np.array([0.05, 0.25, 0.5, 1.0, 1.5, 2.0])
TAIL = (0.05, 0.95)

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class GateThresholds:
    """When a fit may be published.

    Attributes:
        max_r_hat: of every published quantity: rank-normalised split R-hat.
        min_ess: of every published quantity, bulk and tail.
        max_divergence_rate: share of transitions after warm-up.
        min_bfmi: Bayesian fraction of missing information of the worst chain.
        max_saturated_tree_rate: share of transitions that reached the maximum tree depth.
    """

    max_r_hat: float = 1.01
    min_ess: float = 400.0
    max_divergence_rate: float = 0.001
    min_bfmi: float = 0.3
    max_saturated_tree_rate: float = 0.01


@dataclass(frozen=True)
class Check:
    """One verdict of the gate: what was found, against what, and what it means."""

    check_name: str
    status: Status
    value: float
    threshold: float
    is_blocking: bool
    description: str


def parameter_summary(fit: Fit, decomposition: Decomposition) -> pd.DataFrame:
    """Posterior and convergence of every quantity, one row a quantity and index.

    `is_judged` marks the label-invariant ones, on which the gate judges. The others are the
    mixture's own, relabelled in each draw by their total effect at reference spend: their R-hat
    is for information, as labels may still switch where components overlap.
    """
    rows = [
        {"parameter": name, "index": index, "is_judged": judged, **_summarise(draws)}
        for judged, quantities in (
            (True, _judged_quantities(fit, decomposition)),
            (False, _component_quantities(fit)),
        )
        for name, index, draws in quantities
    ]
    return pd.DataFrame(rows)


def gate(summary: pd.DataFrame, fit: Fit, thresholds: GateThresholds) -> list[Check]:
    """The blocking verdicts on a fit's convergence.

    Args:
        summary: of the fit, by `parameter_summary`.
        fit: the posterior.
        thresholds: what to compare with.
    """
    judged = summary[summary["is_judged"]]
    # By NumPy, to which an undefined R-hat or ESS (of constant or non-finite draws) is the worst
    # there is; pandas would skip it.
    worst = judged.iloc[int(judged["r_hat"].to_numpy().argmax())]
    ess = judged[["ess_bulk", "ess_tail"]].to_numpy().min(axis=1)
    thinnest = judged.iloc[int(ess.argmin())]
    saturated = fit.stats.steps >= 2**fit.sampler.max_tree_depth - 1
    bfmi = array_stats.bfmi(fit.stats.energy, chain_axis=0, draw_axis=1)
    longer = "Raise sampler.warmup and sampler.draws, or lower model.components."
    return [
        _at_most(
            "max_r_hat",
            float(worst["r_hat"]),
            thresholds.max_r_hat,
            f"Worst R-hat of the published quantities, at {_named(worst)}. {longer}",
        ),
        _at_least(
            "min_ess",
            float(ess.min()),
            thresholds.min_ess,
            f"Least bulk or tail ESS of the published quantities, at {_named(thinnest)}. {longer}",
        ),
        _at_most(
            "divergence_rate",
            float(fit.stats.diverging.mean()),
            thresholds.max_divergence_rate,
            "Share of divergent transitions. Raise sampler.target_accept towards 0.99.",
        ),
        _at_least(
            "min_bfmi",
            float(np.min(bfmi)),
            thresholds.min_bfmi,
            "BFMI of the worst chain: low where the sampler cannot cross energy levels. "
            "Tighten the ROI priors or lower model.components.",
        ),
        _at_most(
            "saturated_tree_rate",
            float(saturated.mean()),
            thresholds.max_saturated_tree_rate,
            "Share of transitions that reached the maximum tree depth. "
            "Raise sampler.max_tree_depth or sampler.warmup.",
        ),
    ]


def holdout_checks(accuracy: pd.DataFrame, ci_level: float, n_weeks: int) -> list[Check]:
    """Advisory verdicts on the holdout: coverage, and error against a naive seasonal forecast.

    They warn and do not block: a holdout of a quarter is too short to decide on alone. Coverage
    warns when it is lower than a right model's would be in all but one of 200 holdouts.

    Args:
        accuracy: rows of the holdout, by `accuracy`.
        ci_level: nominal level of the interval.
        n_weeks: weeks in the holdout.
    """
    value = accuracy.set_index("metric")["value"]
    binomial_sd = np.sqrt(ci_level * (1.0 - ci_level) / n_weeks)
    checks = [
        _at_least(
            "holdout_coverage",
            float(value["coverage"]),
            float(ci_level - 2.6 * binomial_sd),
            f"Share of {n_weeks} held-out weeks inside their {ci_level:.0%} interval.",
            blocking=False,
        )
    ]
    if "rmse_vs_naive" in value:
        checks.append(
            _at_most(
                "holdout_rmse_vs_naive",
                float(value["rmse_vs_naive"]),
                1.0,
                "RMSE of the held-out weeks over that of last year's same weeks: above 1, the "
                "model forecasts worse than last year's numbers. Look for a missing control.",
                blocking=False,
            )
        )
    return checks


def missing_holdout(reason: str) -> Check:
    """The advisory verdict that stands for a holdout that was asked for and is not there."""
    description = f"There is no holdout: {reason}."
    return Check("holdout_coverage", "warn", np.nan, np.nan, False, description)


def prior_checks(channel_summary: pd.DataFrame) -> list[Check]:
    """Advisory verdict on how many channels' ROI the data says little about."""
    unlearned = channel_summary.loc[channel_summary["roi_learned"] < 0.1, "channel"]
    names = ", ".join(unlearned) or "none"
    return [
        _at_most(
            "prior_dominated_channels",
            float(len(unlearned)),
            0.0,
            "Channels whose ROI is the prior's: the data removed less than 10 % of the prior "
            f"variance of log ROI ({names}). Run a lift test there, or set roi_prior knowingly.",
            blocking=False,
        )
    ]


def _at_most(
    name: str, value: float, threshold: float, description: str, *, blocking: bool = True
) -> Check:
    passed = value <= threshold
    return Check(name, _status(passed, blocking), value, threshold, blocking, description)


def _at_least(
    name: str, value: float, threshold: float, description: str, *, blocking: bool = True
) -> Check:
    passed = value >= threshold
    return Check(name, _status(passed, blocking), value, threshold, blocking, description)


def _status(passed: bool, blocking: bool) -> Status:
    if passed:
        return "pass"
    return "fail" if blocking else "warn"


def _named(row: pd.Series) -> str:
    return f"{row['parameter']}[{row['index']}]" if row["index"] else str(row["parameter"])


Quantity = tuple[str, str, Floats]


def _judged_quantities(fit: Fit, decomposition: Decomposition) -> Iterator[Quantity]:
    panel, draws = fit.panel, fit.draws
    chains = draws["sigma"].shape

    def by_chain(flat: Floats) -> Floats:
        return flat.reshape(*chains, *flat.shape[1:])

    yield "log_likelihood", "", draws["log_likelihood"].sum(axis=2)
    yield "sigma", "", draws["sigma"] * fit.scales.outcome
    design = baseline_design(panel, fit.spec, fit.scales)
    for at, (component_type, component) in enumerate(design.components):
        label = {"control": f"control.{component}", "seasonality": f"seasonality.{at}"}
        index = label.get(component_type, component_type)
        yield "coefficient", index, draws["coefficients"][:, :, at] * fit.scales.outcome
    spend = panel.spend.sum(axis=0)
    roi = by_chain(decomposition.media.sum(axis=1) / spend)
    mroi = by_chain(decomposition.media_gain.sum(axis=1) / spend)
    points = response_curves(fit, JUDGED_MULTIPLIERS)
    response, slope = by_chain(points.contribution), by_chain(points.mroi)
    for at, channel in enumerate(panel.channels):
        yield "alpha", channel, draws["alpha"][:, :, at]
        yield "roi", channel, roi[:, :, at]
        yield "mroi", channel, mroi[:, :, at]
        for point, multiplier in enumerate(JUDGED_MULTIPLIERS):
            index = f"{channel}@{multiplier:g}"
            yield "response", index, response[:, :, point, at]
            yield "response_mroi", index, slope[:, :, point, at]


def _component_quantities(fit: Fit) -> Iterator[Quantity]:
    order = relabelling(fit)
    scale = {
        "amplitude": np.full(len(fit.panel.channels), fit.scales.outcome),
        "half_saturation": np.array(fit.scales.spend),
        "slope": np.ones(len(fit.panel.channels)),
    }
    weights = np.take_along_axis(fit.draws["weights"], order, axis=2)
    for component in range(fit.spec.components):
        if fit.spec.components > 1:
            yield "weight", f"{component}", weights[:, :, component]
        for name, factor in scale.items():
            relabelled = np.take_along_axis(fit.draws[name], order[:, :, None], axis=3)
            for at, channel in enumerate(fit.panel.channels):
                index = f"{channel}.{component}"
                yield name, index, relabelled[:, :, at, component] * factor[at]


def relabelling(fit: Fit) -> np.ndarray:
    """The order of the components in each draw, by total effect at reference spend.

    Reference spend is each channel's mean over its weeks with spend. Returns indices of shape
    `(chains, draws, components)`, smallest effect first.
    """
    draws = curves(fit)
    shape = hill(jax.numpy.ones(()), draws.half_saturation, draws.slope)
    effect = np.asarray((draws.amplitude * shape).sum(axis=1))
    return np.argsort(effect, axis=1).reshape(*fit.draws["sigma"].shape, fit.spec.components)


def _summarise(draws: Floats) -> dict[str, float]:
    axes = {"chain_axis": 0, "draw_axis": 1}
    q05, q50, q95 = np.quantile(draws, [0.05, 0.5, 0.95])
    moments = {
        "mean": float(draws.mean()),
        "sd": float(draws.std(ddof=1)),
        "q05": float(q05),
        "q50": float(q50),
        "q95": float(q95),
    }
    # Draws that never moved give 0 / 0: an undefined R-hat, which the gate refuses.
    with np.errstate(divide="ignore", invalid="ignore"):
        return moments | {
            "r_hat": float(array_stats.rhat(draws, **axes)),
            "ess_bulk": float(array_stats.ess(draws, **axes, method="bulk")),
            "ess_tail": float(array_stats.ess(draws, **axes, method="tail", prob=TAIL)),
            "mcse_mean": float(array_stats.mcse(draws, **axes, method="mean")),
        }
