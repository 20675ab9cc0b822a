#!/usr/bin/env python3
"""t3 serve with the shipped model: the life of a job, kills, a full disk, hostile clients.

  serve_test.py --t3 build/t3 [unittest arguments]
"""

import argparse
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import SMALL, quote, wait  # noqa: E402
from serving import Server  # noqa: E402

T3 = None
MINI_MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/reference/mini2.1")
# Many short steps: time to interrupt them.
LONG = {"size": "96x64", "num_frames": 9, "num_inference_steps": 40}


def write_lora(path, value, metadata):
    """Of rank 1, on one layer of 128 channels."""
    layer = "blocks.1.self_attn.o"
    header = {f"{layer}.lora_A.weight": {"dtype": "F32", "shape": [1, 128], "data_offsets": [0, 512]},
              f"{layer}.lora_B.weight": {"dtype": "F32", "shape": [128, 1], "data_offsets": [512, 1024]},
              "__metadata__": metadata}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + struct.pack("<256f", *[value] * 256))


def fill(path):
    """Writes until there is no room."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


class Shared(unittest.TestCase):
    """Tests that share one server."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="t3-serve-test-")
        cls.server = Server(T3, cls.folder + "/data").wait_until_ready()

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        shutil.rmtree(cls.folder)
        assert code == 0, code

    def test_life_of_a_job(self):
        server = self.server
        reply = server.post_form("/v1/videos", {**SMALL, "seconds": "0.3", "model": "demo"} | {"num_frames": ""})
        self.assertEqual(reply.status, 400)  # an empty number is not one
        form = {k: v for k, v in SMALL.items() if k != "num_frames"} | {"seconds": "0.3", "model": "demo"}
        reply = server.post_form("/v1/videos", form)
        self.assertEqual(reply.status, 200, reply.body)
        video = reply.json()
        self.assertEqual(video["num_frames"], 5)
        self.assertEqual(video["seconds"], "0.3125")
        self.assertIn("openai-poll-after-ms", reply.headers)
        kinds, progress = [], []
        for kind, data in server.events(video["id"]):
            kinds.append(kind)
            if kind == "progress":
                progress.append(data["progress"])
                self.assertLess(data["progress"], 100)
            if kind == "preview":
                self.assertEqual(data["content_type"], "image/png")
                self.assertGreater(data["width"], 0)
        self.assertEqual(kinds[0], "video")
        self.assertEqual(kinds[-1], "video")
        self.assertIn("preview", kinds)
        self.assertEqual(progress, sorted(progress))
        video = server.video(video["id"])
        self.assertEqual(video["status"], "completed")
        self.assertEqual(video["progress"], 100)
        self.assertEqual(video["size"], "64x48")
        content = server.content(video["id"])
        self.assertEqual(content[4:8], b"ftyp")
        thumbnail = server.get(video["thumbnail_url"])
        self.assertEqual(thumbnail.body[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(server.request("HEAD", video["url"]).headers["Content-Length"], str(len(content)))
        # The same settings make the same video; "make again" sends the settings of the object.
        again = server.submit(**video["settings"], num_frames=None)
        server.wait(again)
        self.assertEqual(server.content(again), content)

    def test_jobs_share_loaded_weights(self):
        """The second of two jobs does not load the denoiser again."""
        server = self.server
        server.wait(server.submit())
        stages = {data["stage"] for kind, data in server.events(server.submit()) if kind == "progress"}
        self.assertIn("denoising", stages)
        self.assertNotIn("loading denoiser", stages)

    def test_ranges(self):
        server = self.server
        video_id = server.submit()
        server.wait(video_id)
        path = f"/v1/videos/{video_id}/content"
        whole = server.get(path)
        for header, begin, end in (("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-7", -7, None)):
            part = server.get(path, Range=header)
            self.assertEqual(part.status, 206)
            self.assertEqual(part.body, whole.body[begin:end])
            self.assertTrue(part.headers["Content-Range"].endswith(f"/{len(whole.body)}"))
        self.assertEqual(server.get(path, Range=f"bytes={len(whole.body)}-").status, 416)
        self.assertEqual(server.get(path, Range="bytes=0-1,5-6").status, 200)
        tag = whole.headers["ETag"]
        self.assertEqual(server.get(path, If_None_Match=tag).status, 304)
        self.assertEqual(server.get(path, Range="bytes=0-9", If_Range='"x"').status, 200)

    def test_plan_agrees_with_the_job(self):
        server = self.server
        plan = server.post("/v1/videos/plan", {"size": "60x44", "num_frames": 5}).json()
        self.assertTrue(plan["memory"]["fits"])
        video = server.wait(server.submit(size="60x44"))
        self.assertEqual(plan["size"], video["size"])
        later = server.post("/v1/videos/plan", {"size": "60x44", "num_frames": 5, "num_inference_steps": 8}).json()
        self.assertGreater(later["time"]["total_seconds"], 0)
        self.assertIsNone(later["time"]["calibrated"])

    def test_what_cannot_be_made_is_refused_at_once(self):
        reply = self.server.post_form("/v1/videos", {"prompt": "p"}, ("a.png", b"\x89PNG\r\n\x1a\n" + b"x" * 50))
        self.assertEqual(reply.code(), "cannot_be_made")  # the shipped model takes no pictures
        reply = self.server.post("/v1/videos/plan", {"input": "image"})
        self.assertEqual((reply.status, reply.code(), reply.json()["error"]["param"]), (400, "cannot_be_made", "input"))

    def test_an_upload_that_cannot_be_read_fails_its_job_alone(self):
        server = self.server
        whole = server.content(server.wait(server.submit())["id"])
        rest = b"x" * 5000
        uploads = {"cut.mp4": whole[:40], "half.mp4": whole[:len(whole) // 2], "a.mp4": b"\0\0\0\x20ftypisom" + rest,
                   "a.mkv": b"\x1a\x45\xdf\xa3" + rest, "a.avi": b"RIFFxxxxAVI " + rest, "a.gif": b"GIF89a" + rest,
                   "a.y4m": b"YUV4MPEG2 " + rest, "cut.y4m": b"YUV4MPEG2 W64 H48 F16:1\nFRAME\n" + rest[:100]}
        for name, content in uploads.items():
            reply = server.post_form("/v1/videos", SMALL | {"strength": "0.5"}, (name, content))
            self.assertEqual(reply.status, 200, reply.body)
            error = server.wait(reply.json()["id"], "failed")["error"]
            self.assertEqual(error["code"], "invalid_request", (name, error))
            self.assertIn("`input_reference`", error["message"])
            self.assertNotIn(self.folder, error["message"])
        server.wait(server.submit())

    def test_refining_an_earlier_video(self):
        server = self.server
        source = server.submit()
        server.wait(source)
        refined = server.submit(size="96x72", source_video=source, strength=0.5, num_frames=None)
        server.request("DELETE", "/v1/videos/" + source)  # the refined job has the file
        video = server.wait(refined)
        self.assertEqual(video["size"], "96x72")
        self.assertEqual(video["remixed_from_video_id"], source)

    def test_notes_name_fields(self):
        video = self.server.wait(self.server.submit(strength=0.5))
        self.assertIn("`strength` has no effect without `input_reference` or `source_video` or `draft`", video["notes"])

    def test_cancelling_a_running_job(self):
        server = self.server
        video_id = server.submit(**LONG, seed=2)
        server.wait_for_step(video_id, 2)
        self.assertEqual(server.request("DELETE", "/v1/videos/" + video_id).json()["deleted"], True)
        self.assertEqual(server.get("/v1/videos/" + video_id).status, 404)
        began = time.monotonic()
        server.wait(server.submit())  # the worker is free soon
        self.assertLess(time.monotonic() - began, 10)
        self.assertFalse(os.path.exists(f"{self.folder}/data/jobs/{video_id}"))
        self.assertGreaterEqual(server.metric('t3_jobs_finished_total{status="deleted"}'), 1)

    def test_clients_of_every_kind_at_once(self):
        """One that does not read, one that does not send, one that sends slowly: others are served."""
        server = self.server
        video_id = server.submit(**LONG, seed=3)
        idle = [server.socket() for _ in range(5)]
        silent = server.socket()
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        silent.sendall(f"GET /v1/videos/{video_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        slow = server.socket()
        slow.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n")
        times = []
        for _ in range(50):
            began = time.monotonic()
            server.video(video_id)
            times.append(time.monotonic() - began)
        self.assertLess(sorted(times)[len(times) // 2], 0.5)
        for client in (*idle, silent, slow):
            client.close()
        server.request("DELETE", "/v1/videos/" + video_id)

    def test_broken_requests_leave_the_server_as_it_was(self):
        server = self.server
        for request in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100000,
                        b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                        b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
                        b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20000 + b"\r\n"):
            client = server.socket()
            client.settimeout(20)
            try:
                client.sendall(request)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass
            client.close()
        self.assertEqual(server.get("/v1/videos").status, 200)

    def test_path_traversal_in_every_field(self):
        server = self.server
        names = {"prompt": None, "input_reference": None}
        fields = ("model", "size", "seconds", "num_frames", "sampler", "source_video", "draft", "loras", "strength")
        for path in ("../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/x"):
            for field in fields:
                for reply in (server.post("/v1/videos", {**SMALL, field: path}),
                              server.post_form("/v1/videos", {**SMALL, field: path})):
                    self.assertEqual(reply.status, 400, (field, path, reply.body))
            for field in names:
                reply = server.post("/v1/videos", {**SMALL, "num_inference_steps": 1, field: path})
                if reply.status == 200:  # a prompt is a text like any other
                    self.assertEqual(field, "prompt")
                    server.wait(reply.json()["id"])
            reply = server.post("/v1/videos", {**SMALL, "loras": [{"name": path}]})
            self.assertEqual(reply.status, 400)
            for route in ("/v1/videos/{}", "/v1/videos/{}/content", "/v1/videos/{}/events", "/page/{}"):
                self.assertEqual(server.get(route.format(quote(path))).status, 404)
                self.assertIn(server.get(route.format(path)).status, (400, 404))

    def test_log_is_json_without_prompts(self):
        self.server.wait(self.server.submit())
        entries = self.server.events_in_log()
        self.assertTrue(any(entry["event"] == "job_completed" for entry in entries))
        self.assertNotIn("yellow lanterns", self.server.log())

    def test_a_second_server_on_the_folder_is_refused(self):
        result = subprocess.run([T3, "serve", "--model", "demo", "--data", self.folder + "/data", "--port", "0"],
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 1)


class Alone(unittest.TestCase):
    """Tests that end their server."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="t3-serve-test-")
        self.data = self.folder + "/data"
        self.server = None

    def tearDown(self):
        if self.server and self.server.process.poll() is None:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *flags, **options):
        self.server = Server(T3, self.data, *flags, **options).wait_until_ready()
        return self.server

    def test_a_video_that_does_not_fit_is_refused_at_once(self):
        server = self.start("--host-memory-limit", "600MB")
        reply = server.post("/v1/videos", {**SMALL, "size": "1024x576"})
        self.assertEqual((reply.status, reply.code()), (400, "cannot_be_made"), reply.body)
        self.assertIn("GB of host memory, and the server has 600.0 MB", reply.body.decode())
        self.assertEqual(server.get("/v1/videos").json()["data"], [])

    def test_killed_worker_killed_server_and_shutdown_make_the_same_video(self):
        server = self.start()
        whole = server.submit(**LONG)
        server.wait(whole)
        expected = server.content(whole)

        killed = server.submit(**LONG)
        server.wait_for_step(killed, 5)
        for pid in server.worker_ids():
            os.kill(pid, signal.SIGKILL)
        video = server.wait(killed)
        self.assertEqual(video["resumed"], 1)
        self.assertEqual(server.content(killed), expected)

        first, second = server.submit(**LONG), server.submit()
        server.wait_for_step(first, 5)
        server.kill()
        server = self.start()
        self.assertEqual(server.wait(first)["resumed"], 1)
        self.assertEqual(server.content(first), expected)
        server.wait(second)

        last = server.submit(**LONG)
        server.wait_for_step(last, 5)
        self.assertEqual(server.stop(), 0)
        state = os.listdir(f"{self.data}/jobs/{last}")
        self.assertTrue(any(name.endswith(".checkpoint.safetensors") for name in state), state)
        server = self.start()
        steps = [data["done"] for kind, data in server.events(last)
                 if kind == "progress" and data["stage"] == "denoising" and data["done"] > 0]
        self.assertGreaterEqual(steps[0], 5)  # not from the beginning
        server.wait(last)
        self.assertEqual(server.content(last), expected)
        self.assertEqual(server.content(whole), expected)
        self.assertEqual(len(server.get("/v1/videos").json()["data"]), 5)
        self.assertEqual(server.stop(), 0)

    def test_loras_of_a_request_follow_those_of_the_model(self):
        model, loras = self.folder + "/model", self.folder + "/loras"
        shutil.copytree(MINI_MODEL, model)
        os.mkdir(loras)
        sampling = json.dumps({"sampler": "renoise", "timesteps": [1000, 500], "guidance": 1})
        write_lora(model + "/few.safetensors", 0.5, {"t3.sampling": sampling})
        write_lora(loras + "/style.safetensors", 0.9, {})
        with open(model + "/t3.json", "w", encoding="utf-8") as file:
            json.dump({"width": 32, "height": 32, "frames": 5, "steps": 3, "lora": "few.safetensors"}, file)

        def files(*flags, **fields):
            server = self.start(*flags, model=model)
            video_id = server.submit(**fields, size="32x32", num_inference_steps=None)
            server.wait(video_id)
            record = f"{self.data}/jobs/{video_id}/"
            record += next(name for name in os.listdir(record) if name.endswith(".json"))
            with open(record, encoding="utf-8") as file:
                record = json.load(file)
            self.assertEqual(server.stop(), 0)
            names = [os.path.basename(lora["file"]) for lora in record["weights"]["loras"]]
            return names, record["settings"]["steps"]

        self.assertEqual(files(), (["few.safetensors"], 2))
        both = files("--loras", loras, loras=[{"name": "style", "scale": 0.5}])
        self.assertEqual(both, (["few.safetensors", "style.safetensors"], 2))
        self.assertEqual(files(model_loras="none"), ([], 3))
        added = files("--loras", loras, "--lora", model + "/few.safetensors", "--add-lora",
                      loras + "/style.safetensors", model_loras="none", loras=[{"name": "style"}])
        self.assertEqual(added, (["style.safetensors", "style.safetensors"], 3))
        self.assertEqual(files("--lora", "none"), ([], 3))
        write_lora(loras + "/fast.safetensors", 0.2, {"t3.sampling": sampling})
        server = self.start("--loras", loras, model=model)
        fast = {"model_loras": "none", "loras": [{"name": "fast"}]}
        steps = [server.post("/v1/videos/plan", fields).json()["num_inference_steps"]
                 for fields in ({}, {"model_loras": "none"}, fast)]
        self.assertEqual(steps, [2, 3, 2])
        unknown = server.post("/v1/videos/plan", {"loras": [{"name": "slow"}]})
        self.assertEqual((unknown.status, unknown.json()["error"]["param"]), (400, "loras"))
        # One after the other by one worker.
        records = []
        for choice in (None, "none", None):
            video_id = server.submit(size="32x32", num_inference_steps=None, model_loras=choice)
            self.assertEqual(server.wait(video_id)["settings"].get("model_loras"), choice)
            records.append(server.content(video_id))
        self.assertEqual(records[0], records[2])
        self.assertNotEqual(records[0], records[1])
        self.assertEqual(server.stop(), 0)
        given = files("--lora", loras + "/style.safetensors", "--add-lora", loras + "/style.safetensors:2")
        self.assertEqual(given, (["style.safetensors", "style.safetensors"], 3))

    def test_keys(self):
        create = [T3, "serve", "--data", self.data, "--create-key"]
        keys = [subprocess.run([*create, name], capture_output=True, text=True, check=True).stdout.strip()
                for name in ("ann", "bob")]
        server = self.start("--host", "0.0.0.0")
        for route in ("/v1/videos", "/v1/models", "/metrics", "/v1/videos/video_" + "0" * 32):
            self.assertEqual(server.get(route).status, 401)
        server.key = keys[0]
        video_id = server.submit()
        server.wait(video_id)
        server.key = keys[1]
        self.assertEqual(server.get(f"/v1/videos/{video_id}/content").status, 404)
        self.assertEqual(server.get("/v1/videos").json()["data"], [])
        for key in keys:
            self.assertNotIn(key, server.log())
            with open(self.data + "/keys", encoding="ascii") as file:
                self.assertNotIn(key, file.read())

    def test_limits_of_memory_refuse_before_the_queue(self):
        for flag, budget in (("--host-memory-limit", "host_budget_bytes"), ("--memory-limit", "budget_bytes")):
            server = self.start(flag, "1GB")
            memory = server.post("/v1/videos/plan", {"size": "1024x576"}).json()["memory"]
            self.assertEqual((memory["fits"], memory[budget]), (False, 10**9))
            reply = server.post("/v1/videos", {**SMALL, "size": "1024x576"})
            self.assertEqual((reply.status, reply.code()), (400, "cannot_be_made"), reply.body)
            self.assertIn("the server has 1.0 GB", reply.json()["error"]["message"])
            server.wait(server.submit())
            self.assertEqual(server.stop(), 0)

    def test_other_hosts_need_keys(self):
        result = subprocess.run([T3, "serve", "--model", "demo", "--data", self.data, "--host", "0.0.0.0", "--port", "0"],
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 2)
        self.assertIn("--create-key", result.stderr)

    def test_a_model_that_is_not_there_ends_the_server(self):
        result = subprocess.run([T3, "serve", "--model", self.folder, "--data", self.data, "--port", "0"],
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 1)
        last = result.stderr.strip().splitlines()[-1]
        self.assertIn("a worker could not start", last)
        self.assertIn(self.folder, last)

    def test_full_disk(self):
        """On a file system of a few MB of its own, where the system lets us make one."""
        os.makedirs(self.data)
        mount = ["unshare", "--mount", "--map-root-user", "sh", "-c",
                 f'mount -t tmpfs -o size=24m none "{self.data}" && exec "$@"', "sh"]
        if subprocess.run([*mount, "true"], capture_output=True).returncode != 0:
            self.skipTest("no namespaces here")
        before = set(os.listdir("."))
        server = self.start(prefix=mount)
        good = server.submit()
        server.wait(good)
        content = server.content(good)
        # From inside: the mount is the server's own.
        filler = f"/proc/{server.process.pid}/root{self.data}/filler"
        fill(filler)
        reply = server.post("/v1/videos", SMALL)
        self.assertEqual(reply.status, 503, reply.body)
        self.assertEqual(reply.code(), "disk_full")
        self.assertIn("Retry-After", reply.headers)
        self.assertEqual(server.content(good), content)
        os.unlink(filler)
        deadline = time.monotonic() + 20
        while server.post("/v1/videos", SMALL).status != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        # A job under way when the disk fills waits for room and is completed then.
        running = server.submit(**LONG)
        server.wait_for_step(running, 2)
        fill(filler)
        time.sleep(3)
        self.assertIn(server.video(running)["status"], ("queued", "in_progress"))
        os.unlink(filler)
        server.wait(running)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(set(os.listdir(".")), before)  # nothing outside the data folder

    def test_too_many_connections_are_refused(self):
        server = self.start("--max-connections", "20")
        clients = [server.socket() for _ in range(19)]

        def full():
            # The place of a request that ended just now may not be free yet: then this one is refused.
            clients.append(server.socket())
            time.sleep(0.3)
            return server.get("/health").status == 503

        wait(full, "all connections to be open")
        reply = server.get("/health")
        self.assertEqual(reply.status, 503)
        self.assertEqual(reply.code(), "too_many_connections")
        for client in clients:
            client.close()
        wait(lambda: server.get("/health").status == 200, "the connections to be closed")

    def test_retention(self):
        server = self.start("--keep-size", "1")
        video_id = server.submit()
        deadline = time.monotonic() + 30
        while server.get("/v1/videos/" + video_id).status != 404:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)
        self.assertEqual(os.listdir(self.data + "/jobs"), [])


def main():
    global T3
    parser = argparse.ArgumentParser()
    parser.add_argument("--t3", required=True)
    options, rest = parser.parse_known_args()
    T3 = os.path.abspath(options.t3)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
