#!/usr/bin/env python3
# Writes the oracle of distillation: one step of every objective in plain PyTorch.
"""distill.safetensors in OUT holds, for each case, the batches that the networks see ("batch.MICRO.latents",
"batch.MICRO.text.I", "empty"), and what a step makes of them: the student's samples ("CASE.samples"), its loss
("CASE.loss"), the norm of its gradient ("CASE.norm") and some gradients ("CASE.gradient.NAME"), and for DMD the
critic's loss and some of its weights after the step ("CASE.critic_loss", "CASE.critic.NAME"). Student, teacher
and critic start from the denoiser in tests/data/reference/mini2.1. Noise, levels and truncation follow from
splitmix64 as in src/training/loop/step_random.cc. fp32 on the CPU; the settings are in the metadata.

    oracle_distill.py MINI2.1 OUT
"""
import argparse
import json
import pathlib

import torch
from safetensors.torch import load_file, save_file

import oracle_train as net

MASK = (1 << 64) - 1
NOISE, TIMESTEP, TRUNCATION, RENOISE, SCORE_LEVEL, SCORE_NOISE = 1, 2, 6, 7, 8, 9

GRID, CYCLE, BATCH = (2, 2, 4), [(2, 1, 1), (1, 2, 2), (1, 1, 3)], 2
SEED, STEP, UPDATES = 5, 3, 2
GUIDANCE, SHIFT = 3.0, 5.0
LR, CRITIC_LR, EPS, DECAY, CLIP, TOWARD = 1e-3, 1e-4, 1e-6, 0.01, 1.0, 0.1
FOUR = [1000.0, 937.5, 833.3333, 625.0]
CASES = {
    "dmd": {"objective": "dmd", "timesteps": FOUR, "toward_student": TOWARD},
    "refiner": {"objective": "dmd", "timesteps": [800.0, 500.0, 250.0]},
    "diversity": {"objective": "dmd", "timesteps": FOUR, "weight": 0.5, "teacher_steps": 6,
                  "anchor_step": 2},
    "guidance": {"objective": "guidance"},
    "consistency": {"objective": "consistency", "timesteps": FOUR, "levels": 8},
}
GRADIENTS = ("patch_embedding.bias", "text_embedding.0.bias", "time_embedding.0.bias", "blocks.0.modulation",
             "blocks.2.self_attn.q.weight", "blocks.3.cross_attn.v.bias", "blocks.4.ffn.0.bias",
             "head.modulation", "head.head.bias")
CRITIC = ("blocks.1.ffn.0.bias", "blocks.3.modulation", "head.head.weight")


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


class Draws:
    def __init__(self, micro):
        self.state = mix(mix(mix(SEED) ^ STEP) ^ micro)

    def bits(self, use, index):
        return mix(mix(self.state ^ use) ^ index)

    def uniform(self, use, index):
        return (self.bits(use, index) >> 11) * 2.0**-53

    def integer(self, use, index, bound):
        return int(self.uniform(use, index) * bound)

    def normal(self, use, shape, index=0):
        return torch.randn(shape, generator=torch.Generator().manual_seed(self.bits(use, index)))


def single(x):
    """Rounded to fp32, as the levels are."""
    return float(torch.tensor(x, dtype=torch.float32))


def column(values):
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1, 1)


def shifted(u, shift=SHIFT):
    return shift * u / (1 + (shift - 1) * u)


def velocity(weights, x, timesteps, texts):
    """A batch: a timestep and a text for each."""
    return torch.stack([net.forward(weights, x[i], torch.tensor(timesteps[i], dtype=torch.float64), texts[i])
                        for i in range(len(x))])


def guided(teacher, x, timesteps, batch):
    with torch.no_grad():
        with_prompt = velocity(teacher, x, timesteps, batch["texts"])
        without = velocity(teacher, x, timesteps, [batch["empty"]] * BATCH)
        return without + (with_prompt - without) * GUIDANCE


def start_of(levels, batch, draws):
    noise = draws.normal(NOISE, batch["latents"].shape)
    return noise if levels[0] == 1 else batch["latents"] * (1 - levels[0]) + noise * levels[0]


def sample(student, case, batch, draws):
    """Renoise steps without gradients, then a prediction with them."""
    levels = [single(single(t) / 1000) for t in case["timesteps"]]
    first = 1 if case.get("weight") else 0
    last = first + draws.integer(TRUNCATION, 0, len(levels) - first)
    x = start_of(levels, batch, draws)
    with torch.no_grad():
        for i in range(last):
            clean = x - velocity(student, x, [single(case["timesteps"][i])] * BATCH, batch["texts"]) * levels[i]
            x = clean * (1 - levels[i + 1]) + draws.normal(RENOISE, x.shape, i) * levels[i + 1]
    return x - velocity(student, x, [single(case["timesteps"][last])] * BATCH, batch["texts"]) * levels[last], last


def score_noise(x, case, draws):
    low, high = 0.02, min(0.98, single(case["timesteps"][0] / 1000))
    levels = [min(max(shifted(low + (high - low) * draws.uniform(SCORE_LEVEL, i)), low), high)
              for i in range(BATCH)]
    noise = draws.normal(SCORE_NOISE, x.shape)
    s = column(levels)
    return (1 - s) * x + s * noise, noise, s, [1000 * level for level in levels]


def update_critic(critic, optimizer, student, case, batch, draws):
    with torch.no_grad():
        x, _ = sample(student, case, batch, draws)
    noisy, noise, _, timesteps = score_noise(x, case, draws)
    loss = (velocity(critic, noisy, timesteps, batch["texts"]) - (noise - x)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(critic.values(), CLIP)
    optimizer.step()
    return loss.item()


def diversity(student, teacher, case, batch, draws):
    levels = shifted(torch.linspace(1, 0, case["teacher_steps"] + 1)).tolist()
    start = draws.normal(NOISE, batch["latents"].shape)
    anchor = start
    for i in range(case["anchor_step"]):
        v = guided(teacher, anchor, [single(1000 * levels[i])] * BATCH, batch)
        anchor = anchor + v * (levels[i + 1] - levels[i])
    target = (start - anchor) / (1 - levels[case["anchor_step"]])
    return (velocity(student, start, [1000.0] * BATCH, batch["texts"]) - target).square().mean()


def dmd_step(student, teacher, case, batches):
    critic = {name: value.detach().clone().requires_grad_() for name, value in teacher.items()}
    optimizer = torch.optim.AdamW(critic.values(), lr=CRITIC_LR, betas=(0.9, 0.999), eps=EPS, weight_decay=DECAY)
    critic_loss = sum(update_critic(critic, optimizer, student, case, batches[1 + k], Draws(1 + k))
                      for k in range(UPDATES)) / UPDATES
    draws, batch = Draws(0), batches[0]
    x, last = sample(student, case, batch, draws)
    fixed = x.detach()
    noisy, _, s, timesteps = score_noise(fixed, case, draws)
    with torch.no_grad():
        real = noisy - s * guided(teacher, noisy, timesteps, batch)
        fake = noisy - s * velocity(critic, noisy, timesteps, batch["texts"])
        direction = (fake - real) / (fixed - real).abs().mean(dim=(1, 2, 3, 4), keepdim=True)
    loss = 0.5 * (x.double() - (fixed - direction).double()).square().mean()
    if case.get("weight"):
        loss = loss + case["weight"] * diversity(student, teacher, case, batch, draws)
    toward = case.get("toward_student", 0)
    after = {name: torch.lerp(value.detach(), student[name].detach(), toward) for name, value in critic.items()}
    return loss, {"samples": fixed, "critic_loss": torch.tensor(critic_loss, dtype=torch.float64),
                  "truncation": torch.tensor(last),
                  **{"critic." + name: after[name] for name in CRITIC}}


def guidance_step(student, teacher, case, batches):
    draws, batch = Draws(0), batches[0]
    table = [shifted(1 - i / 1000) for i in range(1000)]
    levels = [table[draws.integer(TIMESTEP, i, 1000)] for i in range(BATCH)]
    noise, s = draws.normal(NOISE, batch["latents"].shape), column(levels)
    noisy = (1 - s) * batch["latents"] + s * noise
    timesteps = [1000 * level for level in levels]
    target = guided(teacher, noisy, timesteps, batch)
    return (velocity(student, noisy, timesteps, batch["texts"]) - target).square().mean(), {}


def consistency_step(student, teacher, case, batches):
    draws, batch = Draws(0), batches[0]
    levels = shifted(torch.linspace(1, 0, case["levels"] + 1)).tolist()
    chosen = [draws.integer(SCORE_LEVEL, i, case["levels"]) for i in range(BATCH)]
    s, lower = column([levels[i] for i in chosen]), column([levels[i + 1] for i in chosen])
    noise = draws.normal(NOISE, batch["latents"].shape)
    noisy = (1 - s) * batch["latents"] + s * noise
    timesteps = [1000 * levels[i] for i in chosen]
    after = noisy + (lower - s) * guided(teacher, noisy, timesteps, batch)
    with torch.no_grad():  # the target network is the student before its first step
        target = after - lower * velocity(student, after, [1000 * levels[i + 1] for i in chosen], batch["texts"])
    predicted = noisy - s * velocity(student, noisy, timesteps, batch["texts"])
    return (predicted - target).square().mean(), {}


STEPS = {"dmd": dmd_step, "guidance": guidance_step, "consistency": consistency_step}


def make_batches(text_dim):
    generator = torch.Generator().manual_seed(77)
    shape = (BATCH, 16, GRID[0], 2 * GRID[1], 2 * GRID[2])
    empty = torch.randn((1, text_dim), generator=generator)
    return [{"latents": torch.randn(shape, generator=generator), "empty": empty,
             "texts": [torch.randn((2 + micro + i, text_dim), generator=generator) for i in range(BATCH)]}
            for micro in range(1 + UPDATES)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    args = parser.parse_args()
    stored = load_file(args.model / "diffusion_pytorch_model.safetensors")
    teacher = {name: value.float() for name, value in stored.items()}
    config = json.loads((args.model / "config.json").read_text())
    text_dim = teacher["text_embedding.0.weight"].shape[1]
    net.C = {**{k: config[k] for k in ("dim", "ffn_dim", "num_heads", "num_layers", "text_len", "freq_dim")},
             "z": 16, "text_dim": text_dim}
    net.GRID, net.CYCLE = GRID, CYCLE
    batches = make_batches(text_dim)
    tensors = {"empty": batches[0]["empty"]}
    for micro, batch in enumerate(batches):
        tensors[f"batch.{micro}.latents"] = batch["latents"]
        tensors.update({f"batch.{micro}.text.{i}": text for i, text in enumerate(batch["texts"])})
    for name, case in CASES.items():
        student = {key: value.clone().requires_grad_() for key, value in teacher.items()}
        loss, more = STEPS[case["objective"]](student, teacher, case, batches)
        loss.backward()
        norm = torch.stack([value.grad.norm() for value in student.values()]).norm()
        tensors[f"{name}.loss"], tensors[f"{name}.norm"] = loss.detach().double(), norm.double()
        tensors.update({f"{name}.{key}": value for key, value in more.items()})
        for key in GRADIENTS:
            if key != "blocks.2.self_attn.q.weight" or name == "dmd":
                tensors[f"{name}.gradient.{key}"] = student[key].grad
        print(name, "loss", loss.item(), "norm", norm.item(), "after", more.get("truncation"))
    settings = dict(seed=SEED, step=STEP, updates=UPDATES, guidance=GUIDANCE, lr=LR, critic_lr=CRITIC_LR, eps=EPS,
                    weight_decay=DECAY, clip=CLIP, cases=CASES)
    windows = ";".join(",".join(map(str, n)) for n in CYCLE)
    save_file({name: value.contiguous() for name, value in tensors.items()}, args.out / "distill.safetensors",
              {"settings": json.dumps(settings), "windows": windows})


if __name__ == "__main__":
    main()
