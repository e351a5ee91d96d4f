"""The check on past forecasts, on a warehouse that holds the ledger's view."""

import dagster as dg
import pandas as pd
import pytest

from dagster_mmm.defs.ledger import forecasts_are_calibrated
from tests.conftest import Project


def calibration(project: Project, coverage: float, run_type: str = "refit") -> None:
    """A view of one horizon, scored in 26 weeks."""
    rows = pd.DataFrame(
        {
            "model_key": ["demo", "good"],
            "run_type": run_type,
            "series_key": "national",
            "horizon": 1,
            "n_weeks": 26,
            "coverage_90": [coverage, 0.9],
            "crps_vs_naive": [0.5, 0.5],
            "is_current": True,
        }
    )
    # A decimal as DuckDB reads it is none of the view's numbers.
    values = ", ".join(str(tuple(row)) for row in rows.to_numpy().tolist())
    columns = ", ".join(
        f"cast({name} as double) as {name}" if rows[name].dtype == float else name for name in rows
    )
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql("create schema mmm")
        connection.exec_driver_sql(
            f"create view mmm.mmm_forecast_calibration as select {columns} from (values {values}) "
            f"as rows ({', '.join(rows.columns)})"
        )


def verdict(project: Project) -> dg.AssetCheckResult:
    result = forecasts_are_calibrated(warehouse=project.warehouse)
    assert isinstance(result, dg.AssetCheckResult)
    return result


@pytest.mark.parametrize(("coverage", "passed"), [(0.9, True), (0.3, False)])
def test_forecasts_that_miss_warn(project: Project, coverage: float, passed: bool) -> None:
    calibration(project, coverage)
    result = verdict(project)
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert result.metadata["models"] == dg.MetadataValue.int(2)
    said = "" if passed else "demo: Share of 26 weeks inside the 90 % interval forecast 1 weeks"
    assert (result.description or "").startswith(said)
    assert (result.description is None) == passed


def test_vintages_are_no_drift(project: Project) -> None:
    calibration(project, 0.0, run_type="vintage")
    result = verdict(project)
    assert result.passed
    assert result.metadata["models"] == dg.MetadataValue.int(0)
