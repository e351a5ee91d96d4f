"""`mmm init`: a project whose settings need no edit, and nothing that is there is lost."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from dagster_mmm import environment
from dagster_mmm.cli import mmm
from dagster_mmm.environment import ROOT
from dagster_mmm.settings import load_settings
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call, published_of
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY

FILES = {"mmm.yaml", "dagster.yaml", "workspace.yaml", ".gitignore", ".env.example", "README.md"}
SHARED = Path(os.environ.get("MMM_SHARED_DATA", ROOT.parent / "shared" / "data"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no data sets at {SHARED}")
PUBLIC = ["retail", "robyn", "meridian_national", "meridian_geo"]
# Media whose spend the retailer does not tell; the example leaves them out.
MORE_ORGANIC = {"retail": {"mdip_em", "mdip_sms", "mdip_aff"}}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@needs_shared
@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_data_are_described_as_their_examples_do(
    call: Call, tmp_path: Path, name: str
) -> None:
    result = call("init", str(tmp_path), "--data", str(SHARED / f"{name}_weekly.csv"))
    assert result.exit_code == 0, result.output
    assert names(tmp_path) == FILES
    ours = load_settings(tmp_path / "mmm.yaml")
    example = load_settings(ROOT / "examples" / f"{name}.yaml")
    for key in ("date_column", "week_starts_on", "series_column", "grain"):
        assert getattr(ours.input, key) == getattr(example.input, key), key
    assert (ours.outcome.column, ours.outcome.kind, ours.outcome.value_per_unit) == (
        example.outcome.column,
        example.outcome.kind,
        example.outcome.value_per_unit,
    )
    assert columns(ours.channels) == columns(example.channels)
    assert columns(ours.organic) == columns(example.organic) | MORE_ORGANIC.get(name, set())
    if name != "retail":
        assert columns(ours.controls) == columns(example.controls)


def columns(variables: tuple[Any, ...]) -> set[tuple[str, str | None] | str]:
    return {
        variable.column
        if getattr(variable, "equals", None) is None
        else (variable.column, variable.equals)
        for variable in variables
    }


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "robyn",
        "meridian_national",
        pytest.param("retail", marks=pytest.mark.long),
        pytest.param("meridian_geo", marks=pytest.mark.long),
    ],
)
def test_the_public_data_are_fitted_without_an_edit(
    project: Project, call: Call, name: str
) -> None:
    file = SHARED / f"{name}_weekly.csv"
    assert call("init", str(project.folder), "--data", str(file)).exit_code == 0
    settings = project.folder / "mmm.yaml"
    checked = call("data", "check", "--settings", str(settings))
    assert checked.exit_code == 0, checked.output
    # Only so that it is quick: what it says of the data stays as it is.
    hasty = yaml.safe_dump({"sampler": HASTY, "gate": ANYTHING_GOES})
    settings.write_text(settings.read_text() + hasty)
    result = call("run", "--settings", str(settings))
    assert result.exit_code == 0, result.output
    assert published_of(project)


def test_nothing_that_is_there_is_written_over_unless_asked(
    call: Call, tmp_path: Path, market: Path
) -> None:
    (tmp_path / "README.md").write_text("mine")
    refused = call("init", str(tmp_path), "--data", str(market))
    assert (refused.exit_code, names(tmp_path)) == (2, {"README.md"})
    assert "README.md" in refused.stderr and "--force" in refused.stderr
    assert call("init", str(tmp_path), "--data", str(market), "--force").exit_code == 0
    assert (tmp_path / "README.md").read_text() != "mine"
    assert len((tmp_path / "README.md").read_text().splitlines()) <= 12


def test_every_line_has_a_reason_and_few_lines_do(call: Call, tmp_path: Path, market: Path) -> None:
    assert call("init", str(tmp_path), "--data", str(market)).exit_code == 0
    lines = (tmp_path / "mmm.yaml").read_text().splitlines()
    said = [line for line in lines if line and not line.startswith("#")]
    named = [line for line in said if "{name:" in line]
    assert all("  # " in line for line in named)
    assert len(said) <= 19
    assert load_settings(tmp_path / "mmm.yaml").input.file == market


def test_a_file_in_the_project_is_named_by_its_place_there(
    call: Call, tmp_path: Path, market: Path
) -> None:
    own = tmp_path / "shop" / "weekly data.csv"
    own.parent.mkdir()
    own.write_text(market.read_text())
    assert call("init", str(own.parent), "--data", str(own)).exit_code == 0
    written = yaml.safe_load((own.parent / "mmm.yaml").read_text())
    assert written["input"]["file"] == "weekly data.csv"
    assert written["input"]["table"] == "raw.weekly_data"


def test_a_person_corrects_what_was_found(call: Call, tmp_path: Path, market: Path) -> None:
    words = ["init", str(tmp_path), "--data", str(market), "--ask"]
    # Date, outcome, currency, week, spend.
    answers = "\n\nEUR\n\ntv_spend, radio_spend\n"
    result = CliRunner().invoke(mmm, words, input=answers, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    settings = load_settings(tmp_path / "mmm.yaml")
    assert settings.currency == "EUR"
    assert [channel.name for channel in settings.channels] == ["tv", "radio"]


def test_settings_that_would_be_refused_are_not_written(
    call: Call, tmp_path: Path, market: Path
) -> None:
    result = call("init", str(tmp_path), "--data", str(market), "--currency", "euro")
    assert (result.exit_code, names(tmp_path)) == (2, set())
    assert "currency: found 'euro'" in result.stderr
    assert call("init", str(tmp_path)).exit_code == 2


def test_a_table_of_the_warehouse_is_described_too(
    project: Project, call: Call, market: Path, tmp_path: Path
) -> None:
    words = ("init", str(tmp_path / "new"), "--table", "marts.weekly")
    absent = call(*words)
    assert (absent.exit_code, project.warehouse.file) == (1, project.folder / "warehouse.duckdb")
    assert not (project.folder / "warehouse.duckdb").exists()
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql("create schema marts")
        connection.exec_driver_sql(f"create table marts.weekly as from read_csv('{market}')")
    assert call(*words).exit_code == 0
    settings = load_settings(tmp_path / "new" / "mmm.yaml")
    assert (settings.input.table, settings.input.file) == ("marts.weekly", None)
    assert settings.input.week_starts_on == "monday"
    assert len(settings.channels) == 5


def test_the_demos_project_is_its_settings_and_its_market(
    call: Call, tmp_path: Path, market: Path
) -> None:
    assert call("init", str(tmp_path), "--demo").exit_code == 0
    assert (tmp_path / "market.csv").read_text() == market.read_text()
    ours = load_settings(tmp_path / "mmm.yaml")
    demo = load_settings(environment.DEMO_SETTINGS)
    assert ours.input.file == tmp_path / "market.csv"
    assert ours.fingerprint() == demo.fingerprint()
