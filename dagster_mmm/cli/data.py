"""`mmm data`: is the input fit to be used?"""

from typing import Any

import click
import dagster as dg

from dagster_mmm import inputs
from dagster_mmm.cli.jobs import NAMES, execute, why_it_failed
from dagster_mmm.cli.options import (
    Group,
    json_option,
    model_option,
    one_model,
    print_json,
    warehouse,
)
from dagster_mmm.definitions import defs
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.settings import Settings


@click.group(cls=Group)
def data() -> None:
    """The input in the warehouse."""


@data.command()
@model_option
@json_option
def check(model_key: str | None, as_json: bool) -> None:
    """Check the input of a model as its next refit would find it; problems are exit code 1.

    Loads the settings' input.file where there is one and builds the weekly input with dbt, as the
    weekly job does. Nothing is fitted or published.

    \b
    Examples:
      mmm data check
      mmm data check --model retail --json
    """
    settings = one_model(model_key)
    built = {NAMES.weekly_input, NAMES.rejected_input}
    weekly = dg.AssetSelection.assets(*built).upstream()
    graph = defs().resolve_asset_graph()
    result = execute("weekly_input", weekly.resolve(graph), {}, "ERROR", lambda _: None)
    is_built = built <= {event.asset_key for event in result.get_asset_materialization_events()}
    judged = _judged(settings) if is_built else {"problems": [why_it_failed(result)]}
    if as_json:
        print_json({"model_key": settings.model_key, **judged})
    else:
        _say(settings.model_key, judged)
    if judged["problems"]:
        raise click.exceptions.Exit(1)


def _judged(settings: Settings) -> dict[str, Any]:
    judged = inputs.judge_stored(warehouse(), settings, Clock().today(settings.schedule.timezone))
    used = judged.snapshot[judged.snapshot["is_used"]]
    return {
        "problems": [problem.message for problem in judged.problems],
        "left_out": judged.repairs(),
        "advice": [point.message for point in judged.advice()],
        "weeks": int(used["week_start"].nunique()),
        "last_week": None if used.empty else str(used["week_start"].max().date()),
    }


def _say(model_key: str, judged: dict[str, Any]) -> None:
    for title, key in (("error", "problems"), ("left out", "left_out"), ("advice", "advice")):
        for line in judged.get(key, []):
            click.echo(f"{title}: {line}")
    if judged["problems"]:
        click.echo(f"{model_key}: the input cannot be fitted", err=True)
    else:
        click.echo(
            f"{model_key}: {judged['weeks']} weeks up to {judged['last_week']} can be fitted"
        )
