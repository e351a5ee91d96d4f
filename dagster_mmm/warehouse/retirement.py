"""Models that are in neither settings nor data any more."""

from collections.abc import Collection
from datetime import datetime

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.tables import RETIREMENT


def retire(warehouse: Warehouse, model_keys: Collection[str], now: datetime, reason: str) -> None:
    """Say of models that they are retired; nothing else of them is changed.

    Args:
        warehouse: the warehouse.
        model_keys: the models.
        now: the time to record, UTC.
        reason: why, and what brings them back.
    """
    warehouse.create_result_tables()
    rows = [{"model_key": key, "retired_at": now, "reason": reason} for key in sorted(model_keys)]
    with warehouse.begin() as connection:
        connection.execute(RETIREMENT.insert(), rows)
