"""Coverage in panels whose regions share a channel's curve, and in panels whose regions do not.

Run by `make bench-regions`. The model has one alpha, slope and half-saturation (over the region's
own spend) a channel, and an amplitude of each region. In the second kind of panel the regions'
alphas and half-saturations are their own too. Each fit is one JSON file of `--out`.
"""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from worlds import CHANNELS

import hill_mmm
import hill_mmm.results
from hill_mmm import GateThresholds, Panel, SamplerSettings
from hill_mmm.checks import gate, parameter_summary
from hill_mmm.panel import ALL_SERIES

Floats = NDArray[np.float64]

WEEKS, HOLDOUT, REGIONS = 104, 13, 8
CI_LEVEL = 0.9
SALES = 100_000.0
# Spread between regions of logit alpha and of log half-saturation.
KINDS = {"one curve a channel": 0.0, "curves of each region": 0.4}


class Market(NamedTuple):
    """A panel and its truth.

    Attributes:
        panel: the weeks to fit to.
        later: the same with the weeks of the holdout.
        roi: `(regions, channels)`.
        total_roi: of all regions, by channel.
    """

    panel: Panel
    later: Panel
    roi: Floats
    total_roi: Floats


def simulate(spread: float, seed: int) -> Market:
    """Regions of unequal size; of one seed, all kinds have the same spend and noise."""
    rng = np.random.default_rng(seed)
    weeks, channels = WEEKS + HOLDOUT, len(CHANNELS)
    share, alpha, _ = zip(*CHANNELS.values(), strict=True)
    size = SALES * rng.lognormal(0.0, 0.5, REGIONS)
    spend = rng.gamma(4.0, 0.25, (weeks, REGIONS, channels)) * size[:, None] * np.array(share)
    spend *= rng.random(spend.shape) < np.array([0.5, 1.0, 1.0, 0.8, 0.5])
    apart = rng.normal(0.0, 1.0, (2, REGIONS, channels))
    odds = np.array(alpha) / (1.0 - np.array(alpha)) * np.exp(spread * apart[0])
    adstock = np.zeros_like(spend)
    carried = np.zeros((REGIONS, channels))
    for week, money in enumerate(spend):
        carried = adstock[week] = money / (1.0 + odds) + odds / (1.0 + odds) * carried
    relative_k = rng.lognormal(0.0, 0.3, channels) * np.exp(spread * apart[1])
    risen = (adstock / (relative_k * np.median(adstock, axis=0))) ** rng.lognormal(
        np.log(1.3), 0.2, channels
    )
    shape = risen / (1.0 + risen)
    roi = rng.lognormal(np.log(1.4), 0.5, channels) * rng.lognormal(0.0, 0.2, (REGIONS, channels))
    fitted = slice(0, WEEKS)
    effect = shape * roi * spend[fitted].sum(axis=0) / shape[fitted].sum(axis=0)
    outcome = _baseline(rng, size) + effect.sum(axis=2)
    frame = pd.DataFrame(
        spend.reshape(-1, channels),
        columns=list(CHANNELS),
        index=np.repeat(pd.date_range("2023-01-02", periods=weeks, freq="7D"), REGIONS),
    ).assign(sales=outcome.ravel(), region=[f"region_{n}" for n in range(REGIONS)] * weeks)
    later = Panel.from_frame(frame, outcome="sales", channels=list(CHANNELS), series="region")
    brought, spent = effect[fitted].sum(axis=(0, 1)), spend[fitted].sum(axis=(0, 1))
    return Market(later.head(WEEKS), later, roi, brought / spent)


def _baseline(rng: np.random.Generator, size: Floats) -> Floats:
    week = np.arange(WEEKS + HOLDOUT)[:, None]
    season = 0.08 * np.sin(2.0 * np.pi * (week / 52.18 + rng.normal(0.0, 0.03, REGIONS)))
    trend = rng.normal(0.0005, 0.0005, REGIONS) * week
    return size * (0.85 + season + trend + rng.normal(0.0, 0.04, (len(week), REGIONS)))


def main() -> None:
    """Fit what has no file yet, and print the table over all files."""
    parser = argparse.ArgumentParser(prog="make bench-regions", description=__doc__)
    parser.add_argument("--panels", type=int, default=8, help="of each kind")
    parser.add_argument("--out", type=Path, default=Path("data/regions"), help="a file a fit")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for seed in range(arguments.panels):
        for kind, spread in KINDS.items():
            path = arguments.out / f"{kind.replace(' ', '_')}-{seed:03d}.json"
            if not path.exists():
                path.write_text(json.dumps({"kind": kind} | _judged(simulate(spread, seed), seed)))
            rows.append(json.loads(path.read_text()))
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows).groupby("kind", sort=False).mean()
    print(table.T.to_markdown(floatfmt=".3g"))


def _judged(market: Market, seed: int) -> dict[str, Any]:
    fit = hill_mmm.fit(market.panel, sampler=SamplerSettings(seed=seed))
    verdicts = gate(parameter_summary(fit), fit, GateThresholds())
    summary = fit.summary(ci_level=CI_LEVEL).query("period == 'all'")
    by_series = dict(list(summary.groupby("series_key")))
    of_regions = pd.concat(by_series[name] for name in market.panel.series)
    metrics = hill_mmm.results.accuracy(hill_mmm.results.decompose(fit, market.later), CI_LEVEL)
    return {
        "ROI of a region covered": _covered(of_regions, market.roi.ravel()),
        "ROI of all regions covered": _covered(by_series[ALL_SERIES], market.total_roi),
        "ROI width of a region / truth": _width(of_regions, market.roi.ravel()),
        "ROI width of all / truth": _width(by_series[ALL_SERIES], market.total_roi),
        "holdout covered": float(metrics.query("metric == 'coverage'")["value"].mean()),
        "gate passed": float(all(check.status == "pass" for check in verdicts)),
        "CPU s": fit.cpu_seconds,
    }


def _covered(rows: pd.DataFrame, truth: Floats) -> float:
    return float(((rows["roi_ci_lo"] <= truth) & (truth <= rows["roi_ci_hi"])).mean())


def _width(rows: pd.DataFrame, truth: Floats) -> float:
    return float(np.median((rows["roi_ci_hi"] - rows["roi_ci_lo"]) / truth))


if __name__ == "__main__":
    main()
