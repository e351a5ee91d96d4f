"""What several commands ask for: settings, model, JSON, the warehouse; and how they print."""

import json
import os
from pathlib import Path
from typing import Any

import click
import pandas as pd

from dagster_mmm import environment
from dagster_mmm.settings import Settings, load_settings
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.runs import NoRunsError, RunRecord, read_run


def _use_settings(ctx: click.Context, _: click.Parameter, file: Path | None) -> None:
    """Let the command, and what it starts, find this settings file."""
    if file is None:
        return
    before = os.environ.get("MMM_SETTINGS")
    os.environ["MMM_SETTINGS"] = str(file.resolve())

    def restore() -> None:
        if before is None:
            del os.environ["MMM_SETTINGS"]
        else:
            os.environ["MMM_SETTINGS"] = before

    ctx.call_on_close(restore)


class Command(click.Command):
    """A command that takes `--settings`."""

    def __init__(self, *args: Any, **keywords: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **keywords)
        self.params.append(
            click.Option(
                ["--settings"],
                type=click.Path(path_type=Path),
                metavar="FILE",
                expose_value=False,
                is_eager=True,
                callback=_use_settings,
                help="The settings file; by default MMM_SETTINGS, or else mmm.yaml.",
            )
        )


class Group(click.Group):
    """A group whose commands take `--settings`."""

    command_class = Command


model_option = click.option(
    "--model", "model_key", metavar="KEY", help="The model; by default the settings' only one."
)
any_model_option = click.option(
    "--model", "model_key", metavar="KEY", help="Only this model; by default all."
)
run_argument = click.argument("run_id", metavar="RUN")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def one_model(model_key: str | None) -> Settings:
    """The settings of the model asked for.

    Raises:
        SettingsError: if the settings cannot be used, have no such model, or have several and none
            was named.
    """
    return load_settings(environment.settings_path(), model_key)


def warehouse() -> Warehouse:
    """The warehouse that results have been written to, its tables as this version has them.

    Raises:
        NoRunsError: if there are no result tables; who asks makes none.
        WarehouseURLError, WarehouseError: if it cannot be used.
    """
    resource = Warehouse(url=environment.warehouse_url())
    if not resource.has_result_tables():
        raise NoRunsError(
            f"there is no run in {resource.place} yet; `mmm run` makes the first, and `mmm fit` "
            "one that is not published"
        )
    resource.create_result_tables()
    return resource


def the_run(run_id: str) -> RunRecord:
    """A run of the warehouse, by its id or the beginning of it.

    Raises:
        UnknownRunError: if there is none such, or several.
    """
    with warehouse().connected() as connection:
        return read_run(connection, run_id)


def print_json(value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Print plain values for a program."""
    click.echo(json.dumps(value, indent=2, default=str))


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: dates as ISO texts, and null where there is none."""
    return json.loads(rows.to_json(orient="records", date_format="iso", date_unit="s"))


def as_written(value: float) -> str:
    """A number of a table for a person; nothing where there is none."""
    return "" if pd.isna(value) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
