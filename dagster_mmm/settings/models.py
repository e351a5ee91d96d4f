"""The models that one settings file describes: what they share, and what differs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from dagster_mmm.settings.errors import SettingsError, in_words
from dagster_mmm.settings.fields import ModelKey, Owner, hint
from dagster_mmm.settings.schema import Settings
from dagster_mmm.settings.sections import (
    InputSettings,
    ScheduleSettings,
    Section,
    TriggersSettings,
)

Document = Mapping[str, Any]
# What the job as a whole is told: no model can be told otherwise.
KEYS_OF_THE_FILE = (
    ("model_key",),
    ("models",),
    ("owner",),
    ("schedule",),
    ("triggers",),
    ("input", "grain"),
    ("input", "week_starts_on"),
    ("input", "model_column"),
)
MODEL_KEY = TypeAdapter(ModelKey)
OWNER: TypeAdapter[str | None] = TypeAdapter(Owner | None)
S = TypeVar("S", bound=Section)


class AllSettings(NamedTuple):
    """The settings of several models.

    Attributes:
        usable: those that can be used, by model.
        mistakes: what is wrong with the others, by model.
    """

    usable: dict[str, Settings]
    mistakes: dict[str, SettingsError]


@dataclass(frozen=True)
class Models:
    """The models of a settings file; each is checked when it is asked for.

    So the mistake in one of them holds back no other.

    Attributes:
        path: the file.
        shared: what it says of all models.
        differences: what it says of some, by model key.
    """

    path: Path
    shared: Document = field(repr=False)
    differences: Mapping[str, Document] = field(repr=False)

    @property
    def model_column(self) -> str | None:
        """The column of the raw table whose texts are the models' keys, or None without one."""
        section = self.shared.get("input")
        return cast("Document", section).get("model_column") if _is_mapping(section) else None

    @property
    def declared(self) -> tuple[str, ...]:
        """The models that the file names; with a `model_column`, the table holds others too."""
        if "model_key" in self.shared:
            return (str(self.shared["model_key"]),)
        return tuple(self.differences)

    @property
    def owner(self) -> str | None:
        """Whom the UI names, or None. It raises `SettingsError` if that cannot be named."""
        try:
            return OWNER.validate_python(self.shared.get("owner"))
        except ValidationError as error:
            (details,) = error.errors()
            raise SettingsError(f"{self.path}: {in_words(details, 'owner')}") from error

    @property
    def input(self) -> InputSettings:
        """How the tables of all models are read. It raises `SettingsError` if that is wrong."""
        return _validated(self.path, InputSettings, self.shared.get("input", {}), "input")

    @property
    def schedule(self) -> ScheduleSettings:
        """When input is loaded. It raises `SettingsError` if that section is wrong."""
        return _validated(self.path, ScheduleSettings, self.shared.get("schedule", {}), "schedule")

    @property
    def triggers(self) -> TriggersSettings:
        """What has a model refitted. It raises `SettingsError` if that section is wrong."""
        return _validated(self.path, TriggersSettings, self.shared.get("triggers", {}), "triggers")

    def of(self, model_key: str) -> Settings:
        """The settings of one model.

        Raises:
            SettingsError: if the file is wrong in any key of that model, or has no such model; the
                message names the file and lists every mistake, one a line.
        """
        if "model_key" in self.shared:
            settings = _validated(self.path, Settings, self.shared)
            if model_key != settings.model_key:
                raise self._no_such_model(model_key)
            return settings
        reason = invalid_key_reason(model_key)
        if reason is not None:
            raise SettingsError(f"{self.path}: models: found {reason}")
        if model_key not in self.differences and self.model_column is None:
            raise self._no_such_model(model_key)
        different = self.differences.get(model_key, {})
        document = _merged(self.shared, different) | {"model_key": model_key}
        return _validated(self.path, Settings, document, f"models.{model_key}", different)

    def of_undeclared(self) -> Settings | None:
        """The settings of the models that the table alone names; None without a `model_column`.

        Their `model_key` says nothing.

        Raises:
            SettingsError: as `of` does.
        """
        if self.model_column is None:
            return None
        return _validated(self.path, Settings, {**self.shared, "model_key": "undeclared"})

    def all(self, model_keys: tuple[str, ...] = ()) -> AllSettings:
        """The settings of the models that the file names and of these; none holds back another."""
        usable: dict[str, Settings] = {}
        mistakes: dict[str, SettingsError] = {}
        for model_key in dict.fromkeys((*self.declared, *model_keys)):
            try:
                usable[model_key] = self.of(model_key)
            except SettingsError as error:
                mistakes[model_key] = error
        return AllSettings(usable, mistakes)

    def _no_such_model(self, model_key: str) -> SettingsError:
        known = ", ".join(self.declared) or "none"
        return SettingsError(
            f"{self.path}: found no model {model_key!r}{hint(model_key, self.declared)}; "
            f"its models: {known}"
        )


def invalid_key_reason(model_key: str) -> str | None:
    """Why a text cannot be a model's key, with what was found and is allowed; None if it can."""
    try:
        MODEL_KEY.validate_python(model_key, strict=True)
    except ValidationError as error:
        return f"the model {model_key!r}; allowed: {error.errors()[0]['msg']}"
    return None


def read_models(path: Path, document: object) -> Models:
    """The models of a settings file that has been read.

    Raises:
        SettingsError: if it does not say which models it is of, or gives one of them what is the
            file's to say.
    """
    if not _is_mapping(document):
        _validated(path, Settings, document)
    shared = dict(cast("Document", document))
    differences = shared.pop("models", {})
    lines = _mistakes_in(differences)
    models = Models(path, shared, {} if lines else {k: v or {} for k, v in differences.items()})
    is_of_many = bool(differences) or models.model_column is not None
    if not is_of_many:
        _validated(path, Settings, shared)
    elif "model_key" in shared:
        lines.append(
            f"model_key: found {shared['model_key']!r} beside several models; allowed: model_key "
            "of one model, or input.model_column or models of many"
        )
    if lines:
        raise SettingsError("\n".join(f"{path}: {line}" for line in lines))
    return models


def _validated(
    path: Path,
    kind: type[S],
    document: object,
    within: str = "",
    different: Document | None = None,
) -> S:
    """A section, or all settings, of the file.

    Args:
        path: the file, beside which the paths in it begin.
        kind: the class of what is read.
        document: what is read.
        within: the key that mistakes stand below.
        different: the keys below `within`, where the others stand in the file itself.
    """
    try:
        return kind.read(document, path.parent)
    except ValidationError as error:
        lines = [
            in_words(details, within if different is None or _is_in(different, details) else "")
            for details in error.errors()
        ]
        raise SettingsError("\n".join(f"{path}: {line}" for line in lines)) from error


def _mistakes_in(differences: object) -> list[str]:
    if not _is_mapping(differences):
        return [f"models: found {differences!r}; allowed: models' keys with what differs in each"]
    lines: list[str] = []
    for model_key, different in cast("Mapping[object, object]", differences).items():
        reason = invalid_key_reason(cast("str", model_key))
        if reason is not None:
            lines.append(f"models: found {reason}")
        elif different is not None and not _is_mapping(different):
            lines.append(f"models.{model_key}: found {different!r}; allowed: what differs in it")
        else:
            lines += [
                f"models.{model_key}.{'.'.join(key)}: found it of one model; allowed: of the file, "
                "for all models"
                for key in KEYS_OF_THE_FILE
                if _stands_at(cast("Document", different or {}), key)
            ]
    return lines


def _stands_at(document: Document, key: tuple[str, ...]) -> bool:
    head, *rest = key
    if head not in document:
        return False
    return not rest or (_is_mapping(document[head]) and _stands_at(document[head], tuple(rest)))


def _merged(shared: Document, different: Document) -> dict[str, Any]:
    """A model's document: its own mappings go into the shared ones, all else takes their place."""
    merged = dict(shared)
    for key, value in different.items():
        both = _is_mapping(merged.get(key)) and _is_mapping(value)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _is_in(different: Document, details: ErrorDetails) -> bool:
    """Whether a mistake stands among the keys of one model, or can be of that model alone."""
    found: Any = different
    for part in details["loc"]:
        if not _is_mapping(found):
            return True
        if part not in found:
            return details["type"] == "missing"
        found = found[part]
    return bool(different)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)
