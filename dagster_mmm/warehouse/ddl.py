"""Schemas and columns, made where they are not there yet."""

import sqlalchemy as sa


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
