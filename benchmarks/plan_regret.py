"""What plans are worth in worlds whose curves are known, printed as Markdown tables.

Run by `make bench-plan_regret`. Each market is one of `benchmarks/markets.py`, fitted with the
defaults; the same fit is planned by with every utility, within 30 % of today's spend and as far as
its learned range. A plan's true gain is over today's spend, in the same 13 weeks and 26 after them;
the oracle's is the most that the true curves allow within the same limits and budget. Each fit is
kept in `--out` and so are its plans, so that a run that was stopped goes on where it was; `--again`
plans anew by the fits that are there.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import minimize

import hill_mmm
from benchmarks.markets import (
    HOLDOUT,
    SALES,
    WEEKS,
    WORLDS,
    Floats,
    World,
    amplitude,
    half_saturation,
    make,
    observe,
    outcome_of_plan,
    specification,
)
from hill_mmm import Fit, Plan, PlanRequest, SamplerSettings
from hill_mmm._planner.plan import JUDGE_DRAWS, Scenario, scenario_of
from hill_mmm._planner.response import plan_response
from hill_mmm.spec import Utility

KINDS = ("as_the_model", "slopes", "weak", "random_walk", "drift", "regimes", "demand")
# Where budgets follow what is not in the model, no plan by the model can be right.
CONFOUNDED = "demand"
UTILITIES = {
    "mean": Utility("mean"),
    "mean less half a sd": Utility("mean_minus_sd", weight=0.5),
    "mean less a sd": Utility("mean_minus_sd", weight=1.0),
    "quantile 0.1": Utility("quantile", level=0.1),
}
CHANGES = {"within 30 %": 0.3, "unbounded": None}
WEEKS_AFTER = 26
STARTS = 30


def main() -> None:
    """Fit and plan what has no file yet, and print the tables over all files."""
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.markets):
        for name in arguments.worlds:
            path = arguments.out / f"{name}-{seed:03d}.json"
            if arguments.again or not path.exists():
                rows = list(_plans(name, seed, arguments.out))
                path.write_text(json.dumps(rows))
                print(f"{name} seed {seed}: {_line(rows)}", flush=True)
    files = sorted(arguments.out.glob("*.json"))
    print(report([row for path in files for row in json.loads(path.read_text())]))


def _plans(name: str, seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    world = make(name, seed)
    fit = _fit(world, seed, folder / f"{name}-{seed:03d}.nc")
    known = true_fit(fit, world)
    for change, max_change in CHANGES.items():
        requests = {
            utility: PlanRequest(utility=risk, max_change=max_change)
            for utility, risk in UTILITIES.items()
        }
        plans = {utility: hill_mmm.plan(fit, request) for utility, request in requests.items()}
        cells = plans["mean"].cells
        gain = true_gain(world, cells["reference_weekly_spend"].to_numpy())
        found = _searched(scenario_of(fit, requests["mean"]), known)
        starts = [found, *(plan.weekly.ravel() for plan in plans.values())]
        highest = oracle(gain, cells, starts)
        for utility, plan in plans.items():
            total = plan.totals.iloc[0]
            yield {
                "world": name,
                "seed": seed,
                "limits": change,
                "utility": utility,
                "status": plan.status,
                "claimed": float(total["gain_mean"]),
                "careful": float(total["gain_mean"] - total["gain_sd"] / 2.0),
                "low": float(total["gain_ci_lo"]),
                "high": float(total["gain_ci_hi"]),
                "on_other_draws": _on_other_draws(fit, requests[utility]),
                "gain": gain(plan.weekly.ravel()),
                "oracle": highest,
                "known_curves": gain(found),
                "media": float(total["contribution_mean"]),
                "least": _least_of_what_was_spent(world, plan),
            }


def _fit(world: World, seed: int, path: Path) -> Fit:
    if path.exists():
        with xr.open_dataset(path) as dataset:
            return Fit.from_dataset(dataset.load())
    panel = observe(world).panel
    fit = hill_mmm.fit(panel, specification(panel, 1), SamplerSettings(seed=seed))
    fit.to_dataset().to_netcdf(path)
    return fit


def true_fit(fit: Fit, world: World) -> Fit:
    """The true curves as a posterior of two equal draws, effects as in the weeks planned for."""
    known = world.history + WEEKS
    effect = world.effect[known : known + HOLDOUT].mean(axis=0)
    scales = fit.scales
    scale = scales.spend[0, :, None]
    one = {
        "adstock": world.alpha[:, None],
        "carry_in": np.zeros(len(world.alpha)),
        "weights": np.ones(1),
        "amplitude": (amplitude(world) * effect)[None, :, None] / scales.outcome[0],
        "half_saturation": half_saturation(world)[:, None] / scale,
        "slope": world.slope[:, None],
    }
    return replace(fit, draws={site: np.stack([[values] * 2]) for site, values in one.items()})


def _searched(scenario: Scenario, known: Fit) -> Floats:
    """What the planner's own search finds by the true curves."""
    best = scenario.search(plan_response(known, scenario.current, 2)).best()
    assert best is not None
    return best.weekly


def _on_other_draws(fit: Fit, request: PlanRequest) -> float:
    """The mean gain of a plan by every other draw, by the draws that it was not chosen on."""
    halves = [
        replace(fit, draws={site: values[:, first::2] for site, values in fit.draws.items()})
        for first in (0, 1)
    ]
    plan = hill_mmm.plan(halves[0], request)
    scenario = scenario_of(halves[1], replace(request, utility=Utility("mean")))
    response = plan_response(halves[1], scenario.current, JUDGE_DRAWS)
    return scenario.search(response).utility(plan.weekly.ravel())


def _least_of_what_was_spent(world: World, plan: Plan) -> float:
    """Planned spend over the least of any week, the lowest of the channels never off air."""
    spent = world.spend[world.history : world.history + WEEKS]
    always = (spent > 0).all(axis=0)
    return float((plan.weekly.ravel() / spent.min(axis=0).clip(1e-9))[always].min())


def true_gain(world: World, today: Floats) -> Callable[[Floats], float]:
    """Of a plan's weekly spend by channel, over today's."""
    before = outcome_of_plan(world, today, today, WEEKS_AFTER)
    return lambda weekly: outcome_of_plan(world, weekly, today, WEEKS_AFTER) - before


def oracle(gain: Callable[[Floats], float], cells: pd.DataFrame, plans: Sequence[Floats]) -> float:
    """The most that the true curves allow within a plan's limits, from plans and other starts."""
    today, lower, upper = (
        cells[column].to_numpy()
        for column in ("reference_weekly_spend", "lower_bound", "upper_bound")
    )
    budget, rng = today.sum(), np.random.default_rng(0)
    best = max(0.0, *map(gain, plans))
    # In shares of the budget, and of what there is to gain, so that steps are of the order of one.
    scale = max(best, 1e-3 * budget)
    for start in [today, *plans, *(rng.uniform(lower, upper) for _ in range(STARTS))]:
        feasible = start if start.sum() <= budget else _within(start, lower, budget)
        found = minimize(
            lambda share: -gain(share * budget) / scale,
            feasible / budget,
            bounds=list(zip(lower / budget, upper / budget, strict=True)),
            constraints={"type": "ineq", "fun": lambda share: 1.0 - share.sum()},
            method="SLSQP",
        )
        weekly = np.clip(found.x * budget, lower, upper)
        if weekly.sum() <= budget * (1.0 + 1e-6):
            best = max(best, gain(weekly))
    return best


def _within(start: Floats, lower: Floats, budget: float) -> Floats:
    """As far towards a start as the budget goes."""
    share = (budget - lower.sum()) / (start - lower).sum()
    return lower + max(share, 0.0) * (start - lower)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """Gains by limits, world and utility, and of all worlds together."""
    frame = pd.DataFrame(rows)
    titles = {name: WORLDS[name].title for name in frame["world"].unique()}
    others = frame[frame["world"] != CONFOUNDED].assign(world=f"all but {CONFOUNDED}")
    named = frame.assign(world=frame["world"].map(titles))
    keys = ["limits", "world", "utility"]
    groups = pd.concat([named, others, frame.assign(world="all")]).groupby(keys, sort=False)
    summaries = [dict(zip(keys, values, strict=True)) | _summary(group) for values, group in groups]
    table = pd.DataFrame(summaries).sort_values("limits", kind="stable")
    return table.to_markdown(index=False)


def _summary(group: pd.DataFrame) -> dict[str, Any]:
    oracle, gain = group["oracle"].sum(), group["gain"].sum()
    claimed = group["claimed"].sum()
    worse = group["gain"] < -1e-6 * SALES
    inside = (group["low"] <= group["gain"]) & (group["gain"] <= group["high"])
    return {
        "plans": len(group),
        "oracle, of media": f"{oracle / group['media'].sum():.1%}",
        "true gain, of media": f"{gain / group['media'].sum():.1%}",
        "regret": f"{1.0 - gain / oracle:.0%}",
        "of the search": f"{1.0 - group['known_curves'].sum() / oracle:.1%}",
        "claimed / true": f"{claimed / gain:.2f}",
        "on other draws / claimed": f"{group['on_other_draws'].sum() / claimed:.3f}",
        "less half a sd / true": f"{group['careful'].sum() / gain:.2f}",
        "in the interval": f"{inside.mean():.0%}",
        "worse than today": int(worse.sum()),
        "of media, worst": f"{(group['gain'] / group['media']).min():.1%}",
        "unsure": int((group["status"] == "unsure").sum()),
        "worse, not unsure": int((worse & (group["status"] == "planned")).sum()),
        "least spend / least seen": f"{group['least'].min():.2f}",
    }


def _line(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{r['limits']} {r['utility']} {r['gain'] / r['oracle']:.0%}" for r in rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-plan_regret", description=__doc__)
    parser.add_argument("--markets", type=int, default=8, help="of each world")
    parser.add_argument("--worlds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--out", type=Path, default=Path("data/plan_regret"), help="a file a fit")
    parser.add_argument("--again", action="store_true", help="plan anew by the fits in --out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
