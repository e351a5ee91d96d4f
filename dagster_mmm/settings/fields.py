"""The types of single keys: what each allows, and the words in which it refuses the rest."""

import difflib
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from hill_mmm.spec import Day, Rule

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Grain = Literal["weekly", "daily"]
Auto = Literal["auto"]
Decimal = Literal[".", ","]
Thousands = Literal[",", ".", " ", "'"]
DateFormat = Literal["iso", "mdy", "dmy", "ymd"]

CRON_FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (0, 7),
}
CRON_ITEM = re.compile(r"(?:\*|(?P<first>\d+)(?:-(?P<last>\d+))?)(?:/[1-9]\d*)?")


def reject(allowed: str, found: str | None = None) -> PydanticCustomError:
    """A mistake in the settings: what is allowed and, unless it is the value, what was found."""
    context = {} if found is None else {"found": found}
    # As a context value, because braces in the text would be taken for fields of the template.
    return PydanticCustomError("rule", "{allowed}", {"allowed": allowed, **context})


def hint(found: str, allowed: Iterable[str]) -> str:
    """The closest of the allowed words as a question, or nothing."""
    closest = difflib.get_close_matches(found, allowed, n=1)
    return f" (did you mean {closest[0]!r}?)" if closest else ""


def _matching(pattern: str, allowed: str) -> Rule:
    return Rule(lambda text: re.fullmatch(pattern, text) is not None, allowed)


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != len(CRON_FIELDS):
        raise reject("five fields, such as '0 6 * * 1'")
    for field, (name, (low, high)) in zip(fields, CRON_FIELDS.items(), strict=True):
        if not all(_is_cron_item(item, low, high) for item in field.split(",")):
            raise reject(f"a {name} from {low} to {high}, as *, 1, 1-5, */2 or a list such as 1,3")
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
        raise reject(f"an IANA time zone, such as Europe/Berlin{hint(name, zones)}")
    return name


def _is_number_of_components(value: object) -> bool:
    return value == "auto" or (
        isinstance(value, int) and not isinstance(value, bool) and value >= 1
    )


def _at_least_one(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise reject("at least one")
    return items


def _each_once(items: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    repeated = [item for position, item in enumerate(items) if item in items[:position]]
    if repeated:
        raise reject("each of them once", found=f"{repeated[0]} more than once")
    return items


def _beside_settings(file: Path, info: ValidationInfo[Path]) -> Path:
    return info.context / file.expanduser() if info.context else file


Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, _matching(r"[a-z0-9_]+", "small letters, digits and underscores")]
# A model's key is a folder's name, and Dagster's name of a partition.
ModelKey = Annotated[
    str,
    _matching(
        r"(?![.-])(?!.*\.\.\.)[A-Za-z0-9_.|-]+",
        "letters, digits and _ . | -, not beginning with . or - and without three dots in a row",
    ),
]
Owner = Annotated[
    str,
    _matching(r"[^@\s]+@[^@\s]+\.[^@\s]+|team:\w+", "an e-mail address, or a team as team:growth"),
]
# The schema mmm holds the results: a raw table in it could overwrite them.
Table = Annotated[
    str,
    _matching(r"(?!mmm\.)[A-Za-z_]\w*\.[A-Za-z_]\w*", "schema.table, in a schema other than mmm"),
]
Currency = Annotated[str, _matching(r"[A-Z]{3}", "three capitals, such as EUR (ISO 4217)")]
Cron = Annotated[str, AfterValidator(_cron)]
Timezone = Annotated[str, AfterValidator(_timezone)]
InputFile = Annotated[
    Path,
    AfterValidator(_beside_settings),
    Rule(lambda value: isinstance(value, str | Path), "a path", is_whole=True),
]
# pydantic's own min_length would also complain of too few channels when one of them is wrong.
NOT_EMPTY = AfterValidator(_at_least_one)
Days = Annotated[tuple[Day, ...], NOT_EMPTY, AfterValidator(_each_once)]
Components = Annotated[
    int | Auto,
    Rule(_is_number_of_components, "a whole number from 1 on, or auto", is_whole=True),
]
