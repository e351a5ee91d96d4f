"""The score: what the published posterior says of the weeks that have come since, without a fit."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
import sqlalchemy as sa

from dagster_mmm import fitting, inputs
from dagster_mmm.defs.namespace import NOTHING_NEW, WAREHOUSE_POOL, Namespace
from dagster_mmm.fitting.resource import FittedRunIOManager
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.settings import Settings
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse import rows, tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.publish import publish
from dagster_mmm.warehouse.runs import (
    PublishedFit,
    published_fit,
    published_input,
    published_run_if_equal,
    stored_rows,
)

if TYPE_CHECKING:
    import pandas as pd


def score_asset(names: Namespace) -> dg.AssetsDefinition:
    """The asset `score`."""
    return dg.asset(
        key=names.key("score"),
        deps=[names.weekly_input, names.rejected_input],
        partitions_def=names.models,
        group_name=names.group_of("score"),
        kinds={"jax"},
        tags={"mmm/writes": "warehouse"},
        pool=WAREHOUSE_POOL,
        output_required=False,
    )(names.bound(score))


def score(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
    clock: dg.ResourceParam[Clock],
    fitted_run_io: dg.ResourceParam[FittedRunIOManager],
) -> Iterator[dg.AssetObservation | dg.MaterializeResult]:
    """The published posterior on the weeks that came since, as a run of type `score`, published.

    It inherits the verdict of its fit. Where nothing is new since the published run there is none.
    """
    run_id, started_at = context.run.run_id, clock.utc()
    loaded = settings.load(context.partition_key)
    snapshot = _snapshot(loaded, warehouse, clock)
    stored, weeks = _read_stored(loaded, warehouse, snapshot), inputs.build_panel(snapshot, loaded)
    fit = fitted_run_io.run(loaded.model_key, stored.published.run["run_id"])
    if stored.same is not None or weeks.weeks[-1] <= fit.fit.panel.weeks[-1]:
        since = stored.same or fit.run_id
        context.log.info(f"{NOTHING_NEW} since run {since}: there is no week to score")
        yield dg.AssetObservation(
            context.asset_key,
            partition=loaded.model_key,
            metadata={"nothing_new_since": since},
        )
        return
    run = fitting.ScoreRun(
        run_id, started_at, fit, inputs.mark_restated(snapshot, stored.used), weeks
    )
    frames = fitting.score_frames(run, stored.rows_of_fit, stored.published)
    with warehouse.begin() as connection:
        rows.replace_run(connection, run_id, frames)
        publish(connection, loaded.model_key, run_id, clock.utc())
    yield dg.MaterializeResult(
        metadata={
            "fit_run_id": fit.run_id,
            "weeks_scored": len(weeks) - len(fit.fit.panel),
            "cpu_seconds": float(frames[tables.RUN]["cpu_seconds"].item()),
            **_scored_metrics(frames[tables.ACCURACY]),
        }
    )


def _snapshot(settings: Settings, warehouse: Warehouse, clock: Clock) -> "pd.DataFrame":
    """The judged input; what keeps a fit from it keeps a score from it too."""
    judged = inputs.judge_stored(warehouse, settings, clock.today(settings.schedule.timezone))
    if judged.problems:
        raise inputs.InputError(judged.problems)
    return judged.snapshot


class _Stored(NamedTuple):
    """What the warehouse holds of a model.

    Attributes:
        published: the refit behind the published run.
        rows_of_fit: the rows of it that a score takes over.
        used: the values that the published run used, as `published_input` gives them.
        same: the published run, if it has seen the very input of now, or None.
    """

    published: PublishedFit
    rows_of_fit: "dict[sa.Table, pd.DataFrame]"
    used: "pd.DataFrame"
    same: str | None


def _read_stored(settings: Settings, warehouse: Warehouse, snapshot: "pd.DataFrame") -> _Stored:
    seen = {"data_fingerprint": inputs.fingerprint(snapshot)}
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        published = published_fit(connection, settings.model_key)
        if published is None:
            raise dg.Failure(f"nothing of {settings.model_key} has been published: refit it first")
        rows_of_fit = {
            t: stored_rows(connection, t, published.run["run_id"])
            for t in fitting.TABLES_OF_THE_FIT
        }
        used = published_input(connection, settings.model_key)
        same = published_run_if_equal(connection, settings.model_key, seen)
    return _Stored(published, rows_of_fit, used, same)


def _scored_metrics(accuracy: "pd.DataFrame") -> dict[str, float]:
    """The scored weeks' metrics of all series together, as numbers that the UI plots."""
    rows = fitting.overall(accuracy[accuracy["evaluation_set"] == "scored"])
    return dict(zip("scored_" + rows["metric"], rows["value"], strict=True))
