#!/usr/bin/env python3
"""Writes a LoRA, or the sum of several, at a lower rank, in bf16: reduce_lora.py SOURCE[:SCALE]... TARGET RANK.

The sum of the products of each pair of factors is replaced by its best approximation of that rank (singular
value decomposition). Prints the share of the squared norm that is kept. Metadata are the first one's. Needs
NumPy.
"""
import json
import struct
import sys

import numpy as np

DOWN, UP, ALPHA = "lora_A.weight", "lora_B.weight", "alpha"


def read(path):
    """A safetensors file of fp32 and bf16 -> metadata, tensors in fp64."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(data[begin:end], "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(data[begin:end], {"F32": "<f4"}[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).astype(np.float64)
    return metadata, tensors


def write(path, metadata, tensors):
    """Matrices in bf16, rounded to nearest even; scalars in fp32."""
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name, tensor in sorted(tensors.items()):
        wide = np.ascontiguousarray(tensor, np.float32)
        blob, dtype = wide.tobytes(), "F32"
        if wide.ndim:
            bits = wide.view(np.uint32)
            blob, dtype = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes(), "BF16"
        header[name] = {"dtype": dtype, "shape": list(wide.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def products(tensors):
    """The change of each module's weights."""
    change = {}
    for name in tensors:
        if name.endswith(UP):
            module = name[: -len(UP)]
            down = tensors[module + DOWN]
            change[module] = tensors[name] @ down * (tensors[module + ALPHA] / down.shape[0])
    return change


def scaled(source):
    """FILE or FILE:SCALE -> metadata, the scaled change of each module's weights."""
    path, _, scale = source.partition(":")
    metadata, tensors = read(path)
    return metadata, {module: float(scale or 1) * product for module, product in products(tensors).items()}


def main(sources, target, rank):
    metadata, change = scaled(sources[0])
    for source in sources[1:]:
        other = scaled(source)[1]
        if other.keys() != change.keys():
            sys.exit(f"{source} changes other modules than {sources[0]}: {sorted(other.keys() ^ change.keys())}")
        change = {module: change[module] + other[module] for module in change}
    reduced, kept, total = {}, 0.0, 0.0
    for module, product in change.items():
        left, values, right = np.linalg.svd(product, full_matrices=False)
        root = np.sqrt(values[:rank])
        reduced[module + UP] = left[:, :rank] * root
        reduced[module + DOWN] = root[:, None] * right[:rank]
        reduced[module + ALPHA] = np.float64(rank)
        kept += np.sum(values[:rank] ** 2)
        total += np.sum(values**2)
    write(target, metadata, reduced)
    print(f"{target}: rank {rank}, {100 * kept / total:.1f} % of the squared norm")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1:-2], sys.argv[-2], int(sys.argv[-1]))
