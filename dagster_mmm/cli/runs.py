"""`mmm runs`, `mmm show`, `mmm explain`: the record of what was fitted, read."""

import click
import pandas as pd

from dagster_mmm.cli.explanation import explanation, failed, with_age
from dagster_mmm.cli.options import (
    Command,
    any_model_option,
    as_written,
    json_option,
    print_json,
    records,
    run_argument,
    the_run,
    warehouse,
)
from dagster_mmm.warehouse.runs import NoRunsError, list_publications, list_runs

LISTED = (
    "started_at",
    "run_id",
    "model_key",
    "status",
    "is_published",
    "as_of_week",
    "is_outdated",
    "gate_reason",
)
RETURNS = ["channel", "spend", "roi_mean", "roi_ci_lo", "roi_ci_hi", "mroi_mean", "roi_learned"]
REASON_WIDTH = 60


@click.command(cls=Command)
@any_model_option
@click.option("--published", is_flag=True, help="What readers saw and when, rollbacks included.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@json_option
def runs(model_key: str | None, published: bool, limit: int, as_json: bool) -> None:
    """List runs, the newest first; rejected ones too, with the reason.

    \b
    Examples:
      mmm runs
      mmm runs --model retail --published
      mmm runs --json --limit 100
    """
    listed = list_publications if published else list_runs
    try:
        with warehouse().connected() as connection:
            rows = with_age(listed(connection, model_key, limit))
    except NoRunsError:
        rows = pd.DataFrame()
    if as_json:
        print_json(records(rows))
    elif rows.empty:
        of_model = f" of {model_key}" if model_key else ""
        click.echo(f"there is no {'publication' if published else 'run'}{of_model} yet")
    else:
        shown = rows if published else rows[list(LISTED)]
        shown = shown.assign(as_of_week=shown["as_of_week"].astype(str).str[:10])
        if not published:
            shown["gate_reason"] = shown["gate_reason"].str.slice(0, REASON_WIDTH)
        click.echo(shown.to_string(index=False, na_rep=""))


@click.command(cls=Command)
@run_argument
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show a run: its row, its verdicts, and what it says each channel is worth.

    RUN is its id, or the first characters of it.

    \b
    Examples:
      mmm show 3f2a91c0
      mmm show 3f2a91c0 --json
    """
    record = the_run(run_id)
    if as_json:
        print_json(
            {
                "run": records(with_age(record.run.to_frame().T))[0],
                "checks": records(record.checks),
                "channels": records(record.channels),
            }
        )
        return
    click.echo(with_age(record.run.to_frame().T).iloc[0].dropna().to_string())
    summary = record.channels
    totals = summary[(summary["period"] == "all") & summary["is_paid"]]
    for rows, columns in (
        (totals, ["series_key", *RETURNS]),
        (record.checks, ["check_name", "status", "value", "threshold", "is_blocking"]),
    ):
        if not rows.empty:
            click.echo()
            click.echo(rows[columns].to_string(index=False, float_format=as_written))


@click.command(cls=Command)
@run_argument
@json_option
def explain(run_id: str, as_json: bool) -> None:
    """Say why a run was rejected, from its stored verdicts, and what to do about each.

    RUN is its id, or the first characters of it.

    \b
    Examples:
      mmm explain 3f2a91c0
      mmm explain 3f2a91c0 --json
    """
    record = the_run(run_id)
    if not as_json:
        click.echo(explanation(record))
        return
    row = records(with_age(record.run.to_frame().T))[0]
    kept = ("run_id", "model_key", "status", "is_outdated", "gate_reason")
    print_json({**{key: row[key] for key in kept}, "failed_checks": records(failed(record))})
