"""One writer at a time on Snowflake, which has no locks but those of changed rows.

It commits at every statement that makes or alters a table: `create_result_tables` holds the lock up
to its first such statement alone.
"""

import sqlalchemy as sa

from dagster_mmm.warehouse.tables import SCHEMA

# It has one row, which a writer changes for as long as its transaction is open.
LOCK = sa.Table("mmm_lock", sa.MetaData(), sa.Column("writer", sa.String), schema=SCHEMA)


def make_lock(connection: sa.Connection) -> None:
    """Make the table that writers take turns by, unless it is there."""
    if not sa.inspect(connection).has_table(str(LOCK.name), schema=SCHEMA):
        LOCK.create(connection)
        connection.execute(LOCK.insert().values(writer="nobody"))


def lock(connection: sa.Connection, writer: str) -> None:
    """Let no other writer of ours begin before this transaction ends; it waits `LOCK_TIMEOUT`."""
    # Before the first tables are made, there is nothing to keep.
    if sa.inspect(connection).has_table(str(LOCK.name), schema=SCHEMA):
        connection.execute(LOCK.update().values(writer=writer))
