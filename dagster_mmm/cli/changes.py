"""`mmm changes`: which cause has moved what a run says, by refits of what lies in between."""

from typing import TYPE_CHECKING

import click

from dagster_mmm import environment, fitting
from dagster_mmm.cli.options import (
    Command,
    as_written,
    json_option,
    print_json,
    records,
    run_argument,
    warehouse,
)
from dagster_mmm.fitting.resource import FittedRunIOManager
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.rows import replace_run
from dagster_mmm.warehouse.runs import compared_refit, read_run, runs_of_fit
from dagster_mmm.warehouse.tables import RUN_DELTA_CAUSE

if TYPE_CHECKING:
    import pandas as pd


@click.command(cls=Command)
@run_argument
@json_option
def changes(run_id: str, as_json: bool) -> None:
    """Split what a run says otherwise than the run before it into causes, by refits in between.

    RUN is its id, or the first characters of it; of a score, its fit is meant. The causes are let
    in one after the other: seed, restated weeks, new weeks, configuration, and before them another
    version of the code. Each but the last costs a fit on this machine. The rows are kept in
    mmm_run_delta_cause; nothing is published.

    \b
    Examples:
      mmm changes 3f2a91c0
      mmm changes 3f2a91c0 --json
    """
    resource = warehouse()
    with resource.connected() as connection:
        fit_run_id = str(read_run(connection, run_id).run["fit_run_id"])
        previous = compared_refit(connection, fit_run_id)
    if previous is None:
        raise click.ClickException(
            f"run {fit_run_id} has no rows in mmm_run_delta: nothing had been published before it, "
            "it ends before what was, it did not finish, or its rows have expired"
        )
    rows = _split(resource, previous, fit_run_id)
    _keep(resource, fit_run_id, rows)
    if as_json:
        print_json(
            {"run_id": fit_run_id, "previous_run_id": previous, "causes": records(rows)},
        )
    elif rows.empty:
        click.echo(f"nothing that moves a fit differs between runs {previous} and {fit_run_id}")
    else:
        click.echo(f"from run {previous} to run {fit_run_id}, the largest moves first:\n")
        click.echo(_side_by_side(rows))
    if resource.file is not None:
        click.echo(
            "dashboards show it once the job `mmm_dashboards` has made their copy anew", err=True
        )


def _split(resource: Warehouse, previous: str, run_id: str) -> "pd.DataFrame":
    # Before JAX is imported.
    environment.keep_compiled_programs()

    try:
        before, after = (_stored_run(resource, each) for each in (previous, run_id))
        return fitting.change_rows(before, after, lambda line: click.echo(line, err=True))
    except fitting.UnsplittableError as error:
        raise click.ClickException(str(error)) from error


def _stored_run(resource: Warehouse, run_id: str) -> "fitting.StoredRun":
    with resource.connected() as connection:
        row = read_run(connection, run_id).run
    files = FittedRunIOManager(folder=str(environment.artefacts_path()))
    return fitting.StoredRun(files.run(row["model_key"], run_id), row["code_version"])


def _keep(resource: Warehouse, fit_run_id: str, causes: "pd.DataFrame") -> None:
    """Let the rows stand under the fit, and under each score of it."""
    with resource.begin() as connection:
        for run_id, model_key in runs_of_fit(connection, fit_run_id):
            keyed = causes.assign(run_id=run_id, model_key=model_key)
            replace_run(connection, run_id, {RUN_DELTA_CAUSE: keyed})


def _side_by_side(rows: "pd.DataFrame") -> str:
    """A line a channel and metric: mean before, its move by each cause, and mean now."""
    rows = fitting.overall(rows)
    keys = ["series_key", "channel", "metric"]
    steps = rows.groupby(keys)
    shown = rows.pivot(index=keys, columns="cause", values="shift")[list(rows["cause"].unique())]
    shown.insert(0, "before", steps["previous_mean"].first())
    shown["now"] = steps["current_mean"].last()
    shown["shift_sd"] = steps["shift_sd"].sum(min_count=1)
    largest = shown["shift_sd"].abs().sort_values(ascending=False, kind="stable").index
    return shown.loc[largest].reset_index().to_string(index=False, float_format=as_written)
