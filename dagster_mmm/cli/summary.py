"""`mmm summary`: what each channel brought between any two days, from the draws of a stored fit."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from dagster_mmm import environment
from dagster_mmm.cli.options import (
    Command,
    as_written,
    json_option,
    model_option,
    one_model,
    print_json,
    records,
    warehouse,
)
from dagster_mmm.fitting.resource import FittedRunIOManager
from dagster_mmm.warehouse.runs import published_run, read_run, stored_rows
from dagster_mmm.warehouse.tables import INPUT_SNAPSHOT

if TYPE_CHECKING:
    import pandas as pd

SHOWN = [
    "series_key",
    "channel",
    "spend",
    "contribution_mean",
    "incremental_outcome_mean",
    "roi_mean",
    "roi_ci_lo",
    "roi_ci_hi",
    "mroi_mean",
    "no_return_reason",
]
DAY = click.DateTime(["%Y-%m-%d"])


@click.command(cls=Command)
@model_option
@click.option("--from", "first", type=DAY, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
@click.option("--run", "run_id", metavar="RUN", help="The run; by default the published one.")
@json_option
def summary(
    model_key: str | None, first: datetime, last: datetime, run_id: str | None, as_json: bool
) -> None:
    """Say what each channel brought between two days, and what its spend of these days returns.

    As in mmm_channel_summary, with intervals, from the stored draws of the run. The weeks are those
    of which most days lie in between; without --model, the model is the settings' only one.

    \b
    Examples:
      mmm summary --from 2025-07-01 --to 2025-09-30
      mmm summary --model retail --from 2025-11-24 --to 2025-12-26 --json
    """
    rows = _rows(one_model(model_key).model_key, run_id, first, last)
    if as_json:
        print_json(records(rows))
        return
    start, end = rows["period_start"].min(), rows["period_end"].max()
    click.echo(f"weeks of {start:%Y-%m-%d} to {end:%Y-%m-%d}\n")
    click.echo(
        rows[SHOWN].fillna({"no_return_reason": ""}).to_string(index=False, float_format=as_written)
    )


def _rows(model_key: str, run_id: str | None, first: datetime, last: datetime) -> "pd.DataFrame":
    run, snapshot = _stored(model_key, run_id)
    # Before JAX is imported.
    environment.keep_compiled_programs()
    import numpy as np

    import hill_mmm.results
    from dagster_mmm.inputs import build_panel

    files = FittedRunIOManager(folder=str(environment.artefacts_path()))
    fitted = files.run(run["model_key"], run["fit_run_id"])
    # A score has weeks that its fit has not seen.
    panel = None if run["run_type"] != "score" else build_panel(snapshot, fitted.settings)
    try:
        return hill_mmm.results.summary_between(
            fitted.fit,
            np.datetime64(first, "D"),
            np.datetime64(last, "D"),
            fitted.settings.evaluation.ci_level,
            panel,
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from, --to") from error


def _stored(model_key: str, run_id: str | None) -> "tuple[dict[str, Any], pd.DataFrame]":
    """The row of a run, by default of the published one, and its input."""
    import pandas as pd

    resource = warehouse()
    if run_id is None:
        with resource.connected() as connection:
            run_id = published_run(connection, model_key)
    if run_id is None:
        raise click.ClickException(
            f"nothing of {model_key} has been published; `mmm publish` does, or name a --run"
        )
    with resource.connected() as connection:
        run = {str(name): value for name, value in read_run(connection, run_id).run.items()}
        snapshot = stored_rows(connection, INPUT_SNAPSHOT, run["run_id"])
    return run, snapshot.assign(week_start=pd.to_datetime(snapshot["week_start"]))
