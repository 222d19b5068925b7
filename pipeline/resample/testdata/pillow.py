"""Writes pillow.json: a picture by formula, resized by Pillow. Run: python3 pillow.py > pillow.json"""
import json
import numpy as np
import PIL
from PIL import Image

W, H = 61, 47
y, x, c = np.mgrid[0:H, 0:W, 0:3]
rgb = ((x * x * 7 + y * 13 * c + x * y * 3 + 85 * c) % 256).astype(np.uint8)
cases = []
for name, f in ("linear", Image.BILINEAR), ("catmull-rom", Image.BICUBIC), ("lanczos", Image.LANCZOS):
    for w, h, box in (
        (9, 7, (0, 0, W, H)),
        (13, 13, (7, 0, 54, 47)),
        (8, 8, (10.25, 3.5, 33.75, 40.125)),
        (11, 5, (3, 4, 7, 6)),
        (20, 2, (0, 0, 1, 47)),
    ):
        out = Image.fromarray(rgb).resize((w, h), f, box=box, reducing_gap=None)
        cases.append({"filter": name, "width": w, "height": h, "box": box, "rgb": np.asarray(out).tobytes().hex()})
print(json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=0))
