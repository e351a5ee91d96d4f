"""Coverage of the intervals, and what the checks say, where the world is not the model.

Run by `make bench-worlds`. Each world is a way of generating national markets in NumPy alone, with
known effects: `simulate`. Every market is fitted with the default settings; each fit is one JSON
file of the folder `--out`, so that a run that was stopped goes on where it was, and `--table`
writes what the files say as Markdown tables. See docs/worlds.md.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from hill_mmm import Fit, GateThresholds, ModelSpec, Panel, SamplerSettings
from hill_mmm.checks import Check
from hill_mmm.results import Estimates

Floats = NDArray[np.float64]

WEEKS = 156
HOLDOUT = 13
RECENT = 13
CI_LEVEL = 0.9
# Warns by a channel's name: of search, wherever no demand is given.
BY_NAME = "demand_control"
FIRST_WEEK = "2022-01-03"
SALES = 1_000_000.0
# Mean weekly spend as a share of sales, alpha, and how the channel is on air.
CHANNELS: Mapping[str, tuple[float, float, str]] = {
    "tv": (0.050, 0.6, "bursts"),
    "search": (0.030, 0.2, "always"),
    "social": (0.025, 0.35, "always"),
    "display": (0.015, 0.3, "most"),
    "radio": (0.012, 0.5, "bursts"),
}


@dataclass
class World:
    """A market in the making, which the worlds change before its outcome is drawn.

    Arrays have one row a week, of the weeks before the panel (`history`), in it, and of the holdout
    after it. Baseline and noise are shares of `SALES`.

    Attributes:
        rng: of the market.
        history: weeks of media before the panel's first.
        spend: in currency, `(weeks, channels)`.
        alpha: adstock, by channel.
        slope: of the Hill curves, by channel.
        relative_k: half-saturation over the median adstock of the weeks on air, by channel.
        roi: true ROI, by channel, before `effect`.
        effect: a factor on every channel's effect, `(weeks, channels)`.
        baseline: what sales are without media, `(weeks,)`.
        noise: what nobody knows, `(weeks,)`.
        demand: what the search budget follows, `(weeks,)`; 0 where it follows nothing.
        controls: columns that the model is given.
        unit: what the outcome is divided by.
        is_hill: whether curves and carry-over are those of the model; else the effect grows with
            the logarithm of the mean spend of four weeks.
    """

    rng: np.random.Generator
    history: int
    spend: Floats
    alpha: Floats
    slope: Floats
    relative_k: Floats
    roi: Floats
    effect: Floats
    baseline: Floats
    noise: Floats
    demand: Floats
    controls: dict[str, Floats] = field(default_factory=dict)
    unit: float = 1.0
    is_hill: bool = True

    @property
    def week(self) -> NDArray[np.int64]:
        """Week number, 0 at the panel's first."""
        return np.arange(len(self.spend)) - self.history


class Market(NamedTuple):
    """A market and its truth, in the unit of the outcome.

    Attributes:
        panel: the weeks to fit to.
        later: the same with the weeks of the holdout.
        roi: by channel, over the panel's weeks.
        mroi: by channel: the effect of a uniform relative increase in all weeks, over the spend.
        recent_mroi: the same of the last 13 weeks of the panel, in them and the weeks after.
        media: effect of all channels over the panel's weeks.
    """

    panel: Panel
    later: Panel
    roi: Floats
    mroi: Floats
    recent_mroi: Floats
    media: float


def simulate(name: str, seed: int) -> Market:
    """The market of a world and a seed; equal seeds give equal markets."""
    return observe(make(name, seed))


def make(name: str, seed: int) -> World:
    """The market before anyone has seen it, with what its curves are."""
    world = _market_as_the_model(np.random.default_rng(seed), history=60 * (name == "cut_off"))
    WORLDS[name].change(world)
    return world


def _market_as_the_model(rng: np.random.Generator, history: int) -> World:
    weeks, channels = history + WEEKS + HOLDOUT, len(CHANNELS)
    share, alpha, on_air = zip(*CHANNELS.values(), strict=True)
    spend = SALES * np.array(share) * rng.gamma(6.0, 1.0 / 6.0, (weeks, channels))
    spend *= np.column_stack([_on_air(rng, weeks, kind) for kind in on_air])
    time = np.arange(weeks) - history
    price = np.cumsum(rng.normal(0.0, 0.15, weeks))
    promotion = (rng.random(weeks) < 0.12).astype(float)
    year = 2.0 * np.pi * time / 52.18
    return World(
        rng=rng,
        history=history,
        spend=spend,
        alpha=np.clip(np.array(alpha) + rng.normal(0.0, 0.08, channels), 0.02, 0.9),
        slope=rng.lognormal(np.log(1.3), 0.2, channels),
        relative_k=rng.lognormal(0.0, 0.3, channels),
        roi=rng.lognormal(np.log(1.4), 0.5, channels),
        effect=np.ones((weeks, channels)),
        baseline=0.8
        + rng.normal(0.0006, 0.0004) * time
        + rng.normal(0.08, 0.02) * np.sin(year)
        - rng.normal(0.05, 0.02) * np.cos(year)
        + rng.normal(0.0, 0.02) * np.sin(2.0 * year)
        - 0.04 * (price - price.mean())
        + 0.10 * promotion,
        noise=rng.normal(0.0, 0.025, weeks),
        demand=np.zeros(weeks),
        controls={"price": price, "promotion": promotion},
    )


def _on_air(rng: np.random.Generator, weeks: int, kind: str) -> Floats:
    if kind == "bursts":
        lengths = rng.integers(3, 9, weeks)
        first = int(rng.integers(2))
        return np.repeat((np.arange(weeks) + first) % 2, lengths)[:weeks].astype(float)
    return (rng.random(weeks) < (0.8 if kind == "most" else 1.0)).astype(float)


def observe(world: World) -> Market:
    """What a panel shows of a market, and its truth."""
    scale = amplitude(world)
    effect = scale * _shape(world, world.spend)
    more = scale * _shape(world, world.spend * 1.001)
    recent = slice(world.history + WEEKS - RECENT, world.history + WEEKS)
    recently_more = world.spend.copy()
    recently_more[recent] *= 1.001
    recently_gained = (scale * _shape(world, recently_more) - effect).sum(axis=0) / 0.001
    outcome = (SALES * (world.baseline + world.noise) + effect.sum(axis=1)) / world.unit
    known = slice(world.history, None)
    frame = pd.DataFrame(
        world.spend[known],
        columns=list(CHANNELS),
        index=pd.date_range(FIRST_WEEK, periods=WEEKS + HOLDOUT, freq="7D"),
    ).assign(sales=outcome[known], **{name: x[known] for name, x in world.controls.items()})
    later = Panel.from_frame(
        frame, outcome="sales", channels=list(CHANNELS), controls=list(world.controls)
    )
    fitted = slice(world.history, world.history + WEEKS)
    spend = world.spend[fitted].sum(axis=0) * world.unit
    return Market(
        panel=later.head(WEEKS),
        later=later,
        roi=effect[fitted].sum(axis=0) / spend,
        mroi=(more - effect)[fitted].sum(axis=0) / 0.001 / spend,
        recent_mroi=recently_gained / (world.spend[recent].sum(axis=0) * world.unit),
        media=float(effect[fitted].sum() / world.unit),
    )


def outcome_of_plan(world: World, weekly: Floats, today: Floats, weeks_after: int) -> float:
    """What media bring in the weeks of the holdout if so much is spent, and in some after it.

    Args:
        world: of which the weeks before the holdout have been as they were.
        weekly: spend of each week of the holdout, by channel.
        today: of each week after it.
        weeks_after: so many of them are counted.
    """
    known = world.history + WEEKS
    spend = np.concatenate(
        [world.spend[:known], np.tile(weekly, (HOLDOUT, 1)), np.tile(today, (weeks_after, 1))]
    )
    last = world.effect[known : known + HOLDOUT].mean(axis=0)
    effect = np.concatenate([world.effect[: known + HOLDOUT], np.tile(last, (weeks_after, 1))])
    brought = amplitude(world) * _shape(replace(world, effect=effect), spend)
    return float(brought[known:].sum())


def amplitude(world: World) -> Floats:
    """By channel, so that each has its ROI where `effect` is 1."""
    fitted = slice(world.history, world.history + WEEKS)
    constant = replace(world, effect=np.ones_like(world.effect))
    shape = _shape(constant, world.spend)[fitted].sum(axis=0)
    return world.roi * world.spend[fitted].sum(axis=0) / shape


def _shape(world: World, spend: Floats) -> Floats:
    """Effect of spend for an amplitude of 1, `(weeks, channels)`."""
    if not world.is_hill:
        of_four_weeks = lfilter(np.full(4, 0.25), [1.0], spend, axis=0)
        return world.effect * np.log1p(of_four_weeks / half_saturation(world))
    risen = _adstock(world, spend) ** world.slope
    return world.effect * risen / (half_saturation(world) ** world.slope + risen)


def half_saturation(world: World) -> Floats:
    """By channel, in currency a week of adstock."""
    adstock = _adstock(world, world.spend)
    on_air = np.where(world.spend > 0, adstock, np.nan)
    return world.relative_k * np.nanmedian(on_air, axis=0)


def _adstock(world: World, spend: Floats) -> Floats:
    columns = [lfilter([1 - a], [1, -a], x) for a, x in zip(world.alpha, spend.T, strict=True)]
    return np.column_stack(columns)


def _as_the_model(world: World) -> None:
    """Nothing is changed."""


def _cut_off(world: World) -> None:
    # Always on air, and remembered for months; the weeks of `history` are not in the panel.
    world.alpha[0] = 0.85
    world.spend[:, 0] = SALES * 0.05 * world.rng.gamma(6.0, 1.0 / 6.0, len(world.spend))


def _ar_noise(world: World) -> None:
    world.noise = _autoregressive(world, 0.6, 0.025)


def _random_walk(world: World) -> None:
    world.baseline = world.baseline + np.cumsum(world.rng.normal(0.0, 0.01, len(world.spend)))


def _demand(world: World) -> None:
    world.demand = _autoregressive(world, 0.85, 1.0)
    world.baseline = world.baseline + 0.05 * world.demand
    world.spend[:, 1] *= np.exp(0.35 * world.demand)


def _demand_given(world: World) -> None:
    _demand(world)
    world.controls["demand"] = world.demand


def _orders(world: World) -> None:
    world.unit = 80.0


def _regimes(world: World) -> None:
    # In two weeks of five every channel works two and a half times as well as in the others.
    strong = world.rng.random(len(world.spend)) < 0.4
    world.effect = np.where(strong, 1.6, 0.6)[:, None] * world.effect


def _weak(world: World) -> None:
    world.spend *= 0.025 * SALES / world.spend.mean(axis=0)
    world.roi = 0.4 * world.rng.lognormal(0.0, 0.2, len(CHANNELS))


def _sharp_season(world: World) -> None:
    weeks_to_peak = np.abs((world.week - 50 + 26) % 52.18 - 26)
    peak = np.exp(-0.5 * (weeks_to_peak / 2.0) ** 2)
    world.baseline = world.baseline + 0.35 * peak
    world.spend *= 1.0 + 0.8 * peak[:, None]


def _drift(world: World) -> None:
    # Twice as much, or half, by the end of the three years as at their start.
    direction = world.rng.choice([-1.0, 1.0], len(CHANNELS))
    world.effect = 2.0 ** ((world.week[:, None] / WEEKS - 0.5) * direction)


def _heavy_tails(world: World) -> None:
    world.noise = 0.015 * world.rng.standard_t(2.5, len(world.spend))


def _uneven_noise(world: World) -> None:
    level = (world.baseline - world.baseline.mean()) / world.baseline.std()
    world.noise *= np.exp(0.6 * level) / np.sqrt(np.mean(np.exp(1.2 * level)))


def _bookings(world: World) -> None:
    # A share of each week's sales, another every week, is booked in the week after.
    late = world.rng.normal(0.0, 0.03, len(world.spend) + 1)
    world.noise = 0.5 * world.noise + late[:-1] - late[1:]


def _slopes(world: World) -> None:
    world.slope = np.array([2.5, 0.8, 1.2, 0.9, 2.0])


def _no_effect(world: World) -> None:
    world.roi[3] = 0.0


def _saturated(world: World) -> None:
    # Always on air, and in no week below twice the half-saturation.
    share = np.array([share for share, _, _ in CHANNELS.values()])
    world.spend = SALES * share * world.rng.gamma(6.0, 1.0 / 6.0, world.spend.shape)
    world.relative_k *= 0.1


def _other_shapes(world: World) -> None:
    world.is_hill = False


def _autoregressive(world: World, rho: float, sd: float) -> Floats:
    shocks = world.rng.normal(0.0, sd * np.sqrt(1.0 - rho**2), len(world.spend) + 100)
    return lfilter([1.0], [1.0, -rho], shocks)[100:]


class Kind(NamedTuple):
    """A world by what it changes.

    Attributes:
        title: for the table.
        change: of a market as the model.
        components: K of the fits; one after another.
        setting: of the model, where it is not the default.
    """

    title: str
    change: Callable[[World], None]
    components: tuple[int, ...] = (1,)
    setting: Mapping[str, Any] = MappingProxyType({})


ALL_MOVE = {"moving_effects": tuple(CHANNELS)}
WORLDS: Mapping[str, Kind] = {
    "as_the_model": Kind("as the model", _as_the_model),
    "cut_off": Kind("cut-off history", _cut_off),
    "ar_noise": Kind("AR(1) noise", _ar_noise),
    "random_walk": Kind("random-walk baseline", _random_walk),
    "demand": Kind("spend follows demand", _demand),
    "demand_given": Kind("spend follows demand, a control", _demand_given),
    "orders": Kind("KPI not in money", _orders),
    "regimes": Kind("two regimes", _regimes, (1, 2)),
    "weak": Kind("weak channels", _weak),
    "sharp_season": Kind("sharp season", _sharp_season),
    "drift": Kind("effects that drift", _drift),
    "drift_moving": Kind("effects that drift, moving_effects", _drift, setting=ALL_MOVE),
    "as_the_model_moving": Kind("as the model, moving_effects", _as_the_model, setting=ALL_MOVE),
    "heavy_tails": Kind("heavy tails", _heavy_tails),
    "uneven_noise": Kind("noise grows with the level", _uneven_noise),
    "bookings": Kind("sales booked a week late", _bookings),
    "slopes": Kind("slopes from 0.8 to 2.5", _slopes),
    "no_effect": Kind("a channel without effect", _no_effect),
    "saturated": Kind("saturated in every week", _saturated),
    "other_shapes": Kind("no Hill curve, no adstock", _other_shapes),
}


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


def specification(
    panel: Panel, components: int, setting: Mapping[str, Any] = MappingProxyType({})
) -> ModelSpec:
    """The defaults but for the world's setting, and what a measured demand is."""
    roles = {name: "demand" for name in panel.control_names if name == "demand"}
    return ModelSpec(components=components, control_roles=roles, **setting)


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
