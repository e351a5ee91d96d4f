"""One writer at a time on Snowflake, which has no locks but those of changed rows.

It commits at every statement that makes or alters a table: `create_result_tables` holds the lock up
to its first such statement alone.
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
    # With its row, in one statement: a row of its own would stand in a transaction of its own.
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {name} AS SELECT CAST('nobody' AS VARCHAR) AS writer"
    )


def lock(connection: sa.Connection, writer: str) -> None:
    """Let no other writer of ours begin before this transaction ends; it waits `LOCK_TIMEOUT`.

    Raises:
        WarehouseError: if the table has lost its row, without which it locks nothing.
    """
    # Before the first tables are made, there is nothing to keep.
    schema = connection.schema_for_object(LOCK)
    if not sa.inspect(connection).has_table(str(LOCK.name), schema=schema):
        return
    if connection.execute(LOCK.update().values(writer=writer)).rowcount < 1:
        raise WarehouseError(
            f"{LOCK} has no row to lock by; drop the table, and the next run makes it anew"
        )
