"""Each warehouse in turn, with empty result tables, and with runs that were killed."""

import pytest

from dagster_mmm.warehouse.database import Warehouse
from tests.dagster_mmm.warehouse.stored_runs import MONDAY, TUESDAY, store


@pytest.fixture
def warehouse(warehouse_url: str) -> Warehouse:
    resource = Warehouse(url=warehouse_url)
    resource.create_result_tables()
    return resource


@pytest.fixture
def killed(warehouse: Warehouse) -> Warehouse:
    """Two runs that were killed, one of another model, one whose results are there."""
    store(warehouse, "first", MONDAY, status=None, n_weeks=None)
    store(warehouse, "second", TUESDAY, status=None, n_weeks=None)
    store(warehouse, "b", TUESDAY, status=None, model_key="other", n_weeks=None)
    store(warehouse, "c", TUESDAY, status=None)
    return warehouse
