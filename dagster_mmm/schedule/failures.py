"""Why a step failed, in the words of whoever raised it, without Dagster's round them."""

import re
from collections.abc import Iterable

import dagster as dg

# What Dagster raises from the error that says something.
WRAPPERS = {"DagsterExecutionStepExecutionError", "RetryRequested"}


def step_failures(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """One text for each failed step among a run's events: its key, and what its error says."""
    return [
        f"{event.step_key}: {said}"
        for event in events
        if event.is_step_failure and (said := _words_of_cause(event))
    ]


def _words_of_cause(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None and error.cls_name in WRAPPERS:
        error = error.cause
    # A message begins with the path of its class.
    return "" if error is None else re.sub(r"^[\w.]+: ", "", error.message).strip()
