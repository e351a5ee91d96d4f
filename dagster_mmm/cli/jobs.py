"""The assets, run in this process and recorded where the Dagster UI will find them."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from typing import Any
from uuid import uuid4

import click
import dagster as dg

from dagster_mmm import environment
from dagster_mmm.defs.namespace import Namespace
from dagster_mmm.schedule.failures import step_failures

# Of the code location that is this job alone.
NAMES = Namespace()


def require_dagster_home() -> None:
    """Refuse to go on if there is no Dagster home to record runs in.

    It is `DAGSTER_HOME`, by default the project's folder if a dagster.yaml is there.

    Raises:
        click.UsageError: if there is none.
    """
    if os.environ.get("DAGSTER_HOME"):
        return
    project = environment.project_folder()
    if not (project / "dagster.yaml").is_file():
        raise click.UsageError(
            f"there is no dagster.yaml in {project}, and DAGSTER_HOME is not set: `mmm init` makes "
            "a project that has one; in a clone, name deploy/local"
        )
    os.environ["DAGSTER_HOME"] = str(project)


def run_job(
    instance: dg.DagsterInstance,
    name: str,
    config: Mapping[str, Any] | None = None,
    model_key: str | None = None,
    assets: list[dg.AssetKey] | None = None,
    run_id: str | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job, or some of its assets, in this process.

    Args:
        instance: where the run is recorded.
        name: the job, without its prefix.
        config: its run configuration.
        model_key: the model, where the job is of one.
        assets: some of the job's assets, where not all.
        run_id: names the run.
    """
    # Not at the top: it reads, and may parse, the dbt project.
    from dagster_mmm.definitions import defs

    if model_key is not None:
        instance.add_dynamic_partitions(str(NAMES.models.name), [model_key])
    return (
        defs()
        .resolve_job_def(NAMES.named(name))
        .execute_in_process(
            dict(config or {}),
            instance=instance,
            partition_key=model_key,
            raise_on_error=False,
            asset_selection=assets,
            run_id=run_id,
        )
    )


def execute(
    job: str,
    assets: Iterable[dg.AssetKey],
    config: dict[str, Any],
    log_level: str,
    listen: Callable[[dg.EventLogEntry], None],
    model_key: str | None = None,
) -> dg.ExecuteInProcessResult:
    """Run some of a job's assets, with their checks.

    Args:
        job: its name, without its prefix.
        assets: which.
        config: of their ops, by the op's name.
        log_level: from which on messages go to stderr.
        listen: called with every event, when it is recorded.
        model_key: the model, where the job is of one.

    Raises:
        click.UsageError: if there is no Dagster home to record the run in.
    """
    require_dagster_home()
    run_id = str(uuid4())
    # dbt talks on stdout, which is for what the command itself says.
    with dg.DagsterInstance.get() as instance, redirect_stdout(sys.stderr):
        instance.add_event_listener(run_id, listen)
        return run_job(
            instance,
            job,
            {"ops": config, "loggers": {"console": {"config": {"log_level": log_level}}}},
            model_key,
            list(assets),
            run_id,
        )


def why_it_failed(result: dg.ExecuteInProcessResult) -> str:
    """The words of the blocking checks that failed, or else of the steps."""
    checks = [
        f"{check.check_name}: {check.description or 'failed'}"
        for check in result.get_asset_check_evaluations()
        if check.blocking and not check.passed
    ]
    reasons = checks or step_failures(result.all_events)
    return "\n".join(reasons) or "the run failed before its first step; the log has the reason"
