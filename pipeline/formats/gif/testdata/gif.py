#!/usr/bin/env python3
"""Writes gif.tar.gz: small GIF files of every geometry and kind of first frame, and
their pixels as Pillow reads them. Run it here; needs pillow and numpy."""
import struct, sys
import numpy as np

sys.path.append("../../internal/golden")
from golden import Golden

golden = Golden()
y, x = np.mgrid[0:9, 0:13]


def lzw(pixels, literal, plain=False):
    """plain: no strings, clear codes instead"""
    clear, out, acc, have = 1 << literal, bytearray(), 0, 0

    def put(code, width):
        nonlocal acc, have
        acc |= code << have
        have += width
        while have >= 8:
            out.append(acc & 255)
            acc >>= 8
            have -= 8

    table, width, s = {(i,): i for i in range(clear)}, literal + 1, ()
    put(clear, width)
    n = clear + 2
    since = 0
    for p in map(int, pixels.reshape(-1)):
        if plain:
            if since == clear - 2:
                put(clear, width)
                since = 0
            put(p, width)
            since += 1
            continue
        if s + (p,) in table:
            s += (p,)
            continue
        put(table[s], width)
        if n < 4096:
            table[s + (p,)] = n
            if n == 1 << width and width < 12:
                width += 1
            n += 1
        s = (p,)
    if s:
        put(table[s], width)
        if n == 1 << width and width < 12:
            width += 1
    put(clear + 1, width)
    if have:
        out.append(acc & 255)
    blocks = b"".join(bytes([len(out[i : i + 255])]) + bytes(out[i : i + 255]) for i in range(0, len(out), 255))
    return bytes([literal]) + blocks + b"\0"


def palette(n, seed=0):
    return bytes((i * (7, 5, 3)[c] + 90 * c + seed) % 256 for i in range(n) for c in range(3))


def frame(pixels, at=(0, 0), literal=4, local=b"", interlaced=False, transparent=None, disposal=0, plain=False, before=b""):
    h, w = pixels.shape
    out = before
    if transparent is not None or disposal:
        out += b"!\xf9\x04" + struct.pack("<BHBB", disposal << 2 | (transparent is not None), 10, transparent or 0, 0)
    flags = (0x80 | (len(local) // 3 - 1).bit_length() - 1 if local else 0) | (0x40 if interlaced else 0)
    if interlaced:
        order = [r for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for r in range(first, h, step)]
        pixels = pixels[order]
    return out + b"," + struct.pack("<HHHHB", *at, w, h, flags) + local + lzw(pixels, literal, plain)


def gif(screen, *frames, colours=palette(16), background=0, version=b"GIF89a"):
    flags = 0x80 | (len(colours) // 3 - 1).bit_length() - 1 if colours else 0
    return version + struct.pack("<HHBBB", *screen, flags, background, 0) + colours + b"".join(frames) + b";"


ramp = (x + 3 * y) % 16
small = ramp[:5, :7]
for t in (None, 0, 5):
    for disposal in range(4):
        for background in (0, 3):
            golden.add(f"placed-transparent-{t}-disposal-{disposal}-background-{background}.gif", gif((20, 15), frame(small, (6, 4), transparent=t, disposal=disposal), background=background))
    golden.add(f"covering-transparent-{t}.gif", gif((13, 9), frame(ramp, transparent=t)))
    golden.add(f"local-palette-transparent-{t}.gif", gif((20, 15), frame(small, (6, 4), transparent=t, local=palette(16, 50))))
    golden.add(f"then-another-transparent-{t}.gif", gif((20, 15), frame(small, (6, 4), transparent=t, disposal=2), frame(small[::-1], (1, 1), local=palette(16, 99))))
golden.add("beyond-the-screen.gif", gif((8, 8), frame(ramp, (4, 3))))
golden.add("screen-of-nothing.gif", gif((0, 0), frame(ramp)))
golden.add("interlaced.gif", gif((13, 9), frame(ramp, interlaced=True)))
golden.add("interlaced-placed.gif", gif((20, 15), frame(small, (6, 4), interlaced=True)))
for rows in range(1, 9):
    golden.add(f"interlaced-{rows}-rows.gif", gif((13, rows), frame(ramp[:rows], interlaced=True)))
golden.add("87a.gif", gif((13, 9), frame(ramp), version=b"GIF87a"))
golden.add("blocks-before.gif", gif((13, 9), frame(ramp, before=b"!\xfe\x03abc\x02de\x00!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0!\x01\x01a\0")))
golden.add("no-palette.gif", gif((13, 9), frame((x * 19 + y) % 256, literal=8), colours=b""))
golden.add("short-palette.gif", gif((13, 9), frame((x * 19 + y) % 256, literal=8), colours=palette(8)))
for literal in range(1, 12):
    n = min(2**literal, 256)
    pixels = (x * 19 + 31 * y) % n
    data = gif((13, 9), frame(pixels, literal=literal, plain=literal > 8), colours=palette(max(2, n)))
    if literal > 1:
        golden.add(f"literal-{literal}.gif", data)
    else:  # Pillow's codes don't grow in time; giflib's do
        golden.add(f"literal-{literal}.gif", data, np.frombuffer(palette(2), np.uint8).reshape(-1, 3)[pixels], pillow=False)
noise = np.random.default_rng(1).integers(0, 16, (60, 90))
golden.add("full-table.gif", gif((90, 60), frame(noise)))  # more strings than codes
flat = np.zeros((30, 50), int)
golden.add("codes-of-themselves.gif", gif((50, 30), frame(flat)))
golden.write("gif")
