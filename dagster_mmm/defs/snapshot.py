"""The copy of what is published that dashboards read."""

import dagster as dg

from dagster_mmm.defs.namespace import WAREHOUSE_POOL, Namespace
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.snapshot import VIEWS, snapshot_of, write_snapshot


def snapshot_asset(names: Namespace) -> dg.AssetsDefinition:
    """The asset `dashboard_snapshot`."""
    return dg.asset(
        key=names.key("dashboard_snapshot"),
        deps=names.keys(VIEWS),
        group_name=names.group_of("dashboards"),
        kinds={"duckdb"},
        tags={"mmm/writes": "files"},
        pool=WAREHOUSE_POOL,
    )(names.bound(dashboard_snapshot))


def dashboard_snapshot(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """The latest views as tables of a file of their own, which may be kept open for reading.

    A database server lets many read while the job writes: there, nothing is copied.
    """
    file = warehouse.file
    if file is None:
        return dg.MaterializeResult(metadata={"copied": "nothing: read the latest views"})
    target = snapshot_of(file, warehouse.schema)
    with warehouse.locked():
        rows = write_snapshot(file, target, warehouse.schema)
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(str(target)), "dagster/row_count": rows}
    )
