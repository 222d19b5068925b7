#!/usr/bin/env python3
"""Writes heif.tar.gz: small AVIF files by avifenc and HEIC files by heif-enc, and their
pixels as Pillow (libavif) and pillow-heif read them. Run it here; needs pillow,
pillow-heif, numpy, libavif-bin and libheif-examples."""
import io, os, subprocess, sys, tempfile
import numpy as np
import pillow_heif
from PIL import Image, ImageOps

sys.path.append("../../internal/golden")
from golden import Golden

pillow_heif.register_heif_opener()
golden = Golden()
tmp = tempfile.mkdtemp()
W, H = 24, 18
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 9 + y * 5) % 256 // 2 + 60], 2).astype(np.uint8)
scene = Image.fromarray(rgb)
alpha = Image.fromarray(np.dstack([rgb, (x * 10).astype(np.uint8)]))
src, dst = os.path.join(tmp, "a.png"), os.path.join(tmp, "out")


def add(name, im, tolerance, *command):
    out = dst + os.path.splitext(name)[1]
    im.save(src)
    subprocess.run([a.replace("SRC", src).replace("DST", out) for a in command], check=True, capture_output=True)
    data = open(out, "rb").read()
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    golden.add(name, data, np.array(upright.convert("RGBA"))[:, :, :3], tolerance, pillow=False)


avif = ("avifenc", "-s", "8")
add("lossless.avif", scene, 1, *avif, "-l", "SRC", "DST")
add("444.avif", scene, 3, *avif, "-y", "444", "--min", "5", "--max", "10", "SRC", "DST")
add("420.avif", scene, 45, *avif, "-y", "420", "--min", "5", "--max", "10", "SRC", "DST")  # libheif before 1.16 repeats chroma, libavif interpolates
add("10-bits.avif", scene, 3, *avif, "-d", "10", "-y", "444", "--min", "5", "--max", "10", "SRC", "DST")
add("alpha.avif", alpha, 3, *avif, "-y", "444", "--min", "5", "--max", "10", "SRC", "DST")
add("grey.avif", scene.convert("L"), 3, *avif, "-y", "400", "--min", "5", "--max", "10", "SRC", "DST")
for turn in range(1, 4):
    add(f"turned-{turn}.avif", scene, 3, *avif, "-y", "444", "--irot", str(turn), "--min", "5", "--max", "10", "SRC", "DST")
for axis in range(2):
    add(f"mirrored-{axis}.avif", scene, 3, *avif, "-y", "444", "--imir", str(axis), "--min", "5", "--max", "10", "SRC", "DST")
add("444.heic", scene, 3, "heif-enc", "-p", "chroma=444", "-q", "95", "-o", "DST", "SRC")
add("420.heic", scene, 30, "heif-enc", "-q", "95", "-o", "DST", "SRC")
add("alpha.heic", alpha, 3, "heif-enc", "-p", "chroma=444", "-q", "95", "-o", "DST", "SRC")
golden.write("heif")
