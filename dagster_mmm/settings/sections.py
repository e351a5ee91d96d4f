"""The sections of the settings file, each checked by itself."""

from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dagster_mmm.settings.fields import (
    Adstock,
    Components,
    Count,
    CountOrZero,
    Country,
    Cron,
    Day,
    DefaultAmplitude,
    Grain,
    Hyperprior,
    InputFile,
    Likelihood,
    Name,
    PlanObjective,
    Positive,
    PositiveOrZero,
    Rate,
    Share,
    Sign,
    Table,
    Text,
    Timezone,
    Timing,
    Trend,
    UtilityKind,
    Weekday,
    reject,
)


class Section(BaseModel):
    """A mapping of the settings file, whose keys are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ReportsSettings(Section):
    """A long table of ad platforms' spend: one row a day and campaign, or any finer part of it.

    Its columns are called as in the ad-reporting packages for dbt. `channel_column` tells the
    channels apart: each channel's `column` is then one of its values, and every value belongs to a
    channel or is `ignored`. A day without a row is a day without spend.
    """

    table: Table
    date_column: Text = "date_day"
    channel_column: Text = "platform"
    spend_column: Text = "spend"
    model_column: Text | None = None
    series_column: Text | None = None
    currency_column: Text | None = None
    ignored: Annotated[tuple[Text, ...], Field(strict=False)] = ()

    def columns(self) -> dict[str, str]:
        """The columns of the table that are read, by their key."""
        keys = (
            "date_column",
            "channel_column",
            "spend_column",
            "model_column",
            "series_column",
            "currency_column",
        )
        columns = {f"input.reports.{key}": getattr(self, key) for key in keys}
        return {key: column for key, column in columns.items() if column is not None}


class FreshnessSettings(Section):
    """After how many days from its last row's date `dbt source freshness` finds a table stale."""

    warn_days: Count = 14
    error_days: Count = 28


class InputSettings(Section):
    """Where the raw weekly or daily table is and how its rows are read.

    A `file` is loaded into the table first; its path is relative to the settings file's folder. The
    values of `model_column` are models' keys; without it, all rows are of one model. The values of
    `series_column` name the series (geos, store groups, brands) that the model explains
    together; without it all rows are one series, called `series`. `immature_weeks` are the last
    weeks whose outcome is still expected to change: they are left out of the fit. Where
    `currency_column` names each row's currency, all have to be in the model's. A value of more than
    `max_times_usual` times the median of its series is refused as one in another unit. With
    `reports`, the channels' spend stands there, and the table holds the outcome and all else.
    """

    file: InputFile | None = None
    table: Table = "raw.weekly_media"
    date_column: Text = "week"
    grain: Grain = "weekly"
    week_starts_on: Weekday = "monday"
    model_column: Text | None = None
    series: Text = "national"
    series_column: Text | None = None
    immature_weeks: CountOrZero = 0
    currency_column: Text | None = None
    max_times_usual: Annotated[float, Field(gt=1)] = 200.0
    reports: ReportsSettings | None = None
    freshness: FreshnessSettings = FreshnessSettings()

    @model_validator(mode="after")
    def _series_are_named_once(self) -> Self:
        is_named = self.series != type(self).model_fields["series"].default
        if is_named and self.series_column is not None:
            raise reject(
                "series, the name of the only one, or series_column, whose values name them",
                found=f"series {self.series!r} and series_column {self.series_column!r}",
            )
        return self

    @model_validator(mode="after")
    def _reports_are_of_the_same_models_and_series(self) -> Self:
        if self.reports is None:
            return self
        for key in ("model_column", "series_column"):
            ours, theirs = getattr(self, key), getattr(self.reports, key)
            if (ours is None) != (theirs is None):
                raise reject(
                    f"{key} and reports.{key}, both or neither",
                    found=f"{key} {ours!r} and reports.{key} {theirs!r}",
                )
        return self


class RoiPrior(Section):
    """What is known of a channel's return beforehand: log-normal, outcome per unit of money."""

    kind: ClassVar[Literal["roi"]] = "roi"

    median: Positive
    sd_log: Positive


class ContributionSharePrior(Section):
    """What is known beforehand of a medium's share in the outcome: log-normal, 0.03 for 3 %."""

    kind: ClassVar[Literal["contribution_share"]] = "contribution_share"

    median: Share
    sd_log: Positive


class Variable(Section):
    """A column of the raw table, and the name by which everything after it knows it."""

    role: ClassVar[str]

    name: Name
    column: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _column_defaults_to_name(cls, data: object) -> object:
        match data:
            case {"name": str(name)}:
                return {"column": name, **cast("dict[str, object]", data)}
            case _:
                return data


class OutcomeSettings(Variable):
    """What the model explains, such as revenue, in the model's currency or in units."""

    role = "outcome"


class MediumSettings(Variable):
    """A paid channel or an organic medium, and what is known of its effect beforehand."""

    contribution_share_prior: ContributionSharePrior | None = None

    @property
    def amplitude_prior(self) -> RoiPrior | ContributionSharePrior | None:
        """The medium's own prior, or None for the model's."""
        return self.contribution_share_prior


class ChannelSettings(MediumSettings):
    """A paid media channel and its spend, in the model's currency."""

    role = "spend"

    roi_prior: RoiPrior | None = None

    @model_validator(mode="after")
    def _one_prior(self) -> Self:
        if self.roi_prior is not None and self.contribution_share_prior is not None:
            raise reject("roi_prior or contribution_share_prior, not both", found="both")
        return self

    @property
    def amplitude_prior(self) -> RoiPrior | ContributionSharePrior | None:
        """The channel's own prior, or None for the model's."""
        return self.roi_prior or self.contribution_share_prior


class OrganicSettings(MediumSettings):
    """A medium without spend, such as a newsletter, and its exposures in any unit."""

    role = "organic"


class ControlSettings(Variable):
    """Something else that moves the outcome; with `equals`, 1 where the text is that, else 0.

    A `sign` says which way it moves the outcome, where that is known beforehand.
    """

    role = "control"

    equals: Text | None = None
    sign: Sign | None = None


class LiftTestSettings(Section):
    """An experiment's result: the outcome that a channel added in some weeks, and its error.

    `start` and `end` are the first days of its first and its last week. Without a `series`, it was
    run in all of them together.
    """

    channel: Name
    series: Text | None = None
    start: Day
    end: Day
    lift: float
    standard_error: Positive

    @model_validator(mode="after")
    def _start_is_before_end(self) -> Self:
        if self.start > self.end:
            raise reject(
                "an end on or after the start", found=f"start {self.start}, end {self.end}"
            )
        return self


class ModelSettings(Section):
    """The model's shape; a new `version` starts from new scales and priors of the data.

    `components` counts the Hill curves in the mixture, or `auto` has it chosen by forecast. With
    `holidays`, a country's ISO code, each of its public holidays has an effect.
    """

    version: Text = "1"
    components: Components = 1
    adstock: Adstock = "geometric"
    likelihood: Likelihood = "normal"
    amplitude_prior: DefaultAmplitude = "roi"
    hyperprior: Hyperprior = "lognormal"
    trend: Trend = "linear"
    fourier_order: CountOrZero = 2
    holidays: Country | None = None


class SamplerConfig(Section):
    """How the posterior is sampled; warm-up and draws are counted per chain.

    Without `target_accept`, the model's shape decides. With `max_minutes`, a run whose fits take
    longer stops itself and is rejected.
    """

    # One chain has nothing to be compared with.
    chains: Annotated[int, Field(ge=2)] = 4
    warmup: Count = 500
    draws: Annotated[int, Field(ge=4)] = 1000
    target_accept: Share | None = None
    max_tree_depth: Count = 10
    seed: CountOrZero = 0
    max_minutes: Positive | None = None


class EvaluationSettings(Section):
    """How a fit is judged: weeks held out (0 for none) and the level of the intervals.

    Of every refit the next `forecast_weeks` are forecast, to be scored when they have come. Of the
    response curves so many draws are written, for intervals of sums over channels; 0 for none.
    """

    holdout_weeks: CountOrZero = 13
    forecast_weeks: Annotated[int, Field(ge=1, le=52)] = 13
    ci_level: Share = 0.9
    response_draws: Annotated[int, Field(ge=0, le=2000)] = 200


class GateSettings(Section):
    """The limits beyond which a fit is not published; rates are shares of all draws.

    `max_history_shift_sd` limits how far a refit of the same model version may move what was
    published of the same weeks, in posterior standard deviations; without it, more than 2 warn.
    """

    max_r_hat: Annotated[float, Field(gt=1)] = 1.01
    min_ess: Positive = 400.0
    max_divergence_rate: Rate = 0.001
    min_bfmi: Positive = 0.3
    max_saturated_tree_rate: Rate = 0.01
    max_history_shift_sd: Positive | None = None


class PlanLimitSettings(Section):
    """What a plan may spend on a channel, in money a week; without a `series`, in each of them.

    It is a multiple of `step`, and 0 or at least `minimum_flight`; a channel that is `locked` is
    left as it is today.
    """

    channel: Name
    series: Text | None = None
    min_weekly: PositiveOrZero = 0.0
    max_weekly: PositiveOrZero | None = None
    step: Positive | None = None
    minimum_flight: Positive | None = None
    locked: bool = False

    @model_validator(mode="after")
    def _least_is_below_most(self) -> Self:
        if self.max_weekly is not None and self.min_weekly > self.max_weekly:
            raise reject(
                "a max_weekly of at least min_weekly",
                found=f"min_weekly {self.min_weekly:g}, max_weekly {self.max_weekly:g}",
            )
        return self


class PlanUtilitySettings(Section):
    """What of the gain over today is maximised: its mean, a quantile, or mean less `weight` sd."""

    kind: UtilityKind = "mean"
    level: Share = 0.1
    weight: PositiveOrZero = 0.5


class PlanSettings(Section):
    """A budget plan that every run makes for the weeks after its data.

    `budget` is money over the horizon, `budget_multiplier` a multiple of today's; of an objective
    other than `fixed_budget` it is a limit. `target` is the ROI or mROI to reach, and `margin` the
    profit per unit of outcome of a `flexible` budget. `max_change` is how far a channel may move
    from today, as a share of it. With `experiment_error`, the standard error of a lift test over
    its lift, the channels are ranked by what a test of each would add to the plan's gain.
    """

    name: Name
    objective: PlanObjective = "fixed_budget"
    budget: Positive | None = None
    budget_multiplier: Positive | None = None
    target: Positive | None = None
    margin: Positive = 1.0
    horizon_weeks: Annotated[int, Field(ge=1, le=52)] = 13
    timing: Timing = "even"
    utility: PlanUtilitySettings = PlanUtilitySettings()
    limits: Annotated[tuple[PlanLimitSettings, ...], Field(strict=False)] = ()
    max_change: PositiveOrZero | None = None
    allow_extrapolation: bool = False
    experiment_error: Positive | None = None

    @model_validator(mode="after")
    def _objective_has_what_it_needs(self) -> Self:
        if self.budget is not None and self.budget_multiplier is not None:
            raise reject("budget or budget_multiplier, not both", found="both")
        if self.objective.startswith("target") != (self.target is not None):
            raise reject(
                "a target with target_roi and target_mroi, and with no other objective",
                found=f"objective {self.objective}, target {self.target}",
            )
        if self.experiment_error is not None and self.objective == "target_roi":
            raise reject("experiment_error with another objective", found="target_roi")
        return self


class ScheduleSettings(Section):
    """When the input of all models is loaded: five-field cron in an IANA time zone.

    Input that is late is asked for again every `retry_minutes`, for `wait_hours`.
    """

    cron: Cron = "0 6 * * 1"
    timezone: Timezone = "Europe/Berlin"
    wait_hours: Positive = 48.0
    retry_minutes: Positive = 60.0


class TriggersSettings(Section):
    """What else than a new week has a model refitted: changed input, lift tests, SQL of dbt."""

    restated: bool = False
    lift_tests: bool = False
    dbt: bool = False
