"""The fit: the posterior of the Hill mixture, on all weeks and on those before the holdout."""

from math import isfinite
from typing import TYPE_CHECKING

import dagster as dg

from dagster_mmm import fitting, inputs
from dagster_mmm.defs.markdown import verdict_markdown
from dagster_mmm.defs.namespace import SAMPLING_POOL, Namespace
from dagster_mmm.fitting.artefacts import FittedRun, RunInput
from dagster_mmm.fitting.resource import FittedRunIOManager
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.storage import StoredFileError
from dagster_mmm.warehouse import rows, tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.runs import published_runs, unfinished_runs
from dagster_mmm.warehouse.unfinished import reject_ended

if TYPE_CHECKING:
    import pandas as pd

    from hill_mmm import Progress


def fit_asset(names: Namespace) -> dg.AssetsDefinition:
    """The asset `fit`."""
    return dg.asset(
        key=names.fit,
        ins={"panel": dg.AssetIn(names.panel)},
        partitions_def=names.models,
        group_name=names.group_of("model"),
        kinds={"numpyro", "jax"},
        tags={"mmm/writes": "files"},
        io_manager_key=names.named("fitted_run_io"),
        pool=SAMPLING_POOL,
    )(names.bound(fit))


def fit(
    context: dg.AssetExecutionContext,
    panel: RunInput,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
    fitted_run_io: dg.ResourceParam[FittedRunIOManager],
    clock: dg.ResourceParam[Clock],
) -> dg.Output[FittedRun]:
    """Posterior draws; no connection to the warehouse is held while sampling."""
    run_id, loaded = context.run.run_id, settings.load(context.partition_key)
    weeks = inputs.build_panel(panel.snapshot, loaded)
    # The input's check names those that it leaves out; of a vintage, later ones are not known yet.
    used = panel.snapshot[panel.snapshot["is_used"]]
    known = loaded.model_copy(update={"lift_tests": inputs.lift_tests_within(used, loaded)})
    version = fitting.model_version(loaded, weeks)
    started_at = clock.utc()
    row = fitting.started_run(run_id, started_at, loaded, version, panel.run_type)
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        # Two refits of a model never run at once: what else says it is running has ended.
        reject_ended(connection, set(unfinished_runs(connection, loaded.model_key)) - {run_id})
        rows.replace_run(connection, run_id, {tables.RUN: row})
        earlier = published_runs(connection, loaded.model_key, version)
    try:
        frozen = fitted_run_io.frozen_scales(loaded.model_key, earlier)
    except StoredFileError as error:
        _reject(warehouse, row, str(error))
        raise dg.Failure(str(error)) from error
    scales_of, scales = frozen or (None, None)
    of_which = f"those of run {scales_of}" if scales_of else "its own"
    context.log.info(f"model version {version}, on scales: {of_which}")
    try:
        fitted = fitting.fit_panel(
            weeks,
            known,
            scales,
            context.log,
            lambda what, progress: context.log_event(_observation(context, what, progress)),
        )
    except fitting.OverBudgetError as error:
        _reject(warehouse, row, str(error))
        raise dg.Failure(str(error)) from error
    except Exception as error:
        _reject(warehouse, row, f"the fit stopped with {type(error).__name__}: {error}")
        raise
    posterior = fitted.climb.fit
    if posterior is None:
        _reject(warehouse, row, fitted.climb.reason)
        raise dg.Failure(f"no fit has any draws: {fitted.climb.reason}")
    record = fitted.record(version, scales_of)
    summary = dg.MetadataValue.md(verdict_markdown(fitted.climb.checks))
    return dg.Output(
        FittedRun(run_id, started_at, loaded, panel, posterior, fitted.holdout, record),
        metadata={
            "summary": summary,
            "series": len(weeks.series),
            "weeks": len(weeks),
            "components": posterior.spec.components,
            "ladder": [rung["reason"] for rung in record.ladder],
            "model_version": version,
            "scales": of_which,
            "divergences": int(posterior.stats.diverging.sum()),
            # The UI plots them from fit to fit; it cannot show what is undefined.
            **{c.check_name: c.value for c in fitted.climb.checks if isfinite(c.value)},
            "leapfrog_steps_per_draw": float(posterior.stats.steps.mean()),
            "cpu_seconds": record.cpu_seconds,
            "peak_rss_mb": posterior.peak_rss_mb,
        },
    )


def _observation(
    context: dg.AssetExecutionContext, what: str, progress: "Progress"
) -> dg.AssetObservation:
    """Where a fit stands, for the UI and `mmm fit`."""
    return dg.AssetObservation(
        context.asset_key,
        partition=context.partition_key,
        metadata={
            "fitting": what,
            "percent_done": round(100 * progress.done / progress.total),
            "divergences_so_far": progress.divergences,
            "seconds_left": round(progress.remaining_seconds),
        },
    )


def _reject(warehouse: Warehouse, row: "pd.DataFrame", reason: str) -> None:
    """Record why there is no fit."""
    run_id = str(row["run_id"].item())
    rejected = row.assign(status="rejected", gate_reason=reason)
    with warehouse.begin() as connection:
        rows.replace_run(connection, run_id, {tables.RUN: rejected})
