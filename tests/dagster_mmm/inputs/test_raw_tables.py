"""Raw tables are as the settings describe them, or the reason is named."""

import pytest

from dagster_mmm.inputs import RawTableError, check_table
from dagster_mmm.settings import Settings
from tests.conftest import Project

SETTINGS = Settings.read(
    {
        "model_key": "demo",
        "currency": "EUR",
        "outcome": {"name": "revenue"},
        "channels": [{"name": "spend"}],
    }
)


def test_a_date_that_depends_on_where_it_is_read_is_refused(project: Project) -> None:
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql("create schema raw")
        connection.exec_driver_sql(
            "create table raw.weekly_media (week timestamp with time zone, revenue int, spend int)"
        )
    with pytest.raises(RawTableError, match=r"column 'week' .* is a time with a time zone"):
        check_table(project.warehouse, SETTINGS)
