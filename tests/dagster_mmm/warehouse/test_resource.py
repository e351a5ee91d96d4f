"""Steps are run again for a warehouse that is busy or away, and for nothing else."""

from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from filelock import FileLock

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.resource import MAX_RETRIES, RetriedWarehouse


def run(warehouse: RetriedWarehouse, attempts: list[int], query: str, unlock: FileLock) -> bool:
    """Run an asset that reads the warehouse; the lock is given back at the third attempt."""

    @dg.asset
    def reads(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        attempts.append(context.retry_number)
        if context.retry_number == 2:
            unlock.release()
        with warehouse.begin() as connection:
            connection.execute(sa.text(query))

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [reads], instance=instance, resources={"warehouse": warehouse}, raise_on_error=False
        )
    return result.success


@pytest.fixture
def warehouse(tmp_path: Path) -> RetriedWarehouse:
    url = f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    return RetriedWarehouse(url=url, lock_seconds=0, retry_seconds=0)


def test_a_step_waits_for_a_busy_warehouse(warehouse: RetriedWarehouse) -> None:
    attempts: list[int] = []
    with FileLock(f"{warehouse.place}.lock") as held:
        assert run(warehouse, attempts, "select 1", held)
    assert attempts == [0, 1, 2]


def test_a_warehouse_that_stays_away_fails_the_step_in_the_end(tmp_path: Path) -> None:
    attempts: list[int] = []
    # Port 9 discards: nobody listens.
    away = RetriedWarehouse(url="postgresql+psycopg://u:secret@127.0.0.1:9/db", retry_seconds=0)
    assert not run(away, attempts, "select 1", FileLock(tmp_path / "unused.lock"))
    assert attempts == list(range(MAX_RETRIES + 1))


def test_what_is_wrong_now_is_wrong_in_a_minute(
    warehouse: RetriedWarehouse, tmp_path: Path
) -> None:
    attempts: list[int] = []
    unused = FileLock(tmp_path / "unused.lock")
    assert not run(warehouse, attempts, "select * from nowhere", unused)
    assert attempts == [0]
