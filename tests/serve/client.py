"""A t3 serve process for tests, and requests to it, with the standard library alone."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
import uuid

PROMPT = ("The sea at dawn. A clear sky with the sun on the right. Between two yellow lanterns a blue "
          "balloon moves to the left. The camera is still.")
# Small and short: what is tested is the server.
SMALL = {"prompt": PROMPT, "size": "64x48", "num_frames": 5, "num_inference_steps": 4, "seed": 1}


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["error"]["code"]


class Server:
    """Runs `t3 serve` on a data folder. `prefix`: a command that runs it, such as unshare."""

    def __init__(self, t3, data, *flags, prefix=(), environment=None):
        self.log_path = data + ".log"
        log = open(self.log_path, "ab")
        command = [*prefix, t3, "serve", "--model", "demo", "--device", "cpu", "--data", data, "--port", "0",
                   "--min-free", "1MB", "--max-per-minute", "0", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                        env={**os.environ, **(environment or {})})
        log.close()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start:\n" + self.log())
        self.port = int(line.strip().rsplit(":", 1)[1])
        self.key = None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def events_in_log(self):
        return [json.loads(line) for line in self.log().splitlines()]

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = dict(headers or {})
        if self.key:
            headers.setdefault("Authorization", "Bearer " + self.key)
        try:
            connection.request(method, path, body=body, headers=headers)
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path, fields):
        return self.request("POST", path, json.dumps(fields), {"Content-Type": "application/json"})

    def post_form(self, path, fields, file=None):
        """`file`: (name, bytes)."""
        boundary = uuid.uuid4().hex
        parts = []
        for name, value in fields.items():
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
        if file:
            head = (f'--{boundary}\r\nContent-Disposition: form-data; name="input_reference"; filename="{file[0]}"\r\n'
                    "Content-Type: application/octet-stream\r\n\r\n")
            parts.append(head.encode() + file[1] + b"\r\n")
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self.request("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    def submit(self, **changes):
        fields = {k: v for k, v in {**SMALL, **changes}.items() if v is not None}
        reply = self.post("/v1/videos", fields)
        assert reply.status == 200, reply.body
        return reply.json()["id"]

    def video(self, video_id):
        reply = self.get("/v1/videos/" + video_id)
        assert reply.status == 200, reply.body
        return reply.json()

    def wait(self, video_id, status="completed", seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            video = self.video(video_id)
            if video["status"] == status:
                return video
            if video["status"] in ("completed", "failed"):
                break
            time.sleep(0.05)
        raise AssertionError(f"wanted {status}: {video}\n{self.log()[-3000:]}")

    def wait_for_step(self, video_id, step, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            stage = self.video(video_id)["stage"]
            if stage and stage["stage"] == "denoising" and stage["done"] >= step:
                return
            time.sleep(0.01)
        raise AssertionError(self.log()[-3000:])

    def wait_until_ready(self, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.get("/health").status == 200:
                return self
            time.sleep(0.05)
        raise AssertionError(self.log())

    def content(self, video_id):
        reply = self.get(f"/v1/videos/{video_id}/content")
        assert reply.status == 200, reply.body
        return reply.body

    def events(self, video_id, timeout=60):
        """Yields (event, data) until the stream ends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Authorization": "Bearer " + self.key} if self.key else {}
        connection.request("GET", f"/v1/videos/{video_id}/events", headers=headers)
        reply = connection.getresponse()
        assert reply.status == 200, reply.read()
        kind = None
        for line in reply:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                yield kind, json.loads(line[6:])
        connection.close()

    def socket(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

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


def quote(text):
    return urllib.parse.quote(text, safe="")
