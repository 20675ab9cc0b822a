"""A t3 serve with the shipped model for tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


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


class Server:
    """Starts PROGRAM, or stands for the server at `url`. `url` ends with a slash; `key` is None where the
    server wants none."""

    def __init__(self, program, url=None, key=None, keyed=False):
        self.process = None
        self.key = key
        if url:
            self.url = url if url.endswith("/") else url + "/"
            return
        self.data = tempfile.mkdtemp(prefix="t3-serve-")
        if keyed:
            create = [program, "serve", "--create-key", "test", "--data", self.data]
            self.key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
        self.start(program)

    def start(self, program):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        self.process = subprocess.Popen(
            [program, "serve", "--model", "demo", "--data", self.data, "--port", str(port)],
            env=os.environ | {"XDG_CACHE_HOME": self.data}, stdout=subprocess.DEVNULL,
            stderr=open(os.path.join(self.data, "log"), "wb"))
        try:
            wait(self.is_healthy, "t3 serve", 60)
        except AssertionError:
            self.close()
            raise

    def is_healthy(self):
        if self.process.poll() is not None:
            raise AssertionError(f"t3 serve ended with {self.process.returncode}: {self.log()}")
        try:
            with urllib.request.urlopen(self.url + "health", timeout=5) as reply:
                return reply.status == 200
        except (OSError, urllib.error.HTTPError):
            return False

    def log(self):
        with open(os.path.join(self.data, "log"), encoding="utf-8") as file:
            return file.read()[-4000:]

    def close(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            shutil.rmtree(self.data, ignore_errors=True)
