"""What a publication survives: being killed anywhere, a full disk, a file that is not ours."""

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.errors import WarehouseUnreachableError
from dagster_mmm.warehouse.publish import publish
from dagster_mmm.warehouse.rows.bulk import replace_run
from dagster_mmm.warehouse.runs import published_run
from dagster_mmm.warehouse.tables import CONTRIBUTION, DIAGNOSTIC, PUBLICATION, RUN
from tests.postgres_server import run_sql

KILLS = 200
ROWS = 2000
# Seconds between two looks; a reader without pause would keep writers waiting for the lock.
READER_PAUSE = 0.2
# Bytes of a full disk.
ROOM = 4096
SOME_DAY = datetime(2026, 1, 5)
# Children fork from a process that has imported everything and opened nothing.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        "dagster_mmm.warehouse.rows.bulk",
        "dagster_mmm.warehouse.publish",
        "duckdb",
        "psycopg",
        "pytest",
    ]
)


def frames_of(run_id: str) -> dict[sa.Table, pd.DataFrame]:
    keys = {"run_id": run_id, "model_key": "demo"}
    run = dict.fromkeys(RUN.columns.keys()) | {
        "status": "running",
        "started_at": pd.Timestamp(SOME_DAY),
        "currency": "EUR",
        "run_type": "refit",
        "fit_run_id": run_id,
        "components_requested": "1",
        "n_weeks": ROWS,
        "config_fingerprint": "",
        "code_version": "",
        "seed": 0,
        "draws": 1,
        "warmup": 1,
        "chains": 1,
    }
    statistics = [c.name for c in CONTRIBUTION.columns if c.name.startswith("contribution_")]
    contribution = {
        "series_key": "national",
        "week_start": pd.date_range("1990-01-01", periods=ROWS, freq="7D"),
        "component_type": "channel",
        "component": "tv",
        **dict.fromkeys(statistics, 1.0),
        "ci_level": 0.9,
    }
    check = {
        "check_name": "max_r_hat",
        "status": "pass",
        "value": 1.0,
        "threshold": 1.01,
        "is_blocking": True,
        "description": "",
    }
    return {
        RUN: pd.DataFrame([run | keys]),
        CONTRIBUTION: pd.DataFrame(contribution).assign(**keys),
        DIAGNOSTIC: pd.DataFrame([check | keys]),
    }


def publish_run(url: str, run_id: str) -> None:
    """As the job does: the rows in one transaction, the pointer in the next."""
    warehouse = Warehouse(url=url)
    with warehouse.begin() as connection:
        replace_run(connection, run_id, frames_of(run_id))
    with warehouse.begin() as connection:
        publish(connection, "demo", run_id, SOME_DAY)


def publish_and_tell(url: str, run_id: str, told: Connection) -> None:
    """Tell when the publication begins, which is after all imports, and how long it took."""
    told.send(None)
    start = time.monotonic()
    publish_run(url, run_id)
    told.send(time.monotonic() - start)


def whole_published_run(url: str) -> str | None:
    """The published run, if all that readers see of it is whole; anything else raises."""
    with Warehouse(url=url).begin() as connection:
        run_id = published_run(connection, "demo")
        of_run = CONTRIBUTION.c.run_id == run_id
        week = CONTRIBUTION.c.week_start
        count = connection.execute(
            sa.select(sa.func.count(), sa.func.count(week.distinct())).where(of_run)
        ).one()
        assert tuple(count) == (ROWS, ROWS), f"{run_id} has {count} rows and weeks"
        status = connection.scalar(sa.select(RUN.c.status).where(RUN.c.run_id == run_id))
        assert status == "published", f"{run_id} is {status}"
    return run_id


def watch(url: str, stop: Connection, report: Connection) -> None:
    """Read what is published over and over, as a dashboard would, until told to stop."""
    polls = 0
    fault = ""
    while not stop.poll(READER_PAUSE):
        try:
            whole_published_run(url)
        except AssertionError as error:
            fault = str(error)
        polls += 1
    report.send((polls, fault))


def started(target: Callable[..., None], *arguments: object) -> BaseProcess:
    process = processes.Process(target=target, args=arguments)
    process.start()
    return process


def begun(url: str, run_id: str) -> tuple[BaseProcess, Connection]:
    """A writer that has just begun to publish."""
    here, there = processes.Pipe()
    writer = started(publish_and_tell, url, run_id, there)
    here.recv()
    return writer, here


def seconds_of(url: str, run_id: str) -> float:
    writer, told = begun(url, run_id)
    seconds = told.recv()
    writer.join()
    return seconds


@pytest.mark.slow
@pytest.mark.long
def test_killed_anywhere_readers_see_a_whole_run(warehouse_url: str) -> None:
    Warehouse(url=warehouse_url).create_result_tables()
    publish_run(warehouse_url, "run 0")
    (stop, told), (heard, report) = processes.Pipe(), processes.Pipe()
    reader = started(watch, warehouse_url, told, report)
    takes = max(seconds_of(warehouse_url, f"warm {n}") for n in range(3))
    rng = np.random.default_rng(0)
    before = whole_published_run(warehouse_url)
    outcomes = {"killed before": 0, "killed after": 0, "finished": 0}
    for n in range(KILLS):
        writer, _ = begun(warehouse_url, f"run {n + 1}")
        writer.join(rng.uniform(0.0, takes))
        writer.kill()
        writer.join()
        now = whole_published_run(warehouse_url)
        assert now in (before, f"run {n + 1}")
        is_killed = writer.exitcode == -signal.SIGKILL
        killed = "killed before" if now == before else "killed after"
        outcomes[killed if is_killed else "finished"] += 1
        before = now
    stop.send(None)
    polls, fault = heard.recv()
    reader.join()
    print(f"{warehouse_url.split(':')[0]}: {outcomes}, {polls} polls by a reader meanwhile")
    assert not fault
    assert polls > KILLS / 8
    # Most of the kills have to hit a writer at work.
    assert outcomes["killed before"] + outcomes["killed after"] > KILLS / 2
    publish_run(warehouse_url, "the next run")
    assert whole_published_run(warehouse_url) == "the next run"
    assert_every_run_is_whole_or_absent(warehouse_url)


def assert_every_run_is_whole_or_absent(url: str) -> None:
    of_run = sa.select(CONTRIBUTION.c.run_id, sa.func.count().label("rows")).group_by(
        CONTRIBUTION.c.run_id
    )
    counts = Warehouse(url=url).read(of_run)
    assert set(counts["rows"]) == {ROWS}
    ids = Warehouse(url=url).read(sa.select(PUBLICATION.c.publication_id))
    assert ids["publication_id"].is_unique


def publish_on_a_full_disk(url: str, answer: Connection) -> None:
    """No file may be written beyond its first bytes: to the writer, a disk without room."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
    answer.send(_error_of(url))


def publish_as_nobody(url: str, answer: Connection) -> None:
    os.setuid(65534)
    answer.send(_error_of(url))


def _error_of(url: str) -> str:
    try:
        publish_run(url, "refused")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "none"


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A DuckDB warehouse with a published run."""
    url = f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    Warehouse(url=url).create_result_tables()
    publish_run(url, "good")
    return url


def refused(target: Callable[..., None], url: str) -> str:
    here, there = processes.Pipe()
    started(target, url, there).join()
    return here.recv()


def test_a_full_disk_leaves_what_is_published(file: str) -> None:
    said = refused(publish_on_a_full_disk, file)
    assert said.startswith("WarehouseFullError")
    assert "File too large; the transaction is undone, make room on its disk" in said
    assert whole_published_run(file) == "good"
    publish_run(file, "retried")
    assert whole_published_run(file) == "retried"


def test_a_connection_that_breaks_while_rows_are_written(database: sa.URL) -> None:
    url = database.render_as_string(hide_password=False)
    warehouse = Warehouse(url=url)
    warehouse.create_result_tables()
    publish_run(url, "good")
    with (
        pytest.raises(WarehouseUnreachableError, match="the transaction is undone") as refusal,
        warehouse.begin() as connection,
    ):
        replace_run(connection, "broken", frames_of("broken"))
        backend = connection.scalar(sa.select(sa.func.pg_backend_pid()))
        run_sql(database, f"select pg_terminate_backend({backend})")
        replace_run(connection, "broken", frames_of("broken"))
    assert database.password not in str(refusal.value)
    assert whole_published_run(url) == "good"
    publish_run(url, "broken")
    assert whole_published_run(url) == "broken"
    assert_every_run_is_whole_or_absent(url)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_file_that_we_may_not_write_is_named_with_the_remedy() -> None:
    # Not in tmp_path, which nobody else may enter.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        url = f"duckdb:///{folder}/warehouse.duckdb"
        Warehouse(url=url).create_result_tables()
        publish_run(url, "good")
        said = refused(publish_as_nobody, url)
        assert said.startswith("WarehousePermissionError")
        assert "cannot be written to by this user" in said
        assert whole_published_run(url) == "good"
