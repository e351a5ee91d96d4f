"""The settings as a whole: all sections, and what must agree between them."""

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Self, get_args

from pydantic import Field, model_validator

from dagster_mmm.settings.fields import (
    NOT_EMPTY,
    Currency,
    Days,
    ModelKey,
    Name,
    Owner,
    Weekday,
    reject,
)
from dagster_mmm.settings.sections import (
    ChannelSettings,
    ControlSettings,
    EvaluationSettings,
    InputSettings,
    MediumSettings,
    ModelSettings,
    OrganicSettings,
    OutcomeSettings,
    PlanSettings,
    SamplerConfig,
    ScheduleSettings,
    Section,
    TriggersSettings,
    ValueSettings,
    Variable,
)
from dagster_mmm.settings.spelling import as_read
from hill_mmm.spec import GateThresholds, LiftTest


class Settings(Section):
    """Everything that one model's job is told.

    The `owner` is whom the UI names for its assets: an address, or a team as team:growth.
    """

    model_key: ModelKey
    owner: Owner | None = None
    currency: Currency
    input: InputSettings = InputSettings()
    outcome: OutcomeSettings
    channels: Annotated[tuple[ChannelSettings, ...], NOT_EMPTY]
    organic: tuple[OrganicSettings, ...] = ()
    controls: tuple[ControlSettings, ...] = ()
    events: dict[Name, Days] = Field(default_factory=dict)
    lift_tests: tuple[LiftTest, ...] = ()
    model: ModelSettings = ModelSettings()
    sampler: SamplerConfig = SamplerConfig()
    evaluation: EvaluationSettings = EvaluationSettings()
    gate: GateThresholds = GateThresholds()
    plans: tuple[PlanSettings, ...] = ()
    schedule: ScheduleSettings = ScheduleSettings()
    triggers: TriggersSettings = TriggersSettings()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        named = [(one.name, _place(key, one, "name")) for key, one in self.variables().items()]
        named += [(event, f"events.{event}") for event in self.events]
        _reject_repeated(
            named, "a name of its own for the outcome and each channel, medium, control and event"
        )
        return self

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> Self:
        used: list[tuple[object, str]] = [(c, key) for key, c in self.input_columns().items()]
        for key, variable in self.variables().items():
            # One column of text can hold several events.
            equals = variable.equals if isinstance(variable, ControlSettings) else None
            column = variable.column if equals is None else (variable.column, as_read(equals))
            # A text in the reports is no column.
            in_reports = ("reports", column) if self.is_reported(variable) else column
            used.append((in_reports, _place(key, variable, "column")))
        _reject_repeated(
            used,
            "a column of its own for the date, the model, the series, the currency, the outcome "
            "and each channel, medium and control",
        )
        return self

    @model_validator(mode="after")
    def _channel_priors_have_a_use(self) -> Self:
        own = [
            f"{key}.{variable.amplitude_prior.kind}_prior"
            for key, variable in self.variables().items()
            if isinstance(variable, MediumSettings) and variable.amplitude_prior is not None
        ]
        if self.model.amplitude_prior == "seed":
            _reject_any(own, "no prior of a channel beside model.amplitude_prior: seed")
        return self

    @model_validator(mode="after")
    def _returns_are_of_an_outcome_with_a_value(self) -> Self:
        if self.outcome.has_value:
            return self
        of_money = [
            f"channels[{i}].roi_prior"
            for i, channel in enumerate(self.channels)
            if channel.roi_prior is not None
        ] + [
            f"plans[{i}].objective {plan.objective!r}"
            for i, plan in enumerate(self.plans)
            if plan.objective != "fixed_budget"
        ]
        _reject_any(
            of_money,
            "outcome.value_per_unit or value_column beside outcome.kind: count, from which its ROI "
            "follows; "
            "without it contribution_share_prior, and plans of a fixed_budget",
        )
        return self

    @model_validator(mode="after")
    def _lift_tests_are_of_paid_channels(self) -> Self:
        paid = [channel.name for channel in self.channels]
        unknown = [
            f"{test.channel!r} at lift_tests[{test_index}].channel"
            for test_index, test in enumerate(self.lift_tests)
            if test.channel not in paid
        ]
        _reject_any(unknown, f"a channel that has spend: {', '.join(paid)}")
        return self

    @model_validator(mode="after")
    def _plans_are_of_paid_channels(self) -> Self:
        _reject_repeated(
            [
                (plan.name, f"plans[{plan_index}].name")
                for plan_index, plan in enumerate(self.plans)
            ],
            "a name of its own for each plan",
        )
        paid = [channel.name for channel in self.channels]
        unknown = [
            f"{limit.channel!r} at plans[{plan_index}].limits[{limit_index}].channel"
            for plan_index, plan in enumerate(self.plans)
            for limit_index, limit in enumerate(plan.limits)
            if limit.channel not in paid
        ]
        _reject_any(unknown, f"a channel that has spend: {', '.join(paid)}")
        return self

    @model_validator(mode="after")
    def _lift_tests_are_of_the_only_series(self) -> Self:
        unknown = [
            f"{test.series!r} at lift_tests[{test_index}].series"
            for test_index, test in enumerate(self.lift_tests)
            if test.series not in (None, self.input.series)
        ]
        # The names of several series are data: the job judges by them when it has read its input.
        if self.input.series_column is None:
            _reject_any(unknown, f"{self.input.series!r}, the only series without a series_column")
        return self

    @model_validator(mode="after")
    def _lift_tests_are_of_whole_weeks(self) -> Self:
        first = get_args(Weekday).index(self.input.week_starts_on)
        within = [
            f"{day} at lift_tests[{test_index}].{key}"
            for test_index, test in enumerate(self.lift_tests)
            for key, day in (("start", test.start), ("end", test.end))
            if date.fromisoformat(day).weekday() != first
        ]
        _reject_any(within, f"the first day of a week, a {self.input.week_starts_on}")
        return self

    def variables(
        self,
    ) -> dict[
        str, OutcomeSettings | ValueSettings | ChannelSettings | OrganicSettings | ControlSettings
    ]:
        """The outcome, its value, channels, media and controls, by their key, as channels[0]."""
        value = self.outcome.value
        return {
            "outcome": self.outcome,
            **({} if value is None else {"outcome.value_column": value}),
            **{f"channels[{i}]": channel for i, channel in enumerate(self.channels)},
            **{f"organic[{i}]": medium for i, medium in enumerate(self.organic)},
            **{f"controls[{i}]": control for i, control in enumerate(self.controls)},
        }

    def is_reported(self, variable: Variable) -> bool:
        """Whether its values stand in `input.reports`, where its column is a text to look for."""
        return self.input.reports is not None and isinstance(variable, ChannelSettings)

    def place_of(self, variable: Variable) -> str:
        """Where a message sends its reader to look at a variable's values."""
        if self.input.reports is None or not self.is_reported(variable):
            return f"column {variable.column!r}"
        return f"{self.input.reports.channel_column} {variable.column!r} of the reports"

    def table_columns(self) -> dict[str, str]:
        """Every column of the raw table that is read, by its key."""
        return self.input_columns() | {
            _place(key, variable, "column"): variable.column
            for key, variable in self.variables().items()
            if not self.is_reported(variable)
        }

    def input_columns(self) -> dict[str, str]:
        """The columns that say what a raw row is of, by their key."""
        columns = {
            "input.date_column": self.input.date_column,
            "input.model_column": self.input.model_column,
            "input.series_column": self.input.series_column,
            "input.currency_column": self.input.currency_column,
        }
        return {key: column for key, column in columns.items() if column is not None}

    def known_by(self, week: date) -> Self:
        """The settings without the lift tests that end after a week: nobody knew them then."""
        known = tuple(test for test in self.lift_tests if test.end <= str(week))
        return self.model_copy(update={"lift_tests": known})

    def fingerprint(self) -> str:
        """SHA-256 of the parts that a fit, or the verdict on it, depends on."""
        parts = self.model_dump(
            mode="json",
            exclude={
                "owner": True,
                "schedule": True,
                "triggers": True,
                "input": {"file", "freshness"},
                "sampler": {"max_minutes"},
            },
        )
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _place(key: str, variable: Variable, of_variable: str) -> str:
    """The key of a variable's name or column; those of a value are one text of the outcome."""
    return key if isinstance(variable, ValueSettings) else f"{key}.{of_variable}"


def _reject_repeated(used: Iterable[tuple[object, str]], allowed: str) -> None:
    """Refuse a name or column that stands at more than one key."""
    keys: dict[object, list[str]] = {}
    for item, key in used:
        keys.setdefault(item, []).append(key)
    _reject_any(
        [f"{item!r} at {', '.join(places)}" for item, places in keys.items() if len(places) > 1],
        allowed,
    )


def _reject_any(mistakes: list[str], allowed: str) -> None:
    if mistakes:
        raise reject(allowed, found="; ".join(mistakes))
