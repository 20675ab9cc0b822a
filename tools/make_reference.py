#!/usr/bin/env python3
# Writes tests/data/reference: two small checkpoints and what the published code computes from them.
"""Usage: tools/make_reference.py T3_VIDEO UNIPC SOURCE OUTPUT
       tools/make_reference.py --check T3_VIDEO UNIPC SOURCE

T3_VIDEO is a checkout of T3-Video (commit 6bfaf71), UNIPC is Wan2.1's wan/utils/fm_solvers_unipc.py,
SOURCE an existing reference folder. The first form writes smaller models to OUTPUT: the first five
layers of each denoiser (one cycle of windows) with the first 48 channels of its feed-forward layers,
and VAEs with random weights of a smaller width; tokenizers, prompts, sizes and noise stay. All
networks are stored in bf16, for their size, and computed in fp32. The second form computes the
expected values of SOURCE again and prints how far they are from those that are stored. Needs torch 2.11, numpy, einops, safetensors, diffusers and Pillow.
"""
import importlib.util
import json
import pathlib
import shutil
import sys
import types

import torch
from PIL import Image
from safetensors.torch import load_file, save_file

LAYERS, FFN = 5, 48
TEXT_ENCODER = "models_t5_umt5-xxl-enc-bf16.pth"
VAES = {"2.1": dict(dim=4), "2.2": dict(dim=4, dec_dim=4)}


class Published:
    """The published classes, without the imports that their packages' __init__ files ask for."""

    def __init__(self, t3_video, unipc):
        for name in ("diffsynth", "diffsynth.models", "diffsynth.schedulers"):
            package = types.ModuleType(name)
            package.__path__ = [str(pathlib.Path(t3_video, *name.split(".")))]
            sys.modules[name] = package
        stub = types.ModuleType("diffsynth.models.utils")  # imports every model there is
        stub.hash_state_dict_keys = lambda state: ""
        sys.modules["diffsynth.models.utils"] = stub
        self.dit = importlib.import_module("diffsynth.models.wan_video_dit")
        self.vae = importlib.import_module("diffsynth.models.wan_video_vae")
        self.text = importlib.import_module("diffsynth.models.wan_video_text_encoder")
        self.euler = importlib.import_module("diffsynth.schedulers.flow_match").FlowMatchScheduler
        spec = importlib.util.spec_from_file_location("unipc", unipc)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.unipc = module.FlowUniPCMultistepScheduler

    def make_dit(self, weights, ti2v, windows, grid):
        z = weights["patch_embedding.weight"].shape[1]
        layers = 1 + max(int(k.split(".")[1]) for k in weights if k.startswith("blocks."))
        dim = weights["patch_embedding.bias"].shape[0]
        dit = self.dit.WanModel(
            dim=dim, in_dim=z, ffn_dim=weights["blocks.0.ffn.0.bias"].shape[0], out_dim=z,
            text_dim=weights["text_embedding.0.weight"].shape[1], freq_dim=256, eps=1e-6,
            patch_size=(1, 2, 2), num_heads=4, num_layers=layers, has_image_input=False,
            seperated_timestep=ti2v, require_vae_embedding=not ti2v,
            require_clip_embedding=not ti2v, fuse_vae_embedding_in_latents=ti2v)
        dit.load_state_dict(weights)
        for i, block in enumerate(dit.blocks):
            attention = block.self_attn
            attention.T, attention.H, attention.W = grid
            attention.n_t, attention.n_h, attention.n_w = windows[i % len(windows)]
        return dit.eval()

    def make_vae(self, version):
        if version == "2.1":
            vae = self.vae.WanVideoVAE()
            vae.model = self.vae.VideoVAE_(z_dim=16, **VAES[version])
        else:
            vae = self.vae.WanVideoVAE38()
            vae.model = self.vae.VideoVAE38_(z_dim=48, **VAES[version])
        return vae

    def load_text_encoder(self, state):
        vocab, dim = state["token_embedding.weight"].shape
        with torch.random.fork_rng():  # its initial weights are drawn, and the VAEs' come after them
            encoder = self.text.WanTextEncoder(
                vocab=vocab, dim=dim, dim_attn=state["blocks.0.attn.q.weight"].shape[0],
                dim_ffn=state["blocks.0.ffn.fc1.weight"].shape[0],
                num_heads=state["blocks.0.pos_embedding.embedding.weight"].shape[1],
                num_layers=1 + max(int(k.split(".")[1]) for k in state if k.startswith("blocks.")),
                num_buckets=state["blocks.0.pos_embedding.embedding.weight"].shape[0])
        encoder.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        return encoder.eval()

    def load_vae(self, version, state):
        state = {name: tensor.float() for name, tensor in state.items()}
        first, last = state["encoder.conv1.weight"].shape[0], state["decoder.head.2.weight"].shape[1]
        VAES[version] = {"dim": first} if version == "2.1" else {"dim": first, "dec_dim": last}
        vae = self.make_vae(version)
        vae.model.load_state_dict(state)
        vae.model.eval()
        return vae


def velocity(dit, x, timestep, context, image):
    """model_fn_wan_video of the published pipeline, without its options."""
    if image:
        frame = x.shape[3] * x.shape[4] // 4
        timestep = torch.cat([torch.zeros(1, frame, dtype=x.dtype),
                              torch.ones(x.shape[2] - 1, frame, dtype=x.dtype) * timestep]).flatten()
        t = dit.time_embedding(
            sinusoid(dit.freq_dim, timestep).unsqueeze(0))
        t_mod = dit.time_projection(t).unflatten(2, (6, dit.dim))
    else:
        t = dit.time_embedding(sinusoid(dit.freq_dim, timestep))
        t_mod = dit.time_projection(t).unflatten(1, (6, dit.dim))
    context = dit.text_embedding(context)
    x, (f, h, w) = dit.patchify(x)
    freqs = torch.cat([dit.freqs[0][:f].view(f, 1, 1, -1).expand(f, h, w, -1),
                       dit.freqs[1][:h].view(1, h, 1, -1).expand(f, h, w, -1),
                       dit.freqs[2][:w].view(1, 1, w, -1).expand(f, h, w, -1)],
                      dim=-1).reshape(f * h * w, 1, -1)
    for block in dit.blocks:
        x = block(x, context, t_mod, freqs)
    return dit.unpatchify(dit.head(x, t), (f, h, w))


def sinusoid(dim, position):
    return sys.modules["diffsynth.models.wan_video_dit"].sinusoidal_embedding_1d(dim, position)


def sample(dit, scheduler, noise, texts, guidance, dtype=torch.float32, image=None):
    """Latents after each step; texts are the padded rows of the prompt and of the negative prompt."""
    dit = dit.to(dtype)
    x = noise.to(dtype)
    if image is not None:
        x[:, :, :1] = image
    prompt, negative = (text.to(dtype) for text in texts)
    steps = []
    for timestep in scheduler.timesteps:
        t = timestep.unsqueeze(0).to(dtype)
        conditional = velocity(dit, x, t, prompt, image is not None)
        unconditional = velocity(dit, x, t, negative, image is not None)
        v = unconditional + guidance * (conditional - unconditional)
        out = scheduler.step(v, timestep, x)
        x = out.prev_sample if hasattr(out, "prev_sample") else out
        if image is not None:
            x[:, :, :1] = image
        steps.append(x)
    return steps


def whole_attention(dit):
    for block in dit.blocks:
        block.self_attn.n_t = block.self_attn.n_h = block.self_attn.n_w = 1


def windows_of(text):
    return [tuple(int(n) for n in entry.split(",")) for entry in text.split(";")]


def text_rows(published, folder, ids):
    """The encoder's output for the true length of `ids`, padded to the published 512."""
    encoder = published.load_text_encoder(torch.load(folder / TEXT_ENCODER, weights_only=True))
    padded, mask = torch.zeros(2, 1, 512, dtype=torch.long)
    padded[0, :len(ids)], mask[0, :len(ids)] = ids, 1
    return encoder(padded, mask)[0, :len(ids)].clone()


def expected_values(published, folder, version, run, fixed):
    """Everything that depends on a network; `fixed` holds what stays: token ids, noise, image."""
    state = torch.load(folder / f"Wan{version}_VAE.pth", weights_only=True)
    vae = published.load_vae(version, state)
    weights = {k: v.float() for k, v in
               load_file(folder / "diffusion_pytorch_model.safetensors").items()}
    image = fixed.get("i2v.image")

    def dit():
        return published.make_dit(weights, version == "2.2", windows_of(run["windows"]), run["grid"])

    def euler(steps, shift=5):
        scheduler = published.euler(shift=shift, sigma_min=0.0, extra_one_step=True)
        scheduler.set_timesteps(steps, shift=shift)
        return scheduler

    out = {}
    for number in range(4):
        name = f"text.{number}"
        out[f"{name}.embed"] = text_rows(published, folder, fixed[f"{name}.ids"])
    texts = []
    for number in (0, 3):
        embed = out[f"text.{number}.embed"]
        rows = torch.zeros(1, 512, embed.shape[1])
        rows[0, :len(embed)] = embed
        texts.append(rows)
    noise = fixed["noise.seed7"]

    steps = sample(dit(), euler(6), noise, texts, 5)
    out["t3.step1"], out["t3.step3"], out["t3.latents"] = steps[0], steps[2], steps[5]
    half = sample(dit(), euler(6), noise, texts, 5, torch.bfloat16)[-1].float()
    out["t3.bf16.latents"] = half
    out["t3.latents_decoded"] = 0.3 * out["t3.latents"]
    scale = vae.scale
    video = vae.model.decode(out["t3.latents_decoded"], scale).clamp(-1, 1)
    out["t3.video"] = one_channel(video).half()
    unipc = published.unipc(num_train_timesteps=1000, shift=1, use_dynamic_shifting=False)
    unipc.set_timesteps(8, device="cpu", shift=5)
    out["unipc.timesteps"] = unipc.timesteps.to(torch.int64)
    steps = sample(dit(), unipc, noise, texts, 5)
    out["unipc.step2"], out["unipc.latents"] = steps[1], steps[7]
    whole = dit()
    whole_attention(whole)
    out["full.latents"] = sample(whole, euler(4, 8), noise, texts, 3)[-1]
    if image is not None:
        pixels = (image.float() * (2 / 255) - 1).permute(2, 0, 1)[None, :, None]
        out["i2v.z"] = vae.model.encode(pixels, scale)
        start = torch.randn(noise.shape, generator=torch.Generator("cpu").manual_seed(3))
        out["i2v.latents"] = sample(dit(), euler(4), start, texts, 5, image=out["i2v.z"])[-1]
    facts = {
        "bf16_rel": ((half - out["t3.latents"]).norm() / out["t3.latents"].norm()).item(),
        "std": out["t3.latents"].std().item(),
        "video_std": out["t3.video"].float().std().item(),
        "params": sum(w.numel() for w in weights.values()),
    }
    return {name: value.contiguous() for name, value in out.items()}, facts


def shrink_dit(weights):
    out = {}
    for name, tensor in weights.items():
        parts = name.split(".")
        if parts[0] == "blocks":
            if int(parts[1]) >= LAYERS:
                continue
            if name.endswith(("ffn.0.weight", "ffn.0.bias")):
                tensor = tensor[:FFN]
            elif name.endswith("ffn.2.weight"):
                tensor = tensor[:, :FFN]
        out[name] = tensor.contiguous()
    return out


def random_vae(published, version):
    state = published.make_vae(version).model.state_dict()
    for name, tensor in state.items():
        if name.endswith("gamma"):
            tensor.normal_(1, 0.2)
        elif name.endswith("bias"):
            tensor.normal_(0, 0.1)
        else:
            tensor.normal_(0, tensor[0].numel() ** -0.5)
    return {name: tensor.to(torch.bfloat16) for name, tensor in state.items()}


def one_channel(video):
    """(1, 3, t, h, w) to (t, h, w): of each pixel channel (t + h + w) mod 3, a third of the bytes."""
    t, h, w = (torch.arange(n) for n in video.shape[2:])
    channel = (t[:, None, None] + h[:, None] + w) % 3
    return video[0].gather(0, channel[None])[0]


def write(published, source, output):
    cases = json.loads((source / "cases.json").read_text())
    torch.manual_seed(12)
    for version, run in cases["runs"].items():
        old, new = source / f"mini{version}", output / f"mini{version}"
        shutil.copytree(old, new, dirs_exist_ok=True)
        config = json.loads((old / "config.json").read_text())
        config.update(num_layers=LAYERS, ffn_dim=FFN)
        (new / "config.json").write_text(json.dumps(config, indent=2))
        weights = shrink_dit(load_file(old / "diffusion_pytorch_model.safetensors"))
        save_file({k: v.to(torch.bfloat16) for k, v in weights.items()},
                  new / "diffusion_pytorch_model.safetensors")
        state = torch.load(old / TEXT_ENCODER, weights_only=True)
        torch.save({name: tensor.to(torch.bfloat16) for name, tensor in state.items()}, new / TEXT_ENCODER)
        torch.save(random_vae(published, version), new / f"Wan{version}_VAE.pth")
        fixed = load_file(source / f"mini{version}.expected.safetensors")
        fixed = {k: v for k, v in fixed.items() if k.startswith(("text.", "noise.", "i2v.image"))}
        values, facts = expected_values(published, new, version, run, fixed)
        run.update(facts)
        save_file({**fixed, **values}, output / f"mini{version}.expected.safetensors")
        print(version, facts, "at the clamp:",
              (values["t3.video"].abs() == 1).float().mean().item())
        if "i2v.image" in fixed:
            Image.fromarray(fixed["i2v.image"].numpy()).save(output / "i2v.png")
    (output / "cases.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False))


def check(published, source):
    cases = json.loads((source / "cases.json").read_text())
    for version, run in cases["runs"].items():
        stored = load_file(source / f"mini{version}.expected.safetensors")
        values, facts = expected_values(published, source / f"mini{version}", version, run, stored)
        for name, value in values.items():
            off = (value.double() - stored[name].double()).norm() / stored[name].double().norm()
            print(f"{version} {name:20s} {off.item():.2e}")
        print(version, {k: (v, run[k]) for k, v in facts.items()})


@torch.no_grad()
def main():
    arguments = sys.argv[1:]
    checking = arguments[:1] == ["--check"]
    if checking:
        arguments = arguments[1:]
    if len(arguments) != (3 if checking else 4):
        sys.exit(__doc__)
    published = Published(arguments[0], arguments[1])
    folders = [pathlib.Path(a) for a in arguments[2:]]
    if checking:
        check(published, *folders)
    else:
        write(published, *folders)


if __name__ == "__main__":
    main()
