"""Accuracy and speed on simulated national markets, whose truth is known.

Run by `make bench-national`. Each market has 156 weeks, 5 channels and 2 controls; the first 143
are fitted, the last 13 forecast. The first fit of each K compiles: its CPU seconds are the cold
ones.
"""

import argparse
import resource
import time
from typing import Any

import numpy as np
import pandas as pd

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from hill_mmm import Fit, GateThresholds, ModelSpec, Panel, SamplerSettings, Truth

TRAINING_WEEKS = 143
CI_LEVEL = 0.9


def main() -> None:
    """Fit every market with every K, a row each, and print the means."""
    arguments = _arguments()
    rows: list[dict[str, Any]] = []
    for components in arguments.components:
        for seed in range(arguments.seeds):
            rows.append(_run(seed, components))
            print(_line(rows[-1]), flush=True)
    print(_summary(pd.DataFrame(rows)).to_markdown(floatfmt=".3g"))


def _run(seed: int, components: int) -> dict[str, Any]:
    panel, truth = hill_mmm.simulate_national_market(seed)
    started = time.process_time()
    fit = hill_mmm.fit(
        panel.head(TRAINING_WEEKS), ModelSpec(components=components), SamplerSettings(seed=seed)
    )
    cpu_seconds = time.process_time() - started
    peak_rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    parameters = hill_mmm.checks.parameter_summary(fit)
    value = {c.check_name: c for c in hill_mmm.checks.gate(parameters, fit, GateThresholds())}
    return {
        "components": components,
        "seed": seed,
        "passed": all(check.status == "pass" for check in value.values()),
        "max_r_hat": value["max_r_hat"].value,
        "min_ess": value["min_ess"].value,
        **_least_ess(parameters, components),
        "divergences": int(fit.stats.diverging.sum()),
        "steps": fit.stats.steps.mean(),
        "cpu_seconds": cpu_seconds,
        "peak_rss_mb": peak_rss_mb,
        **_accuracy(fit, panel, truth),
    }


# Made of what is sampled: counted by themselves, or not at all.
_DERIVED = ("contribution", "marginal_contribution", "response", "response_mroi", "log_likelihood")


def _least_ess(parameters: pd.DataFrame, components: int) -> dict[str, float]:
    """Least bulk ESS of everything sampled that is not a label's, and of the contributions.

    Of a single curve slope, half-saturation and amplitude are no label's.
    """
    is_derived = parameters["parameter"].isin(_DERIVED)
    is_sampled = ~is_derived & (parameters["is_judged"] | (components == 1))
    is_contribution = parameters["parameter"] == "contribution"
    return {
        "min_parameter_ess": float(parameters.loc[is_sampled, "ess_bulk"].min()),
        "min_contribution_ess": float(parameters.loc[is_contribution, "ess_bulk"].min()),
    }


def _accuracy(fit: Fit, panel: Panel, truth: Truth) -> dict[str, float]:
    summary = fit.summary(ci_level=CI_LEVEL)
    summary = summary[summary["period"] == "all"]
    weeks = slice(0, TRAINING_WEEKS)
    contribution = truth.contribution.reshape(len(panel), -1)[weeks].sum(axis=0)
    true_roi = contribution / panel.spend[weeks, 0].sum(axis=0)
    low, high = summary["roi_ci_lo"].to_numpy(), summary["roi_ci_hi"].to_numpy()
    relative_error = np.abs(summary["contribution_mean"].to_numpy() / contribution - 1.0)
    metric = hill_mmm.results.accuracy(hill_mmm.results.decompose(fit, panel), CI_LEVEL).set_index(
        "metric"
    )["value"]
    noise = panel.outcome[TRAINING_WEEKS:, 0] - truth.expected.reshape(-1)[TRAINING_WEEKS:]
    return {
        "contribution_error": relative_error.mean(),
        "roi_covered": ((low <= true_roi) & (true_roi <= high)).mean(),
        "roi_width": ((high - low) / true_roi).mean(),
        "roi_width_median": float(np.median((high - low) / true_roi)),
        "rmse_ratio": metric["rmse"] / np.sqrt((noise**2).mean()),
        "coverage": metric["coverage"],
    }


def _line(row: dict[str, Any]) -> str:
    return (
        f"K={row['components']} seed {row['seed']}: {'pass' if row['passed'] else 'FAIL'}, "
        f"R-hat {row['max_r_hat']:.4f}, ESS {row['min_ess']:.0f}, "
        f"{row['divergences']} divergences, {row['steps']:.0f} steps, "
        f"{row['cpu_seconds']:.1f} CPU s, {row['peak_rss_mb']:.0f} MB, "
        f"contribution error {row['contribution_error']:.2f}, ROI covered {row['roi_covered']:.0%}"
    )


def _summary(rows: pd.DataFrame) -> pd.DataFrame:
    def of(group: pd.DataFrame) -> pd.Series:
        cold = group.iloc[0]
        warm = group.iloc[1:] if len(group) > 1 else group
        ess = group[["min_parameter_ess", "min_contribution_ess"]].mean()
        return pd.Series(
            {
                "passed": group["passed"].mean(),
                "max R-hat": group["max_r_hat"].max(),
                "min ESS, published": group["min_ess"].min(),
                "min ESS, parameters": group["min_parameter_ess"].min(),
                "divergences": group["divergences"].sum(),
                "steps a draw": group["steps"].mean(),
                "CPU s cold": cold["cpu_seconds"],
                "CPU s warm": warm["cpu_seconds"].mean(),
                "ESS of sampled per CPU s, cold": cold["min_parameter_ess"] / cold["cpu_seconds"],
                "ESS of sampled per CPU s, warm": ess.iloc[0] / warm["cpu_seconds"].mean(),
                "ESS of contributions per CPU s, warm": ess.iloc[1] / warm["cpu_seconds"].mean(),
                "peak MB after first fit": cold["peak_rss_mb"],
                "contribution error": group["contribution_error"].mean(),
                "ROI covered": group["roi_covered"].mean(),
                "ROI width / truth": group["roi_width"].mean(),
                "ROI width / truth, median": group["roi_width_median"].mean(),
                "RMSE / truth's": group["rmse_ratio"].mean(),
                "coverage": group["coverage"].mean(),
            }
        )

    groups = {f"K = {key}": of(group) for key, group in rows.groupby("components")}
    return pd.DataFrame(groups)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--components", nargs="+", type=int, default=[1, 2])
    return parser.parse_args()


if __name__ == "__main__":
    main()
