"""Coverage of the intervals, and what the checks say, where the world is not the model.

Run by `make bench-worlds`. Every market of `benchmarks/markets.py` is fitted with the default
settings; each fit is one JSON file of the folder `--out`, so that a run that was stopped goes on
where it was, and `--table` writes what the files say as Markdown tables. See docs/worlds.md.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from benchmarks.markets import CHANNELS, HOLDOUT, WORLDS, Floats, Market, simulate, specification
from hill_mmm import Fit, GateThresholds, SamplerSettings
from hill_mmm.checks import Check
from hill_mmm.results import Estimates

CI_LEVEL = 0.9
# Warns by a channel's name: of search, wherever no demand is given.
BY_NAME = "demand_control"


def main() -> None:
    """Fit what has no file yet, a file each, and print the tables over all files."""
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, components, seed in _fits(arguments.worlds, arguments.markets):
        path = arguments.out / f"{name}-k{components}-{seed:03d}.json"
        if path.exists():
            continue
        market = simulate(name, seed)
        started = time.process_time()
        fit = hill_mmm.fit(
            market.panel,
            specification(market.panel, components, WORLDS[name].setting),
            SamplerSettings(seed=seed),
        )
        row = judge(fit, market) | {
            "world": name,
            "components": components,
            "seed": seed,
            "cpu_seconds": time.process_time() - started,
        }
        _write(path, json.dumps(row))
        print(_line(row), flush=True)
    text = report(read(arguments.out))
    print(text)
    if arguments.table:
        arguments.table.write_text(text)


def _fits(worlds: Sequence[str], markets: int) -> Iterator[tuple[str, int, int]]:
    """A market of each world in turn, so that a run that is stopped has some of all."""
    for components in (1, 2):
        for seed in range(markets):
            for name in worlds:
                if components in WORLDS[name].components:
                    yield name, components, seed


def judge(fit: Fit, market: Market) -> dict[str, Any]:
    """What a fit says, beside the truth."""
    found = hill_mmm.results.estimates(fit, CI_LEVEL)
    rows = found.channel_summary
    recent, summary = (
        rows[rows["period"] == period].set_index("channel").loc[list(CHANNELS)]
        for period in ("last_13_weeks", "all")
    )
    (part,) = hill_mmm.results.decompose(fit)
    media = part.media.sum(axis=(1, 2))
    low, high = np.quantile(media, [(1 - CI_LEVEL) / 2, (1 + CI_LEVEL) / 2])
    (later,) = hill_mmm.results.decompose(fit, market.later)
    metrics = hill_mmm.results.accuracy([later], CI_LEVEL)
    checks = _checks(fit, found, metrics)
    return {
        "roi": _beside(summary, "roi", market.roi),
        "mroi": _beside(summary, "mroi", market.mroi),
        "recent_mroi": _beside(recent, "mroi", market.recent_mroi),
        "media": {"truth": market.media, "mean": media.mean(), "low": low, "high": high},
        "holdout_coverage": float(metrics.set_index("metric")["value"]["coverage"]),
        "checks": {check.check_name: [check.status, check.value] for check in checks},
    }


def _beside(summary: pd.DataFrame, name: str, truth: Floats) -> dict[str, list[float]]:
    columns = {"mean": "mean", "low": "ci_lo", "high": "ci_hi"}
    found = {key: summary[f"{name}_{column}"].tolist() for key, column in columns.items()}
    return {"truth": truth.tolist(), **found}


def _checks(fit: Fit, found: Estimates, holdout: pd.DataFrame) -> list[Check]:
    """What the job would write of the fit into its diagnostics, the holdout from the same fit."""
    return [
        *hill_mmm.checks.gate(hill_mmm.checks.parameter_summary(fit), fit, GateThresholds()),
        *hill_mmm.checks.prior_checks(found.channel_summary),
        *hill_mmm.checks.conflict_checks(fit, found.channel_summary),
        *hill_mmm.checks.carry_in_checks(found.channel_summary),
        *hill_mmm.checks.unseen_checks(found.channel_summary),
        *hill_mmm.checks.effect_checks(found.channel_summary),
        *hill_mmm.checks.sensitivity_checks(found.prior_sensitivity),
        *hill_mmm.checks.warmup_checks(fit),
        *hill_mmm.checks.mixture_checks(fit),
        *hill_mmm.checks.score_checks(hill_mmm.results.information_rows(fit)),
        *hill_mmm.checks.residual_checks(fit),
        *hill_mmm.checks.level_checks(fit),
        *hill_mmm.checks.confounding_checks(fit),
        *hill_mmm.checks.holdout_checks(holdout, CI_LEVEL, HOLDOUT),
    ]


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Two Markdown tables: coverage, bias, width and cost by world, and what warned how often."""
    groups = {
        kind.title + (f", K = {components}" if len(kind.components) > 1 else ""): group
        for name, kind in WORLDS.items()
        for components in kind.components
        if (group := [r for r in rows if (r["world"], r["components"]) == (name, components)])
    }
    figures = pd.DataFrame({title: _summary(group) for title, group in groups.items()}).T
    warned = pd.DataFrame({title: _warned(group) for title, group in groups.items()}).T
    return f"{figures.to_markdown()}\n\n{warned.to_markdown()}\n"


def _warned(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    by_check = pd.Series([name for row in rows for name in _warnings(row)]).value_counts()
    named = [f"{name} {count / len(rows):.0%}" for name, count in by_check.items()]
    return {
        "fits that warned": f"{np.mean([bool(_warnings(row)) for row in rows]):.0%}",
        "by": ", ".join(named) or "-",
    }


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    roi, mroi, recent, media = (
        _stacked(rows, name) for name in ("roi", "mroi", "recent_mroi", "media")
    )
    passed = [not _with_status(row, "fail") for row in rows]
    return {
        "markets": str(len(rows)),
        "ROI covered": f"{_covered(roi):.0%}",
        "ROI bias": f"{np.nanmean(_over_truth(roi, roi['mean']) - 1):+.0%}",
        "ROI width / truth": f"{np.nanmedian(_over_truth(roi, roi['high'] - roi['low'])):.2f}",
        "least covered channel": _least_covered(roi),
        "mROI covered": f"{_covered(mroi):.0%}",
        "recent mROI covered": f"{_covered(recent):.0%}",
        "media covered": f"{_covered(media):.0%}",
        "media bias": f"{np.mean(media['mean'] / media['truth'] - 1):+.0%}",
        "holdout covered": f"{np.mean([row['holdout_coverage'] for row in rows]):.0%}",
        "gate passed": f"{np.mean(passed):.0%}",
        "CPU s": f"{np.median([row['cpu_seconds'] for row in rows]):.0f}",
    }


def _stacked(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Floats]:
    keys = ("truth", "mean", "low", "high")
    return {key: np.array([row[name][key] for row in rows], dtype=float) for key in keys}


def _over_truth(values: Mapping[str, Floats], draws: Floats) -> Floats:
    """NaN where the truth is 0."""
    return draws / np.where(values["truth"] > 0, values["truth"], np.nan)


def _covered(values: Mapping[str, Floats]) -> float:
    return float(_inside(values).mean())


def _least_covered(values: Mapping[str, Floats]) -> str:
    by_channel = pd.Series(_inside(values).mean(axis=0), list(CHANNELS))
    return f"{by_channel.idxmin()} {by_channel.min():.0%}"


def _inside(values: Mapping[str, Floats]) -> NDArray[np.bool_]:
    return (values["low"] <= values["truth"]) & (values["truth"] <= values["high"])


def _warnings(row: Mapping[str, Any]) -> list[str]:
    return [name for name in _with_status(row, "warn") if name != BY_NAME]


def _with_status(row: Mapping[str, Any], status: str) -> list[str]:
    return [name for name, (found, _) in row["checks"].items() if found == status]


def _line(row: Mapping[str, Any]) -> str:
    rows = [dict(row)]
    failed = ", ".join(_with_status(row, "fail"))
    return (
        f"{row['world']} K={row['components']} seed {row['seed']}: ROI covered "
        f"{_covered(_stacked(rows, 'roi')):.0%}, warned by {', '.join(_warnings(row)) or 'none'}"
        f"{f', FAILED {failed}' if failed else ''}, {row['cpu_seconds']:.1f} CPU s"
    )


def _write(path: Path, text: str) -> None:
    """In one step, so that a run that is stopped leaves no half file."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)


def _arguments() -> argparse.Namespace:
    def names(text: str) -> list[str]:
        found = text.split(",")
        unknown = sorted(set(found) - set(WORLDS))
        if unknown:
            raise argparse.ArgumentTypeError(f"no worlds {unknown}; there are {list(WORLDS)}")
        return found

    parser = argparse.ArgumentParser(prog="make bench-worlds", description=__doc__)
    parser.add_argument("--markets", type=int, default=12, help="of each world")
    parser.add_argument("--worlds", type=names, default=list(WORLDS), help="names, by commas")
    parser.add_argument("--out", type=Path, default=Path("data/worlds"), help="a file a fit")
    parser.add_argument("--table", type=Path, help="where the tables go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
