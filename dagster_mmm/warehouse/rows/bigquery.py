"""Rows to BigQuery: with the statement that inserts them, or as a job that replaces a table.

A job that loads a file is no part of a transaction, and what it has loaded since the transaction
began need not be seen in it: rows of results travel as a parameter of the statement.
"""

import io
import json
from collections.abc import Iterator

import pyarrow as pa
import sqlalchemy as sa

from dagster_mmm.warehouse.bigquery_client import client_of
from dagster_mmm.warehouse.ddl import qualified

# A request may have 10 MB with its parameters; quotes and backslashes are doubled on the way.
BYTES_AT_ONCE = 4_000_000
ROWS_AT_ONCE = 10_000


def replace_texts(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    """Let a table hold these rows of texts and no others: a load job, which is done as a whole.

    It is no part of the connection's transaction.
    """
    from google.cloud import bigquery

    client = client_of(connection)
    lines = (
        json.dumps(row)
        for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE)
        for row in batch.to_pylist()
    )
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        schema=[bigquery.SchemaField(name, "STRING") for name in rows.column_names],
    )
    target = f"{client.project}.{connection.schema_for_object(table)}.{table.name}"
    file = io.BytesIO("\n".join(lines).encode())
    client.load_table_from_file(file, target, rewind=True, job_config=config).result()


def insert(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    """Insert rows in the connection's transaction, as a JSON text that the statement reads."""
    columns = [table.columns[name] for name in rows.column_names]
    quoted = connection.dialect.identifier_preparer
    values = [
        f"CAST(JSON_VALUE(line, '$[{number}]') AS {column.type.compile(connection.dialect)})"
        for number, column in enumerate(columns)
    ]
    statement = (
        f"INSERT INTO {qualified(connection, table)} "
        f"({', '.join(quoted.format_column(column) for column in columns)}) "
        f"SELECT {', '.join(values)} FROM UNNEST(JSON_QUERY_ARRAY(%(lines)s)) AS line"
    )
    for lines in _parts(rows):
        connection.exec_driver_sql(statement, {"lines": lines})


def _parts(rows: pa.Table) -> Iterator[str]:
    """The rows as JSON, each a list of texts and nulls, in parts that a request can take."""
    part: list[str] = []
    n_bytes = 0
    for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE):
        columns = [[_text(value) for value in column.to_pylist()] for column in batch.columns]
        for row in zip(*columns, strict=True):
            part.append(json.dumps(row))
            n_bytes += len(part[-1])
            if n_bytes > BYTES_AT_ONCE:
                yield f"[{','.join(part)}]"
                part, n_bytes = [], 0
    if part:
        yield f"[{','.join(part)}]"


def _text(value: object) -> str | None:
    """A value as BigQuery casts it from a text: a number in all its digits, a time as ISO."""
    return None if value is None else str(value)
