#!/usr/bin/env python3
"""Writes pnm.tar.gz: small Netpbm files, and their pixels as Pillow reads them, or, where
Pillow doesn't read a kind, as the array that was written. Run it here; needs pillow
and numpy."""
import sys
import numpy as np

sys.path.append("../../internal/golden")
from golden import Golden

golden = Golden()
W, H = 13, 7
y, x = np.mgrid[0:H, 0:W]
RGB = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 37 + y * 11) % 256], 2).astype(np.uint8)
GREY, BITS = RGB[:, :, 2], (x * x + y) % 3 // 2
words = lambda a: " ".join(map(str, a.reshape(-1))).encode()
scaled = lambda a, most: np.round(a / most * 255).astype(np.uint8)

packed = b"".join(int("".join(map(str, row)).ljust(16, "0"), 2).to_bytes(2, "big") for row in BITS)
for name, head in {"": b"%s 13 7\n", "-comments": b"%s\n# a comment\n13 # one more\n7\n", "-tabs": b"%s\t13\r\n7 "}.items():
    golden.add(f"p1{name}.pbm", head % b"P1" + words(BITS), 255 - BITS * 255)
    golden.add(f"p4{name}.pbm", head % b"P4" + packed, 255 - BITS * 255)
golden.add("p1-close.pbm", b"P1 13 7\n" + words(BITS).replace(b" ", b""), 255 - BITS * 255)
golden.add("p1-comment-inside.pbm", b"P1 13 7\n" + words(BITS[:3]) + b"\n# half\n" + words(BITS[3:]), 255 - BITS * 255)
for most in (1, 7, 15, 100, 255):
    g, c = GREY.astype(int) % (most + 1), RGB.astype(int) % (most + 1)
    for kind, a, plain in ((5, g, 2), (6, c, 3)):
        ext = "pgm" if plain == 2 else "ppm"
        golden.add(f"p{kind}-{most}.{ext}", b"P%d 13 7 %d\n" % (kind, most) + a.astype(np.uint8).tobytes(), scaled(a, most))
        golden.add(f"p{plain}-{most}.{ext}", b"P%d 13 7 %d\n" % (plain, most) + words(a), scaled(a, most))
for most in (256, 1023, 65535):
    g, c = (GREY.astype(int) * 257 + 99) % (most + 1), (RGB.astype(int) * 257 + 99) % (most + 1)
    golden.add(f"p6-{most}.ppm", b"P6 13 7 %d\n" % most + c.astype(">u2").tobytes(), scaled(c, most))
    golden.add(f"p3-{most}.ppm", b"P3 13 7 %d\n" % most + words(c), scaled(c, most))
    golden.add(f"p5-{most}.pgm", b"P5 13 7 %d\n" % most + g.astype(">u2").tobytes(), scaled(g, most), pillow=False)  # Pillow limits to 255
    golden.add(f"p2-{most}.pgm", b"P2 13 7 %d\n" % most + words(g), scaled(g, most), pillow=False)
one = b"P6 13 7 255\n" + RGB.tobytes()
golden.add("two-pictures.ppm", one + b"P6 1 1 255\nabc", RGB)
for depth, kind, a in ((1, b"GRAYSCALE", GREY), (2, b"GRAYSCALE_ALPHA", np.dstack([GREY, GREY])), (3, b"RGB", RGB), (4, b"RGB_ALPHA", np.dstack([RGB, GREY]))):
    pixels = GREY if depth < 3 else RGB
    head = b"P7\n# a comment\nWIDTH 13\nHEIGHT 7\nDEPTH %d\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\n" % (depth, kind)
    golden.add(f"p7-{depth}.pam", head + a.astype(np.uint8).tobytes(), pixels, pillow=False)
golden.write("pnm")
