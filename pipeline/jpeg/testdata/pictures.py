"""Small JPEG files of every kind that package jpeg decodes, and of some that it leaves to others.

    python pictures.py

writes them beside this script, and pictures.json: for each file its size and the
MD5 of the RGB pixels that Pillow reads from it, or null for those of the second kind.
"""
import hashlib
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent


def picture(width, height, noise):
    """Waves of colour under noise, which needs the longest codes."""
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([x * 5 + y, 255 - x * 3, y * 7 + x], -1) % 256
    random = np.random.default_rng(width * 1000 + height).integers(0, 256, waves.shape)
    return Image.fromarray((waves * (1 - noise) + random * noise).astype(np.uint8))


def jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def main():
    small, odd, noisy = picture(48, 32, 0.1), picture(37, 29, 0.3), picture(61, 43, 1)
    taken = {
        "444": jpeg(odd, quality=90, subsampling=0),
        "422": jpeg(odd, quality=90, subsampling=1),
        "420": jpeg(odd, quality=90, subsampling=2),
        "420-even": jpeg(small, quality=75, subsampling=2),
        "grey": jpeg(odd.convert("L"), quality=90),
        "noise": jpeg(noisy, quality=99, subsampling=0),
        "noise-420": jpeg(noisy, quality=100, subsampling=2),
        "coarse": jpeg(noisy, quality=1, subsampling=2),
        "optimized": jpeg(noisy, quality=95, subsampling=0, optimize=True),
        "restart-blocks": jpeg(noisy, quality=90, subsampling=2, restart_marker_blocks=3),
        "restart-rows": jpeg(odd, quality=90, subsampling=0, restart_marker_rows=1),
        "restart-grey": jpeg(noisy.convert("L"), quality=90, restart_marker_blocks=1),
        "pixel": jpeg(picture(1, 1, 0.5), quality=90, subsampling=2),
        "row": jpeg(picture(40, 1, 0.5), quality=90, subsampling=2),
        "column": jpeg(picture(1, 40, 0.5), quality=90, subsampling=2),
        "three": jpeg(picture(3, 3, 0.5), quality=90, subsampling=2),
        "trailing": jpeg(odd, quality=80) + b"\0" * 9,
        "comment": jpeg(odd, quality=80, comment=b"\xff\xda in a comment"),
        "rgb": jpeg(odd, quality=80, keep_rgb=True),
    }
    whole = jpeg(odd, quality=80, subsampling=0)
    restarts = taken["restart-blocks"]
    left = {
        "progressive": jpeg(odd, quality=80, progressive=True),
        "cmyk": jpeg(odd.convert("CMYK"), quality=80),
        "cut": whole[: len(whole) * 2 // 3],
        "no-end": whole[:-2],
        "junk-before-end": whole[:-2] + b"junk" + whole[-2:],
        "restart-missing": restarts.replace(b"\xff\xd2", b"", 1),
        "restart-wrong": restarts.replace(b"\xff\xd2", b"\xff\xd5", 1),
        "bits-flipped": whole[:-200] + bytes(255 - b if b not in (0, 255) else b for b in whole[-200:-190]) + whole[-190:],
    }
    table = {}
    for name, data in taken.items():
        rgb = Image.open(io.BytesIO(data)).convert("RGB")
        table[name] = {"width": rgb.width, "height": rgb.height, "md5": hashlib.md5(rgb.tobytes()).hexdigest()}
    for name in left:
        table[name] = None
    for name, data in {**taken, **left}.items():
        (HERE / f"{name}.jpg").write_bytes(data)
    (HERE / "pictures.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
