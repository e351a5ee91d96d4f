"""A row that writers take turns by, on databases that have no locks but those of changed rows.

Snowflake lets the second writer wait; BigQuery refuses it, and it asks again: `bigquery.py`.
"""

import sqlalchemy as sa

from dagster_mmm.warehouse.ddl import qualified
from dagster_mmm.warehouse.errors import WarehouseError
from dagster_mmm.warehouse.tables import SCHEMA

# It has one row, which a writer changes for as long as its transaction is open.
LOCK = sa.Table("mmm_lock", sa.MetaData(), sa.Column("writer", sa.String), schema=SCHEMA)


def make_lock(connection: sa.Connection) -> None:
    """Make the table that writers take turns by, unless it is there."""
    name = qualified(connection, LOCK)
    text = LOCK.columns["writer"].type.compile(connection.dialect)
    # With its row, in one statement: a row of its own would stand in a transaction of its own.
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {name} AS SELECT CAST('nobody' AS {text}) AS writer"
    )


def has_lock(connection: sa.Connection) -> bool:
    """Whether the table is there; before the first tables are made, there is nothing to keep."""
    schema = connection.schema_for_object(LOCK)
    return sa.inspect(connection).has_table(str(LOCK.name), schema=schema)


def take(connection: sa.Connection, writer: str) -> None:
    """Change the row, so that no other writer of ours can before this transaction ends.

    Raises:
        WarehouseError: if the table has lost its row, without which it locks nothing.
    """
    # BigQuery changes no rows without a condition.
    if connection.execute(LOCK.update().where(sa.true()).values(writer=writer)).rowcount < 1:
        raise WarehouseError(
            f"{LOCK} has no row to lock by; drop the table, and the next run makes it anew"
        )
