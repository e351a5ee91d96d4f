"""National markets in NumPy alone, with known effects, of worlds that are or are not the model.

`simulate` makes the market of a world and a seed; `WORLDS` says what each world changes. See
docs/worlds.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter

from hill_mmm import ModelSpec, Panel

Floats = NDArray[np.float64]

WEEKS = 156
HOLDOUT = 13
RECENT = 13
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
    risen = adstocked(spend, world.alpha) ** world.slope
    return world.effect * risen / (half_saturation(world) ** world.slope + risen)


def half_saturation(world: World) -> Floats:
    """By channel, in currency a week of adstock."""
    adstock = adstocked(world.spend, world.alpha)
    on_air = np.where(world.spend > 0, adstock, np.nan)
    return world.relative_k * np.nanmedian(on_air, axis=0)


def adstocked(spend: Floats, alpha: Floats) -> Floats:
    """Geometric adstock of columns of spend, `(weeks, columns)`, that starts at 0."""
    columns = [lfilter([1 - a], [1, -a], x) for a, x in zip(alpha, spend.T, strict=True)]
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
    # Always on air, with an adstock that is 1.8 times the half-saturation in its least week.
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


def specification(
    panel: Panel, components: int, setting: Mapping[str, Any] = MappingProxyType({})
) -> ModelSpec:
    """The defaults but for the world's setting, and what a measured demand is."""
    roles = {name: "demand" for name in panel.control_names if name == "demand"}
    return ModelSpec(components=components, control_roles=roles, **setting)
