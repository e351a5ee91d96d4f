"""The settings file: what it fills in, and what it says of each kind of mistake."""

import csv
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_mmm.settings import Settings, SettingsError, check_columns, load_settings

ROOT = Path(__file__).parents[2]
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


def test_defaults_are_filled_in(file: Path) -> None:
    settings = load_settings(write(file))

    assert settings.outcome.column == "revenue"
    assert settings.channels[0].roi_prior is None
    assert settings.controls == ()
    assert settings.model_dump(exclude=set(SMALLEST) | {"controls"}) == {
        "input": {
            "file": None,
            "table": "raw.weekly_media",
            "date_column": "week",
            "grain": "weekly",
            "week_starts_on": "monday",
            "series": "national",
        },
        "model": {"components": 1, "trend": True, "fourier_order": 2},
        "sampler": {
            "chains": 4,
            "warmup": 1000,
            "draws": 1000,
            "target_accept": 0.9,
            "max_tree_depth": 10,
            "seed": 0,
        },
        "evaluation": {"holdout_weeks": 13, "ci_level": 0.9},
        "gate": {
            "max_r_hat": 1.01,
            "min_ess": 400,
            "max_divergence_rate": 0.001,
            "min_bfmi": 0.3,
            "max_saturated_tree_rate": 0.01,
        },
        "schedule": {"cron": "0 6 * * 1", "timezone": "Europe/Berlin"},
    }


@pytest.mark.parametrize(
    ("changes", "key", "found", "allowed"),
    [
        (
            channel(column="tv_spend"),
            "settings",
            "'tv_spend' at channels[0].column, channels[1].column",
            "a column of its own for the date, the outcome, each channel and control",
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
        pytest.param({"modl": {}}, "modl", "did you mean 'model'?", "gate, schedule", id="key"),
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
        pytest.param({"model": {"trend": "yes"}}, "model.trend", "'yes'", "true", id="flag"),
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


def test_dbt_vars_hold_each_column_used(file: Path) -> None:
    controls = [{"name": "event1", "column": "events", "equals": "it's on"}]

    assert load_settings(write(file, controls=controls)).dbt_vars() == {
        "input": {
            "schema": "raw",
            "table": "weekly_media",
            "date_column": "week",
            "series_key": "national",
            "grain": "weekly",
            "week_starts_on": "monday",
            "variables": [
                {"name": "revenue", "column": "revenue", "role": "outcome"},
                {"name": "tv", "column": "tv_spend", "role": "spend"},
                {"name": "radio", "column": "radio", "role": "spend"},
                {"name": "event1", "column": "events", "equals": "it's on", "role": "control"},
            ],
        }
    }


@pytest.mark.parametrize(
    ("changes", "matters"),
    [
        pytest.param({"gate": {"min_ess": 400}}, False, id="default written out"),
        pytest.param({"input": {"file": "weekly.csv"}}, False, id="file"),
        pytest.param({"schedule": {"cron": "0 7 * * 1"}}, False, id="schedule"),
        pytest.param({"sampler": {"seed": 1}}, True, id="seed"),
        pytest.param({"gate": {"min_ess": 200}}, True, id="gate"),
        pytest.param(channel(roi_prior={"median": 1, "sd_log": 1}), True, id="prior"),
    ],
)
def test_fingerprint_covers_what_matters_to_the_fit(
    file: Path, changes: dict[str, Any], matters: bool
) -> None:
    before = load_settings(write(file)).fingerprint()

    assert (load_settings(write(file, **changes)).fingerprint() != before) is matters


def test_columns_that_the_table_lacks_are_listed() -> None:
    with pytest.raises(SettingsError) as raised:
        check_columns(Settings.model_validate(SMALLEST), ["week", "Revenue", "tv_spend"])

    assert str(raised.value).splitlines() == [
        "outcome.column: found 'revenue', not a column of raw.weekly_media "
        "(did you mean 'Revenue'?)",
        "channels[1].column: found 'radio', not a column of raw.weekly_media",
        "allowed: the columns week, Revenue, tv_spend",
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_loads(example: Path) -> None:
    assert load_settings(example).model_key == example.stem


@pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"the public data sets are not at {SHARED_DATA}"
)
@pytest.mark.parametrize("name", ["retail", "robyn"])
def test_example_names_columns_of_its_data_set(name: str) -> None:
    with (SHARED_DATA / f"{name}_weekly.csv").open(newline="") as lines:
        header = next(csv.reader(lines))

    check_columns(load_settings(ROOT / "examples" / f"{name}.yaml"), header)


def test_a_key_that_stands_twice_is_named_with_its_line(file: Path) -> None:
    write(file)
    file.write_text(file.read_text() + "channels: []\n")
    with pytest.raises(SettingsError, match=r"line 9, .* the key 'channels' stands twice"):
        load_settings(file)
