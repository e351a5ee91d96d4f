"""The kinds of dirty data: how each is made, and what has to come of it."""

import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from dagster_mmm.inputs.left_out import LEAD_IN
from tests.dagster_mmm.inputs.conftest import (
    TODAY,
    Change,
    daily,
    rows_of,
    with_value,
)

Verdict = Literal["error", "repair", "advice", "as it is"]
RAW = "raw.weekly_media"


@dataclass(frozen=True)
class Kind:
    """One way in which data are dirty.

    Attributes:
        verdict: an error stops the job; a repair leaves rows out and says why in the snapshot;
            advice is a warning beside the fit; otherwise the values are used as they are.
        says: the code of the problem or advice, `loading` for an error while the table is loaded
            or looked at, or the reason of the repair.
        message: what the message says beside it: the place and the remedy.
        change: what it does to a clean frame.
        file: what it does to the CSV of that frame.
        sql: what it does to the raw table when that is loaded.
        warehouse: the fixture that it is judged in.
        settings: keys of the settings' section `input`.
        today: the day as of which weeks are over.
    """

    verdict: Verdict
    says: str = ""
    message: tuple[str, ...] = ()
    change: Change = lambda frame: frame
    file: Callable[[bytes], bytes] = lambda text: text
    sql: tuple[str, ...] = ()
    warehouse: str = "weekly"
    settings: dict[str, Any] = field(default_factory=dict)
    today: dt.date = TODAY


def error(code: str, *message: str, **how: Any) -> Kind:
    return Kind("error", code, message, **how)


def repair(reason: str, **how: Any) -> Kind:
    return Kind("repair", reason, **how)


def advice(code: str, *message: str, **how: Any) -> Kind:
    return Kind("advice", code, message, **how)


def as_it_is(**how: Any) -> Kind:
    return Kind("as it is", **how)


def times(row: int, column: str, factor: float) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        usual = frame.loc[frame[column] > 0, column].median()
        return with_value(row, column, usual * factor)(frame)

    return change


def columns(**values: Any) -> Change:
    return lambda frame: frame.assign(**values)


def dated(rewrite: Callable[["pd.Series[Any]"], "pd.Series[Any]"]) -> Change:
    return lambda frame: frame.assign(week=rewrite(frame["week"]))


def shifted(days: int) -> Change:
    return dated(lambda week: (pd.to_datetime(week) + pd.Timedelta(days=days)).astype(str))


def written(date_format: str) -> Change:
    return dated(lambda week: pd.to_datetime(week).dt.strftime(date_format))


def numbers(spelled: str, marks: dict[int, int]) -> Change:
    """Cents of three variables as texts, with their marks replaced."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        texts = {
            column: (100 * frame[column]).map(lambda value: spelled.format(value).translate(marks))
            for column in ("revenue", "tv_spend", "radio_spend")
        }
        return frame.assign(**texts)

    return change


def as_parquet(text: bytes) -> bytes:
    frame = pd.read_csv(io.BytesIO(text))
    return frame.assign(week=pd.to_datetime(frame["week"])).to_parquet()


def of_south(column: str, value: object, *weeks: int) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype(object)
        frame.loc[rows_of(frame, "south", *weeks), column] = value
        return frame

    return change


def without(*weeks: int) -> Change:
    return lambda frame: frame.drop(index=rows_of(frame, "south", *weeks))


def spelled(*names: str) -> Change:
    """South's name in several spellings, one after the other."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        south = frame["geo"] == "south"
        spelling = np.resize(names, south.sum())
        return frame.assign(geo=frame["geo"].mask(south, pd.Series(spelling, frame.index[south])))

    return change


def event(*spellings: str | None) -> Change:
    """The first weeks of the event `Sale` with its text in these spellings."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype(object)
        frame.loc[frame.index[frame["promotion"] == "Sale"][: len(spellings)], "promotion"] = [
            *spellings
        ]
        return frame

    return change


def weekdays() -> Change:
    """The rows from Monday to Friday alone."""
    return lambda frame: frame[pd.to_datetime(frame["week"]).dt.day_of_week < 5]


def zoned(*offsets: str) -> Change:
    """Midnights with these offsets from UTC, in turn."""
    return dated(lambda week: week + "T00:00:00" + np.resize(offsets, len(week)).astype(object))


def mixed_grain(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame.head(100), daily(frame.iloc[100:110].reset_index()), frame.tail(46)])


def with_plans(frame: pd.DataFrame) -> pd.DataFrame:
    """Ten weeks of planned spend after the last, up to 2024-03-04."""
    plans = frame.tail(10).assign(
        week=(pd.to_datetime(frame["week"].tail(10)) + pd.Timedelta(weeks=10)).astype(str),
        revenue="",
    )
    return pd.concat([frame, plans])


def typed(column: str, expression: str) -> tuple[str, ...]:
    replaced = f'select * replace ({expression} as "{column}") from {RAW}'
    return (f"create or replace table {RAW} as from ({replaced})",)


NO_NUMBER = "has no usable number in the week of 2021-03-08: found "


def no_number(value: object) -> Kind:
    return error(
        "unreadable_spend",
        f"radio (column 'radio_spend') {NO_NUMBER}{value or 'nothing'}; correct it at the source",
        change=with_value(9, "radio_spend", value),
    )


def no_outcome(value: object) -> Kind:
    return error(
        "unreadable_outcome",
        f"revenue (column 'revenue') {NO_NUMBER}{value or 'nothing'}; correct it at the source",
        change=with_value(9, "revenue", value),
    )


def no_date(value: str, **how: Any) -> Kind:
    return error(
        "unreadable_date",
        f"1 rows have the date '{value}' in column 'week', which is no day from 1990 to 2099",
        change=with_value(3, "week", value),
        **how,
    )


CALENDAR = {
    "missing week": error(
        "missing_week",
        "week of 2021-05-24 has no row; add it, with 0 where nothing was spent or sold",
        change=lambda f: f.drop(index=20),
    ),
    "duplicate week": error(
        "duplicate_week",
        "week of 2021-08-02 has 2 rows; keep one row a week",
        change=lambda f: pd.concat([f, f.iloc[[30]]]),
    ),
    "out-of-order weeks": as_it_is(change=lambda f: f.sample(frac=1, random_state=0)),
    "gap in one series": error(
        "missing_week",
        "south: the week of 2021-08-02 has no row",
        change=without(20),
        warehouse="by_geo",
    ),
    "series that ended": error(
        "early_end",
        "south: there is no row from the week of 2023-11-27 on, but other series go on",
        change=without(-1, -2, -3, -4, -5),
        warehouse="by_geo",
    ),
    "days where weeks are expected": error(
        "daily_rows", "has up to 7 dates a week", "set input.grain: daily", change=daily
    ),
    "weeks where days are expected": error(
        "weekly_rows",
        "set input.grain: weekly",
        change=lambda f: f.iloc[::7].reset_index(drop=True),
        warehouse="by_day",
    ),
    "days among weeks": error(
        "mixed_grain",
        "week of 2022-12-05 has 7 rows of 7 dates, most weeks one; deliver one row a week",
        change=mixed_grain,
    ),
    "dates of the weeks' last days": error(
        "wrong_week_start",
        "156 rows are dated on Sunday, such as 2021-01-10, but input.week_starts_on is monday",
        "if it is the last, set input.dated_by: last_day with input.week_starts_on: monday",
        change=shifted(6),
    ),
    "dates of last days, as the settings say": as_it_is(
        change=shifted(6), settings={"dated_by": "last_day"}
    ),
    "wrong week start": error(
        "wrong_week_start",
        "156 rows are dated on Wednesday, such as 2021-01-06, but input.week_starts_on is monday",
        "if it is the last, set input.dated_by: last_day with input.week_starts_on: thursday",
        change=shifted(2),
    ),
    "one date off": error(
        "wrong_week_start",
        "1 rows are dated on Tuesday, such as 2021-02-09",
        change=with_value(5, "week", "2021-02-09"),
    ),
    "missing day": error(
        "missing_day",
        "week of 2021-04-12 has 6 of 7 days; add the missing days",
        change=lambda f: f.drop(index=100),
        warehouse="by_day",
    ),
    "duplicate day": error(
        "duplicate_day",
        "a day of the week of 2021-04-12 stands twice; keep one row a day",
        change=lambda f: pd.concat([f, f.iloc[[100]]]),
        warehouse="by_day",
    ),
    "partial last week": repair(
        "the week is incomplete: 4 of 7 days",
        change=lambda f: f.iloc[:-3],
        warehouse="by_day",
    ),
    "partial first week": repair(
        "the week is incomplete: 5 of 7 days",
        change=lambda f: f.iloc[2:],
        warehouse="by_day",
    ),
    "feed of weekdays": as_it_is(change=weekdays(), warehouse="by_day"),
    "feed of weekdays that ends on a Thursday": repair(
        "the week is incomplete: 4 of 5 days",
        change=lambda f: weekdays()(f).iloc[:-1],
        warehouse="by_day",
    ),
    "feed of weekdays that lacks one": error(
        "missing_day",
        "week of 2021-01-18 has 4 of 5 days; add the missing days",
        change=lambda f: weekdays()(f).drop(index=16),
        warehouse="by_day",
    ),
    "week that is not over": repair(
        "the week is not over on 2023-12-30", today=dt.date(2023, 12, 30)
    ),
    "future weeks": repair(
        "the week is not over on 2024-01-01", change=with_plans, today=dt.date(2024, 1, 1)
    ),
    "late rows": repair(
        "revenue has not arrived for this week", change=with_value(155, "revenue", "")
    ),
    "late rows of one series": repair(
        "revenue has not arrived for this week in south", change=without(-1, -2), warehouse="by_geo"
    ),
    "outcome that has stopped coming": error(
        "unreadable_outcome",
        "in the week of 2023-11-27: found nothing",
        "(and 4 more like it)",
        change=lambda f: f.assign(revenue=f["revenue"].astype(object).mask(f.index > 150, "")),
    ),
    "wrong year": error(
        "future_date",
        "a row is dated 2062-06-26, which is far ahead; correct its year",
        change=with_value(129, "week", "2062-06-26"),
    ),
    "date that stands for never": no_date("9999-12-31"),
    "date of another order": error(
        "date_format",
        "1 rows have the date '31/01/2021' in column 'week', which is no ISO date (day, month, "
        "year); set input.date_format: dmy, or write dates as 2026-01-31",
        change=with_value(3, "week", "31/01/2021"),
    ),
    "dates of the US": error(
        "date_format",
        "156 rows have 156 dates such as '01/",
        "which is no ISO date (month, day, year); set input.date_format: mdy",
        change=written("%m/%d/%Y"),
    ),
    "date of two readings": error(
        "date_format",
        "set input.date_format: mdy if that is 2021-02-01 or input.date_format: dmy if that is "
        "2021-01-02",
        change=with_value(4, "week", "2/1/21"),
    ),
    "day that is in no calendar": no_date("2021-02-30"),
    "date as a number": error(
        "date_format",
        "such as '20210104' in column 'week'",
        "(year, month, day); set input.date_format: ymd",
        sql=typed("week", "cast(replace(week, '-', '') as integer)"),
    ),
    "no date": error("missing_date", "1 rows have no date in", change=with_value(3, "week", "")),
    "midnights of one time zone": as_it_is(change=zoned("+01:00", "+02:00")),
    "mixed time zones": error(
        "loading",
        "column 'week' of raw.weekly_media has times of the UTC offsets +00:00, +05:30, so its "
        "days are not those of one place; write dates in the business's own time zone",
        change=zoned("Z", "+05:30"),
    ),
    "times with and without a time zone": error(
        "loading", "UTC offsets +00:00 and times without one", change=zoned("Z", "")
    ),
    "time that moves with its reader": error(
        "loading",
        "column 'week' of raw.weekly_media is a time with a time zone",
        "make it a date",
        sql=typed("week", "cast(week as timestamptz)"),
    ),
    "too short history": error(
        "too_few_weeks", "51 weeks of history; at least 52", change=lambda f: f.head(51)
    ),
    "new series": error(
        "too_few_weeks",
        "south: 20 weeks of history; at least 52",
        change=lambda f: f[(f["geo"] == "north") | (f.index >= len(f) - 20)],
        warehouse="by_geo",
    ),
    "row of no series": error(
        "missing_series",
        "2 rows name no series in column 'geo', such as one with the date '2021-03-15'",
        change=of_south("geo", "", 0, 1),
        warehouse="by_geo",
    ),
    "series spelled in two ways": error(
        "similar_series",
        "the series 'South', 'south' differ in case, spaces, invisible characters or encoding "
        "alone; spell them one way",
        change=spelled("south", "South"),
        warehouse="by_geo",
    ),
    "series in two encodings": error(
        "similar_series",
        "differ in case, spaces, invisible characters or encoding alone",
        change=spelled("Z\u00fcrich", "Zu\u0308rich"),
        warehouse="by_geo",
    ),
    "series with a tab or a doubled space": error(
        "similar_series",
        "the series 'new\\tsouth', 'new  south', 'new south' differ in case, spaces, invisible",
        change=spelled("new south", "new  south", "new\tsouth"),
        warehouse="by_geo",
    ),
    "series with an invisible character": error(
        "similar_series",
        "the series 'south', 'sou\\u200bth', '\\ufeffsouth' differ in case, spaces, invisible",
        change=spelled("south", "sou\u200bth", "\ufeffsouth"),
        warehouse="by_geo",
    ),
    "series of invisible characters alone": error(
        "missing_series",
        "the series '\\u200b' has a name that nobody can see; say which series its rows belong to",
        change=spelled("\u200b"),
        warehouse="by_geo",
    ),
    "series with the name of the sum": error(
        "reserved_series",
        "a series is called 'all', the name of their sum, 'all'; call it something else",
        change=spelled("all"),
        warehouse="by_geo",
    ),
    "series with the name of the sum in capitals": error(
        "reserved_series",
        "a series is called 'ALL', the name of their sum, 'all'; call it something else",
        change=spelled("ALL"),
        warehouse="by_geo",
    ),
}

VALUES = {
    "negative spend": error(
        "negative_spend",
        "tv is -1 in the week of 2021-02-08",
        change=with_value(5, "tv_spend", -1),
    ),
    "refund booked as spend": error(
        "negative_spend",
        "book refunds to the week of the spend",
        "(and 2 more like it)",
        change=lambda f: f.assign(tv_spend=f["tv_spend"].mask(f.index.isin([5, 6, 7]), -250.5)),
    ),
    "returns larger than sales": advice(
        "negative_outcome",
        "revenue is -2,000 in the week of 2021-02-08; book returns to the week of the sale",
        change=with_value(5, "revenue", -2000),
    ),
    "null spend": no_number(""),
    "null outcome": no_outcome(""),
    "outcome begins later than the spend": repair(
        LEAD_IN, change=lambda f: f.assign(revenue=f["revenue"].where(f.index >= 30))
    ),
    "NaN": no_number("NaN"),
    "infinite": no_outcome("inf"),
    "number too large to hold": no_number("1e400"),
    "text in numbers": no_number("n/a"),
    "spreadsheet error": no_number("#REF!"),
    "thousands separators": error(
        "number_format",
        "1 values of radio are numbers in another format than the settings', such as '19,451.66' "
        "of radio (column 'radio_spend') in the week of 2021-03-08",
        'set input.thousands: ",", or correct them at the source',
        change=with_value(9, "radio_spend", "19,451.66"),
    ),
    "separator of two readings": error(
        "number_format",
        'set input.decimal: "," if that is 1.2 or input.thousands: "," if that is 1200, or correct',
        change=with_value(9, "radio_spend", "1,200"),
    ),
    "decimal comma": error(
        "number_format",
        'set input.decimal: ","',
        change=with_value(9, "radio_spend", "1200,50"),
    ),
    "numbers of another country": error(
        "number_format",
        "values of radio, revenue, tv are numbers in another format",
        'set input.decimal: "," and input.thousands: ".", or correct',
        change=numbers("{:,.2f}", str.maketrans(",.", ".,")),
    ),
    "numbers and dates as the settings say": as_it_is(warehouse="german"),
    "numbers of no one format": error(
        "number_format",
        "values of radio are numbers in another format",
        "write all in one way, or correct them at the source",
        change=lambda f: with_value(10, "radio_spend", "1,200.50")(
            with_value(9, "radio_spend", "1.200,50")(f)
        ),
    ),
    "money sign": as_it_is(change=with_value(9, "radio_spend", "€1200")),
    "money sign of another currency": error(
        "unreadable_spend",
        f"{NO_NUMBER}$1,200, which bears the sign of another currency than EUR; correct it at",
        change=with_value(9, "radio_spend", "$1,200"),
    ),
    "negative number of an accountant": error(
        "unreadable_spend",
        f"{NO_NUMBER}(1200), a negative number in brackets; correct it at the source",
        change=with_value(9, "radio_spend", "(1200)"),
    ),
    "percentage": error(
        "unreadable_spend",
        f"{NO_NUMBER}12%, a percentage; correct it at the source",
        change=with_value(9, "radio_spend", "12%"),
    ),
    "digits of another script": no_number("١٢٠٠"),
    "blank control": error(
        "unreadable_control",
        f"competitor_price (column 'competitor_price') {NO_NUMBER}nothing",
        change=with_value(9, "competitor_price", ""),
    ),
    "two currencies in the numbers": error(
        "unreadable_spend",
        f"{NO_NUMBER}1200 USD, which bears the sign of another currency than EUR",
        change=with_value(9, "radio_spend", "1200 USD"),
    ),
    "two currencies in a column": error(
        "loading",
        "has rows in other currencies than EUR (column 'money'): 1 in 'USD'; convert them",
        change=lambda f: f.assign(money=np.where(f.index == 9, "usd", "EUR")),
        settings={"currency_column": "money"},
    ),
    "row without a currency": error(
        "loading",
        "(column 'money'): 1 in none; convert them at the source",
        change=lambda f: f.assign(money=np.where(f.index == 9, "", "EUR")),
        settings={"currency_column": "money"},
    ),
    "unit error in spend": error(
        "unit_error",
        "tv (column 'tv_spend') is",
        "in the week of 2021-03-08",
        "times its usual",
        "correct it at the source, or set input.max_times_usual beyond",
        change=times(9, "tv_spend", 1000),
    ),
    "unit error in the outcome": error(
        "unit_error",
        "revenue (column 'revenue') is",
        "in the week of 2021-03-08",
        "of its usual",
        change=times(9, "revenue", 1e-3),
    ),
    "large value that is accepted": advice(
        "spike",
        "tv is",
        "times its usual week",
        change=times(9, "tv_spend", 1000),
        settings={"max_times_usual": 2000.0},
    ),
    "spike": advice(
        "spike",
        "in the week of 2021-03-08",
        "times its usual week",
        "see that it is right",
        change=times(9, "tv_spend", 50),
    ),
    "busy week": as_it_is(change=times(50, "revenue", 8)),
    "outcome of zero": advice(
        "zero_outcome",
        "revenue is 0 in the week of 2022-04-11",
        "(and 5 more like it)",
        change=lambda f: f.assign(revenue=f["revenue"].mask(f.index.isin(range(66, 72)), 0)),
    ),
    "outcome of zero throughout": error(
        "no_outcome", "revenue is 0 on average", "check its source", change=columns(revenue=0)
    ),
    "constant outcome": error(
        "constant_outcome", "revenue is 500 in every week", change=columns(revenue=500)
    ),
    "all-zero channel": repair(
        "the channel has no spend in any week", change=columns(radio_spend=0)
    ),
    "no spend at all": error(
        "no_spend",
        "no channel has any spend; check the spend columns' source",
        change=lambda f: f.assign(**{c: 0 for c in f if c.endswith("_spend")}),
    ),
    "constant channel": advice(
        "constant_channel",
        "tv is the same in every week: its effect cannot be told from the baseline",
        change=columns(tv_spend=250),
    ),
    "collinear channels": advice(
        "collinear_channels",
        "radio and tv move together (correlation 1.000), so the data cannot tell their returns",
        change=lambda f: f.assign(radio_spend=2 * f["tv_spend"]),
    ),
    "constant control": error(
        "constant_control",
        "promotion is 0 in every week",
        "take it out of the settings",
        change=columns(promotion=0),
    ),
    "new channel": advice(
        "new_channel",
        "radio has been used since the week of 2023-11-20 alone: until there are more weeks",
        change=lambda f: f.assign(radio_spend=np.where(f.index >= 150, 300.0, 0.0)),
    ),
    "vanished channel": advice(
        "stopped_channel",
        "radio has been 0 since the week of 2022-12-05: see that its feed has not stopped",
        change=lambda f: f.assign(radio_spend=np.where(f.index < 100, 100.0 + f.index, 0.0)),
    ),
}
EVENTS = {
    "event in other capitals": as_it_is(change=event("SALE", "sale"), warehouse="events"),
    "event with spaces": as_it_is(
        change=event(" Sale", "Sale\u00a0", "\tSale", "Sa\u200ble"), warehouse="events"
    ),
    "event misspelled in the table": advice(
        "similar_text",
        "promotion is 1 where column 'promotion' has 'Sale', and 0 where it has 'Sales' (1 rows)",
        "if that is the same, spell it one way",
        change=event("Sales"),
        warehouse="events",
    ),
    "event misspelled in the settings": error(
        "loading",
        "control promotion: no row of raw.weekly_media has 'Sale' in column 'promotion', which has "
        "'none' (139 rows), 'Rebate' (17 rows); correct equals to one of its texts",
        change=lambda f: f.assign(promotion=f["promotion"].replace("Sale", "Rebate")),
        warehouse="events",
    ),
    "event in another encoding": error(
        "loading",
        "has '\uff33ale' (1 rows), which is 'Sale' in another case or encoding; spell it as "
        "control promotion does",
        change=event("\uff33ale"),
        warehouse="events",
    ),
    "blank among texts of events": advice(
        "blank_text",
        "promotion is 0 in the 2 rows that are blank in column 'promotion'",
        "such as 'none'; see that nothing is missing there",
        change=event(None, " "),
        warehouse="events",
    ),
    "column of events alone": as_it_is(
        change=lambda f: f.assign(promotion=f["promotion"].replace("none", "")), warehouse="events"
    ),
}


def worth(value: object, *rows: int) -> dict[str, Any]:
    """The revenue of orders, in some weeks."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({"revenue": object})
        frame.loc[list(rows), "revenue"] = value
        return frame

    return {"change": change, "warehouse": "orders"}


def reported(rows: str, **how: Any) -> dict[str, Any]:
    """Of all rows of the reports, only these."""
    view = f"create or replace view ads.spend as from ads.all_spend where {rows}"
    return {"sql": (view,), "warehouse": "by_platform", **how}


def only_until(day: str, platform: str) -> str:
    return f"platform <> '{platform}' or date_day <= '{day}'"


VALUE = {
    "orders without a value": error(
        "unreadable_value",
        "value_of_orders (column 'revenue') has no usable number in the week of 2021-03-08",
        **worth("", 9),
    ),
    "negative value of orders": error(
        "negative_value",
        "value_of_orders is -5 in the week of 2021-03-08; a value cannot be negative",
        "book returns to the week of the sale",
        **worth(-5.0, 9),
    ),
    "orders worth nothing": error(
        "zero_value",
        "value_of_orders is 0 in the week of 2021-03-08, whose orders is",
        **worth(0, 9),
    ),
    "value of orders in another unit": error(
        "unit_error", "value_of_orders (column 'revenue') is", "of its usual", **worth(500.0, 9)
    ),
    "late value of orders": repair(
        "value_of_orders has not arrived for this week", **worth("", 154, 155)
    ),
}


# The last week of the market is that of 2023-12-25; radio is off air now and then.
REPORTS = {
    "days without a report": as_it_is(**reported("true")),
    "platform that has stopped": error(
        "stopped_feed",
        "search (platform 'search_spend' of the reports) has had no row since 2023-12-04, regular "
        "ones before, and others go on: its spend is not known from then on. Mend its feed; or, "
        "if nothing was spent, set channels[1].ended: 2023-12-04",
        **reported(only_until("2023-12-03", "search_spend")),
    ),
    "platform whose last days are late": error(
        "stopped_feed",
        "has had no row since 2023-12-30",
        **reported(only_until("2023-12-29", "search_spend")),
    ),
    "platform whose weeks are left out": repair(
        "search has had no row in the reports since 2023-12-04",
        **reported(
            only_until("2023-12-03", "search_spend"),
            settings={"reports": {"table": "ads.spend", "stopped": "leave_out"}},
        ),
    ),
    "platform that is on air now and then": as_it_is(
        change=lambda f: f.assign(radio_spend=f["radio_spend"].where(f.index % 5 == 0, 0)),
        **reported("platform <> 'radio_spend' or (date_day - date '2021-01-04') // 7 % 5 = 0"),
    ),
}

TABLE = {
    "renamed channel": error(
        "loading",
        "channels[0].column: found 'tv_spend', not a column of raw.weekly_media (did you mean "
        "'tv_spend_eur'?)",
        change=lambda f: f.rename(columns={"tv_spend": "tv_spend_eur"}),
    ),
    "missing column": error(
        "loading",
        "channels[4].column: found 'radio_spend', not a column of raw.weekly_media",
        "allowed: the columns week, revenue",
        change=lambda f: f.drop(columns="radio_spend"),
    ),
    "blanks around a column's name": as_it_is(
        file=lambda text: text.replace(b",tv_spend,", b", tv_spend ,")
    ),
    "column that stands twice": error(
        "loading",
        "names the columns 'TV_SPEND', 'tv_spend' more than once",
        "give each a name of its own",
        change=lambda f: f.assign(TV_SPEND=0),
    ),
    "column that no setting names": as_it_is(change=columns(tiktok_spend=100)),
    "empty table": error(
        "empty_table", "raw.weekly_media has no complete week", change=lambda f: f.head(0)
    ),
    "missing table": error(
        "loading", "there is no table raw.weekly_media in", sql=(f"drop table {RAW}",)
    ),
    "view over a table that is gone": error(
        "loading",
        "raw.weekly_media is there but cannot be read",
        "see that the tables behind it are there",
        sql=(
            f"create table raw.base as from {RAW}",
            f"drop table {RAW}",
            f"create view {RAW} as from raw.base",
            "drop table raw.base",
        ),
    ),
    "wrong type": error(
        "unreadable_spend",
        "tv (column 'tv_spend') has no usable number in the week of 2021-01-04: found true",
        sql=typed("tv_spend", "true"),
    ),
    "list in a cell": error(
        "unreadable_spend", "found [1.0, 2.0]", sql=typed("tv_spend", "[1.0, 2.0]")
    ),
    "typed table": as_it_is(
        sql=(
            *typed("week", "cast(week as timestamp)"),
            *typed("tv_spend", "cast(tv_spend as decimal(18, 9))"),
        )
    ),
    "huge table": error(
        "duplicate_week",
        "the week of 2021-01-04 has 2000 rows; keep one row a week (and 155 more like it)",
        sql=(f"create or replace table {RAW} as select w.* from {RAW} as w, range(2000)",),
    ),
    "spreadsheet": error(
        "loading",
        "is a spreadsheet or an archive, which is not read; save its sheet as CSV (UTF-8)",
        file=lambda _: b"PK\x03\x04" + bytes(100),
    ),
    "Parquet file": as_it_is(file=as_parquet),
    "Parquet file cut short": error("loading", "cannot be loaded into", file=lambda _: b"PAR1"),
    "numbers in a file of texts": error(
        "loading",
        "'competitor_price', 'display_spend'",
        "input.decimal and input.thousands are for texts; leave them out",
        file=as_parquet,
        settings={"decimal": ","},
    ),
    "no file of text": error(
        "loading", "cannot be loaded into", file=lambda _: bytes(range(256)) * 20
    ),
    "file of another encoding": error(
        "loading",
        "not utf-8 encoded",
        change=columns(region="Köln"),
        file=lambda text: text.decode().encode("latin-1"),
    ),
    "row with a cell too few": error(
        "loading",
        "a row has more or fewer cells than the header",
        file=lambda text: text.replace(b"2022-05-30,", b"2022-05-30", 1),
    ),
    "file of a spreadsheet": as_it_is(
        file=lambda text: b"\xef\xbb\xbf" + text.replace(b",", b";").replace(b"\n", b"\r\n")
    ),
    "empty file": error("loading", "reads as a table of one column", file=lambda _: b""),
}

# The names of the warehouse `hostile`: what each variable's column is called.
HOSTILE_COLUMNS = {
    "week": "group",
    "geo": "order by",
    "revenue": "Umsätze in €, Σ 売上",
    "tv_spend": 'a "quoted" name',
    "search_spend": "select",
    "social_spend": '"; drop table raw.canary; --',
    "display_spend": "{{ target.name }}",
    "radio_spend": "it's.a%s:name\\",
    "competitor_price": "') or 1=1; drop table raw.canary; --",
    "promotion": "null",
}
HOSTILE_TEXT = "'); drop table raw.canary; --"


def hostile(**how: Any) -> Kind:
    return as_it_is(warehouse="hostile", **how)


NAMES = {
    "unicode in names": hostile(),
    "quotes in names": hostile(),
    "reserved words as names": hostile(),
    "SQL in names": hostile(),
    "template text in names": hostile(),
    "SQL in a series' name": hostile(
        change=lambda f: f.assign(**{"order by": f["order by"].replace("south", HOSTILE_TEXT)})
    ),
    "SQL in a number": error(
        "unreadable_spend",
        f"in the week of 2021-03-08: found {HOSTILE_TEXT}; correct it",
        change=with_value(9, "select", HOSTILE_TEXT),
        warehouse="hostile",
    ),
    "SQL in a date": error(
        "unreadable_date",
        f"the date {HOSTILE_TEXT!r} in column 'group'",
        change=with_value(9, "group", HOSTILE_TEXT),
        warehouse="hostile",
    ),
    "SQL in an event": hostile(change=columns(**{"null": np.resize([HOSTILE_TEXT, "other"], 302)})),
}

KINDS = {**CALENDAR, **VALUES, **EVENTS, **VALUE, **REPORTS, **TABLE, **NAMES}
