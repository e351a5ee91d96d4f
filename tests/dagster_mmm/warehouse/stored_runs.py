"""Runs in a warehouse as a fit leaves them there, published or not."""

from datetime import datetime, timedelta

import pandas as pd

from dagster_mmm.fitting.result_rows import started_run
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import publish
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.tables import DIAGNOSTIC, RUN

MONDAY, TUESDAY = datetime(2026, 1, 5), datetime(2026, 1, 6)


def store(
    warehouse: Warehouse,
    run_id: str,
    started: datetime,
    status: str | None = "pass",
    model_key: str = "demo",
    value: float = 1.2,
    model_version: str = "first",
    n_weeks: int | None = 60,
) -> None:
    settings = Settings.read(
        {
            "model_key": model_key,
            "currency": "EUR",
            "outcome": {"name": "revenue"},
            "channels": [{"name": "tv"}],
        }
    )
    row = started_run(run_id, started, settings, model_version)
    frames = {RUN: row.assign(n_weeks=n_weeks)}
    if status is not None:
        check = {
            "run_id": run_id,
            "model_key": model_key,
            "check_name": "max_r_hat",
            "status": status,
            "value": value,
            "threshold": 1.01,
            "is_blocking": True,
            "description": "Worst R-hat.",
        }
        advice = check | {"check_name": "holdout", "status": "warn", "is_blocking": False}
        frames[DIAGNOSTIC] = pd.DataFrame([check, advice])
    with warehouse.begin() as connection:
        replace_run(connection, run_id, frames)


def statuses(warehouse: Warehouse) -> dict[str, str]:
    rows = warehouse.read(RUN.select())
    return dict(zip(rows["run_id"], rows["status"], strict=True))


def publish_each(warehouse: Warehouse, *run_ids: str) -> None:
    for week, run_id in enumerate(run_ids):
        day = MONDAY + timedelta(weeks=week)
        store(warehouse, run_id, day)
        with warehouse.begin() as connection:
            publish(connection, "demo", run_id, day)
