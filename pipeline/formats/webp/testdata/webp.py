#!/usr/bin/env python3
"""Writes webp.tar.gz: small WebP files by libwebp's cwebp and webpmux, and their pixels as Pillow (which is libwebp) reads them. Run it here; needs pillow, numpy
and webp."""
import io, os, subprocess, sys, tempfile
import numpy as np
from PIL import Image

sys.path.append("../../internal/golden")
from golden import Golden

golden = Golden()
tmp = tempfile.mkdtemp()


def scene(w, h, alpha=False):
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([x * 255 // max(1, w - 1), y * 255 // max(1, h - 1), (x * 37 + y * 11) % 256], 2).astype(np.uint8)
    rgb[h // 3 : h // 2 + 1, w // 3 : w // 2 + 1] = (250, 10, 20)
    rgb[h // 2 :, w // 2 :, 2] = 255
    if alpha:
        rgb = np.dstack([rgb, ((x + y) * 255 // max(1, w + h - 2)).astype(np.uint8)])
    return Image.fromarray(rgb)


def run(*args):
    subprocess.run(args, check=True, capture_output=True)


def cwebp(im, *args):
    src, dst = os.path.join(tmp, "a.png"), os.path.join(tmp, "a.webp")
    im.save(src)
    run("cwebp", "-quiet", *args, src, "-o", dst)
    return open(dst, "rb").read()


def check(name, data):
    im = Image.open(io.BytesIO(data))
    pixels = np.array(im.convert("RGBA"))[:, :, :3] if im.mode == "RGBA" else np.array(im.convert("RGB"))
    golden.add(name + ".webp", data, pixels, 1)


for w, h in ((1, 1), (2, 1), (1, 2), (2, 2), (3, 5), (5, 3), (16, 16), (17, 25), (24, 19)):
    check(f"lossy-{w}x{h}", cwebp(scene(w, h), "-q", "80"))
    check(f"lossless-{w}x{h}", cwebp(scene(w, h), "-lossless"))
for q in ("0", "30", "100"):
    check(f"lossy-quality-{q}", cwebp(scene(24, 19), "-q", q))
for name, args in {"sharp-yuv": ["-sharp_yuv"], "simple-filter": ["-nostrong", "-f", "60"], "no-filter": ["-f", "0"], "partitions": ["-partition_limit", "50"],
                   "segments-1": ["-segments", "1"], "photo": ["-preset", "photo"], "text": ["-preset", "text"]}.items():
    check(f"lossy-{name}", cwebp(scene(24, 19), "-q", "60", *args))
for name, args in {"lossy": ["-q", "60"], "lossy-alpha-raw": ["-q", "60", "-alpha_method", "0"], "lossy-alpha-rough": ["-q", "60", "-alpha_q", "10"], "lossless": ["-lossless"],
                   "lossless-exact": ["-lossless", "-exact"], "near-lossless": ["-near_lossless", "40"]}.items():
    check(f"alpha-{name}", cwebp(scene(24, 19, True), *args))
for colours in (2, 4, 16, 200):
    check(f"lossless-{colours}-colours", cwebp(scene(24, 19).quantize(colours).convert("RGB"), "-lossless"))

frames = {}
for name, args in {"lossy": ["-q", "70"], "lossless": ["-lossless"]}.items():
    for alpha in (False, True):
        frames[f"{name}{'-alpha' if alpha else ''}"] = cwebp(scene(11, 9, alpha), *args)
for name, data in frames.items():
    for at in ((0, 0), (6, 4)):
        for background in ("255,0,0,0", "255,10,200,90"):
            first, second, out = (os.path.join(tmp, n) for n in ("first.webp", "second.webp", "out.webp"))
            open(first, "wb").write(data)
            open(second, "wb").write(cwebp(scene(19, 15), "-q", "50"))
            run("webpmux", "-frame", first, f"+100+{at[0]}+{at[1]}+1", "-frame", second, "+100+0+0+0", "-bgcolor", background, "-o", out)
            check(f"animated-{name}-at-{at[0]}-{at[1]}-background-{background.replace(',', '-')}", open(out, "rb").read())
b = io.BytesIO()
scene(11, 9).save(b, "WEBP", save_all=True, append_images=[scene(11, 9).rotate(90)], duration=40)
check("animated-by-pillow", b.getvalue())
meta = os.path.join(tmp, "meta.webp")
open(os.path.join(tmp, "x.exif"), "wb").write(b"Exif\0\0II*\0\x08\0\0\0\0\0")
open(meta, "wb").write(cwebp(scene(16, 16)))
run("webpmux", "-set", "exif", os.path.join(tmp, "x.exif"), meta, "-o", meta)
check("with-exif", open(meta, "rb").read())
golden.write("webp")
