"""A server of S3's interface for the tests: moto's, a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

BUCKET = "of-the-tests"
START_SECONDS = 60


@contextmanager
def running_server() -> Iterator[dict[str, str]]:
    """A server on a free port of this machine with one empty bucket; its clients' environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    # Its requests are logged line by line, which nobody reads.
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Warnings of its own are no errors of ours.
    server = subprocess.Popen(command, env=os.environ | {"PYTHONWARNINGS": "ignore"}, **quiet)
    try:
        _wait_for(server, port)
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "of-the-tests",
            "AWS_SECRET_ACCESS_KEY": "of-the-tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        # Not at the top: the environments of other warehouses' drivers have it not.
        import s3fs

        store = s3fs.S3FileSystem(
            key="of-the-tests",
            secret="of-the-tests",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            skip_instance_cache=True,
        )
        store.mkdir(BUCKET)
        yield environment
    finally:
        server.terminate()
        server.wait()


def _wait_for(server: subprocess.Popen, port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"moto's server did not answer on port {port} (exit {server.poll()})")
