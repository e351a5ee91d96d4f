"""Transactions of BigQuery's, which live in sessions.

SQLAlchemy's dialect knows of none. A connection that is to write opens a session and a transaction
in it, and all that it asks from then on stands there. In such a transaction no table can be made
or altered.
"""

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError

from dagster_mmm.warehouse import lock_row
from dagster_mmm.warehouse.bigquery_client import client_of
from dagster_mmm.warehouse.errors import CONCURRENT_UPDATE, WarehouseBusyError

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

SECONDS_BETWEEN_TRIES = 2.0


def begin(connection: sa.Connection, writer: str, lock_seconds: int) -> None:
    """Open a transaction, which ends with the connection's own, as the only writer of the schema.

    BigQuery cancels a transaction that changes a table which another open one has changed: the row
    of the lock is the first that a writer of ours changes, so that the second asks again.

    Raises:
        WarehouseBusyError: if another process holds the lock for too long.
        WarehouseError: if the lock has lost its row.
    """
    until = time.monotonic() + lock_seconds
    session = _opened(connection, writer)
    while session is None:
        if time.monotonic() > until:
            raise WarehouseBusyError(
                f"another session has been holding {lock_row.LOCK} for {lock_seconds} s; wait for "
                "it to end, or end it as docs/bigquery.md says, and run this again"
            )
        time.sleep(SECONDS_BETWEEN_TRIES)
        session = _opened(connection, writer)
    event.listen(connection, "commit", lambda it: _commit(client_of(it), session))
    event.listen(connection, "rollback", lambda it: _end(client_of(it), session))


def _opened(connection: sa.Connection, writer: str) -> str | None:
    """A session with the lock in an open transaction; none while another writer has the lock."""
    is_there = lock_row.has_lock(connection)
    session = _begin(client_of(connection))
    try:
        if is_there:
            lock_row.take(connection, writer)
    except BaseException as error:
        _end(client_of(connection), session)
        if isinstance(error, DatabaseError) and CONCURRENT_UPDATE in str(error.orig):
            return None
        raise
    return session


def _begin(client: "Client") -> str:
    """The session in which all that the client asks stands from now on, in a transaction."""
    from google.cloud import bigquery

    config = bigquery.QueryJobConfig(create_session=True)
    job = client.query("BEGIN TRANSACTION", job_config=config)
    job.result()
    if job.session_info is None:
        raise RuntimeError("BigQuery has begun no session, and so no transaction")
    session = str(job.session_info.session_id)
    client.default_query_job_config = bigquery.QueryJobConfig(
        connection_properties=[bigquery.ConnectionProperty("session_id", session)]
    )
    return session


def _commit(client: "Client", session: str) -> None:
    try:
        client.query("COMMIT TRANSACTION").result()
    finally:
        _end(client, session)


def _end(client: "Client", session: str) -> None:
    """End a session; what its transaction has not committed is undone."""
    from google.cloud import bigquery

    client.default_query_job_config = bigquery.QueryJobConfig()
    client.query(f"CALL BQ.ABORT_SESSION('{session}')").result()
