#!/usr/bin/env python3
# Writes tests/data/oracle/vae_*.safetensors: diffusers' Wan VAEs at small random sizes.
"""Usage: tools/oracle_vae.py [FOLDER]

Needs torch, diffusers and safetensors. NAME.safetensors has the weights under diffusers' names,
stored as fp16 (the run below uses the same rounded values in fp32). NAME.expected.safetensors has,
for each number T of latent frames, `T.mu` (z,T,h,w; not normalised) and its decoding `T.frames`
(F,H,W; one channel of each pixel), and `T.video` (3,F,H,W; fp16) and its encoding `T.moments` (2z,T,h,w; mean, log variance).
"""
import pathlib
import sys

import diffusers
import torch
from diffusers import AutoencoderKLWan
from make_reference import one_channel
from safetensors.torch import save_file

VAE21 = dict(base_dim=4, decoder_base_dim=3, z_dim=16)
VAE22 = dict(base_dim=3, decoder_base_dim=4, z_dim=48, is_residual=True, patch_size=2,
             in_channels=12, out_channels=12, scale_factor_spatial=16)


def write(folder, name, sizes, cases):
    vae = AutoencoderKLWan(**sizes).eval()
    with torch.no_grad():
        for key, tensor in vae.named_parameters():
            if key.endswith("gamma"):
                tensor.normal_(1, 0.2)
            elif key.endswith("bias"):
                tensor.normal_(0, 0.1)
            else:
                tensor.normal_(0, tensor[0].numel() ** -0.5)
        vae.decoder.conv_out.weight.mul_(0.4)  # few values at the clamp
        for tensor in vae.parameters():
            tensor.copy_(tensor.half())
    source = {"source": f"diffusers {diffusers.__version__}, torch {torch.__version__}"}
    save_file({k: v.half() for k, v in vae.state_dict().items()},
              folder / f"{name}.safetensors", source)
    expected = {}
    stride = 8 * (sizes.get("patch_size") or 1)
    for frames, rows, columns in cases:
        mu = torch.randn(1, sizes["z_dim"], frames, rows, columns)
        video = torch.rand(1, 3, 4 * frames - 3, stride * rows, stride * columns) * 2 - 1
        video = video.half().float()  # what is stored
        with torch.no_grad():
            expected[f"{frames}.frames"] = one_channel(vae.decode(mu).sample)
            expected[f"{frames}.moments"] = vae.encode(video).latent_dist.parameters[0]
        expected[f"{frames}.mu"] = mu[0]
        expected[f"{frames}.video"] = video[0].half()
    save_file({k: v.contiguous() for k, v in expected.items()},
              folder / f"{name}.expected.safetensors", source)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/oracle")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(6)
    write(folder, "vae_2.1", VAE21, [(1, 3, 2), (2, 2, 5), (5, 3, 2)])
    write(folder, "vae_2.2", VAE22, [(1, 1, 3), (2, 3, 2), (4, 2, 1)])


if __name__ == "__main__":
    main()
