"""A stand-in for BigQuery: bqemulator, which takes the service's requests and answers by DuckDB.

It is no BigQuery. What it lacks is made good here, by name:

- It loads DuckDB's extensions from the network: here they come from wheels.
- It gives a session an id and nothing else: here a session has a connection, and so a transaction,
  of its own. A second transaction that changes a row is refused, as BigQuery is to.
- It answers a query that fails with no rows and no error that a client would raise: here it is the
  error of the request.
- `create table ... as` may name no columns: they are left out, and the types and the nulls that
  they admit with them.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

PROJECT = "shop"


@contextmanager
def running_stand_in(folder: Path) -> Iterator[None]:
    """A server on a free port of this machine, to which BigQuery's clients are turned."""
    import pytest

    from tests.postgres_server import free_port

    port = free_port()
    log = folder / "server.log"
    key = folder / "key.json"
    write_key(key, f"http://127.0.0.1:{port}/token")
    (folder / "home").mkdir()
    with log.open("w") as output, pytest.MonkeyPatch.context() as patch:
        process = subprocess.Popen(
            [os.environ["MMM_BIGQUERY_SERVER"], "-m", "tests.bigquery_server", str(port)],
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parents[1],
            env=os.environ | {"HOME": str(folder / "home")},
        )
        patch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        patch.setenv("MMM_BIGQUERY_KEY_PATH", str(key))
        try:
            _wait_for(port, process, log)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def write_key(path: Path, token_uri: str) -> None:
    """Write the file of a service account's key, which only the stand-in takes."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    document = {
        "type": "service_account",
        "project_id": PROJECT,
        "client_email": f"mmm@{PROJECT}.iam.gserviceaccount.com",
        "private_key": key.decode(),
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(document))


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the stand-in for BigQuery did not start:\n{log.read_text()}")


def serve(port: int) -> None:
    """Serve until the process is ended."""
    import bqemulator.server
    from bqemulator.config import LogLevel, Settings
    from duckdb_extensions import import_extension

    for extension in ("icu", "spatial"):
        import_extension(extension)
    _give_sessions_transactions()
    create_app = bqemulator.server.create_app

    def with_tokens(context: Any) -> Any:
        app = create_app(context)

        @app.post("/token")
        def token() -> dict[str, object]:
            return {"access_token": "any", "expires_in": 3600, "token_type": "Bearer"}

        return app

    bqemulator.server.create_app = with_tokens
    bqemulator.server.run_forever(
        Settings(
            rest_port=port,
            grpc_port=0,
            enable_format_extensions=False,
            log_level=LogLevel.WARNING,
        )
    )


def _give_sessions_transactions() -> None:
    import duckdb
    from bqemulator.api.routes import jobs
    from bqemulator.domain.errors import InvalidQueryError
    from bqemulator.storage.engine import DuckDBEngine

    session: ContextVar[str | None] = ContextVar("session", default=None)
    connections: dict[str, Any] = {}

    def connection(engine: DuckDBEngine) -> Any:
        shared, of_request = engine._connection, session.get()
        if of_request is None or shared is None:
            return shared
        if of_request not in connections:
            connections[of_request] = shared.cursor()
            connections[of_request].execute("SET TimeZone = 'UTC'")
        return connections[of_request]

    mint, validate, execute = (
        jobs._maybe_mint_session,
        jobs._validate_session_id,
        jobs.execute_query_job,
    )

    def minted(config: dict[str, Any]) -> str | None:
        token = mint(config)
        if token is not None:
            session.set(token)
        return token

    def validated(config: dict[str, Any]) -> None:
        validate(config)
        for entry in config.get("connectionProperties") or []:
            if entry.get("key") == "session_id":
                session.set(entry["value"])

    async def executed(
        project: str, job: str, sql: str, parameters: Any, context: Any, **options: Any
    ) -> Any:
        ended = re.fullmatch(r"CALL BQ\.ABORT_SESSION\('(\w+)'\)", sql)
        if ended:
            # What it has not committed is undone.
            connections.pop(ended[1]).close()
            jobs._SESSION_CATALOG.remove(ended[1])
            sql = "SELECT 1"
        elif re.fullmatch(r"(BEGIN|COMMIT) TRANSACTION", sql):
            context.engine.execute(sql)
            sql = "SELECT 1"
        elif session.get() is not None and re.match(r"\s*(CREATE|ALTER|DROP)\b", sql, re.I):
            raise InvalidQueryError("DDL statements are not supported in a transaction")
        try:
            return await execute(
                project, job, _without_columns(sql), parameters, context, **options
            )
        except Exception as error:
            if isinstance(error.__cause__, duckdb.TransactionException):
                raise InvalidQueryError(
                    f"Transaction is aborted due to concurrent update: {error.__cause__}"
                ) from error
            raise

    jobs._SQL_EXECUTION_DOMAIN_ERRORS = ()
    DuckDBEngine.connection = property(connection)
    jobs._maybe_mint_session = minted
    jobs._validate_session_id = validated
    jobs.execute_query_job = executed


def _without_columns(sql: str) -> str:
    from sqlglot import exp, parse_one

    if not re.search(r"\bcreate\s+(or\s+replace\s+)?table\b", sql, re.I):
        return sql
    statement = parse_one(sql, read="bigquery")
    if not (isinstance(statement.this, exp.Schema) and statement.expression):
        return sql
    statement.set("this", statement.this.this)
    return statement.sql(dialect="bigquery")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
