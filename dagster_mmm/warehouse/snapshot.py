"""A copy of what is published for dashboards, which would else keep the job out of its own file.

DuckDB lets one process write or many read, so that an open dashboard blocks the refit. The copy is
a file of its own, swapped in whole, in a format that DuckDB clients from 1.0 on read.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from dagster_mmm.storage import replace
from dagster_mmm.warehouse.errors import WarehouseError
from dagster_mmm.warehouse.tables import RESULT_TABLES, SCHEMA

if TYPE_CHECKING:
    import duckdb

STORAGE_VERSION = "v1.0.0"
# The views of one result table each, and those that dbt builds on them for dashboards.
VIEWS = (
    *(f"{table.name}_latest" for table in RESULT_TABLES),
    "mmm_forecast_calibration",
    "mmm_forecast_ledger",
    "mmm_run_history",
    "mmm_trust_latest",
    "mmm_waterfall_latest",
)


class SnapshotError(WarehouseError):
    """The copy for dashboards could not be made; the one before stays."""


def snapshot_of(warehouse: Path, schema: str = SCHEMA) -> Path:
    """Where the copy of a DuckDB warehouse's schema stands: beside it."""
    branch = "" if schema == SCHEMA else f"_{schema}"
    return warehouse.with_name(f"{warehouse.stem}{branch}_snapshot.duckdb")


def write_snapshot(warehouse: Path, target: Path, schema: str = SCHEMA) -> int:
    """Copy the latest views into a file of their own, comments included.

    Readers see the old file or the new one; who has it open keeps the old.

    Args:
        warehouse: the DuckDB file, which nobody writes to meanwhile.
        target: the file to replace, in which the schema is always `mmm`.
        schema: where the views are.

    Returns:
        The number of rows copied.

    Raises:
        SnapshotError: if a view is missing, or cannot be read, or the disk is full; the old file
            stays.
    """
    import duckdb

    partial = target.with_name(f".{target.name}")
    partial.unlink(missing_ok=True)
    try:
        with duckdb.connect(
            str(partial), config={"storage_compatibility_version": STORAGE_VERSION}
        ) as connection:
            # The views name the warehouse's catalog, which is called after its file.
            catalog = warehouse.stem
            connection.execute(f"attach '{_escaped(str(warehouse))}' as \"{catalog}\" (read_only)")
            connection.execute(f"create schema {SCHEMA}")
            rows = sum(_copy(connection, catalog, schema, view) for view in VIEWS)
            connection.execute(f'detach "{catalog}"')
        replace(partial, target)
    except duckdb.Error as error:
        raise SnapshotError(
            f"the copy that dashboards read, {target}, stays as it was: "
            f"{str(error).splitlines()[0]}; run the job `mmm_dashboards`, which makes the views "
            "and the copy anew"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return rows


def _copy(connection: "duckdb.DuckDBPyConnection", catalog: str, schema: str, view: str) -> int:
    name = f"{SCHEMA}.{view}"
    copied = connection.execute(
        f'create table {name} as from "{catalog}"."{schema}".{view}'
    ).fetchone()
    # Comments that dbt has written; a table made from a view does not take them along.
    about = connection.execute(
        "select comment from duckdb_views() "
        "where database_name = ? and schema_name = ? and view_name = ?",
        [catalog, schema, view],
    ).fetchall()
    columns = connection.execute(
        "select column_name, comment from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ?",
        [catalog, schema, view],
    ).fetchall()
    for (text,) in about:
        connection.execute(f"comment on table {name} is '{_escaped(text or '')}'")
    for column, text in columns:
        connection.execute(f"""comment on column {name}."{column}" is '{_escaped(text or "")}'""")
    return 0 if copied is None else int(copied[0])


def _escaped(text: str) -> str:
    return text.replace("'", "''")
