"""The job as Celery tasks: deploy/celery with real Redis, Postgres, daemon, sensors and worker."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from dagster_mmm.cli.jobs import NAMES, run_job
from dagster_mmm.environment import ROOT
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.schedule.due import last_complete_week
from dagster_mmm.schedule.partitions import PARTITION_TAG
from tests.conftest import Project, make_project
from tests.deploy.services import (
    DAEMON,
    WORKSPACE,
    process_of,
    run_command,
    running,
    storage_url,
    write_instance,
)
from tests.postgres_server import new_database
from tests.redis_server import running_redis

PROCESSES = 2
WORKER = ("celery", "-A", "dagster_celery.app", "worker", "-Q", "dagster")
# By model, how many times the demo's revenue it has.
SIZES = {f"model_{number:02}": number + 1 for number in range(13)}
# The first in the queue, whose process compiles: there is time to see it in the middle.
KILLED, UNFIT = "model_00", "model_07"
GOOD = sorted(set(SIZES) - {UNFIT})
TOO_SHORT = {"sampler": {"chains": 2, "warmup": 20, "draws": 20}}
WEEKS = 104
# A machine with as much other work beside took 230 in all, one with three times as much 410.
SECONDS = 600


@pytest.fixture
def project(
    tmp_path: Path, postgres: sa.URL, database: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A folder that is the Dagster home of deploy/celery, and a warehouse in Postgres."""
    storage = new_database(postgres, f"storage_of_test_{uuid4().hex}")
    often = {"poll_interval_seconds: 30": "poll_interval_seconds: 2"}
    write_instance("celery", tmp_path, often)
    with running_redis(tmp_path) as redis_url:
        variables = {
            "DAGSTER_HOME": str(tmp_path),
            "DAGSTER_POSTGRES_URL": storage_url(storage),
            "CELERY_BROKER_URL": f"{redis_url}/0",
            "CELERY_RESULT_BACKEND": f"{redis_url}/1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "deploy" / "celery")]),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield from make_project(tmp_path, database)


def load_input(project: Project, market: Path, instance: dg.DagsterInstance) -> None:
    """Thirteen brands whose last week is the one that is over, one with too short a sampler."""
    frame = pd.read_csv(market, parse_dates=["week"]).tail(WEEKS)
    over = last_complete_week(Clock().today("UTC"), "monday")
    frame["week"] = [over - timedelta(weeks=ago) for ago in reversed(range(WEEKS))]
    brands = [frame.assign(brand=key, revenue=frame["revenue"] * n) for key, n in SIZES.items()]
    file = project.folder / "brands.csv"
    pd.concat(brands).to_csv(file, index=False)
    asked = {"model_column": "brand", "file": str(file)}
    project.configure(model_key=None, input=asked, plans=[], models={UNFIT: TOO_SHORT})
    assert run_job(instance, "weekly_input").success
    instance.add_dynamic_partitions(str(NAMES.models.name), list(SIZES))


@pytest.mark.slow
def test_every_model_is_fitted_by_warm_workers_whatever_becomes_of_one(
    project: Project, market: Path
) -> None:
    with dg.DagsterInstance.from_config(str(project.folder)) as instance:
        load_input(project, market, instance)
        run_command("dagster", "instance", "concurrency", "set", "mmm_sampling", str(PROCESSES))
        run_command("dagster", "sensor", "start", "mmm_refits", "-w", WORKSPACE)
        with ExitStack() as services:
            for name, *command in (
                ("worker", *WORKER, "--concurrency", str(PROCESSES)),
                ("daemon", *DAEMON),
            ):
                services.enter_context(running(name, *command, folder=project.folder))
            killed, process = kill_while_it_samples(project, instance)
            runs = wait_for_runs(project, instance, len(SIZES) + 1)
        processes = {process_of(instance, run.run_id) for run in runs}
        most = most_under_way(instance, runs)
    by_model = {
        key: [run.is_success for run in runs if run.tags[PARTITION_TAG] == key] for key in SIZES
    }
    # Noticed, and started again in another process; the one that failed by itself is not.
    assert by_model.pop(KILLED) == [False, True]
    assert by_model.pop(UNFIT) == [False]
    assert all(success == [True] for success in by_model.values())
    # Warm: no more processes than the worker has, and the one in place of the killed.
    assert process in processes
    assert len(processes) <= PROCESSES + 1
    # The others wait in Dagster's queue for the pool, and not in Redis.
    assert most == PROCESSES
    assert_published(project, killed)


def assert_published(project: Project, killed: str) -> None:
    """Each good model once, with numbers of its own; of the others, the reason."""
    published = project.query("select model_key, run_id from mmm.mmm_publication")
    assert sorted(published["model_key"]) == GOOD
    told = project.query("select run_id, model_key, status, gate_reason from mmm.mmm_run")
    rows = told.set_index("run_id")
    assert set(rows.loc[published["run_id"], "status"]) == {"published"}
    rejected = rows.drop(published["run_id"])
    assert dict(rejected["status"]) == dict.fromkeys(rejected.index, "rejected")
    assert sorted(rejected["model_key"]) == [KILLED, UNFIT]
    assert "the run was killed" in rejected.loc[killed, "gate_reason"]
    (reason,) = rejected.loc[rejected["model_key"] == UNFIT, "gate_reason"]
    assert "min_ess" in reason, reason
    fitted = project.query(
        "select model_key, sum(actual) as actual from mmm.mmm_model_fit fitted "
        "join mmm.mmm_publication using (run_id, model_key) group by model_key"
    ).set_index("model_key")["actual"]
    assert fitted.to_dict() == pytest.approx({key: fitted[KILLED] * SIZES[key] for key in GOOD})


def kill_while_it_samples(project: Project, instance: dg.DagsterInstance) -> tuple[str, int]:
    """Kill the process of a model's run, as for want of memory; the run and that process."""
    of_model = dg.RunsFilter(tags={PARTITION_TAG: KILLED})
    for _ in range(5 * SECONDS):
        for run in instance.get_runs(of_model):
            observed = instance.get_records_for_run(
                run.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION
            ).records
            process = process_of(instance, run.run_id)
            if observed and process is not None:
                row = project.query(f"select status from mmm.mmm_run where run_id = '{run.run_id}'")
                assert list(row["status"]) == ["running"]
                os.kill(process, signal.SIGKILL)
                return run.run_id, process
        time.sleep(0.2)
    raise AssertionError(f"{KILLED} does not sample after {SECONDS} s:\n{last_words(project)}")


def wait_for_runs(
    project: Project, instance: dg.DagsterInstance, wanted: int
) -> list[dg.DagsterRun]:
    """The finished refits, the oldest first."""
    finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    runs: list[dg.DagsterRun] = []
    for _ in range(SECONDS):
        runs = list(instance.get_runs(dg.RunsFilter(job_name="mmm_refit", statuses=finished)))
        if len(runs) == wanted:
            return runs[::-1]
        time.sleep(1)
    done = f"{len(runs)} of {wanted} runs are done after {SECONDS} s"
    raise AssertionError(f"{done}:\n{last_words(project)}")


def last_words(project: Project) -> str:
    logs = [project.folder / f"{name}.log" for name in ("worker", "daemon")]
    return "\n".join(log.read_text()[-4000:] for log in logs)


def most_under_way(instance: dg.DagsterInstance, runs: list[dg.DagsterRun]) -> int:
    """How many runs had left Dagster's queue, and not ended, at once."""
    changes: list[tuple[float, int]] = []
    for run in runs:
        stats = instance.get_run_stats(run.run_id)
        assert stats.launch_time is not None and stats.end_time is not None
        changes += [(stats.launch_time, 1), (stats.end_time, -1)]
    under_way = most = 0
    for _, change in sorted(changes):
        under_way += change
        most = max(most, under_way)
    return most
