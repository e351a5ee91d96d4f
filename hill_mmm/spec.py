"""What to fit and how: model, sampler, gate, lift tests and budget plans, defined here alone.

Everything is a frozen dataclass of the standard library, checked when it is made. A settings file
is validated against these classes themselves. Importing this module does not import JAX.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from hill_mmm._rules import (
    Checked,
    Count,
    CountOrZero,
    Finite,
    Positive,
    PositiveOrZero,
    Rate,
    Rule,
    Share,
    SpecError,
    above,
    at_least,
    between,
)

__all__ = [
    "DEFAULT_ROI_PRIOR",
    "DEFAULT_SHARE_PRIOR",
    "FORECAST_LEVELS",
    "AdstockKind",
    "AmplitudePrior",
    "CarryIn",
    "ChannelLimit",
    "Checked",
    "ComponentPrior",
    "Continuation",
    "ContributionSharePrior",
    "ControlRole",
    "Count",
    "CountOrZero",
    "Country",
    "CurvePrior",
    "Day",
    "DefaultAmplitude",
    "GateThresholds",
    "Hyperprior",
    "LiftTest",
    "Likelihood",
    "ModelOptions",
    "ModelSpec",
    "OutcomeKind",
    "PlanObjective",
    "PlanRequest",
    "Positive",
    "PositiveOrZero",
    "Rate",
    "RoiPrior",
    "Rule",
    "SamplerSettings",
    "Share",
    "Sign",
    "SpecError",
    "Structure",
    "Timing",
    "Trend",
    "Utility",
    "UtilityKind",
    "above",
    "at_least",
    "between",
    "quantile_name",
    "years_without_holidays",
]

AdstockKind = Literal["geometric", "delayed", "weibull"]
CarryIn = Literal["steady", "none"]
Likelihood = Literal["normal", "student_t"]
OutcomeKind = Literal["money", "count"]
DefaultAmplitude = Literal["roi", "contribution_share", "seed"]
Hyperprior = Literal["lognormal", "halfnormal", "inverse_gamma"]
Trend = Literal["none", "linear", "piecewise", "smooth"]
Sign = Literal["positive", "negative"]
Continuation = Literal["last_value", "seasonal", "trend", "absent", "given"]
ControlRole = Annotated[
    str,
    Rule(
        lambda role: role in {"demand", "price", "promotion", "competitor"},
        "demand, price, promotion or competitor. A mediator is no control: media move it, and it "
        "would take away the part of their effect that goes through it; leave it out, or make it "
        "the outcome of a model of its own",
        is_whole=True,
    ),
]
PlanObjective = Literal["fixed_budget", "target_roi", "target_mroi", "flexible"]
Timing = Literal["even", "last_year"]
UtilityKind = Literal["mean", "quantile", "mean_minus_sd"]


# Media that are bought, or found, when somebody already looks for something: their spend is what
# demand makes of it.
_CAPTURES_DEMAND = re.compile(
    r"search|shopping|retarget|remarket|affiliate|marketplace|(?<![a-z])(?:sem|sea|ppc|pla)(?![a-z])",
    re.IGNORECASE,
)


def _is_day(value: object) -> bool:
    try:
        # In this one spelling: another would compare, and sort, as another text.
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_country(code: str) -> bool:
    # Not at the top: it is slow to import, and only a model with holidays needs it.
    from holidays import list_supported_countries

    years = range(1990, 2100)
    # Some codes are known, and have no holiday in any year.
    return code in list_supported_countries(include_aliases=False) and any(
        not years_without_holidays(code, [year]) for year in years
    )


def years_without_holidays(country: str, years: Iterable[int]) -> list[int]:
    """Those of the years in which no public holiday of a country is known, sorted.

    Args:
        country: ISO 3166-1 alpha-2 code, such as `DE`.
        years: calendar years.
    """
    from holidays import country_holidays

    return [year for year in sorted(set(years)) if not country_holidays(country, years=year)]


Day = Annotated[str, Rule(_is_day, "a day, such as 2026-01-31", is_whole=True)]
Country = Annotated[
    str,
    Rule(
        _is_country,
        "an ISO 3166 code of two capitals, such as DE, of a country whose public holidays are "
        "known",
    ),
]


@dataclass(frozen=True)
class RoiPrior(Checked):
    """A LogNormal prior on a channel's ROI.

    Attributes:
        median: outcome per unit of spend, both in money.
        sd_log: standard deviation of the ROI's logarithm.
    """

    kind: ClassVar[Literal["roi"]] = "roi"

    median: Positive
    sd_log: Positive


@dataclass(frozen=True)
class ContributionSharePrior(Checked):
    """A LogNormal prior on a medium's share of the outcome.

    Attributes:
        median: the share, 0.03 for 3 %.
        sd_log: standard deviation of the share's logarithm.
    """

    kind: ClassVar[Literal["contribution_share"]] = "contribution_share"

    median: Share
    sd_log: Positive


AmplitudePrior = RoiPrior | ContributionSharePrior
# exp(0.2): Meridian's default ROI prior, LogNormal(0.2, 0.9).
DEFAULT_ROI_PRIOR = RoiPrior(median=1.2214, sd_log=0.9)
DEFAULT_SHARE_PRIOR = ContributionSharePrior(median=0.03, sd_log=1.0)


@dataclass(frozen=True)
class CurvePrior(Checked):
    """Priors of a medium's carry-over and of its Hill curve, of each component alike.

    Attributes:
        alpha_mean: of the share of the adstock that a week keeps, `Beta(mean * concentration,
            (1 - mean) * concentration)`; of the geometric and the delayed adstock.
        alpha_concentration: of that Beta; 4 and a mean of 0.5 are Beta(2, 2).
        slope_median: of the exponent n, which is LogNormal. Below 1 the curve is concave from 0 on.
        slope_sd_log: standard deviation of its logarithm.
        half_saturation_median: of k, which is LogNormal, as a multiple of the median adstocked
            spend.
        half_saturation_sd_log: standard deviation of its logarithm.
    """

    alpha_mean: Share = 0.5
    alpha_concentration: Positive = 4.0
    slope_median: Positive = 1.2
    slope_sd_log: Positive = 0.5
    half_saturation_median: Positive = 1.0
    half_saturation_sd_log: Positive = 0.7


@dataclass(frozen=True)
class ComponentPrior(Checked):
    """Hyperpriors of the seed document, by its names (docs/seed.md, sections 6.2 and 7.2).

    Attributes:
        mu_log_n_median: exponential of the location of the mean log slope, which is Normal; under
            the seed's amplitudes alone.
        mu_log_n_sd: its standard deviation.
        sigma_log_n_loc: of the LogNormal of the spread of log slopes between components, or under
            the seed's amplitudes between all; of the family `lognormal` alone, as the next three.
        sigma_log_n_sd: standard deviation of its logarithm.
        sigma_log_A_loc: of the LogNormal of the spread of log amplitudes between components.
        sigma_log_A_sd: standard deviation of its logarithm.
    """

    mu_log_n_median: Positive = 1.5
    mu_log_n_sd: Positive = 0.3
    sigma_log_n_loc: Finite = -1.5
    sigma_log_n_sd: Positive = 0.5
    sigma_log_A_loc: Finite = -1.0
    sigma_log_A_sd: Positive = 0.5


# Harmonics of the year whose coefficients have a prior of their own; finer ones share its scale.
FREE_HARMONICS = 2


class Structure(NamedTuple):
    """What of a specification shapes the compiled program; data and priors are its arguments."""

    components: int
    adstock: AdstockKind
    carry_in: CarryIn
    likelihood: Likelihood
    hyperprior: Hyperprior
    seed_amplitudes: bool
    moving_effects: bool
    learned_scales: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Checked):
    """What shapes a model, whatever its channels, controls and events are called.

    Attributes:
        adstock: `geometric`, `delayed` (a peak after some weeks) or `weibull` (a density's shape).
        carry_in: what media before the first week known carry into it: `steady`, a multiple of the
            mean of the first 8 weeks that is fitted for each medium; or `none`, for a brand that
            had no media before.
        likelihood: `normal`, or `student_t` if single weeks are wild.
        amplitude_prior: of paid channels without one of their own: `DEFAULT_ROI_PRIOR` (of a count
            without a value per unit, which has no ROI, the next), `DEFAULT_SHARE_PRIOR`, or `seed`
            for the seed document's in every channel,
            `mu_log_A ~ Normal(A_loc, 0.5)`, with the `A_loc` of the code behind it,
            `log(0.3 * range(outcome))` (docs/seed.md, section 6.2). Organic media have no spend,
            and `DEFAULT_SHARE_PRIOR` unless they have a prior of their own or it is `seed`.
        hyperprior: family of the scales between components (docs/seed.md, section 3).
        component_prior: hyperpriors of that family.
        curve_prior: of carry-over and saturation, of media without one of their own.
        trend: `none`, `linear`, `piecewise`: linear between evenly spaced half-years; or `smooth`:
            linear and a random walk of the level, whose size is learned and may be 0. The walk is
            common to all series.
        fourier_order: harmonics of yearly seasonality; 0 for none. Those above the second share a
            scale that is learned and may be 0, so that a smooth season pays little for them.
        holidays: ISO code of the country whose public holidays get a coefficient each, or None.
    """

    adstock: AdstockKind = "geometric"
    carry_in: CarryIn = "steady"
    likelihood: Likelihood = "normal"
    amplitude_prior: DefaultAmplitude = "roi"
    hyperprior: Hyperprior = "lognormal"
    component_prior: ComponentPrior = ComponentPrior()
    curve_prior: CurvePrior = CurvePrior()
    trend: Trend = "smooth"
    fourier_order: CountOrZero = 10
    holidays: Country | None = None


@dataclass(frozen=True, kw_only=True)
class ModelSpec(ModelOptions):
    """The Hill mixture to fit.

    Attributes:
        components: number K of Hill curves in the mixture over weeks.
        outcome_kind: `money`, in the currency of the spend; or `count`: orders, visits or any other
            unit, whose ROI is in money only if a unit has a value.
        value_per_unit: money that a unit of a count is worth; `by_week`, if the panel has what each
            week's units are worth; or None for unknown.
        channel_priors: priors by channel, paid or organic, if they differ from the default.
        channel_curve_priors: priors of carry-over and saturation by channel, paid or organic, if
            they differ from `curve_prior`.
        moving_effects: media whose effect may move over the years: each has a multiplier whose
            logarithm is linear between half-years, and whose mean over the weeks fitted to is 1.
            Response curves, plans and forecasts then are of the effect in the last week.
        events: ISO dates by event; each event gets a coefficient.
        control_signs: controls whose coefficient may not have the other sign; it is shared by all
            series.
        control_references: values against which the effect of a control is counted; by default 0
            for an event (0 and 1, or 0 in most weeks), and the mean over the weeks fitted to for
            any other. They move contributions between control and baseline, and nothing else.
        control_roles: what a control stands for; checks alone go by it. `mediator`, what media move
            on their way to the outcome, such as branded searches or site visits, is refused: their
            total effect is asked for.
        follows_demand: by medium, whether its spend rises and falls with the demand there is, as
            that of paid search does; by default its name decides, see `medium_follows_demand`.
    """

    components: Count = 1
    outcome_kind: OutcomeKind = "money"
    value_per_unit: Positive | Literal["by_week"] | None = None
    channel_priors: Mapping[str, AmplitudePrior] = field(default_factory=dict)
    channel_curve_priors: Mapping[str, CurvePrior] = field(default_factory=dict)
    moving_effects: tuple[str, ...] = ()
    events: Mapping[str, tuple[Day, ...]] = field(default_factory=dict)
    control_signs: Mapping[str, Sign] = field(default_factory=dict)
    control_references: Mapping[str, Finite] = field(default_factory=dict)
    control_roles: Mapping[str, ControlRole] = field(default_factory=dict)
    follows_demand: Mapping[str, bool] = field(default_factory=dict)

    @property
    def structure(self) -> Structure:
        """The part that shapes the compiled program."""
        return Structure(
            self.components,
            self.adstock,
            self.carry_in,
            self.likelihood,
            self.hyperprior,
            self.amplitude_prior == "seed",
            bool(self.moving_effects),
            self.learned_scales,
        )

    @property
    def has_value(self) -> bool:
        """Whether what a unit of the outcome is worth in money is known, so that it has a ROI."""
        return self.outcome_kind == "money" or self.value_per_unit is not None

    @property
    def learned_scales(self) -> tuple[str, ...]:
        """Parts of the baseline whose columns have a prior scale that is learned, in their order.

        `seasonality` of the harmonics above `FREE_HARMONICS`, and `trend` if it is smooth.
        """
        has = {
            "seasonality": self.fourier_order > FREE_HARMONICS,
            "trend": self.trend == "smooth",
        }
        return tuple(name for name, is_learned in has.items() if is_learned)

    @property
    def unit_value(self) -> float:
        """Money that every unit of the outcome is worth; NaN if not known, or different by week."""
        if self.outcome_kind == "money":
            return 1.0
        return self.value_per_unit if isinstance(self.value_per_unit, int | float) else math.nan

    def contradictions(self) -> list[tuple[str, str]]:
        """A value of what is money already, and ROI priors on what has no value."""
        if self.outcome_kind == "money" and self.value_per_unit is not None:
            found = f"outcome_kind 'money' and value_per_unit {self.value_per_unit}"
            return [(found, "value_per_unit of a count alone")]
        if self.has_value:
            return []
        return [
            (
                f"a ROI prior of {name} on a count",
                "a contribution share prior, or a value_per_unit, from which the ROI follows",
            )
            for name, prior in self.channel_priors.items()
            if prior.kind == "roi"
        ]

    def channel_prior(self, channel: str, *, is_paid: bool) -> AmplitudePrior:
        """The amplitude prior of a channel; not defined under the seed's amplitudes.

        Raises:
            ValueError: for a ROI prior of an organic channel, which has no spend.
        """
        has_roi = is_paid and self.amplitude_prior == "roi" and self.has_value
        default = DEFAULT_ROI_PRIOR if has_roi else DEFAULT_SHARE_PRIOR
        prior = self.channel_priors.get(channel, default)
        if prior.kind == "roi" and not is_paid:
            raise ValueError(f"{channel} is organic: give it a contribution_share prior, not a ROI")
        return prior

    def medium_follows_demand(self, medium: str) -> bool:
        """Whether a medium captures demand: as `follows_demand` says, or by its name."""
        return self.follows_demand.get(medium, _CAPTURES_DEMAND.search(medium) is not None)

    def as_dict(self) -> dict[str, Any]:
        """The specification as plain values, for JSON."""
        priors = {
            name: {"kind": prior.kind, **asdict(prior)}
            for name, prior in self.channel_priors.items()
        }
        return asdict(self) | {"channel_priors": priors}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelSpec":
        """The specification back from `as_dict`, through JSON or not."""
        fields = dict(values)
        kinds = {kind.kind: kind for kind in (RoiPrior, ContributionSharePrior)}
        fields["channel_priors"] = {
            name: kinds[prior["kind"]](prior["median"], prior["sd_log"])
            for name, prior in values["channel_priors"].items()
        }
        fields["component_prior"] = ComponentPrior(**values["component_prior"])
        fields["curve_prior"] = CurvePrior(**values["curve_prior"])
        fields["channel_curve_priors"] = {
            name: CurvePrior(**prior) for name, prior in values["channel_curve_priors"].items()
        }
        fields["events"] = {name: tuple(dates) for name, dates in values["events"].items()}
        fields["moving_effects"] = tuple(values.get("moving_effects", ()))
        return cls(**fields)


@dataclass(frozen=True)
class LiftTest(Checked):
    """An experiment's result: what a channel's spend brought in some weeks.

    Attributes:
        channel: the paid channel tested.
        start: ISO date of the first week's first day.
        end: ISO date of the last week's first day; that week is included.
        lift: total incremental outcome in these weeks, in the unit of the outcome.
        standard_error: of `lift`.
        series: the series tested, or None for all together.
    """

    channel: str
    start: Day
    end: Day
    lift: Finite
    standard_error: Positive
    series: str | None = None

    def contradictions(self) -> list[tuple[str, str]]:
        """A test that ends before it starts."""
        found = f"start {self.start}, end {self.end}"
        return [(found, "an end on or after the start")] if self.start > self.end else []


# The posterior of a single curve with a prior on its effect is nearly Gaussian. Where components
# have amplitudes of their own, as in a mixture and under the seed's prior, it has narrow places in
# which larger steps diverge. A panel's many coordinates make steps small: 0.8 halves its
# trajectories, without a divergence.
PLAIN_TARGET_ACCEPT = 0.95
PANEL_TARGET_ACCEPT = 0.8
COMPONENT_TARGET_ACCEPT = 0.98


@dataclass(frozen=True)
class SamplerSettings(Checked):
    """How NUTS runs.

    Attributes:
        chains: number of chains, run side by side.
        warmup: iterations of each chain before its draws.
        draws: kept of each chain.
        target_accept: mean acceptance that the step size is tuned to; None for 0.95 with a single
            curve, 0.8 with a single curve over many series, and 0.98 with a mixture or the seed's
            amplitudes.
        max_tree_depth: of a trajectory, `2 ** depth - 1` leapfrog steps.
        seed: equal seeds, data and settings give equal draws.
    """

    chains: Count = 4
    warmup: Count = 500
    draws: Count = 1000
    target_accept: Share | None = None
    max_tree_depth: Count = 10
    seed: CountOrZero = 0

    def acceptance(self, spec: ModelSpec, series: int) -> float:
        """The target acceptance for a model of so many series."""
        if self.target_accept is not None:
            return self.target_accept
        if spec.components > 1 or spec.amplitude_prior == "seed":
            return COMPONENT_TARGET_ACCEPT
        return PLAIN_TARGET_ACCEPT if series == 1 else PANEL_TARGET_ACCEPT


@dataclass(frozen=True)
class GateThresholds(Checked):
    """When a fit may be published; rates are shares of all draws.

    Attributes:
        max_r_hat: what rank-normalised split R-hat is tolerated of a published quantity, whatever
            its ESS. A larger one is still no fault where chance explains it: the limit of each
            quantity is this, or what a right sampler of its ESS stays below in 98 % of fits, all
            quantities together, if that is more. One chain of four that is 0.2 standard deviations
            off has 1.004, one that is 0.3 off 1.01.
        min_ess: of every published quantity, bulk and tail.
        max_divergence_rate: share of transitions after warm-up.
        min_bfmi: Bayesian fraction of missing information of the worst chain.
        max_saturated_tree_rate: share of transitions that reached the maximum tree depth.
        max_history_shift_sd: how far a refit of the same model version may move what was published
            of the same weeks, in posterior standard deviations; None for a warning beyond 2.
    """

    max_r_hat: Annotated[float, above(1)] = 1.005
    min_ess: Positive = 400.0
    max_divergence_rate: Rate = 0.001
    min_bfmi: Positive = 0.3
    max_saturated_tree_rate: Rate = 0.01
    max_history_shift_sd: Positive | None = None


@dataclass(frozen=True)
class ChannelLimit(Checked):
    """What a plan may spend on a channel, in currency a week.

    Attributes:
        channel: the paid channel.
        series: the series meant, or None for the channel in each of them.
        min_weekly: at least so much.
        max_weekly: at most so much; None for no limit.
        step: the plan is a multiple of it; None for any amount.
        minimum_flight: the plan is 0 or at least so much; None for any amount.
        locked: the plan is what is spent today.
    """

    channel: str
    series: str | None = None
    min_weekly: PositiveOrZero = 0.0
    max_weekly: PositiveOrZero | None = None
    step: Positive | None = None
    minimum_flight: Positive | None = None
    locked: bool = False

    def contradictions(self) -> list[tuple[str, str]]:
        """A least amount above the most."""
        if self.max_weekly is None or self.min_weekly <= self.max_weekly:
            return []
        found = f"min_weekly {self.min_weekly:g}, max_weekly {self.max_weekly:g}"
        return [(found, "a max_weekly of at least min_weekly")]


@dataclass(frozen=True)
class Utility(Checked):
    """What of the gain over today's allocation is maximised; that of no change is 0.

    Attributes:
        kind: its posterior `mean`; its `quantile` at `level`; or `mean_minus_sd`, the mean less
            `weight` standard deviations.
        level: of the quantile, in (0, 1): 0.1 is the gain that nine draws in ten exceed.
        weight: of the standard deviation, 0 or more.
    """

    kind: UtilityKind = "mean_minus_sd"
    level: Share = 0.1
    weight: PositiveOrZero = 0.5

    def contradictions(self) -> list[tuple[str, str]]:
        """A level or a weight that another kind would use."""
        found: list[tuple[str, str]] = []
        for name, kind in (("level", "quantile"), ("weight", "mean_minus_sd")):
            value = getattr(self, name)
            if kind != self.kind and value != getattr(type(self), name):
                found.append((f"{name} {value:g}, kind {self.kind}", f"kind {kind}, or no {name}"))
        return found

    @property
    def in_words(self) -> str:
        """The kind with its level or weight, for tables."""
        detail = {"mean": "", "quantile": f" {self.level:g}", "mean_minus_sd": f" {self.weight:g}"}
        return f"{self.kind}{detail[self.kind]}"


@dataclass(frozen=True)
class PlanRequest(Checked):
    """One scenario.

    Attributes:
        objective: `fixed_budget`: the most outcome for the budget. `target_roi`: the most outcome
            with an expected ROI of at least `target`. `target_mroi`: spend wherever the next unit
            of money brings `target` or more. `flexible`: the most profit, `margin` times outcome
            less spend.
        budget: money over the horizon; of a flexible or target objective, at most that. None for
            `budget_multiplier` times today's.
        budget_multiplier: of today's spend, where there is no `budget`; None for 1 of a fixed
            budget, and for no limit of the others.
        target: ROI or mROI, outcome per unit of money; for those two objectives.
        margin: profit per unit of money that the outcome is worth, for `flexible`.
        horizon_weeks: weeks planned, from the one after the panel's last.
        timing: `even`, the same every week, compared with the mean of as many last weeks; or
            `last_year`, the weeks of a year before with their rhythm, each channel multiplied.
        utility: what of the gain is maximised. None for the mean less half a standard deviation;
            or of a target, which is one of means, for the mean.
        limits: of channels; each may say something else of the same one.
        max_change: how far each channel may move from what the plan is compared with, as a share of
            it; None for any. Limits, steps and flights of a channel that lie beyond it are met.
        allow_extrapolation: plan for adstock above or below all that a series has had of a channel
            (`learned_range`). Without it, a channel that is on air stays at what has been seen of
            it or more, unless its limits let it be off: a `minimum_flight` or a `max_weekly`.
    """

    objective: PlanObjective = "fixed_budget"
    budget: Positive | None = None
    budget_multiplier: Positive | None = None
    target: Positive | None = None
    margin: Positive = 1.0
    horizon_weeks: Annotated[int, between(1, 52)] = 13
    timing: Timing = "even"
    utility: Utility | None = None
    limits: tuple[ChannelLimit, ...] = ()
    max_change: PositiveOrZero | None = 0.3
    allow_extrapolation: bool = False

    def contradictions(self) -> list[tuple[str, str]]:
        """Two budgets, or a target that the objective does not ask for."""
        found: list[tuple[str, str]] = []
        if self.budget is not None and self.budget_multiplier is not None:
            found.append(("both", "budget or budget_multiplier, not both"))
        if self.objective.startswith("target") != (self.target is not None):
            found.append(
                (
                    f"objective {self.objective}, target {self.target}",
                    "a target with target_roi and target_mroi, and with no other objective",
                )
            )
        return found

    @property
    def maximised(self) -> Utility:
        """The utility asked for, or the objective's own."""
        own = Utility("mean") if self.objective.startswith("target") else Utility()
        return self.utility or own

    @property
    def price(self) -> float:
        """Outcome that a unit of money has to bring to be worth it; 0 where money is given."""
        if self.objective == "flexible":
            return 1.0 / self.margin
        return float(self.target or 0.0) if self.objective == "target_mroi" else 0.0


# The quantiles of a forecast, every 5 %: the CRPS is twice the mean loss over all quantiles, and
# these are even steps of it.
FORECAST_LEVELS = tuple(percent / 100 for percent in range(5, 100, 5))


def quantile_name(level: float) -> str:
    """The column of a forecast's quantile: `outcome_q05` of 0.05."""
    return f"outcome_q{round(100 * level):02d}"
