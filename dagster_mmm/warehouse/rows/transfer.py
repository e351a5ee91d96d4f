"""Many rows into a table and out of a query at once, as each dialect does it best.

Rows travel as Arrow tables: typed columns, without a Python loop over rows.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import sqlalchemy as sa

from dagster_mmm.warehouse.ddl import qualified
from dagster_mmm.warehouse.rows import bigquery
from dagster_mmm.warehouse.url import BIGQUERY, DUCKDB, POSTGRES, SNOWFLAKE

if TYPE_CHECKING:
    import psycopg

ARROW_TYPES: Mapping[type[sa.types.TypeEngine[Any]], pa.DataType] = {
    sa.String: pa.string(),
    sa.Double: pa.float64(),
    sa.BigInteger: pa.int64(),
    sa.Date: pa.date32(),
    sa.DateTime: pa.timestamp("us"),
    sa.Boolean: pa.bool_(),
}
# Bounds the memory of what is on its way, some 20 MB of text.
ROWS_AT_ONCE = 100_000


def arrow_rows(table: sa.Table, frame: pd.DataFrame) -> pa.Table:
    """A frame's rows in the types of a table's columns, in their order.

    Raises:
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: if a value is none of its column's type.
    """
    fields = [(column.name, ARROW_TYPES[type(column.type)]) for column in table.columns]
    return pa.Table.from_pandas(frame, schema=pa.schema(fields), preserve_index=False)


def insert(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    """Insert rows that have the table's columns, in the connection's transaction."""
    dialect = connection.dialect.name
    if dialect == DUCKDB:
        _register(connection, table, rows)
    elif dialect == POSTGRES:
        _copy(connection, table, rows)
    elif dialect == SNOWFLAKE:
        _stage(connection, table, rows)
    elif dialect == BIGQUERY:
        bigquery.insert(connection, table, rows)
    elif rows.num_rows:
        connection.execute(table.insert(), rows.to_pylist())


def read(connection: sa.Connection, query: sa.Select | sa.TextClause) -> pd.DataFrame:
    """The rows of a query; on Postgres by a connection of its own, which sees what is committed."""
    dialect = connection.dialect.name
    if dialect == DUCKDB:
        driver = cast(duckdb.DuckDBPyConnection, connection.connection.driver_connection)
        return (
            driver.sql(_literal(connection, query, connection.dialect)).to_arrow_table().to_pandas()
        )
    if dialect == POSTGRES:
        # Not at the top: the driver is an extra, and the dialect takes a fifth of a second.
        import adbc_driver_postgresql.dbapi
        from sqlalchemy.dialects import postgresql

        with (
            adbc_driver_postgresql.dbapi.connect(_conninfo(connection)) as reader,
            reader.cursor() as cursor,
        ):
            # Psycopg's own dialect would double each percent sign.
            cursor.execute(_literal(connection, query, postgresql.dialect(paramstyle="named")))
            return cursor.fetch_arrow_table().to_pandas()
    return pd.read_sql(query, connection)


def _register(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    driver = cast(duckdb.DuckDBPyConnection, connection.connection.driver_connection)
    driver.register("rows_to_insert", rows)
    try:
        connection.exec_driver_sql(
            f"INSERT INTO {qualified(connection, table)} BY NAME FROM rows_to_insert"
        )
    finally:
        driver.unregister("rows_to_insert")


def _copy(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    from psycopg import sql

    target = sql.Identifier(*filter(None, (connection.schema_for_object(table), table.name)))
    columns = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(target, columns)
    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE):
            # Text is always quoted and null never: an empty text stays an empty text.
            text = pa.BufferOutputStream()
            pyarrow.csv.write_csv(batch, text, pyarrow.csv.WriteOptions(include_header=False))
            copy.write(memoryview(text.getvalue()))


def _stage(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    """Put a file beside the table and copy it in, which is a part of the open transaction."""
    if not rows.num_rows:
        return
    dialect = connection.dialect
    # The table's own stage, for a named one would have to be made: that would commit.
    schema, name = (
        dialect.denormalize_name(str(part))
        for part in (connection.schema_for_object(table), table.name)
    )
    stage = f"@{_quoted(schema)}.{_quoted('%' + name)}/{uuid4().hex}"
    # Short names, for a path in a file takes not every name that a column may bear.
    fields = [f"c{number}" for number in range(len(rows.column_names))]
    columns = [_quoted(dialect.denormalize_name(column)) for column in rows.column_names]
    types = [table.columns[column].type.compile(dialect) for column in rows.column_names]
    values = [f"$1:{field}::{kind}" for field, kind in zip(fields, types, strict=True)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pyarrow.parquet.write_table(rows.rename_columns(fields), path)
        connection.exec_driver_sql(f"PUT 'file://{path}' {stage} AUTO_COMPRESS = FALSE")
    connection.exec_driver_sql(
        f"COPY INTO {_quoted(schema)}.{_quoted(name)} ({', '.join(columns)}) "
        f"FROM (SELECT {', '.join(values)} FROM {stage}) "
        "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) PURGE = TRUE"
    )


def _quoted(identifier: str) -> str:
    doubled = identifier.replace('"', '""')
    return f'"{doubled}"'


def _literal(
    connection: sa.Connection, query: sa.Select | sa.TextClause, dialect: sa.Dialect
) -> str:
    """The query with its values written in it, for a driver that SQLAlchemy does not know."""
    schemas = connection.get_execution_options().get("schema_translate_map")
    return str(
        query.compile(
            dialect=dialect,
            schema_translate_map=schemas,
            render_schema_translate=schemas is not None,
            compile_kwargs={"literal_binds": True},
        )
    )


def _conninfo(connection: sa.Connection) -> str:
    """What libpq needs to connect once more; a URL would not take every name and password."""
    from psycopg.conninfo import make_conninfo

    info = cast("psycopg.Connection", connection.connection.driver_connection).info
    return make_conninfo(**info.get_parameters(), password=info.password)
