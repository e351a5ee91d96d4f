"""The warehouse: its locks, its transactions, its tables, what it says when refused."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from dagster_mmm.warehouse.database import OutdatedTablesError, Warehouse
from dagster_mmm.warehouse.errors import (
    WarehouseBusyError,
    WarehouseDamagedError,
    WarehousePermissionError,
    WarehouseUnreachableError,
)
from dagster_mmm.warehouse.tables import INPUT_SNAPSHOT, METADATA, RESPONSE_CURVE, RUN, SCHEMA
from tests.dagster_mmm.warehouse.stored_runs import MONDAY, store
from tests.postgres_server import run_sql


def on(url: sa.URL, **settings: int) -> Warehouse:
    return Warehouse(url=url.render_as_string(hide_password=False), **settings)


def test_result_tables_are_made_once_and_bear_their_documentation(
    warehouse: Warehouse,
) -> None:
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        inspector = sa.inspect(connection)
        for table in METADATA.tables.values():
            found = inspector.get_columns(str(table.name), schema=SCHEMA)
            assert {c["name"]: c["comment"] for c in found} == {
                c.name: c.comment for c in table.columns
            }


def test_a_branch_has_a_schema_of_its_own(warehouse: Warehouse) -> None:
    branch = Warehouse(url=warehouse.url, schema="mmm_pr_7")
    branch.create_result_tables()
    # Made once more, nothing differs; a column of an earlier version is added there alone.
    with branch.begin() as connection:
        connection.exec_driver_sql("alter table mmm_pr_7.mmm_run drop column gate_reason")
    branch.create_result_tables()
    store(branch, "a", MONDAY)
    store(warehouse, "b", MONDAY)
    for of, run_id in ((branch, "a"), (warehouse, "b")):
        assert list(of.read(sa.select(RUN.c.run_id))["run_id"]) == [run_id]
        with of.connected() as connection:
            found = connection.exec_driver_sql(f"select run_id from {of.schema}.mmm_run").scalars()
            assert list(found) == [run_id]


def test_a_duckdb_file_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "warehouse.duckdb"
    Warehouse(url=f"duckdb:///{path}").create_result_tables()
    assert path.is_file()


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
    warehouse: Warehouse, change: str, found: str
) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text(change))
        connection.execute(sa.text("drop table mmm.mmm_lift_test"))
    with pytest.raises(OutdatedTablesError, match="Rename these tables, or drop them") as error:
        warehouse.create_result_tables()
    assert [line for line in str(error.value).splitlines() if line.startswith("- ")] == [found]
    with warehouse.begin() as connection:
        assert not sa.inspect(connection).has_table("mmm_lift_test", schema=SCHEMA)


def test_a_table_of_an_earlier_version_gets_its_new_column_and_keeps_its_rows(
    warehouse: Warehouse,
) -> None:
    row = dict.fromkeys(INPUT_SNAPSHOT.columns.keys(), "x") | {
        "week_start": date(2026, 1, 5),
        "value": 2.5,
        "is_used": True,
        "is_repaired": False,
        "is_restated": False,
        "previous_value": 1.5,
    }
    with warehouse.begin() as connection:
        connection.execute(INPUT_SNAPSHOT.insert(), row)
        connection.execute(sa.text("alter table mmm.mmm_input_snapshot drop column previous_value"))
    warehouse.create_result_tables()
    found = warehouse.read(sa.select(INPUT_SNAPSHOT))
    assert found["value"].item() == 2.5
    assert pd.isna(found["previous_value"].item())


def test_a_column_that_need_not_have_a_value_any_more_is_told_so(warehouse: Warehouse) -> None:
    row = dict.fromkeys(RESPONSE_CURVE.columns.keys(), 1.0) | {
        **dict.fromkeys(("run_id", "model_key", "series_key", "channel", "basis"), "x"),
        "grid_index": 0,
        "is_extrapolated": False,
        "effect_as_of": None,
        "mroi_mean": None,
    }
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("alter table mmm.mmm_response_curve alter mroi_mean set not null")
        )
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        connection.execute(RESPONSE_CURVE.insert(), row)
    assert pd.isna(warehouse.read(sa.select(RESPONSE_CURVE))["mroi_mean"].item())


def test_a_renamed_column_of_an_earlier_version_keeps_its_rows(warehouse: Warehouse) -> None:
    store(warehouse, "a", MONDAY)
    before = warehouse.read(RUN.select())
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("alter table mmm.mmm_run rename column config_fingerprint to config_hash")
        )
    warehouse.create_result_tables()
    warehouse.create_result_tables()
    pd.testing.assert_frame_equal(warehouse.read(RUN.select()), before)
    assert list(before["config_fingerprint"].str.len()) == [64]


def test_a_busy_file_is_waited_for_and_then_its_holder_named(tmp_path: Path) -> None:
    warehouse = Warehouse(url=f"duckdb:///{tmp_path / 'warehouse.duckdb'}", lock_seconds=0)
    held = rf"process {os.getpid()} on .* has held .*duckdb"
    busy = pytest.raises(WarehouseBusyError, match=held)
    with warehouse.locked(), busy:
        warehouse.read(sa.text("select 1"))
    assert warehouse.read(sa.text("select 1 as one"))["one"].item() == 1


def test_writers_of_a_server_take_turns_and_readers_wait_for_nobody(database: sa.URL) -> None:
    warehouse = on(database, lock_seconds=1)
    warehouse.create_result_tables()
    busy = pytest.raises(WarehouseBusyError, match=r"has been holding a lock in .* for 1 s")
    with warehouse.locked():
        with busy, warehouse.begin():
            pass
        assert warehouse.read(RUN.select()).empty
    with warehouse.begin():
        pass


def test_an_error_rolls_the_transaction_back(warehouse_url: str) -> None:
    warehouse = Warehouse(url=warehouse_url)
    with pytest.raises(ZeroDivisionError), warehouse.begin() as connection:
        connection.execute(sa.text("create table t (x integer)"))
        _ = 1 / 0
    with warehouse.begin() as connection:
        assert not sa.inspect(connection).has_table("t")


def test_a_server_that_does_not_answer_is_named_without_its_password(database: sa.URL) -> None:
    for url, reason in (
        (database.set(port=1), "Connection refused"),
        (database.set(password="a-wrong-one"), "password authentication failed"),
        (database.set(database="nowhere"), 'database "nowhere" does not exist'),
    ):
        with pytest.raises(WarehouseUnreachableError, match=reason) as error:
            on(url).create_result_tables()
        assert f"postgresql+psycopg://postgres:***@127.0.0.1:{url.port}" in str(error.value)
        assert "Check the host, user and password in MMM_WAREHOUSE_URL" in str(error.value)


def test_a_connection_that_breaks_in_a_transaction_undoes_it(
    postgres: sa.URL, database: sa.URL
) -> None:
    warehouse = on(database)
    broke = pytest.raises(WarehouseUnreachableError, match="the transaction is undone")
    with broke, warehouse.begin() as connection:
        connection.execute(sa.text("create table t (x integer)"))
        pid = connection.scalar(sa.text("select pg_backend_pid()"))
        run_sql(postgres, f"select pg_terminate_backend({pid})")
        connection.execute(sa.text("insert into t values (1)"))
    with warehouse.begin() as connection:
        assert not sa.inspect(connection).has_table("t")


def test_what_the_user_may_not_do_is_named_with_the_remedy(database: sa.URL) -> None:
    on(database).create_result_tables()
    role = f"of_{database.database}"
    run_sql(database, f"create role {role} login password 'anything'")
    stranger = on(database.set(username=role, password="anything"))
    refused = r"permission denied for schema mmm; grant its user what docs/postgres\.md lists"
    with pytest.raises(WarehousePermissionError, match=refused):
        stranger.read(RUN.select())
    with pytest.raises(WarehousePermissionError, match=refused), stranger.begin() as connection:
        connection.execute(RUN.delete())


def damaged(file: Path, what: str) -> None:
    content = file.read_bytes()
    if what == "its head is zeroed":
        file.write_bytes(bytes(4096) + content[4096:])
    elif what == "its catalog is zeroed":
        file.write_bytes(content[:12288] + bytes(4096) + content[16384:])
    elif what == "half of it is gone":
        file.write_bytes(content[: len(content) // 2])
    else:
        file.write_bytes(b"week,revenue\n2025-01-06,12\n" * 400)


@pytest.mark.parametrize(
    "what",
    ["its head is zeroed", "its catalog is zeroed", "half of it is gone", "it is another file"],
)
def test_a_damaged_file_is_named_with_its_remedy(tmp_path: Path, what: str) -> None:
    file = tmp_path / "warehouse.duckdb"
    warehouse = Warehouse(url=f"duckdb:///{file}")
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "create table many as select i, md5(i::text) as text from range(100_000) as t(i)"
        )
    damaged(file, what)
    with pytest.raises(WarehouseDamagedError) as refusal:
        # Arrow's way of reading, and SQLAlchemy's.
        warehouse.read(sa.text("select max(text) from many"))
    said = str(refusal.value)
    assert said.startswith(f"{file} is damaged, or is no DuckDB file: ")
    assert "restore it from a backup, or move it away and run the job" in said
    assert "host" not in said and "password" not in said


def test_a_file_that_another_program_has_open_is_named(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    Warehouse(url=f"duckdb:///{file}").create_result_tables()
    notebook = (
        f"import duckdb, time; c = duckdb.connect({str(file)!r}); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", notebook], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(WarehouseBusyError, match="is open in another program") as refusal:
            Warehouse(url=f"duckdb:///{file}").create_result_tables()
        other.kill()
    assert f"PID {other.pid}" in str(refusal.value)
    assert "password" not in str(refusal.value)
