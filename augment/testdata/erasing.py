"""Makes erasing.json: what torchvision's RandomErasing covers, counted over many
pictures. Run in this folder: python erasing.py

Of each covered rectangle (height, width, top, left) the counts are those of
bin(), which erasing_test.go repeats.
"""
import json
import math

import torch
import torchvision
from torchvision.transforms import RandomErasing

PICTURES = 40_000
CASES = [
    dict(size=56, probability=0.5, area=(0.02, 0.33), ratio=(0.3, 3.3)),
    # Not symmetric, and often too large: all ten tries are in use.
    dict(size=20, probability=1.0, area=(0.3, 0.9), ratio=(1.0, 6.0)),
    dict(size=9, probability=0.8, area=(0.001, 0.3), ratio=(0.25, 0.5)),
]
FINE, COARSE = 16, 6


def bin(value, bins):
    """value lies between 0 and 1."""
    return max(0, min(bins - 1, int(value * bins)))


def count(size, probability, area, ratio):
    erase = RandomErasing(p=probability, scale=area, ratio=ratio, value=1)
    blank = torch.zeros(1, size, size)
    counts = {"left alone": [0, 0], "joint": [0] * COARSE**2, "places": [0] * COARSE**2}
    for name in ("area", "ratio", "top", "left"):
        counts[name] = [0] * FINE
    lo, hi = math.log(ratio[0]), math.log(ratio[1])
    for _ in range(PICTURES):
        covered = erase(blank)[0]
        rows, columns = covered.amax(1).nonzero(), covered.amax(0).nonzero()
        if len(rows) == 0:
            counts["left alone"][0] += 1
            continue
        counts["left alone"][1] += 1
        h, w, top, left = len(rows), len(columns), int(rows[0]), int(columns[0])
        assert covered.sum() == h * w
        a = h * w / (area[1] * size * size)
        r = (math.log(h / w) - lo) / (hi - lo)
        counts["area"][bin(a, FINE)] += 1
        counts["ratio"][bin(r, FINE)] += 1
        counts["top"][bin(top / size, FINE)] += 1
        counts["left"][bin(left / size, FINE)] += 1
        counts["joint"][bin(a, COARSE) * COARSE + bin(r, COARSE)] += 1
        counts["places"][bin(top / (size - h), COARSE) * COARSE + bin(left / (size - w), COARSE)] += 1
    return dict(size=size, probability=probability, area=area, ratio=ratio, counts=counts)


torch.manual_seed(1)
with open("erasing.json", "w") as f:
    json.dump({"torchvision": torchvision.__version__, "pictures": PICTURES, "cases": [count(**c) for c in CASES]}, f)
    f.write("\n")
