"""The seed's synthetic benchmark, whole: 4 DGPs x 5 seeds x K = 1, 2, 3, 5.

What it has to answer is in docs/seed.md, sections 5.1 and 7.1.

Run by `make bench-seed`; prints a row a fit as it goes, and the table of the README at the end.
The first 150 of 200 weeks are fitted, the last 50 forecast with adstock and time running on.
"""

import argparse
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from hill_mmm import Fit, GateThresholds, ModelSpec, Panel, SamplerSettings, Truth

TRAINING_WEEKS = 150
COMPONENTS = (1, 2, 3, 5)
CI_LEVEL = 0.9
SETTINGS = {
    "seed": SamplerSettings(warmup=200, draws=500),
    "long": SamplerSettings(warmup=1000, draws=2000),
}


def main() -> None:
    """Run the fits asked for, append each to a CSV, and print the summary."""
    arguments = _arguments()
    rows: list[dict[str, Any]] = []
    for dgp, seed, components in product(
        arguments.dgp, range(arguments.seeds), arguments.components
    ):
        row = _run(dgp, seed, components, SETTINGS[arguments.settings])
        rows.append(row)
        print(
            f"{dgp} seed {seed} K={components}: "
            f"{'pass' if row['has_passed'] else 'FAIL ' + row['failed']}, "
            f"R-hat {row['max_r_hat']:.4f}, ESS {row['min_ess']:.0f}, "
            f"{row['divergences']} divergences, {row['steps']:.0f} steps, "
            f"{row['cpu_seconds']:.0f} CPU s",
            flush=True,
        )
        pd.DataFrame(rows).to_csv(arguments.output, index=False)
    print(summary(pd.DataFrame(rows)).to_markdown(floatfmt=".3f"))


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each number of components and one for all, errors pooled over the fits."""
    groups = [(f"K = {key}", group) for key, group in rows.groupby("components")]
    return pd.DataFrame({name: _pooled(group) for name, group in [*groups, ("all", rows)]}).T


def _pooled(group: pd.DataFrame) -> dict[str, float]:
    return {
        "fits": len(group),
        "passed": group["has_passed"].mean(),
        "max R-hat": group["max_r_hat"].max(),
        "min ESS": group["min_ess"].min(),
        "alpha in 90 %": group["alpha_in"].mean(),
        "sigma in 90 %": group["sigma_in"].mean(),
        "RMSE": np.sqrt((group["rmse"] ** 2).mean()),
        "RMSE / truth's": np.sqrt((group["rmse"] ** 2).sum() / (group["rmse_truth"] ** 2).sum()),
        "coverage": group["coverage"].mean(),
        "ELPD": group["elpd"].mean(),
        "effective K": group["effective_k"].mean(),
        "steps a draw": group["steps"].mean(),
        "CPU s": group["cpu_seconds"].mean(),
    }


def _run(dgp: hill_mmm.DGP, seed: int, components: int, sampler: SamplerSettings) -> dict[str, Any]:
    panel, truth = hill_mmm.simulate_seed_benchmark(dgp, seed)
    spec = ModelSpec(
        components=components,
        amplitude_prior="seed",
        trend="linear",
        fourier_order=0,
        carry_in="none",
    )
    started = time.process_time()
    fit = hill_mmm.fit(panel.head(TRAINING_WEEKS), spec, replace(sampler, seed=seed))
    cpu_seconds = time.process_time() - started
    parameters = hill_mmm.checks.parameter_summary(fit)
    checks = hill_mmm.checks.gate(parameters, fit, GateThresholds())
    value = {check.check_name: check.value for check in checks}
    failed = [check.check_name for check in checks if check.status == "fail"]
    return {
        "dgp": dgp,
        "seed": seed,
        "components": components,
        "has_passed": not failed,
        "failed": " ".join(failed),
        "max_r_hat": value["max_r_hat"],
        "min_ess": value["min_ess"],
        "divergences": int(fit.stats.diverging.sum()),
        "steps": fit.stats.steps.mean(),
        "cpu_seconds": cpu_seconds,
        **_recovery(fit, truth),
        **_forecast(fit, panel, truth),
    }


def _recovery(fit: Fit, truth: Truth) -> dict[str, Any]:
    alpha, sigma = fit.draws["adstock"][:, :, 0, 0], fit.draws["sigma"] * fit.scales.outcome
    weights = fit.draws["weights"]
    return {
        "alpha_in": _inside(alpha, float(truth.alpha[0])),
        "sigma_in": _inside(sigma, float(np.ravel(truth.sigma)[0])),
        "effective_k": (1.0 / (weights**2).sum(axis=2)).mean(),
    }


def _inside(draws: np.ndarray, true: float) -> bool:
    low, high = np.quantile(draws, [(1 - CI_LEVEL) / 2, (1 + CI_LEVEL) / 2])
    return bool(low <= true <= high)


def _forecast(fit: Fit, panel: Panel, truth: Truth) -> dict[str, float]:
    metric = hill_mmm.results.accuracy(hill_mmm.results.decompose(fit, panel), CI_LEVEL).set_index(
        "metric"
    )["value"]
    error = panel.outcome[TRAINING_WEEKS:] - truth.expected.reshape(len(panel), 1)[TRAINING_WEEKS:]
    return {
        "rmse": metric["rmse"],
        "rmse_truth": float(np.sqrt((error**2).mean())),
        "coverage": metric["coverage"],
        "elpd": metric["elpd"],
    }


def _arguments() -> argparse.Namespace:
    dgps = list(get_args(hill_mmm.DGP))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--settings", choices=SETTINGS, default="long")
    parser.add_argument("--dgp", nargs="+", choices=dgps, default=dgps)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--components", nargs="+", type=int, default=list(COMPONENTS))
    parser.add_argument("--output", type=Path, default=Path("seed_benchmark.csv"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
