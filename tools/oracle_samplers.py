#!/usr/bin/env python3
# Writes tests/data/oracle/samplers.safetensors: runs of every sampler by reference formulas.
"""Usage: tools/oracle_samplers.py [FOLDER]

Needs numpy, torch, diffusers and safetensors. The schedules and the solvers are written here once
more, in float64 and from the papers; UniPC is diffusers' own, on the last levels of Wan's schedule.
For each run, `RUN.sigmas` (steps + 1) and `RUN.timesteps` are its levels, `RUN.noise` and
`RUN.clean` what it starts from (no clean video: plain generation), `RUN.x` (steps + 1, ...) the
latents before each step and at the end, `RUN.velocity` (steps, ...) what the denoiser gave and
`RUN.added` (steps, ...) the noise that a step may add; all fp32.
"""
import math
import pathlib
import sys

import diffusers
import numpy as np
import torch
from diffusers import UniPCMultistepScheduler
from safetensors.torch import save_file

SHAPE = (1, 3, 2, 2, 4)


def shifted(u, shift):
    return shift * u / (1 + (shift - 1) * u)


def uniform(top, steps, shift, strength):
    """Levels from `strength`, uniform before the shift, down to 0."""
    count = max(1, round(strength * steps))
    u = np.array([top * strength * (1 - i / count) for i in range(count)])
    return np.append(shifted(u, shift), 0)


def from_timesteps(timesteps):
    return np.append(np.array(timesteps) / 1000, 0)


def trigflow(angles):
    """rCM: cos(a) * video + sin(a) * noise, over cos(a) + sin(a)."""
    return np.array([math.sin(a) / (math.cos(a) + math.sin(a)) for a in angles] + [0.0])


def euler(x, velocity, sigma, following, added):
    return x + (following - sigma) * velocity


def renoise(x, velocity, sigma, following, added):
    video = x - sigma * velocity
    return (1 - following) * video + following * added


class UniPc:
    def __init__(self, sigmas, timesteps):
        self.scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction",
                                                 use_flow_sigmas=True)
        self.scheduler.set_timesteps(len(timesteps))
        self.scheduler.sigmas = torch.from_numpy(sigmas.astype(np.float32))
        self.scheduler.timesteps = torch.from_numpy(timesteps.astype(np.int64))
        self.scheduler.set_begin_index(0)
        self.rest = iter(self.scheduler.timesteps)

    def __call__(self, x, velocity, sigma, following, added):
        step = self.scheduler.step(velocity.float(), next(self.rest), x.float(), return_dict=False)
        return step[0].double()


def normal():
    return torch.randn(SHAPE, dtype=torch.float64).float().double()


def trace(sigmas, timesteps, step, start, target, mixing):
    x = start
    xs, velocities, added = [x], [], []
    for i, t in enumerate(timesteps):
        # Any smooth function of latents and time will do; this one bends the path.
        velocity = x - target + torch.tanh(torch.einsum("ij,bj...->bi...", mixing, x) + t / 500)
        velocity = velocity.float().double()
        added.append(normal())
        x = step(x, velocity, sigmas[i], sigmas[i + 1], added[-1])
        velocities.append(velocity)
        xs.append(x)
    return torch.stack(xs), torch.stack(velocities), torch.stack(added)


RCM = trigflow([math.atan(80), 1.5, 1.4, 1.0])
# Name, levels, solver, whether timesteps are truncated, start: "noise", "scaled" noise or "video".
RUNS = [
    ("euler", uniform(1, 6, 5, 1), euler, False, "noise"),
    ("euler.tail", uniform(1, 10, 5, 0.4), euler, False, "video"),
    ("euler.off_grid", uniform(1, 10, 3, 0.33), euler, False, "video"),
    ("euler.list", from_timesteps([1000, 937.5, 833.3, 625]), euler, False, "scaled"),
    ("unipc.tail", uniform(0.999, 10, 5, 0.5), UniPc, True, "video"),
    ("renoise", uniform(1, 4, 5, 1), renoise, False, "noise"),
    ("renoise.list", from_timesteps([1000, 757, 522]), renoise, False, "scaled"),
    ("renoise.tail", uniform(1, 8, 5, 0.5), renoise, False, "video"),
    ("rcm.sde", RCM, renoise, False, "scaled"),
    ("rcm.ode", RCM, euler, False, "scaled"),
]


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/oracle")
    torch.manual_seed(5)
    target, mixing = torch.randn(SHAPE, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    tensors = {}
    for name, sigmas, solver, truncated, begin in RUNS:
        timesteps = 1000 * sigmas[:-1]
        if truncated:
            timesteps = np.trunc(timesteps)
        step = solver(sigmas, timesteps) if isinstance(solver, type) else solver
        noise, clean = normal(), normal()
        start = {"noise": noise, "scaled": sigmas[0] * noise,
                 "video": (1 - sigmas[0]) * clean + sigmas[0] * noise}[begin]
        xs, velocities, added = trace(sigmas, timesteps, step, start, target, mixing)
        run = {"sigmas": torch.from_numpy(sigmas), "timesteps": torch.from_numpy(timesteps),
               "noise": noise, "x": xs, "velocity": velocities, "added": added}
        if begin == "video":
            run["clean"] = clean
        tensors |= {f"{name}.{key}": value.float().contiguous() for key, value in run.items()}
    source = {"source": f"diffusers {diffusers.__version__}, torch {torch.__version__}"}
    path = folder / "samplers.safetensors"
    save_file(tensors, path, source)
    path.chmod(0o644)


if __name__ == "__main__":
    main()
