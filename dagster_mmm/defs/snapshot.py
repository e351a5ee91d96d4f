"""The copy of what is live that dashboards read."""

from pathlib import Path

import dagster as dg

from dagster_mmm import environment
from dagster_mmm.warehouse.resource import WarehouseResource
from dagster_mmm.warehouse.snapshot import VIEWS, write_snapshot


@dg.asset(deps=[dg.AssetKey(view) for view in VIEWS], group_name="published", kinds={"duckdb"})
def dashboard_snapshot(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """The latest views as tables of a file of their own, which may be kept open for reading."""
    target = environment.snapshot_path()
    with warehouse.locked():
        rows = write_snapshot(Path(warehouse.path), target)
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(str(target)), "dagster/row_count": rows}
    )
