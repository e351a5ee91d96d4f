"""The fit: the posterior of the Hill mixture, on all weeks and on those before the holdout."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from dagster_mmm.artefacts import FittedRun
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.bulk import replace_run
from dagster_mmm.warehouse.resource import WarehouseResource

if TYPE_CHECKING:
    from hill_mmm import Progress


@dg.asset(group_name="model", kinds={"numpyro", "jax"}, io_manager_key="fitted_run_io")
def fit(
    context: dg.AssetExecutionContext,
    panel: pd.DataFrame,
    settings: SettingsResource,
    warehouse: WarehouseResource,
) -> dg.Output[FittedRun]:
    """Posterior draws; no connection to the warehouse is held while sampling."""
    import hill_mmm
    from dagster_mmm.model_input import build_panel
    from dagster_mmm.results import model_spec, sampler_settings, started_run

    run_id = context.run.run_id
    loaded = settings.load()
    weeks = build_panel(panel, loaded)
    started_at = datetime.now(UTC).replace(tzinfo=None)
    warehouse.create_result_tables()
    with warehouse.begin() as connection:
        row = started_run(run_id, pd.Timestamp(started_at), loaded)
        replace_run(connection, run_id, {tables.RUN: row})

    spec, sampler = model_spec(loaded), sampler_settings(loaded)
    n_train = len(weeks) - loaded.evaluation.holdout_weeks
    holdout = None
    if loaded.evaluation.holdout_weeks and n_train >= hill_mmm.MIN_WEEKS:
        report = _reporter(context, f"holdout fit on {n_train} weeks")
        holdout = hill_mmm.fit(weeks.head(n_train), spec, sampler, report)
    report = _reporter(context, f"fit on {len(weeks)} weeks")
    posterior = hill_mmm.fit(weeks, spec, sampler, report)
    return dg.Output(
        FittedRun(run_id, started_at, loaded, panel, posterior, holdout),
        metadata={
            "weeks": len(weeks),
            "divergences": int(posterior.stats.diverging.sum()),
            "leapfrog_steps_per_draw": float(posterior.stats.steps.mean()),
            "cpu_seconds": posterior.cpu_seconds,
            "peak_rss_mb": posterior.peak_rss_mb,
        },
    )


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
