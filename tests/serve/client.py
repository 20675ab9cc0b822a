"""Requests to a server of t3, with the standard library alone."""

import http.client
import json
import time
import urllib.parse
import uuid

PROMPT = ("The sea at dawn. A clear sky with the sun on the right. Between two yellow lanterns a blue "
          "balloon moves to the left. The camera is still.")
# Small and short: what is tested is the server.
SMALL = {"prompt": PROMPT, "size": "64x48", "num_frames": 5, "num_inference_steps": 4, "seed": 1}


def wait(condition, what, seconds=30):
    """Until condition() is true; its value. `what`: what was waited for, or a function that says it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what() if callable(what) else what}: not within {seconds} s")
        time.sleep(0.02)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["error"]["code"]


class Client:
    """The API at a port of this machine, with a key or None."""

    def __init__(self, port, key=None):
        self.port, self.key = port, key

    def connection(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def log(self):
        """What the server wrote, where that is known."""
        return ""

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = self.connection(timeout)
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
        video = {}

        def reached():
            video.update(self.video(video_id))
            if video["status"] == status:
                return True
            assert video["status"] not in ("completed", "failed"), f"wanted {status}: {video}\n{self.log()[-3000:]}"
            return False

        wait(reached, lambda: f"{status}: {video}\n{self.log()[-3000:]}", seconds)
        return video

    def wait_for_step(self, video_id, step, seconds=60):
        def reached():
            stage = self.video(video_id)["stage"]
            return stage and stage["stage"] == "denoising" and stage["done"] >= step

        wait(reached, lambda: f"step {step}\n{self.log()[-3000:]}", seconds)

    def wait_until_ready(self, seconds=60):
        wait(lambda: self.get("/health").status == 200, lambda: f"a worker\n{self.log()}", seconds)
        return self

    def content(self, video_id):
        reply = self.get(f"/v1/videos/{video_id}/content")
        assert reply.status == 200, reply.body
        return reply.body

    def events(self, video_id, timeout=60):
        """Yields (event, data) until the stream ends."""
        connection = self.connection(timeout)
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

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0


def quote(text):
    return urllib.parse.quote(text, safe="")
