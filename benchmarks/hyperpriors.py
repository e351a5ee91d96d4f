"""The seed's comparison of hyperpriors, run: three families for the scales.

What it says of them is in docs/seed.md, sections 3 and 4.1.

Run by `make bench-hyperpriors`. Two tables: properties of the priors beside what the seed says of
them, and fits of K = 3 to the seed's `single` market with the seed's settings (200 + 500 draws, 4
chains), in our coordinates, beside the seed's results.
"""

import argparse
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from hill_mmm import GateThresholds, ModelSpec, SamplerSettings
from hill_mmm.spec import Hyperprior

TRAINING_WEEKS = 150
SEED_SETTINGS = SamplerSettings(warmup=200, draws=500)
FAMILIES: dict[Hyperprior, tuple[str, Any]] = {
    "halfnormal": ("HalfNormal(0.1)", stats.halfnorm(scale=0.1)),
    "inverse_gamma": ("InverseGamma(3, 1)", stats.invgamma(3.0, scale=1.0)),
    "lognormal": ("LogNormal(-1, 0.5)", stats.lognorm(s=0.5, scale=np.exp(-1.0))),
}
# docs/seed.md, section 4.1: median and P(sigma < 0.1); sections 3 and 5.1: R-hat and ESS.
SEED_SAYS: dict[Hyperprior, tuple[float, float, str, str]] = {
    "halfnormal": (0.08, 0.68, "<= 1.01", "> 200"),
    "inverse_gamma": (0.50, 0.03, "1.04", "70"),
    "lognormal": (0.37, 0.014, "1.03", "100"),
}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    print(_properties().to_markdown(floatfmt=".3f"), "\n")
    print(_fits(seeds).to_markdown(floatfmt=".3f"))


def _properties() -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: {
                "median": prior.median(),
                "seed says": SEED_SAYS[family][0],
                "P(sigma < 0.1)": prior.cdf(0.1),
                "seed says ": SEED_SAYS[family][1],
            }
            for family, (name, prior) in FAMILIES.items()
        }
    ).T


def _fits(seeds: int) -> pd.DataFrame:
    rows = {
        name: _pooled([_fit(family, seed) for seed in range(seeds)])
        | {"seed's R-hat": SEED_SAYS[family][2], "seed's ESS": SEED_SAYS[family][3]}
        for family, (name, _) in FAMILIES.items()
    }
    return pd.DataFrame(rows).T


def _pooled(fits: list[dict[str, float]]) -> dict[str, Any]:
    table = pd.DataFrame(fits)
    return {
        "worst R-hat": table["max_r_hat"].max(),
        "least ESS": table["min_ess"].min(),
        "divergences": table["divergences"].sum(),
        "steps a draw": table["steps"].mean(),
        "RMSE": table["rmse"].mean(),
        "coverage": table["coverage"].mean(),
        "effective K": table["effective_k"].mean(),
    }


def _fit(family: Hyperprior, seed: int) -> dict[str, float]:
    panel, _ = hill_mmm.simulate_seed_benchmark("single", seed)
    spec = ModelSpec(
        components=3,
        amplitude_prior="seed",
        trend="linear",
        fourier_order=0,
        hyperprior=family,
        carry_in="none",
    )
    fit = hill_mmm.fit(panel.head(TRAINING_WEEKS), spec, SEED_SETTINGS)
    checks = hill_mmm.checks.gate(hill_mmm.checks.parameter_summary(fit), fit, GateThresholds())
    value = {check.check_name: check.value for check in checks}
    metric = hill_mmm.results.accuracy(hill_mmm.results.decompose(fit, panel), 0.9).set_index(
        "metric"
    )["value"]
    return {
        "max_r_hat": value["max_r_hat"],
        "min_ess": value["min_ess"],
        "divergences": int(fit.stats.diverging.sum()),
        "steps": fit.stats.steps.mean(),
        "rmse": metric["rmse"],
        "coverage": metric["coverage"],
        "effective_k": (1.0 / (fit.draws["weights"] ** 2).sum(axis=2)).mean(),
    }


if __name__ == "__main__":
    main()
