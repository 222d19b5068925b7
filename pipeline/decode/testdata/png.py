#!/usr/bin/env python3
"""Writes png.tgz, PNG files of 16x16 pixels of every type, depth and interlacing,
whole, odd and damaged, and png.json: the RGB pixels that Pillow reads from each as
an MD5, "as NAME" for a file that shows what another does and Pillow reads less
leniently than libpng, or a part of the error that it has to have.

    python png.py

Needs Pillow and numpy. A file is put together here by the letter of the standard.
"""
import gzip
import hashlib
import io
import json
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
N = 16
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind, body, crc=None):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) if crc is None else crc)


def rows(pixels, depth):
    """Rows of a pass: (h, w, samples), unfiltered, or filtered by a number that changes."""
    out, last = b"", None
    for y, row in enumerate(pixels):
        flat = row.reshape(-1)
        if depth == 16:
            line = np.frombuffer(flat.astype(">u2").tobytes(), np.uint8)
        elif depth == 8:
            line = flat.astype(np.uint8)
        else:
            bits = ((flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(-1)
            line = np.packbits(bits.astype(np.uint8))
        if y % 2 and last is not None:  # Up
            out += b"\2" + ((line.astype(int) - last) % 256).astype(np.uint8).tobytes()
        else:
            out += b"\0" + line.tobytes()
        last = line.astype(int)
    return out


def parts(kind, depth, interlaced):
    y, x = np.mgrid[0:N, 0:N]
    top = (1 << depth) - 1
    planes = [(x * 13 + y * 29) * top // 640, (x * y) * top // 225, (x * x + y) * top // 241, (255 - x * 16) * top // 255]
    n = SAMPLES[kind]
    pixels = np.stack(planes[:n] if kind != 4 else [planes[0], planes[3]], -1).clip(0, top).astype(int)
    raw = b"".join(rows(pixels[b::dy, a::dx], depth) for a, b, dx, dy in PASSES) if interlaced else rows(pixels, depth)
    palette = b""
    if kind == 3:
        palette = chunk(b"PLTE", bytes(v for i in range(1 << depth) for v in (i * 37 % 256, i * 91 % 256, 255 - i * 11 % 256)))
    return chunk(b"IHDR", struct.pack(">IIBBBBB", N, N, depth, kind, 0, 0, int(interlaced))), palette, raw


SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = chunk(b"IEND", b"")


def main():
    read, same, bad = {}, {}, {}
    for kind, depths in {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}.items():
        for depth in depths:
            for interlaced in [False, True]:
                head, palette, raw = parts(kind, depth, interlaced)
                name = f"type{kind}-{depth}{'-interlaced' if interlaced else ''}"
                data = zlib.compress(raw, 9)
                whole = SIGNATURE + head + palette + chunk(b"IDAT", data)
                read[name] = whole + END
                same[name + "-extra"] = (name, SIGNATURE + head + palette + chunk(b"IDAT", zlib.compress(raw + b"more than the pixels", 9)) + END)
                if depth == 16 or depth in (2, 4):
                    continue
                same[name + "-no-end"] = (name, whole)
                bad[name + "-short"] = ("is cut short", SIGNATURE + head + palette + chunk(b"IDAT", zlib.compress(raw[:-5], 9)) + END)
    head, _, raw = parts(2, 8, False)
    data = zlib.compress(raw, 9)
    idat = chunk(b"IDAT", data)
    text = b"Comment\0words"
    bent = zlib.crc32(b"tEXt" + text) ^ 1
    ok = "type2-8"
    half = len(data) // 2
    put = lambda *chunks: SIGNATURE + b"".join(chunks)
    same["text-crc-before"] = (ok, put(head, chunk(b"tEXt", text, bent), idat, END))
    same["text-crc-after"] = (ok, put(head, idat, chunk(b"tEXt", text, bent), END))
    same["end-crc"] = (ok, put(head, idat, chunk(b"IEND", b"", 7)))
    same["end-has-body"] = (ok, put(head, idat, chunk(b"IEND", b"body")))
    same["bytes-behind-end"] = (ok, put(head, idat, END) + b"\0\0junk" * 9)
    same["chunk-behind-end-crc"] = (ok, put(head, idat, END, chunk(b"eXIf", b"II", 5)))
    same["many-parts"] = (ok, put(head, *[chunk(b"IDAT", data[i : i + 7]) for i in range(0, len(data), 7)], END))
    same["empty-parts"] = (ok, put(head, chunk(b"IDAT", b""), chunk(b"IDAT", data[:half]), chunk(b"IDAT", b""), chunk(b"IDAT", data[half:]), chunk(b"IDAT", b""), END))
    same["parts-apart"] = (ok, put(head, chunk(b"IDAT", data[:half]), chunk(b"tEXt", text), chunk(b"IDAT", data[half:]), END))
    same["part-behind-data"] = (ok, put(head, idat, chunk(b"IDAT", b"not compressed at all"), END))
    same["bytes-behind-data"] = (ok, put(head, chunk(b"IDAT", data + b"junk"), END))
    same["adler-wrong"] = (ok, put(head, chunk(b"IDAT", data[:-4] + b"abcd"), END))
    same["adler-missing"] = (ok, put(head, chunk(b"IDAT", data[:-4]), END))
    same["cut-in-adler"] = (ok, put(head, idat)[:-6])
    same["transparency-odd"] = (ok, put(head, chunk(b"tRNS", b"\0"), idat, END))
    same["palette-unused"] = (ok, put(head, chunk(b"PLTE", b"\1\2\3"), idat, END))
    same["critical-unknown"] = (ok, put(head, chunk(b"ABCD", b"?"), idat, END))
    same["not-compressed"] = (ok, put(head, chunk(b"IDAT", zlib.compress(raw, 0)), END))
    h1, p1, r1 = parts(3, 1, False)
    d1 = chunk(b"IDAT", zlib.compress(r1))
    same["palette-long"] = ("type3-1", put(h1, chunk(b"PLTE", p1[8:-4] + b"\7\7\7" * 9), d1, END))
    same["palette-crc-of-transparency"] = ("type3-1", put(h1, p1, chunk(b"tRNS", b"\0", 3), d1, END))
    same["grey-with-palette"] = ("type0-8", put(parts(0, 8, False)[0], chunk(b"PLTE", b"\1\2\3"), chunk(b"IDAT", zlib.compress(parts(0, 8, False)[2])), END))
    for n in [20, 40, len(put(head)) + 8 + half]:
        bad[f"cut-at-{n}"] = ("is cut short", put(head, idat, END)[:n])
    bad["cut-before-data"] = ("is cut short", put(head))
    bad["cut-between-parts"] = ("is cut short", put(head, chunk(b"IDAT", data[:half])))
    same["data-crc"] = (ok, put(head, chunk(b"IDAT", data, 1), END))
    bad["data-crc-adler"] = ("a damaged PNG", put(head, chunk(b"IDAT", data[:-4] + b"abcd", 1), END))
    bad["data-crc-extra"] = ("a damaged PNG", put(head, chunk(b"IDAT", zlib.compress(raw + b"more"), 1), END))
    bad["data-missing"] = ("ends without image data", put(head, END))
    bad["data-flipped"] = ("a damaged PNG", put(head, chunk(b"IDAT", data[:half] + b"\xff\xff\xff\xff" + data[half + 4 :], zlib.crc32(b"IDAT" + data)), END))
    bad["header-crc"] = ("a damaged PNG", put(head[:-1] + b"\0", idat, END))
    bad["palette-missing"] = ("a damaged PNG", put(h1, d1, END))
    bad["palette-crc"] = ("a damaged PNG", put(h1, p1[:-1] + b"\0", d1, END))
    bad["filter-9"] = ("a damaged PNG", put(head, chunk(b"IDAT", zlib.compress(b"\x09" + raw[1:])), END))
    bad["depth-3"] = ("isn't read", put(chunk(b"IHDR", struct.pack(">IIBBBBB", N, N, 3, 0, 0, 0, 0)), idat, END))
    bad["iphone"] = ("packed for iPhones", put(chunk(b"CgBI", b"\x50\x00\x20\x02"), head, chunk(b"IDAT", data[2:]), END))

    table, files = {}, {}
    for name, data in read.items():
        im = Image.open(io.BytesIO(data))
        if im.mode.startswith("I"):  # convert("RGB") would clip instead of scale
            im = Image.fromarray((np.array(im) >> 8).astype(np.uint8))
        table[name], files[name] = hashlib.md5(im.convert("RGB").tobytes()).hexdigest(), data
    lenient = 0
    for name, (other, data) in same.items():
        try:
            im = Image.open(io.BytesIO(data))
            if im.mode.startswith("I"):
                im = Image.fromarray((np.array(im) >> 8).astype(np.uint8))
            assert hashlib.md5(im.convert("RGB").tobytes()).hexdigest() == table[other], name
        except (OSError, SyntaxError, ValueError) as e:
            lenient += 1
            print("Pillow refuses", name, e)
        table[name], files[name] = table[other], data
    for name, (error, data) in bad.items():
        table[name], files[name] = "error: " + error, data
    (HERE / "png.json").write_text("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()) + "\n}\n")
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name + ".png")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    (HERE / "png.tgz").write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))
    print(len(files), "files,", (HERE / "png.tgz").stat().st_size, "bytes;", lenient, "that Pillow refuses")


if __name__ == "__main__":
    main()
