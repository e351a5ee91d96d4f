"""Schemas and columns, made where they are not there yet."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedColumn

from dagster_mmm.warehouse.bigquery_client import make_dataset
from dagster_mmm.warehouse.url import BIGQUERY, SNOWFLAKE

Columns = dict[sa.Table, list[ReflectedColumn]]


def qualified(connection: sa.Connection, table: sa.Table) -> str:
    """A table's name with the schema that it has in this warehouse, quoted where need be."""
    preparer = connection.dialect.identifier_preparer
    schema = connection.schema_for_object(table)
    name = preparer.quote(str(table.name))
    return name if schema is None else f"{preparer.quote_schema(schema)}.{name}"


def create_schema(connection: sa.Connection, name: str) -> None:
    """Make a schema, unless it is there."""
    if connection.dialect.name == BIGQUERY:
        make_dataset(connection, name)
        return
    schemata = sa.table("schemata", schema="information_schema")
    is_it = sa.column("schema_name") == stored_name(connection, name)
    query = sa.select(sa.func.count()).select_from(schemata).where(is_it)
    # Postgres asks for the right to make it before it sees that it is there.
    if not connection.scalar(query):
        connection.execute(sa.schema.CreateSchema(name))


def stored_name(connection: sa.Connection, name: str) -> str:
    """How the database's own catalog spells a name: of plain ones, Snowflake keeps the capitals."""
    dialect = connection.dialect
    return dialect.denormalize_name(name) if dialect.requires_name_normalize else name


def stored_types(connection: sa.Connection) -> Mapping[type[sa.types.TypeEngine[Any]], type[Any]]:
    """What columns of our types are found as, if the database has them by another name."""
    if connection.dialect.name == BIGQUERY:
        return {sa.BigInteger: sa.Integer, sa.Double: sa.Float}
    if connection.dialect.name != SNOWFLAKE:
        return {}
    # Not at the top: it is there with the extra alone.
    from snowflake.sqlalchemy import TIMESTAMP_NTZ

    return {sa.BigInteger: sa.Numeric, sa.Double: sa.Float, sa.DateTime: TIMESTAMP_NTZ}


def columns_found(connection: sa.Connection, metadata: sa.MetaData) -> Columns:
    """The columns that the warehouse has, in the schemas of these tables: a query a schema."""
    inspector = sa.inspect(connection)
    schemas = {table: connection.schema_for_object(table) for table in metadata.tables.values()}
    found: dict[tuple[str | None, str], list[ReflectedColumn]] = {}
    for schema in set(schemas.values()):
        found |= inspector.get_multi_columns(schema=schema)
    return {table: found.get((schema, str(table.name)), []) for table, schema in schemas.items()}


def rename_columns(connection: sa.Connection, former_names: Mapping[sa.Column, str]) -> None:
    """Give columns that an earlier version called otherwise their names of now; all rows stay."""
    inspector = sa.inspect(connection)
    quoted = connection.dialect.identifier_preparer
    for column, former_name in former_names.items():
        table = column.table
        found = inspector.get_columns(str(table.name), schema=connection.schema_for_object(table))
        if former_name in {each["name"] for each in found}:
            connection.exec_driver_sql(
                f"ALTER TABLE {qualified(connection, table)} "
                f"RENAME COLUMN {quoted.quote(former_name)} TO {quoted.format_column(column)}"
            )


def add_new_columns(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Add the columns that tables of an earlier version lack, where rows may do without a value.

    A column that had to have one, and need not any more, is told so.
    """
    preparer = connection.dialect.identifier_preparer
    found = columns_found(connection, metadata)
    for table in metadata.tables.values():
        known = {column["name"]: column["nullable"] for column in found[table]}
        for column in table.columns:
            if column.name not in known and column.nullable:
                definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(
                    f"ALTER TABLE {qualified(connection, table)} ADD COLUMN {definition}"
                )
            elif column.nullable and not known[column.name]:
                connection.exec_driver_sql(
                    f"ALTER TABLE {qualified(connection, table)} ALTER COLUMN "
                    f"{preparer.format_column(column)} DROP NOT NULL"
                )
