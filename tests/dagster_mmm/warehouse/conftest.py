"""Each warehouse in turn, with empty result tables."""

import pytest

from dagster_mmm.warehouse.resource import WarehouseResource


@pytest.fixture
def warehouse(warehouse_url: str) -> WarehouseResource:
    resource = WarehouseResource(url=warehouse_url)
    resource.create_result_tables()
    return resource
