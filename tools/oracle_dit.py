#!/usr/bin/env python3
# Writes the second oracle of the denoiser: diffusers' WanTransformer3DModel at small random sizes.
"""For each case two files: weights under diffusers' names (sizes in the metadata, as t3 reads them)
and NAME.expected.safetensors with latents, text rows, timestep and the velocity that diffusers computes in
fp32 on the CPU with full attention. Weights are stored in fp16, for their size.

    oracle_dit.py OUT
"""
import argparse
import pathlib

import torch
from diffusers import WanTransformer3DModel
from safetensors.torch import save_file

# Sizes that the reference cases do not have: head widths that split unevenly over RoPE's axes,
# widths that are not powers of two, another text length and sinusoid.
CASES = {
    "dit_t2v": dict(heads=3, head_dim=24, ffn=52, layers=2, z=16, text_dim=40, text_len=37,
                    freq_dim=32, grid=(3, 6, 10), rows=11, timestep=713.25, clean_frames=0),
    "dit_ti2v": dict(heads=3, head_dim=20, ffn=84, layers=2, z=12, text_dim=28, text_len=20,
                     freq_dim=48, grid=(4, 8, 6), rows=20, timestep=420.0, clean_frames=1),
}


def make_model(c):
    model = WanTransformer3DModel(
        num_attention_heads=c["heads"], attention_head_dim=c["head_dim"], in_channels=c["z"],
        out_channels=c["z"], text_dim=c["text_dim"], freq_dim=c["freq_dim"], ffn_dim=c["ffn"],
        num_layers=c["layers"])
    generator = torch.Generator().manual_seed(20)
    # The initial norms are 1 and many biases 0: everything is drawn, so that nothing can hide.
    for name, parameter in model.named_parameters():
        draw = torch.randn(parameter.shape, generator=generator)
        if "norm" in name and name.endswith("weight"):
            parameter.data = 1 + 0.3 * draw
        elif name.endswith("bias"):
            parameter.data = 0.1 * draw
        elif "table" in name:
            parameter.data = 0.4 * draw
        else:
            parameter.data = draw * (1.5 / parameter[0].numel() ** 0.5)
        parameter.data = parameter.data.half()  # what is stored
    return model.float().eval()


def run(model, c):
    generator = torch.Generator().manual_seed(21)
    t, h, w = c["grid"]
    latents = torch.randn((1, c["z"], t, h, w), generator=generator)
    text = torch.randn((c["rows"], c["text_dim"]), generator=generator)
    padded = torch.zeros((1, c["text_len"], c["text_dim"]))
    padded[0, : c["rows"]] = text
    timestep = torch.tensor([c["timestep"]])
    if c["clean_frames"]:
        # One timestep a token, 0 for those of the clean frames (diffusers' expand_timesteps).
        tokens = torch.full((t, h // 2, w // 2), c["timestep"])
        tokens[: c["clean_frames"]] = 0
        timestep = tokens.reshape(1, -1)
    with torch.no_grad():
        output = model(latents, timestep, padded, return_dict=False)[0]
    return {"latents": latents[0], "text": text, "timestep": torch.tensor([c["timestep"]]),
            "clean_frames": torch.tensor([c["clean_frames"]]), "velocity": output[0].contiguous()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, c in CASES.items():
        model = make_model(c)
        metadata = {"t3.num_heads": str(c["heads"]), "t3.text_len": str(c["text_len"]),
                    "t3.eps": "1e-06"}
        save_file({k: v.half() for k, v in model.state_dict().items()}, out / f"{name}.safetensors", metadata)
        tensors = run(model, c)
        save_file(tensors, out / f"{name}.expected.safetensors")
        print(name, "velocity std", tensors["velocity"].std().item())


if __name__ == "__main__":
    main()
