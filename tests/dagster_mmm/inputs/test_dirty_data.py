"""Every kind of dirty data in a real raw table: a named error, a recorded repair, or advice."""

import re
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.environment import ROOT
from dagster_mmm.inputs import ModelInput
from dagster_mmm.settings import Settings
from tests.dagster_mmm.inputs.conftest import (
    InputWarehouse,
    build_warehouse,
    daily,
    in_german,
    in_orders,
    with_events,
)
from tests.dagster_mmm.inputs.kinds import HOSTILE_COLUMNS, HOSTILE_TEXT, KINDS, Kind

PAGE = ROOT / "docs" / "dirty_data.md"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory, geos: pd.DataFrame) -> InputWarehouse:
    """A warehouse whose columns, series and events bear names that no database likes."""
    column = HOSTILE_COLUMNS
    media = ("tv", "search", "social", "display", "radio")
    return build_warehouse(
        tmp_path_factory.mktemp("hostile"),
        geos.rename(columns=column),
        input={"date_column": column["week"], "series_column": column["geo"]},
        outcome={"name": "order", "column": column["revenue"]},
        channels=[{"name": name, "column": column[f"{name}_spend"]} for name in media],
        controls=[
            {"name": "select", "column": column["competitor_price"]},
            {"name": "event", "column": column["promotion"], "equals": HOSTILE_TEXT},
        ],
    )


@pytest.fixture
def clean(geos: pd.DataFrame, market: Path) -> dict[str, pd.DataFrame]:
    """The frame that each warehouse is happy with."""
    weeks = pd.read_csv(market)
    events = geos.assign(promotion=np.where(geos["promotion"] > 0, HOSTILE_TEXT, "none"))
    return {
        "weekly": weeks,
        "by_day": daily(weeks),
        "by_geo": geos,
        "events": with_events(weeks),
        "german": in_german(weeks),
        "by_platform": weeks,
        "orders": in_orders(weeks),
        "hostile": events.rename(columns=HOSTILE_COLUMNS),
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_dirty_data_are_named_or_repaired_and_never_changed_in_silence(
    kind: Kind, clean: dict[str, pd.DataFrame], request: pytest.FixtureRequest
) -> None:
    warehouse = configured(request.getfixturevalue(kind.warehouse), kind)
    empty(warehouse)
    delivered = kind.change(clean[kind.warehouse])
    found, message = run(warehouse, kind, delivered)
    assert_untouched(warehouse)

    if kind.verdict == "error":
        assert all(words in message for words in kind.message), message
        assert "[SQL" not in message and "SELECT " not in message
        return
    assert found is not None, message
    assert found.problems == ()
    assert found.repairs() == ([kind.says] if kind.verdict == "repair" else [])
    advised = {point.code: point.message for point in found.advice()}
    assert list(advised) == ([kind.says] if kind.verdict == "advice" else [])
    assert all(words in advised[kind.says] for words in kind.message), advised
    assert_values_are_those_delivered(found, delivered, warehouse.settings)


def configured(warehouse: InputWarehouse, kind: Kind) -> InputWarehouse:
    document = warehouse.settings.model_dump(mode="json", exclude_none=True)
    document["input"] |= kind.settings
    return replace(warehouse, settings=Settings.read(document))


def empty(warehouse: InputWarehouse) -> None:
    """Without the raw table of the last kind, and with one that nobody has business with."""
    with warehouse.resource.begin() as connection:
        query = "select table_type from information_schema.tables where table_name = 'weekly_media'"
        for (kind,) in connection.exec_driver_sql(query).all():
            what = "view" if kind == "VIEW" else "table"
            connection.exec_driver_sql(f"drop {what} raw.weekly_media")
        connection.exec_driver_sql("create or replace table raw.canary as select 1 as alive")


def assert_untouched(warehouse: InputWarehouse) -> None:
    with warehouse.resource.begin() as connection:
        assert connection.exec_driver_sql("select alive from raw.canary").all() == [(1,)]


def run(
    warehouse: InputWarehouse, kind: Kind, delivered: pd.DataFrame
) -> tuple[ModelInput | None, str]:
    """From the file to the verdict, as the job does, and every message of it."""
    try:
        warehouse.load(kind.file(delivered.to_csv(index=False).encode()))
        warehouse.execute(*kind.sql)
        warehouse.check()
    except Exception as stopped:
        assert kind.says == "loading", stopped
        return None, str(getattr(stopped, "description", None) or stopped)
    found = warehouse.judge_table(kind.today)
    if kind.verdict == "error":
        assert kind.says in {problem.code for problem in found.problems}, found.problems
    return found, "\n".join(problem.message for problem in found.problems)


def assert_values_are_those_delivered(
    found: ModelInput, delivered: pd.DataFrame, settings: Settings
) -> None:
    """Every value used is the one delivered, and every one delivered is used or has a reason."""
    rows = found.snapshot
    assert rows["reason"].notna().eq(~rows["is_used"]).all()
    keys = ["series_key", "week_start", "variable"]
    merged = as_delivered(delivered, settings).merge(rows, on=keys, how="outer", indicator=True)
    assert not merged["_merge"].eq("left_only").any()
    # A week that has no row is in the snapshot as well, left out.
    assert not merged.loc[merged["_merge"] == "right_only", "is_used"].astype(bool).any()
    used = merged[merged["is_used"].astype(bool)]
    np.testing.assert_allclose(used["value"], used["delivered"], rtol=1e-9)


def as_delivered(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The weekly values by pandas alone."""
    series_column = settings.input.series_column
    series = frame[series_column] if series_column else "national"
    written = {"dmy": "%d.%m.%Y", "iso": "%Y-%m-%d"}[settings.input.date_format]
    date = pd.to_datetime(frame[settings.input.date_column].str.slice(0, 10), format=written)
    keys = {
        "series_key": series,
        "week_start": date - pd.to_timedelta(date.dt.day_of_week, unit="D"),
    }
    parts = []
    for variable in settings.variables().values():
        column, equals = frame[variable.column], getattr(variable, "equals", None)
        numbers = plain(column, settings) if equals is None else is_text(column, equals)
        long = pd.DataFrame(keys).assign(variable=variable.name, delivered=numbers)
        how = "mean" if variable.input_role == "control" else "sum"
        parts.append(long.groupby(["series_key", "week_start", "variable"]).agg(how).reset_index())
    return pd.concat(parts)


def plain(column: "pd.Series[Any]", settings: Settings) -> "pd.Series[float]":
    bare = column.astype(str).str.strip("€ ")
    if settings.input.thousands is not None:
        bare = bare.str.replace(settings.input.thousands, "").str.replace(",", ".")
    return pd.to_numeric(bare)


def is_text(column: "pd.Series[str]", equals: str) -> "pd.Series[float]":
    seen = column.fillna("").str.replace("\u200b", "").str.split().str.join(" ")
    return (seen.str.lower() == equals.lower()).astype(float)


def test_there_are_at_least_forty_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    counts = pd.Series([kind.verdict for kind in KINDS.values()]).value_counts()
    with capsys.disabled():
        print(f"\n{len(KINDS)} kinds of dirty data: {counts.to_dict()}")
    assert len(KINDS) >= 40


def test_the_page_has_a_row_for_each_kind() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \| [^|]+ \|$", PAGE.read_text(), re.M)
    said = {name: happens for name, happens in rows if name not in ("kind", "---")}
    named = {"error", "advice"}
    assert said == {
        name: f"{kind.verdict}: `{kind.says}`" if kind.verdict in named else kind.verdict
        for name, kind in KINDS.items()
    }


def test_columns_without_a_setting_are_listed(weekly: InputWarehouse, market: Path) -> None:
    empty(weekly)
    weekly.load(pd.read_csv(market).assign(tiktok_spend=1).to_csv(index=False).encode())
    assert weekly.check().unused_columns == ("tiktok_spend",)


@pytest.mark.slow
def test_millions_of_rows_take_bounded_time_and_memory(
    weekly: InputWarehouse, market: Path
) -> None:
    kind = KINDS["huge table"]
    empty(weekly)
    weekly.load(pd.read_csv(market).to_csv(index=False).encode())
    weekly.execute(kind.sql[0].replace("range(2000)", "range(20000)"))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert weekly.check().n_rows == 3_120_000
    found = weekly.judge_table()
    seconds = time.process_time() - start
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"3,120,000 raw rows: {seconds:.0f} CPU s, {megabytes:.0f} MB")
    assert [problem.code for problem in found.problems] == [kind.says]
    assert seconds < 120
    assert megabytes < 1000
