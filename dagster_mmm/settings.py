"""The settings file: what one model reads, fits, judges and when.

One YAML file, checked as a whole: every mistake is listed at once, with its key, what was found and
what is allowed. It holds no secrets; those come from the environment.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, cast, get_args
from zoneinfo import available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Grain = Literal["weekly", "daily"]

MISSING_FILE_HELP = "set MMM_SETTINGS, or pass --settings, to the settings file's path"
TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    # YAML reads 1e-3 as text: say how to write it.
    "float_type": "a number, such as 0.001",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "path_type": "a path",
    "string_too_short": "text that is not empty",
}
CRON_FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (0, 7),
}
CRON_ITEM = re.compile(r"(?:\*|(?P<first>\d+)(?:-(?P<last>\d+))?)(?:/[1-9]\d*)?")


class SettingsError(ValueError):
    """Settings that cannot be used; the message has one line for each mistake."""


def _reject(allowed: str, found: str | None = None) -> PydanticCustomError:
    context = {} if found is None else {"found": found}
    # As a context value, because braces in the text would be taken for fields of the template.
    return PydanticCustomError("mmm", "{allowed}", {"allowed": allowed, **context})


def _matching(pattern: str, allowed: str) -> AfterValidator:
    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise _reject(allowed)
        return text

    return AfterValidator(check)


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != len(CRON_FIELDS):
        raise _reject("five fields, such as '0 6 * * 1'")
    for field, (name, (low, high)) in zip(fields, CRON_FIELDS.items(), strict=True):
        if not all(_is_cron_item(item, low, high) for item in field.split(",")):
            raise _reject(f"a {name} from {low} to {high}, as *, 1, 1-5, */2 or a list such as 1,3")
    return text


def _is_cron_item(item: str, low: int, high: int) -> bool:
    match = CRON_ITEM.fullmatch(item)
    if match is None:
        return False
    first = int(match["first"] or low)
    last = int(match["last"] or first)
    return low <= first <= last <= high


def _timezone(name: str) -> str:
    zones = available_timezones()
    if name not in zones:
        raise _reject(f"an IANA time zone, such as Europe/Berlin{_hint(name, zones)}")
    return name


def _at_least_one(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise _reject("at least one")
    return items


def _beside_settings(file: Path, info: ValidationInfo[Path]) -> Path:
    return info.context / file.expanduser() if info.context else file


Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, _matching(r"[a-z0-9_]+", "small letters, digits and underscores")]
# The schema mmm holds the results: a raw table in it could overwrite them.
Table = Annotated[
    str,
    _matching(r"(?!mmm\.)[A-Za-z_]\w*\.[A-Za-z_]\w*", "schema.table, in a schema other than mmm"),
]
Currency = Annotated[str, _matching(r"[A-Z]{3}", "three capitals, such as EUR (ISO 4217)")]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Rate = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class InputSettings(_Section):
    """Where the raw weekly or daily table is and how its dates are read.

    A `file` is loaded into the table first; its path is relative to the settings file's folder.
    """

    file: Annotated[Path, Field(strict=False), AfterValidator(_beside_settings)] | None = None
    table: Table = "raw.weekly_media"
    date_column: Text = "week"
    grain: Grain = "weekly"
    week_starts_on: Weekday = "monday"
    series: Text = "national"


class _Variable(_Section):
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


class OutcomeSettings(_Variable):
    """What the model explains, such as revenue, in the model's currency or in units."""

    role = "outcome"


class RoiPrior(_Section):
    """What is known of a channel's return beforehand: log-normal, per unit of money."""

    median: Positive
    sd_log: Positive


class ChannelSettings(_Variable):
    """A media channel and its spend, in the model's currency."""

    role = "spend"

    roi_prior: RoiPrior | None = None


class ControlSettings(_Variable):
    """Something else that moves the outcome; with `equals`, 1 where the text is that, else 0."""

    role = "control"

    equals: Text | None = None


class ModelSettings(_Section):
    """The model's shape: mixture components, a trend, and harmonics of the year."""

    components: Count = 1
    trend: bool = True
    fourier_order: CountOrZero = 2


class SamplerConfig(_Section):
    """How the posterior is sampled; warm-up and draws are counted per chain."""

    # One chain has nothing to be compared with.
    chains: Annotated[int, Field(ge=2)] = 4
    warmup: Count = 1000
    draws: Annotated[int, Field(ge=4)] = 1000
    target_accept: Share = 0.9
    max_tree_depth: Count = 10
    seed: CountOrZero = 0


class EvaluationSettings(_Section):
    """How a fit is judged: weeks held out (0 for none) and the level of the intervals."""

    holdout_weeks: CountOrZero = 13
    ci_level: Share = 0.9


class GateSettings(_Section):
    """The limits beyond which a fit is not published; rates are shares of all draws."""

    max_r_hat: Annotated[float, Field(gt=1)] = 1.01
    min_ess: Positive = 400.0
    max_divergence_rate: Rate = 0.001
    min_bfmi: Positive = 0.3
    max_saturated_tree_rate: Rate = 0.01


class ScheduleSettings(_Section):
    """When the model is refitted: five-field cron in an IANA time zone."""

    cron: Annotated[str, AfterValidator(_cron)] = "0 6 * * 1"
    timezone: Annotated[str, AfterValidator(_timezone)] = "Europe/Berlin"


class Settings(_Section):
    """Everything that one model's job is told."""

    model_key: Name
    currency: Currency
    input: InputSettings = InputSettings()
    outcome: OutcomeSettings
    # YAML has lists, a frozen object holds tuples. pydantic's own min_length would also complain of
    # too few channels when one of them is wrong.
    channels: Annotated[
        tuple[ChannelSettings, ...], Field(strict=False), AfterValidator(_at_least_one)
    ]
    controls: Annotated[tuple[ControlSettings, ...], Field(strict=False)] = ()
    model: ModelSettings = ModelSettings()
    sampler: SamplerConfig = SamplerConfig()
    evaluation: EvaluationSettings = EvaluationSettings()
    gate: GateSettings = GateSettings()
    schedule: ScheduleSettings = ScheduleSettings()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        keys: dict[str, list[str]] = {}
        for key, variable in self.variables().items():
            keys.setdefault(variable.name, []).append(f"{key}.name")
        repeated = [f"{name!r} at {', '.join(at)}" for name, at in keys.items() if len(at) > 1]
        if repeated:
            allowed = "a name of its own for the outcome and each channel and control"
            raise _reject(allowed, found="; ".join(repeated))
        return self

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> Self:
        keys: dict[tuple[str, str | None], list[str]] = {
            (self.input.date_column, None): ["input.date_column"]
        }
        for key, variable in self.variables().items():
            equals = variable.equals if isinstance(variable, ControlSettings) else None
            keys.setdefault((variable.column, equals), []).append(f"{key}.column")
        repeated = [f"{c!r} at {', '.join(at)}" for (c, _), at in keys.items() if len(at) > 1]
        if repeated:
            allowed = "a column of its own for the date, the outcome, each channel and control"
            raise _reject(allowed, found="; ".join(repeated))
        return self

    def variables(self) -> dict[str, OutcomeSettings | ChannelSettings | ControlSettings]:
        """The outcome, channels and controls, by their key in the file, such as channels[0]."""
        return {
            "outcome": self.outcome,
            **{f"channels[{i}]": channel for i, channel in enumerate(self.channels)},
            **{f"controls[{i}]": control for i, control in enumerate(self.controls)},
        }

    def dbt_vars(self) -> dict[str, Any]:
        """The variables that the dbt project is run with."""
        schema, table = self.input.table.split(".")
        return {
            "input": {
                "schema": schema,
                "table": table,
                "date_column": self.input.date_column,
                "series_key": self.input.series,
                "grain": self.input.grain,
                "week_starts_on": self.input.week_starts_on,
                "variables": [
                    variable.model_dump(include={"name", "column", "equals"}, exclude_none=True)
                    | {"role": variable.role}
                    for variable in self.variables().values()
                ],
            }
        }

    def fingerprint(self) -> str:
        """SHA-256 of the parts that a fit, or the verdict on it, depends on."""
        parts = self.model_dump(mode="json", exclude={"schedule": True, "input": {"file"}})
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which would otherwise let the last of two equal keys win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for at, (key, _) in enumerate(node.value):
            if key.value in keys[:at]:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
        return super().construct_mapping(node, deep)


def load_settings(path: Path) -> Settings:
    """The settings of a YAML file.

    Raises:
        SettingsError: if the file is missing, is not YAML, or is wrong in any key; the message
            names the file and lists every mistake, one a line.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; {MISSING_FILE_HELP}") from error
    except yaml.MarkedYAMLError as error:
        raise SettingsError(f"{path}{_position(error)}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML: {error}") from error
    try:
        return Settings.model_validate(document, context=path.parent)
    except ValidationError as error:
        lines = [f"{path}: {_mistake(details)}" for details in error.errors()]
        raise SettingsError("\n".join(lines)) from error


def check_columns(settings: Settings, table_columns: Sequence[str]) -> None:
    """Checks that the raw table has every column that the settings name.

    Raises:
        SettingsError: listing, one a line, the keys whose column is not there.
    """
    columns = {"input.date_column": settings.input.date_column} | {
        f"{key}.column": variable.column for key, variable in settings.variables().items()
    }
    lines = [
        f"{key}: found {column!r}, not a column of {settings.input.table}"
        f"{_hint(column, table_columns)}"
        for key, column in columns.items()
        if column not in table_columns
    ]
    if lines:
        allowed = f"allowed: the columns {', '.join(table_columns)}"
        raise SettingsError("\n".join([*lines, allowed]))


def _position(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    return "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"


def _mistake(details: ErrorDetails) -> str:
    """One mistake in words: its key, what was found, and what is allowed."""
    location = details["loc"]
    key = _key_path(location)
    found = details.get("ctx", {}).get("found", repr(details["input"]))
    match details["type"]:
        case "extra_forbidden":
            keys = _keys_at(location[:-1])
            return f"{key}: unknown key{_hint(str(location[-1]), keys)}; allowed: {', '.join(keys)}"
        case "missing":
            return f"{key}: found nothing; it is required"
        case "model_type":
            return f"{key}: found {found}; allowed: the keys {', '.join(_keys_at(location))}"
        case kind:
            allowed = TYPES.get(kind, details["msg"].removeprefix("Input should be "))
            return f"{key}: found {found}; allowed: {allowed}"


def _key_path(location: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".") or "settings"


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    section: type[_Section] = Settings
    for part in location:
        if isinstance(part, str):
            annotation = section.model_fields[part].annotation
            section = next(
                kind
                for kind in (annotation, *get_args(annotation))
                if isinstance(kind, type) and issubclass(kind, _Section)
            )
    return list(section.model_fields)


def _hint(found: str, allowed: Iterable[str]) -> str:
    closest = difflib.get_close_matches(found, allowed, n=1)
    return f" (did you mean {closest[0]!r}?)" if closest else ""
