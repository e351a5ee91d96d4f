"""`mmm demo`: the whole job once, on a simulated market or a CSV of yours, and its results."""

import tempfile
from pathlib import Path
from typing import Any

import click
import dagster as dg
import pandas as pd
import sqlalchemy as sa

import hill_mmm
from dagster_mmm import environment, fitting
from dagster_mmm.cli.jobs import require_dagster_home
from dagster_mmm.cli.options import Command
from dagster_mmm.cli.run import run_week
from dagster_mmm.settings import Models, load_models
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.runs import published_run
from dagster_mmm.warehouse.tables import CHANNEL_SUMMARY, DIAGNOSTIC, RUN

DEMO_SEED = 0


@click.command(cls=Command)
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A CSV to load first; by default the settings' input.file, or their table as it is.",
)
def demo(data: Path | None) -> None:
    """Run the whole job once, on a simulated market or a CSV of yours, and print its results.

    The exit code is 0 if the run was published.

    \b
    Examples:
      mmm demo
      mmm demo --data weekly.csv --settings settings.yaml
    """
    require_dagster_home()
    # Before JAX is imported, as the simulation does.
    environment.keep_compiled_programs()
    warehouse = Warehouse(url=environment.warehouse_url())
    settings = environment.settings_path()
    models = load_models(settings)
    warehouse.create_result_tables()
    with tempfile.TemporaryDirectory() as folder:
        # Any other settings describe data of the user's, which a simulation must not replace.
        if data is None and settings == environment.DEMO_SETTINGS:
            data = write_simulated_market(Path(folder) / "market.csv")
        truth = true_roi() if _is_simulated(data, models) else None
        with dg.DagsterInstance.get() as instance:
            week = run_week(instance, file=data)
    if not week.refits:
        click.echo("\nThe input could not be loaded; the reason stands in the log above.")
    for model_key, refit in week.refits.items():
        print_results(warehouse, _run_to_show(warehouse, model_key, refit.run_id), truth)
    click.echo(f"\nTables: schema mmm in {warehouse.place}")
    ui = f"make ui CONFIG={settings}" if environment.IS_CLONE else "mmm ui"
    click.echo(f"Dagster UI: {ui}, then open http://localhost:3000")
    if not week.success:
        raise click.exceptions.Exit(1)


def _is_simulated(data: Path | None, models: Models) -> bool:
    """Whether what will be fitted is the demo's market, whose truth is known."""
    files = {one.input.file for one in models.all().usable.values()} if data is None else {data}
    if len(files) != 1 or not (file := files.pop()) or not file.is_file():
        return False
    return file.read_text(encoding="utf-8", errors="replace") == market_text()


def write_simulated_market(path: Path) -> Path:
    """Write the demo's market, in the columns that `examples/demo.yaml` names."""
    path.write_text(market_text(), encoding="utf-8")
    return path


def market_text() -> str:
    """The demo's market as a CSV."""
    market, _ = hill_mmm.simulate_national_market(DEMO_SEED)
    frame = pd.DataFrame({"week": market.weeks, "revenue": market.outcome[:, 0]})
    for channel, spend in zip(market.channels, market.spend[:, 0].T, strict=True):
        frame[f"{channel}_spend"] = spend
    for control, values in zip(market.control_names, market.controls[:, 0].T, strict=True):
        frame[control] = values
    return frame.to_csv(index=False)


def true_roi() -> "pd.Series[float]":
    """ROI of each channel of the simulated market: true contribution over spend."""
    market, truth = hill_mmm.simulate_national_market(DEMO_SEED)
    roi = truth.contribution.sum(axis=(0, 1)) / market.spend.sum(axis=(0, 1))
    return pd.Series(roi, index=list(market.channels))


def _run_to_show(warehouse: Warehouse, model_key: str, run_id: str) -> str:
    """The run itself, or the published one where there was nothing new to fit."""
    with warehouse.begin() as connection:
        of_itself = sa.select(RUN.c.run_id).where(RUN.c.run_id == run_id)
        if connection.scalar(of_itself) is not None:
            return run_id
        return published_run(connection, model_key) or run_id


def print_results(warehouse: Warehouse, run_id: str, truth: "pd.Series[float] | None") -> None:
    """Print the verdict on a run and its ROI by channel."""
    run = warehouse.read(sa.select(RUN).where(RUN.c.run_id == run_id))
    click.echo()
    if run.empty or pd.isna(run["n_weeks"].iloc[0]):
        click.echo("The job did not get to a finished fit; the reason stands in the log above.")
    else:
        _print_run(warehouse, run.iloc[0], truth)


def _print_run(
    warehouse: Warehouse, run: "pd.Series[Any]", truth: "pd.Series[float] | None"
) -> None:
    of_run = [table.c.run_id == run["run_id"] for table in (CHANNEL_SUMMARY, DIAGNOSTIC)]
    rows = warehouse.read(sa.select(CHANNEL_SUMMARY).where(of_run[0]))
    summary = fitting.returns(rows).set_index("channel")
    checks = warehouse.read(sa.select(DIAGNOSTIC).where(of_run[1]))
    level = f"{summary['ci_level'].iloc[0]:.0%}"
    columns = {
        "spend": summary["spend"].map("{:,.0f}".format),
        "ROI": summary["roi_mean"].map("{:.2f}".format),
        f"{level} interval": [
            f"{low:.2f} to {high:.2f}"
            for low, high in zip(summary["roi_ci_lo"], summary["roi_ci_hi"], strict=True)
        ],
        "mROI": summary["mroi_mean"].map("{:.2f}".format),
        "learned": summary["roi_learned"].map("{:.0%}".format),
    }
    if truth is not None:
        columns["true ROI"] = truth.reindex(summary.index).map("{:.2f}".format)
    click.echo(
        f"{run['model_key']}: return by channel ({run['n_weeks']:.0f} weeks, {run['currency']}, "
        f"K = {run['components_selected']:.0f})"
    )
    click.echo(pd.DataFrame(columns).to_string())
    if truth is not None:
        true = truth.reindex(summary.index)
        held = (summary["roi_ci_lo"] <= true) & (true <= summary["roi_ci_hi"])
        click.echo(
            f"{held.sum()} of {len(held)} intervals hold the truth (expected: {level} of them)"
        )
    click.echo("\nVerdicts")
    shown = checks[["check_name", "status", "value", "threshold"]]
    click.echo(shown.to_string(index=False, float_format="{:.4g}".format))
    reason = f": {run['gate_reason']}" if pd.notna(run["gate_reason"]) else ""
    click.echo(f"\nRun {run['run_id']} is {run['status']}{reason}")
    click.echo(f"CPU {run['cpu_seconds']:.0f} s, peak memory {run['peak_rss_mb']:.0f} MB")
