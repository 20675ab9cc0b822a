"""A t3 serve process for tests."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile

from client import Client


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server(Client):
    """Runs `t3 serve` on a data folder. `prefix`: a command that runs it, such as unshare."""

    def __init__(self, t3, data, *flags, model="demo", prefix=(), environment=None):
        self.log_path = data + ".log"
        log = open(self.log_path, "ab")
        command = [*prefix, t3, "serve", "--model", model, "--device", "cpu", "--data", data, "--port", "0",
                   "--min-free", "1MB", "--max-per-minute", "0", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                        env={**os.environ, **(environment or {})})
        log.close()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start:\n" + self.log())
        super().__init__(port=int(line.strip().rsplit(":", 1)[1]))

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def events_in_log(self):
        return [json.loads(line) for line in self.log().splitlines()]

    def socket(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def worker_ids(self):
        """Process ids of the workers."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            direct = file.read().split()
        children = []
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/children", encoding="ascii") as file:
                children += file.read().split()
        return sorted({int(pid) for pid in direct + children})

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self, seconds=60):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.process.stdout.close()
        return code


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
