"""The fit: the posterior of the Hill mixture, on all weeks and on those before the holdout."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from dagster_mmm.artefacts import FittedRun
from dagster_mmm.settings import Settings
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.bulk import replace_run
from dagster_mmm.warehouse.resource import WarehouseResource

if TYPE_CHECKING:
    from hill_mmm import Fit, Panel, Progress


@dg.asset(group_name="model", kinds={"numpyro", "jax"}, io_manager_key="fitted_run_io")
def fit(
    context: dg.AssetExecutionContext,
    panel: pd.DataFrame,
    settings: SettingsResource,
    warehouse: WarehouseResource,
) -> dg.Output[FittedRun]:
    """Posterior draws; no connection to the warehouse is held while sampling."""
    from dagster_mmm.model_input import build_panel
    from dagster_mmm.results import failed_run, started_run

    run_id = context.run.run_id
    loaded = settings.load()
    weeks = build_panel(panel, loaded)
    started_at = datetime.now(UTC).replace(tzinfo=None)
    row = started_run(run_id, pd.Timestamp(started_at), loaded)
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        replace_run(connection, run_id, {tables.RUN: row})
    try:
        posterior, holdout, no_holdout = _sample(context, weeks, loaded)
    except Exception as error:
        with warehouse.begin() as connection:
            replace_run(connection, run_id, {tables.RUN: failed_run(row, error)})
        raise
    return dg.Output(
        FittedRun(run_id, started_at, loaded, panel, posterior, holdout, no_holdout),
        metadata={
            "weeks": len(weeks),
            "divergences": int(posterior.stats.diverging.sum()),
            "leapfrog_steps_per_draw": float(posterior.stats.steps.mean()),
            "cpu_seconds": posterior.cpu_seconds,
            "peak_rss_mb": posterior.peak_rss_mb,
        },
    )


def _sample(
    context: dg.AssetExecutionContext, weeks: "Panel", settings: Settings
) -> tuple["Fit", "Fit | None", str | None]:
    """The fit on all weeks, the one before the holdout, and why there is none where asked for."""
    import hill_mmm
    from dagster_mmm.results import model_spec, sampler_settings

    spec, sampler = model_spec(settings, weeks.channels), sampler_settings(settings)
    holdout, no_holdout = None, None
    if settings.evaluation.holdout_weeks:
        train = weeks.head(max(len(weeks) - settings.evaluation.holdout_weeks, 0))
        no_holdout = hill_mmm.obstacle_to_training(train)
        if no_holdout is None:
            report = _reporter(context, f"holdout fit on {len(train)} weeks")
            holdout = hill_mmm.fit(train, spec, sampler, report)
    report = _reporter(context, f"fit on {len(weeks)} weeks")
    return hill_mmm.fit(weeks, spec, sampler, report), holdout, no_holdout


def _reporter(context: dg.AssetExecutionContext, what: str) -> "Callable[[Progress], None]":
    """Log every fifth part of the work: one line a block would bury the rest of the log."""
    reported = 0

    def report(progress: "Progress") -> None:
        nonlocal reported
        fifth = 5 * progress.done // progress.total
        if fifth > reported:
            reported = fifth
            context.log.info(
                f"{what}: {progress.done} of {progress.total} iterations, "
                f"{progress.divergences} divergences, "
                f"about {progress.remaining_seconds:.0f} s left"
            )

    return report
