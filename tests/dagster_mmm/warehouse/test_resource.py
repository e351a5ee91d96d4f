"""The warehouse file: its lock, its transactions, its name."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock
from pydantic import ValidationError

from dagster_mmm.warehouse.resource import (
    OutdatedTablesError,
    WarehouseBusyError,
    WarehouseResource,
)
from dagster_mmm.warehouse.tables import METADATA, SCHEMA


def test_result_tables_are_made_once_and_bear_their_documentation(tmp_path: Path) -> None:
    warehouse = WarehouseResource(url=f"duckdb:///{tmp_path / 'new' / 'warehouse.duckdb'}")
    warehouse.create_result_tables()
    warehouse.create_result_tables()
    columns = warehouse.read(
        sa.text(
            "select table_name, column_name, comment from duckdb_columns() "
            f"where schema_name = '{SCHEMA}'"
        )
    )
    assert set(columns["table_name"]) == {table.name for table in METADATA.tables.values()}
    assert columns["comment"].str.len().min() > 0


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            "alter table mmm.mmm_accuracy rename column value to val",
            "- mmm.mmm_accuracy lacks value; has the unknown val",
        ),
        (
            "alter table mmm.mmm_accuracy alter value type bigint",
            "- mmm.mmm_accuracy has other types of value",
        ),
        (
            "alter table mmm.mmm_accuracy alter value drop not null",
            "- mmm.mmm_accuracy has other types of value",
        ),
    ],
    ids=["name", "type", "nullability"],
)
def test_tables_of_another_version_are_named_with_the_remedy(
    tmp_path: Path, change: str, found: str
) -> None:
    warehouse = WarehouseResource(url=f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        connection.execute(sa.text(change))
        connection.execute(sa.text("drop table mmm.mmm_lift_test"))
    with pytest.raises(OutdatedTablesError, match="Rename these tables, or drop them") as error:
        warehouse.create_result_tables()
    assert [line for line in str(error.value).splitlines() if line.startswith("- ")] == [found]
    with warehouse.begin() as connection:
        assert not sa.inspect(connection).has_table("mmm_lift_test", schema=SCHEMA)


def test_a_busy_warehouse_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    warehouse = WarehouseResource(url=f"duckdb:///{path}", lock_seconds=0)
    busy = pytest.raises(WarehouseBusyError, match=r"another job has been writing to .*duckdb")
    with FileLock(f"{path}.lock"), busy:
        warehouse.read(sa.text("select 1"))
    assert warehouse.read(sa.text("select 1 as one"))["one"].item() == 1


def test_an_error_rolls_the_transaction_back(tmp_path: Path) -> None:
    warehouse = WarehouseResource(url=f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    with pytest.raises(ZeroDivisionError), warehouse.begin() as connection:
        connection.execute(sa.text("create table t (x integer)"))
        _ = 1 / 0
    with warehouse.begin() as connection:
        assert not sa.inspect(connection).has_table("t")


def test_a_file_named_like_the_schema_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValidationError, match="call it something else"):
        WarehouseResource(url="duckdb:///data/mmm.duckdb").place
