"""`mmm publish`, `mmm rollback`, `mmm retention`: what readers see, and how much is kept."""

import click

from dagster_mmm import environment
from dagster_mmm.cli.options import Command, any_model_option, model_option, one_model, warehouse
from dagster_mmm.fitting.artefacts import remove_runs
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import publish as move_pointer
from dagster_mmm.warehouse.publish import roll_back
from dagster_mmm.warehouse.retention import expire, expired_runs
from dagster_mmm.warehouse.runs import models_of_runs, newest_refit, read_run
from dagster_mmm.warehouse.snapshot import snapshot_of, write_snapshot


@click.command(cls=Command)
@model_option
@click.option("--run", "run_id", metavar="RUN", help="The run; by default the model's latest.")
def publish(model_key: str | None, run_id: str | None) -> None:
    """Publish a run, if its stored verdicts allow it; if not, exit code 1 with the reasons.

    \b
    Examples:
      mmm publish
      mmm publish --model retail --run 3f2a91c0
    """
    model, resource = one_model(model_key).model_key, warehouse()
    with resource.begin() as connection:
        chosen = None if run_id is None else str(read_run(connection, run_id).run["run_id"])
        chosen = chosen or newest_refit(connection, model)
        if chosen is None:
            raise click.ClickException(
                f"there is no run of {model} to publish; `mmm fit` makes one"
            )
        move_pointer(connection, model, chosen, Clock().utc())
    click.echo(f"{model}: run {chosen} is published")
    _take_dashboards_along(resource)


@click.command(cls=Command)
@model_option
@click.option(
    "--to", "run_id", metavar="RUN", help="A run that was published; by default the last one."
)
def rollback(model_key: str | None, run_id: str | None) -> None:
    """Go back to the run that was published before; the same again undoes it.

    The dashboards' copy of the latest views goes along.

    \b
    Examples:
      mmm rollback
      mmm rollback --model retail --to 3f2a91c0-5d0c-4d5e-9a57-0d6f6b6a8d0e
    """
    model, resource = one_model(model_key).model_key, warehouse()
    with resource.begin() as connection:
        was, published = roll_back(connection, model, Clock().utc(), run_id)
    click.echo(
        f"{model}: run {published} is published, in place of {was}; the same again goes back"
    )
    _take_dashboards_along(resource)


@click.command(cls=Command)
@any_model_option
@click.option(
    "--keep", type=click.IntRange(min=1), required=True, help="Published runs to keep, the last."
)
def retention(model_key: str | None, keep: int) -> None:
    """Keep the runs of each model published last; remove the rows and files of older ones.

    \b
    Examples:
      mmm retention --keep 26
      mmm retention --model retail --keep 104
    """
    resource, artefacts = warehouse(), environment.artefacts_path()
    with resource.connected() as connection:
        models = models_of_runs(connection)
    if model_key is not None and model_key not in models:
        raise click.ClickException(f"there is no run of {model_key} in {resource.place}")
    for model in models if model_key is None else [model_key]:
        with resource.begin() as connection:
            expired = expire(connection, model, keep)
            # Of earlier calls too, whose files could not be removed then.
            without_rows = expired_runs(connection, model)
        remove_runs(artefacts / model / "runs", without_rows)
        click.echo(f"{model}: removed the rows and files of {len(expired)} runs")


def _take_dashboards_along(resource: Warehouse) -> None:
    file = resource.file
    if file is not None:
        with resource.locked():
            write_snapshot(file, snapshot_of(file, resource.schema), resource.schema)
