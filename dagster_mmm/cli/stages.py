"""The stages of `mmm run` for whoever schedules it: what ran, how it ended, and what it made."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal

import dagster as dg

from dagster_mmm.cli.jobs import NAMES, why_it_failed

# Longer texts are tables and pictures for the Dagster UI.
LONGEST_TEXT = 300
Status = Literal["succeeded", "published", "nothing new", "not published", "failed"]


@dataclass(frozen=True)
class Stage:
    """One run of a week, with plain values alone.

    Attributes:
        stage: its job: weekly_input, refit or dashboards.
        model_key: the model, or None of a run for all of them.
        status: how it ended; of a refit, `published` if readers see it now, `nothing new` if they
            see what they saw, for the input has not changed.
        reason: why it failed, or None.
        run_id: Dagster's run, and of a refit the `run_id` of its rows.
        seconds: how long it took.
        materialized: the assets that it made: each what Dagster's REST endpoint
            `report_asset_materialization` and `dagster.AssetMaterialization` take.
    """

    stage: str
    model_key: str | None
    status: Status
    reason: str | None
    run_id: str
    seconds: float
    materialized: list[dict[str, Any]]

    def line(self) -> str:
        """The stage as a line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)


def stage_of(
    stage: str, run: dg.ExecuteInProcessResult, seconds: float, model_key: str | None = None
) -> Stage:
    """What a run comes to.

    Args:
        stage: the job.
        run: its run.
        seconds: how long it took.
        model_key: the model, where the job is of one.
    """
    made = [
        event.step_materialization_data.materialization
        for event in run.get_asset_materialization_events()
    ]
    reports = [
        {
            "asset_key": list(one.asset_key.path),
            "partition": one.partition,
            "metadata": _plain(one.metadata),
        }
        for one in made
    ]
    status = _status(stage, run, {one.asset_key for one in made})
    reason = why_it_failed(run) if status == "failed" else None
    return Stage(stage, model_key, status, reason, run.run_id, round(seconds, 1), reports)


def _status(stage: str, run: dg.ExecuteInProcessResult, made: set[dg.AssetKey]) -> Status:
    if not run.success:
        return "failed"
    if stage != "refit":
        return "succeeded"
    if NAMES.published in made:
        return "published"
    # A vintage has a fit, and leaves the pointer where it is.
    return "not published" if NAMES.fit in made else "nothing new"


def _plain(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, str | float]:
    """The numbers and short texts of an asset's metadata."""
    values = {key: found.value for key, found in metadata.items()}
    return {
        key: value
        for key, value in values.items()
        if (isinstance(value, int | float) and isfinite(value))
        or (isinstance(value, str) and len(value) <= LONGEST_TEXT)
    }
