"""A reference for the loader's orders, views and noise, written from the docs and Go's comments, not from its code."""
import math

import numpy as np

MASK, GOLDEN = (1 << 64) - 1, 0x9E3779B97F4A7C15
AUGMENT, ORDER = 0x6175676D656E7431, 0x6F726465726F6631


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


class Stream:
    """SplitMix64 from a key of seed, epoch and sample."""

    def __init__(self, seed, epoch, sample):
        key = mix(seed + AUGMENT & MASK)
        key = mix((key ^ epoch) + GOLDEN & MASK)
        self.state = mix((key ^ sample) + GOLDEN & MASK)

    def bits(self):
        self.state = self.state + GOLDEN & MASK
        return mix(self.state)

    def below(self, n):
        while True:
            product = self.bits() * n
            if product & MASK >= (1 << 64) % n:
                return product >> 64

    def uniform(self):
        return (self.bits() >> 11) * 2.0 ** -53

    def norm(self):
        while True:
            x, y = 2 * self.uniform() - 1, 2 * self.uniform() - 1
            r = x * x + y * y
            if 0 < r < 1:
                return x * math.sqrt(-2 * math.log(r) / r)


def order(seed, epoch, n):
    stream, out = Stream(seed ^ ORDER, epoch, 0), [0] * n
    for i in range(n):
        j = stream.below(i + 1)
        out[i], out[j] = out[j], i
    return out


def present(picture, crop, seed, epoch, sample, flip=True, pca=None, sigma=0.1, form="sqrt-lambda"):
    """The crop of a picture in training, and its colour offset."""
    stream, places = Stream(seed, epoch, sample), len(picture) - crop + 1
    x, y, mirrored = stream.below(places), stream.below(places), stream.bits() >> 63
    out, colour = picture[y:y + crop, x:x + crop], np.zeros(3)
    if mirrored and flip:
        out = out[:, ::-1]
    if pca:
        for value, axis in zip(pca["eigenvalues"], pca["eigenvectors"]):
            spread = math.sqrt(value) if form == "sqrt-lambda" else value / 255
            colour += sigma * stream.norm() * spread * np.array(axis)
    return out, colour.astype(np.float32)


def dropout(seed, step, layer, n, rate):
    """Which of n units a layer keeps in a step: SplitMix64 read at a counter."""
    def vector(z):
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)

    key = mix(mix(mix(seed + GOLDEN & MASK) ^ step) + GOLDEN & MASK ^ layer)
    draws = vector(np.uint64(key) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(GOLDEN)) >> np.uint64(32)
    return draws >= np.uint64(int(float(np.float32(rate)) * (1 << 32)))
