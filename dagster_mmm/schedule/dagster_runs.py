"""What Dagster's runs say of a week: which refits there were, and when its input was asked for."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime

import dagster as dg

from dagster_mmm.schedule.due import Attempt, Cause
from dagster_mmm.schedule.partitions import ASKED_TAG, PARTITION_TAG, WEEK_TAG

# A run that has a process, and one that waits for it.
AT_WORK = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
WAITING = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
)
UNDER_WAY = WAITING + AT_WORK
# Tags of a refit that say what it rests on.
FINGERPRINT_TAGS: dict[Cause, str] = {
    "restated": "mmm/input",
    "lift_tests": "mmm/lift_tests",
    "dbt": "mmm/dbt",
}


def attempts(
    instance: dg.DagsterInstance, week: date, is_ours: Callable[[dg.DagsterRun], bool]
) -> dict[str, list[Attempt]]:
    """The refits of a week, and all that are under way, by model; the last one last.

    Partitions of others may bear a model's name: their runs are none of ours.
    """
    of_week = instance.get_runs(dg.RunsFilter(tags={WEEK_TAG: str(week)}))
    # A run by hand has the tag of its week only when it has read its input.
    under_way = instance.get_runs(dg.RunsFilter(statuses=list(UNDER_WAY)))
    runs = {run.run_id: run for run in (*reversed(of_week), *reversed(under_way))}
    found: dict[str, list[Attempt]] = {}
    for run in runs.values():
        model_key = run.tags.get(PARTITION_TAG)
        if model_key is not None and is_ours(run):
            found.setdefault(model_key, []).append(_attempt(run))
    return found


def load_times(instance: dg.DagsterInstance, job: str, week: date) -> list[datetime]:
    """When the input of a week was asked for, by the schedule or since."""
    runs = instance.get_runs(dg.RunsFilter(job_name=job, tags={WEEK_TAG: str(week)}))
    return [datetime.fromisoformat(run.tags[ASKED_TAG]) for run in runs if ASKED_TAG in run.tags]


def is_under_way(instance: dg.DagsterInstance, *jobs: str) -> bool:
    """Whether a run of one of these jobs waits or works."""
    return any(
        instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=list(UNDER_WAY)))
        for job in jobs
    )


def code_fingerprint(instance: dg.DagsterInstance, assets: Collection[dg.AssetKey]) -> str:
    """The fingerprint of the code that last made these assets."""
    versions: list[str] = []
    for key in sorted(assets):
        event = instance.get_latest_materialization_event(key)
        made = None if event is None else event.asset_materialization
        versions.append(str((made.tags or {}).get("dagster/code_version")) if made else "never")
    return fingerprint(versions)


def last_made(instance: dg.DagsterInstance, asset: dg.AssetKey) -> datetime | None:
    """When an asset was last made, or None if it never was."""
    event = instance.get_latest_materialization_event(asset)
    return None if event is None else datetime.fromtimestamp(event.timestamp, UTC)


def fingerprint(parts: Iterable[str]) -> str:
    """A short text that differs where any of the parts does."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _attempt(run: dg.DagsterRun) -> Attempt:
    fingerprints: dict[Cause, str] = {
        cause: run.tags[tag] for cause, tag in FINGERPRINT_TAGS.items() if tag in run.tags
    }
    if run.status in UNDER_WAY:
        return Attempt("under way", fingerprints)
    is_success = run.status is dg.DagsterRunStatus.SUCCESS
    return Attempt("succeeded" if is_success else "failed", fingerprints)
