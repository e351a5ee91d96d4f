"""`mmm run`: a week by hand, in this process: input, every model, the dashboards' copy."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import dagster as dg

from dagster_mmm import environment
from dagster_mmm.cli.jobs import NAMES, require_dagster_home, run_job
from dagster_mmm.cli.options import Command, any_model_option
from dagster_mmm.cli.stages import Stage, stage_of
from dagster_mmm.settings import load_models
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.marts import model_keys

INFO_LOGS = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}


@dataclass
class Week:
    """The runs of a week.

    Attributes:
        input: the run of `weekly_input`.
        refits: the runs of `refit`, by model.
        dashboards: the run of `dashboards`, or None where nothing was published.
    """

    input: dg.ExecuteInProcessResult
    refits: dict[str, dg.ExecuteInProcessResult] = field(default_factory=dict)
    dashboards: dg.ExecuteInProcessResult | None = None

    @property
    def runs(self) -> list[dg.ExecuteInProcessResult]:
        """All of them, in their order."""
        last = [] if self.dashboards is None else [self.dashboards]
        return [self.input, *self.refits.values(), *last]

    @property
    def success(self) -> bool:
        """Whether all of them went well."""
        return all(run.success for run in self.runs)


def run_week(
    instance: dg.DagsterInstance,
    model_key: str | None = None,
    file: Path | None = None,
    panel_config: Mapping[str, Any] | None = None,
    tell: Callable[[Stage], None] = lambda _: None,
) -> Week:
    """Load the input, refit the models one after another, and refresh what dashboards read.

    A model that fails holds up no other; without input, there is nothing to refit.

    Args:
        instance: where the runs are recorded.
        model_key: the model to refit; by default all of the settings and of the data.
        file: a CSV for the raw table, in place of the settings' files.
        panel_config: the configuration of `panel`.
        tell: called with each stage when it is over.

    Raises:
        SettingsError: if the settings file cannot be read.
        WarehouseURLError, WarehouseError: if the warehouse cannot be reached.
    """

    def ran(
        job: str, config: Mapping[str, Any] | None = None, of_model: str | None = None
    ) -> dg.ExecuteInProcessResult:
        before = time.monotonic()
        run = run_job(instance, job, config, of_model)
        tell(stage_of(job, run, time.monotonic() - before, of_model))
        return run

    ingest_config = {} if file is None else {"file": str(file.resolve())}
    week = Week(ran("weekly_input", _run_config(NAMES.raw, ingest_config)))
    if not week.input.success:
        return week
    config = _run_config(NAMES.panel, panel_config or {})
    for each in _models_to_refit(model_key):
        week.refits[each] = ran("refit", config, each)
    if any(has_published(run) for run in week.refits.values()):
        week.dashboards = ran("dashboards")
    return week


def run_vintages(
    instance: dg.DagsterInstance,
    model_key: str,
    weeks: Iterable[date],
    tell: Callable[[Stage], None] = lambda _: None,
) -> dict[date, dg.ExecuteInProcessResult]:
    """Refit a model as of past weeks, one after another: a back-test, which publishes nothing.

    The input is used as it stands: what the source has restated since was not known then.

    Args:
        instance: where the runs are recorded.
        model_key: the model, which has a published run of a later week.
        weeks: the first days of the last weeks to use.
        tell: called with each refit when it is over.
    """
    ran: dict[date, dg.ExecuteInProcessResult] = {}
    for week in weeks:
        before = time.monotonic()
        config = _run_config(NAMES.panel, {"as_of": str(week)})
        ran[week] = run_job(instance, "refit", config, model_key)
        tell(stage_of("refit", ran[week], time.monotonic() - before, model_key))
    return ran


def has_published(run: dg.ExecuteInProcessResult) -> bool:
    """Whether the run has moved the publish pointer, or found it there already."""
    return any(
        event.asset_key == NAMES.published for event in run.get_asset_materialization_events()
    )


def _models_to_refit(model_key: str | None) -> tuple[str, ...]:
    models = load_models(environment.settings_path())
    if model_key is not None:
        # It raises if there is no such model.
        models.of(model_key)
        return (model_key,)
    return model_keys(Warehouse(url=environment.warehouse_url()), models).usable


def _run_config(asset: dg.AssetKey, config: Mapping[str, Any]) -> dict[str, Any]:
    return INFO_LOGS | ({"ops": {NAMES.op(asset): {"config": dict(config)}}} if config else {})


@click.command("run", cls=Command)
@any_model_option
@click.option("--force", is_flag=True, help="Fit although nothing is new.")
@click.option(
    "--as-of",
    "days",
    type=click.DateTime(["%Y-%m-%d"]),
    multiple=True,
    metavar="DAY",
    help="Refit --model as of this past week alone, and publish nothing; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON when a stage is over.")
def run(model_key: str | None, force: bool, days: tuple[datetime, ...], as_json: bool) -> None:
    """Run the week once: load the input, refit every model, refresh what dashboards read.

    A model that fails holds up no other; if one does, the exit code is 1. With --json, stdout has
    a line for each stage, for a scheduler such as Airflow: docs/dagster.md.

    \b
    Examples:
      mmm run
      mmm run --settings retail.yaml --model acme --force
      mmm run --model acme --as-of 2026-01-05 --as-of 2026-02-02
      mmm run --json | jq -r 'select(.stage == "refit") | .status'
    """
    # Before anything runs: wrong settings are no failed run.
    load_models(environment.settings_path())
    require_dagster_home()
    if days and model_key is None:
        raise click.UsageError("--as-of is of one model: name it by --model")
    stdout = sys.stdout

    def tell(stage: Stage) -> None:
        if as_json:
            print(stage.line(), file=stdout, flush=True)

    # dbt talks on stdout, which is for what the command itself says.
    with dg.DagsterInstance.get() as instance, redirect_stdout(sys.stderr):
        if days and model_key is not None:
            weeks = [day.date() for day in days]
            vintages = run_vintages(instance, model_key, weeks, tell)
            _fail_unless(all(vintage.success for vintage in vintages.values()))
            return
        config = {"force": True} if force else None
        week = run_week(instance, model_key, panel_config=config, tell=tell)
    failed = [key for key, refit in week.refits.items() if not refit.success]
    if failed:
        click.echo(f"not refitted: {', '.join(failed)}; the reasons stand above", err=True)
    _fail_unless(week.success)


def _fail_unless(is_good: bool) -> None:
    if not is_good:
        raise click.exceptions.Exit(1)
