"""The ledger of forecasts: are they still as right as they say?"""

import dagster as dg
import sqlalchemy as sa

from dagster_mmm import fitting
from dagster_mmm.defs.namespace import Namespace
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.tables import SCHEMA


def ledger_check(names: Namespace) -> dg.AssetChecksDefinition:
    """The check of the ledger."""
    calibration = names.key("mmm_forecast_calibration")
    return dg.asset_check(asset=calibration)(names.bound(forecasts_are_calibrated))


def forecasts_are_calibrated(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Past forecasts held their intervals as often as they said, and beat last year's numbers."""
    from hill_mmm.checks import calibration_checks

    view = sa.Table("mmm_forecast_calibration", sa.MetaData(), schema=SCHEMA)
    query = (
        sa.select(sa.text("*"))
        .select_from(view)
        .where(sa.column("run_type") == "refit", sa.column("is_current").is_(True))
    )
    by_model = warehouse.read(query).groupby("model_key")
    checks = [
        (str(model_key), check)
        for model_key, scored in by_model
        for check in calibration_checks(fitting.overall(scored))
    ]
    warnings = [
        f"{model_key}: {check.description}" for model_key, check in checks if check.status != "pass"
    ]
    return dg.AssetCheckResult(
        passed=not warnings,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(warnings) or None,
        metadata={"models": len(by_model), "points": len(warnings)},
    )
