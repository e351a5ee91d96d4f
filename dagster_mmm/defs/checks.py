"""The checks beside `panel`'s own: every raw row has a model, and the fit has converged."""

import dagster as dg

from dagster_mmm.defs.panel import REJECTED_INPUT, WEEKLY_INPUT
from dagster_mmm.defs.results import result_key
from dagster_mmm.partitions import MODELS
from dagster_mmm.settings_resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.marts import model_keys, rows_of_no_model
from dagster_mmm.warehouse.publish import reasons_against, run_to_judge
from dagster_mmm.warehouse.resource import WarehouseResource


@dg.asset_check(asset=REJECTED_INPUT, additional_deps=[WEEKLY_INPUT])
def rows_have_a_model(
    settings: SettingsResource, warehouse: WarehouseResource
) -> dg.AssetCheckResult:
    """Every raw row is of a model; what is not is fitted by nobody, and holds up no other model."""
    models = settings.models()
    nameless = rows_of_no_model(warehouse)
    refused = model_keys(warehouse, models).refused
    found = [f"{nameless} raw rows are blank in column {models.model_column!r}"] if nameless else []
    found += [f"column {models.model_column!r}: found {reason}" for reason in refused]
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(found) or None,
        metadata={"rows_of_no_model": nameless, "texts_that_are_no_key": len(refused)},
    )


@dg.asset_check(asset=result_key(tables.DIAGNOSTIC), blocking=True, partitions_def=MODELS)
def converged(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> dg.AssetCheckResult:
    """The latest run's stored verdict: an unconverged fit is never published."""
    with warehouse.begin() as connection:
        judged = run_to_judge(connection, context.partition_key, context.run.run_id)
        if judged is None:
            raise dg.Failure("there is no run to judge; materialise the result tables first")
        run_id, _ = judged
        reasons = reasons_against(connection, run_id)
    return dg.AssetCheckResult(
        passed=not reasons,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(reasons) or None,
        metadata={"run_id": run_id, "failed_checks": len(reasons)},
    )
