"""Mistakes in the settings, each in one line: its key, what was found, and what is allowed."""

from typing import get_args

from pydantic_core import ErrorDetails

from dagster_mmm.settings.fields import hint
from dagster_mmm.settings.schema import Settings
from dagster_mmm.settings.sections import Section

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
        case "extra_forbidden":
            keys = _keys_at(location[:-1])
            return f"{key}: unknown key{hint(str(location[-1]), keys)}; allowed: {', '.join(keys)}"
        case "missing":
            return f"{key}: found nothing; it is required"
        case "model_type":
            return f"{key}: found {found}; allowed: the keys {', '.join(_keys_at(location))}"
        case kind:
            allowed = TYPES.get(kind, details["msg"].removeprefix("Input should be "))
            return f"{key}: found {found}; allowed: {allowed}"


def _key_path(location: tuple[int | str, ...], within: str) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return (within + "".join(parts)).removeprefix(".") or "settings"


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    section: type[Section] = Settings
    for part in location:
        if isinstance(part, str):
            annotation = section.model_fields[part].annotation
            section = next(
                kind
                for kind in (annotation, *get_args(annotation))
                if isinstance(kind, type) and issubclass(kind, Section)
            )
    return list(section.model_fields)
