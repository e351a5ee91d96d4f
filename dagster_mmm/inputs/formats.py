"""How texts write numbers and dates, guessed from those that could not be read."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from dagster_mmm.settings import MONEY_CHARACTERS, money_signs

# The marks between thousands, as a reader writes them and as spreadsheets do.
_MARKS = {",": ",", ".": r"\.", " ": "[ \u00a0\u202f]", "'": "['\u2019]"}
_NUMBER = r"[+-]?(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)(?:{point}\d*)?(?:[eE][+-]?\d{{1,3}})?"
_DAYS = {
    "mdy": r"(?P<m>\d{1,2})[/. -](?P<d>\d{1,2})[/. -](?P<y>\d{4}|\d{2})",
    "dmy": r"(?P<d>\d{1,2})[/. -](?P<m>\d{1,2})[/. -](?P<y>\d{4}|\d{2})",
    "ymd": r"(?P<y>\d{4})[/. -]?(?P<m>\d{1,2})[/. -]?(?P<d>\d{1,2})",
}
_TIME = r"(?:[ T]\d{1,2}:\d{2}.*)?"
IN_WORDS = {"mdy": "month, day, year", "dmy": "day, month, year", "ymd": "year, month, day"}
_SIGN = re.compile(rf"[{MONEY_CHARACTERS}]|^[A-Z]{{3}}\b|\b[A-Z]{{3}}$")


class NumberFormat(NamedTuple):
    """The marks of numbers, as in the settings' section `input`."""

    thousands: str | None
    decimal: str

    def read(self, text: str) -> float | None:
        """The number that a text is in this format, or None."""
        mark, point = _MARKS.get(self.thousands or "", "(?!)"), _MARKS[self.decimal]
        if re.fullmatch(_NUMBER.format(mark=mark, point=point), text.strip(), re.ASCII) is None:
            return None
        return float(re.sub(point, ".", re.sub(mark, "", text.strip())))

    def to_set(self, current: "NumberFormat") -> str:
        """The keys of `input` that make this format of the current one."""
        keys: list[str] = []
        if self.decimal != current.decimal:
            keys.append(f'input.decimal: "{self.decimal}"')
        if self.thousands != current.thousands:
            mark = "null" if self.thousands is None else f'"{self.thousands}"'
            keys.append(f"input.thousands: {mark}")
        return " and ".join(keys)


# Those with fewer marks first, which say the same of a text without the others'.
_FORMATS = (
    *(NumberFormat(None, decimal) for decimal in ".,"),
    *(NumberFormat(mark, point) for mark in _MARKS for point in ".," if mark != point),
)


def without_money_sign(text: str, currency: str) -> str:
    """A number's text without the sign or code of the currency."""
    sign = "|".join(map(re.escape, money_signs(currency)))
    bare = re.sub(rf"^\s*([+-]?)\s*(?:{sign})\s*", r"\1", text)
    return re.sub(rf"\s*(?:{sign})\s*$", "", bare)


def number_readings(texts: Iterable[str]) -> dict[float, NumberFormat]:
    """The formats that read all of these texts, by what the first of them is then.

    Of formats under which that is the same number, the one with the fewest marks.
    """
    listed = list(texts)
    readings: dict[float, NumberFormat] = {}
    for one in _FORMATS:
        numbers = [one.read(text) for text in listed]
        if numbers and None not in numbers:
            readings.setdefault(numbers[0] or 0.0, one)
    return readings


def is_number_in_another_format(text: str, current: NumberFormat) -> bool:
    """Whether a format other than the settings' reads the text."""
    is_readable = any(one.read(text) is not None for one in _FORMATS)
    # Too large for the database, then.
    return is_readable and current.read(text) is None


def why_no_number(text: str, currency: str) -> str:
    """What a text is that no format reads, in words that follow it; empty if nobody can tell."""
    if re.fullmatch(r"\(.*\d.*\)", text.strip()):
        return ", a negative number in brackets"
    if text.strip().endswith("%"):
        return ", a percentage"
    if _SIGN.search(text.strip()) and re.search(r"\d", text):
        return f", which bears the sign of another currency than {currency}"
    return ""


def date_readings(texts: Sequence[str]) -> dict[str, date]:
    """The orders of month, day and year in which all texts are days, with the first one's day.

    Where several are possible and under one of them all texts are of one weekday, as weekly dates
    are, that one alone.
    """
    days = {order: [_day(text, order) for text in texts] for order in _DAYS}
    possible = {
        order: [day for day in found if day is not None]
        for order, found in days.items()
        if found and None not in found
    }
    weekly = [order for order, found in possible.items() if len({d.weekday() for d in found}) == 1]
    if len(texts) > 1 and len(weekly) == 1:
        possible = {order: possible[order] for order in weekly}
    return {order: found[0] for order, found in possible.items()}


def is_date_in_another_order(text: str) -> bool:
    """Whether the text is a day in some order of month, day and year."""
    return any(_day(text, order) is not None for order in _DAYS)


def _day(text: str, order: str) -> date | None:
    match = re.fullmatch(_DAYS[order] + _TIME, text.strip(), re.ASCII)
    if match is None:
        return None
    year = int(match["y"]) + (2000 if len(match["y"]) == 2 else 0)
    try:
        found = date(year, int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    return found if 1990 <= found.year <= 2099 else None
