"""Is a fit good enough to publish? Convergence of what is published, and the gate's verdicts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import binom

from hill_mmm._arviz import array_stats
from hill_mmm._model.adstock import PARAMETERS
from hill_mmm._model.design import baseline_design
from hill_mmm._panel import Floats
from hill_mmm._posterior import Posterior
from hill_mmm._results.components import (
    effective_components,
    relabel,
    relabelling,
    separation,
    switching_rate,
)
from hill_mmm._results.decompose import ALL_SERIES, Decomposition
from hill_mmm._results.estimands import component_effect, with_total
from hill_mmm._results.response import response_points, total_response

# Where the response curves' convergence is judged, in units of the mean weekly spend.
JUDGED_MULTIPLIERS: Floats = np.array([0.05, 0.25, 0.5, 1.0, 1.5, 2.0])
TAIL = (0.05, 0.95)
# Sums of draws in another order differ by less; a share of the mean outcome.
ADDITIVE_WITHIN = 1e-6

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


def parameter_summary(posterior: Posterior) -> pd.DataFrame:
    """Posterior and convergence of every quantity, one row a quantity and index.

    `is_judged` marks the label-invariant ones, on which the gate judges. The others are the
    mixture's own, relabelled in each draw by their total effect at reference spend: their R-hat
    is for information, as labels may still switch where components overlap.
    """
    judged = [_summarise(*quantity) for quantity in _judged_quantities(posterior)]
    own = [_summarise(*quantity) for quantity in _component_quantities(posterior)]
    return pd.concat(
        [frame.assign(is_judged=True) for frame in judged]
        + [frame.assign(is_judged=False) for frame in own],
        ignore_index=True,
    )


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
    worst = judged.iloc[int(judged["r_hat"].to_numpy().argmax())]
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
            thresholds.max_r_hat,
            f"Worst R-hat of the published quantities, at {_named(worst)}. {longer}",
        ),
        at_least(
            "min_ess",
            float(ess.min()),
            thresholds.min_ess,
            f"Least bulk or tail ESS of the published quantities, at {_named(thinnest)}. {longer}",
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


def holdout_checks(
    accuracy: pd.DataFrame, ci_level: float, n_weeks: int, evaluation_set: str = "holdout"
) -> list[Check]:
    """Advisory verdicts on weeks after a fit: coverage, and error against a naive forecast.

    They warn and do not block: a holdout of a quarter is too short to decide on alone. Coverage
    warns when it is lower than a right model's would be in all but one of 200 holdouts.

    Args:
        accuracy: rows of these weeks, by `accuracy`.
        ci_level: nominal level of the interval.
        n_weeks: number of weeks.
        evaluation_set: what the checks are called after.
    """
    value = accuracy.set_index("metric")["value"]
    checks = [
        at_least(
            f"{evaluation_set}_coverage",
            float(value["coverage"]),
            least_coverage(ci_level, n_weeks),
            f"Share of {n_weeks} weeks after those fitted to inside their {ci_level:.0%} interval.",
            blocking=False,
        )
    ]
    if "rmse_vs_naive" in value:
        checks.append(
            at_most(
                f"{evaluation_set}_rmse_vs_naive",
                float(value["rmse_vs_naive"]),
                1.0,
                f"RMSE of {n_weeks} weeks after those fitted to, over that of last year's same "
                "weeks: above 1, the model forecasts worse than last year's numbers. Look for a "
                "missing control.",
                blocking=False,
            )
        )
    return checks


def least_coverage(ci_level: float, n_weeks: int, chance: float = 0.005) -> float:
    """The share of weeks in their interval that a right model falls under with a small chance.

    Args:
        ci_level: nominal level of the interval.
        n_weeks: number of weeks, taken as independent.
        chance: of falling under it, at most.
    """
    return float(binom.ppf(chance, n_weeks, ci_level)) / n_weeks


def missing_holdout(reason: str) -> Check:
    """The advisory verdict that stands for a holdout that was asked for and is not there."""
    description = f"There is no holdout: {reason}."
    return Check("holdout_coverage", "warn", np.nan, np.nan, False, description)


def prior_checks(channel_summary: pd.DataFrame) -> list[Check]:
    """Advisory verdict on how many media's effect the data say little about."""
    overall = channel_summary[channel_summary["period"] == "all"]
    if (overall["series_key"] == ALL_SERIES).any():
        overall = overall[overall["series_key"] == ALL_SERIES]
    unlearned = overall.loc[overall["roi_learned"] < 0.1, "channel"]
    names = ", ".join(unlearned) or "none"
    return [
        at_most(
            "prior_dominated_channels",
            float(len(unlearned)),
            0.0,
            "Channels whose effect is the prior's: the data removed less than 10 % of the prior "
            f"variance of its logarithm ({names}). Run a lift test there, or set the prior "
            "knowingly.",
            blocking=False,
        )
    ]


def warmup_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdict on how many chains found what is published by themselves."""
    moved = posterior.stats.moved
    return [
        at_most(
            "moved_chains",
            float(moved.sum()),
            len(moved) / 2,
            "Chains that the warm-up found where there is next to no posterior mass, and moved to "
            "another's place. Where most were, few have found what is published: fit again with "
            "another sampler.seed, or lower model.components.",
            blocking=False,
        ),
    ]


def mixture_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdicts on the components of a mixture: do they mean anything one by one?

    What is published does not depend on it; the component table does.
    """
    if posterior.spec.components == 1:
        return []
    effect = component_effect(posterior)
    apart = separation(relabel(effect, relabelling(effect)))
    effective = effective_components(posterior.draws["weights"])
    return [
        at_most(
            "component_switching_rate",
            switching_rate(effect),
            0.05,
            "Share of draws in which components exchange their order of effect: their labels "
            "mean nothing where it is high. Read the totals, not the components.",
            blocking=False,
        ),
        at_least(
            "component_separation",
            float(apart.min()),
            2.0,
            "Least distance between neighbouring components' effects, in posterior sd. "
            f"Effective number of components: {effective.inverse_herfindahl.mean():.2f} "
            f"(1/sum of squared weights), {effective.exp_entropy.mean():.2f} (Shannon).",
            blocking=False,
        ),
    ]


def score_checks(information: pd.DataFrame) -> list[Check]:
    """Advisory verdict on the leave-one-out score, from rows of `information_rows`."""
    value = information.set_index("metric")["value"]
    return [
        at_most(
            "max_pareto_k",
            float(value["max_pareto_k"]),
            0.7,
            "Largest Pareto k of the leave-one-out score: above 0.7, single weeks sway the fit and "
            f"the score is unsure ({value['share_pareto_k_over_0_7']:.1%} of weeks). Look at the "
            "weeks with the largest residuals, or take likelihood: student_t.",
            blocking=False,
        )
    ]


def lift_test_checks(lift_tests: pd.DataFrame) -> list[Check]:
    """Advisory verdict on whether the posterior agrees with its experiments."""
    if lift_tests.empty:
        return []
    worst = lift_tests.iloc[int(lift_tests["z_score"].abs().to_numpy().argmax())]
    return [
        at_most(
            "lift_test_disagreement",
            float(abs(worst["z_score"])),
            2.0,
            "Largest distance between a lift test and the model, in standard errors, at "
            f"{worst['channel']} from {worst['start_week']:%Y-%m-%d}. Check the test's dates, "
            "series and unit, or a control that is missing.",
            blocking=False,
        )
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


def _named(row: pd.Series) -> str:
    return f"{row['parameter']}[{row['index']}]" if row["index"] else str(row["parameter"])


# A parameter's name, the index of each of its draws' columns, and `(chains, draws, columns)`.
Quantity = tuple[str, list[str], Floats]


def _judged_quantities(posterior: Posterior) -> Iterator[Quantity]:
    panel, draws, several = posterior.panel, posterior.draws, len(posterior.panel.series) > 1
    log_likelihood = np.zeros(draws["weights"].shape[:2])
    for part in with_total(posterior):
        if part.series == ALL_SERIES and several:
            yield from _media_quantities(posterior, part)
        else:
            yield from _media_quantities(posterior, part, prefix=several)
            log_likelihood += posterior.by_chain(part.log_likelihood.sum(axis=1))
    yield "log_likelihood", [""], log_likelihood[:, :, None]
    sigma_index = list(panel.series) if several else [""]
    yield "sigma", sigma_index, draws["sigma"] * posterior.scales.outcome
    for series, name in enumerate(panel.series):
        index = [f"{name}.{label}" if several else label for label in _column_labels(posterior)]
        scale = posterior.scales.outcome[series]
        yield "coefficient", index, draws["coefficients"][:, :, series] * scale
    if "signed_coefficients" in draws:
        names = [name for name in panel.control_names if name in posterior.spec.control_signs]
        yield "signed_coefficient", names, draws["signed_coefficients"]
    yield from _curve_quantities(posterior)


def _media_quantities(
    posterior: Posterior, part: Decomposition, *, prefix: bool = False
) -> Iterator[Quantity]:
    """Contribution and marginal contribution a week; ROI and mROI are these over the spend."""
    contribution, gain = part.media.mean(axis=1), part.media_gain.mean(axis=1)
    active = np.flatnonzero(contribution.any(axis=0))
    # A control region may have no media at all.
    if not active.size:
        return
    names = [part.media_names[at] for at in active]
    index = [f"{part.series}.{name}" for name in names] if prefix else names
    yield "contribution", index, posterior.by_chain(contribution[:, active])
    yield "marginal_contribution", index, posterior.by_chain(gain[:, active])


def _column_labels(posterior: Posterior) -> list[str]:
    """One label a baseline column; parts with several columns are numbered."""
    parts = baseline_design(posterior.panel, posterior.spec, posterior.scales).parts
    labels = [
        component if component_type == component else f"{component_type}.{component}"
        for component_type, component in parts
    ]
    return [
        f"{label}.{at}" if labels.count(label) > 1 else label for at, label in enumerate(labels)
    ]


def _curve_quantities(posterior: Posterior) -> Iterator[Quantity]:
    """Adstock, and the response curves, of all series together where there are several."""
    panel, draws = posterior.panel, posterior.draws
    for at, parameter in enumerate(PARAMETERS[posterior.spec.adstock]):
        yield parameter, list(panel.media_names), draws["adstock"][:, :, :, at]
    points = total_response(
        response_points(posterior, series, JUDGED_MULTIPLIERS, "steady_state")
        for series in range(len(panel.series))
    )
    response, slope = posterior.by_chain(points.contribution), posterior.by_chain(points.mroi)
    for at, channel in enumerate(panel.channels):
        index = [f"{channel}@{multiplier:g}" for multiplier in JUDGED_MULTIPLIERS]
        yield "response", index, response[:, :, :, at]
        yield "response_mroi", index, slope[:, :, :, at]


def _component_quantities(posterior: Posterior) -> Iterator[Quantity]:
    panel, scales, draws = posterior.panel, posterior.scales, posterior.draws
    order = relabelling(component_effect(posterior))
    components = [str(component) for component in range(posterior.spec.components)]
    if len(components) > 1:
        yield "weight", components, relabel(draws["weights"], order)
        effective = effective_components(draws["weights"])
        both = np.stack([effective.inverse_herfindahl, effective.exp_entropy], axis=2)
        yield "effective_components", ["inverse_herfindahl", "exp_entropy"], both
    half_saturation, slope = (relabel(draws[name], order) for name in ("half_saturation", "slope"))
    amplitude = relabel(draws["amplitude"], order)
    for at, medium in enumerate(panel.media_names):
        index = [f"{medium}.{component}" for component in components]
        yield "slope", index, slope[:, :, at]
        # In the unit of an average series: k is shared on the scale of each.
        unit = scales.spend[:, at].mean()
        yield "half_saturation", index, half_saturation[:, :, at] * unit
        summed = np.einsum("cdgk,g->cdk", amplitude[:, :, :, at], scales.outcome)
        yield "amplitude", index, summed


def _summarise(parameter: str, index: list[str], draws: Floats) -> pd.DataFrame:
    axes = {"chain_axis": 0, "draw_axis": 1}
    q05, q50, q95 = np.quantile(draws, [0.05, 0.5, 0.95], axis=(0, 1))
    # Draws that never moved give 0 / 0: an undefined R-hat, which the gate refuses.
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "parameter": parameter,
                "index": index,
                "mean": draws.mean(axis=(0, 1)),
                "sd": draws.reshape(-1, len(index)).std(axis=0, ddof=1),
                "q05": q05,
                "q50": q50,
                "q95": q95,
                "r_hat": array_stats.rhat(draws, **axes),
                "ess_bulk": array_stats.ess(draws, **axes, method="bulk"),
                "ess_tail": array_stats.ess(draws, **axes, method="tail", prob=TAIL),
                "mcse_mean": array_stats.mcse(draws, **axes, method="mean"),
            }
        )
