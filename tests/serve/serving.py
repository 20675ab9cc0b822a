"""A server while a test runs, for tests with a browser or a proxy."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time

from client import Server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(condition, what, seconds=30):
    """Until condition() is true; its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


@contextlib.contextmanager
def serving(t3, keyed=False):
    """A Server with an empty data folder and `url`, which ends with a slash; `keyed`: it wants `key`."""
    with tempfile.TemporaryDirectory(prefix="t3-serve-") as folder:
        data = os.path.join(folder, "data")
        key = None
        if keyed:
            create = [t3, "serve", "--create-key", "test", "--data", data]
            key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
        server = Server(t3, data, environment={"XDG_CACHE_HOME": folder})
        server.key = key
        server.url = f"http://127.0.0.1:{server.port}/"
        try:
            yield server.wait_until_ready()
        finally:
            server.stop()
