#!/usr/bin/env python3
"""The web page of t3 serve in a real browser: from a prompt to a clip, and who can use it.

  page_test.py --t3 PROGRAM [unittest arguments, such as Page.test_keyboard]
  page_test.py --t3 PROGRAM --screenshots DIR          writes the pictures of the documentation instead

Needs chromium and chromedriver; without them it exits with 77, which ctest reports as skipped.
"""

import argparse
import contextlib
import json
import os
import pathlib
import struct
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import webdriver  # noqa: E402
from client import wait  # noqa: E402
from serving import free_port, serving  # noqa: E402

SKIPPED = 77
PROMPT = ("The desert at noon. A clear sky with the sun on the right. Between two blue lanterns a red "
          "balloon moves to the left. The camera does not move.")
browser = None
server = None  # without keys
keyed = None


def write_png(path, width=96, height=64):
    """A picture with a gradient."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in (2 * x, 3 * y, 128)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pathlib.Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) +
                                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def text(selector):
    return browser.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)


def visible(selector):
    return browser.run("const e = document.querySelector(arguments[0]);"
                       "return Boolean(e && e.checkVisibility())", selector)


def card(status):
    return f".card[data-status='{status}']"


def set_value(selector, value):
    """As a person does: the page sees the input event."""
    browser.run("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                "e.dispatchEvent(new Event('input', {bubbles: true}));", selector, value)


def choose(select, value):
    """An option of a <select>, as a person does."""
    browser.run("const e = document.getElementById(arguments[0]); e.value = arguments[1];"
                "if (e.value !== arguments[1]) throw new Error('no option ' + arguments[1]);"
                "e.dispatchEvent(new Event('input', {bubbles: true}));", select, value)


def jobs():
    return server.get("/v1/videos?limit=100").json()["data"]


def delete_all():
    for job in jobs():
        server.request("DELETE", f"/v1/videos/{job['id']}")


def open_page():
    browser.resize(1280, 900)
    browser.prefer("light")
    browser.open(server.url)
    wait(lambda: text("#plan-rows"), "an estimate")


def submit(prompt, steps, frames=None):
    """Fewer frames than the model's own where it is not about the video."""
    set_value("#prompt", prompt)
    set_value("#num_inference_steps", str(steps))
    if frames:
        set_value("#num_frames", str(frames))
    browser.click("#submit")


class Page(unittest.TestCase):
    def setUp(self):
        delete_all()
        open_page()
        browser.log("performance")
        browser.log("browser")

    def tearDown(self):
        """Whatever a test did: the page asked only its own server, and nothing went wrong in it."""
        for entry in browser.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                self.assertTrue(url.startswith((server.url, "blob:", "data:")), url)
        # The browser logs each refused request; those are what some tests are about.
        faults = [entry["message"] for entry in browser.log("browser")
                  if entry["level"] == "SEVERE" and "status of 4" not in entry["message"]]
        self.assertEqual(faults, [])

    def test_from_prompt_to_clip(self):
        before = text("#plan-rows")
        browser.type("#prompt", PROMPT)
        set_value("#num_inference_steps", "6")
        wait(lambda: "6 steps" in text("#plan-rows") and text("#plan-rows") != before, "a new estimate")
        self.assertIn("Memory", text("#plan-rows"))
        browser.click("#submit")
        wait(lambda: text("#queue .prompt") == PROMPT, "the job in the queue")
        wait(lambda: visible("#queue progress"), "a progress bar", 60)
        wait(lambda: "of 6 steps" in text("#queue .state"), "the step", 60)
        wait(lambda: browser.run("return document.querySelector('#queue .preview')?.naturalWidth > 0"),
                     "a preview", 60)
        wait(lambda: text("#gallery .prompt") == PROMPT, "the finished video", 120)
        self.assertEqual(text("#status"), f"The video is finished: {PROMPT}")
        self.assertFalse(visible("#queue .card"))
        wait(lambda: browser.run("return document.querySelector('#gallery .picture img')?.naturalWidth > 0"),
                     "a thumbnail")
        browser.click("#gallery .picture")
        wait(lambda: browser.run("return document.getElementById('player-video').currentTime > 0.2"),
                     "a clip that plays")
        self.assertEqual(browser.run("return document.getElementById('player-video').videoWidth"), 512)
        browser.press("Escape")
        self.assertFalse(visible("#player"))
        browser.click("#gallery [data-action='remove']")
        browser.click("#confirm-yes")
        wait(lambda: not visible("#gallery .card"), "a gallery without the video")
        wait(lambda: jobs() == [], "the server without the video")

    def test_cancel_a_running_video(self):
        submit("To be cancelled.", 100)
        wait(lambda: visible(card("in_progress")), "a running job", 60)
        browser.click(f"{card('in_progress')} [data-action='remove']")
        browser.click("#confirm-yes")
        wait(lambda: not visible("#queue .card") and jobs() == [], "an empty queue")

    def test_make_again_and_refine(self):
        set_value("#seed", "11")
        submit(PROMPT, 2, frames=5)
        wait(lambda: visible(card("completed")), "the finished video", 120)
        browser.click("#form [type='reset']")
        wait(lambda: browser.run("return document.getElementById('prompt').value") == "", "an empty form")
        browser.click("[data-action='again']")
        values = browser.run("return Object.fromEntries(new FormData(document.getElementById('form')))")
        self.assertEqual((values["prompt"], values["seed"], values["num_inference_steps"]), (PROMPT, "11", "2"))
        self.assertEqual(text("[data-action='refine']"), "Refine to 4K")
        browser.click("[data-action='refine']")
        self.assertTrue(visible("#source") and visible("#strength"))
        self.assertEqual(browser.run("return document.getElementById('size-choice').value"), "3840x2160")
        wait(lambda: "3840x2160" in text("#plan-rows") or visible("#plan-error"), "the estimate in 4K")
        # Smaller, so that a test can wait for it.
        choose("size-choice", "custom")
        set_value("#size", "384x216")
        set_value("#num_inference_steps", "2")
        browser.click("#submit")
        wait(lambda: len(jobs()) == 2 and jobs()[0]["status"] == "completed", "the refined video", 180)
        self.assertEqual(jobs()[0]["size"], "384x216")
        self.assertEqual(jobs()[0]["remixed_from_video_id"], jobs()[1]["id"])

    def test_source_files(self):
        with tempfile.TemporaryDirectory() as folder:
            clip = os.path.join(folder, "clip.mp4")
            submit(PROMPT, 1, frames=5)
            wait(lambda: visible(card("completed")), "a video to upload", 120)
            pathlib.Path(clip).write_bytes(server.content(jobs()[0]["id"]))
            browser.type("#input_reference", clip)
            self.assertIn("clip.mp4", text("#source-name"))
            self.assertTrue(visible("#strength"))
            submit("The clip again.", 2, frames=5)
            wait(lambda: len(jobs()) == 2 and jobs()[0]["status"] == "completed", "a video from the clip", 120)
            self.assertEqual(jobs()[0]["input"], "video")
            browser.click("#source-remove")
            self.assertFalse(visible("#source") or visible("#strength"))
            self.drop(os.path.join(folder, "picture.png"))

    def drop(self, path):
        """Drops a file as the file manager does."""
        write_png(path)
        box = browser.run("document.getElementById('drop').scrollIntoView({block: 'center'});"
                          "const r = document.getElementById('drop').getBoundingClientRect();"
                          "return [r.x + r.width / 2, r.y + 5]")
        data = {"items": [], "files": [path], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            browser.devtools("Input.dispatchDragEvent", type=kind, x=box[0], y=box[1], data=data)
        wait(lambda: "picture.png" in text("#source-name"), "the dropped picture")

    def test_draft(self):
        self.assertFalse(visible("#draft_steps") or visible("#strength"))
        choose("size-choice", "1024x576")
        choose("draft", "256x144")
        set_value("#draft_steps", "7")
        self.assertTrue(visible("#draft_steps") and visible("#strength"))
        wait(lambda: "1024x576" in text("#plan-rows") and "draft 256x144" in text("#plan-rows"), "an estimate with the draft")
        # Nobody has chosen a strength: the estimate says the model's.
        self.assertRegex(text("#strength-value"), r"0\.\d\d")
        submit(PROMPT, 30)
        wait(lambda: len(jobs()) == 1, "the job")
        self.assertEqual(jobs()[0]["settings"], {
            "size": "1024x576", "draft": "256x144", "draft_steps": 7, "num_inference_steps": 30})

    def test_typing_while_the_server_starts(self):
        browser.devtools("Network.enable")
        browser.devtools("Network.setBlockedURLs", urls=["*/v1/models"])
        browser.open(server.url)
        wait(lambda: visible("#banner"), "the reason")
        browser.type("#prompt", "A prompt.")
        set_value("#num_frames", "5")
        browser.devtools("Network.setBlockedURLs", urls=[])
        wait(lambda: text("#model") == "Model demo" and "5 frames" in text("#plan-rows"), "the model and an estimate")
        self.assertEqual(browser.run("return document.getElementById('prompt').value"), "A prompt.")
        self.assertEqual([entry["message"] for entry in browser.log("browser") if "Uncaught" in entry["message"]], [])

    def test_lost_connection(self):
        submit(PROMPT, 60)
        wait(lambda: "steps" in text("#queue .state"), "the running job", 60)
        browser.connect(False)
        wait(lambda: visible("#banner"), "the reason")
        browser.connect(True)
        wait(lambda: not visible("#banner"), "the connection")
        state = text("#queue .state")
        wait(lambda: text("#queue .state") != state, "more progress")
        browser.log("browser")  # has the requests that failed

    def test_errors_are_at_their_fields(self):
        browser.click("#submit")
        wait(lambda: visible("#prompt-error"), "the error of the prompt")
        self.assertEqual(browser.run("return document.activeElement.id"), "prompt")
        set_value("#num_frames", "6")
        wait(lambda: "6" in text("#plan-error"), "the error of the plan")
        submit("A prompt.", 2)
        wait(lambda: visible("#num_frames-error"), "the error of the frames")
        self.assertEqual(browser.run("return document.getElementById('num_frames').ariaInvalid"), "true")
        set_value("#num_frames", "5")
        self.assertFalse(visible("#num_frames-error"))
        self.assertEqual(jobs(), [])

    def test_narrow_window(self):
        submit(PROMPT + " " + "x" * 300, 1, frames=5)
        wait(lambda: visible(card("completed")), "the finished video", 120)
        browser.run("document.querySelector('details').open = true")
        for width in (320, 375, 768, 1280):
            browser.resize(width, 740)
            inner, scrolled = browser.run("return [innerWidth, document.scrollingElement.scrollWidth]")
            self.assertEqual(inner, width)
            self.assertLessEqual(scrolled, width)
        browser.resize(320, 568)
        browser.click("#gallery [data-action='play']")
        box = browser.run("const r = document.getElementById('player').getBoundingClientRect();"
                          "return [r.left, r.right]")
        self.assertGreaterEqual(box[0], 0)
        self.assertLessEqual(box[1], 320)
        browser.press("Escape")

    def focus_by_tab(self, selector, back=False):
        """Tabs until the element has the focus; everything on the way shows that it has it."""
        browser.run("document.activeElement.blur()")
        for _ in range(80):
            browser.press(*(["Shift"] if back else []), "Tab")
            found, shown, name = browser.run(
                "const e = document.activeElement, s = getComputedStyle(e);"
                "return [e.matches(arguments[0]), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,"
                " e.outerHTML.slice(0, 80)]", selector)
            self.assertTrue(shown or name.startswith("<body"), f"no visible focus: {name}")
            if found:
                return
        self.fail(f"Tab does not reach {selector}")

    def test_keyboard(self):
        self.focus_by_tab("#prompt")
        browser.write("A boat by keyboard.")
        self.focus_by_tab("#num_inference_steps")
        browser.write("2")
        self.focus_by_tab("#submit")
        browser.press("Enter")
        wait(lambda: visible(card("completed")), "the finished video", 120)
        self.focus_by_tab("#gallery .actions [data-action='play']")
        browser.press("Enter")
        wait(lambda: visible("#player"), "the player")
        browser.press("Escape")
        self.assertFalse(visible("#player"))
        self.assertEqual(browser.run("return document.activeElement.dataset.action"), "play")
        self.focus_by_tab("#gallery [data-action='remove']")
        browser.press("Space")
        wait(lambda: visible("#confirm"), "the question")
        browser.press("Enter")
        wait(lambda: jobs() == [], "a deleted video")
        self.assertEqual(browser.run("return document.activeElement.id"), "gallery-heading")

    def test_everything_has_a_name(self):
        submit(PROMPT, 1, frames=5)
        wait(lambda: visible(card("completed")), "the finished video", 120)
        browser.run("document.querySelector('details').open = true")
        nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
        focusable = [node for node in nodes if not node["ignored"] and any(
            p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", []))]
        nameless = [node["role"]["value"] for node in focusable if not node.get("name", {}).get("value")]
        self.assertGreater(len(focusable), 20)
        self.assertEqual(nameless, [])

    def test_light_and_dark(self):
        submit(PROMPT, 1, frames=5)
        wait(lambda: visible(card("completed")), "the finished video", 120)
        backgrounds = []
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            backgrounds.append(luminance(browser.run("return getComputedStyle(document.body).backgroundColor")))
            for selector in ("h1", "label", ".hint", ".facts", ".state", "#submit", "dd", "#prompt", ".prompt"):
                self.assertGreaterEqual(contrast(selector), 4.5, f"{selector}, {scheme}")
        self.assertGreater(backgrounds[0], 0.8)
        self.assertLess(backgrounds[1], 0.05)


class Keys(unittest.TestCase):
    """A server that wants a key."""

    def setUp(self):
        browser.resize(1280, 900)
        browser.open(keyed.url)
        browser.run("sessionStorage.clear()")
        browser.open(keyed.url)

    def give(self, key):
        wait(lambda: visible("#key-dialog"), "the question for a key")
        self.assertEqual(browser.run("return document.activeElement.id"), "key")
        browser.write(key)
        browser.press("Enter")

    def test_only_a_right_key_opens(self):
        self.give("not-a-key")
        wait(lambda: "does not accept" in text("#key-text"), "the refusal")
        self.give(keyed.key)
        wait(lambda: text("#plan-rows"), "an estimate")
        self.assertFalse(visible("#key-dialog"))
        submit("A boat with a key.", 2, frames=9)
        wait(lambda: visible(card("in_progress")) or visible(card("completed")), "the running job", 60)
        wait(lambda: visible(card("completed")), "the finished video", 120)
        wait(lambda: browser.run("return document.querySelector('#gallery .picture img')?.naturalWidth > 0"),
                     "a thumbnail")
        browser.click("#gallery .picture")
        wait(lambda: browser.run("return document.getElementById('player-video').currentTime > 0.2"),
                     "a clip that plays")
        browser.press("Escape")
        browser.open(keyed.url)  # the key stays for the tab
        wait(lambda: visible(card("completed")), "the video again")
        self.assertFalse(visible("#key-dialog"))
        browser.click("[data-action='remove']")
        browser.click("#confirm-yes")
        wait(lambda: not visible(".card"), "a deleted video")

    def test_closing_the_dialog_asks_no_more(self):
        wait(lambda: visible("#key-dialog"), "the question for a key")
        browser.press("Escape")
        wait(lambda: visible("#banner") and visible("#change-key"), "the reason and a button")
        browser.click("#change-key")
        self.give(keyed.key)
        wait(lambda: text("#plan-rows"), "an estimate")


def luminance(color):
    """Of "rgb(1, 2, 3)", as WCAG 2 defines it."""
    channels = [int(float(part)) / 255 for part in color[color.index("(") + 1:-1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(selector):
    """Between an element's text and what is behind it."""
    colors = browser.run(
        "let e = document.querySelector(arguments[0]); const text = getComputedStyle(e).color;"
        "while (getComputedStyle(e).backgroundColor === 'rgba(0, 0, 0, 0)') e = e.parentElement;"
        "return [text, getComputedStyle(e).backgroundColor]", selector)
    dark, light = sorted(luminance(color) for color in colors)
    return (light + 0.05) / (dark + 0.05)


SCENES = [
    "The desert at sunset. A clear sky with the sun on the left. Between two blue lanterns a red balloon moves "
    "to the right. The camera does not move.",
    "The sea at noon. A clear sky with the sun on the right. Between two red lanterns a white boat moves to the "
    "left. The camera pans left.",
    "The city at night. A cloudy sky with the moon on the left. Between two red lanterns a yellow airship moves "
    "to the right. The camera pans left.",
]


def take_screenshots(folder):
    """A desktop's window with a job that runs, and a phone's in the dark."""
    open_page()
    for scene in SCENES:
        submit(scene, 20)
    wait(lambda: all(job["status"] == "completed" for job in jobs()), "three videos", 180)
    wait(lambda: browser.run("return [...document.querySelectorAll('.picture img')]"
                             ".filter((image) => image.naturalWidth > 0).length === 3"), "three thumbnails")
    submit("The mountains at dawn. A cloudy sky. Between two yellow lanterns a green bird moves to the right. The "
           "camera does not move.", 20)
    wait(lambda: "12 of 20 steps" in text("#queue .state"), "the middle of the run", 60)
    browser.screenshot(os.path.join(folder, "serve.jpg"), format="jpeg", quality=82)
    browser.prefer("dark")
    browser.resize(390, 844)
    wait(lambda: visible("#gallery") and len(jobs()) == 4 and jobs()[0]["status"] == "completed", "the fourth", 60)
    browser.run("document.getElementById('gallery-heading').scrollIntoView()")
    wait(lambda: browser.run("return document.querySelector('#gallery .picture img')?.naturalWidth > 0"), "a thumbnail")
    browser.screenshot(os.path.join(folder, "serve-phone.jpg"), format="jpeg", quality=82)


def main():
    global browser, server, keyed
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--t3", required=True)
    parser.add_argument("--screenshots")
    options, rest = parser.parse_known_args()
    programs = webdriver.find_programs()
    if programs is None:
        print("skipped: chromium or chromedriver is not installed")
        return SKIPPED
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(options.t3))
        keyed = stack.enter_context(serving(options.t3, keyed=True))
        browser = stack.enter_context(contextlib.closing(webdriver.Browser(programs, free_port())))
        if options.screenshots:
            take_screenshots(options.screenshots)
            return 0
        result = unittest.main(argv=[sys.argv[0], *rest], exit=False, verbosity=2).result
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
