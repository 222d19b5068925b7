#!/usr/bin/env python3
"""Writes jxl.tar.gz: small JPEG XL files by cjxl, and their pixels by djxl, libjxl's own
tools. Run it here; needs pillow, numpy and libjxl-tools."""
import io, os, subprocess, sys, tempfile
import numpy as np
from PIL import Image

sys.path.append("../../internal/golden")
from golden import Golden

golden = Golden()
tmp = tempfile.mkdtemp()
W, H = 24, 18
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 37 + y * 11) % 256], 2).astype(np.uint8)
scene = Image.fromarray(rgb)
alpha = Image.fromarray(np.dstack([rgb, (x * 10).astype(np.uint8)]))


def add(name, save, *args, exact=None):
    src, dst, out = (os.path.join(tmp, n) for n in (save.pop("name"), "a.jxl", "a.png"))
    save.pop("im").save(src, **save)
    subprocess.run(["cjxl", *args, src, dst], check=True, capture_output=True)
    subprocess.run(["djxl", dst, out], check=True, capture_output=True)
    pixels = np.array(Image.open(out).convert("RGBA"))[:, :, :3]
    if exact is not None:
        assert (pixels == exact).all(), name
    golden.add(name, open(dst, "rb").read(), pixels, 1, pillow=False)


png = lambda im: {"name": "a.png", "im": im}
add("lossless.jxl", png(scene), "-d", "0", exact=rgb)
add("lossy.jxl", png(scene), "-d", "1")
add("alpha.jxl", png(alpha), "-d", "1")
add("grey.jxl", png(scene.convert("L")), "-d", "0")
add("modular.jxl", png(scene), "-d", "2", "-m", "1")
add("container.jxl", png(scene), "-d", "0", "--container=1", exact=rgb)
add("progressive.jxl", png(scene), "-d", "1", "-p")
add("jpeg.jxl", {"name": "a.jpg", "im": scene, "quality": 90})
exif = Image.Exif()
for o in (3, 6, 8, 5):
    exif[0x112] = o
    add(f"orientation-{o}.jxl", {"name": "a.jpg", "im": scene, "quality": 95, "subsampling": 0, "exif": exif}, "-d", "1", "-j", "0")
add("animation.jxl", {"name": "a.gif", "im": scene.quantize(60), "save_all": True, "append_images": [scene.rotate(90).quantize(60)], "duration": 50}, "-d", "0")
golden.write("jxl")
