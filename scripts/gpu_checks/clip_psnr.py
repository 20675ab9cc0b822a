#!/usr/bin/env python3
"""PSNR in dB between the luma of y4m clips: clip_psnr.py A.y4m B.y4m [C.y4m...], each against A."""

import sys

import numpy


def luma(path):
    """(frames, height, width) float32, 0 to 255."""
    with open(path, "rb") as file:
        fields = file.readline().decode().split()
        sizes = {field[0]: field[1:] for field in reversed(fields[1:])}  # comments come last
        width, height = int(sizes["W"]), int(sizes["H"])
        wide = "p10" in sizes.get("C", "420")
        chroma = {"420": 2, "422": 1, "444": 0}[sizes.get("C", "420")[:3]]
        plane = width * height
        rest = {2: 2 * ((width + 1) // 2) * ((height + 1) // 2), 1: 2 * ((width + 1) // 2) * height,
                0: 2 * plane}[chroma]
        frames = []
        while file.readline() == b"FRAME\n":  # "FRAME XT3COMMENT" holds metadata
            data = numpy.frombuffer(file.read((plane + rest) * (2 if wide else 1)),
                                    "<u2" if wide else "u1")
            frames.append(data[:plane].reshape(height, width).astype("f4") / (4 if wide else 1))
    return numpy.stack(frames)


def main():
    first = luma(sys.argv[1])
    for path in sys.argv[2:]:
        error = numpy.mean((luma(path) - first) ** 2, axis=(1, 2))
        psnr = 10 * numpy.log10(255**2 / numpy.maximum(error, 1e-9))
        mean = 10 * numpy.log10(255**2 / max(error.mean(), 1e-9))
        print(f"{path.split('/')[-1]:<20} {mean:6.2f} dB, frames {psnr.min():.2f} to {psnr.max():.2f}")


if __name__ == "__main__":
    main()
