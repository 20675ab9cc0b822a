#!/usr/bin/env python3
# Writes tests/data/oracle/score_networks*.{safetensors,json}: what the published code of CLIP, the
# LAION head, DOVER and MUSIQ computes with random weights.
"""Usage: tools/oracle_scores.py DOVER [FOLDER]        small networks, views and token ids
       tools/oracle_scores.py --full DOVER [FOLDER]  networks of the published sizes
       tools/oracle_scores.py --clip FRAMES --prompt TEXT DOVER FOLDER

The third form writes files of the published sizes and layouts with random weights to FOLDER, and
prints what the published code makes of the clip FRAMES, a folder of PNG files, beside the command of
t3 that computes the same.

DOVER is a checkout of VQAssessment/DOVER (commit f1ddc96). Needs torch 2.11, torchvision,
transformers, open-clip-torch 3.3, pyiqa 0.1.16 (--no-deps and what it asks for), timm, einops,
ftfy, numpy, Pillow and safetensors.

Weights are not stored: both sides make them from a hash of name and index, as nn/random_weights
does. Pictures are made by a formula (pattern). Each network is the published class; preprocessing
is the published functions, with their random numbers replaced by those of base/mix_bits.h.
"""
import argparse
import gzip
import importlib
import json
import math
import pathlib
import sys
import tempfile
import types

import numpy as np
import torch
from safetensors.torch import save_file

STEP = np.uint64(0x9E3779B97F4A7C15)
SEED = 42
CROP = slice(None, None, 16)  # of stored views


def replace_imports():
    """What the published modules import beside the networks: decoders, and OpenAI's package."""
    for name in ("cv2", "decord", "skvideo", "skvideo.io", "pyiqa.archs.clip_imports"):
        sys.modules.setdefault(name, types.ModuleType(name))
    decord = sys.modules["decord"]
    decord.VideoReader = decord.cpu = decord.gpu = None
    decord.bridge = types.SimpleNamespace(set_bridge=lambda name: None)
    sys.modules["skvideo"].io = sys.modules["skvideo.io"]
    sys.modules["pyiqa.archs.clip_imports"].clip = None


replace_imports()


def mix(x):
    x = x + STEP
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Sequence:
    """MixSequence of base/mix_bits.h."""

    def __init__(self, seed):
        self.state = np.uint64(seed)

    def integers(self, high, size):
        count = int(np.prod(size))
        states = self.state + STEP * np.arange(count, dtype=np.uint64)
        self.state = self.state + STEP * np.uint64(count)
        return (mix(states) % np.uint64(high)).astype(np.int64).reshape(size)


def scale_of(name, shape):
    """Mean and standard deviation; nn/testing/oracle_weights.h has the same rule."""
    if "position" in name or "scale_emb" in name or name.endswith("bias_table"):
        return 0.0, 0.5
    if len(shape) == 1:
        return (1.0, 0.1) if name.endswith(("weight", "gamma")) else (0.0, 0.1)
    return 0.0, 1 / math.sqrt(math.prod(shape[1:]))


def random_weight(name, shape):
    """RandomTensor of nn/random_weights.h with seed 7."""
    key = mix(np.uint64(7))
    for letter in name.encode():
        key = mix(key ^ np.uint64(letter))
    mean, std = (np.float32(v) for v in scale_of(name, shape))
    values = np.empty(math.prod(shape), np.float32)
    for begin in range(0, values.size, 1 << 22):
        bits = mix(key + np.arange(begin, min(begin + (1 << 22), values.size), dtype=np.uint64))
        total = sum((bits >> np.uint64(s)) & np.uint64(0xFFFF) for s in (0, 16, 32, 48))
        unit = ((total.astype(np.float64) - 2.0 * 65535) / (65536 * 0.5773502691896258))
        values[begin:begin + bits.size] = mean + std * unit.astype(np.float32)
    return torch.from_numpy(values.reshape(shape))


@torch.no_grad()
def fill(module, prefix=""):
    """Random weights; integer buffers stay."""
    for name, tensor in module.state_dict(keep_vars=True).items():
        if tensor.is_floating_point():
            tensor.data = random_weight(prefix + name, tuple(tensor.shape))
    return module.eval()


def pattern(frames, height, width):
    """uint8 (frames, 3, height, width)."""
    t = torch.arange(frames).view(-1, 1, 1, 1)
    c = torch.arange(3).view(-1, 1, 1)
    y = torch.arange(height).view(-1, 1)
    x = torch.arange(width)
    return ((3 * x + 5 * y + 7 * t + 40 * c + ((x * y) >> 4)) & 255).to(torch.uint8)


# CLIP and the LAION head

CLIP_SMALL = dict(embed=24, image=dict(image_size=28, patch_size=14, width=128, layers=2),
                  text=dict(context_length=12, vocab_size=70, width=64, heads=1, layers=2))
CLIP_FULL = dict(embed=768, image=dict(image_size=224, patch_size=14, width=1024, layers=24),
                 text=dict(context_length=77, vocab_size=49408, width=768, heads=12, layers=12))


def clip_ids(text):
    """Three texts of different lengths; the last id of the vocabulary ends each."""
    last = text["vocab_size"] - 1
    rows = [[last - 1] + [(i * 37 + n * 11) % (last - 1) for i in range(n)] + [last]
            for n in (0, 3, text["context_length"] - 2)]
    return torch.tensor([row + [0] * (text["context_length"] - len(row)) for row in rows])


def clip_values(sizes, quick):
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
    model = fill(CLIP(sizes["embed"], CLIPVisionCfg(**sizes["image"]), CLIPTextCfg(**sizes["text"]),
                      quick_gelu=quick))
    side = sizes["image"]["image_size"]
    images = pattern(2, side, side).float() / 127.5 - 1
    with torch.no_grad():
        out = {"image": model.encode_image(images), "text": model.encode_text(clip_ids(sizes["text"]))}
    check_transformers(sizes, quick, model, images, out)
    return out


def transformers_names(state):
    """open_clip's weights under the names and in the shapes of transformers' CLIPModel."""
    out = {}
    for name, value in state.items():
        tower, rest = ("vision", name[7:]) if name.startswith("visual.") else ("text", name)
        head = f"{tower}_model."
        if rest.startswith("transformer.resblocks."):
            number, part = rest.split(".", 3)[2:]
            layer = f"{head}encoder.layers.{number}."
            if part.startswith("attn.in_proj_"):
                for q, rows in zip("qkv", value.chunk(3)):
                    out[f"{layer}self_attn.{q}_proj.{part[13:]}"] = rows
                continue
            for ours, theirs in (("attn.out_proj", "self_attn.out_proj"), ("ln_1", "layer_norm1"),
                                 ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"),
                                 ("mlp.c_proj", "mlp.fc2")):
                part = part.replace(ours, theirs)
            out[layer + part] = value
        else:
            flat = {"visual.class_embedding": "vision_model.embeddings.class_embedding",
                    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
                    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
                    "positional_embedding": "text_model.embeddings.position_embedding.weight",
                    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
                    "visual.proj": "visual_projection.weight",
                    "text_projection": "text_projection.weight", "logit_scale": "logit_scale"}
            theirs = flat.get(name) or (name.replace("visual.ln_pre", "vision_model.pre_layrnorm")
                                        .replace("visual.ln_post", "vision_model.post_layernorm")
                                        .replace("ln_final", "text_model.final_layer_norm"))
            out[theirs] = value.t() if name in ("visual.proj", "text_projection") else value
    return out


def transformers_clip(sizes, quick):
    from transformers import CLIPConfig, CLIPModel
    act = "quick_gelu" if quick else "gelu"
    text, image = sizes["text"], sizes["image"]
    return CLIPModel(CLIPConfig(
        text_config=dict(vocab_size=text["vocab_size"], hidden_size=text["width"],
                         intermediate_size=4 * text["width"], num_hidden_layers=text["layers"],
                         num_attention_heads=text["width"] // 64, hidden_act=act,
                         max_position_embeddings=text["context_length"],
                         eos_token_id=text["vocab_size"] - 1, bos_token_id=text["vocab_size"] - 2),
        vision_config=dict(hidden_size=image["width"], intermediate_size=4 * image["width"],
                           num_hidden_layers=image["layers"], image_size=image["image_size"],
                           num_attention_heads=image["width"] // 64, hidden_act=act,
                           patch_size=image["patch_size"]),
        projection_dim=sizes["embed"])).eval()


def check_transformers(sizes, quick, model, images, out):
    """Both published implementations agree, so one expected value serves both layouts."""
    other = transformers_clip(sizes, quick)
    other.load_state_dict(transformers_names(model.state_dict()), strict=True)
    with torch.no_grad():
        image = other.get_image_features(images)
        text = other.get_text_features(clip_ids(sizes["text"]))
    for name, value in (("image", image), ("text", text)):
        value = getattr(value, "pooler_output", value)
        error = (value - out[name]).abs().max().item()
        print(f"transformers and open_clip, {name}: {error:.2e}")
        assert error < 1e-4


def aesthetic_head(width):
    from pyiqa.archs.laion_aes_arch import MLP
    return MLP(width)


def aesthetic_values(width):
    x = torch.nn.functional.normalize(torch.arange(3 * width).view(3, width).sin(), dim=-1)
    with torch.no_grad():
        return {"score": fill(aesthetic_head(width))(x)}


def clip_view():
    """open_clip's transform of a picture of 500 x 333."""
    from open_clip.transform import image_transform
    from PIL import Image
    picture = Image.fromarray(pattern(1, 333, 500)[0].permute(1, 2, 0).numpy())
    return image_transform(224, is_train=False)(picture)[:, CROP, CROP]


# Merges of a vocabulary of our own, and what open_clip's tokenizer makes of texts with them.

TEXTS = ["", "A cat's whisker, 12 of 34!", "  Ünïcode Straße   naïve  ", "it's they'll we've I'd",
         "&amp;lt;b&gt; caf\u00e9 \u65e5\u672c\u8a9e \U0001f600", "under_score-dash... (parens)",
         "a red ball rolls slowly across the wooden floor of the red barn " * 12]


def train_merges(count):
    from open_clip.tokenizer import SimpleTokenizer, bytes_to_unicode
    words = {}
    for word in SimpleTokenizer().pat.findall(" ".join(TEXTS).lower()):
        letters = [bytes_to_unicode()[b] for b in word.encode()]
        words[tuple(letters[:-1] + [letters[-1] + "</w>"])] = 1 + len(words) % 3
    merges = []
    for _ in range(count):
        pairs = {}
        for word, weight in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] = pairs.get(pair, 0) + weight
        if not pairs:
            break
        best = max(sorted(pairs), key=pairs.get)
        merges.append(" ".join(best))
        joined = {}
        for word, weight in words.items():
            out = []
            for letter in word:
                out[-1:] = [out[-1] + letter] if out and (out[-1], letter) == best else out[-1:] + [letter]
            joined[tuple(out)] = weight
        words = joined
    return merges


def tokens():
    from open_clip.tokenizer import SimpleTokenizer
    merges = train_merges(100)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "merges.txt.gz")
        path.write_bytes(gzip.compress(("#version: 0.2\n" + "\n".join(merges)).encode()))
        tokenizer = SimpleTokenizer(str(path))
    return {"merges": merges, "texts": TEXTS,
            "ids": [[int(i) for i in row] for row in tokenizer(TEXTS)]}


# DOVER

DOVER_SMALL = dict(swin=dict(embed_dim=8, depths=[2, 2, 1, 1], num_heads=[1, 2, 1, 2]),
                   conv=dict(depths=[3, 1, 2, 1], dims=[8, 8, 16, 16]), hidden=8)
DOVER_FULL = dict(swin={}, conv={}, hidden=64)


class Dover:
    """The published modules, without the imports that only training and decoding ask for."""

    def __init__(self, root):
        for name in ("dover", "dover.models", "dover.datasets"):
            package = types.ModuleType(name)
            package.__path__ = [str(pathlib.Path(root, *name.split(".")))]
            sys.modules[name] = package
        self.swin = importlib.import_module("dover.models.swin_backbone")
        self.conv = importlib.import_module("dover.models.conv_backbone")
        self.head = importlib.import_module("dover.models.head")
        self.views = importlib.import_module("dover.datasets.dover_datasets")

    def network(self, sizes):
        technical = self.swin.SwinTransformer3D(use_checkpoint=False, **sizes["swin"])
        aesthetic = self.conv.ConvNeXt3D(**sizes["conv"])
        heads = [self.head.VQAHead(in_channels=width, hidden_channels=sizes["hidden"])
                 for width in (technical.num_features, aesthetic.norm.normalized_shape[0])]
        return torch.nn.ModuleDict({"technical_backbone": technical, "technical_head": heads[0],
                                    "aesthetic_backbone": aesthetic, "aesthetic_head": heads[1]})

    def values(self, sizes):
        network = fill(self.network(sizes))
        view = pattern(32, 224, 224).float().transpose(0, 1)[None] / 64 - 2
        out = {}
        with torch.no_grad():
            for part in ("technical", "aesthetic"):
                features = network[f"{part}_backbone"](view)
                out[f"{part}.features"] = features.mean((2, 3, 4))
                out[part] = network[f"{part}_head"](features).mean()[None]
        return out

    @staticmethod
    def draw_from(sequence):
        """From now on the samplers take their random numbers from `sequence`."""
        torch.randint = lambda high, size: torch.from_numpy(sequence.integers(high, size))
        np.random.randint = lambda low, high, size: low + sequence.integers(high - low, size)

    def fragments(self, height, width, options):
        """Of 64 frames, two groups with offsets of their own."""
        self.draw_from(Sequence(SEED))
        video = pattern(64, height, width).transpose(0, 1)
        out = self.views.get_single_view(video, "technical", **options)
        return normalised(out)[:, ::32, CROP, CROP]

    def resize(self, video):
        """torch~=1.13 of the published requirements resizes tensors without antialiasing."""
        import torchvision
        make = torchvision.transforms.Resize
        torchvision.transforms.Resize = lambda size: make(size, antialias=False)
        try:
            self.views.get_resize_function.cache_clear()
            return self.views.get_single_view(video, "aesthetic", size_h=224, size_w=224)
        finally:
            torchvision.transforms.Resize = make

    def resized(self, height, width):
        video = pattern(2, height, width).transpose(0, 1)
        return normalised(self.resize(video).float())[..., CROP, CROP]

    def indices(self, frames):
        self.draw_from(Sequence(SEED))
        sample = self.views.UnifiedFrameSampler
        return {"technical": torch.from_numpy(sample(32, 3, 2)(frames)),
                "aesthetic": torch.from_numpy(sample(1, 32, 2, 1)(frames))}


def normalised(video):
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    return ((video.permute(1, 2, 3, 0) - mean) / std).permute(3, 0, 1, 2)


# MUSIQ

MUSIQ_SMALL = dict(patch_size=8, hidden_size=128, mlp_dim=96, num_heads=2, num_layers=2,
                   longer_side_lengths=[56, 96])
MUSIQ_FULL = {}


def musiq_values(sizes, height, width, classes=1):
    from pyiqa.archs.musiq_arch import MUSIQ
    model = fill(MUSIQ(pretrained=False, num_class=classes, **sizes))
    with torch.no_grad():
        return {"score": model(pattern(1, height, width).float() / 255)[0]}


def write(path, groups):
    flat = {f"{group}.{name}": value.contiguous()
            for group, values in groups.items() for name, value in values.items()}
    source = f"open_clip, pyiqa, DOVER f1ddc96, torch {torch.__version__}"
    save_file(flat, path, {"source": source})
    for name, value in flat.items():
        print(name, tuple(value.shape), value.flatten()[:3].tolist())


# Whole files and a whole clip.

def read_frames(folder):
    from PIL import Image
    return [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))]


def clip_of_frames(frames, prompt, folder):
    """clip_text and clip_aesthetic; the file is transformers'."""
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
    from open_clip.tokenizer import SimpleTokenizer, default_bpe
    from open_clip.transform import image_transform
    c = CLIP_FULL
    model = fill(CLIP(c["embed"], CLIPVisionCfg(**c["image"]), CLIPTextCfg(**c["text"]),
                      quick_gelu=True))
    save_file({k: v.contiguous() for k, v in transformers_names(model.state_dict()).items()},
              folder / "model.safetensors")
    (folder / "merges.txt").write_bytes(gzip.open(default_bpe()).read())
    head = fill(aesthetic_head(c["embed"]))
    torch.save(head.state_dict(), folder / "head.pth")
    transform = image_transform(c["image"]["image_size"], is_train=False)
    parts = min(16, len(frames))
    chosen = [frames[(2 * i + 1) * len(frames) // (2 * parts)] for i in range(parts)]
    unit = torch.nn.functional.normalize
    with torch.no_grad():
        images = unit(model.encode_image(torch.stack([transform(frame) for frame in chosen])), dim=-1)
        text = unit(model.encode_text(SimpleTokenizer()(prompt)), dim=-1)
        return {"clip_text": (images @ text[0]).mean().item(),
                "clip_aesthetic": head(images).mean().item()}


def musiq_of_frames(frames, folder):
    from pyiqa.archs.musiq_arch import MUSIQ
    model = fill(MUSIQ(pretrained=False))
    torch.save(model.state_dict(), folder / "musiq.pth")
    parts = min(16, len(frames))
    chosen = [frames[(2 * i + 1) * len(frames) // (2 * parts)] for i in range(parts)]
    with torch.no_grad():
        scores = [model(torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None].float() / 255)
                  for frame in chosen]
    return {"musiq": torch.stack(scores).mean().item()}


def dover_of_frames(dover, frames, folder):
    network = fill(dover.network(DOVER_FULL))
    torch.save(network.state_dict(), folder / "dover.pth")
    video = torch.stack([torch.from_numpy(np.array(frame)) for frame in frames]).permute(3, 0, 1, 2)
    sequence = Sequence(SEED)
    dover.draw_from(sequence)
    sample = dover.views.UnifiedFrameSampler
    technical = video[:, sample(32, 3, 2)(len(frames))]
    aesthetic = video[:, sample(1, 32, 2, 1)(len(frames))]
    views = {"technical": dover.views.get_single_view(technical, "technical", **FRAGMENTS),
             "aesthetic": dover.resize(aesthetic)}
    with torch.no_grad():
        scores = {}
        for part, view in views.items():
            clips = normalised(view.float()).unflatten(1, (-1, 32)).transpose(0, 1)
            scores[part] = np.mean([network[f"{part}_head"](network[f"{part}_backbone"](c[None]))
                                    .mean().item() for c in clips])
    t = (scores["technical"] - 0.1107) / 0.07355
    a = (scores["aesthetic"] + 0.08285) / 0.03774
    sigmoid = lambda x: float(1 / (1 + np.exp(-x)))
    return {"dover": sigmoid(0.6104 * t + 0.3896 * a), "dover_technical": sigmoid(t),
            "dover_aesthetic": sigmoid(a)}


def score_clip(dover, args):
    args.folder.mkdir(parents=True, exist_ok=True)
    frames = read_frames(args.clip)
    values = {**clip_of_frames(frames, args.prompt, args.folder),
              **musiq_of_frames(frames, args.folder),
              **dover_of_frames(dover, frames, args.folder)}
    print(json.dumps(values, indent=1))
    files = dict(clip="model.safetensors", aesthetic="head.pth", musiq="musiq.pth", dover="dover.pth")
    print(f"t3 score {args.clip} --prompts PROMPTS --json scores.json --weights",
          *(f"{name}={args.folder / file}" for name, file in files.items()))


FRAGMENTS = dict(fragments_h=7, fragments_w=7, fsize_h=32, fsize_w=32, aligned=32)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--clip", type=pathlib.Path)
    parser.add_argument("--prompt", default="")
    parser.add_argument("dover", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path, nargs="?",
                        default=pathlib.Path("tests/data/oracle"))
    args = parser.parse_args()
    np.seterr(over="ignore")
    dover = Dover(args.dover)
    if args.clip:
        score_clip(dover, args)
        return
    if args.full:
        write(args.folder / "score_networks_full.safetensors", {
            "clip": clip_values(CLIP_FULL, True), "aesthetic": aesthetic_values(768),
            "dover": dover.values(DOVER_FULL), "musiq": musiq_values(MUSIQ_FULL, 300, 500)})
        return
    write(args.folder / "score_networks.safetensors", {
        "clip.quick": clip_values(CLIP_SMALL, True), "clip.gelu": clip_values(CLIP_SMALL, False),
        "clip.view": {"picture": clip_view()}, "aesthetic": aesthetic_values(24),
        "dover": dover.values(DOVER_SMALL),
        "dover.fragments": {"large": dover.fragments(270, 480, FRAGMENTS),
                            "small": dover.fragments(120, 200, FRAGMENTS)},
        "dover.resized": {"large": dover.resized(300, 500), "small": dover.resized(100, 130)},
        **{f"dover.indices.{n}": dover.indices(n) for n in (20, 81, 300)},
        "musiq": musiq_values(MUSIQ_SMALL, 75, 130),
        "musiq.classes": musiq_values(MUSIQ_SMALL, 130, 75, 10)})
    (args.folder / "score_networks.json").write_text(json.dumps(tokens(), ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()
