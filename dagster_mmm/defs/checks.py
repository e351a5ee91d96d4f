"""The checks beside `panel`'s own: of the raw rows, the stored verdicts, and what is published."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import sqlalchemy as sa

from dagster_mmm.defs.namespace import Namespace
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.marts import model_keys, rows_of_no_model
from dagster_mmm.warehouse.runs import (
    published_run,
    reasons_not_to_publish,
    run_is_outdated,
    run_to_judge,
    staleness_weeks,
    stored_verdicts,
)

# The checks of the UI, each of one stored verdict.
STORED = {
    "contributions_add_up": (
        "additivity",
        "Baseline and contributions of every week sum to the expected outcome.",
    ),
    "forecast_is_calibrated": (
        "holdout_coverage",
        "The weeks that were held out lie inside their intervals as often as these say.",
    ),
    "history_has_not_drifted": (
        "history_shift",
        "The same weeks are told as the run published before has told them.",
    ),
}


def job_checks(names: Namespace) -> list[dg.AssetChecksDefinition]:
    """The checks beside those of `panel` and of the ledger."""
    models, diagnostic = names.models, names.result(tables.DIAGNOSTIC)
    specs = [
        dg.AssetCheckSpec(name, asset=diagnostic, partitions_def=models, description=description)
        for name, (_, description) in STORED.items()
    ]
    return [
        dg.asset_check(asset=names.rejected_input, additional_deps=[names.weekly_input])(
            names.bound(rows_have_a_model)
        ),
        dg.asset_check(asset=diagnostic, blocking=True, partitions_def=models)(
            names.bound(converged)
        ),
        dg.multi_asset_check(name=names.named("verdicts"), specs=specs)(names.bound(verdicts)),
        dg.asset_check(asset=names.published, partitions_def=models)(names.bound(is_up_to_date)),
    ]


def rows_have_a_model(
    settings: SettingsResource, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """Every raw row is of a model; what is not is fitted by nobody, and holds up no other model."""
    models = settings.models()
    nameless = rows_of_no_model(warehouse, models)
    unusable = model_keys(warehouse, models).unusable
    found = [f"{nameless} raw rows are blank in column {models.model_column!r}"] if nameless else []
    found += [f"column {models.model_column!r}: found {reason}" for reason in unusable]
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(found) or None,
        metadata={"rows_of_no_model": nameless, "texts_that_are_no_key": len(unusable)},
    )


def _run_of(context: dg.AssetCheckExecutionContext, connection: sa.Connection) -> str:
    """The run that a check of this partition, in this Dagster run, has to judge."""
    judged = run_to_judge(connection, context.partition_key, context.run.run_id)
    if judged is None:
        raise dg.Failure("there is no run to judge; materialise the result tables first")
    run_id, _ = judged
    return run_id


def converged(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """The latest run's stored verdict: an unconverged fit is never published."""
    with warehouse.begin() as connection:
        run_id = _run_of(context, connection)
        reasons = reasons_not_to_publish(connection, run_id)
    return dg.AssetCheckResult(
        passed=not reasons,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(reasons) or None,
        metadata={"run_id": run_id, "failed_checks": len(reasons)},
    )


def verdicts(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """The latest run's stored verdicts by themselves, with their numbers for the UI to plot."""
    with warehouse.begin() as connection:
        run_id = _run_of(context, connection)
        found = stored_verdicts(connection, run_id, [check for check, _ in STORED.values()])
    for name, (check_name, _) in STORED.items():
        yield _of_stored(name, found.get(check_name))


def _of_stored(name: str, stored: sa.Row[Any] | None) -> dg.AssetCheckResult:
    """A stored verdict as the UI's; a run has none of what there was nothing to judge by."""
    if stored is None:
        return dg.AssetCheckResult(
            check_name=name, passed=True, description="The run has nothing to judge it by."
        )
    blocks = stored.is_blocking
    numbers = {"value": stored.value, "limit": stored.threshold}
    return dg.AssetCheckResult(
        check_name=name,
        passed=stored.status == "pass",
        severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        description=stored.description,
        metadata={
            "run_id": stored.run_id,
            **{key: number for key, number in numbers.items() if number is not None},
        },
    )


def is_up_to_date(
    context: dg.AssetCheckExecutionContext,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
    clock: dg.ResourceParam[Clock],
) -> dg.AssetCheckResult:
    """What is published knows the last week that is over, but for the weeks that are held out."""
    model_key = context.partition_key
    loaded = settings.load(model_key)
    with warehouse.begin() as connection:
        run_id = published_run(connection, model_key)
        if run_id is None:
            raise dg.Failure(f"nothing of {model_key} has been published: refit it first")
        today = clock.today(loaded.schedule.timezone)
        behind = staleness_weeks(connection, run_id, today)
        is_outdated = run_is_outdated(connection, run_id, today)
    allowed = loaded.input.immature_weeks
    is_current = behind <= allowed and not is_outdated
    how = "is outdated: it ends" if is_outdated else "ends"
    return dg.AssetCheckResult(
        passed=is_current,
        severity=dg.AssetCheckSeverity.ERROR if is_outdated else dg.AssetCheckSeverity.WARN,
        description=f"What is published {how} {behind} weeks before the last that is over; load "
        "the weeks that are missing, and see what the last refits failed at (mmm runs)."
        if not is_current
        else None,
        metadata={"run_id": run_id, "staleness_weeks": behind, "allowed_weeks": allowed},
    )
