"""Their sources, their dbt project, and resources that they call `warehouse` and `dbt`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

PROJECT = DbtProject(project_dir=Path(__file__).parents[2] / "dbt")
PROJECT.prepare_if_dev()


class Warehouse(dg.ConfigurableResource):
    """Not the one of the model's job."""

    path: str

    def load(self, table: str, file: str) -> int:
        """A CSV as a table; how many rows it has."""
        with duckdb.connect(self.path) as connection:
            connection.execute("create schema if not exists raw")
            connection.execute(f"create or replace table raw.{table} as from read_csv('{file}')")
            (rows,) = connection.execute(f"select count(*) from raw.{table}").fetchone() or (0,)
        return rows


def _loaded(warehouse: Warehouse, table: str) -> dg.MaterializeResult:
    rows = warehouse.load(table, f"{os.environ['ACME_FILES']}/{table}.csv")
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


@dg.asset(key=["shop", "orders"], group_name="sources")
def orders(warehouse: Warehouse) -> dg.MaterializeResult:
    """Revenue and prices of the shop, a row a week."""
    return _loaded(warehouse, "orders")


@dg.asset(key=["ads", "spend"], group_name="sources")
def spend(warehouse: Warehouse) -> dg.MaterializeResult:
    """Spend by platform, a row a week and platform."""
    return _loaded(warehouse, "spend")


class Marts(DagsterDbtTranslator):
    """Their marts, in a group of their own."""

    def get_group_name(self, dbt_resource_props: Any) -> str:
        return "marts"


@dbt_assets(manifest=PROJECT.manifest_path, project=PROJECT, dagster_dbt_translator=Marts())
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Their dbt models."""
    yield from dbt.cli(["build"], context=context).stream()


@dg.definitions
def marketing() -> dg.Definitions:
    return dg.Definitions(
        assets=[orders, spend, models],
        # A job called as one of the model's.
        jobs=[
            dg.define_asset_job(
                "refit",
                selection=["shop/orders", "ads/spend", "weekly_marketing"],
                executor_def=dg.in_process_executor,
            )
        ],
        resources={
            "warehouse": Warehouse(path=os.environ["ACME_DUCKDB"]),
            "dbt": DbtCliResource(project_dir=PROJECT),
        },
    )
