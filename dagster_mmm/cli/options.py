"""What several commands ask for: a model, JSON, the settings, the warehouse."""

import json
from typing import Any

import click
import pandas as pd

from dagster_mmm import environment
from dagster_mmm.settings import Settings, load_settings
from dagster_mmm.warehouse.resource import WarehouseResource

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


def warehouse() -> WarehouseResource:
    """The warehouse, with its result tables.

    Raises:
        WarehouseURLError, WarehouseError: if it cannot be used.
    """
    resource = WarehouseResource(url=environment.warehouse_url())
    resource.create_result_tables()
    return resource


def print_json(value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Print plain values for a program."""
    click.echo(json.dumps(value, indent=2, default=str))


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: dates as ISO texts, and null where there is none."""
    return json.loads(rows.to_json(orient="records", date_format="iso", date_unit="s"))


def as_written(value: float) -> str:
    """A number of a table for a person; nothing where there is none."""
    return "" if pd.isna(value) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
