"""Mistakes in the settings, each in one line: its key, what was found, and what is allowed."""

from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic_core import ErrorDetails

from dagster_mmm.settings.fields import hint
from dagster_mmm.settings.schema import Settings
from dagster_mmm.settings.sections import Section
from hill_mmm.spec import SpecError

TYPES = {
    # YAML reads NO as false and 2 as a number.
    "string_type": "text, in quotes where it looks like something else",
    "int_type": "a whole number",
    # YAML reads 1e-3 as text: say how to write it.
    "float_type": "a number, such as 0.001",
    "tuple_type": "a list",
    "dict_type": "names with a list each, such as {launch: [2026-01-31]}",
    "path_type": "a path",
    "string_too_short": "text that is not empty",
}


class SettingsError(ValueError):
    """Settings that cannot be used; the message has one line for each mistake."""


def in_words(details: ErrorDetails, within: str = "") -> str:
    """One of pydantic's errors as a line of a `SettingsError`.

    Args:
        details: the error.
        within: the key of the mapping that the mistake stands in, where that is not the file.
    """
    # pydantic says so of a mapping's key itself.
    location = tuple(part for part in details["loc"] if part != "[key]")
    key = _key_path(location, within)
    found = details.get("ctx", {}).get("found", repr(details["input"]))
    match details["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            keys = _keys_at(location[:-1])
            return f"{key}: unknown key{hint(str(location[-1]), keys)}; allowed: {', '.join(keys)}"
        case "missing":
            return f"{key}: found nothing; it is required"
        case "model_type" | "dataclass_type":
            return f"{key}: found {found}; allowed: the keys {', '.join(_keys_at(location))}"
        case "value_error" if isinstance(error := details.get("ctx", {}).get("error"), SpecError):
            return f"{key}: " + "; ".join(
                f"found {mistake.found}; allowed: {mistake.allowed}" for mistake in error.mistakes
            )
        case kind:
            allowed = TYPES.get(kind, details["msg"].removeprefix("Input should be "))
            return f"{key}: found {found}; allowed: {allowed}"


def _key_path(location: tuple[int | str, ...], within: str) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return (within + "".join(parts)).removeprefix(".") or "settings"


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys of the section at a place."""
    annotation: Any = Settings
    for part in location:
        if isinstance(part, str):
            annotation = _section_in(_annotations(_section_in(annotation))[part])
    return list(_annotations(_section_in(annotation)))


def _annotations(section: Any) -> dict[str, Any]:  # noqa: ANN401
    """The annotation of each key of a section, which is a `Section` or a dataclass of the spec."""
    if is_dataclass(section):
        hints = get_type_hints(section, include_extras=True)
        return {field.name: hints[field.name] for field in fields(section) if field.init}
    return {name: field.annotation for name, field in section.model_fields.items()}


def _section_in(annotation: Any) -> Any:  # noqa: ANN401
    """The section that an annotation is, or names among others: `X | None`, `tuple[X, ...]`."""
    candidates = [annotation, *get_args(annotation)]
    return next(
        kind
        for kind in candidates
        if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Section))
    )
