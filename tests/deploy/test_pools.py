"""Pools of the deployments of one machine: real daemon, real processes, the job's own runs."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_mmm.cli.jobs import NAMES
from dagster_mmm.schedule.partitions import PARTITION_TAG
from tests.conftest import Project
from tests.deploy.services import (
    DAEMON,
    WORKSPACE,
    process_of,
    run_command,
    running,
    storage_url,
    write_instance,
)

SECONDS = 120


@pytest.fixture(params=["local", "postgres"])
def instance(
    request: pytest.FixtureRequest,
    project: Project,
    database: sa.URL,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dg.DagsterInstance]:
    """An instance of each of these deployments, with a daemon and two models."""
    monkeypatch.setenv("DAGSTER_HOME", str(project.folder))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", storage_url(database))
    write_instance(request.param, project.folder, {})
    project.configure(model_key=None, input={"model_column": "brand"})
    project.warehouse.create_result_tables()
    with dg.DagsterInstance.from_config(str(project.folder)) as instance:
        instance.add_dynamic_partitions(str(NAMES.models.name), ["acme", "birch"])
        with running("daemon", *DAEMON, folder=project.folder):
            yield instance


@pytest.mark.slow
@pytest.mark.long
def test_a_run_waits_for_its_pools_until_the_one_before_has_ended_however(
    project: Project, instance: dg.DagsterInstance
) -> None:
    # Whoever reads or writes the warehouse meanwhile is under way, and waits.
    with project.warehouse.locked():
        first = launch("mmm_refit", "acme")
        wait_until(lambda: process_of(instance, first) is not None, instance)
        others = [launch("mmm_refit", "birch"), launch("mmm_weekly_input")]
        time.sleep(15)
        assert status_of(instance, first) is dg.DagsterRunStatus.STARTED
        waiting = {status_of(instance, run_id) for run_id in others}
        assert waiting == {dg.DagsterRunStatus.QUEUED}
        process = process_of(instance, first)
        assert process is not None
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: process_of(instance, others[0]) is not None, instance)
        assert status_of(instance, first) is dg.DagsterRunStatus.FAILURE
        assert status_of(instance, others[1]) is dg.DagsterRunStatus.QUEUED
    # There is no input: the run ends by itself, and the last one has its turn.
    wait_until(lambda: process_of(instance, others[1]) is not None, instance)
    assert status_of(instance, others[0]) is dg.DagsterRunStatus.FAILURE


def launch(job: str, model_key: str | None = None) -> str:
    """Submit a run to the queue; its id."""
    run_id = str(uuid4())
    tags = {} if model_key is None else {PARTITION_TAG: model_key}
    options = ("-j", job, "--tags", json.dumps(tags), "--run-id", run_id)
    run_command("dagster", "job", "launch", "-w", WORKSPACE, *options)
    return run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def wait_until(is_so: Callable[[], bool], instance: dg.DagsterInstance) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        runs = {run.run_id: (run.job_name, run.status) for run in instance.get_runs()}
        assert time.monotonic() < deadline, runs
        time.sleep(0.5)
