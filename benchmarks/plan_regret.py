"""What plans are worth in worlds whose curves are known, printed as a Markdown table.

Run by `make bench-plan_regret`. Each market is one of `benchmarks/worlds.py`, fitted with the
defaults; the same fit is planned by with every utility, within 30 % of today's spend and as far as
its learned range. A plan's true gain is over today's spend, in the same 13 weeks and 26 after them;
the oracle's is the most that the true curves allow within the same limits and budget. Each fit
leaves one JSON file in `--out`, so that a run that was stopped goes on where it was.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from worlds import WORLDS, Floats, World, make, observe, outcome_of_plan

import hill_mmm
from hill_mmm import ModelSpec, PlanRequest, SamplerSettings
from hill_mmm.spec import Utility

KINDS = ("as_the_model", "slopes", "weak", "random_walk", "drift", "heavy_tails")
UTILITIES = {
    "mean": Utility(),
    "quantile 0.1": Utility(kind="quantile", level=0.1),
    "mean less half a sd": Utility(kind="mean_minus_sd", weight=0.5),
}
CHANGES = {"within 30 %": 0.3, "unbounded": None}
WEEKS_AFTER = 26
STARTS = 30


def main() -> None:
    """Fit and plan what has no file yet, and print the table over all files."""
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.markets):
        for name in arguments.worlds:
            path = arguments.out / f"{name}-{seed:03d}.json"
            if not path.exists():
                rows = list(_plans(name, seed))
                path.write_text(json.dumps(rows))
                print(f"{name} seed {seed}: {_line(rows)}", flush=True)
    files = sorted(arguments.out.glob("*.json"))
    print(report([row for path in files for row in json.loads(path.read_text())]))


def _plans(name: str, seed: int) -> Iterator[dict[str, Any]]:
    world = make(name, seed)
    fit = hill_mmm.fit(observe(world).panel, ModelSpec(), SamplerSettings(seed=seed))
    for change, max_change in CHANGES.items():
        highest: float | None = None
        for utility, risk in UTILITIES.items():
            found = hill_mmm.plan(fit, PlanRequest(utility=risk, max_change=max_change))
            cells, total = found.cells, found.totals.iloc[0]
            gain = true_gain(world, cells["reference_weekly_spend"].to_numpy())
            if highest is None:
                highest = oracle(gain, cells, found.weekly.ravel())
            yield {
                "world": name,
                "seed": seed,
                "limits": change,
                "utility": utility,
                "status": found.status,
                "claimed": float(total["gain_mean"]),
                "gain": gain(found.weekly.ravel()),
                "oracle": highest,
                "media": float(total["contribution_mean"]),
            }


def true_gain(world: World, today: Floats) -> Callable[[Floats], float]:
    """Of a plan's weekly spend by channel, over today's."""
    before = outcome_of_plan(world, today, today, WEEKS_AFTER)
    return lambda weekly: outcome_of_plan(world, weekly, today, WEEKS_AFTER) - before


def oracle(gain: Callable[[Floats], float], cells: pd.DataFrame, planned: Floats) -> float:
    """The most that the true curves allow within a plan's limits, from many starts."""
    today, lower, upper = (
        cells[column].to_numpy()
        for column in ("reference_weekly_spend", "lower_bound", "upper_bound")
    )
    budget, rng = today.sum(), np.random.default_rng(0)
    # In shares of the budget, and of what there is to gain, so that steps are of the order of one.
    scale = max(abs(gain(planned)), 1e-3 * budget)
    best = max(0.0, gain(planned))
    for start in [today, planned, *(rng.uniform(lower, upper) for _ in range(STARTS))]:
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


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Gains by world, limits and utility, and of all worlds together."""
    frame = pd.DataFrame(rows)
    titles = {name: WORLDS[name].title for name in frame["world"].unique()}
    both = pd.concat([frame.assign(world=frame["world"].map(titles)), frame.assign(world="all")])
    keys = ["limits", "world", "utility"]
    table = both.groupby(keys, sort=False).apply(_summary, include_groups=False).reset_index()
    return table.sort_values(["limits", "world"], kind="stable").to_markdown(index=False)


def _summary(group: pd.DataFrame) -> pd.Series:
    oracle, gain = group["oracle"].sum(), group["gain"].sum()
    return pd.Series(
        {
            "plans": len(group),
            "oracle, of media": f"{oracle / group['media'].sum():.1%}",
            "true gain, of media": f"{gain / group['media'].sum():.1%}",
            "regret": f"{1.0 - gain / oracle:.0%}",
            "claimed / true": f"{group['claimed'].sum() / gain:.2f}",
            "worse than today": int((group["gain"] < 0).sum()),
            "kept": int((group["status"] == "kept").sum()),
        }
    )


def _line(rows: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{r['limits']} {r['utility']} {r['gain'] / r['oracle']:.0%}" for r in rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-plan_regret", description=__doc__)
    parser.add_argument("--markets", type=int, default=8, help="of each world")
    parser.add_argument("--worlds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--out", type=Path, default=Path("data/plan_regret"), help="a file a fit")
    return parser.parse_args()


if __name__ == "__main__":
    main()
