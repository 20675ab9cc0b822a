#!/usr/bin/env python3
# Writes tests/data/oracle/taehv_*: a definition of TAEHV's decoders at small random sizes.
"""Usage: tools/oracle_taehv.py [FOLDER]

Needs torch and safetensors. taehv_plain.pth and taehv_super.safetensors have the weights under the
published files' names, stored as fp16 (the run below uses the same rounded values in fp32).
NAME.expected.safetensors has, for each number T of latent frames, `T.latents` (z,T,h,w), as the
network takes them, and its decoding `T.frames` (3,4T-3,H,W) in [0,1].
"""
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

# Indices of the decoder's layers: the convolution of the latents, the blocks, and for each stage
# its growing layer and its convolution.
PLAIN = dict(first=1, blocks=[(3, 4, 5), (9, 10, 11), (15, 16, 17)], grow=[7, 13, 19],
             conv=[8, 14, 20])
SUPER = dict(first=0, blocks=[(1, 2, 3), (8, 9, 10), (15, 16, 17)], grow=[7, 14, 21],
             conv=[4, 11, 18])
FRAMES = [1, 2, 2]  # that each stage makes of one


def draw(shape, gain=1.0):
    fan_in = torch.tensor(shape[1:]).prod().item()
    return (torch.randn(shape) * gain * fan_in ** -0.5).half()


def make_weights(kind, z, patch, widths, growth, encoder):
    plain = kind is PLAIN
    w = {}

    def conv(name, out, inputs, kernel, bias=True, gain=1.0):
        w[f"{name}.weight"] = draw((out, inputs, kernel, kernel), gain)
        if bias:
            w[f"{name}.bias"] = (torch.randn(out) * 0.1).half()

    conv(f"decoder.{kind['first']}", widths[0], z, 3 if plain else 1, bias=plain)
    for stage in range(3):
        n, after = widths[stage], widths[stage + 1]
        for i in kind["blocks"][stage]:
            if plain:
                conv(f"decoder.{i}.conv.0", n, 2 * n, 3)
                conv(f"decoder.{i}.conv.2", n, n, 3)
                conv(f"decoder.{i}.conv.4", n, n, 3)
            else:
                w[f"decoder.{i}.conv.0.weight"] = draw((2 * n, 1, 7, 7))
                conv(f"decoder.{i}.conv.1", 4 * n, 2 * n, 1)
                conv(f"decoder.{i}.conv.3", n, 4 * n, 1, bias=False)
        grown = n if plain else after
        conv(f"decoder.{kind['grow'][stage]}.conv", growth[stage] * grown, grown, 1, bias=False,
             gain=1.4)
        conv(f"decoder.{kind['conv'][stage]}", after if plain else 4 * after, n, 3, bias=not plain)
    conv("decoder.22", 3 * patch ** 2, widths[3], 3, gain=0.2)
    w["decoder.22.bias"] += 0.5
    if encoder:  # not run: decoding must not mind it
        conv("encoder.0", encoder, 3 * patch ** 2, 3)
        for i, pooled in ((2, 2), (7, 2), (12, 1)):
            conv(f"encoder.{i}.conv", encoder, pooled * encoder, 1, bias=False)
            conv(f"encoder.{i + 1}", encoder, encoder, 3, bias=False)
            for j in (i + 2, i + 3, i + 4):
                conv(f"encoder.{j}.conv.0", encoder, 2 * encoder, 3)
                conv(f"encoder.{j}.conv.2", encoder, encoder, 3)
                conv(f"encoder.{j}.conv.4", encoder, encoder, 3)
        conv("encoder.17", z, encoder, 3)
    return w


def decode(kind, weights, z, patch):
    """z (T,C,h,w) -> (4T-3,3,H,W) in [0,1]: all frames of a layer before the next layer."""
    w = {k: v.float() for k, v in weights.items()}

    def conv(name, x, groups=1):
        weight = w[f"{name}.weight"]
        return F.conv2d(x, weight, w.get(f"{name}.bias"), padding=weight.shape[2] // 2,
                        groups=groups)

    def block(name, x):
        both = torch.cat([x, torch.cat([torch.zeros_like(x[:1]), x[:-1]])], 1)
        if kind is PLAIN:
            y = F.relu(conv(f"{name}.conv.0", both))
            y = F.relu(conv(f"{name}.conv.2", y))
            return F.relu(conv(f"{name}.conv.4", y) + x)
        y = conv(f"{name}.conv.0", both, groups=both.shape[1])
        return x + conv(f"{name}.conv.3", F.relu(conv(f"{name}.conv.1", y)))

    def grow(name, x, frames):
        y = F.conv2d(x, w[f"{name}.conv.weight"][-frames * x.shape[1]:])
        return torch.cat([torch.stack(frame.chunk(frames, 0)) for frame in y])

    x = F.relu(conv("decoder.1", 3 * torch.tanh(z / 3))) if kind is PLAIN else conv("decoder.0", z)
    for stage in range(3):
        for i in kind["blocks"][stage]:
            x = block(f"decoder.{i}", x)
        name = f"decoder.{kind['conv'][stage]}"
        if kind is PLAIN:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        else:
            x = F.pixel_shuffle(F.relu(conv(name, x)), 2)
        x = grow(f"decoder.{kind['grow'][stage]}", x, FRAMES[stage])
        if kind is PLAIN:
            x = conv(name, x)
    x = conv("decoder.22", F.relu(x) if kind is PLAIN else x)
    return F.pixel_shuffle(x, patch).clamp(0, 1)[3:]


def write(folder, name, save, kind, z, patch, widths, growth, encoder, cases):
    weights = make_weights(kind, z, patch, widths, growth, encoder)
    save(weights, folder / name)
    expected = {}
    for frames, rows, columns in cases:
        latents = torch.randn(frames, z, rows, columns) * 1.5
        with torch.no_grad():
            video = decode(kind, weights, latents, patch)
        clamped = ((video == 0) | (video == 1)).float().mean().item()
        print(f"{name}: {tuple(video.shape)}, {clamped:.3f} of the values are clamped")
        expected[f"{frames}.latents"] = latents.transpose(0, 1).contiguous()
        expected[f"{frames}.frames"] = video.transpose(0, 1).contiguous()
    save_file(expected, folder / (name[:name.rindex(".")] + ".expected.safetensors"),
              {"source": f"tools/oracle_taehv.py, torch {torch.__version__}"})


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/oracle")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(17)
    write(folder, "taehv_plain.pth", torch.save, PLAIN, z=16, patch=1, widths=(8, 6, 4, 3),
          growth=(2, 2, 2), encoder=2, cases=[(1, 3, 2), (2, 2, 3), (5, 3, 1)])
    write(folder, "taehv_super.safetensors", save_file, SUPER, z=48, patch=2, widths=(8, 6, 5, 4),
          growth=(1, 2, 2), encoder=0, cases=[(1, 1, 3), (2, 2, 1), (4, 1, 1)])


if __name__ == "__main__":
    main()
