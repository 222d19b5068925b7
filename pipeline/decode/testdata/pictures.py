#!/usr/bin/env python3
"""Writes the pictures of this folder, and pictures.json with what Pillow makes
of each: upright, RGB, the centred square window resized to 16x16 with BICUBIC
(which is Catmull-Rom). Run it here; needs pillow and numpy."""
import io, json, struct, zlib
import numpy as np
from PIL import Image, ImageOps

W, H, N = 44, 32, 16


def scene():
    """Smooth colours with a few hard edges; no two corners alike."""
    y, x = np.mgrid[0:H, 0:W].astype(float)
    rgb = np.stack([255 * x / W, 255 * y / H, 127 + 120 * np.sin(x / 6 + y / 9)], 2)
    rgb[4:14, 8:16] = (230, 40, 30)
    rgb[18:28, 24:36] = (20, 60, 200)
    rgb[2:8, 30:40] = (250, 250, 240)
    return rgb.clip(0, 255).astype(np.uint8)


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e


def jpeg(im, **kw):
    b = io.BytesIO()
    im.save(b, "JPEG", quality=92, **kw)
    return b.getvalue()


def segments(data, edit):
    """Applies edit(marker, segment) to the segments before the scan."""
    out, at = data[:2], 2
    while data[at + 1] != 0xDA:
        n = 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        out += edit(data[at + 1], data[at : at + n])
        at += n
    return out + data[at:]


def png16(samples, colour_type):
    """A 16-bit PNG, which Pillow doesn't write in colour."""
    h, w = samples.shape[:2]
    raw = b"".join(b"\0" + samples[y].astype(">u2").tobytes() for y in range(h))
    chunk = lambda k, d: struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
    head = struct.pack(">IIBBBBB", w, h, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


rgb = Image.fromarray(scene())
alpha = Image.fromarray(np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1)))
rgba = rgb.copy()
rgba.putalpha(alpha)
grey = rgb.convert("L")
palette = rgb.quantize(32)
cmyk = Image.fromarray(np.dstack([255 - scene(), np.full((H, W), 40, np.uint8)]), "CMYK")
deep = scene().astype(np.uint16) * 256 + 77

files = {
    "rgb-444.jpg": jpeg(rgb, subsampling=0),
    "rgb-422.jpg": jpeg(rgb, subsampling=1),
    "rgb-420.jpg": jpeg(rgb, subsampling=2),
    "progressive.jpg": jpeg(rgb, subsampling=0, progressive=True),
    "grey.jpg": jpeg(grey),
    "cmyk-adobe.jpg": jpeg(cmyk),
    "cmyk-bare.jpg": segments(jpeg(cmyk), lambda m, s: b"" if m == 0xEE else s),
    "ycck.jpg": segments(jpeg(cmyk), lambda m, s: s[:-1] + b"\x02" if m == 0xEE else s),
    "rgb-16.png": png16(deep, 2),
    "grey-16.png": png16(deep[:, :, 0], 0),
}
for o in range(1, 9):
    files[f"orientation-{o}.jpg"] = jpeg(rgb, subsampling=0, exif=exif(o))


def add(name, im, fmt, **kw):
    b = io.BytesIO()
    im.save(b, fmt, **kw)
    files[name] = b.getvalue()


add("rgb.png", rgb, "PNG")
add("rgb-orientation-6.png", rgb, "PNG", exif=exif(6))
add("rgba.png", rgba, "PNG")
add("grey-alpha.png", rgba.convert("LA"), "PNG")
add("bilevel.png", grey.convert("1"), "PNG")
add("palette.png", palette, "PNG")
add("palette-transparent.png", palette, "PNG", transparency=bytes(range(0, 256, 8)))
add("palette.gif", palette, "GIF")
add("rgb.bmp", rgb, "BMP")
add("rgb.tif", rgb, "TIFF", compression="tiff_lzw")
add("orientation-8.tif", rgb, "TIFF", compression="tiff_lzw", tiffinfo={274: 8})
add("lossy.webp", rgb, "WEBP", quality=95, exif=exif(3))
add("lossless.webp", rgb, "WEBP", lossless=True)
add("alpha.webp", rgba, "WEBP", quality=95)

want = {}
for name, data in sorted(files.items()):
    open(name, "wb").write(data)
    im = Image.open(io.BytesIO(data))
    im.load()
    if im.mode == "I;16":  # convert("RGB") would clip instead of scale
        im = Image.fromarray((np.array(im) >> 8).astype(np.uint8))
    im = ImageOps.exif_transpose(im).convert("RGB")
    w, h = im.size
    s = min(w, h)
    x, y = (w - s) // 2, (h - s) // 2
    im = im.resize((N, N), Image.BICUBIC, box=(x, y, x + s, y + s))
    want[name] = im.tobytes().hex()
with open("pictures.json", "w") as f:
    json.dump(want, f, indent=0)
    f.write("\n")
