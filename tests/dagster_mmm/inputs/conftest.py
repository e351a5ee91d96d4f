"""Warehouses that dbt has built once, whose marts follow whatever a test loads into them."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from dagster_mmm.environment import ROOT
from dagster_mmm.inputs import ModelInput, RawTable, check_table, judge_stored, load_csv
from dagster_mmm.settings import Settings, dbt_vars
from dagster_mmm.warehouse.database import Warehouse

TODAY = dt.date(2026, 1, 1)
SQL = ROOT / "sql"
# In the order of their dependence; the other models are views, which follow by themselves.
TABLES = {
    "mmm_int_weekly_values": "intermediate",
    "mmm_weekly_input": "marts/input",
    "mmm_rejected_input": "marts/input",
}
# South starts ten weeks later than north.
LATE_START = 10
Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class InputWarehouse:
    """A warehouse with dbt's models in it, and the SQL that dbt compiled for the marts."""

    settings: Settings
    resource: Warehouse
    tables: dict[str, str]

    def judge(self, frame: pd.DataFrame, today: dt.date = TODAY) -> ModelInput:
        self.load(frame.to_csv(index=False).encode())
        return self.judge_table(today)

    def load(self, file: bytes) -> None:
        path = Path(self.resource.place).with_name("input.csv")
        path.write_bytes(file)
        load_csv(self.resource, path, self.settings)

    def check(self) -> RawTable:
        return check_table(self.resource, self.settings)

    def execute(self, *statements: str) -> None:
        with self.resource.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def judge_table(self, today: dt.date = TODAY) -> ModelInput:
        self.execute(
            *(
                f"create or replace table mmm.{mart} as {query}"
                for mart, query in self.tables.items()
            )
        )
        return judge_stored(self.resource, self.settings, today)


def build_warehouse(
    folder: Path, frame: pd.DataFrame, other_tables: str = "", **sections: Any
) -> InputWarehouse:
    document = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
    settings = Settings.read(document | sections)
    resource = Warehouse(url=f"duckdb:///{folder / 'warehouse.duckdb'}")
    frame.to_csv(folder / "input.csv", index=False)
    load_csv(resource, folder / "input.csv", settings)
    with resource.begin() as connection:
        connection.exec_driver_sql(other_tables or "select 1")
    run_dbt(folder, resource, dbt_vars([settings]))
    models = folder / "target" / "compiled" / "mmm" / "models"
    compiled = {n: (models / layer / f"{n}.sql").read_text() for n, layer in TABLES.items()}
    return InputWarehouse(settings, resource, compiled)


def run_dbt(folder: Path, resource: Warehouse, variables: dict[str, Any]) -> None:
    arguments = [Path(sys.executable).with_name("dbt"), "run", "--quiet"]
    arguments += ["--select", "+mmm_weekly_input", "mmm_rejected_input", "--project-dir", SQL]
    arguments += ["--profiles-dir", SQL, "--target-path", folder / "target"]
    arguments += ["--log-path", folder / "logs", "--vars", json.dumps(variables)]
    url = sa.make_url(resource.url)
    environment = os.environ | {"MMM_DBT_TARGET": url.get_backend_name()}
    if resource.file is not None:
        environment["MMM_DUCKDB_PATH"] = str(resource.file)
    else:
        environment["MMM_POSTGRES_HOST"] = url.host or ""
        environment["MMM_POSTGRES_PORT"] = str(url.port)
        environment["MMM_POSTGRES_DATABASE"] = str(url.database)
        environment["MMM_POSTGRES_USER"] = url.username or ""
        environment["DBT_ENV_SECRET_MMM_POSTGRES_PASSWORD"] = url.password or ""
    subprocess.run([str(argument) for argument in arguments], env=environment, check=True)


@pytest.fixture(scope="session")
def weekly(tmp_path_factory: pytest.TempPathFactory, market: Path) -> InputWarehouse:
    """A warehouse whose settings say weekly."""
    return build_warehouse(tmp_path_factory.mktemp("weekly"), pd.read_csv(market))


@pytest.fixture(scope="session")
def by_day(tmp_path_factory: pytest.TempPathFactory, market: Path) -> InputWarehouse:
    """A warehouse whose settings say daily."""
    folder, grain = tmp_path_factory.mktemp("daily"), {"grain": "daily"}
    return build_warehouse(folder, pd.read_csv(market), input=grain)


@pytest.fixture(scope="session")
def events(tmp_path_factory: pytest.TempPathFactory, market: Path) -> InputWarehouse:
    """A warehouse whose promotions are a text, `Sale`, among others."""
    sale = {"name": "promotion", "column": "promotion", "equals": "Sale"}
    folder, frame = tmp_path_factory.mktemp("events"), pd.read_csv(market)
    return build_warehouse(folder, with_events(frame), controls=[sale])


def with_events(frame: pd.DataFrame) -> pd.DataFrame:
    """The market with a text in place of each number of its promotions."""
    return frame.assign(promotion=np.where(frame["promotion"] > 0, "Sale", "none"))


@pytest.fixture(scope="session")
def german(tmp_path_factory: pytest.TempPathFactory, market: Path) -> InputWarehouse:
    """A warehouse whose numbers and dates are texts as in Germany."""
    return build_warehouse(
        tmp_path_factory.mktemp("german"),
        in_german(pd.read_csv(market)),
        input={"date_format": "dmy", "decimal": ",", "thousands": "."},
    )


def in_german(frame: pd.DataFrame) -> pd.DataFrame:
    """Euros with a comma and points between thousands, days before months."""
    marks = str.maketrans(",.", ".,")
    texts = {
        column: frame[column].map(lambda value: f"{1000 * value:,.4f} €".translate(marks))
        for column in frame.select_dtypes("number")
    }
    return frame.assign(week=pd.to_datetime(frame["week"]).dt.strftime("%d.%m.%Y"), **texts)


@pytest.fixture(scope="session")
def geos(market: Path) -> pd.DataFrame:
    """Two series of the market, with a newsletter, and a column that names them."""
    frame = pd.read_csv(market).assign(mails=np.tile([1000, 0], 78))
    north, south = frame.assign(geo="north"), frame.assign(geo="south")
    south[["revenue", "tv_spend"]] /= 2
    return pd.concat([north, south[LATE_START:]], ignore_index=True)


@pytest.fixture(scope="session")
def by_geo(tmp_path_factory: pytest.TempPathFactory, geos: pd.DataFrame) -> InputWarehouse:
    """A warehouse whose settings name a series column and an organic medium."""
    return build_warehouse(
        tmp_path_factory.mktemp("geos"),
        geos,
        input={"series_column": "geo"},
        organic=[{"name": "newsletter", "column": "mails"}],
    )


@pytest.fixture(scope="session")
def by_platform(tmp_path_factory: pytest.TempPathFactory, market: Path) -> InputWarehouse:
    """A warehouse whose spend stands in reports: a row a day on which a platform spent.

    The platforms are called as the columns of the market; a test makes `ads.spend`, which is read,
    of `ads.all_spend`.
    """
    frame = pd.read_csv(market)
    platforms = [column for column in frame if column.endswith("_spend")]
    rows = [
        f"('{platform}', date '{week}' + {day}, {spend / 7!r}::double)"
        for platform in platforms
        for week, spend in zip(frame["week"], frame[platform], strict=True)
        for day in range(7)
        if spend > 0
    ]
    return build_warehouse(
        tmp_path_factory.mktemp("platforms"),
        frame,
        "create schema ads; create table ads.all_spend as "
        f"select * from (values {', '.join(rows)}) as r(platform, date_day, spend); "
        "create view ads.spend as from ads.all_spend",
        input={"reports": {"table": "ads.spend"}},
    )


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory, market: Path) -> InputWarehouse:
    """A warehouse whose outcome is orders, with their revenue beside them."""
    outcome = {"name": "orders", "kind": "count", "value_column": "revenue"}
    frame = in_orders(pd.read_csv(market))
    return build_warehouse(tmp_path_factory.mktemp("orders"), frame, outcome=outcome)


def in_orders(frame: pd.DataFrame) -> pd.DataFrame:
    """The market with its orders: of 80 each in the first two years, of 100 in the third."""
    return frame.assign(orders=frame["revenue"] / np.where(frame.index < 104, 80.0, 100.0))


def with_value(row: int, column: str, value: object) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype(object)
        frame.loc[row, column] = value
        return frame

    return change


def daily(frame: pd.DataFrame) -> pd.DataFrame:
    days = frame.loc[frame.index.repeat(7)].reset_index(drop=True)
    offset = pd.to_timedelta(np.tile(np.arange(7), len(frame)), unit="D")
    numbers = [c for c in frame if c.endswith("_spend") or c == "revenue"]
    days["week"] = (pd.to_datetime(days["week"]) + offset).dt.strftime("%Y-%m-%d")
    days[numbers] = days[numbers] / 7
    return days


def rows_of(frame: pd.DataFrame, geo: str, *weeks: int) -> list[int]:
    """The labels of a series' rows, counted from its first week or, below 0, from its last."""
    labels = frame.index[frame["geo"] == geo]
    return [labels[week] for week in weeks]
