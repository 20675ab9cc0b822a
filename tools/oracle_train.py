#!/usr/bin/env python3
# Writes the oracle of training: a small T3 denoiser in plain PyTorch, trained for ten steps.
"""train.safetensors in OUT holds the start weights ("start.NAME", t3's original names), ten batches
("K.latents", "K.noise", "K.text.I", "K.timesteps"), the losses and gradient norms of ten steps of
AdamW with clipping ("losses", "norms"), every gradient of the first step ("gradient.NAME") and the
weights after the last ("end.NAME"), in fp32 on the CPU; and losses and gradients of image to video
("image.one.NAME", "image.mixed.NAME"). Sizes and settings are in the metadata.

    oracle_train.py OUT
"""
import argparse
import json
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

C = dict(dim=24, ffn_dim=40, num_heads=2, num_layers=2, z=4, text_dim=12, text_len=7, freq_dim=16)
GRID = (3, 3, 5)  # tokens; two windows along no axis divide it evenly
CYCLE = [(2, 2, 2), (1, 2, 3)]
STEPS, BATCH, LR, CLIP, DECAY = 10, 2, 3e-3, 1.0, 0.02

# Gradients that are stored for image to video: weights that see the timesteps, and both ends.
IMAGE_GRADIENTS = ("patch_embedding.weight", "time_embedding.0.weight", "blocks.0.modulation",
                   "blocks.1.ffn.0.weight", "head.modulation", "head.head.weight")


def make_weights():
    generator = torch.Generator().manual_seed(30)
    d, w = C["dim"], {}

    def linear(name, out, inputs):
        w[name + ".weight"] = torch.randn((out, inputs), generator=generator) / inputs**0.5
        w[name + ".bias"] = 0.1 * torch.randn(out, generator=generator)

    def norm(name):
        w[name + ".weight"] = 1 + 0.2 * torch.randn(d, generator=generator)

    linear("patch_embedding", d, 4 * C["z"])
    linear("text_embedding.0", d, C["text_dim"])
    linear("text_embedding.2", d, d)
    linear("time_embedding.0", d, C["freq_dim"])
    linear("time_embedding.2", d, d)
    linear("time_projection.1", 6 * d, d)
    linear("head.head", 4 * C["z"], d)
    w["head.modulation"] = torch.randn((1, 2, d), generator=generator) / d**0.5
    for i in range(C["num_layers"]):
        b = f"blocks.{i}"
        w[b + ".modulation"] = torch.randn((1, 6, d), generator=generator) / d**0.5
        for kind in ("self_attn", "cross_attn"):
            for part in "qkvo":
                linear(f"{b}.{kind}.{part}", d, d)
            norm(f"{b}.{kind}.norm_q")
            norm(f"{b}.{kind}.norm_k")
        norm(b + ".norm3")
        w[b + ".norm3.bias"] = 0.1 * torch.randn(d, generator=generator)
        linear(b + ".ffn.0", C["ffn_dim"], d)
        linear(b + ".ffn.2", d, C["ffn_dim"])
    w["patch_embedding.weight"] = w["patch_embedding.weight"].view(d, C["z"], 1, 2, 2)
    return w


def coordinates():
    t, h, w = torch.meshgrid(*(torch.arange(n) for n in GRID), indexing="ij")
    return torch.stack([t, h, w], -1).view(-1, 3)


def mask(counts, remote):
    """0 where two tokens share a window, minus infinity elsewhere."""
    place = coordinates()
    n, size = torch.tensor(counts), torch.tensor(GRID)
    window = place % n if remote else place * n // size
    same = (window.unsqueeze(0) == window.unsqueeze(1)).all(-1)
    return torch.zeros(same.shape).masked_fill(~same, -math.inf)


def rope_angles(head_dim):
    space = head_dim // 6
    pairs = (head_dim // 2 - 2 * space, space, space)
    place = coordinates().double()
    parts = [place[:, axis : axis + 1] * 10000.0 ** (-torch.arange(count).double() * 2 / (2 * count))
             for axis, count in enumerate(pairs)]
    return torch.cat(parts, 1)


def rms(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * weight


def rotate(x, angles):
    """x (heads, N, d), pairs interleaved."""
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos().float(), angles.sin().float()
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def heads(x):
    return x.view(x.shape[0], C["num_heads"], -1).transpose(0, 1)


def attend(q, k, v, masks):
    logits = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    outputs = [torch.softmax(logits + m, -1) @ v for m in masks]
    return (sum(outputs) / len(outputs)).transpose(0, 1).flatten(1)


def forward(w, latents, timestep, text, clean=False):
    """One video: (z,T,h,w), a timestep, (L, text_dim) -> velocity. clean: the first latent frame has
    timestep 0."""
    def linear(name, x):
        weight = w[name + ".weight"]
        return F.linear(x, weight.flatten(1), w[name + ".bias"])

    def layer_norm(x):
        return F.layer_norm(x, (C["dim"],), eps=1e-6)

    z, (t, h, v) = C["z"], GRID
    x = latents.view(z, t, h, 2, v, 2).permute(1, 2, 4, 0, 3, 5).reshape(-1, 4 * z)
    x = linear("patch_embedding", x)
    half = C["freq_dim"] // 2

    def embed(timestep):
        angle = timestep.double() * 10000.0 ** (-torch.arange(half).double() / half)
        wave = torch.cat([angle.cos(), angle.sin()]).float()
        time = linear("time_embedding.2", F.silu(linear("time_embedding.0", wave)))
        return time, linear("time_projection.1", F.silu(time)).view(6, -1)

    def modulation(name, vectors, clean_vectors):
        m = w[name][0] + vectors
        if not clean:
            return m
        first = torch.arange(t * h * v)[:, None] < h * v
        return torch.where(first, (w[name][0] + clean_vectors)[:, None], m[:, None])

    time, six = embed(timestep)
    clean_time, clean_six = embed(torch.zeros((), dtype=torch.float64)) if clean else (None, None)
    rows = torch.cat([text, torch.zeros(C["text_len"] - len(text), C["text_dim"])])
    rows = linear("text_embedding.2", F.gelu(linear("text_embedding.0", rows), approximate="tanh"))
    angles = rope_angles(C["dim"] // C["num_heads"])
    for i in range(C["num_layers"]):
        b = f"blocks.{i}."
        m = modulation(b + "modulation", six, clean_six)
        y = layer_norm(x) * (1 + m[1]) + m[0]
        q = rotate(heads(rms(linear(b + "self_attn.q", y), w[b + "self_attn.norm_q.weight"])), angles)
        k = rotate(heads(rms(linear(b + "self_attn.k", y), w[b + "self_attn.norm_k.weight"])), angles)
        masks = [mask(CYCLE[i % len(CYCLE)], remote) for remote in (False, True)]
        y = attend(q, k, heads(linear(b + "self_attn.v", y)), masks)
        x = x + linear(b + "self_attn.o", y) * m[2]
        y = layer_norm(x) * w[b + "norm3.weight"] + w[b + "norm3.bias"]
        q = heads(rms(linear(b + "cross_attn.q", y), w[b + "cross_attn.norm_q.weight"]))
        k = heads(rms(linear(b + "cross_attn.k", rows), w[b + "cross_attn.norm_k.weight"]))
        y = attend(q, k, heads(linear(b + "cross_attn.v", rows)), [0])
        x = x + linear(b + "cross_attn.o", y)
        y = layer_norm(x) * (1 + m[4]) + m[3]
        x = x + linear(b + "ffn.2", F.gelu(linear(b + "ffn.0", y), approximate="tanh")) * m[5]
    m = modulation("head.modulation", time, clean_time)
    x = linear("head.head", layer_norm(x) * (1 + m[1]) + m[0])
    return x.view(t, h, v, 2, 2, z).permute(5, 0, 1, 3, 2, 4).reshape(z, t, 2 * h, 2 * v)


def make_batch(step):
    generator = torch.Generator().manual_seed(100 + step)
    shape = (BATCH, C["z"], GRID[0], 2 * GRID[1], 2 * GRID[2])
    return {"latents": torch.randn(shape, generator=generator),
            "noise": torch.randn(shape, generator=generator),
            "timesteps": 1000 * torch.rand(BATCH, generator=generator, dtype=torch.float64),
            "texts": [torch.randn((2 + (step + i) % 6, C["text_dim"]), generator=generator)
                      for i in range(BATCH)]}


def image_to_video(weights):
    """Losses and gradients of the first batch: of the first video alone, conditioned on its first
    latent frame, and of both, of which only the first is conditioned."""
    batch, tensors = make_batch(0), {}
    for name, videos in (("one", 1), ("mixed", BATCH)):
        for value in weights.values():
            value.grad = None
        total = 0
        for i in range(videos):
            s, clean = (batch["timesteps"][i] / 1000).float(), i == 0
            noisy = (1 - s) * batch["latents"][i] + s * batch["noise"][i]
            if clean:
                noisy = torch.cat([batch["latents"][i][:, :1], noisy[:, 1:]], 1)
            velocity = forward(weights, noisy, batch["timesteps"][i], batch["texts"][i], clean)
            error = (velocity - (batch["noise"][i] - batch["latents"][i])).square()
            total = total + error[:, clean:].mean() / videos
        total.backward()
        tensors[f"image.{name}.loss"] = total.detach()
        for weight in IMAGE_GRADIENTS:
            tensors[f"image.{name}.{weight}"] = weights[weight].grad.clone()
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    weights = make_weights()
    tensors = {"start." + name: value.clone() for name, value in weights.items()}
    for value in weights.values():
        value.requires_grad_()
    optimizer = torch.optim.AdamW(weights.values(), lr=LR, betas=(0.9, 0.99), eps=1e-8,
                                  weight_decay=DECAY)
    tensors.update(image_to_video(weights))
    losses, norms = [], []
    for step in range(STEPS):
        batch = make_batch(step)
        total = 0
        for i in range(BATCH):
            s = (batch["timesteps"][i] / 1000).float()
            noisy = (1 - s) * batch["latents"][i] + s * batch["noise"][i]
            velocity = forward(weights, noisy, batch["timesteps"][i], batch["texts"][i])
            target = batch["noise"][i] - batch["latents"][i]
            total = total + (velocity - target).square().mean() / BATCH
            tensors[f"{step}.text.{i}"] = batch["texts"][i]
        for name in ("latents", "noise", "timesteps"):
            tensors[f"{step}.{name}"] = batch[name]
        optimizer.zero_grad()
        total.backward()
        if step == 0:
            tensors.update({"gradient." + n: v.grad.clone() for n, v in weights.items()})
        norms.append(float(torch.nn.utils.clip_grad_norm_(weights.values(), CLIP)))
        losses.append(total.item())
        optimizer.step()
    tensors.update({"end." + name: value.detach() for name, value in weights.items()})
    tensors["losses"] = torch.tensor(losses, dtype=torch.float64)
    tensors["norms"] = torch.tensor(norms, dtype=torch.float64)
    metadata = {"windows": ";".join(",".join(map(str, n)) for n in CYCLE),
                "settings": json.dumps(dict(C, steps=STEPS, batch=BATCH, lr=LR, clip=CLIP,
                                            weight_decay=DECAY, beta1=0.9, beta2=0.99))}
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    save_file(tensors, out / "train.safetensors", metadata)
    print("losses", losses, "norms", norms)


if __name__ == "__main__":
    main()
