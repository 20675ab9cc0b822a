#!/usr/bin/env python3
"""Compares t3's predicted memory and time with measurements on this machine.

  predictions.py --t3 build/t3 --work /dev/shm/predictions       on a GPU: six settings, and bits
  predictions.py --t3 build/t3 --work DIR --only 1,5,bits         some of them
  predictions.py --t3 build/t3 --work DIR --rehearse              tiny models on the CPU, not judged

Models have random weights of the full sizes, made once in the work folder (14 GB). Memory may be
off by 10 % (per stage, the GPU's context included) and never exceeds a limit; time may be off by 20 % (a
step, decoding, both stages together). `bits` makes one clip twice with --deterministic, and once more
with streamed weights. Prints a table and a FAILED line for each miss, and exits with 1 if there
is one. Needs python3 alone; nvidia-smi names the GPU.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import struct
import subprocess
import sys
import time

MEMORY_LIMIT = 0.10
TIME_LIMIT = 0.20
STAGES = {"denoiser": "denoising", "decoder": "decoding"}  # of the plan -> of the record


@dataclasses.dataclass
class Setting:
    name: str
    model: str
    size: str
    frames: int
    guidance: float = 1
    limit: str = ""
    decodes: bool = True
    streams: bool = False   # weights must be streamed from host memory
    seconds: int = 0        # expected on an H200, the program's start and loading included
    steps: int = 2          # the second tells a step's time without the start-up


SETTINGS = [
    Setting("1", "1.3b", "832x480", 81, guidance=5, seconds=10),
    Setting("2", "1.3b", "1920x1088", 81, seconds=14),
    Setting("3", "1.3b", "3840x2176", 81, seconds=42),
    Setting("4", "5b", "1280x704", 121, guidance=5, seconds=16),
    Setting("5", "1.3b", "3840x2176", 81, limit="22GB", decodes=False, seconds=17),
    Setting("6", "5b", "3840x2176", 81, limit="12GB", decodes=False, streams=True, seconds=20),
]
MODELS = {"1.3b": {"preset": "wan2.1-1.3b-t3", "text_encoder": None},
          "5b": {"preset": "wan2.2-5b-t3", "text_encoder": None}}

TINY = {"text_encoder": None, "attention": "t3",
        "dit": {"dim": 48, "ffn_dim": 64, "num_heads": 2, "num_layers": 3, "in_dim": 16,
                "text_dim": 24},
        "vae": {"version": "2.1", "latent_channels": 16, "encoder_dim": 4, "decoder_dim": 4}}
REHEARSAL = [Setting("1", "tiny", "64x64", 5, guidance=5),
             Setting("5", "tiny", "96x64", 5, limit="2GB", decodes=False)]


class Failures(list):
    def add(self, text):
        print(f"FAILED: {text}", flush=True)
        self.append(text)


def write_tensors(path, tensors):
    """A safetensors file of fp32 matrices: {name: (rows, width)} of small numbers."""
    header, data = {}, b""
    for name, (rows, width) in tensors.items():
        values = [((i * 2654435761) % 1000 - 500) / 500 for i in range(rows * width)]
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": [rows, width],
                        "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensor_bytes(path, name):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    begin, end = json.loads(data[8:8 + length])[name]["data_offsets"]
    return data[8 + length + begin:8 + length + end]


class Bench:
    def __init__(self, args):
        self.t3, self.rehearse = args.t3, args.rehearse
        self.work = pathlib.Path(args.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.env = {**os.environ, "XDG_CACHE_HOME": str(self.work / "cache")}
        self.device = ["--device", "cpu" if args.rehearse else "cuda"]
        self.models = {"tiny": TINY} if args.rehearse else MODELS

    def run(self, *command):
        """The events that t3 wrote; RuntimeError with its words where it failed."""
        done = subprocess.run([self.t3, *map(str, command)], env=self.env, text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"t3 {' '.join(map(str, command))}: {done.stderr[-600:]}")
        lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
        return done.stdout, [json.loads(line) for line in lines]

    def model(self, name):
        """The model's folder, made and calibrated where it is not there yet."""
        folder = self.work / name
        if not (folder / "made").exists():
            config = self.work / f"{name}.json"
            config.write_text(json.dumps(self.models[name]))
            start = time.monotonic()
            self.run("init", config, "--seed", 1, "--output", folder)
            (folder / "made").touch()
            print(f"{name}: made in {time.monotonic() - start:.0f} s", flush=True)
        return folder

    def calibrate(self, name):
        mark = self.work / f"{name}.calibrated"
        version = self.run("--version")[0]  # a calibration is of one build
        if mark.exists() and mark.read_text() == version:
            return
        start = time.monotonic()
        out, _ = self.run("plan", "--model", self.model(name), "--calibrate", *self.device,
                          "--json")
        mark.write_text(version)
        rates = json.dumps(json.loads(out).get("time", {}))
        print(f"{name}: calibrated in {time.monotonic() - start:.0f} s, {rates}", flush=True)

    def command(self, setting, output, *more):
        folder = self.model(setting.model)
        width = self.models[setting.model].get("dit", {}).get("text_dim", 4096)
        embeds = self.work / f"text-{width}.safetensors"
        if not embeds.exists():
            write_tensors(embeds, {"prompt": (40, width), "negative_prompt": (120, width)})
        command = ["generate", "--model", folder, "--text-embeds", embeds, "--size", setting.size,
                   "--frames", setting.frames, "--steps", setting.steps, "--guidance",
                   setting.guidance, *self.device, "--restart", "--overwrite", "--checkpoint-every", 0,
                   "--output", output, *more]
        return command + (["--memory-limit", setting.limit] if setting.limit else [])


def off(predicted, measured):
    return (predicted - measured) / measured if measured > 0 else float("inf")


def step_seconds(events):
    """The last step alone: the first one carries the start-up."""
    at = {e["done"]: e["seconds"] for e in events
          if e["event"] == "progress" and e["stage"] == "denoising" and e["done"] > 0}
    last = max(at)
    return at[last] - at.get(last - 1, 0)


def gigabytes(limit):
    return float(limit.removesuffix("GB")) * 1e9


def rows_of(setting, plan, record, events, failures):
    """(what, unit, predicted, measured, most that it may be off) of a finished run."""
    planned = {STAGES[s["name"]]: s for s in plan["memory"] if s["name"] in STAGES}
    measured = {s["name"]: s for s in record["stages"]}
    rows = []
    for stage, s in planned.items():
        m = measured[stage]
        total = s["weights_bytes"] + s["activation_bytes"] + s["context_bytes"]
        taken = m["device_peak_bytes"] + m["device_context_bytes"]
        rows.append((f"{stage}, memory", "GB", total / 1e9, taken / 1e9, MEMORY_LIMIT))
        if setting.limit and taken > gigabytes(setting.limit):
            failures.add(f"setting {setting.name}, {stage}: took {taken / 1e9:.2f} GB of the "
                         f"device, more than {setting.limit}")
        rows.append((f"{stage}, context of it", "GB", s["context_bytes"] / 1e9,
                     m["device_context_bytes"] / 1e9, None))
    expected, took = plan["denoising_seconds"], measured["denoising"]["seconds"]
    rows.append(("a step", "s", plan["step_seconds"], step_seconds(events), TIME_LIMIT))
    if setting.decodes:
        decoding = measured["decoding"]["seconds"]
        rows.append(("decoding", "s", plan["decoding_seconds"], decoding, TIME_LIMIT))
        expected, took = expected + plan["decoding_seconds"], took + decoding
    rows.append((f"{setting.steps} steps" + (" and decoding" if setting.decodes else ""), "s",
                 expected, took, TIME_LIMIT))
    return rows


def judge(row, failures, where):
    what, unit, predicted, measured, most = row
    difference = off(predicted, measured)
    if most is not None and not abs(difference) <= most:
        failures.add(f"setting {where}, {what}: predicted {predicted:.3g} {unit}, measured "
                     f"{measured:.3g} {unit}, {100 * difference:+.0f} %, may be "
                     f"{100 * most:.0f} %")
    return difference


def check_setting(bench, setting, failures, table):
    start = time.monotonic()
    bench.calibrate(setting.model)
    output = bench.work / ("out.y4m" if setting.decodes else "out.safetensors")
    record = bench.work / "record.json"
    _, events = bench.run(*bench.command(setting, output, "--record", record, "--progress",
                                         "json"))
    plan = next(e for e in events if e["event"] == "plan")
    notes = " ".join(s.get("note", "") for s in plan["memory"] if s["name"] == "denoiser")
    if setting.streams != ("streamed" in notes):
        failures.add(f"setting {setting.name}: the plan says '{notes}' of the denoiser's weights, "
                     f"they should {'' if setting.streams else 'not '}be streamed")
    for row in rows_of(setting, plan, json.loads(record.read_text()), events, failures):
        difference = None if bench.rehearse else judge(row, failures, setting.name)
        table.append((setting, row, difference))
    output.unlink()
    print(f"setting {setting.name}: {time.monotonic() - start:.0f} s (expected about "
          f"{setting.seconds} s and calibration)", flush=True)


def limit_that_streams(bench, setting):
    """A limit between what streamed weights and what resident ones need."""
    _, events = bench.run(*bench.command(setting, bench.work / "x.safetensors", "--dry-run",
                                         "--progress", "json"))
    stage = next(s for e in events if e["event"] == "plan" for s in e["memory"]
                 if s["name"] == "denoiser")
    return stage["context_bytes"] + stage["activation_bytes"] + int(0.6 * stage["weights_bytes"])


def check_bits(bench, failures):
    start = time.monotonic()
    tiny = bench.rehearse
    setting = Setting("bits", "tiny" if tiny else "1.3b", "64x64" if tiny else "832x480",
                      5 if tiny else 17, guidance=5)
    files = [(bench.work / f"bits{i}.y4m", bench.work / f"bits{i}.safetensors") for i in (1, 2)]
    for video, latents in files:
        bench.run(*bench.command(setting, video, "--deterministic", "--save-latents", latents))
    (first, latents), (second, _) = files
    if first.read_bytes() != second.read_bytes():
        failures.add("bits: --deterministic twice gave two different files")
    if not tiny:  # on the CPU nothing is streamed
        setting.limit = str(limit_that_streams(bench, setting))
        streamed = bench.work / "bits-streamed.safetensors"
        _, events = bench.run(*bench.command(setting, streamed, "--deterministic", "--progress",
                                             "json"))
        plan = next(e for e in events if e["event"] == "plan")
        if not any("streamed" in s.get("note", "") for s in plan["memory"]):
            failures.add(f"bits: {setting.limit} bytes were to have streamed weights")
        if tensor_bytes(streamed, "latents") != tensor_bytes(latents, "latents"):
            failures.add("bits: streamed weights gave other latents than resident ones")
    print(f"bits: {time.monotonic() - start:.0f} s (expected about 30 s)", flush=True)


def print_table(table):
    print("\n| setting | | predicted | measured | off |\n|---|---|---|---|---|")
    for setting, (what, unit, predicted, measured, most), difference in table:
        limit = f" within {setting.limit}" if setting.limit else ""
        verdict = "not judged"
        if difference is not None:
            missed = most is not None and not abs(difference) <= most
            verdict = f"{100 * difference:+.1f} %{' FAILED' if missed else ''}"
        print(f"| {setting.name}: {setting.model} {setting.size}x{setting.frames}{limit} | {what} "
              f"| {predicted:.3g} {unit} | {measured:.3g} {unit} "
              f"| {verdict} |")


def check_the_judge():
    """Misses must be found: just within, just outside, nothing measured."""
    found = Failures()
    sys.stdout, quiet = open(os.devnull, "w"), sys.stdout
    for predicted, measured in ((109, 100), (91, 100), (111, 100), (89, 100), (1, 0),
                                (float("nan"), 1)):
        judge(("x", "GB", predicted, measured, MEMORY_LIMIT), found, "0")
    sys.stdout = quiet
    assert len(found) == 4, found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--t3", required=True, help="the program")
    parser.add_argument("--work", required=True, help="a folder for models and outputs, 20 GB")
    parser.add_argument("--only", help="settings by number, and 'bits': 1,2,bits")
    parser.add_argument("--rehearse", action="store_true", help="tiny models on the CPU")
    args = parser.parse_args()
    check_the_judge()
    bench = Bench(args)
    settings = REHEARSAL if args.rehearse else SETTINGS
    names = [s.name for s in settings] + ["bits"]
    only = args.only.split(",") if args.only else names
    unknown = set(only) - set(names)
    if unknown:
        parser.error(f"--only {','.join(unknown)}: there are {', '.join(names)}")
    if not args.rehearse:
        subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.used",
                        "--format=csv,noheader"], check=False)
    failures, table = Failures(), []
    for setting in settings:
        if setting.name in only:
            try:
                check_setting(bench, setting, failures, table)
            except (RuntimeError, KeyError, StopIteration) as error:
                failures.add(f"setting {setting.name}: {type(error).__name__} {error}")
    if "bits" in only:
        try:
            check_bits(bench, failures)
        except RuntimeError as error:
            failures.add(f"bits: {error}")
    print_table(table)
    print("\n" + (f"FAILED: {len(failures)}" if failures else
                  "rehearsed" if args.rehearse else "all predictions hold"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
