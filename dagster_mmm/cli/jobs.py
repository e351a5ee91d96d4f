"""The assets, run in this process and recorded where the Dagster UI will find them."""

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from typing import Any
from uuid import uuid4

import click
import dagster as dg

from dagster_mmm.cli.week import run_job
from dagster_mmm.schedule.failures import step_failures


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
        job: its name.
        assets: which.
        config: of their ops, by the op's name.
        log_level: from which on messages go to stderr.
        listen: called with every event, when it is recorded.
        model_key: the model, where the job is of one.

    Raises:
        click.UsageError: if there is no Dagster home to record the run in.
    """
    if not os.environ.get("DAGSTER_HOME"):
        raise click.UsageError(
            "DAGSTER_HOME is not set: name the folder of a dagster.yaml, such as deploy/local"
        )
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
    """The words of the steps that failed."""
    reasons = step_failures(result.all_events)
    return "\n".join(reasons) or "the run failed before its first step; the log has the reason"
