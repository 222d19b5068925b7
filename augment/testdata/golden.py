"""Makes golden.json: colour PCA by numpy, and the random streams by Python's
own integers. Run in this folder: python golden.py

The pixels are computed, not stored: pixel i of n is (r, g, b) with
  r = (i*i*7 + i*13) % 251,  g = (r*3 + i*5) // 4 % 256,  b = (2*r + g + i % 17) // 3 % 256
"""
import json
import math

import numpy as np

PIXELS = 5000


def pixels():
    rows = []
    for i in range(PIXELS):
        r = (i * i * 7 + i * 13) % 251
        g = (r * 3 + i * 5) // 4 % 256
        b = (2 * r + g + i % 17) // 3 % 256
        rows.append((r, g, b))
    return np.array(rows, dtype=np.float64)


def pca():
    x = pixels()
    covariance = np.cov(x, rowvar=False, bias=True)
    values, columns = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1]
    vectors = columns.T[order]
    for v in vectors:
        if v[np.argmax(np.abs(v))] < 0:
            v *= -1
    return {
        "units": "0-255",
        "pixels": PIXELS,
        "mean": x.mean(axis=0).tolist(),
        "covariance": covariance.tolist(),
        "eigenvalues": values[order].tolist(),
        "eigenvectors": vectors.tolist(),
    }


MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
DOMAIN = int.from_bytes(b"augment1", "big")


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


class Stream:
    def __init__(self, seed, epoch, sample):
        key = mix((seed + DOMAIN) & MASK)
        key = mix((key ^ epoch) + GOLDEN & MASK)
        self.state = mix((key ^ sample) + GOLDEN & MASK)

    def uint64(self):
        self.state = self.state + GOLDEN & MASK
        return mix(self.state)

    def int_n(self, n):
        while True:
            m = self.uint64() * n
            if m & MASK >= 2**64 % n:
                return m >> 64

    def float64(self):
        return (self.uint64() >> 11) * 2.0**-53

    def norm(self):
        while True:
            x, y = 2 * self.float64() - 1, 2 * self.float64() - 1
            r = x * x + y * y
            if 0 < r < 1:
                return x * math.sqrt(-2 * math.log(r) / r)


def stream(seed, epoch, sample):
    s = Stream(seed, epoch, sample)
    return {
        "seed": seed, "epoch": epoch, "sample": sample,
        "x": s.int_n(33), "y": s.int_n(33), "flip": bool(s.uint64() >> 63),
        "norm": [s.norm(), s.norm(), s.norm()],
    }


json.dump(
    {
        "pca": pca(),
        "streams": [stream(*k) for k in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (2**64 - 1, 89, 1281166), (12345, 7, 99)]],
    },
    open("golden.json", "w"),
    indent=1,
)
