"""Regret of the planner on simulated markets, whose true curves are known.

Run by `make bench-planner`. A national market has 5 channels and 2 controls; `--regions`
takes markets of so many regions instead, with 1 control. They are fitted with K = 1 by
2 chains of 300 + 300. The oracle is the same planner on the true curves; a plan's regret is what
the oracle's brings more, by the true curves, as a share of what the oracle gains over today's
allocation. A grid over all splits of a national budget checks the oracle.
"""

import argparse
import itertools
import time
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

import hill_mmm
from hill_mmm import Fit, LiftTest, ModelSpec, Panel, PlanRequest, SamplerSettings, Truth, Utility
from hill_mmm._planner.response import compiled_effect, current_spend, plan_response

FREE = PlanRequest(max_change=None)
REQUESTS = {
    "mean": FREE,
    "mean, within 30 % of today": replace(FREE, max_change=0.3),
    "mean - 0.5 sd": replace(FREE, utility=Utility("mean_minus_sd", weight=0.5)),
    "10 % quantile": replace(FREE, utility=Utility("quantile", level=0.1)),
}
# Parts of the budget in the grid that the oracle is checked by.
PARTS = 48


def main() -> None:
    """Plan every market by its fit and by its truth, a row each, and print the distribution."""
    arguments = _arguments()
    rows = [row for seed in range(arguments.seeds) for row in _run(seed, arguments)]
    print(_summary(pd.DataFrame(rows)).to_markdown(floatfmt=".3g"))


def _run(seed: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    panel, truth = _market(seed, arguments)
    tests = _lift_tests(panel, truth, arguments.lift_error, seed)
    started = time.process_time()
    sampler = SamplerSettings(chains=2, warmup=300, draws=300)
    fit = hill_mmm.fit(panel, ModelSpec(), sampler, lift_tests=tests)
    fitted_seconds = time.process_time() - started
    known = _true_fit(fit, truth)
    rows: list[dict[str, Any]] = []
    for name, request in REQUESTS.items():
        started = time.process_time()
        planned = hill_mmm.plan(fit, request)
        seconds = time.process_time() - started
        best = hill_mmm.plan(known, replace(request, utility=Utility("mean")))
        outcome = {
            key: _true_outcome(known, request, weekly)
            for key, weekly in (("planned", planned.weekly), ("best", best.weekly))
        }
        now = current_spend(fit, request).weekly
        now_outcome = _true_outcome(known, request, now)
        gain = outcome["best"] - now_outcome
        rows.append(
            {
                "request": name,
                "seed": seed,
                "gain": gain / now_outcome,
                "regret": (outcome["best"] - outcome["planned"]) / gain,
                "is_better": outcome["planned"] >= now_outcome,
                "prob_gain": planned.totals["prob_gain"].item(),
                "covered": _covers(planned, outcome["planned"] - now_outcome),
                "has_converged": planned.totals["has_converged"].item(),
                "oracle_over_grid": (outcome["best"] - _grid(known, request, now)) / gain
                if request is FREE and not arguments.regions
                else np.nan,
                "fit_seconds": fitted_seconds,
                "plan_seconds": seconds,
            }
        )
        print(_line(rows[-1]), flush=True)
    return rows


def _market(seed: int, arguments: argparse.Namespace) -> tuple[Panel, Truth]:
    if arguments.regions:
        return hill_mmm.simulate_geo_market(seed, arguments.regions, arguments.weeks)
    return hill_mmm.simulate_national_market(
        seed, arguments.weeks, misallocation=arguments.misallocation
    )


def _lift_tests(
    panel: Panel, truth: Truth, relative_error: float | None, seed: int
) -> tuple[LiftTest, ...]:
    """An experiment of eight weeks on each channel, one after the other, or none."""
    if relative_error is None:
        return ()
    return tuple(
        hill_mmm.simulate_lift_test(
            panel, truth, channel, 52 + 12 * position, 8, relative_error, seed=10 * seed + position
        )
        for position, channel in enumerate(panel.channels)
    )


def _true_fit(fit: Fit, truth: Truth) -> Fit:
    """The truth as a posterior of two equal draws."""
    scales = fit.scales
    one = {
        "adstock": truth.alpha[:, None],
        "carry_in": np.zeros(len(truth.alpha)),
        "weights": truth.weights,
        "amplitude": truth.amplitude / scales.outcome[:, None, None],
        "half_saturation": truth.half_saturation[0] / scales.spend[0, :, None],
        "slope": truth.slope,
    }
    return replace(fit, draws={site: np.stack([[values] * 2]) for site, values in one.items()})


def _true_outcome(known: Fit, request: PlanRequest, weekly: np.ndarray) -> float:
    response = plan_response(known, current_spend(known, request), draws=1)
    return float(compiled_effect(response, jnp.asarray(weekly.reshape(-1))).sum())


def _grid(known: Fit, request: PlanRequest, now: np.ndarray) -> float:
    """The best true outcome of all splits of today's budget into parts that no bound forbids."""
    state = current_spend(known, request)
    response = plan_response(known, state, draws=1)
    part = now.sum() / PARTS
    table = np.array(
        [
            np.asarray(compiled_effect(response, jnp.full(len(now), level * part)))[0]
            for level in range(PARTS + 1)
        ]
    )
    spent = part * np.arange(PARTS + 1)[:, None]
    table[(spent > state.highest_learned) | (spent < state.lowest_learned)] = -np.inf
    cuts = np.array(list(itertools.combinations(range(PARTS + len(now) - 1), len(now) - 1)))
    ends = np.full((len(cuts), 1), PARTS + len(now) - 1)
    split = np.diff(np.concatenate([-np.ones_like(ends), cuts, ends], axis=1), axis=1) - 1
    return float(table[split, np.arange(len(now))].sum(axis=1).max())


def _covers(planned: hill_mmm.Plan, gain: float) -> bool:
    totals = planned.totals.iloc[0]
    return bool(totals["gain_ci_lo"] <= gain <= totals["gain_ci_hi"])


def _line(row: dict[str, Any]) -> str:
    return (
        f"seed {row['seed']}, {row['request']}: oracle gains {row['gain']:.1%}, regret "
        f"{row['regret']:.1%}, P(gain) {row['prob_gain']:.2f}, oracle over grid "
        f"{row['oracle_over_grid']:.2%}, fit {row['fit_seconds']:.1f} CPU s, plan "
        f"{row['plan_seconds']:.2f} CPU s"
    )


def _summary(rows: pd.DataFrame) -> pd.DataFrame:
    def of(group: pd.DataFrame) -> pd.Series:
        regret = group["regret"]
        return pd.Series(
            {
                "markets": len(group),
                "oracle's gain, share of media outcome": group["gain"].mean(),
                "regret, mean": regret.mean(),
                **{f"regret, {q:.0%} quantile": regret.quantile(q) for q in (0.1, 0.5, 0.9)},
                "regret, most": regret.max(),
                "regret, pooled": (regret * group["gain"]).sum() / group["gain"].sum(),
                "better than today": group["is_better"].mean(),
                "P(gain), mean": group["prob_gain"].mean(),
                "90 % interval of the gain covers": group["covered"].mean(),
                "converged": group["has_converged"].mean(),
                "oracle over grid, least": group["oracle_over_grid"].min(),
                "CPU s, plan": group["plan_seconds"].median(),
                "CPU s, fit": group["fit_seconds"].median(),
            }
        )

    return pd.DataFrame({name: of(group) for name, group in rows.groupby("request", sort=False)})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--regions", type=int, default=0, help="of each market; 0: national")
    parser.add_argument("--weeks", type=int, default=156, help="of each market")
    parser.add_argument("--misallocation", type=float, default=0.7)
    parser.add_argument("--lift-error", type=float, help="relative, of a test on each channel")
    return parser.parse_args()


if __name__ == "__main__":
    main()
