"""Schemas and raw tables, made where they are not there yet."""

import pyarrow as pa
import sqlalchemy as sa

from dagster_mmm.warehouse.tables import SCHEMA
from dagster_mmm.warehouse.transfer import insert
from dagster_mmm.warehouse.url import POSTGRES


def create_schema(connection: sa.Connection, name: str) -> None:
    """Make a schema, unless it is there."""
    schemata = sa.table("schemata", sa.column("schema_name"), schema="information_schema")
    query = sa.select(sa.func.count()).where(schemata.c.schema_name == name)
    # Postgres asks for the right to make it before it sees that it is there.
    if not connection.scalar(query):
        connection.execute(sa.schema.CreateSchema(name))


def add_new_columns(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Add the columns that tables of an earlier version lack, where rows may do without a value."""
    inspector = sa.inspect(connection)
    quote = connection.dialect.identifier_preparer.format_table
    for table in metadata.tables.values():
        found = inspector.get_columns(str(table.name), schema=table.schema)
        known = {column["name"] for column in found}
        for column in table.columns:
            if column.name not in known and column.nullable:
                definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ADD COLUMN {definition}")


def replace_table(connection: sa.Connection, schema: str, name: str, rows: pa.Table) -> None:
    """Let a table of texts hold these rows and no others; made anew where its columns differ."""
    columns = [sa.Column(column, sa.String) for column in rows.column_names]
    table = sa.Table(name, sa.MetaData(), *columns, schema=schema)
    if _holds_texts(connection, table):
        connection.execute(table.delete())
    else:
        if connection.dialect.name == POSTGRES:
            # The one view of ours that reads it, and would keep it from being dropped. dbt makes
            # it anew.
            connection.execute(sa.text(f"drop view if exists {SCHEMA}.stg_input cascade"))
        table.drop(connection, checkfirst=True)
        table.create(connection)
    insert(connection, table, rows)


def _holds_texts(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether the table is there with the same columns, all of them text."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(str(table.name), schema=table.schema):
        return False
    found = inspector.get_columns(str(table.name), schema=table.schema)
    return [column["name"] for column in found] == table.columns.keys() and all(
        isinstance(column["type"], sa.String) for column in found
    )
