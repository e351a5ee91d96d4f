"""The whole command: its help, its exit codes, settings and data, a fit, Postgres."""

from pathlib import Path

import click
import pytest
import sqlalchemy as sa

from dagster_mmm.cli import mmm
from dagster_mmm.defs.ingest import load_csv
from dagster_mmm.settings import load_settings
from tests.conftest import Project, make_project
from tests.dagster_mmm.cli.conftest import Call, break_week, live, printed
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY


def commands(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    """The words of every command."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        words = (*before, name)
        found += commands(command, *words) if isinstance(command, click.Group) else [words]
    return found


@pytest.mark.parametrize("words", commands(mmm), ids=" ".join)
def test_every_command_has_help_with_examples(call: Call, words: tuple[str, ...]) -> None:
    result = call(*words, "--help")
    assert result.exit_code == 0
    assert f"mmm {' '.join(words)}" in result.stdout.split("Examples:")[1]


def test_settings_are_right_or_every_mistake_is_a_line(project: Project, call: Call) -> None:
    assert "- demo: revenue in EUR, 5 channels, 2 controls" in call("settings", "check").stdout
    (filled_in,) = printed(call("settings", "check", "--json")).values()
    assert filled_in["sampler"]["max_tree_depth"] == 10
    project.configure(currency="euro", schedule={"cron": "often"})
    for words in (["settings", "check"], ["publish"], ["fit"], ["data", "check"]):
        result = call(*words)
        assert (result.exit_code, result.stdout) == (2, ""), words
        assert "currency: found 'euro'" in result.stderr
        assert "schedule.cron: found 'often'" in result.stderr


def test_a_fit_wants_a_dagster_home(
    project: Project, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME")
    result = call("fit")
    assert result.exit_code == 2
    assert "DAGSTER_HOME is not set" in result.stderr


def test_data_that_cannot_be_fitted_is_refused(
    rerun: tuple[Project, str], market: Path, call: Call
) -> None:
    project, _ = rerun
    project.configure(input={"file": str(break_week(market, project.folder / "broken.csv"))})
    result = call("data", "check")
    assert result.exit_code == 1
    assert "error: " in result.stdout
    assert "tv" in result.stdout
    assert "demo: the input cannot be fitted" in result.stderr
    project.configure(input={"file": str(market)})
    found = printed(call("data", "check", "--json"))
    assert (found["problems"], found["weeks"], found["model_key"]) == ([], 156, "demo")


def test_a_fit_is_judged_and_published_by_hand(rerun: tuple[Project, str], call: Call) -> None:
    project, good = rerun
    assert "nothing is new" in call("fit").stdout
    project.configure(sampler=HASTY)
    refused = call("fit")
    assert refused.exit_code == 1, refused.output
    assert "was rejected" in refused.stdout
    assert "min_ess" in refused.stdout
    assert live(project) == good
    project.configure(sampler=HASTY, gate=ANYTHING_GOES)
    fitted = call("fit")
    assert fitted.exit_code == 0, fitted.output
    assert "has passed the gate and is not published" in fitted.stdout
    assert live(project) == good
    assert call("publish").exit_code == 0
    assert live(project) != good
    assert [row["status"] for row in printed(call("runs", "--json"))] == [
        "published",
        "rejected",
        "superseded",
    ]


def test_on_postgres_and_without_its_password(
    database: sa.URL, market: Path, tmp_path: Path, call: Call
) -> None:
    password = str(database.password)
    outputs: list[str] = []
    for project in make_project(tmp_path, database):
        project.configure(sampler=HASTY, gate=ANYTHING_GOES)
        load_csv(project.warehouse, market, load_settings(tmp_path / "settings.yaml"))
        for words in (["settings", "check"], ["data", "check"], ["fit"], ["publish"]):
            result = call(*words)
            assert result.exit_code == 0, result.output
            outputs.append(result.output)
        (run,) = printed(call("runs", "--json"))
        assert (run["status"], run["is_live"]) == ("published", True)
        for words in (["run", run["run_id"]], ["explain", run["run_id"]], ["rollback"]):
            outputs.append(call(*words).output)
        away = database.set(port=9).render_as_string(hide_password=False)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MMM_WAREHOUSE_URL", away)
            result = call("runs")
            assert (result.exit_code, "cannot connect" in result.stderr) == (1, True)
            outputs.append(result.output)
    assert len(outputs) == 8
    assert not [output for output in outputs if password in output]
