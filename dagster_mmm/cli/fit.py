"""`mmm fit`: a refit by hand, with its progress."""

import click
import dagster as dg
from rich.console import Console
from rich.progress import BarColumn as Bar
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from dagster_mmm.cli.explanation import explanation
from dagster_mmm.cli.jobs import NAMES, execute, why_it_failed
from dagster_mmm.cli.options import Command, model_option, one_model, the_run
from dagster_mmm.defs.namespace import NOTHING_NEW
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.runs import UnknownRunError

RESULTS = [NAMES.result(table) for table in tables.RESULT_TABLES]
REFIT = [NAMES.panel, NAMES.fit, *RESULTS]


@click.command(cls=Command)
@model_option
@click.option("--force", is_flag=True, help="Fit although nothing is new since the published run.")
def fit(model_key: str | None, force: bool) -> None:
    """Refit a model on its weekly input as it stands, and judge it; nothing is published.

    On a terminal, stderr shows a progress bar; anywhere else, a log line for every fifth. A fit
    that is rejected is exit code 1, with the reason.

    \b
    Examples:
      mmm fit
      mmm fit --model retail --force
      mmm data check && mmm fit && mmm publish
    """
    settings = one_model(model_key)
    console = Console(stderr=True)
    config = {NAMES.op(NAMES.panel): {"config": {"force": force}}}
    with FitBar(console) as bar:
        level = "ERROR" if console.is_terminal else "INFO"
        result = execute("refit", REFIT, config, level, bar.listen, settings.model_key)
    try:
        record = the_run(result.run_id)
    except UnknownRunError:
        if not result.success:
            raise click.ClickException(why_it_failed(result)) from None
        click.echo(f"{settings.model_key}: {NOTHING_NEW}; --force fits all the same")
        return
    click.echo(explanation(record))
    if record.run["status"] != "fitted":
        raise click.exceptions.Exit(1)
    click.echo(f"`mmm publish --model {settings.model_key}` publishes it")


class FitBar:
    """A progress bar of the observations that the asset `fit` makes; none off a terminal."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            Bar(),
            TextColumn("{task.percentage:.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task: TaskID = self._progress.add_task("reading the input", total=100, note="")

    def __enter__(self) -> "FitBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def listen(self, entry: dg.EventLogEntry) -> None:
        """Move with an observation, and name the step that has begun."""
        event = entry.dagster_event
        if event is None:
            return
        if event.is_step_start:
            self._progress.update(self._task, description=str(event.step_key), completed=0, note="")
        elif event.is_asset_observation:
            found = event.asset_observation_data.asset_observation.metadata
            if "percent_done" in found:
                self._progress.update(
                    self._task,
                    description=str(found["fitting"].value),
                    completed=float(str(found["percent_done"].value)),
                    note=f"{found['divergences_so_far'].value} divergences, "
                    f"about {found['seconds_left'].value} s left",
                )
