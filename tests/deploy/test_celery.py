"""Runs as Celery tasks: deploy/celery with a real Redis, a real Postgres, a daemon and a worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_mmm.environment import ROOT
from tests.deploy.location import KILLED, MODELS, UNFIT
from tests.deploy.test_storage import storage_url
from tests.redis_server import running_redis

CELERY = ROOT / "deploy" / "celery"
PROCESSES = 2
WORKSPACE = "load_from: [{python_module: {module_name: tests.deploy.location}}]"
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
# A machine with other work beside took 270.
SECONDS = 600


@contextmanager
def running(name: str, *command: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A service of its own process group, whose log stays in the folder."""
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    try:
        yield
    finally:
        # Both stop at once when asked, with their processes.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


@pytest.fixture
def home(tmp_path: Path, database: sa.URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Dagster home of deploy/celery, with all that its variables name at work."""
    with running_redis(tmp_path) as redis_url:
        shipped = (CELERY / "dagster.yaml").read_text()
        often = shipped.replace("poll_interval_seconds: 30", "poll_interval_seconds: 2")
        assert often != shipped
        (tmp_path / "dagster.yaml").write_text(often)
        (tmp_path / "workspace.yaml").write_text(WORKSPACE)
        variables = {
            "DAGSTER_HOME": str(tmp_path),
            "DAGSTER_POSTGRES_URL": storage_url(database),
            "CELERY_BROKER_URL": f"{redis_url}/0",
            "CELERY_RESULT_BACKEND": f"{redis_url}/1",
            "MMM_ARTEFACTS": str(tmp_path / "artefacts"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(CELERY)]),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield tmp_path


@pytest.mark.slow
def test_models_are_fitted_by_warm_workers_whatever_becomes_of_one(home: Path) -> None:
    environment = dict(os.environ)
    worker = ("celery", "-A", "dagster_celery.app", "worker", "-Q", "dagster")
    with ExitStack() as services, dg.DagsterInstance.from_config(str(home)) as instance:
        for name, *command in (
            ("worker", *worker, "--concurrency", str(PROCESSES)),
            ("daemon", "dagster-daemon", "run", "-w", "workspace.yaml"),
        ):
            services.enter_context(running(name, *command, folder=home, environment=environment))
        runs = wait_for_runs(instance, home, len(MODELS) + 1)
        processes = [process_of(instance, run.run_id) for run in runs if run.is_success]
    of_model = {
        key: [run.is_success for run in reversed(runs) if run.tags["dagster/partition"] == key]
        for key in MODELS
    }
    assert of_model.pop(UNFIT) == [False]
    # Noticed, and started again in another process.
    assert of_model.pop(KILLED) == [False, True]
    assert all(success == [True] for success in of_model.values())
    # Warm: twelve fits in no more processes than the worker has, and the one that was killed.
    assert len(processes) == len(MODELS) - 1
    assert len(set(processes)) <= PROCESSES + 1


def wait_for_runs(instance: dg.DagsterInstance, home: Path, wanted: int) -> list[dg.DagsterRun]:
    for _ in range(SECONDS):
        runs = instance.get_runs(dg.RunsFilter(job_name="refit", statuses=FINISHED))
        if len(runs) == wanted:
            return list(runs)
        time.sleep(1)
    logs = "\n".join((home / f"{name}.log").read_text()[-4000:] for name in ("worker", "daemon"))
    raise AssertionError(f"{len(runs)} of {wanted} runs are done after {SECONDS} s:\n{logs}")


def process_of(instance: dg.DagsterInstance, run_id: str) -> int:
    """The worker's process that fitted."""
    (event,) = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    materialization = event.asset_materialization
    assert materialization is not None
    value = materialization.metadata["process"].value
    assert isinstance(value, int)
    return value
