"""A stand-in for Snowflake: fakesnow, which takes the connector's requests and answers by DuckDB.

It is no Snowflake. What it lacks is left out here, by name:

- `COMMENT ON COLUMN` is no statement of its, and a comment may have no apostrophe: comments
  are taken and forgotten.
- A time that is null arrives as the first of January 1970: its rows are sent anew, with the nulls.
- Two transactions that change one row are an error of the server's, which the connector would ask
  again for minutes: it is answered as a lock that was waited for too long.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.postgres_server import free_port

PASSWORD = "of-the-stand-in"
FORGOTTEN = r"^\s*COMMENT ON (TABLE|VIEW|COLUMN)\b"


@contextmanager
def running_stand_in(log: Path) -> Iterator[sa.URL]:
    """A server on a free port of this machine, with an empty database `shop`; its URL."""
    port = free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.snowflake_server", str(port)],
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parents[1],
        )
    url = sa.URL.create("snowflake", "mmm", PASSWORD, "127.0.0.1", port, "shop")
    options = {"account": "fakesnow", "protocol": "http", "warehouse": "wh", "role": "mmm_results"}
    try:
        _wait_for(port, process, log)
        yield url.update_query_dict(options)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the stand-in for Snowflake did not start:\n{log.read_text()}")


def serve(port: int) -> None:
    """Serve until the process is ended."""
    import duckdb
    import fakesnow.arrow
    import fakesnow.server
    import pyarrow as pa
    import snowflake.connector.errors
    import uvicorn
    from fakesnow.cursor import FakeSnowflakeCursor

    connect = fakesnow.server.shared_fs.connect

    def forgetful(*place: str | None, nop_regexes: list[str] | None, autocommit: bool):
        return connect(*place, nop_regexes=[FORGOTTEN], autocommit=autocommit)

    structs = fakesnow.arrow.timestamp_to_sf_struct

    def with_nulls(times: pa.ChunkedArray) -> pa.StructArray:
        found = structs(times)
        parts = [part.fill_null(0) for part in found.flatten()]
        mask = times.combine_chunks().is_null()
        return pa.StructArray.from_arrays(parts, fields=list(found.type), mask=mask)

    execute = FakeSnowflakeCursor.execute

    def impatient(self: FakeSnowflakeCursor, *statement: object, **options: object) -> object:
        try:
            return execute(self, *statement, **options)
        except duckdb.TransactionException as error:
            raise snowflake.connector.errors.ProgrammingError(
                msg=f"Statement has locked table; this lock has not yet been released: {error}",
                errno=625,
                sqlstate="57014",
            ) from error

    FakeSnowflakeCursor.execute = impatient
    fakesnow.server.shared_fs.connect = forgetful
    fakesnow.arrow.timestamp_to_sf_struct = with_nulls
    uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
