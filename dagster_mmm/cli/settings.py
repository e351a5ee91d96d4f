"""`mmm settings`: is the settings file right?"""

import click

from dagster_mmm import environment
from dagster_mmm.cli.options import Group, json_option, print_json
from dagster_mmm.settings import Models, Settings, SettingsError, load_models


@click.group(cls=Group)
def settings() -> None:
    """The settings file."""


@settings.command()
@json_option
def check(as_json: bool) -> None:
    """Check the settings file as a whole; every mistake is a line, and the exit code 2.

    With --json, print the settings of each model with all defaults filled in.

    \b
    Examples:
      mmm settings check
      MMM_SETTINGS=retail.yaml mmm settings check --json
    """
    models = load_models(environment.settings_path())
    found = _named_models(models)
    if as_json:
        print_json({key: model.model_dump(mode="json") for key, model in found.items()})
        return
    click.echo(f"{environment.settings_path()} is right")
    for model in found.values():
        click.echo(_in_words(model))
    if models.model_column is not None:
        click.echo(f"- and a model for each further text of column {models.model_column!r}")


def _named_models(models: Models) -> dict[str, Settings]:
    """The settings of all models that the file names."""
    models.of_undeclared()
    found = models.all()
    if found.mistakes:
        raise SettingsError("\n".join(map(str, found.mistakes.values())))
    return found.usable


def _in_words(model: Settings) -> str:
    parts = {
        "channels": model.channels,
        "organic media": model.organic,
        "controls": model.controls,
        "events": model.events,
        "lift tests": model.lift_tests,
    }
    counted = ", ".join(f"{len(items)} {name}" for name, items in parts.items() if items)
    return f"- {model.model_key}: {model.outcome.name} in {model.currency}, {counted}"
