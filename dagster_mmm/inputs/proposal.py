"""Settings proposed for a table that nobody has described yet, each with the reason for it.

By the names of the columns and a look at their values: a first reading for a person to correct,
which the settings' own checks and `mmm data check` judge as they would any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from dagster_mmm.inputs import column_words as words
from dagster_mmm.inputs.column_words import Kind
from dagster_mmm.inputs.profile import Profile
from dagster_mmm.settings.fields import hint
from hill_mmm.panel import MIN_WEEKS

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# A column of text with more of them holds no events.
MAX_EVENTS = 12
NO_EVENT = {"", "na", "n/a", "nan", "none", "null", "no", "0", "false", "-"}
# Controls that others tell to within this are told by them.
TOLD = 1e-6


class ProposalError(ValueError):
    """Nothing can be proposed; the message says what to name."""


@dataclass(frozen=True)
class Wishes:
    """What is known beforehand; what is None or empty is proposed."""

    date: str | None = None
    series: str | None = None
    outcome: str | None = None
    spend: Sequence[str] = ()
    organic: Sequence[str] = ()
    controls: Sequence[str] = ()
    currency: str | None = None
    week_starts_on: str | None = None


@dataclass(frozen=True)
class Entry:
    """A line of the proposal.

    Attributes:
        keys: the keys of the settings and their values.
        reason: why, in a line.
    """

    keys: dict[str, str | float]
    reason: str


@dataclass
class Proposal:
    """What is proposed, section by section, and what was left out.

    Attributes:
        input: the keys of `input`.
        currency, outcome: each with its reason.
        channels, organic, controls: a line each.
        left_out: the columns that no setting names, and why.
    """

    input: list[Entry]
    currency: Entry
    outcome: Entry
    channels: list[Entry] = field(default_factory=list[Entry])
    organic: list[Entry] = field(default_factory=list[Entry])
    controls: list[Entry] = field(default_factory=list[Entry])
    left_out: dict[str, str] = field(default_factory=dict[str, str])


def propose(table: Profile, wishes: Wishes) -> Proposal:
    """Propose settings.

    Raises:
        ProposalError: if the table has no date, outcome or spend that can be told, or is neither
            weekly nor daily, or a wish names no column.
    """
    _require_columns(table, wishes)
    date = _date(table, wishes.date)
    days = table.days[str(date.keys["date_column"])]
    series = _series(table, days, wishes.series)
    groups = None if series is None else table.texts[str(series.keys["series_column"])]
    names = _Names()
    outcome = _outcome(table, wishes.outcome, names)
    found = Proposal(
        [date, *_calendar(days, str(date.keys["date_column"]), wishes.week_starts_on)],
        _currency(table, wishes.currency),
        outcome,
    )
    found.input += [] if series is None else [series]
    found.input += _formats(table, str(date.keys["date_column"]))
    taken = {*_columns(found.input, "date_column", "series_column"), *_columns([outcome], "column")}
    rest = [name for name in table.texts.columns if name not in taken]
    spend = list(wishes.spend) or _spend(table, rest)
    if not spend:
        raise ProposalError(
            "no column is called like the spend of a channel, such as tv_spend; name them by "
            f"--spend; the columns are {', '.join(rest)}"
        )
    found.channels = [_channel(table, name, names) for name in spend]
    others = [name for name in rest if name not in spend]
    _sort_the_rest(found, table, groups, others, wishes, names)
    return found


class _Names:
    """Names of variables: small letters, digits and underscores, each once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, text: str) -> str:
        name = words.variable_name(text)
        unique, number = name, 2
        while unique in self._given:
            unique, number = f"{name}_{number}", number + 1
        self._given.add(unique)
        return unique


def _columns(entries: Sequence[Entry], *keys: str) -> set[str]:
    return {str(entry.keys[key]) for entry in entries for key in keys if key in entry.keys}


def _require_columns(table: Profile, wishes: Wishes) -> None:
    named = [wishes.date, wishes.series, wishes.outcome]
    named += [*wishes.spend, *wishes.organic, *wishes.controls]
    columns = list(map(str, table.texts.columns))
    for name in named:
        if name is not None and name not in columns:
            raise ProposalError(
                f"there is no column {name!r}{hint(name, columns)}; the columns are "
                f"{', '.join(columns)}"
            )
    numbers = [wishes.outcome, *wishes.spend, *wishes.organic]
    for name in numbers:
        if name is not None and name not in table.numbers:
            raise ProposalError(f"column {name!r} does not hold numbers alone")


def _date(table: Profile, wish: str | None) -> Entry:
    if wish is not None and wish not in table.days:
        raise ProposalError(f"column {wish!r} does not hold dates alone")
    candidates = [wish] if wish is not None else list(table.days)
    if not candidates:
        raise ProposalError(
            "no column holds dates in all its rows, as 2026-01-31 or in one order of month, day "
            "and year; give one such column"
        )
    name = max(candidates, key=lambda each: (table.days[each].nunique(), words.names_date(each)))
    days = table.days[name].nunique()
    return Entry({"date_column": name}, f"{days} dates")


def _calendar(days: "pd.Series[pd.Timestamp]", name: str, wish: str | None) -> list[Entry]:
    """The grain and the day on which weeks start."""
    each = pd.DatetimeIndex(days.dropna().unique()).sort_values()
    steps = pd.Series(each[1:] - each[:-1]) / pd.Timedelta(days=1)
    step = steps.mode().iloc[0] if len(steps) else 0
    if step == 1:
        start = wish or "monday"
        reason = "named" if wish else "the usual one, for daily data say nothing of it"
        return [
            Entry({"grain": "daily"}, "the dates are a day apart"),
            Entry({"week_starts_on": start}, reason),
        ]
    if step != 7:
        raise ProposalError(
            f"the dates of {name} are {step:.0f} days apart; give a table by weeks or days"
        )
    weekday = int(pd.Series(each.day_of_week).mode().iloc[0])
    if words.names_last_day(name):
        start = WEEKDAYS[(weekday + 1) % 7]
        return [
            Entry({"dated_by": "last_day"}, f"called {name}"),
            Entry({"week_starts_on": wish or start}, f"weeks end on a {WEEKDAYS[weekday]}"),
        ]
    n_weeks = len(each)
    few = f"; {MIN_WEEKS} weeks are needed" if n_weeks < MIN_WEEKS else ""
    reason = f"each of {n_weeks} dates is a {WEEKDAYS[weekday]}{few}"
    return [Entry({"week_starts_on": wish or WEEKDAYS[weekday]}, reason)]


def _series(table: Profile, days: "pd.Series[pd.Timestamp]", wish: str | None) -> Entry | None:
    """The column that tells rows of one date apart, or None if there is one row a date."""
    if wish is None and not days.duplicated().any():
        return None

    def tells_apart(name: str) -> bool:
        return not pd.DataFrame({"day": days, "series": table.texts[name]}).duplicated().any()

    texts = [str(name) for name in table.texts.columns if name not in table.days]
    candidates = [
        name
        for name in texts
        if (name not in table.numbers or words.names_series(name)) and tells_apart(name)
    ]
    if wish is not None:
        candidates = [wish]
    if not candidates:
        raise ProposalError(
            "several rows have the same date, and no column of text, such as a geo, tells them "
            "apart; sum them to one row a date, or a date and series"
        )
    name = min(candidates, key=lambda each: (not words.names_series(each), texts.index(each)))
    count = table.texts[name].nunique()
    return Entry({"series_column": name}, f"{count} series, each with a row a date")


def _formats(table: Profile, date: str) -> list[Entry]:
    found: list[Entry] = []
    order = table.date_format[date]
    if order != "iso":
        found.append(Entry({"date_format": order}, f"such as {table.texts[date].dropna().iloc[0]}"))
    if table.number_format.decimal != ".":
        found.append(Entry({"decimal": table.number_format.decimal}, "as the numbers are written"))
    if table.number_format.thousands is not None:
        mark = table.number_format.thousands
        found.append(Entry({"thousands": mark}, "as the numbers are written"))
    return found


def _currency(table: Profile, wish: str | None) -> Entry:
    if wish is not None:
        return Entry({"currency": wish}, "named")
    if table.money_sign is not None:
        return Entry({"currency": table.money_sign}, "the sign that the numbers bear")
    return Entry({"currency": "USD"}, "nothing in the data names one: correct it")


def _outcome(table: Profile, wish: str | None, names: _Names) -> Entry:
    kinds = {Kind.MONEY, Kind.COUNT, Kind.OUTCOME}
    candidates = [
        str(name)
        for name in table.numbers.columns
        if words.kind_of(str(name)) in kinds and table.numbers[name].mean() > 0
    ]
    if wish is None and not candidates:
        raise ProposalError(
            "no column of numbers is called like an outcome, such as revenue, sales or orders; "
            f"name it by --outcome; the columns are {', '.join(map(str, table.numbers.columns))}"
        )
    name = wish or min(candidates, key=words.outcome_rank)
    keys: dict[str, str | float] = {"name": names.give(name), "column": name}
    if words.kind_of(name) is not Kind.COUNT:
        certain = words.kind_of(name) is Kind.MONEY
        doubt = "" if certain else "; if it is a number of things, set kind: count"
        return Entry(keys, f"{'named' if wish else 'called like'} an outcome in money{doubt}")
    keys["kind"] = "count"
    for other in map(str, table.numbers.columns):
        # Such as revenue_per_conversion.
        before, _, unit = "_".join(words.words_of(other)).partition("_per_")
        if unit == "_".join(words.words_of(name)) and _is_money(before):
            keys["value_per_unit"] = float(f"{table.numbers[other].mean():.3g}")
            return Entry(keys, f"a number of things; each is worth {other}, on average")
    return Entry(keys, "a number of things; with value_per_unit there are returns in money too")


def _is_money(text: str) -> bool:
    return words.kind_of(text) is Kind.MONEY or text in {"value", "margin", "price"}


def _spend(table: Profile, rest: Sequence[str]) -> list[str]:
    numbers = [name for name in rest if name in table.numbers and (table.numbers[name] > 0).any()]
    called = [name for name in numbers if words.kind_of(name) is Kind.SPEND]
    if called:
        return called
    return [
        name
        for name in numbers
        if words.kind_of(name) is Kind.UNKNOWN
        and words.is_medium(name)
        and (table.numbers[name].fillna(0) >= 0).all()
    ]


def _channel(table: Profile, column: str, names: _Names) -> Entry:
    values = table.numbers[column]
    n_off = int((values == 0).sum())
    is_spend = words.kind_of(column) is Kind.SPEND
    reason = "called like spend" if is_spend else "called like a medium, taken for its spend"
    reason += f", 0 in {n_off} of {len(values)} rows" if n_off else ""
    blank = int(values.isna().sum())
    reason += f"; blank in {blank} rows: write 0 if nothing was spent" if blank else ""
    return Entry({"name": names.give(words.stem_of(column)), "column": column}, reason)


def _sort_the_rest(
    found: Proposal,
    table: Profile,
    groups: "pd.Series[str] | None",
    others: Sequence[str],
    wishes: Wishes,
    names: _Names,
) -> None:
    """Make each other column a medium without spend, a control, or one that is left out."""
    channels = {words.stem_of(str(entry.keys["column"])) for entry in found.channels}
    told = _Told(groups)
    for column in others:
        wished = column in {*wishes.organic, *wishes.controls}
        if column in wishes.organic or (
            not wishes.organic and not wished and _is_organic(table, column, channels)
        ):
            reason = "named" if wished else "exposures that no spend stands for"
            keys = {"name": names.give(words.stem_of(column)), "column": column}
            found.organic.append(Entry({**keys}, reason))
            continue
        if wishes.controls and not wished:
            found.left_out[column] = "not named by --control"
            continue
        if column in table.numbers:
            why_not = None if wished else _why_no_control(table, column, groups, channels)
            why_not = why_not or told.why_not(column, table.numbers[column])
            if why_not is None:
                found.controls.append(_control(column, table.numbers[column], names))
            else:
                found.left_out[column] = why_not
        else:
            _sort_text(found, table, column, names)


def _is_organic(table: Profile, column: str, channels: set[str]) -> bool:
    if column not in table.numbers or not (table.numbers[column].fillna(-1) >= 0).all():
        return False
    if table.numbers[column].nunique() < 2:
        return False
    kind = words.kind_of(column)
    is_exposure = kind is Kind.EXPOSURE and words.stem_of(column) not in channels
    return kind is Kind.ORGANIC or is_exposure


def _why_no_control(
    table: Profile, column: str, groups: "pd.Series[str] | None", channels: set[str]
) -> str | None:
    values = table.numbers[column]
    kind = words.kind_of(column)
    is_event = values.dropna().isin((0, 1)).all()
    if values.isna().any():
        return f"blank in {int(values.isna().sum())} rows"
    if kind is Kind.EXPOSURE and words.stem_of(column) in channels:
        return "exposures of a channel, for which its spend stands"
    reasons = {
        Kind.DERIVED: "called like the result of a model",
        Kind.RATE: None if words.role_of(column) or is_event else "a rate of two other columns",
        Kind.SPEND: "spend without any",
        Kind.EXPOSURE: "exposures without any",
        Kind.ORGANIC: "exposures without any",
    }
    of_outcomes = "sales move it, or media do: as a control it would take their effect away"
    reasons |= dict.fromkeys((Kind.MONEY, Kind.COUNT, Kind.OUTCOME), of_outcomes)
    if not is_event:
        reasons[Kind.CALENDAR] = "counts the calendar, as trend and seasonality do"
    if reasons.get(kind) is not None:
        return reasons[kind]
    if values.nunique() <= 1:
        return "is the same in every row"
    of_series = [values] if groups is None else [rows for _, rows in values.groupby(groups)]
    if all(rows.nunique() <= 1 for rows in of_series):
        return "never changes within a series"
    if _counts_rows(values) or all(map(_counts_rows, of_series)):
        return "counts the rows"
    return None


def _counts_rows(values: "pd.Series[float]") -> bool:
    steps = values.diff().dropna()
    return bool(len(steps) and steps.nunique() == 1 and steps.iloc[0] != 0)


def _control(column: str, values: "pd.Series[float]", names: _Names) -> Entry:
    keys: dict[str, str | float] = {"name": names.give(column), "column": column}
    role = words.role_of(column)
    if role is not None:
        return Entry({**keys, "role": role}, f"called like {role}")
    if values.isin((0, 1)).all():
        return Entry(keys, f"an event, in {values.sum():.0f} of {len(values)} rows")
    return Entry(keys, "numbers that vary; leave it out if media move it")


def _sort_text(found: Proposal, table: Profile, column: str, names: _Names) -> None:
    """Each of the few texts of a column is an event."""
    if column in table.days:
        found.left_out[column] = "another date"
        return
    counts = table.texts[column].dropna().value_counts()
    events = [str(text) for text in counts.index if str(text).casefold() not in NO_EVENT]
    n_rows = len(table.texts)
    if not events or len(events) > MAX_EVENTS or counts[events].max() == n_rows:
        found.left_out[column] = f"text of {counts.size} kinds"
        return
    for text in sorted(events):
        found.controls.append(
            Entry(
                {"name": names.give(text), "column": column, "equals": text},
                f"a text of {column}, in {counts[text]} of {n_rows} rows",
            )
        )


class _Told:
    """Whether the controls before tell a control, so that no data could tell them apart."""

    def __init__(self, groups: "pd.Series[str] | None") -> None:
        self._groups = groups
        self._basis: list[np.ndarray] = []
        self._seen: dict[bytes, str] = {}

    def why_not(self, column: str, values: "pd.Series[float]") -> str | None:
        within = pd.Series(0, values.index) if self._groups is None else self._groups
        centred = (values - values.groupby(within).transform("mean")).to_numpy()
        size = float(np.linalg.norm(centred))
        same = self._seen.setdefault(values.to_numpy().tobytes(), column)
        if same != column:
            return f"the same as {same}, row by row"
        rest = centred
        # Twice, for what rounding has left of the first time.
        for vector in 2 * self._basis:
            rest = rest - vector * (vector @ rest)
        left = float(np.linalg.norm(rest))
        if not size or left < TOLD * size:
            return "the controls before it tell it already"
        self._basis.append(rest / left)
        return None
