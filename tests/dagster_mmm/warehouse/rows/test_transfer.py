"""Values come back as they went in, many at once, on a DuckDB file and on Postgres."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.rows.transfer import arrow_rows, insert

TABLE = sa.Table(
    "select",
    sa.MetaData(),
    sa.Column('te"xt %s', sa.String),
    sa.Column("number", sa.Double),
    sa.Column("count", sa.BigInteger),
    sa.Column("day", sa.Date),
    sa.Column("moment", sa.DateTime),
    sa.Column("flag", sa.Boolean),
    schema="a b",
)
FRAME = pd.DataFrame(
    {
        'te"xt %s': ["", None, 'q"uo\nte, \\N', "\\.", "ümläut %(x)s :y"],
        "number": [0.1 + 0.2, np.nan, -1e-300, 1.7976931348623157e308, 5e-324],
        "count": pd.array([1, None, -(2**53), 2**53, 0], dtype="Int64"),
        "day": pd.to_datetime(["2026-01-05", None, "1970-01-01", "0999-12-31", "2262-04-12"]),
        "moment": pd.to_datetime(["2026-01-05 01:02:03.123456", *[None] * 4]),
        "flag": [True, None, False, True, False],
    }
)


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Warehouse]:
    resource = Warehouse(url=warehouse_url)
    with resource.begin() as connection:
        connection.execute(sa.schema.CreateSchema("a b"))
        TABLE.create(connection)
    yield resource


def test_values_come_back_as_they_went_in(warehouse: Warehouse) -> None:
    rows = arrow_rows(TABLE, FRAME)
    with warehouse.begin() as connection:
        insert(connection, TABLE, rows)
        insert(connection, TABLE, rows.slice(0, 0))
    found = warehouse.read(TABLE.select())
    order = TABLE.c.count.asc().nulls_last()
    by_value = warehouse.read(
        TABLE.select().where(TABLE.c['te"xt %s'].in_(["", "ümläut %(x)s :y"])).order_by(order)
    )
    assert arrow_rows(TABLE, found).equals(rows)
    assert list(by_value["count"]) == [0, 1]
