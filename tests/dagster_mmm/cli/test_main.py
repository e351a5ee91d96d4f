"""The command as a whole: its help, and what is wrong before anything is done."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dagster_mmm import environment
from dagster_mmm.cli import mmm
from dagster_mmm.cli.jobs import require_dagster_home
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call, printed


def commands(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    """The words of every command."""
    found: list[tuple[str, ...]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        words, command = (*before, name), group.get_command(context, name)
        found += commands(command, *words) if isinstance(command, click.Group) else [words]
    return found


@pytest.mark.parametrize("words", commands(mmm), ids=" ".join)
def test_every_command_has_help_with_examples(call: Call, words: tuple[str, ...]) -> None:
    result = call(*words, "--help")
    assert result.exit_code == 0
    assert f"mmm {' '.join(words)}" in result.stdout.split("Examples:")[1]
    # What makes a settings file takes none.
    assert ("--settings FILE" in result.stdout) == (words != ("init",))


def test_the_version_is_the_packages(call: Call) -> None:
    assert call("--version").stdout == f"mmm {version('hill-mixture-mmm')}\n"


def test_help_lists_every_command(call: Call) -> None:
    help_text = call("--help").stdout
    assert all(f"  {name} " in help_text for name in mmm.list_commands(click.Context(mmm)))


def test_a_shell_completes_commands_and_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    def completed(words: str) -> set[str]:
        monkeypatch.setenv("COMP_WORDS", f"mmm {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split(" "))))
        lines = CliRunner().invoke(mmm, env={"_MMM_COMPLETE": "bash_complete"}, prog_name="mmm")
        return {line.split(",")[1] for line in lines.stdout.splitlines()}

    assert completed("r") == {"run", "rollback", "retention", "runs"}
    assert "--settings" in completed("fit --s")


def test_help_completion_and_settings_do_without_dagster() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from dagster_mmm.cli import mmm;"
        "assert CliRunner().invoke(mmm, ['settings', 'check']).exit_code == 0;"
        "assert CliRunner().invoke(mmm, ['--help']).exit_code == 0;"
        "loaded = {'dagster', 'jax', 'duckdb'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_are_taken_from_the_option(
    project: Project, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.folder / "settings.yaml"
    monkeypatch.setenv("MMM_SETTINGS", "nowhere.yaml")
    assert call("settings", "check").exit_code == 2
    assert f"{path} is right" in call("settings", "check", "--settings", str(path)).stdout
    # And for that command alone.
    assert call("settings", "check").exit_code == 2
    monkeypatch.delenv("MMM_SETTINGS")
    call("settings", "check", "--settings", str(path))
    assert "MMM_SETTINGS" not in os.environ


@pytest.mark.parametrize(
    ("words", "started"),
    [
        (("ui", "--port", "3999"), ["dev", "-w", "-h", "127.0.0.1", "-p", "3999"]),
        (("dashboard", "--port", "8999"), ["streamlit", "run", "--server.port", "8999"]),
    ],
)
def test_a_service_takes_the_process_with_its_settings(
    project: Project,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    started: list[str],
) -> None:
    seen: list[tuple[str, list[str], str]] = []
    monkeypatch.setattr(
        os, "execv", lambda file, command: seen.append((file, command, os.environ["MMM_SETTINGS"]))
    )
    settings = str(project.folder / "settings.yaml")
    assert call(*words, "--settings", settings).exit_code == 0
    ((file, command, found),) = seen
    assert Path(file).is_file()
    assert [word for word in command if word in started] == started
    assert found == settings


def test_settings_are_right_or_every_mistake_is_a_line(project: Project, call: Call) -> None:
    assert "- demo: revenue in EUR, 5 channels, 2 controls" in call("settings", "check").stdout
    (filled_in,) = printed(call("settings", "check", "--json")).values()
    assert filled_in["sampler"]["max_tree_depth"] == 10
    project.configure(currency="euro", schedule={"cron": "often"})
    for words in (["settings", "check"], ["publish"], ["fit"], ["data", "check"], ["run"]):
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


@pytest.mark.parametrize(
    "words",
    [
        ("runs",),
        ("show", "3f2a"),
        ("explain", "3f2a"),
        ("changes", "3f2a"),
        ("summary", "--from", "2025-01-01", "--to", "2025-02-01"),
        ("publish",),
        ("rollback",),
        ("retention", "--keep", "1"),
        ("settings", "check"),
    ],
    ids=lambda words: words[0],
)
def test_where_nothing_has_run_yet_nothing_is_made_to_say_so(
    project: Project, call: Call, words: tuple[str, ...]
) -> None:
    before = sorted(project.folder.rglob("*"))
    result = call(*words)
    if words[0] not in ("runs", "settings"):
        assert result.exit_code == 1
        assert "no run" in result.stderr
    assert sorted(project.folder.rglob("*")) == before


def test_a_project_has_its_own_environment_and_dagster_home(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DAGSTER_HOME", "MMM_SETTINGS", "MMM_DUCKDB_PATH", "MMM_ARTEFACTS"):
        monkeypatch.delenv(variable, raising=False)
    # Set first, so that what the command sets is undone.
    monkeypatch.setenv("MMM_ALERT_WEBHOOK", "")
    monkeypatch.delenv("MMM_ALERT_WEBHOOK")
    monkeypatch.setenv("MMM_WAREHOUSE_URL", "postgresql://set.invalid/already")
    assert call("init", str(tmp_path), "--demo").exit_code == 0
    dotenv = "MMM_ALERT_WEBHOOK=https://hooks.invalid\nMMM_WAREHOUSE_URL=duckdb:///other.duckdb\n"
    (tmp_path / ".env").write_text(dotenv)
    monkeypatch.chdir(tmp_path)
    assert f"{tmp_path / 'mmm.yaml'} is right" in call("settings", "check").stdout
    assert environment.alert_webhook() == "https://hooks.invalid"
    assert environment.warehouse_url() == "postgresql://set.invalid/already"
    require_dagster_home()
    assert os.environ["DAGSTER_HOME"] == str(tmp_path)
