"""A Dagster webserver of a test's own."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served(where: Sequence[str], port: int, folder: Path, log: Path) -> Iterator[str]:
    """The address of a webserver, while it runs in the environment as it is.

    Args:
        where: the options that name its definitions, such as `-w workspace.yaml`.
        port: its port on this machine.
        folder: where it runs.
        log: the file that it writes to.
    """
    command = [str(Path(sys.executable).with_name("dagster-webserver")), *where]
    with log.open("w") as said:
        server = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=folder,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _when_up(f"http://127.0.0.1:{port}", server, log)
        finally:
            server.terminate()
            server.wait(30)


def _when_up(address: str, server: "subprocess.Popen[bytes]", log: Path) -> str:
    for _ in range(400):
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return address
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
    raise AssertionError(f"the webserver did not come up: {log.read_text()}")
