"""A deployment's Dagster home and services, as docs/operations.md has them, for tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from dagster_mmm.environment import ROOT

WORKSPACE = str(ROOT / "workspace.yaml")
DAEMON = ("dagster-daemon", "run", "-w", WORKSPACE)


def storage_url(database: sa.URL) -> str:
    """The URL of a database as dagster-postgres wants it."""
    return database.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def write_instance(deployment: str, home: Path, replaced: Mapping[str, str]) -> None:
    """The dagster.yaml of a deployment, but for these texts in it."""
    text = (ROOT / "deploy" / deployment / "dagster.yaml").read_text()
    for old, new in replaced.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (home / "dagster.yaml").write_text(text)


def run_command(*command: str) -> None:
    """Run a command of this environment to its end."""
    done = subprocess.run(_of_environment(command), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running(name: str, *command: str, folder: Path) -> Iterator[None]:
    """A service of its own process group, whose log stays in the folder."""
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            _of_environment(command), stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        yield
    finally:
        # It stops at once when asked, with its processes.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def process_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The process that carries a run out, or None before it does."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    for record in records:
        event = record.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            return int(str(pid.value))
    return None


def _of_environment(command: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).parent / command[0]), *command[1:]]
