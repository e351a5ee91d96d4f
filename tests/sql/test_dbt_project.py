"""The dbt project, built on DuckDB files: the weekly mart and the views of what is published."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
import yaml

from dagster_mmm.settings import Settings, dbt_vars, load_models, load_settings
from dagster_mmm.warehouse import dbt_sources, tables

ROOT = Path(__file__).parents[2]
SQL = ROOT / "sql"
RESULT_VIEWS = [f"{table.name}_latest" for table in tables.RESULT_TABLES]

WEEKLY = Settings.read(
    {
        "model_key": "weekly",
        "currency": "EUR",
        "input": {"date_column": 'the "week" of', "series": "the 'nation'"},
        "outcome": {"name": "revenue", "column": "re.venue"},
        "channels": [
            {"name": "tv", "column": "tv spend's"},
            {"name": "radio", "column": "select"},
        ],
        "controls": [
            {"name": "price", "column": "va_pub_0.15"},
            {"name": "promotion", "column": "events", "equals": 'it\'s "on"'},
        ],
    }
)
WEEKLY_RAW = """
create table raw.weekly_media (
    "the ""week"" of" varchar, "re.venue" varchar, "tv spend's" varchar, "select" varchar,
    "va_pub_0.15" varchar, events varchar
);
insert into raw.weekly_media values
    ('2023-12-25', '100', '10', '0', '1.5', 'it''s "on"'),
    ('2024-01-01', '100', '10', '0', '1.5', 'na'),
    ('2024-01-01', '50', '5', '0', '2.5', 'it''s "on"'),
    ('2024-01-15', '1e2', 'n/a', '', '1.5', null),
    ('22/01/2024', '100', '10', '0', '1.5', 'na'),
    ('22/01/2024', '100', '10', '0', '1.5', 'na'),
    (null, '100', '10', '0', '1.5', 'na');
"""

DAILY = Settings.read(
    {
        "model_key": "daily",
        "currency": "EUR",
        "input": {"date_column": "day", "grain": "daily", "week_starts_on": "sunday"},
        "outcome": {"name": "revenue"},
        "channels": [{"name": "tv"}],
        "controls": [{"name": "price"}],
    }
)
# Eight days from a Sunday on, the last of a year, so that the eighth begins a week.
DAILY_RAW = """
create table raw.weekly_media as
select date '2023-12-31' + cast(i as integer) as day, 10 as revenue, 0.5 * i as tv, i as price
from range(8) as days(i);
"""


GEOS = Settings.read(
    {
        "model_key": "geos",
        "currency": "EUR",
        "input": {"series_column": 'the "geo" of'},
        "outcome": {"name": "revenue"},
        "channels": [{"name": "tv"}],
        "organic": [{"name": "newsletter", "column": "mails"}],
    }
)
# South starts a week later and lacks the last one; north lacks one between.
GEOS_RAW = """
create table raw.weekly_media (
    "the ""geo"" of" varchar, week date, revenue integer, tv double, mails integer
);
insert into raw.weekly_media values
    ('north', '2024-01-01', 100, 10, 1000),
    ('north', '2024-01-15', 100, 10, 1000),
    ('north', '2024-01-22', 100, 10, 1000),
    ('south', '2024-01-08', 50, 5, 0),
    ('south', '2024-01-15', 50, 5, null),
    (' ', '2024-01-08', 1, 1, 1),
    (null, '2024-01-08', 1, 1, 1),
    ('north', null, 1, 1, 1);
"""


REPORTS = Settings.read(
    {
        "model_key": "reports",
        "currency": "EUR",
        "input": {
            "table": "shop.revenue",
            "series_column": "brand",
            "reports": {
                "table": "ads.ad_reporting__campaign_report",
                "series_column": "source_relation",
            },
        },
        "outcome": {"name": "revenue"},
        "channels": [
            {"name": "search", "column": "google_ads"},
            {"name": "social", "column": "facebook_ads"},
        ],
    }
)
# The reports end on a Wednesday.
REPORTS_RAW = """
create schema shop;
create schema ads;
create table shop.revenue as
select brand, date '2024-01-01' + 7 * cast(i as integer) as week, 100 as revenue
from range(4) as weeks(i), (values ('one'), ('two')) as brands(brand);
create table ads.ad_reporting__campaign_report (
    source_relation varchar, date_day date, platform varchar, account_id varchar,
    campaign_name varchar, clicks integer, impressions integer, spend double
);
insert into ads.ad_reporting__campaign_report values
    ('one', '2024-01-01', 'google_ads', 'a', 'brand', 1, 10, 5),
    ('one', '2024-01-07', 'google_ads', 'a', 'generic', 1, 10, 2),
    ('one', '2024-01-15', 'google_ads', 'a', 'brand', 1, 10, 3),
    ('two', '2024-01-10', 'facebook_ads', 'b', 'launch', 1, 10, 4),
    ('two', '2024-01-24', 'facebook_ads', 'b', 'launch', 1, 10, 6);
"""


# Globex buys radio alone, and Hooli has a table of its own.
MANY = {
    "currency": "EUR",
    "input": {"model_column": "brand"},
    "outcome": {"name": "revenue"},
    "channels": [{"name": "tv"}],
    "models": {
        "globex": {"channels": [{"name": "radio", "column": "radio_spend"}]},
        "hooli": {"input": {"table": "shop.hooli"}},
    },
}
MANY_RAW = """
create schema shop;
create table raw.weekly_media (
    brand varchar, week varchar, revenue integer, tv double, radio_spend double
);
insert into raw.weekly_media values
    ('acme', '2024-01-01', 100, 10, null),
    ('acme', '2024-01-15', 100, 20, null),
    (' globex ', '2024-01-08', 50, null, 5),
    ('initech', '2024-01-01', 1, 1, 1),
    (null, '2024-01-01', 1, 1, 1),
    ('', '2024-01-01', 1, 1, 1);
create table shop.hooli (brand varchar, week date, revenue integer, tv double);
insert into shop.hooli values ('hooli', '2024-02-05', 7, 3), ('acme', '2024-02-05', 8, 4);
"""


WEEKLY_INPUT = "mmm.mmm_weekly_input"
REJECTED = (
    "select origin, model_key, series_key, raw_date, observed_on, reason, n_rows "
    "from mmm.mmm_rejected_input"
)
FRESHNESS = ["source", "freshness", "--select", "source:mmm_raw"]
UPSTREAM = ["--select", "+mmm_weekly_input", "mmm_rejected_input"]


class Build(NamedTuple):
    engine: sa.Engine
    target: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]


def build(
    folder: Path, variables: dict[str, Any], raw: str, *select: str, results: bool = False
) -> Build:
    database = folder / "warehouse.duckdb"
    # Without a pool, because a pooled connection would keep dbt's process from the file.
    engine = sa.create_engine(f"duckdb:///{database}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("raw"))
        for statement in raw.strip().split(";\n"):
            connection.execute(sa.text(statement))
        if results:
            connection.execute(sa.schema.CreateSchema(tables.SCHEMA))
            tables.METADATA.create_all(connection)
            for run in ("first", "second"):
                for table in tables.RESULT_TABLES:
                    connection.execute(table.insert(), row(table, run))
                publish(connection, run)
    dbt(folder, variables, "build", *select)
    return Build(engine, folder / "target")


def dbt(folder: Path, variables: dict[str, Any], *command: str) -> None:
    paths = ["--project-dir", SQL, "--profiles-dir", SQL]
    outputs = ["--target-path", folder / "target", "--log-path", folder / "logs"]
    finished = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            "--warn-error",
            *command,
            *paths,
            *outputs,
            "--vars",
            json.dumps(variables),
        ],
        env=os.environ | {"MMM_DUCKDB_PATH": str(folder / "warehouse.duckdb")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def row(table: sa.Table, run: str, **values: Any) -> dict[str, Any]:
    """A row of a run, whose totals agree across the tables."""
    filler: dict[type, Any] = {
        sa.String: "any",
        sa.Double: 1.0,
        sa.BigInteger: 1,
        sa.Boolean: True,
        sa.Date: date(2024, 1, 1),
        sa.DateTime: datetime(2024, 1, 1),
    }
    known = {
        "run_id": run,
        "channel": "tv",
        "component_type": "channel",
        # Of a mixture, a component is a number.
        **({"component": "tv"} if table is tables.CONTRIBUTION else {}),
        "period": "all",
        "evaluation_set": "train",
        "variable": "tv",
        "role": "spend",
        **values,
    }
    return {
        column.name: known.get(column.name, filler[type(column.type)]) for column in table.columns
    }


def publish(connection: sa.Connection, run: str, model: str = "any") -> None:
    published = sa.select(sa.func.count()).select_from(tables.PUBLICATION)
    number = connection.execute(published).scalar_one() + 1
    values = {
        "publication_id": number,
        "model_key": model,
        "run_id": run,
        "published_at": datetime(2024, 2, number),
    }
    connection.execute(tables.PUBLICATION.insert(), values)


@pytest.fixture(scope="session")
def weekly(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory.mktemp("weekly"), dbt_vars([WEEKLY]), WEEKLY_RAW, results=True)


@pytest.fixture(scope="session")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory.mktemp("daily"), dbt_vars([DAILY]), DAILY_RAW, *UPSTREAM)


@pytest.fixture(scope="session")
def geos(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory.mktemp("geos"), dbt_vars([GEOS]), GEOS_RAW, *UPSTREAM)


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("reports")
    return build(folder, dbt_vars([REPORTS]), REPORTS_RAW, *UPSTREAM)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Models of one table, and one of another."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "settings.yaml").write_text(yaml.safe_dump(MANY))
    models = load_models(folder / "settings.yaml")
    variables = dbt_vars(models.all().usable.values(), models.of_undeclared())
    return build(folder, variables, MANY_RAW, *UPSTREAM)


@pytest.fixture
def connection(weekly: Build) -> Iterator[sa.Connection]:
    """A connection whose changes are undone."""
    with weekly.engine.connect() as connection:
        yield connection
        connection.rollback()


def test_every_week_has_every_variable(weekly: Build) -> None:
    weeks = [date(2023, 12, 25), date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 15)]
    roles = {
        "revenue": "outcome",
        "tv": "spend",
        "radio": "spend",
        "price": "control",
        "promotion": "control",
    }
    rows = weekly.rows("select series_key, week_start, variable, role from mmm.mmm_weekly_input")

    assert sorted(rows) == sorted(
        ("the 'nation'", week, name, role) for week in weeks for name, role in roles.items()
    )


@pytest.mark.parametrize(
    ("week", "variable", "expected"),
    [
        pytest.param("2023-12-25", "tv", (10.0, 1, 1, 0, None), id="plain"),
        pytest.param("2023-12-25", "radio", (0.0, 1, 1, 0, None), id="zero spend"),
        pytest.param("2023-12-25", "promotion", (1.0, 1, 1, 0, None), id="text that equals"),
        pytest.param("2024-01-01", "tv", (15.0, 2, 1, 0, None), id="duplicate week of spend"),
        pytest.param("2024-01-01", "price", (2.0, 2, 1, 0, None), id="duplicate week of control"),
        pytest.param("2024-01-08", "tv", (None, 0, 0, 0, None), id="missing week"),
        pytest.param("2024-01-15", "revenue", (100.0, 1, 1, 0, None), id="scientific number"),
        pytest.param("2024-01-15", "tv", (None, 1, 1, 1, "n/a"), id="unreadable spend"),
        pytest.param("2024-01-15", "radio", (None, 1, 1, 1, ""), id="blank spend"),
        pytest.param("2024-01-15", "promotion", (0.0, 1, 1, 0, None), id="blank text"),
    ],
)
def test_week_of_text(weekly: Build, week: str, variable: str, expected: tuple[Any, ...]) -> None:
    assert weekly.rows(
        "select value, n_rows, n_days, n_unreadable, unreadable_value from mmm.mmm_weekly_input "
        f"where week_start = '{week}' and variable = '{variable}'"
    ) == [expected]


def test_unreadable_dates_are_set_aside(weekly: Build) -> None:
    rejected = weekly.rows(f"{REJECTED} order by raw_date nulls last")

    nation = "the 'nation'"
    assert rejected == [
        ("table", "weekly", nation, "22/01/2024", None, "no date", 2),
        ("table", "weekly", nation, None, None, "no date", 1),
    ]


def test_nothing_is_lost_in_staging(weekly: Build) -> None:
    variables = len(WEEKLY.variables())

    assert weekly.rows("select count(*) from mmm.mmm_stg_input") == [(7 * variables,)]


def test_days_become_weeks_that_start_on_sunday(daily: Build) -> None:
    rows = daily.rows(
        "select variable, week_start, value, n_days, first_date, last_date "
        "from mmm.mmm_weekly_input order by variable, week_start"
    )

    whole = (7, date(2023, 12, 31), date(2024, 1, 6))
    begun = (1, date(2024, 1, 7), date(2024, 1, 7))
    assert rows == [
        ("price", date(2023, 12, 31), 3.0, *whole),
        ("price", date(2024, 1, 7), 7.0, *begun),
        ("revenue", date(2023, 12, 31), 70.0, *whole),
        ("revenue", date(2024, 1, 7), 10.0, *begun),
        ("tv", date(2023, 12, 31), 10.5, *whole),
        ("tv", date(2024, 1, 7), 3.5, *begun),
    ]
    assert daily.rows("select * from mmm.mmm_rejected_input") == []


def test_series_start_by_themselves_and_end_together(geos: Build) -> None:
    rows = geos.rows(
        "select series_key, week_start, value, n_rows from mmm.mmm_weekly_input "
        "where variable = 'revenue' order by series_key, week_start"
    )

    assert rows == [
        ("north", date(2024, 1, 1), 100.0, 1),
        ("north", date(2024, 1, 8), None, 0),
        ("north", date(2024, 1, 15), 100.0, 1),
        ("north", date(2024, 1, 22), 100.0, 1),
        ("south", date(2024, 1, 8), 50.0, 1),
        ("south", date(2024, 1, 15), 50.0, 1),
        ("south", date(2024, 1, 22), None, 0),
    ]


def test_reports_of_ad_platforms_are_spend_of_their_weeks(reports: Build) -> None:
    rows = reports.rows(
        "select series_key, variable, week_start, value from mmm.mmm_weekly_input "
        "where role = 'spend' order by series_key, variable, week_start"
    )

    weeks = [date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 15), date(2024, 1, 22)]
    spend = {
        ("one", "search"): (7.0, 0.0, 3.0, None),
        ("one", "social"): (0.0, 0.0, 0.0, None),
        ("two", "search"): (0.0, 0.0, 0.0, None),
        ("two", "social"): (0.0, 4.0, 0.0, None),
    }
    assert rows == [
        (*key, week, value)
        for key, values in spend.items()
        for week, value in zip(weeks, values, strict=True)
    ]


def test_weeks_beyond_the_reports_say_so(reports: Build) -> None:
    rows = reports.rows(
        "select distinct n_rows, n_unreadable, unreadable_value from mmm.mmm_weekly_input "
        "where role = 'spend' and week_start = '2024-01-22'"
    )
    assert rows == [(1, 1, "reports from 2024-01-01 to 2024-01-24 alone")]


def test_organic_media_are_read_as_spend_is(geos: Build) -> None:
    rows = geos.rows(
        "select week_start, value, n_rows, n_unreadable from mmm.mmm_weekly_input "
        "where role = 'organic' and variable = 'newsletter' and series_key = 'south' "
        "order by week_start"
    )

    assert rows == [
        (date(2024, 1, 8), 0.0, 1, 0),
        (date(2024, 1, 15), None, 1, 1),
        (date(2024, 1, 22), None, 0, 0),
    ]


def test_rows_of_no_series_are_set_aside(geos: Build) -> None:
    rejected = geos.rows(f"{REJECTED} order by series_key nulls last")

    day = date(2024, 1, 8)
    assert rejected == [
        ("table", "geos", "north", None, None, "no date", 1),
        ("table", "geos", None, "2024-01-08", day, "no series", 2),
    ]


def test_each_model_has_its_own_weeks_and_variables(many: Build) -> None:
    rows = many.rows(
        "select model_key, week_start, variable, value from mmm.mmm_weekly_input "
        "order by model_key, week_start, variable"
    )

    first, second, third = date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 15)
    assert rows == [
        ("acme", first, "revenue", 100.0),
        ("acme", first, "tv", 10.0),
        ("acme", second, "revenue", None),
        ("acme", second, "tv", None),
        ("acme", third, "revenue", 100.0),
        ("acme", third, "tv", 20.0),
        ("globex", second, "radio", 5.0),
        ("globex", second, "revenue", 50.0),
        ("hooli", date(2024, 2, 5), "revenue", 7.0),
        ("hooli", date(2024, 2, 5), "tv", 3.0),
        ("initech", first, "revenue", 1.0),
        ("initech", first, "tv", 1.0),
    ]


def test_rows_of_no_model_are_set_aside(many: Build) -> None:
    day = date(2024, 1, 1)
    assert many.rows(REJECTED) == [("table", None, "national", "2024-01-01", day, "no model", 2)]


@pytest.mark.parametrize("view", RESULT_VIEWS)
def test_latest_view_follows_the_pointer(connection: sa.Connection, view: str) -> None:
    query = sa.text(f"select run_id, published_at from mmm.{view}")
    assert connection.execute(query).all() == [("second", datetime(2024, 2, 2))]

    publish(connection, "first")

    assert connection.execute(query).all() == [("first", datetime(2024, 2, 3))]


def test_publication_of_another_model_changes_nothing(connection: sa.Connection) -> None:
    publish(connection, "first", model="another")

    query = sa.text("select run_id from mmm.mmm_run_latest")
    assert connection.execute(query).all() == [("second",)]


def test_run_history_marks_the_published_run(connection: sa.Connection) -> None:
    query = sa.text("select run_id, is_published from mmm.mmm_run_history order by run_id")
    assert connection.execute(query).all() == [("first", False), ("second", True)]

    publish(connection, "first")

    assert connection.execute(query).all() == [("first", True), ("second", False)]


@pytest.mark.parametrize(
    ("check", "table", "extra"),
    [
        ("contributions_sum_to_expected", tables.CONTRIBUTION, {"component": "another"}),
        ("spend_in_equals_spend_out", tables.INPUT_SNAPSHOT, {"variable": "another"}),
        ("spend_in_equals_spend_out", tables.CHANNEL_SUMMARY, {"channel": "another"}),
    ],
)
def test_totals_that_disagree_are_found(
    weekly: Build, connection: sa.Connection, check: str, table: sa.Table, extra: dict[str, str]
) -> None:
    compiled = weekly.target / "compiled" / "mmm" / "tests" / "singular" / f"{check}.sql"
    query = sa.text(compiled.read_text())
    assert connection.execute(query).all() == []

    connection.execute(table.insert(), row(table, "second", **extra))

    assert len(connection.execute(query).all()) == 1


SUMMED = (tables.CONTRIBUTION, tables.MODEL_FIT, tables.CHANNEL_SUMMARY, tables.RESPONSE_CURVE)


@pytest.mark.parametrize("table", SUMMED, ids=lambda table: table.name)
def test_series_that_do_not_sum_to_all_are_found(
    weekly: Build, connection: sa.Connection, table: sa.Table
) -> None:
    compiled = weekly.target / "compiled" / "mmm" / "tests" / "singular" / "series_sum_to_all.sql"
    query = sa.text(compiled.read_text())
    several = tables.RUN.update().where(tables.RUN.c.run_id == "second").values(n_series=2)
    connection.execute(several)
    for each in SUMMED:
        numbers = {c.name: 2.0 for c in each.columns if isinstance(c.type, sa.Double)}
        connection.execute(each.insert(), row(each, "second", series_key="other"))
        connection.execute(each.insert(), row(each, "second", series_key="all", **numbers))
    assert connection.execute(query).all() == []

    connection.execute(table.delete().where(table.c.series_key == "other"))

    assert len(connection.execute(query).all()) == 1


def test_spend_of_all_series_is_theirs_together_and_organic_media_have_none(
    weekly: Build, connection: sa.Connection
) -> None:
    folder = weekly.target / "compiled" / "mmm" / "tests" / "singular"
    query = sa.text((folder / "spend_in_equals_spend_out.sql").read_text())
    mails = {"variable": "mails", "role": "organic", "value": 9.0}
    snapshot = [{"series_key": "other"}, mails, mails | {"series_key": "other"}]
    summary = [
        {"series_key": series, "channel": channel, "spend": spend}
        for series, spend in (("any", 1.0), ("other", 1.0), ("all", 2.0))
        for channel, spend in (("tv", spend), ("mails", 0.0))
        if (series, channel) != ("any", "tv")
    ]
    for table, rows in ((tables.INPUT_SNAPSHOT, snapshot), (tables.CHANNEL_SUMMARY, summary)):
        connection.execute(table.insert(), [row(table, "second", **values) for values in rows])
    assert connection.execute(query).all() == []

    of_all = tables.CHANNEL_SUMMARY.c.series_key == "all"
    connection.execute(tables.CHANNEL_SUMMARY.update().where(of_all).values(spend=1.0))

    assert len(connection.execute(query).all()) == 2


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("no_week_gaps", "delete from mmm.mmm_weekly_input where week_start = '2024-01-08'"),
        ("starts_week", f"update {WEEKLY_INPUT} set week_start = '2024-01-09' where n_rows = 0"),
        ("unique_combination", f"insert into {WEEKLY_INPUT} select * from {WEEKLY_INPUT}"),
        ("non_negative", "update mmm.mmm_weekly_input set n_rows = -1"),
        ("accepted_range", "update mmm.mmm_weekly_input set n_days = 8"),
        ("sums_agree", "update mmm.mmm_weekly_input set n_rows = 0"),
        ("weeks_sum_to_the_rows", "update mmm.mmm_weekly_input set value = 1 + value"),
    ],
)
def test_broken_structure_is_found(
    weekly: Build, connection: sa.Connection, check: str, change: str
) -> None:
    folder = weekly.target / "compiled" / "mmm" / "models" / "marts" / "input"
    compiled = sorted((folder / "_input__models.yml").glob(f"{check}_*.sql"))[0]
    query = sa.text(compiled.read_text())
    assert connection.execute(query).all() == []

    connection.execute(sa.text(change))

    assert connection.execute(query).all() != []


def manifest(project: Build) -> dict[str, Any]:
    return json.loads((project.target / "manifest.json").read_text())


def test_each_model_is_documented_and_tested_in_the_folder_it_stands_in(weekly: Build) -> None:
    nodes = manifest(weekly)["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    for node in models.values():
        folder = Path(node["original_file_path"]).parent
        file = Path(node["patch_path"].removeprefix("mmm://"))
        assert file.parent == folder
        assert file.name in {f"_{folder.name}__models.yml", f"_{folder.name}__tables.yml"}
    for test in manifest(weekly)["unit_tests"].values():
        (tested,) = test["depends_on"]["nodes"]
        assert test["original_file_path"] == models[tested]["patch_path"].removeprefix("mmm://")


def test_every_latest_view_answers_a_question(weekly: Build) -> None:
    asked = {
        node.split(".")[-1]
        for exposure in manifest(weekly)["exposures"].values()
        for node in exposure["depends_on"]["nodes"]
    }
    ledger = {"mmm_forecast_ledger", "mmm_forecast_calibration"}
    others = {"mmm_run_history", "mmm_trust_latest", "mmm_waterfall_latest"}
    assert asked == {*RESULT_VIEWS, *others, *ledger}


def test_a_verdict_ages_with_its_data(weekly: Build) -> None:
    found = weekly.rows(
        "select verdict, fresh_until, current_date > fresh_until from mmm.mmm_trust_latest"
    )
    assert found == [("outdated", date(2024, 1, 1), True)]


def test_stale_tables_are_found(daily: Build) -> None:
    with pytest.raises(AssertionError, match=r"ERROR STALE freshness of mmm_raw\.weekly_media"):
        dbt(daily.target.parent, dbt_vars([DAILY]), *FRESHNESS)
    patient = DAILY.model_dump(mode="json")
    patient["input"]["freshness"] = {"warn_days": 100_000, "error_days": 200_000}
    settings = Settings.read(patient)
    dbt(daily.target.parent, dbt_vars([settings]), *FRESHNESS)


def test_every_column_is_documented(weekly: Build) -> None:
    nodes = [n for n in manifest(weekly)["nodes"].values() if n["resource_type"] == "model"]
    documented = {
        (node["name"], column["name"])
        for node in nodes
        for column in node["columns"].values()
        if column["description"]
    }
    models = ", ".join(f"'{node['name']}'" for node in nodes)
    built = weekly.rows(
        "select table_name, column_name from information_schema.columns "
        f"where table_schema = 'mmm' and table_name in ({models})"
    )

    assert documented == set(built)


@pytest.mark.parametrize("path", dbt_sources.rendered(), ids=lambda path: path.stem)
def test_generated_yml_is_current(path: Path) -> None:
    assert path.read_text() == dbt_sources.rendered()[path], (
        "run python -m dagster_mmm.warehouse.dbt_sources"
    )


def test_columns_are_described_as_in_the_tables(weekly: Build) -> None:
    written = manifest(weekly)
    nodes = {node["name"]: node for kind in ("nodes", "sources") for node in written[kind].values()}
    for table in tables.METADATA.tables.values():
        assert nodes[table.name]["description"] == table.comment
        name = table.name
        has_views = table in tables.RESULT_TABLES
        views = [f"{name}_latest", f"{name}_history"] if has_views else []
        for relation in [table.name, *views]:
            columns = nodes[relation]["columns"]
            for column in table.columns:
                # Of the published run, the time of its last publication, not of its first.
                if (relation, column.name) != ("mmm_run_latest", "published_at"):
                    assert columns[column.name]["description"] == column.comment, relation


def test_default_variables_are_those_of_the_demo() -> None:
    project = yaml.safe_load((SQL / "dbt_project.yml").read_text())

    of_settings = dbt_vars([load_settings(ROOT / "examples" / "demo.yaml")])
    assert {name: project["vars"][name] for name in of_settings} == of_settings
