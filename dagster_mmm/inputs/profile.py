"""The columns of a raw table as they are found: which are days, which are numbers, in what form."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from dagster_mmm.inputs.formats import (
    NumberFormat,
    date_readings,
    number_readings,
    without_money_sign,
)
from dagster_mmm.settings import MONEY_CHARACTERS, money_signs

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T].*)?")
_PLAIN = NumberFormat(None, ".")
# The currency of a sign that several have, by the most usual one.
_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "INR", "KRW", "ILS", "TRY", "UAH")
# As many texts as say how all of a column are written.
_SAMPLE = 400


@dataclass(frozen=True)
class Profile:
    """A raw table's columns, read.

    Attributes:
        texts: every column as it stands.
        days: the columns whose texts are all days, as days.
        date_format: how the days of each are written, as `input.date_format` says it.
        numbers: the columns whose texts are all numbers, NaN where they are blank.
        number_format: how numbers are written.
        money_sign: the currency whose sign the numbers bear, or None.
    """

    texts: pd.DataFrame
    days: dict[str, "pd.Series[pd.Timestamp]"]
    date_format: dict[str, str]
    numbers: pd.DataFrame
    number_format: NumberFormat
    money_sign: str | None


def profile(texts: pd.DataFrame) -> Profile:
    """Read every column of a table of texts."""
    texts = texts.apply(lambda column: column.str.strip().replace("", None))
    currency = _currency_of_signs(texts)
    bare = {name: _without_signs(column, currency) for name, column in texts.items()}
    written = _number_format(bare.values())
    numbers = {str(name): _numbers(column, written) for name, column in bare.items()}
    formats = {str(name): _date_format(column) for name, column in texts.items()}
    dated = {name: order for name, order in formats.items() if order is not None}
    return Profile(
        texts,
        {name: _days(texts[name], order) for name, order in dated.items()},
        dated,
        pd.DataFrame(
            {k: v for k, v in numbers.items() if v is not None and k not in dated},
            index=texts.index,
        ),
        written,
        currency,
    )


def _currency_of_signs(texts: pd.DataFrame) -> str | None:
    either = rf"^[+-]?\s*([{MONEY_CHARACTERS}])\s*\d|\d\s*([{MONEY_CHARACTERS}])$"
    signs = texts.stack().str.extract(either).stack().dropna()
    if signs.empty:
        return None
    found = str(signs.mode()[0])
    return next((code for code in _CURRENCIES if found in money_signs(code)), None)


def _without_signs(column: "pd.Series[str]", currency: str | None) -> "pd.Series[str]":
    if currency is None:
        return column
    return column.map(lambda text: without_money_sign(text, currency), na_action="ignore")


def _number_format(columns: Iterable["pd.Series[str]"]) -> NumberFormat:
    """The form that the columns of numbers are written in; plain where it reads all of them."""
    for column in columns:
        sample = list(column.dropna().unique()[:_SAMPLE])
        readings = list(number_readings(sample).values())
        # Texts that a plain number could be too say nothing.
        if readings and _PLAIN not in readings:
            # Three digits after every mark: a mark between thousands, not a decimal one.
            return max(readings, key=lambda reading: reading.thousands is not None)
    return _PLAIN


def _numbers(column: "pd.Series[str]", written: NumberFormat) -> "pd.Series[float] | None":
    """The column as numbers, or None where some text is none."""
    if not column.notna().any():
        return None
    if written == _PLAIN:
        read = pd.to_numeric(column, errors="coerce").astype(float)
    else:
        read = column.map(written.read, na_action="ignore").astype(float)
    return None if (read.isna() & column.notna()).any() else read


def _date_format(column: "pd.Series[str]") -> str | None:
    found = list(column.dropna().unique())
    if not found:
        return None
    if all(_ISO.fullmatch(text) for text in found):
        return "iso"
    return next(iter(date_readings(found)), None) if date_readings(found[:_SAMPLE]) else None


def _days(column: "pd.Series[str]", order: str) -> "pd.Series[pd.Timestamp]":
    parts = {"iso": "%Y-%m-%d"}
    if order in parts:
        return pd.to_datetime(column.str.slice(0, 10), format=parts[order], errors="coerce")
    read = {text: date_readings([text]).get(order) for text in column.dropna().unique()}
    return pd.to_datetime(column.map(read))
