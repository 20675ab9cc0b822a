#!/usr/bin/env python3
"""t3 serve behind the configurations of packaging/: TLS, event streams, large uploads, ranges.

  proxy_test.py --t3 PROGRAM [unittest arguments, such as Nginx.test_large_upload]

A proxy that is not installed is left out; without nginx the test exits with 77, which ctest reports as
skipped. Needs openssl and curl.
"""

import argparse
import http.client
import http.server
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import Client, wait  # noqa: E402
from serving import free_port, serving  # noqa: E402

SKIPPED = 77
PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
NAME = "video.example.org"
UPLOAD_BYTES = 100_000_000
server = None


def certificate(folder):
    """A certificate for NAME; (file, key)."""
    files = [str(folder / "cert.pem"), str(folder / "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
                    "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


def replaced(text, pairs):
    """Each pattern must be there: a configuration that has changed is not tested by accident."""
    for pattern, value in pairs:
        text, count = re.subn(pattern, value, text)
        assert count > 0, f"the configuration has no {pattern}"
    return text


class Proxied(Client):
    """The API at https://NAME, through the proxy at a port of this machine."""

    def __init__(self, port, key, trusted):
        super().__init__(port, key)
        self.context = ssl.create_default_context(cafile=trusted)

    def connection(self, timeout=60):
        connection = http.client.HTTPSConnection(NAME, self.port, context=self.context, timeout=timeout)
        # The name is not in DNS: connect here, check the certificate for NAME.
        connection._create_connection = lambda address, *rest, **more: socket.create_connection(
            ("127.0.0.1", self.port), *rest, **more)
        return connection


class ProxyTest:
    """What each proxy must do; its class starts it."""

    @classmethod
    def tearDownClass(cls):
        stop(cls.process)
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.client = Proxied(self.port, server.key, self.trusted)

    def submit(self, steps):
        reply = self.client.post("/v1/videos", {
            "prompt": "The sea at dawn. A clear sky. A white boat moves to the right.",
            "num_inference_steps": steps})
        self.assertEqual(reply.status, 200, reply.body)
        video = reply.json()["id"]
        self.addCleanup(self.delete, video)
        return video

    def delete(self, video):
        self.client.request("DELETE", f"/v1/videos/{video}")

    def finished(self):
        video = self.submit(1)
        self.client.wait(video)
        return video

    def test_page_and_headers(self):
        reply = self.client.get("/")
        self.assertIn(b"<!doctype html>", reply.body)
        self.assertEqual(reply.status, 200)
        self.assertIn("default-src 'none'", reply.headers["Content-Security-Policy"])
        self.assertIn("max-age", reply.headers["Strict-Transport-Security"])

    def test_http2(self):
        run = subprocess.run(["curl", "-sS", "--http2", "--cacert", self.trusted, "--resolve",
                              f"{NAME}:{self.port}:127.0.0.1", "-o", os.devnull, "-w", "%{http_version} %{http_code}",
                              f"https://{NAME}:{self.port}/health"], capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout, "2 200")

    def test_errors_are_the_servers(self):
        reply = self.client.post("/v1/videos/plan", {"num_frames": 6})
        self.assertEqual((reply.status, reply.json()["error"]["param"]), (400, "num_frames"))
        self.assertEqual(self.client.get("/v1/nothing").status, 404)

    def test_events_arrive_as_they_happen(self):
        arrived = [(time.monotonic(), name) for name, _ in self.client.events(self.submit(8))]
        names = [name for _, name in arrived]
        self.assertEqual(names[0], "video")
        self.assertGreaterEqual(names.count("progress"), 8)
        first = next(when for when, name in arrived if name == "progress")
        self.assertGreater(arrived[-1][0] - first, 0.3, "all events came at once")

    def test_ranges(self):
        video = self.finished()
        whole = self.client.content(video)
        reply = self.client.get(f"/v1/videos/{video}/content", Range="bytes=10-19")
        self.assertEqual((reply.status, reply.body), (206, whole[10:20]))

    def test_large_upload(self):
        """A clip with a large box that players skip: valid, and long."""
        clip = self.client.content(self.finished())
        clip += UPLOAD_BYTES.to_bytes(4, "big") + b"free" + bytes(UPLOAD_BYTES - 8)
        fields = {"prompt": "The clip again.", "num_inference_steps": "2", "strength": "0.5"}
        reply = self.client.post_form("/v1/videos", fields, ("clip.mp4", clip))
        video = reply.json()
        self.assertEqual((reply.status, video.get("input")), (200, "video"), video)
        self.client.wait(video["id"])
        self.delete(video["id"])


class Nginx(ProxyTest, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("nginx") is None:
            raise unittest.SkipTest("nginx is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="t3-nginx-"))
        cls.port = free_port()
        cls.trusted, key = certificate(cls.folder)
        site = replaced((PACKAGING / "nginx.conf").read_text(), [
            (r"127\.0\.0\.1:8080", urllib.parse.urlsplit(server.url).netloc), (r"listen 443", f"listen {cls.port}"),
            (r"listen \[::\]:443[^;]*;", ""), (r"/etc/ssl/[^;]*\.pem", cls.trusted), (r"/etc/ssl/[^;]*\.key", key)])
        cls.process = start_nginx(cls.folder, site, cls.port)


class Machines(unittest.TestCase):
    """nginx-machines.conf: a key's requests all go to one machine, and a dead machine is not replaced."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="t3-nginx-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.machines = [Machine(), Machine()]
        ports = iter(machine.port for machine in self.machines)
        upstream = re.sub(r"10\.0\.0\.\d:8080", lambda _: f"127.0.0.1:{next(ports)}",
                          (PACKAGING / "nginx-machines.conf").read_text())
        self.port = free_port()
        site = replaced((PACKAGING / "nginx.conf").read_text(), [
            (r"upstream t3_serve \{[^}]*\}", upstream), (r"listen 443[^;]*", f"listen {self.port}"),
            (r"listen \[::\]:443[^;]*;", ""), (r"ssl_certificate[^;]*;", "")])
        self.process = start_nginx(self.folder, site, self.port)
        self.addCleanup(stop, self.process)

    def ask(self, key):
        reply = Client(self.port, key).get("/v1/videos")
        return reply.status, reply.body.decode()

    def test_a_key_stays_at_its_machine(self):
        places = {key: self.ask(key)[1] for key in map(str, range(40))}
        self.assertEqual(len(set(places.values())), 2)
        for key, place in places.items():
            self.assertEqual(self.ask(key)[1], place)
        self.machines[0].close()
        for key, place in places.items():
            status, answer = self.ask(key)
            lives = place == str(self.machines[1].port)
            self.assertEqual(status, 200 if lives else 502)
            self.assertTrue(answer == place or not lives)
        self.machines[1].close()


class Machine:
    """A server that answers with its port."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(str(self.server.server_port).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Caddy(ProxyTest, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("caddy") is None:
            raise unittest.SkipTest("caddy is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="t3-caddy-"))
        cls.port = free_port()
        cls.trusted, key = certificate(cls.folder)
        site = replaced((PACKAGING / "Caddyfile").read_text(), [
            (r"127\.0\.0\.1:8080", urllib.parse.urlsplit(server.url).netloc),
            (re.escape(NAME) + r" \{", f"{NAME}:{cls.port} {{\n\ttls {cls.trusted} {key}")])
        config = cls.folder / "Caddyfile"
        config.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + site)
        environment = os.environ | {"XDG_DATA_HOME": str(cls.folder), "XDG_CONFIG_HOME": str(cls.folder)}
        subprocess.run(["caddy", "validate", "--config", str(config)], check=True, capture_output=True, env=environment)
        cls.process = subprocess.Popen(["caddy", "run", "--config", str(config)], env=environment,
                                       stderr=subprocess.DEVNULL)
        wait(lambda: answers(cls.port), "caddy")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def start_nginx(folder, site, port):
    """nginx with `site` as its only one; everything that it writes is in `folder`."""
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # nginx as root would work as another user, who cannot write into the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
                      f"http {{ access_log off; {temporary} {site} }}")
    command = ["nginx", "-p", str(folder), "-c", str(config)]
    subprocess.run([*command, "-t", "-q"], check=True)
    process = subprocess.Popen(command)
    wait(lambda: answers(port), "nginx")
    return process


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def main():
    global server
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--t3", required=True)
    options, rest = parser.parse_known_args()
    if shutil.which("nginx") is None or shutil.which("curl") is None:
        print("skipped: nginx or curl is not installed")
        return SKIPPED
    # Without keys the server answers to loopback names only.
    with serving(options.t3, keyed=True) as server:
        result = unittest.main(argv=[sys.argv[0], *rest], exit=False, verbosity=2).result
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
