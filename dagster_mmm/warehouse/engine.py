"""Engines by URL: what each driver is to be told beside it."""

import os
from typing import Any

import sqlalchemy as sa

from dagster_mmm.warehouse import bigquery_client
from dagster_mmm.warehouse.tables import SCHEMA
from dagster_mmm.warehouse.url import BIGQUERY, POSTGRES, SNOWFLAKE

APPLICATION = "hill-mixture-mmm"
# How long any writer waits for another's lock.
LOCK_SECONDS = 300
CONNECT_SECONDS = 10
# A person may have to say yes in a browser.
LOGIN_SECONDS = 120
# The file of a private key, and what it is locked by; with them, the URL has no password.
KEY_FILE, KEY_PASSPHRASE = (
    "MMM_SNOWFLAKE_PRIVATE_KEY_PATH",
    "DBT_ENV_SECRET_MMM_SNOWFLAKE_PASSPHRASE",
)


def make_engine(
    url: sa.URL, schema: str, lock_seconds: int = LOCK_SECONDS, read_only: bool = False
) -> sa.Engine:
    """An engine that keeps no connection: one would keep others from a file, or go stale.

    Args:
        url: a URL that `parse_url` has checked.
        schema: what stands for the schema of the result tables.
        lock_seconds: how long a statement may wait for another writer's lock.
        read_only: open a DuckDB file beside other readers.
    """
    backend = url.get_backend_name()
    connect_args: dict[str, Any] = {"read_only": True} if read_only else {}
    if backend == POSTGRES:
        connect_args |= {"connect_timeout": CONNECT_SECONDS, "application_name": APPLICATION}
    if backend == SNOWFLAKE:
        connect_args |= _of_snowflake(url, schema, lock_seconds)
        # As arguments: the dialect takes only some of them from a URL.
        url = url.set(query={})
    if backend == BIGQUERY:
        # Rows come with the answer: its other way of reading takes one more right.
        connect_args |= {"prefer_bqstorage_client": False}
        connect_args |= {"client": bigquery_client.make_client(url, APPLICATION)}
        # The dialect looks for tables in the dataset of its URL.
        url = url.set(database=schema, query={"user_supplied_client": "true"})
    return sa.create_engine(
        url,
        poolclass=sa.NullPool,
        connect_args=connect_args,
        execution_options={"schema_translate_map": {SCHEMA: schema}},
    )


def _of_snowflake(url: sa.URL, schema: str, lock_seconds: int) -> dict[str, Any]:
    session = {"LOCK_TIMEOUT": lock_seconds, "QUERY_TAG": APPLICATION}
    args: dict[str, Any] = {
        "login_timeout": LOGIN_SECONDS,
        "session_parameters": session,
        "schema": schema,
    }
    key_file = os.environ.get(KEY_FILE)
    if key_file:
        args |= {"authenticator": "SNOWFLAKE_JWT", "private_key_file": key_file}
        args |= {"private_key_file_pwd": os.environ.get(KEY_PASSPHRASE) or None}
    return args | dict(url.query)
