"""`mmm init`: a project folder for a CSV, a Parquet file or a table of the warehouse."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import sqlalchemy as sa
import yaml

from dagster_mmm import environment
from dagster_mmm.cli.project_files import existing, project_files, settings_text, write
from dagster_mmm.inputs.errors import RawTableError
from dagster_mmm.inputs.files import read_texts
from dagster_mmm.inputs.profile import profile
from dagster_mmm.inputs.proposal import Proposal, ProposalError, Wishes, propose
from dagster_mmm.settings import SettingsError, check_columns
from dagster_mmm.settings.fields import Weekday
from dagster_mmm.settings.models import read_models
from dagster_mmm.warehouse.database import Warehouse

if TYPE_CHECKING:
    import pandas as pd

DEMO_FILE = "market.csv"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A CSV or Parquet file, of weeks or days; it is loaded in each run.",
)
@click.option("--table", metavar="SCHEMA.TABLE", help="A table of the warehouse, in its place.")
@click.option("--demo", is_flag=True, help="A simulated market with known truth, in their place.")
@click.option("--date", metavar="COLUMN", help="The column of the dates.")
@click.option("--series", metavar="COLUMN", help="The column of geos, stores or brands.")
@click.option("--outcome", metavar="COLUMN", help="The column of revenue, orders or the like.")
@click.option("--spend", metavar="COLUMN", multiple=True, help="A channel's; may be repeated.")
@click.option("--organic", metavar="COLUMN", multiple=True, help="Of a medium without spend.")
@click.option("--control", "controls", metavar="COLUMN", multiple=True, help="Of anything else.")
@click.option("--currency", metavar="CODE", help="Of all money, as EUR.")
@click.option("--week-starts-on", type=click.Choice(get_args(Weekday)))
@click.option("--model-key", metavar="KEY", help="The model; by default as the data are called.")
@click.option(
    "--ask/--no-ask",
    default=None,
    help="Confirm what was found, one by one; by default on a terminal.",
)
@click.option("--force", is_flag=True, help="Write over files that are there already.")
def init(
    folder: Path,
    data: Path | None,
    table: str | None,
    demo: bool,
    model_key: str | None,
    ask: bool | None,
    force: bool,
    **wishes: Any,  # noqa: ANN401
) -> None:
    """Make a project in a folder, by default this one: settings, Dagster's home, a README.

    Looks at the columns of a file or table and proposes what each is, with a reason. Nothing is
    loaded or fitted yet, and no file that is there is written over without --force.

    \b
    Examples:
      mmm init --data weekly.csv
      mmm init shop --data weekly.parquet --outcome orders --currency EUR --no-ask
      mmm init --table marts.weekly_marketing
      mmm init --demo
    """
    asks = sys.stdin.isatty() if ask is None else ask
    if asks and not (data or table or demo):
        data = Path(click.prompt("The CSV or Parquet file", type=click.Path(exists=True)))
    if sum(map(bool, (data, table, demo))) != 1:
        raise click.UsageError("name one of --data, --table and --demo")
    if demo:
        files = demo_files()
    else:
        files = _files_of(folder, data, str(table), model_key, Wishes(**wishes), asks)
    _refuse_to_overwrite(folder, files, force)
    write(folder, files)
    click.echo(f"\nwritten to {folder.resolve()}: {', '.join(files)}")
    go_there = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    click.echo(f"next: {go_there}mmm {'demo' if demo else 'data check && mmm run'}")


def demo_files() -> dict[str, str]:
    """The project of the demo: a simulated market, and the settings that describe it."""
    # Not at the top: it imports JAX.
    from dagster_mmm.cli.demo import market_text

    described = environment.DEMO_SETTINGS.read_text(encoding="utf-8")
    settings = described.replace("input:\n", f"input:\n  file: {DEMO_FILE}\n", 1)
    return project_files(settings, "demo") | {DEMO_FILE: market_text()}


def _refuse_to_overwrite(folder: Path, files: dict[str, str], force: bool) -> None:
    there = existing(folder, files)
    if there and not force:
        raise click.UsageError(
            f"{', '.join(there)} in {folder.resolve()}: there already; name another folder, or "
            "write over with --force"
        )


def _files_of(
    folder: Path, data: Path | None, table: str, model_key: str | None, wishes: Wishes, ask: bool
) -> dict[str, str]:
    """The files of a project for data of the user's.

    Raises:
        click.ClickException: if nothing can be proposed for them.
        SettingsError: if the settings that were asked for cannot be used.
    """
    source = table if data is None else data.name
    key = model_key or re.sub(r"\W+", "_", Path(source).stem if data else table.split(".")[-1])
    try:
        found = profile(_rows(data, table))
        proposal = propose(found, wishes)
        if ask:
            proposal = propose(found, _confirmed(proposal, wishes))
    except (ProposalError, RawTableError) as error:
        raise click.ClickException(str(error)) from error
    of_input = {"table": table}
    if data is not None:
        of_input = {"table": f"raw.{_table_name(key)}", "file": _path_from(folder, data)}
    settings = settings_text(proposal, key, of_input, source)
    _require_usable(folder, settings, list(map(str, found.texts.columns)))
    _say(proposal)
    return project_files(settings, key)


def _rows(data: Path | None, table: str) -> "pd.DataFrame":
    import pandas as pd

    if data is not None:
        return read_texts(data).to_pandas()
    schema, _, name = table.partition(".")
    warehouse = Warehouse(url=environment.warehouse_url())
    if warehouse.file is not None and not warehouse.file.exists():
        raise RawTableError(f"there is no warehouse {warehouse.place}; set MMM_WAREHOUSE_URL")
    with warehouse.connected() as connection:
        if not name or not sa.inspect(connection).has_table(name, schema=schema):
            raise RawTableError(f"there is no table {table} in {warehouse.place}")
        query = sa.select(sa.text("*")).select_from(sa.table(name, schema=schema))
        rows = pd.DataFrame(connection.execute(query).mappings().all())
    # As a file's texts: a day, a number, or nothing.
    return rows.map(str, na_action="ignore").astype("str")


def _table_name(key: str) -> str:
    name = re.sub(r"\W", "_", key).lower()
    return name if name[0].isalpha() else f"table_{name}"


def _path_from(folder: Path, data: Path) -> str:
    """Relative where the file is in the project, and stays with it; or else absolute."""
    inside = data.resolve().is_relative_to(folder.resolve())
    return os.path.relpath(data.resolve(), folder.resolve()) if inside else str(data.resolve())


def _confirmed(proposal: Proposal, wishes: Wishes) -> Wishes:
    """What the user says to each part of the proposal; an empty answer takes it."""
    of_input = {key: entry for entry in proposal.input for key in entry.keys}

    def asked(title: str, key: str, entry: Any) -> Any:  # noqa: ANN401
        return click.prompt(f"{title} ({entry.reason})", default=entry.keys[key])

    wishes = replace(
        wishes,
        date=asked("Date column", "date_column", of_input["date_column"]),
        outcome=asked("Outcome column", "column", proposal.outcome),
        currency=asked("Currency", "currency", proposal.currency),
        week_starts_on=asked("Weeks start on", "week_starts_on", of_input["week_starts_on"]),
    )
    if "series_column" in of_input:
        series = asked("Series column", "series_column", of_input["series_column"])
        wishes = replace(wishes, series=series)
    columns = [str(entry.keys["column"]) for entry in proposal.channels]
    answer = click.prompt("Columns of spend, with a comma between them", ", ".join(columns))
    return replace(wishes, spend=[name.strip() for name in answer.split(",")])


def _require_usable(folder: Path, settings: str, columns: list[str]) -> None:
    """That the job's own checks take the settings, before they are written.

    Raises:
        SettingsError: if they do not.
    """
    models = read_models(folder / environment.PROJECT_SETTINGS, yaml.safe_load(settings))
    found = models.all()
    if found.mistakes:
        raise SettingsError("\n".join(map(str, found.mistakes.values())))
    for model in found.usable.values():
        check_columns(model, columns)


def _say(proposal: Proposal) -> None:
    for title, entries in (
        ("input", [*proposal.input, proposal.currency]),
        ("outcome", [proposal.outcome]),
        ("channel", proposal.channels),
        ("organic", proposal.organic),
        ("control", proposal.controls),
    ):
        for entry in entries:
            what = entry.keys.get("column") or ", ".join(map(str, entry.keys.values()))
            click.echo(f"{title:8} {what}: {entry.reason}")
    for column, reason in proposal.left_out.items():
        click.echo(f"left out {column}: {reason}")
