#!/usr/bin/env python3
"""Load on `t3 serve`: many submissions and event streams at the same time while a job runs.

  scripts/serve_load.py [--t3 build/t3] [--submissions 1000] [--streams 200] [--concurrency 1000]

Starts a server with the shipped model on a folder of its own, submits a long job, opens the event streams, then submits.
Meanwhile one client asks for the running job ten times a second. Prints answer times and checks that every accepted
submission is in the list and every stream got events. Exit code 1 where something was lost.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "serve"))
from serving import Server  # noqa: E402


def percentiles(seconds):
    ordered = sorted(seconds)
    at = lambda share: 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return f"median {at(0.5):.1f} ms, 95 % {at(0.95):.1f} ms, 99 % {at(0.99):.1f} ms, max {1000 * ordered[-1]:.1f} ms"


def resident_megabytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--t3", default="build/t3")
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=1000)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="t3-load-")
    count = str(options.submissions + 10)
    server = Server(os.path.abspath(options.t3), folder + "/data", "--max-queue", count, "--max-queue-per-key", count,
                    "--max-connections", str(2 * (options.streams + options.concurrency) + 50))
    server.wait_until_ready()
    running = server.submit(size="256x144", num_frames=17, num_inference_steps=200)
    server.wait_for_step(running, 1)

    received, stop = [0] * options.streams, threading.Event()

    def listen(index):
        try:
            for _ in server.events(running, timeout=600):
                received[index] += 1
                if stop.is_set():
                    return
        except OSError:
            pass

    listeners = [threading.Thread(target=listen, args=(i,), daemon=True) for i in range(options.streams)]
    for listener in listeners:
        listener.start()
    time.sleep(2)

    polls = []

    def poll():
        while not stop.is_set():
            began = time.monotonic()
            server.video(running)
            polls.append(time.monotonic() - began)
            time.sleep(0.1)

    poller = threading.Thread(target=poll, daemon=True)
    poller.start()

    def submit(number):
        began = time.monotonic()
        reply = server.post("/v1/videos", {"prompt": f"number {number}", "size": "64x48", "num_frames": 5})
        return reply.status, json.loads(reply.body).get("id"), time.monotonic() - began

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.concurrency) as pool:
        results = list(pool.map(submit, range(options.submissions)))
    took = time.monotonic() - began
    stage = server.video(running)["stage"]
    memory = resident_megabytes(server.process.pid)
    streams = server.metric("t3_event_streams")
    time.sleep(2)
    stop.set()

    accepted = {video_id for status, video_id, _ in results if status == 200}
    listed, after = set(), ""
    while True:
        page = server.get(f"/v1/videos?limit=100{'&after=' + after if after else ''}").json()
        listed |= {video["id"] for video in page["data"]}
        if not page["has_more"]:
            break
        after = page["last_id"]
    lost = accepted - listed
    silent = sum(1 for n in received if n < 2)
    print(f"submissions: {len(accepted)} of {options.submissions} accepted in {took:.1f} s, "
          f"{options.concurrency} at a time; {percentiles([t for _, _, t in results])}")
    print(f"polls meanwhile: {len(polls)}; {percentiles(polls)}")
    print(f"event streams: {streams:.0f} open, {sum(received)} events, at least {min(received)} each; {silent} without")
    print(f"the running job is at step {stage['done']} of {stage['total']}; the server has {memory:.0f} MB resident")
    print(f"lost: {len(lost)}")
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if lost or silent or len(accepted) < options.submissions else 0


if __name__ == "__main__":
    sys.exit(main())
