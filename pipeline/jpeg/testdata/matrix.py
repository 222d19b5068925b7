#!/usr/bin/env python3
"""Writes matrix.tgz, JPEG files of many kinds, and matrix.json: for each the size
and the MD5 of the RGB pixels that Pillow reads from it; "same as" another file,
where Pillow doesn't read it; or the kind of error that it is.

    python matrix.py

Needs Pillow, numpy and cjpeg (libjpeg-turbo-progs). The scripts and edits that make
the files are all here, so that a file can be made again one by one.
"""
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from pictures import picture

HERE = Path(__file__).parent

# All that libjpeg decodes: whole ratios to the largest, ten blocks in an MCU at most.
FACTORS = """1x1,1x1,1x1 2x1,1x1,1x1 1x2,1x1,1x1 2x2,1x1,1x1 4x1,1x1,1x1 1x4,1x1,1x1 4x2,1x1,1x1 2x4,1x1,1x1
3x1,1x1,1x1 1x3,1x1,1x1 3x2,1x1,1x1 2x3,1x1,1x1 2x2,2x1,2x1 2x2,1x2,1x2 2x2,2x1,1x2 4x1,2x1,2x1 1x4,1x2,1x2 2x3,1x3,1x1
1x1,2x2,2x2 1x1,2x1,1x2 2x1,1x2,1x2 1x2,2x1,2x1 2x2,2x2,1x1 1x1,1x1,4x1 2x1,2x1,2x1 1x2,1x2,1x2""".split()


def cjpeg(image, *options):
    with tempfile.NamedTemporaryFile(suffix=".ppm") as f:
        image.save(f.name)
        return subprocess.run(["cjpeg", *options, f.name], check=True, capture_output=True).stdout


def scans(script):
    f = tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False)
    f.write(script)
    f.close()
    return f.name


def pillow(image, **options):
    b = io.BytesIO()
    image.save(b, "JPEG", **options)
    return b.getvalue()


def segments(data):
    """The segments before the first scan's data: marker, all bytes, where they begin."""
    at = 2
    while True:
        n = int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], data[at : at + 2 + n], at
        at += 2 + n
        if data[at - 2 - n + 1] == 0xDA:
            return


def edit(data, change):
    out, end = data[:2], 0
    for marker, segment, at in segments(data):
        out += change(marker, segment)
        end = at + len(segment)
    return out + data[end:]


def patched(data, marker, offset, value):
    """Sets bytes of the first segment of a marker; offset counts behind the length."""
    done = []

    def change(m, s):
        if m == marker and not done:
            done.append(1)
            return s[: 4 + offset] + value + s[4 + offset + len(value) :]
        return s

    return edit(data, change)


def adobe(data, transform):
    """Takes JFIF away and puts an Adobe marker there."""
    return edit(data, lambda m, s: b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform]) if m == 0xE0 else s)


def ids(data, names, keep_jfif=False):
    def change(m, s):
        if m == 0xE0 and not keep_jfif:
            return b""
        if m in (0xC0, 0xC1, 0xC2):
            for i, n in enumerate(names):
                s = s[: 10 + 3 * i] + bytes([n]) + s[11 + 3 * i :]
        if m == 0xDA:
            for i, n in enumerate(names):
                s = s[: 5 + 2 * i] + bytes([n]) + s[6 + 2 * i :]
        return s

    return edit(data, change)


def main():
    odd, wide = picture(37, 29, 0.3), picture(70, 40, 0.2)
    tiny = [picture(w, h, 0.3) for w, h in [(1, 1), (2, 3), (3, 2), (5, 1), (1, 5), (17, 3)]]
    q = ["-quality", "40"]
    read = {}
    for f in FACTORS:
        name = f.replace(",", "_")
        for coding, options in {"base": [], "prog": ["-progressive"]}.items():
            for restart in ["", "1B", "1"]:
                if restart == "1" and coding == "base":
                    continue
                r = ["-restart", restart] if restart else []
                read[f"{coding}-{name}-r{restart or 0}"] = cjpeg(odd, *q, "-sample", f, *options, *r)
    for f in ["2x1,1x1,1x1", "1x2,1x1,1x1", "2x2,1x1,1x1", "4x2,1x1,1x1"]:
        for t in tiny:
            read[f"tiny-{f.replace(',', '_')}-{t.width}x{t.height}"] = cjpeg(t, *q, "-sample", f)
    separate = scans("0;\n1;\n2;\n")
    semi = scans("0;\n1 2;\n")
    deep = scans("0 1 2: 0 0 0 2;\n0: 1 9 0 2;\n2: 1 63 0 1;\n1: 1 63 0 1;\n0: 10 63 0 2;\n0: 1 63 2 1;\n0 1 2: 0 0 2 1;\n"
                 "0: 1 63 1 0;\n0 1 2: 0 0 1 0;\n1: 1 63 1 0;\n2: 1 63 1 0;\n")
    for name, options in {
        "scans-separate": ["-scans", separate], "scans-separate-r": ["-scans", separate, "-restart", "1B"],
        "scans-semi": ["-scans", semi], "scans-semi-r": ["-scans", semi, "-restart", "2B"],
        "scans-deep": ["-scans", deep], "scans-deep-r": ["-scans", deep, "-restart", "3B"],
        "optimized": ["-optimize"], "smooth": ["-smooth", "50"],
        "coarse-16-bit-tables": ["-quality", "1"], "fast-dct": ["-dct", "fast"],
    }.items():
        read[name] = cjpeg(wide, *q, *options)
    # scans-deep leaves nothing out, so that libjpeg's smoothing of blocks doesn't act.
    for name, options in {"grey": [], "grey-prog": ["-progressive"], "grey-2x2": ["-sample", "2x2"], "grey-2x2-r": ["-sample", "2x2", "-restart", "1B"],
                          "grey-3x2-prog": ["-sample", "3x2", "-progressive"]}.items():
        read[name] = cjpeg(odd, *q, "-grayscale", *options)
    base, prog, sub = cjpeg(odd, *q, "-sample", "1x1"), cjpeg(odd, *q, "-progressive"), cjpeg(odd, *q)
    rest = cjpeg(odd, *q, "-restart", "2B")
    read["plain"], read["plain-prog"], read["plain-420"], read["plain-r"] = base, prog, sub, rest
    # What a scan header says of coefficients means nothing in a sequential file.
    for a, b, c in [(0, 0, 0), (0, 255, 0), (0, 63, 16), (1, 1, 0x11), (255, 255, 255)]:
        read[f"sos-{a}-{b}-{c}"] = patched(base, 0xDA, 7, bytes([a, b, c]))
    for v in [b"\x00\x00", b"\x01\x07", b"\x02\x00", b"\xff\xff"]:
        read[f"jfif-{v.hex()}"] = patched(base, 0xE0, 5, v)
        read[f"jfif-{v.hex()}-prog"] = patched(prog, 0xE0, 5, v)
    for t in [0, 1, 2, 3, 255]:
        read[f"adobe-{t}"], read[f"adobe-{t}-prog"] = adobe(base, t), adobe(prog, t)
        read[f"jfif-and-adobe-{t}"] = edit(base, lambda m, s: s + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([t]) if m == 0xE0 else s)
    for name, n in {"rgb": b"RGB", "012": [0, 1, 2], "123": [1, 2, 3], "odd": [9, 77, 200]}.items():
        read[f"ids-{name}"], read[f"ids-{name}-420"] = ids(base, n), ids(sub, n)
    read["ids-rgb-jfif"] = ids(base, b"RGB", keep_jfif=True)
    ink = Image.fromarray(np.dstack([np.asarray(odd), np.asarray(odd)[:, ::-1, :1]]), "CMYK")
    for name, options in {"": {}, "-prog": {"progressive": True}, "-r": {"restart_marker_blocks": 2}}.items():
        data = pillow(ink, quality=50, **options)
        read[f"cmyk{name}"] = data
        read[f"cmyk-bare{name}"] = edit(data, lambda m, s: b"" if m == 0xEE else s)
        for t in [1, 2, 9]:
            read[f"ycck-{t}{name}"] = edit(data, lambda m, s: s[:-1] + bytes([t]) if m == 0xEE else s)
    # Four components of other factors: those of two colour files don't mix, so the
    # header alone is changed, and what the pixels show is of no matter.
    quad = pillow(ink.resize((32, 32)), quality=50)
    read["cmyk-32"] = quad
    read["trailing"] = base + b"\0" * 9
    read["trailing-picture"] = base + prog
    read["trailing-prog"] = prog + b"junk \xff\xd8\xff"
    read["fill"] = edit(base, lambda m, s: b"\xff\xff\xff" + s)
    read["fill-prog"] = edit(prog, lambda m, s: b"\xff" + s)
    read["fill-before-end"] = base[:-2] + b"\xff\xff\xff" + base[-2:]
    read["fill-before-restart"] = rest.replace(b"\xff\xd0", b"\xff\xff\xff\xd0")
    read["junk-between"] = edit(base, lambda m, s: s + b"\x00\x00\x07")
    read["junk-before-end"] = base[:-2] + b"junk" + base[-2:]
    read["junk-before-end-prog"] = prog[:-2] + b"junk" + prog[-2:]
    read["two-jfif"] = edit(base, lambda m, s: s + s if m == 0xE0 else s)
    read["no-jfif"] = edit(sub, lambda m, s: b"" if m == 0xE0 else s)
    read["restart-at-end"] = rest[:-2] + b"\xff\xd7" + rest[-2:]
    read["no-end"] = base[:-2]
    read["half-end"] = base[:-1]
    read["exif"] = edit(base, lambda m, s: s + b"\xff\xe1\x00\x10Exif\0\0" + b"\xff\xda\xff\xc4\xff\xd9\xff\xd8" if m == 0xE0 else s)
    read["comment-with-scan"] = edit(base, lambda m, s: s + b"\xff\xfe\x00\x06\xff\xda\xff\xd9" if m == 0xE0 else s)
    read["sof1"] = base.replace(b"\xff\xc0", b"\xff\xc1", 1)

    same = {}
    rows = odd.height.to_bytes(2, "big")
    first_scan_end = base.rindex(b"\xff\xd9")
    same["height-in-dnl"] = ("plain", patched(base, 0xC0, 1, b"\0\0")[:first_scan_end] + b"\xff\xdc\x00\x04" + rows + b"\xff\xd9")
    same["no-huffman-tables"] = ("plain", edit(base, lambda m, s: b"" if m == 0xC4 else s))
    same["reserved-segments"] = ("plain", edit(base, lambda m, s: s + b"\xff\xf0\x00\x04\x00\x00\xff\xfd\x00\x02" if m == 0xE0 else s))
    same["no-end-prog"] = ("plain-prog", prog[:-2])
    for f in ["1x1,1x1,1x1", "2x2,1x1,1x1"]:  # of libjpeg-turbo only
        name = f.replace(",", "_")
        same[f"arithmetic-{name}"] = (f"base-{name}-r0", cjpeg(odd, *q, "-sample", f, "-arithmetic"))
        same[f"arithmetic-prog-{name}"] = (f"prog-{name}-r0", cjpeg(odd, *q, "-sample", f, "-arithmetic", "-progressive"))

    bad = {}
    flipped = bytearray(base)
    at = len(base) - 150
    for i in range(at, at + 12):
        if flipped[i] not in (0, 255):
            flipped[i] ^= 255
    late = bytearray(prog)
    middle = len(prog) // 2
    cut = lambda data, n: data[:n]
    sos2 = [i for i in range(len(prog)) if prog[i : i + 2] == b"\xff\xda"]
    bad["cut-half"] = ("cut", cut(base, len(base) * 2 // 3))
    bad["cut-half-prog"] = ("cut", cut(prog, middle))
    bad["cut-between-scans"] = ("cut", cut(prog, sos2[3]))
    bad["cut-in-header"] = ("cut", cut(base, 100))
    bad["cut-before-scan"] = ("cut", cut(base, base.index(b"\xff\xda")))
    bad["cut-then-end"] = ("cut", cut(base, len(base) * 2 // 3) + b"\xff\xd9")
    bad["cut-then-end-prog"] = ("cut", cut(prog, sos2[3] - 40) + b"\xff\xd9")
    bad["tables-only"] = ("cut", edit(base, lambda m, s: s if m in (0xDB, 0xC4) else b"")[: sum(len(s) for m, s, _ in segments(base) if m in (0xDB, 0xC4)) + 2] + b"\xff\xd9")
    bad["restart-missing"] = ("damaged", rest.replace(b"\xff\xd1", b"", 1))
    bad["restart-wrong"] = ("damaged", rest.replace(b"\xff\xd1", b"\xff\xd5", 1))
    bad["bits-flipped"] = ("damaged or cut", bytes(flipped))
    bad["no-quant-tables"] = ("damaged", edit(base, lambda m, s: b"" if m == 0xDB else s))
    bad["no-huffman-tables-prog"] = ("damaged", edit(prog, lambda m, s: b"" if m == 0xC4 else s))
    bad["factor-0"] = ("damaged", patched(base, 0xC0, 7, b"\x01"))
    bad["factor-5"] = ("damaged", patched(base, 0xC0, 7, b"\x51"))
    bad["two-frames"] = ("damaged", edit(base, lambda m, s: s + s if m == 0xC0 else s))
    bad["no-pixels"] = ("damaged", patched(base, 0xC0, 1, b"\0\0"))
    one = cjpeg(wide, *q, "-scans", separate)
    two = [i for i in range(len(one)) if one[i : i + 2] == b"\xff\xda"]
    bad["component-missing"] = ("damaged", one[: two[2]] + b"\xff\xd9")
    bad["bits-9"] = ("unsupported", patched(base, 0xC0, 0, b"\x09"))
    for m, name in {0xC5: "hierarchical", 0xCB: "lossless-arithmetic", 0xF7: "jpeg-ls"}.items():
        bad[f"process-{name}"] = ("unsupported", base.replace(b"\xff\xc0", bytes([0xFF, m]), 1))
    two_planes = edit(base, lambda m, s: s[:3] + b"\x0e" + s[4:9] + b"\x02" + s[10:16] if m == 0xC0 else s[:3] + b"\x0a\x02" + s[5:9] + s[-3:] if m == 0xDA else s)
    bad["two-components"] = ("unsupported", two_planes)

    table = {}
    for name, data in read.items():
        im = Image.open(io.BytesIO(data))
        try:
            rgb = im.convert("RGB")
        except OSError:
            # Pillow waits for an end that some files lack, and for nothing else.
            from PIL import ImageFile
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            rgb = Image.open(io.BytesIO(data)).convert("RGB")
            ImageFile.LOAD_TRUNCATED_IMAGES = False
            assert name in ("no-end", "half-end"), name
        table[name] = {"width": rgb.width, "height": rgb.height, "md5": hashlib.md5(rgb.tobytes()).hexdigest()}
    for name, (other, _) in same.items():
        table[name] = {**table[other], "same as": other}
    for name, (kind, _) in bad.items():
        table[name] = {"error": kind}
    (HERE / "matrix.json").write_text("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()) + "\n}\n")
    files = {**read, **{n: d for n, (_, d) in same.items()}, **{n: d for n, (_, d) in bad.items()}}
    import lzma, gzip
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name + ".jpg")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    (HERE / "matrix.tgz").write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))
    print(len(files), "files,", (HERE / "matrix.tgz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
