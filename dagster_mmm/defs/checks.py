"""The checks: the input can be fitted, what in it asks for a look, and the fit has converged."""

import dagster as dg

from dagster_mmm.defs.panel import REJECTED_INPUT, WEEKLY_INPUT, read_marts, today
from dagster_mmm.defs.results import result_key
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.publish import latest_run, reasons_against
from dagster_mmm.warehouse.resource import WarehouseResource


@dg.asset_check(asset=WEEKLY_INPUT, additional_deps=[REJECTED_INPUT], blocking=True)
def input_is_usable(
    context: dg.AssetCheckExecutionContext,
    settings: SettingsResource,
    warehouse: WarehouseResource,
) -> dg.AssetCheckResult:
    """Every week is there once, with usable numbers, and there are enough of them."""
    from dagster_mmm.model_input import judge_input

    loaded = settings.load()
    judged = judge_input(*read_marts(warehouse), loaded, today(loaded))
    problems = [problem.message for problem in judged.problems]
    for problem in problems:
        context.log.error(problem)
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(problems) or "; ".join(judged.repairs()) or None,
        metadata={"problems": len(problems), "repairs": len(judged.repairs())},
    )


@dg.asset_check(asset=WEEKLY_INPUT, additional_deps=[REJECTED_INPUT])
def input_is_plausible(
    settings: SettingsResource, warehouse: WarehouseResource
) -> dg.AssetCheckResult:
    """Nothing in the input asks for a second look; if something does, the fit goes on."""
    from dagster_mmm.model_input import judge_input

    loaded = settings.load()
    advice = judge_input(*read_marts(warehouse), loaded, today(loaded)).advice()
    return dg.AssetCheckResult(
        passed=not advice,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(point.message for point in advice) or None,
        metadata={"points": len(advice)},
    )


@dg.asset_check(asset=result_key(tables.DIAGNOSTIC), blocking=True)
def converged(settings: SettingsResource, warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """The latest run's stored verdict: an unconverged fit is never published."""
    with warehouse.begin() as connection:
        run_id = latest_run(connection, settings.load().model_key)
        if run_id is None:
            raise dg.Failure("there is no run to judge; materialise the result tables first")
        reasons = reasons_against(connection, run_id)
    return dg.AssetCheckResult(
        passed=not reasons,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(reasons) or None,
        metadata={"run_id": run_id, "failed_checks": len(reasons)},
    )
