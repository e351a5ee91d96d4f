"""The job in a dbt project that is not ours: from that project's mart to its board's report."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from tests.conftest import QUICK
from tests.sql.test_package import SQL, Shop, shop_with

PLATFORMS = {"tv_spend": "tv", "search_spend": "google_ads", "social_spend": "facebook_ads"}


def write_seeds(project: Path, market: Path) -> None:
    """The demo's market as what the shop's own pipelines load."""
    weeks = pd.read_csv(market)
    days = pd.to_datetime(weeks["week"])
    spend = weeks.rename(columns=PLATFORMS)[list(PLATFORMS.values())]
    reports = spend.assign(date_day=days).melt("date_day", var_name="platform", value_name="spend")
    # The reports go on to the last Sunday.
    sunday = {"date_day": days.max() + pd.Timedelta(days=6), "platform": "tv", "spend": 0.0}
    reports = pd.concat([reports, pd.DataFrame([sunday])])
    seeds = project / "seeds"
    reports.to_csv(seeds / "ad_reporting__account_report.csv", index=False, date_format="%Y-%m-%d")
    orders = pd.DataFrame({"ordered_on": days, "revenue": weeks["revenue"]})
    orders.to_csv(seeds / "orders.csv", index_label="order_id", date_format="%Y-%m-%d")


def mmm(shop: Shop, folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "MMM_DBT_PROJECT": str(shop.folder),
        "MMM_DUCKDB_PATH": shop.environment["SHOP_DUCKDB_PATH"],
        "MMM_SETTINGS": str(folder / "mmm.yaml"),
        "MMM_STATE": str(folder / "state"),
        "MMM_WAREHOUSE_URL": "",
        "DAGSTER_HOME": str(folder),
    }
    return subprocess.run(
        [str(Path(sys.executable).with_name("mmm")), *command],
        env=os.environ | dict(shop.environment) | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def shop(tmp_path: Path, market: Path) -> Shop:
    file = tmp_path / "shop.duckdb"
    made = shop_with(
        tmp_path / "project",
        {"local": str(SQL)},
        f"duckdb:///{file}",
        SHOP_TARGET="duckdb",
        SHOP_DUCKDB_PATH=str(file),
    )
    write_seeds(made.folder, market)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    settings = {
        "models": {"shop": {}},
        "currency": "EUR",
        "input": {
            "table": "marts.mmm_input_wide",
            "date_column": "week_start",
            "model_column": "model_key",
            "series_column": "series_key",
        },
        "outcome": {"name": "revenue"},
        "channels": [{"name": name} for name in PLATFORMS.values()],
    }
    # What it publishes is of no matter here: only that it does.
    hasty = {"sampler": {"chains": 2, "warmup": 100, "draws": 100}}
    loose = QUICK | hasty | {"gate": {"max_r_hat": 10.0, "min_ess": 1, "max_divergence_rate": 1.0}}
    (tmp_path / "mmm.yaml").write_text(yaml.safe_dump(settings | loose))
    return made


@pytest.mark.slow
def test_the_job_refits_from_the_projects_mart_and_its_report_reads_the_result(
    shop: Shop, tmp_path: Path
) -> None:
    # Its own part of the project, up to the contract.
    shop.dbt("build", "--select", "+mmm_input_wide")
    # The lineage is whole: the input is known by its name, whatever schema it stands in.
    checked = mmm(shop, tmp_path, "data", "check", "--model", "shop")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    ran = mmm(shop, tmp_path, "run")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (spend,) = shop.rows("select sum(value) from mmm.mmm_weekly_input where role = 'spend'")
    (reported,) = shop.rows("select sum(spend) from raw.ad_reporting__account_report")
    assert spend[0] == pytest.approx(reported[0])
    # And what reads the result, by the project's own dbt.
    shop.dbt("run", "--select", "board_report", "--vars", "{mmm_results_schema: mmm}")
    assert {row[1] for row in shop.rows("select * from marts.board_report")} == set(
        PLATFORMS.values()
    )


def test_a_project_that_puts_the_models_elsewhere_is_told_so(shop: Shop, tmp_path: Path) -> None:
    file = shop.folder / "dbt_project.yml"
    file.write_text(file.read_text().replace("+schema: mmm", "+schema: elsewhere"))
    with shop.engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("marts"))
        connection.execute(
            sa.text(
                "create table marts.mmm_input_wide as "
                "select 'shop' as model_key, 'n' as series_key, "
                "date '2025-01-06' as week_start, 1.0 as revenue, 1.0 as tv, 1.0 as google_ads, "
                "1.0 as facebook_ads"
            )
        )
    ran = mmm(shop, tmp_path, "run")
    assert ran.returncode != 0
    assert "in the schema 'elsewhere'" in ran.stdout + ran.stderr
