"""A code location for the launchers: small refits of models of a size.

One of them cannot be fitted; and one's process is killed the first time, as for want of memory.
"""

import os
import signal
from collections.abc import Iterator

import dagster as dg
from dagster import AssetExecutionContext

from dagster_mmm.environment import keep_compiled_programs

MODELS = [f"model_{number:02}" for number in range(13)]
KILLED, UNFIT = "model_03", "model_07"

keep_compiled_programs()


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(MODELS))
def fit(context: AssetExecutionContext) -> dg.MaterializeResult:
    """The posterior of a simulated market, and which process fitted it."""
    from hill_mmm import ModelSpec, SamplerSettings, simulate_national_market
    from hill_mmm import fit as fit_panel

    if context.partition_key == UNFIT:
        raise dg.Failure("this market has no spend")
    if context.partition_key == KILLED and "dagster/retry_number" not in context.run.tags:
        os.kill(os.getpid(), signal.SIGKILL)
    panel, _ = simulate_national_market(int(context.partition_key.removeprefix("model_")))
    settings = SamplerSettings(chains=2, warmup=100, draws=100)
    fitted = fit_panel(panel, ModelSpec(), settings)
    return dg.MaterializeResult(
        metadata={"process": os.getpid(), "cpu_seconds": fitted.cpu_seconds}
    )


refit = dg.define_asset_job("refit", selection=[fit], executor_def=dg.in_process_executor)


@dg.sensor(job=refit, default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=5)
def refits() -> Iterator[dg.RunRequest]:
    """Each model once. Runs of a backfill, once all are asked for, Dagster never retries."""
    for model in MODELS:
        yield dg.RunRequest(run_key=model, partition_key=model)


defs = dg.Definitions(assets=[fit], jobs=[refit], sensors=[refits])
