"""The command as a whole: its help, and what is wrong before anything is done."""

import click
import pytest

from dagster_mmm.cli import mmm
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call, printed


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
