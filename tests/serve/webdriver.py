"""A small WebDriver client for Chromium: as much of the protocol as page_test.py needs."""

import base64
import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from client import wait

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element in the protocol's JSON
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": "\ue00d", "Shift": "\ue008",
        "Control": "\ue009"}


def find_programs():
    """(chromium, chromedriver), or None where one is missing."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """One headless browser with one window."""

    def __init__(self, programs, port):
        self.profile = tempfile.mkdtemp(prefix="t3-page-test-")
        self.base = f"http://127.0.0.1:{port}"
        self.driver = subprocess.Popen([programs[1], f"--port={port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        # A container's root has no user namespaces for the sandbox, and its /dev/shm is small.
        options = {"binary": programs[0],
                   "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                            "--autoplay-policy=no-user-gesture-required",
                            f"--user-data-dir={self.profile}"]}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options,
                                  "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}}
        wait(self._is_ready, "chromedriver")
        self.session = self._call("POST", "/session", {"capabilities": wanted})["sessionId"]

    def close(self):
        try:
            self._call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait()
            shutil.rmtree(self.profile, ignore_errors=True)

    def _is_ready(self):
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        call = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"},
                                      method=method)
        try:
            with urllib.request.urlopen(call, timeout=120) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def call(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a function body in the page."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, *keys):
        """Keys that are held together, to whatever has the focus."""
        codes = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": code} for code in codes]
        actions += [{"type": "keyUp", "value": code} for code in reversed(codes)]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def write(self, text):
        """Text to whatever has the focus."""
        actions = [{"type": kind, "value": letter} for letter in text for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def resize(self, width, height, scale=1):
        """The size of the page; a window cannot be as narrow as a phone."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=scale, mobile=width < 600)

    def prefer(self, scheme):
        """'light' or 'dark'."""
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])

    def connect(self, connected):
        """False: every connection of the page ends, and none begins."""
        self.devtools("Network.emulateNetworkConditions", offline=not connected, latency=0,
                      downloadThroughput=-1, uploadThroughput=-1)

    def log(self, kind):
        """Entries since the last call: 'browser' (console), 'performance' (DevTools events)."""
        return self.call("POST", "/se/log", {"type": kind})

    def screenshot(self, path, **options):
        picture = self.devtools("Page.captureScreenshot", **options)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
