"""The settings file: what it fills in, and what it says of each kind of mistake."""

import csv
import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_mmm.settings import (
    Settings,
    SettingsError,
    check_columns,
    dbt_vars,
    load_settings,
)

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SHARED_DATA = Path(os.environ.get("MMM_SHARED_DATA", ROOT.parent / "shared" / "data"))
SMALLEST: dict[str, Any] = {
    "model_key": "demo",
    "currency": "EUR",
    "outcome": {"name": "revenue"},
    "channels": [{"name": "tv", "column": "tv_spend"}, {"name": "radio"}],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mmm.yaml"


def write(file: Path, **changes: Any) -> Path:
    file.write_text(yaml.safe_dump(SMALLEST | changes))
    return file


def channel(**keys: Any) -> dict[str, Any]:
    """Changes that make the second channel this one."""
    return {"channels": [SMALLEST["channels"][0], {"name": "radio"} | keys]}


def lift_test(**keys: Any) -> dict[str, Any]:
    """Changes that add a lift test with these keys."""
    weeks = {"start": "2026-01-05", "end": "2026-02-02"}
    return {"lift_tests": [{"channel": "tv", "lift": 1e3, "standard_error": 2e2} | weeks | keys]}


def test_a_channel_of_the_reports_may_be_called_as_a_column(file: Path) -> None:
    reports = {"input": {"reports": {"table": "ads.spend"}}, "controls": [{"name": "price"}]}
    channels = {"channels": [{"name": "tv", "column": "price"}]}
    settings = load_settings(write(file, **reports, **channels))
    (read,) = dbt_vars([settings])["mmm_inputs"]
    assert [variable["name"] for variable in read["variables"]] == ["revenue", "price"]
    assert read["reports"]["channels"] == [{"name": "tv", "text": "price", "ended": None}]
    check_columns(settings, ["week", "revenue", "price"])


def test_defaults_are_filled_in(file: Path) -> None:
    settings = load_settings(write(file))

    assert settings.outcome.column == "revenue"
    assert settings.channels[0].amplitude_prior is None
    lists = {"organic", "controls", "lift_tests", "plans"}
    assert all(getattr(settings, name) == () for name in lists)
    assert settings.model_dump(exclude=set(SMALLEST) | lists) == {
        "owner": None,
        "input": {
            "file": None,
            "table": "raw.weekly_media",
            "date_column": "week",
            "grain": "weekly",
            "week_starts_on": "monday",
            "dated_by": "first_day",
            "date_format": "iso",
            "decimal": ".",
            "thousands": None,
            "model_column": None,
            "series": "national",
            "series_column": None,
            "immature_weeks": 0,
            "currency_column": None,
            "max_times_usual": 200.0,
            "reports": None,
            "freshness": {"warn_days": 14, "error_days": 28},
        },
        "events": {},
        "model": {
            "version": "1",
            "components": 1,
            "adstock": "geometric",
            "carry_in": "steady",
            "likelihood": "normal",
            "amplitude_prior": "roi",
            "hyperprior": "lognormal",
            "component_prior": {
                "mu_log_n_median": 1.5,
                "mu_log_n_sd": 0.3,
                "sigma_log_n_loc": -1.5,
                "sigma_log_n_sd": 0.5,
                "sigma_log_A_loc": -1.0,
                "sigma_log_A_sd": 0.5,
            },
            "curve_prior": {
                "alpha_mean": 0.5,
                "alpha_concentration": 4.0,
                "slope_median": 1.2,
                "slope_sd_log": 0.5,
                "half_saturation_median": 1.0,
                "half_saturation_sd_log": 0.7,
            },
            "trend": "smooth",
            "fourier_order": 10,
            "holidays": None,
        },
        "sampler": {
            "chains": 4,
            "warmup": 500,
            "draws": 1000,
            "target_accept": None,
            "max_tree_depth": 10,
            "max_minutes": None,
            "seed": 0,
        },
        "evaluation": {
            "holdout_weeks": 13,
            "forecast_weeks": 13,
            "ci_level": 0.9,
            "response_draws": 200,
        },
        "gate": {
            "max_r_hat": 1.005,
            "min_ess": 400,
            "max_divergence_rate": 0.001,
            "min_bfmi": 0.3,
            "max_saturated_tree_rate": 0.01,
            "max_history_shift_sd": None,
        },
        "schedule": {
            "cron": "0 6 * * 1",
            "timezone": "Europe/Berlin",
            "wait_hours": 48,
            "retry_minutes": 60,
        },
        "triggers": {"restated": False, "lift_tests": False, "dbt": False},
    }


@pytest.mark.parametrize(
    ("changes", "key", "found", "allowed"),
    [
        (
            channel(column="tv_spend"),
            "settings",
            "'tv_spend' at channels[0].column, channels[1].column",
            "a column of its own for the date, the model, the series, the currency, the outcome "
            "and each channel, medium and control",
        ),
        (
            {"outcome": {"name": "revenue", "column": "week"}},
            "settings",
            "'week' at input.date_column, outcome.column",
            "a column of its own",
        ),
        (
            {"input": {"table": "mmm.mmm_run"}},
            "input.table",
            "'mmm.mmm_run'",
            "schema.table, in a schema other than mmm",
        ),
        ({"sampler": {"chains": 1}}, "sampler.chains", "1", "greater than or equal to 2"),
        pytest.param({"modl": {}}, "modl", "did you mean 'model'?", "schedule, triggers", id="key"),
        pytest.param(
            channel(roi_prior={"median": 1, "sd_log": 1, "sdlog": 1}),
            "channels[1].roi_prior.sdlog",
            "did you mean 'sd_log'?",
            "median, sd_log",
            id="nested key",
        ),
        pytest.param(
            channel(roi_prior={"median": -1, "sd_log": 1}),
            "channels[1].roi_prior.median",
            "-1",
            "greater than 0",
            id="range",
        ),
        pytest.param(
            {"channels": [{"column": "tv"}]},
            "channels[0].name",
            "nothing",
            "required",
            id="missing",
        ),
        pytest.param({"channels": []}, "channels", "[]", "at least one", id="no channels"),
        pytest.param({"channels": {"tv": 1}}, "channels", "{'tv': 1}", "a list", id="no list"),
        pytest.param(channel(name="TV spot"), "channels[1].name", "'TV spot'", "digits", id="name"),
        pytest.param(
            channel(name="revenue"),
            "settings",
            "'revenue' at outcome.name, channels[1].name",
            "a name of its own",
            id="repeated name",
        ),
        pytest.param({"currency": "euro"}, "currency", "'euro'", "three capitals", id="currency"),
        pytest.param(
            {"input": {"table": "media"}}, "input.table", "'media'", "schema.table", id="table"
        ),
        pytest.param(
            {"input": {"grain": "hourly"}}, "input.grain", "'hourly'", "'daily'", id="choice"
        ),
        pytest.param({"input": {"file": 3}}, "input.file", "3", "a path", id="path"),
        pytest.param(
            {"input": {"date_column": ""}}, "input.date_column", "''", "not empty", id="empty"
        ),
        pytest.param({"gate": None}, "gate", "None", "max_r_hat, min_ess", id="empty section"),
        pytest.param(
            {"gate": {"min_bfmi": "1e-3"}}, "gate.min_bfmi", "'1e-3'", "0.001", id="number as text"
        ),
        pytest.param(
            {"sampler": {"draws": 10.5}}, "sampler.draws", "10.5", "a whole number", id="whole"
        ),
        pytest.param(
            {"model": {"trend": True}}, "model.trend", "True", "'none', 'linear'", id="trend"
        ),
        pytest.param(
            {"model": {"adstock": "carryover"}}, "model.adstock", "'carryover'", "'weibull'"
        ),
        pytest.param({"model": {"likelihood": "t"}}, "model.likelihood", "'t'", "'student_t'"),
        pytest.param(
            {"model": {"amplitude_prior": "flat"}}, "model.amplitude_prior", "'flat'", "'seed'"
        ),
        pytest.param(
            {"model": {"hyperprior": "flat"}}, "model.hyperprior", "'flat'", "'inverse_gamma'"
        ),
        pytest.param(
            {"model": {"components": "many"}},
            "model.components",
            "'many'",
            "a whole number from 1 on, or auto",
            id="components",
        ),
        pytest.param({"model": {"components": 0}}, "model.components", "0", "from 1 on"),
        pytest.param({"model": {"components": True}}, "model.components", "True", "from 1 on"),
        pytest.param(
            {"model": {"holidays": "GER"}}, "model.holidays", "'GER'", "two capitals, such as DE"
        ),
        pytest.param({"model": {"holidays": "BV"}}, "model.holidays", "'BV'", "are known"),
        pytest.param(
            {"input": {"decimal": ",", "thousands": ","}},
            "input",
            "decimal and thousands ','",
            "two marks, or decimal alone",
        ),
        pytest.param(
            {
                "controls": [
                    {"name": "sale", "column": "promo", "equals": "Sale"},
                    {"name": "other", "column": "promo", "equals": " SALE"},
                ]
            },
            "settings",
            "('promo', 'sale') at controls[0].column, controls[1].column",
            "a column of its own",
        ),
        # What YAML makes of an unquoted Norway.
        pytest.param({"model": {"holidays": False}}, "model.holidays", "False", "in quotes"),
        pytest.param({"model": {"version": 2}}, "model.version", "2", "in quotes", id="version"),
        pytest.param(
            channel(
                roi_prior={"median": 1, "sd_log": 1},
                contribution_share_prior={"median": 0.1, "sd_log": 1},
            ),
            "channels[1]",
            "both",
            "roi_prior or contribution_share_prior, not both",
            id="two priors",
        ),
        pytest.param(
            channel(contribution_share_prior={"median": 3, "sd_log": 1}),
            "channels[1].contribution_share_prior.median",
            "3",
            "less than 1",
            id="share in percent",
        ),
        pytest.param(
            {"model": {"amplitude_prior": "seed"}, **channel(roi_prior={"median": 1, "sd_log": 1})},
            "settings",
            "channels[1].roi_prior",
            "no prior of a channel beside model.amplitude_prior: seed",
            id="prior without use",
        ),
        pytest.param(
            {"outcome": {"name": "orders", "kind": "count"}}
            | channel(roi_prior={"median": 1, "sd_log": 1})
            | {"plans": [{"name": "spring", "objective": "flexible"}]},
            "settings",
            "channels[1].roi_prior; plans[0].objective 'flexible'",
            "outcome.value_per_unit or value_column beside outcome.kind: count",
            id="return on orders without a value",
        ),
        pytest.param(
            {"outcome": {"name": "revenue", "value_per_unit": 80}},
            "outcome",
            "value_per_unit 80 of an outcome in money",
            "value_per_unit or value_column of kind: count alone",
            id="value of money",
        ),
        pytest.param(
            {"outcome": {"name": "revenue", "value_column": "margin"}},
            "outcome",
            "value_column 'margin' of an outcome in money",
            "value_per_unit or value_column of kind: count alone",
            id="column of values of money",
        ),
        pytest.param(
            {
                "outcome": {
                    "name": "orders",
                    "kind": "count",
                    "value_per_unit": 80,
                    "value_column": "revenue",
                }
            },
            "outcome",
            "value_per_unit 80 and value_column 'revenue'",
            "value_per_unit or value_column, not both",
            id="two values",
        ),
        pytest.param(
            {"outcome": {"name": "orders", "kind": "count", "value_column": "tv_spend"}},
            "settings",
            "'tv_spend' at outcome.value_column, channels[0].column",
            "a column of its own",
            id="value in a channel's column",
        ),
        pytest.param(
            {"outcome": {"name": "revenue", "kind": "orders"}}, "outcome.kind", "'orders'", "count"
        ),
        pytest.param(
            {"organic": [{"name": "newsletter", "roi_prior": {"median": 1, "sd_log": 1}}]},
            "organic[0].roi_prior",
            "unknown key",
            "name, column",
            id="organic ROI",
        ),
        pytest.param(
            {"organic": [{"name": "radio", "column": "radio_plays"}]},
            "settings",
            "'radio' at channels[1].name, organic[0].name",
            "a name of its own",
            id="organic name",
        ),
        pytest.param(
            {"controls": [{"name": "price", "sign": "up"}]},
            "controls[0].sign",
            "'up'",
            "'positive' or 'negative'",
            id="sign",
        ),
        pytest.param(
            {"controls": [{"name": "price", "role": "cost"}]},
            "controls[0].role",
            "'cost'",
            "demand, price, promotion or competitor. ",
            id="role",
        ),
        pytest.param(
            {"controls": [{"name": "branded_searches", "role": "mediator"}]},
            "controls[0].role",
            "'mediator'",
            "A mediator is no control: media move it, and it would take away the part of their "
            "effect that goes through it; leave it out, or make it the outcome of a model of its "
            "own",
            id="mediator",
        ),
        pytest.param(
            {"input": {"series_column": "radio"}},
            "settings",
            "'radio' at input.series_column, channels[1].column",
            "a column of its own for the date, the model, the series",
            id="series column",
        ),
        pytest.param(
            {"input": {"series_column": "geo", "reports": {"table": "ads.spend"}}},
            "input",
            "series_column 'geo' and reports.series_column None",
            "series_column and reports.series_column, both or neither",
            id="series of the reports",
        ),
        pytest.param(
            {"input": {"reports": {}}}, "input.reports.table", "nothing", "required", id="reports"
        ),
        pytest.param(
            {
                "input": {"reports": {"table": "ads.spend"}},
                "channels": [{"name": "tv", "column": "x"}, {"name": "radio", "column": "x"}],
            },
            "settings",
            "('reports', 'x') at channels[0].column, channels[1].column",
            "a column of its own",
            id="one platform of two channels",
        ),
        pytest.param(
            {"input": {"max_times_usual": 1.0}}, "input.max_times_usual", "1.0", "greater than 1"
        ),
        pytest.param(
            {"input": {"series": "germany", "series_column": "geo"}},
            "input",
            "series 'germany' and series_column 'geo'",
            "series, the name of the only one, or series_column",
            id="series twice",
        ),
        pytest.param({"events": ["launch"]}, "events", "['launch']", "{launch: [2026-01-31]}"),
        pytest.param(
            {"events": {"Black Friday": ["2026-11-27"]}},
            "events.Black Friday",
            "'Black Friday'",
            "small letters",
            id="event name",
        ),
        pytest.param({"events": {"launch": []}}, "events.launch", "[]", "at least one"),
        pytest.param(
            {"events": {"launch": ["31/01/2026"]}},
            "events.launch[0]",
            "'31/01/2026'",
            "a day, such as 2026-01-31",
            id="event date",
        ),
        pytest.param({"events": {"launch": [20260131]}}, "events.launch[0]", "20260131", "a day"),
        pytest.param(
            {"events": {"launch": ["2026-01-31", "2026-01-31"]}},
            "events.launch",
            "2026-01-31 more than once",
            "each of them once",
            id="event date twice",
        ),
        pytest.param(
            {"events": {"radio": ["2026-01-31"]}},
            "settings",
            "'radio' at channels[1].name, events.radio",
            "a name of its own",
            id="event named as a channel",
        ),
        pytest.param(
            lift_test(channel="newsletter") | {"organic": [{"name": "newsletter"}]},
            "settings",
            "'newsletter' at lift_tests[0].channel",
            "a channel that has spend: tv, radio",
            id="lift test of an organic medium",
        ),
        pytest.param(
            lift_test(start="2026-02-09"),
            "lift_tests[0]",
            "start 2026-02-09, end 2026-02-02",
            "an end on or after the start",
            id="lift test backwards",
        ),
        pytest.param(
            lift_test(standard_error=0),
            "lift_tests[0].standard_error",
            "0",
            "greater than 0",
            id="lift test without error",
        ),
        pytest.param(
            lift_test(end="2026-02-08"),
            "settings",
            "2026-02-08 at lift_tests[0].end",
            "the first day of a week, a monday",
            id="lift test within a week",
        ),
        pytest.param(
            lift_test(series="bavaria"),
            "settings",
            "'bavaria' at lift_tests[0].series",
            "'national', the only series",
            id="lift test of another series",
        ),
        pytest.param(
            {"schedule": {"cron": "0 6 * *"}}, "schedule.cron", "'0 6 * *'", "five", id="cron"
        ),
        pytest.param(
            {"schedule": {"cron": "0 24 * * 1"}},
            "schedule.cron",
            "'0 24 * * 1'",
            "hour from 0 to 23",
            id="cron range",
        ),
        pytest.param(
            {"schedule": {"timezone": "Europe/Berln"}},
            "schedule.timezone",
            "'Europe/Berln'",
            "did you mean 'Europe/Berlin'?",
            id="time zone",
        ),
    ],
)
def test_mistake_names_file_key_found_and_allowed(
    file: Path, changes: dict[str, Any], key: str, found: str, allowed: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(write(file, **changes))

    [line] = str(raised.value).splitlines()
    assert line.startswith(f"{file}: {key}: ")
    assert found in line
    assert allowed in line


def test_all_mistakes_are_listed_at_once(file: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(write(file, currency="€", sampler={"chains": 0}, **channel(nam="x")))

    keys = [
        line.removeprefix(f"{file}: ").split(": ")[0] for line in str(raised.value).splitlines()
    ]
    assert keys == ["currency", "channels[1].nam", "sampler.chains"]


@pytest.mark.parametrize("cron", ["0 6 * * 1", "*/15 0-5 1,15 * 0", "0 6 1-7/2 */3 7"])
def test_cron_that_is_allowed(file: Path, cron: str) -> None:
    assert load_settings(write(file, schedule={"cron": cron})).schedule.cron == cron


def test_broken_yaml_is_located(file: Path) -> None:
    file.write_text("model_key: demo\nchannels: [tv\ncurrency: EUR\n")

    with pytest.raises(SettingsError, match=r"mmm\.yaml, line 3, column 9: not YAML: "):
        load_settings(file)


def test_missing_file_says_how_to_give_it(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"mmm\.yaml: No such file.*MMM_SETTINGS.*--settings"):
        load_settings(file)


def test_empty_file_lists_the_keys(file: Path) -> None:
    file.touch()

    with pytest.raises(SettingsError, match=r"settings: found None; allowed: the keys model_key"):
        load_settings(file)


def test_input_file_is_relative_to_the_settings_file(file: Path) -> None:
    settings = load_settings(write(file, input={"file": "data/weekly.csv"}))

    assert settings.input.file == file.parent / "data" / "weekly.csv"


EVERYTHING: dict[str, Any] = {
    "input": {"series_column": "geo"},
    "channels": [
        {"name": "tv", "column": "tv_spend", "roi_prior": {"median": 2, "sd_log": 0.5}},
        {"name": "radio", "contribution_share_prior": {"median": 0.1, "sd_log": 1}},
    ],
    "organic": [
        {"name": "newsletter", "contribution_share_prior": {"median": 0.02, "sd_log": 1}},
        {"name": "posts"},
    ],
    "controls": [{"name": "price", "sign": "negative"}, {"name": "weather"}],
    # As YAML reads a date without quotes, and as JSON has it.
    "events": {"launch": [dt.date(2026, 1, 31), "2026-02-01"]},
    **lift_test(series="bavaria"),
    "model": {
        "version": "2025-08",
        "components": "auto",
        "adstock": "weibull",
        "likelihood": "student_t",
        "amplitude_prior": "contribution_share",
        "hyperprior": "halfnormal",
        "trend": "piecewise",
        "fourier_order": 0,
        "holidays": "DE",
    },
}


def test_all_keys_come_back_from_json(file: Path) -> None:
    settings = load_settings(write(file, **EVERYTHING))

    assert Settings.read(json.loads(settings.model_dump_json())) == settings


def test_weeks_of_lift_tests_start_as_the_data_do(file: Path) -> None:
    sundays = {"start": "2026-01-04", "end": "2026-01-04"}

    settings = write(file, input={"week_starts_on": "sunday"}, **lift_test(**sundays))

    assert load_settings(settings).lift_tests[0].end == "2026-01-04"


def test_dbt_vars_hold_each_column_used(file: Path) -> None:
    settings = write(
        file,
        input={"series_column": "geo"},
        organic=[{"name": "newsletter", "column": "mails"}],
        controls=[{"name": "event1", "column": "events", "equals": "it's on", "sign": "positive"}],
    )

    assert dbt_vars([load_settings(settings)]) == {
        "mmm_grain": "weekly",
        "mmm_week_starts_on": "monday",
        "mmm_freshness": {"warn_days": 14, "error_days": 28},
        "mmm_inputs": [
            {
                "model_key": "demo",
                "only": None,
                "all_but": None,
                "schema": "raw",
                "table": "weekly_media",
                "model_column": None,
                "date_column": "week",
                "series_column": "geo",
                "series_key": "national",
                "date_format": "iso",
                "decimal": ".",
                "thousands": None,
                "money": "EUR|€",
                "variables": [
                    {"name": "revenue", "column": "revenue", "role": "outcome"},
                    {"name": "tv", "column": "tv_spend", "role": "spend"},
                    {"name": "radio", "column": "radio", "role": "spend"},
                    {"name": "newsletter", "column": "mails", "role": "organic"},
                    {"name": "event1", "column": "events", "equals": "it's on", "role": "control"},
                ],
                "reports": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("changes", "matters"),
    [
        pytest.param({"gate": {"min_ess": 400}}, False, id="default written out"),
        pytest.param({"input": {"file": "weekly.csv"}}, False, id="file"),
        pytest.param({"schedule": {"cron": "0 7 * * 1"}}, False, id="schedule"),
        pytest.param({"triggers": {"restated": True}}, False, id="triggers"),
        pytest.param({"input": {"freshness": {"warn_days": 7}}}, False, id="freshness"),
        pytest.param({"input": {"max_times_usual": 300.0}}, True, id="unit errors"),
        pytest.param({"sampler": {"seed": 1}}, True, id="seed"),
        pytest.param({"gate": {"min_ess": 200}}, True, id="gate"),
        pytest.param(channel(roi_prior={"median": 1, "sd_log": 1}), True, id="prior"),
        pytest.param({"model": {"version": "2"}}, True, id="version"),
        pytest.param({"events": {"launch": ["2026-01-31"]}}, True, id="events"),
        pytest.param(lift_test(), True, id="lift test"),
    ],
)
def test_fingerprint_covers_what_matters_to_the_fit(
    file: Path, changes: dict[str, Any], matters: bool
) -> None:
    before = load_settings(write(file)).fingerprint()

    assert (load_settings(write(file, **changes)).fingerprint() != before) is matters


def test_columns_that_the_table_lacks_are_listed() -> None:
    settings = Settings.read(
        SMALLEST | {"input": {"series_column": "geo"}, "organic": [{"name": "posts"}]}
    )

    with pytest.raises(SettingsError) as raised:
        check_columns(settings, ["week", "Revenue", "tv_spend"])

    assert str(raised.value).splitlines() == [
        "input.series_column: found 'geo', not a column of raw.weekly_media",
        "outcome.column: found 'revenue', not a column of raw.weekly_media "
        "(did you mean 'Revenue'?)",
        "channels[1].column: found 'radio', not a column of raw.weekly_media",
        "organic[0].column: found 'posts', not a column of raw.weekly_media",
        "allowed: the columns week, Revenue, tv_spend",
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_loads(example: Path) -> None:
    assert load_settings(example).model_key == example.stem


@pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"the public data sets are not at {SHARED_DATA}"
)
@pytest.mark.parametrize("name", ["retail", "robyn", "meridian_national", "meridian_geo"])
def test_example_names_columns_of_its_data_set(name: str) -> None:
    with (SHARED_DATA / f"{name}_weekly.csv").open(newline="") as lines:
        header = next(csv.reader(lines))

    check_columns(load_settings(ROOT / "examples" / f"{name}.yaml"), header)


def test_a_key_that_stands_twice_is_named_with_its_line(file: Path) -> None:
    write(file)
    file.write_text(file.read_text() + "channels: []\n")
    with pytest.raises(SettingsError, match=r"line 9, .* the key 'channels' stands twice"):
        load_settings(file)
