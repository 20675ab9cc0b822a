#!/usr/bin/env python3
# Writes tests/data/oracle/unipc.safetensors: runs of diffusers' UniPC on Wan's schedule.
"""Usage: tools/oracle_unipc.py [FOLDER]

Needs torch, diffusers and safetensors. diffusers makes another schedule than Wan, so its sigmas and
timesteps are overwritten. For each run N, `N.x` (steps + 1, 1, z, T, h, w) are the latents from the
noise to the end, `N.velocity` (steps, ...) what the denoiser gave, `N.shift` (1); all fp32.
"""
import pathlib
import sys

import diffusers
import numpy as np
import torch
from diffusers import UniPCMultistepScheduler
from safetensors.torch import save_file

RUNS = [(1, 5.0), (2, 3.0), (3, 8.0), (8, 5.0), (20, 1.0)]


def make_scheduler(steps, shift):
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True,
                                        flow_shift=shift)
    scheduler.set_timesteps(steps)
    u = np.linspace(0.999, 0, steps + 1)[:-1]
    sigmas = shift * u / (1 + (shift - 1) * u)
    scheduler.sigmas = torch.from_numpy(np.append(sigmas, 0).astype(np.float32))
    scheduler.timesteps = torch.from_numpy((1000 * sigmas).astype(np.int64))
    scheduler.set_begin_index(0)
    return scheduler


def run(steps, shift, target, mixing):
    scheduler = make_scheduler(steps, shift)
    x = torch.randn(1, 3, 2, 2, 4)
    xs, velocities = [x], []
    for t in scheduler.timesteps:
        # Any smooth function of latents and time will do; this one bends the path.
        velocity = x - target + torch.tanh(torch.einsum("ij,bj...->bi...", mixing, x) + t / 500)
        x = scheduler.step(velocity, t, x, return_dict=False)[0]
        velocities.append(velocity)
        xs.append(x)
    return torch.stack(xs), torch.stack(velocities)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/oracle")
    torch.manual_seed(3)
    target, mixing = torch.randn(1, 3, 2, 2, 4), torch.randn(3, 3)
    tensors = {}
    for n, (steps, shift) in enumerate(RUNS):
        xs, velocities = run(steps, shift, target, mixing)
        tensors |= {f"{n}.x": xs, f"{n}.velocity": velocities, f"{n}.shift": torch.tensor([shift])}
    source = {"source": f"diffusers {diffusers.__version__}, torch {torch.__version__}"}
    path = folder / "unipc.safetensors"
    save_file(tensors, path, source)
    path.chmod(0o644)


if __name__ == "__main__":
    main()
