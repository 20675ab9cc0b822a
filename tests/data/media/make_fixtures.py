"""Writes the pictures beside this file, and what Pillow makes of them (needs Pillow, numpy)."""
import pathlib

import numpy as np
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(5)


def smooth(width, height):
    """Waves with a little noise: exercises rounding without being pure noise in JPEG."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(x / 5 + k) * np.cos(y / 4 - k) for k in range(3)]
    noise = rng.normal(0, 6, (height, width, 3))
    return np.clip(np.stack(planes, -1) + noise, 0, 255).astype(np.uint8)


def cover(image, width, height):
    """Official Wan's preparation of a first frame."""
    scale = max(width / image.width, height / image.height)
    size = (round(image.width * scale), round(image.height * scale))
    image = image.resize(size, Image.LANCZOS)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


noisy = Image.fromarray(rng.integers(0, 256, (29, 37, 3), dtype=np.uint8))
noisy.save(here / "noise_37x29.png")
for width, height in [(16, 16), (80, 48), (37, 20), (24, 29), (5, 3)]:
    cover(noisy, width, height).save(here / f"cover_{width}x{height}.png")

photo = Image.fromarray(smooth(46, 33))
exif = Image.Exif()
exif[0x0112] = 6  # the camera was turned a quarter
photo.save(here / "turned.jpg", quality=95, exif=exif)
ImageOps.exif_transpose(Image.open(here / "turned.jpg")).convert("RGB").save(here / "turned.png")
exif[0x0112] = 5  # turned and mirrored
photo.save(here / "mirrored.jpg", quality=95, exif=exif)
ImageOps.exif_transpose(Image.open(here / "mirrored.jpg")).convert("RGB").save(
    here / "mirrored.png")
photo.convert("L").save(here / "grey.jpg", quality=95)
Image.open(here / "grey.jpg").convert("RGB").save(here / "grey_jpg.png")
photo.save(here / "lossy.webp", quality=95)
Image.open(here / "lossy.webp").convert("RGB").save(here / "lossy_webp.png")
photo.save(here / "lossless.webp", lossless=True)
Image.open(here / "lossless.webp").convert("RGB").save(here / "lossless_webp.png")

alpha = np.dstack([smooth(11, 7), rng.integers(0, 256, (7, 11), dtype=np.uint8)])
kinds = {
    "rgba": Image.fromarray(alpha),
    "palette": Image.fromarray(smooth(11, 7)).quantize(13),
    "grey_alpha": Image.fromarray(alpha).convert("LA"),
    "bilevel": Image.fromarray(alpha[..., 0] > 127),
}
for name, image in kinds.items():
    image.save(here / f"{name}.png")
    image.convert("RGB").save(here / f"{name}_rgb.png")

# An animated WebP whose frames are patches: libwebp stores what changes. Beside it its frames, one
# below the other.
frames = [Image.fromarray(np.dstack([smooth(40, 30), np.full((30, 40), 255, np.uint8)]))]
for k in range(4):
    frame = np.array(frames[-1])
    frame[5 + 4 * k:11 + 4 * k, 7 * k:7 * k + 9, :3] = [40 * k, 255 - 50 * k, 90]
    if k == 2:  # blended with what is below
        frame[::2, ::3, :3] //= 2
    frames.append(Image.fromarray(frame))
frames[0].save(here / "patches.webp", save_all=True, append_images=frames[1:], lossless=True,
               duration=[100, 50, 200, 50, 100], minimize_size=True)
shown = Image.open(here / "patches.webp")
stack = Image.new("RGB", (40, 30 * shown.n_frames))
for k in range(shown.n_frames):
    shown.seek(k)
    stack.paste(shown.convert("RGB"), (0, 30 * k))
stack.save(here / "patches.png")

# Videos, not written by this script; ffmpeg 5.1 with libx264 makes their like:
#   open_gop.mp4          -f lavfi -i testsrc2=size=48x32:rate=16 -frames:v 48 -c:v libx264
#                         -x264-params open-gop=1:keyint=12:bframes=2
#   transport_stream.mp4  -i open_gop.mp4 -c:v libx264 -g 12 -bf 2 -f mpegts
#   trimmed.mp4           40 frames as above with -g 24, then -ss 0.5 -c copy: an edit list
#   dropped_frames.avi    MJPEG, three of 24 chunks empty
#   damaged_mpeg4.mp4     MPEG-4 part 2 with a few bytes changed: libavcodec 59 asserts on it
#   pq.mp4                HDR10 tags (PQ, BT.2020); wide_pixels.mp4: 96x64, sample aspect ratio 2:1
