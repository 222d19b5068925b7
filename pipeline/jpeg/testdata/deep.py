#!/usr/bin/env python3
"""Writes deep.tgz: JPEG files of 12 bits a sample and lossless ones, as NAME.jpg,
with the RGB pixels that libjpeg-turbo 3 reads from each, as NAME.rgb, of which the
highest eight bits of twelve are kept.

    python deep.py

Needs numpy and imagecodecs, which holds libjpeg-turbo 3.
"""
import gzip
import io
import tarfile
from pathlib import Path

import imagecodecs
import numpy as np

HERE = Path(__file__).parent
W, H = 37, 29


def scene(top):
    y, x = np.mgrid[0:H, 0:W].astype(float)
    rgb = np.stack([x / W, y / H, 0.5 + 0.47 * np.sin(x / 6 + y / 9)], -1)
    rgb[4:14, 8:16] = (0.9, 0.16, 0.12)
    rgb[18:28, 24:36] = (0.08, 0.23, 0.78)
    rgb += np.random.default_rng(7).normal(0, 0.01, rgb.shape)
    return (rgb.clip(0, 1) * top).astype(np.uint16)


def main():
    files = {}
    deep, grey = scene(4095), scene(4095)[:, :, 0].copy()
    for name, image, options in [
        ("12-444", deep, {"subsampling": "444"}), ("12-420", deep, {"subsampling": "420"}), ("12-422", deep, {"subsampling": "422"}),
        ("12-grey", grey, {}), ("12-444-best", deep, {"subsampling": "444", "level": 100}), ("12-420-coarse", deep, {"subsampling": "420", "level": 20}),
        ("12-optimized", deep, {"subsampling": "420", "optimize": True}),
    ]:
        data = imagecodecs.jpeg8_encode(image, **{"level": 90, "bitspersample": 12, **options})
        pixels = imagecodecs.jpeg8_decode(data) >> 4
        files[name] = data, pixels
    flat = (scene(255)).astype(np.uint8)
    data = imagecodecs.jpeg8_encode(flat, lossless=True, predictor=4)
    files["lossless"] = data, imagecodecs.jpeg8_decode(data)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, (data, pixels) in files.items():
            if pixels.ndim == 2:
                pixels = np.repeat(pixels[:, :, None], 3, 2)
            assert pixels.shape == (H, W, 3), (name, pixels.shape)
            for suffix, content in {"jpg": data, "rgb": pixels.astype(np.uint8).tobytes()}.items():
                info = tarfile.TarInfo(f"{name}.{suffix}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            print(name, len(data), data[:2].hex(), [hex(data[i + 1]) for i in range(len(data)) if data[i] == 255 and data[i + 1] in (0xC0, 0xC1, 0xC2, 0xC3)][:1])
    (HERE / "deep.tgz").write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))
    print((HERE / "deep.tgz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
