#!/usr/bin/env python3
# Writes tests/data/manifests/: names, shapes and dtypes of every supported full-size file.
"""Names and shapes come from the model classes on the meta device, configured as published:
diffusers' and transformers' classes, and the classes of the official repositories where a checkout
of them is given. dtypes are those of the published files (DTYPES below says from where).

    make_manifests.py --wan21 DIR --wan22 DIR OUT     checkouts of Wan-Video/Wan2.1 and Wan2.2
    make_manifests.py --taehv DIR OUT                 a checkout of madebyollin/taehv
    make_manifests.py --dover DIR OUT                 a checkout of VQAssessment/DOVER: the networks
                                                      that score videos (see oracle_scores.py)

Lists are folded: "blocks.{0-29}.x" stands for 30 tensors of one shape.
"""
import argparse
import contextlib
import importlib.util
import json
import pathlib
import re
import sys
import types

import torch

# File -> (dtype, where the dtype is known from).
DTYPES = {
    "dit-1.3b.original": ("F32", "size of the published file, 5.68 GB"),
    "dit-1.3b.diffusers": ("F32", "size of the published shards, 5.68 GB"),
    "dit-5b.original": ("F32", "size of the published shards, 20.0 GB"),
    "dit-5b.diffusers": ("F32", "notes of a public conversion of Wan2.2-TI2V-5B-Diffusers"),
    "umt5-xxl.original": ("BF16", "the published file's name and its size, 11.4 GB"),
    "umt5-xxl.transformers": ("BF16", "notes of a public conversion of Wan2.2-TI2V-5B-Diffusers"),
    "vae-2.1.original": ("F32", "size of the published file, 508 MB"),
    "vae-2.1.diffusers": ("F32", "size of the published file, 508 MB"),
    "vae-2.2.original": ("F32", "size of the published file, 2.82 GB"),
    "vae-2.2.diffusers": ("F32", "notes of a public conversion of Wan2.2-TI2V-5B-Diffusers"),
}

TAEHV_SIZES = {
    "taew2_1": dict(latent_channels=16, patch_size=1),
    "taew2_2": dict(latent_channels=48, patch_size=2),
    "taew2_2_super": dict(latent_channels=48, patch_size=2, arch_variant="super"),
}
for taehv in TAEHV_SIZES:
    DTYPES[taehv] = ("F16", "notes of a public comparison of taew2_1 and lighttaew2_1")

SCORE_NETWORKS = ("clip.original", "clip.transformers", "aesthetic", "dover", "musiq")
for network in SCORE_NETWORKS:
    DTYPES[network] = ("F32", "the published classes")

DIT_SIZES = {
    "1.3b": dict(dim=1536, ffn_dim=8960, num_heads=12, num_layers=30, z=16, model_type="t2v"),
    "5b": dict(dim=3072, ffn_dim=14336, num_heads=24, num_layers=30, z=48, model_type="ti2v"),
}


def official_module(root, name):
    """Module wan.modules.NAME of a checkout, without its package's __init__ (which needs more)."""
    package = types.ModuleType("wan_official")
    package.__path__ = [str(pathlib.Path(root) / "wan" / "modules")]
    sys.modules["wan_official"] = package
    for module in [m for m in sys.modules if m.startswith("wan_official.")]:
        del sys.modules[module]
    path = pathlib.Path(root) / "wan" / "modules" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"wan_official.{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def meta_only():
    """Initialisers that compute on values have nothing to do on the meta device."""
    with torch.device("meta"):
        yield


def original_dit(root, size):
    model = official_module(root, "model").WanModel
    c = DIT_SIZES[size]
    return model(model_type=c["model_type"], in_dim=c["z"], out_dim=c["z"], dim=c["dim"],
                 ffn_dim=c["ffn_dim"], num_heads=c["num_heads"], num_layers=c["num_layers"])


def diffusers_dit(size):
    from diffusers import WanTransformer3DModel
    c = DIT_SIZES[size]
    return WanTransformer3DModel(num_attention_heads=c["num_heads"],
                                 attention_head_dim=c["dim"] // c["num_heads"],
                                 in_channels=c["z"], out_channels=c["z"],
                                 ffn_dim=c["ffn_dim"], num_layers=c["num_layers"])


def original_text(root):
    t5 = official_module(root, "t5")
    return t5.T5Encoder(t5.nn.Embedding(256384, 4096), 4096, 4096, 10240, 64, 24, 32,
                        shared_pos=False)


def transformers_text():
    from transformers import UMT5Config, UMT5EncoderModel
    return UMT5EncoderModel(UMT5Config(vocab_size=256384, d_model=4096, d_kv=64, d_ff=10240,
                                       num_layers=24, num_heads=64,
                                       feed_forward_proj="gated-gelu"))


def original_vae21(root):
    return official_module(root, "vae").WanVAE_(
        dim=96, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[],
        temperal_downsample=[False, True, True])


def original_vae22(root):
    # The published weights are loaded with these arguments (Wan2_2_VAE's defaults).
    return official_module(root, "vae2_2").WanVAE_(
        dim=160, dec_dim=256, z_dim=48, dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[],
        temperal_downsample=[False, True, True])


def diffusers_vae21():
    from diffusers import AutoencoderKLWan
    return AutoencoderKLWan()


def diffusers_vae22():
    from diffusers import AutoencoderKLWan
    return AutoencoderKLWan(base_dim=160, decoder_base_dim=256, z_dim=48, is_residual=True,
                            in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=16,
                            latents_mean=[0.0] * 48, latents_std=[1.0] * 48)


def taehv_network(root, name):
    spec = importlib.util.spec_from_file_location("taehv", pathlib.Path(root) / "taehv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TAEHV(checkpoint_path=None, **TAEHV_SIZES[name])


def score_network(root, name):
    import oracle_scores as oracle
    if name == "clip.original":
        from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
        c = oracle.CLIP_FULL
        return CLIP(c["embed"], CLIPVisionCfg(**c["image"]), CLIPTextCfg(**c["text"]))
    if name == "clip.transformers":
        return oracle.transformers_clip(oracle.CLIP_FULL, True)
    if name == "aesthetic":
        return oracle.aesthetic_head(768)
    with torch.device("cpu"):  # they compute on values
        if name == "dover":
            return oracle.Dover(root).network(oracle.DOVER_FULL)
        from pyiqa.archs.musiq_arch import MUSIQ
        return MUSIQ(pretrained=False)


def fold(tensors):
    """[(name, shape)] with runs over the block number folded into {a-b}."""
    folded = {}
    for name, shape in tensors.items():
        match = re.match(r"(.*?(?:blocks?\.|encoder\.layers\.|encoderblock_))(\d+)\.(.*)", name)
        key = (match.group(1), match.group(3), tuple(shape)) if match else (name, None, tuple(shape))
        folded.setdefault(key, []).append(int(match.group(2)) if match else -1)
    result = {}
    for (head, tail, shape), numbers in folded.items():
        if tail is None:
            result[head] = list(shape)
        elif numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            last = numbers[-1]
            block = f"{{{numbers[0]}-{last}}}" if last > numbers[0] else str(last)
            result[f"{head}{block}.{tail}"] = list(shape)
        else:
            for number in numbers:
                result[f"{head}{number}.{tail}"] = list(shape)
    return result


def write(out, name, source, make):
    with meta_only():
        model = make()
    # Weights that are one tensor under two names are stored once (safetensors allows no other).
    seen, tensors = set(), {}
    for key, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) in seen or key.endswith("freqs"):
            continue
        seen.add(id(tensor))
        tensors[key] = list(tensor.shape)
    dtype, known_from = DTYPES[name]
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in fold(tensors).items())
    (out / f"{name}.json").write_text(
        "{\n" + f' "source": {json.dumps(source)},\n "dtype": "{dtype}",\n'
        f' "dtype_source": {json.dumps(known_from)},\n "count": {len(tensors)},\n'
        ' "tensors": {\n' + lines + "\n }\n}\n")
    print(name, len(tensors))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wan21")
    parser.add_argument("--wan22")
    parser.add_argument("--taehv")
    parser.add_argument("--dover")
    parser.add_argument("out", type=pathlib.Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.taehv:
        for name in TAEHV_SIZES:
            write(args.out, name, "github.com/madebyollin/taehv TAEHV",
                  lambda: taehv_network(args.taehv, name))
    if args.dover:
        for name in SCORE_NETWORKS:
            write(args.out, name, "open_clip 3.3, transformers, pyiqa 0.1.16 or DOVER f1ddc96",
                  lambda: score_network(args.dover, name))
    if not args.wan21 or not args.wan22:
        return
    import diffusers
    import transformers
    # The official attention module calls CUDA when it is imported on some versions of torch.
    torch.cuda.current_device = lambda: 0
    d, t = f"diffusers {diffusers.__version__} ", f"transformers {transformers.__version__} "
    w21, w22 = "github.com/Wan-Video/Wan2.1 ", "github.com/Wan-Video/Wan2.2 "
    out = args.out
    for size, root, source in (("1.3b", args.wan21, w21), ("5b", args.wan22, w22)):
        write(out, f"dit-{size}.original", source + "WanModel", lambda: original_dit(root, size))
        write(out, f"dit-{size}.diffusers", d + "WanTransformer3DModel",
              lambda: diffusers_dit(size))
    write(out, "umt5-xxl.original", w21 + "T5Encoder", lambda: original_text(args.wan21))
    write(out, "umt5-xxl.transformers", t + "UMT5EncoderModel", transformers_text)
    write(out, "vae-2.1.original", w21 + "WanVAE_", lambda: original_vae21(args.wan21))
    write(out, "vae-2.1.diffusers", d + "AutoencoderKLWan", diffusers_vae21)
    write(out, "vae-2.2.original", w22 + "WanVAE_ (vae2_2)", lambda: original_vae22(args.wan22))
    write(out, "vae-2.2.diffusers", d + "AutoencoderKLWan", diffusers_vae22)


if __name__ == "__main__":
    main()
