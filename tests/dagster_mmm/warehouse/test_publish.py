"""The publish pointer on a real DuckDB file."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from dagster_mmm.results import started_run
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse.bulk import replace_run
from dagster_mmm.warehouse.publish import (
    NotPublishableError,
    latest_run,
    publish,
    published_run,
    stored_verdict,
    was_published,
)
from dagster_mmm.warehouse.resource import WarehouseResource
from dagster_mmm.warehouse.tables import DIAGNOSTIC, PUBLICATION, RUN

MONDAY, TUESDAY = datetime(2026, 1, 5), datetime(2026, 1, 6)


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseResource:
    resource = WarehouseResource(path=str(tmp_path / "warehouse.duckdb"))
    resource.create_result_tables()
    return resource


def store(
    warehouse: WarehouseResource,
    run_id: str,
    started: datetime,
    status: str | None = "pass",
    model_key: str = "demo",
) -> None:
    settings = Settings.model_validate(
        {
            "model_key": model_key,
            "currency": "EUR",
            "outcome": {"name": "revenue"},
            "channels": [{"name": "tv"}],
        }
    )
    frames = {RUN: started_run(run_id, pd.Timestamp(started), settings)}
    if status is not None:
        check = {
            "run_id": run_id,
            "model_key": model_key,
            "check_name": "max_r_hat",
            "status": status,
            "value": 1.2,
            "threshold": 1.01,
            "is_blocking": True,
            "description": "Worst R-hat.",
        }
        advice = check | {"check_name": "holdout", "status": "warn", "is_blocking": False}
        frames[DIAGNOSTIC] = pd.DataFrame([check, advice])
    with warehouse.begin() as connection:
        replace_run(connection, run_id, frames)


def statuses(warehouse: WarehouseResource) -> dict[str, str]:
    rows = warehouse.read(RUN.select())
    return dict(zip(rows["run_id"], rows["status"], strict=True))


def test_the_pointer_moves_and_the_old_run_is_superseded(warehouse: WarehouseResource) -> None:
    store(warehouse, "a", MONDAY)
    store(warehouse, "b", TUESDAY)
    store(warehouse, "other", TUESDAY, model_key="other")
    for run_id, day in (("a", MONDAY), ("b", TUESDAY)):
        with warehouse.begin() as connection:
            publish(connection, "demo", run_id, day)
            assert published_run(connection, "demo") == run_id
    assert statuses(warehouse) == {"a": "superseded", "b": "published", "other": "running"}
    with warehouse.begin() as connection:
        assert latest_run(connection, "demo") == "b"
        assert published_run(connection, "other") is None
        assert was_published(connection, "a")
        assert not was_published(connection, "other")


def test_publishing_the_live_run_again_changes_nothing(warehouse: WarehouseResource) -> None:
    store(warehouse, "a", MONDAY)
    for day in (MONDAY, TUESDAY):
        with warehouse.begin() as connection:
            publish(connection, "demo", "a", day)
    pointer = warehouse.read(PUBLICATION.select())
    assert list(pointer["published_at"]) == [pd.Timestamp(MONDAY)]


@pytest.mark.parametrize(
    "status, reason",
    [
        ("fail", "max_r_hat is 1.2, allowed 1.01: Worst R-hat."),
        (None, "it has no stored diagnostics"),
    ],
)
def test_a_run_without_a_clean_verdict_is_never_published(
    warehouse: WarehouseResource, status: str | None, reason: str
) -> None:
    store(warehouse, "good", MONDAY)
    store(warehouse, "bad", TUESDAY, status)
    with warehouse.begin() as connection:
        publish(connection, "demo", "good", MONDAY)
    with warehouse.begin() as connection:
        assert reason in stored_verdict(connection, "bad").reasons[0]
    refused = pytest.raises(NotPublishableError, match="last good run stays live")
    with refused, warehouse.begin() as connection:
        publish(connection, "demo", "bad", TUESDAY)
    with warehouse.begin() as connection:
        assert published_run(connection, "demo") == "good"
