"""The copy of what is published that dashboards read."""

import dagster as dg

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.snapshot import VIEWS, snapshot_of, write_snapshot


@dg.asset(
    deps=[dg.AssetKey(view) for view in VIEWS],
    group_name="dashboards",
    kinds={"duckdb"},
    tags={"mmm/writes": "files"},
    pool="warehouse",
)
def dashboard_snapshot(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """The latest views as tables of a file of their own, which may be kept open for reading.

    A database server lets many read while the job writes: there, nothing is copied.
    """
    file = warehouse.file
    if file is None:
        return dg.MaterializeResult(metadata={"copied": "nothing: read the latest views"})
    target = snapshot_of(file)
    with warehouse.locked():
        rows = write_snapshot(file, target)
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(str(target)), "dagster/row_count": rows}
    )
