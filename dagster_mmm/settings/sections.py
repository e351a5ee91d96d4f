"""The sections of the settings file, each checked by itself.

What the model, its sampler, gate, lift tests and plans allow is defined in `hill_mmm.spec`, and
validated here against those classes.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, model_validator

from dagster_mmm.settings.fields import (
    Components,
    Cron,
    DateFormat,
    Decimal,
    Grain,
    InputFile,
    Name,
    Table,
    Text,
    Thousands,
    Timezone,
    Weekday,
    reject,
)
from hill_mmm.spec import (
    Checked,
    Continuation,
    ContributionSharePrior,
    ControlRole,
    Count,
    CountOrZero,
    CurvePrior,
    Day,
    ModelOptions,
    OutcomeKind,
    PlanRequest,
    Positive,
    RoiPrior,
    SamplerSettings,
    Share,
    Sign,
    above,
    at_least,
    between,
)


class Section(BaseModel):
    """A mapping of the settings file, whose keys are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def read(cls, document: object, folder: Path | None = None) -> Self:
        """The section from plain values, as YAML or JSON give them.

        Args:
            document: the mapping.
            folder: where the paths in it begin, or None for the working folder.

        Raises:
            pydantic.ValidationError: with every mistake.
        """
        # By way of JSON, in which a list may be a tuple and a day is a text.
        return cls.model_validate_json(json.dumps(document, default=str), context=folder)


S = TypeVar("S", bound=Checked)


def narrowed(section: S, kind: type[S]) -> S:
    """What of a section `hill_mmm` is told: the fields of the class that the section extends."""
    # `Any`, because the type variable does not say that its classes are dataclasses.
    of_class: Any = kind
    return kind(**{field.name: getattr(section, field.name) for field in fields(of_class)})


class ReportsSettings(Section):
    """A long table of ad platforms' spend: one row a day and campaign, or any finer part of it.

    Its columns are called as in the ad-reporting packages for dbt. `channel_column` tells the
    channels apart: each channel's `column` is then one of its values, and every value belongs to a
    channel or is `ignored`. A day without a row is a day without spend, but after the last row of a
    platform that was regular: it is missing while others go on, until its channel says `ended`.
    `stopped` says whether that refuses the fit, or leaves the weeks from then on out of it.
    """

    table: Table
    date_column: Text = "date_day"
    channel_column: Text = "platform"
    spend_column: Text = "spend"
    model_column: Text | None = None
    series_column: Text | None = None
    currency_column: Text | None = None
    # An empty text is for rows of no platform.
    ignored: tuple[str, ...] = ()
    stopped: Literal["block", "leave_out"] = "block"

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
    weeks that are over whose outcome is still to come or expected to change: they are left out of
    the fit, and a refit waits for the week before them. Where
    `currency_column` names each row's currency, all have to be in the model's. A value of more than
    `max_times_usual` times the median of its series is refused as one in another unit. Texts are
    numbers with a `decimal` mark and, where they have one, a mark between `thousands`; beside ISO
    dates, they may be days in the order of `date_format`, month, day and year for `mdy`. Columns of
    other types need neither. Weekly rows are `dated_by` the week's first or last day. With
    `reports`, the channels' spend stands there, and the table holds the outcome and all else.
    """

    file: InputFile | None = None
    table: Table = "raw.weekly_media"
    date_column: Text = "week"
    grain: Grain = "weekly"
    week_starts_on: Weekday = "monday"
    dated_by: Literal["first_day", "last_day"] = "first_day"
    date_format: DateFormat = "iso"
    decimal: Decimal = "."
    thousands: Thousands | None = None
    model_column: Text | None = None
    series: Text = "national"
    series_column: Text | None = None
    immature_weeks: CountOrZero = 0
    currency_column: Text | None = None
    max_times_usual: Annotated[float, above(1)] = 200.0
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
    def _marks_of_numbers_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise reject(
                "two marks, or decimal alone",
                found=f"decimal and thousands {self.decimal!r}",
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


class Variable(Section):
    """A column of the raw table, and the name by which everything after it knows it."""

    input_role: ClassVar[str]

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
    """What the model explains: `money`, such as revenue, in the model's currency; or a `count`.

    A count of orders or visits has a ROI only with a `value_per_unit`, in the model's currency, or
    with a `value_column` of the table: the money that a row's count is worth, such as the revenue
    of its orders, from which each week and series has a value per unit of its own.

    Weeks before `starts`, or before the first outcome without it, are the lead-in: their media
    count, for what they carry over, and their outcome and controls do not.
    """

    input_role = "outcome"

    starts: Day | None = None
    kind: OutcomeKind = "money"
    value_per_unit: Positive | None = None
    value_column: Text | None = None

    @model_validator(mode="after")
    def _money_is_its_own_value(self) -> Self:
        found = [] if self.value_per_unit is None else [f"value_per_unit {self.value_per_unit:g}"]
        found += [] if self.value_column is None else [f"value_column {self.value_column!r}"]
        if self.kind == "money" and found:
            raise reject(
                "value_per_unit or value_column of kind: count alone",
                found=f"{found[0]} of an outcome in money",
            )
        if len(found) > 1:
            raise reject("value_per_unit or value_column, not both", found=" and ".join(found))
        return self

    @property
    def has_value(self) -> bool:
        """Whether a ROI can be had of it."""
        return self.kind == "money" or self.unit_value is not None

    @property
    def unit_value(self) -> float | Literal["by_week"] | None:
        """What a unit is worth, as the model is told: `ModelSpec.value_per_unit`."""
        return self.value_per_unit if self.value_column is None else "by_week"

    @property
    def value(self) -> "ValueSettings | None":
        """The variable that holds the value of a week's outcome."""
        if self.value_column is None:
            return None
        return ValueSettings(name=f"value_of_{self.name}", column=self.value_column)


class ValueSettings(Variable):
    """The money that a row's count is worth, in the model's currency."""

    input_role = "value"


class MediumSettings(Variable):
    """A paid channel or an organic medium, and what is known of its effect beforehand.

    A `moving_effect` may be another one in every half-year; curves, plans and forecasts then are of
    the last one. `follows_demand` says whether its spend rises and falls with the demand there is,
    as that of paid search does; without it, its name decides.
    """

    contribution_share_prior: ContributionSharePrior | None = None
    curve_prior: CurvePrior | None = None
    moving_effect: bool = False
    follows_demand: bool | None = None

    @property
    def amplitude_prior(self) -> RoiPrior | ContributionSharePrior | None:
        """The medium's own prior, or None for the model's."""
        return self.contribution_share_prior


class ChannelSettings(MediumSettings):
    """A paid media channel and its spend, in the model's currency.

    `ended` is the first day from which reports without a row of it are no spend, because it was
    taken off air; it counts for nothing once there are later rows.
    """

    input_role = "spend"

    roi_prior: RoiPrior | None = None
    ended: Day | None = None

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

    input_role = "organic"


class ControlSettings(Variable):
    """Something else that moves the outcome; with `equals`, 1 where the text is that, else 0.

    Case, and spaces that are doubled or around the text, count for nothing.

    Its `role` says what it stands for, for the checks: demand, price, promotion or competitor. A
    `sign` says which way it moves the outcome, where that is known beforehand. Its contribution
    counts from its `reference`, such as a regular price: by default from 0 for an event (0 and 1,
    or 0 in most weeks), from its mean for any other. How it `continues`
    in the forecast: at its last_value; seasonal, as 52 weeks before; by trend, as then and moved by
    how far the last quarter is from that of a year before; absent, 0; or given, by the table's rows
    after the last outcome. By default by trend; an event is absent where it was not in these weeks
    of both years before.
    """

    input_role = "control"

    equals: Text | None = None
    role: ControlRole | None = None
    sign: Sign | None = None
    reference: float | None = None
    continues: Continuation | None = None


@dataclass(frozen=True, kw_only=True)
class ModelSettings(ModelOptions):
    """The model's shape; a new `version` starts from new scales and priors of the data.

    `components` counts the Hill curves in the mixture, or `auto` has it chosen by forecast.
    """

    version: Text = "1"
    components: Components = 1


@dataclass(frozen=True, kw_only=True)
class SamplerConfig(SamplerSettings):
    """How the posterior is sampled; warm-up and draws are counted per chain.

    With `max_minutes`, a run whose fits take longer stops itself and is rejected.
    """

    # One chain has nothing to be compared with.
    chains: Annotated[int, at_least(2)] = SamplerSettings.chains
    draws: Annotated[int, at_least(4)] = SamplerSettings.draws
    max_minutes: Positive | None = None


class EvaluationSettings(Section):
    """How a fit is judged: weeks held out (0 for none) and the level of the intervals.

    Of every refit the next `forecast_weeks` are forecast, to be scored when they have come. Of the
    response curves so many draws are written, for intervals of sums over channels; 0 for none.
    """

    holdout_weeks: CountOrZero = 13
    forecast_weeks: Annotated[int, between(1, 52)] = 13
    ci_level: Share = 0.9
    response_draws: Annotated[int, between(0, 2000)] = 200


@dataclass(frozen=True, kw_only=True)
class PlanSettings(PlanRequest):
    """A budget plan that every run makes for the weeks after its data.

    With `experiment_error`, the standard error of a lift test over its lift, the channels are
    ranked by what a test of each would add to the plan's gain.
    """

    name: Name
    experiment_error: Positive | None = None

    def contradictions(self) -> list[tuple[str, str]]:
        """Those of the request, and a value of tests for a target that tests do not move."""
        found = super().contradictions()
        if self.experiment_error is not None and self.objective == "target_roi":
            found.append(("target_roi", "experiment_error with another objective"))
        return found


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
