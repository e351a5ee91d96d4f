"""Each warehouse in turn, with empty result tables."""

import pytest

from dagster_mmm.warehouse.database import Warehouse


@pytest.fixture
def warehouse(warehouse_url: str) -> Warehouse:
    resource = Warehouse(url=warehouse_url)
    resource.create_result_tables()
    return resource
