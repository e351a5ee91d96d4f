"""A million rows into a table and out again, in CPU seconds.

Into a table without keys, which is the bulk path alone and has the targets; and into the result
table of the same columns, whose primary key and checks come on top. Run by `make bench-warehouse`,
on a new DuckDB file and on a Postgres server that it starts. CPU seconds are those of this process
and of the server, whose own are shown apart.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.rows.transfer import arrow_rows, insert
from dagster_mmm.warehouse.tables import INPUT_SNAPSHOT

# The tests' server; the benchmarks are no package.
sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.postgres_server import running_server

TARGETS = {"duckdb": 1.0, "postgresql": 5.0}
WEEKS, VARIABLES = 200, 10
COLUMNS = [sa.Column(column.name, column.type) for column in INPUT_SNAPSHOT.columns]
PLAIN = sa.Table("without_keys", sa.MetaData(), *COLUMNS)


def main() -> int:
    """Print the seconds of each warehouse; 1 if the target of a write is missed, 0 if none is."""
    parser = argparse.ArgumentParser(prog="make bench-warehouse", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3, help="of which the best is shown")
    arguments = parser.parse_args()
    frame = input_snapshot(arguments.rows)
    print(f"{len(frame):,} rows, {len(frame.columns)} columns: those of {INPUT_SNAPSHOT.name}")
    print(f"{'':<26}  CPU s  of them the server's  wall s  target CPU s")
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        urls = (f"duckdb:///{folder}/warehouse.duckdb", server.render_as_string(False))
        met = [is_met(Warehouse(url=url), frame, arguments.repeats) for url in urls]
    return 0 if all(met) else 1


def input_snapshot(n_rows: int) -> pd.DataFrame:
    """Rows of many series, in the columns of `mmm_input_snapshot`."""
    row = np.arange(n_rows)
    weeks = pd.Timestamp("2020-01-06") + pd.to_timedelta(7 * (row // VARIABLES % WEEKS), unit="D")
    return pd.DataFrame(
        {
            "run_id": "a-run-of-the-benchmark",
            "model_key": "demo",
            "series_key": "series_" + pd.Series(row // VARIABLES // WEEKS).astype(str),
            "week_start": weeks,
            "variable": "variable_" + pd.Series(row % VARIABLES).astype(str),
            "role": "spend",
            "value": np.random.default_rng(0).gamma(2.0, 1000.0, n_rows),
            "is_used": True,
            "is_repaired": False,
            "reason": None,
        }
    )


def is_met(warehouse: Warehouse, frame: pd.DataFrame, repeats: int) -> bool:
    """Write and read the rows a few times, and print the best of them."""
    warehouse.create_result_tables()
    name = sa.make_url(warehouse.url).get_backend_name()
    server = server_process(warehouse) if name == "postgresql" else None

    def insert_alone() -> None:
        with warehouse.begin() as connection:
            insert(connection, PLAIN, arrow_rows(PLAIN, frame))

    def replace_a_run() -> None:
        with warehouse.begin() as connection:
            replace_run(connection, "a-run-of-the-benchmark", {INPUT_SNAPSHOT: frame})

    def read() -> None:
        assert len(warehouse.read(INPUT_SNAPSHOT.select())) == len(frame)

    best = {}
    for _ in range(repeats):
        with warehouse.begin() as connection:
            PLAIN.drop(connection, checkfirst=True)
            PLAIN.create(connection)
            connection.execute(INPUT_SNAPSHOT.delete())
        for step in (insert_alone, replace_a_run, read):
            best[step] = min(best.get(step, (np.inf,)), seconds(step, server))
    for step, (cpu, of_server, wall) in best.items():
        label = f"{name} {step.__name__}"
        target = f"{TARGETS[name]:.0f}" if step is insert_alone else ""
        print(f"{label:<26}{cpu:>7.2f}  {of_server:>20.2f}  {wall:>6.2f}  {target:>12}")
    return best[insert_alone][0] <= TARGETS[name]


def seconds(step: Callable[[], None], server: int | None) -> tuple[float, float, float]:
    """CPU seconds of a step, those of them that are the server's, and wall seconds."""
    wall, own, served = time.perf_counter(), time.process_time(), server_seconds(server)
    step()
    of_server = server_seconds(server) - served
    return time.process_time() - own + of_server, of_server, time.perf_counter() - wall


def server_process(warehouse: Warehouse) -> int:
    """The process whose children serve the connections."""
    with warehouse.begin() as connection:
        pid = connection.scalar(sa.text("select pg_backend_pid()"))
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def server_seconds(server: int | None) -> float:
    """CPU seconds of a server and of its processes that have ended."""
    if server is None:
        return 0.0
    # Until it has been told that the connection's process has ended.
    time.sleep(0.2)
    fields = Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
