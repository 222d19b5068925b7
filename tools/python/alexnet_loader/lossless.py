"""Decodes pictures of the codec lossless with numpy, written from docs/shard-format.md:

    python lossless.py PICTURE... > PIXELS

PICTURE is a file that holds one value of the column "image"; PIXELS are RGB bytes, row by row.
"""
from __future__ import annotations

import sys
import zlib
from typing import Any

import numpy as np

BLOCK = 1 << 16  # residuals in a block


def decode(data: bytes, side: int | None = None) -> np.ndarray:
    """The pixels of a picture, (size, size, 3) uint8. If side is given, the size must equal it. A ValueError says
    what is wrong with the picture."""
    try:
        return _decode(bytes(data), side)
    except IndexError as e:
        raise ValueError("damaged: it ends too early") from e


def _decode(data: bytes, side: int | None) -> np.ndarray:
    if len(data) < 7 or data[0] != 1:
        raise ValueError("damaged, or of a later version")
    if zlib.crc32(data[7:]) != int.from_bytes(data[3:7], "little"):
        raise ValueError("damaged: the CRC differs")
    size, at = data[1] | data[2] << 8, 7
    if side not in (None, size):
        raise ValueError(f"damaged: {size} pixels a side, want {side}")
    predictors, residuals, blocks = [], np.empty((3, size * size), np.uint8), []
    for plane in range(3):
        coded = np.frombuffer(data, np.uint8, (size + 3) // 4, at)
        predictors.append((coded[:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3).ravel()[:size])
        at += len(coded)
        for first in range(0, size * size, BLOCK):
            to = residuals[plane, first:first + BLOCK]
            kind = data[at]
            if kind == 0:
                to[:] = np.frombuffer(data, np.uint8, len(to), at + 1)
                at += 1 + len(to)
            elif kind == 1:
                to[:] = data[at + 1]
                at += 2
            elif kind == 2:
                n = int.from_bytes(data[at + 1:at + 3], "little")
                blocks.append((data[at + 3:at + 3 + n], to))
                at += 3 + n
            else:
                raise ValueError(f"damaged: block of unknown kind {kind}")
    if at != len(data):
        raise ValueError(f"damaged: {len(data) - at} bytes left over")
    for block, to in blocks:
        _huff0(block, to)
    g, r, b = (_unpredict(*p, size) for p in zip(residuals, predictors))
    return np.stack([r + g, g, b + g], axis=-1)


def _unpredict(residuals: np.ndarray, predictors: np.ndarray, size: int) -> np.ndarray:
    """A plane of residuals plus guesses, modulo 256. A row of predictor 0 or 2 is a running sum along the row."""
    if predictors.max() > 2:
        raise ValueError("damaged: unknown predictor")
    rows = residuals.reshape(size, size)
    sums = np.cumsum(rows, axis=1, dtype=np.uint8)
    out, above = np.empty_like(rows), np.zeros(size, np.uint8)
    for y, predictor in enumerate(predictors):
        if predictor == 0:
            np.add(sums[y], above[0], out=out[y])
        else:
            np.add(rows[y] if predictor == 1 else sums[y], above, out=out[y])
        above = out[y]
    return out


def _huff0(data: bytes, out: np.ndarray) -> None:
    """RFC 8878, 4.2: the weights of all symbols but the last, then four streams of codes."""
    head, data = data[0], data[1:]
    if head < 128:
        weights, data = _fse_weights(data[:head]), data[head:]
    else:
        n = head - 127
        weights, data = [b >> s & 15 for b in data for s in (4, 0)][:n], data[(n + 1) // 2:]
    total = sum(1 << w >> 1 for w in weights)
    depth = total.bit_length()
    weights.append(((1 << depth) - total).bit_length())
    if depth > 11 or max(weights) > depth:
        raise ValueError("damaged: codes that are too long")
    order = sorted((w, s) for s, w in enumerate(weights) if w)
    times = [1 << w - 1 for w, _ in order]
    symbols = np.repeat(np.array([s for _, s in order], np.uint8), times)
    lengths = np.repeat(np.array([depth + 1 - w for w, _ in order], np.uint8), times)
    if len(symbols) != 1 << depth:
        raise ValueError("damaged: codes that leave some out")
    ends = [6]
    for i in range(3):
        ends.append(ends[-1] + int.from_bytes(data[2 * i:2 * i + 2], "little"))
    part = (len(out) + 3) // 4
    for i, (start, end) in enumerate(zip(ends, ends[1:] + [len(data)])):
        _stream(data[start:end], symbols, lengths, depth, out[i * part:(i + 1) * part])


def _stream(data: bytes, symbols: np.ndarray, lengths: np.ndarray, depth: int, out: np.ndarray) -> None:
    """Decodes one stream. It is read from its last byte to its first, beginning after the highest set bit.

    The code that would begin at each bit is looked up for all bits at once. The real codes are then found by going from
    one to the next, eight at a time.
    """
    if not data or not data[-1]:
        raise ValueError("damaged: a stream without an end")
    bits = len(data) * 8
    first = 9 - data[-1].bit_length()
    padded = np.frombuffer(data[::-1] + bytes(4), np.uint8).astype(np.uint32)
    words = padded[:-4] << 16 | padded[1:-3] << 8 | padded[2:-2]
    codes = (words[:, None] >> (24 - depth - np.arange(8, dtype=np.uint32)) & (1 << depth) - 1).ravel()
    # Behind the last bit is a place that leads to itself.
    one = np.full(bits + 16, bits + 1, np.int32)
    one[:bits] = np.arange(bits, dtype=np.int32) + lengths[codes]
    one[bits] = bits + 1
    two = one[one]
    four = two[two]
    eight: Any = memoryview(four[four].data)
    at, places = first, []
    for _ in range((len(out) + 7) // 8):
        places.append(at)
        at = eight[at]
    p = np.array(places, np.int32)
    p = np.stack([p, four[p]], axis=1).ravel()
    p = np.stack([p, two[p]], axis=1).ravel()
    p = np.stack([p, one[p]], axis=1).ravel()[:len(out)]
    if len(p) and (p[-1] >= bits or one[p[-1]] != bits):
        raise ValueError("damaged: a stream is too short or too long")
    out[:] = symbols[codes[p]]


def _fse_weights(data: bytes) -> list[int]:
    """The Huffman weights that RFC 8878, 4.2.1.2, describes: an FSE table, then two interleaved states."""
    bits, log, at = int.from_bytes(data, "little"), (data[0] & 15) + 5, 4
    left, counts = 1 << log, []
    while left > 0:
        n = (left + 1).bit_length()
        value, low, spare = bits >> at & (1 << n) - 1, (1 << n - 1) - 1, (1 << n) - 2 - left
        short = value & low < spare
        value, at = (value & low, at + n - 1) if short else (value - spare * (value > low), at + n)
        counts.append(value - 1)
        left -= abs(value - 1)
        while value == 1:  # a count of 0 is followed by how many more there are
            more = bits >> at & 3
            counts += [0] * more
            at += 2
            if more < 3:
                break
    size, place = 1 << log, 0
    table: dict[int, int] = {}
    rare = [s for s, c in enumerate(counts) if c < 0]
    table.update((size - 1 - i, s) for i, s in enumerate(rare))
    for s, c in enumerate(counts):
        for _ in range(c):
            table[place] = s
            place = (place + (size >> 1) + (size >> 3) + 3) % size
            while place >= size - len(rare):
                place = (place + (size >> 1) + (size >> 3) + 3) % size
    seen, steps = [abs(c) for c in counts], {}
    for state in range(size):
        s = table[state]
        n = log + 1 - seen[s].bit_length()
        steps[state] = s, n, (seen[s] << n) - size
        seen[s] += 1
    stream, weights = bin(int.from_bytes(data[(at + 7) // 8:], "little"))[3:], []
    states, at = [int(stream[:log], 2), int(stream[log:2 * log], 2)], 2 * log
    while True:
        s, n, base = steps[states[0]]
        weights.append(s)
        states = [states[1], base + int("0" + stream[at:at + n].ljust(n, "0"), 2)]
        at += n
        if at > len(stream):
            return weights + [steps[states[0]][0]]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with open(name, "rb") as file:
            sys.stdout.buffer.write(decode(file.read()).tobytes())
