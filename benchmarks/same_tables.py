"""Do two warehouses hold the same results, to the bit? For a change that shall change no number.

Run the same job on both versions of the code with the same seed, then compare the DuckDB files:

    make bench-same_tables ARGS="old/warehouse.duckdb new/warehouse.duckdb"

Every table of the schema `mmm` that both have is compared, row by row in an order of its own,
without what differs from run to run: ids, times, and what a run took of the machine.
"""

import argparse
import sys
from pathlib import Path

import duckdb

# Ids and times of a run, and what it took; `renamed` are columns that the newer version calls
# otherwise.
OF_THE_RUN = {
    *("run_id", "fit_run_id", "previous_run_id", "started_at", "published_at", "publication_id"),
    *("cpu_seconds", "wall_seconds", "peak_rss_mb", "published_from", "published_until"),
    *("believed_from", "believed_until"),
}
RENAMED = {"is_live": "is_published", "config_hash": "config_fingerprint"}


def main() -> int:
    """Compare, and say what differs; 0 if nothing does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    asked = parser.parse_args()
    connection = duckdb.connect()
    for name, path in (("old", asked.old), ("new", asked.new)):
        connection.execute(f"attach '{path}' as {name} (read_only)")
    tables = {name: _tables(connection, name) for name in ("old", "new")}
    differing = 0
    for table in sorted(set(tables["old"]) & set(tables["new"])):
        old, new = (_rows(connection, name, table) for name in ("old", "new"))
        is_same = old == new
        differing += not is_same
        print(f"{'same' if is_same else 'DIFFERS':8} {table:32} {len(old[1]):7} rows")
    for name, other in (("old", "new"), ("new", "old")):
        for table in sorted(set(tables[name]) - set(tables[other])):
            print(f"only {name:3} {table}")
    return 1 if differing else 0


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    query = "select table_name from duckdb_tables() where database_name = ? and schema_name = 'mmm'"
    return [name for (name,) in connection.execute(query, [database]).fetchall()]


def _rows(
    connection: duckdb.DuckDBPyConnection, database: str, table: str
) -> tuple[list[str], list[tuple[object, ...]]]:
    """Names of the columns compared, and the rows as texts, so that NaN equals NaN."""
    query = "select column_name from duckdb_columns() where database_name = ? and table_name = ?"
    columns = [name for (name,) in connection.execute(query, [database, table]).fetchall()]
    columns = [name for name in columns if name not in OF_THE_RUN]
    texts = ", ".join(f'cast("{name}" as varchar)' for name in columns)
    rows = connection.execute(f"select {texts} from {database}.mmm.{table} order by all").fetchall()
    return [RENAMED.get(name, name) for name in columns], rows


if __name__ == "__main__":
    sys.exit(main())
