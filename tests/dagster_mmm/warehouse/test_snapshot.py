"""The dashboards' copy: whole, documented, readable by older clients, swapped while it is read."""

from pathlib import Path

import duckdb
import pytest

from dagster_mmm.warehouse.snapshot import VIEWS, SnapshotError, write_snapshot
from dagster_mmm.warehouse.tables import SCHEMA


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse whose views hold one row, and whose catalog is named by its file."""
    path = tmp_path / "ware'house.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create schema {SCHEMA}")
        for view in VIEWS:
            connection.execute(f"create view {SCHEMA}.{view} as select null as run_id")
            connection.execute(f"comment on view {SCHEMA}.{view} is 'One row: {view}''s'")
            connection.execute(f"comment on column {SCHEMA}.{view}.run_id is 'The fit''s id'")
    return path


def rows(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(f"select count(*) from {SCHEMA}.mmm_run_latest").fetchone()
    assert found is not None
    return found[0]


def test_every_view_is_copied_with_its_documentation(warehouse: Path, tmp_path: Path) -> None:
    target = tmp_path / "snapshot.duckdb"
    assert write_snapshot(warehouse, target) == len(VIEWS)
    with duckdb.connect(str(target), read_only=True) as connection:
        tables = connection.execute(
            f"select table_name, comment from duckdb_tables() where schema_name = '{SCHEMA}'"
        ).fetchall()
        columns = connection.execute(
            f"select table_name, comment from duckdb_columns() where schema_name = '{SCHEMA}'"
        ).fetchall()
    assert dict(tables) == {view: f"One row: {view}'s" for view in VIEWS}
    assert dict(columns) == dict.fromkeys(VIEWS, "The fit's id")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "snapshot.duckdb",
        "ware'house.duckdb",
    ]


def test_duckdb_1_0_can_read_it(warehouse: Path, tmp_path: Path) -> None:
    target = tmp_path / "snapshot.duckdb"
    write_snapshot(warehouse, target)
    # After the checksum and the magic bytes stands the storage version; 64 is that of 1.0.
    header = target.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64


def test_an_open_reader_keeps_the_old_file_and_blocks_nobody(
    warehouse: Path, tmp_path: Path
) -> None:
    target = tmp_path / "snapshot.duckdb"
    write_snapshot(warehouse, target)
    with target.open("rb") as reader:
        before = reader.read()
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(
                f"create or replace view {SCHEMA}.mmm_run_latest as "
                "select null as run_id from range(2)"
            )
        write_snapshot(warehouse, target)
        reader.seek(0)
        assert reader.read() == before
    assert rows(target) == 2


def test_a_copy_that_fails_leaves_the_old_one(warehouse: Path, tmp_path: Path) -> None:
    target = tmp_path / "snapshot.duckdb"
    write_snapshot(warehouse, target)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"drop view {SCHEMA}.mmm_run_history")
    with pytest.raises(SnapshotError, match=r"stays as it was: .*mmm_run_history.*; run the job"):
        write_snapshot(warehouse, target)
    assert rows(target) == 1
    assert not (tmp_path / ".snapshot.duckdb").exists()
