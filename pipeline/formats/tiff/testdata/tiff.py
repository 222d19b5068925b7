#!/usr/bin/env python3
"""Writes tiff.tar.gz: small TIFF files of every compression that is read, by
libtiff's tiffcp and by the writer below, and their pixels
as Pillow reads them, or, where Pillow doesn't read a kind or has another rule, as
the array that was written. Run it here; needs pillow, numpy and libtiff-tools."""
import io, os, struct, subprocess, sys, tempfile, zlib
import numpy as np
from PIL import Image

sys.path.append("../../internal/golden")
from golden import Golden

W, H = 13, 9
y, x = np.mgrid[0:H, 0:W]
RGB = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 37 + y * 11) % 256], 2).astype(np.uint8)
RGB[2:5, 4:9] = (250, 20, 40)
GREY = RGB[:, :, 2].copy()
BITS = ((x * x + 3 * y) // 5 % 3 == 0).astype(np.uint8)
BITS[3] = 0  # rows of one colour, and one that repeats
BITS[6] = BITS[5]
CMYK = np.dstack([255 - RGB, (x * 9 + y).astype(np.uint8)])

tmp = tempfile.mkdtemp()
golden = Golden()
add = golden.add


def plain(a, photometric, order="<", bits=8, planar=1, extra=(), form=1, colormap=None, predictor=1, compress=None, tile=None, tags=(), big=False, reverse=False, packed=None, raw=None):
    """A TIFF file of an array of h, w[, samples] in one chunk, or in tiles."""
    a = a if a.ndim == 3 else a[:, :, None]
    h, w, n = a.shape

    def store(block):
        out = b""
        for row in block:
            if packed is not None:  # bits that aren't whole bytes
                text = "".join(format(int(v), f"0{bits}b") for v in row.reshape(-1))
                text += "0" * (-len(text) % 8)
                out += int(text, 2).to_bytes(len(text) // 8, "big")
                continue
            row = row.astype(row.dtype.newbyteorder("=")).reshape(-1, block.shape[2])
            if predictor == 2:
                u = row.view(f"u{bits // 8}")
                row = np.concatenate([u[:1], (u[1:] - u[:-1])])
            if predictor == 3:
                size = bits // 8
                b = row.astype(f">f{size}").tobytes()
                b = np.frombuffer(b, np.uint8).reshape(-1, size).T.reshape(-1)
                k = block.shape[2]
                out += np.concatenate([b[:k], b[k:] - b[:-k]]).tobytes()
                continue
            out += row.astype(row.dtype.newbyteorder(order)).tobytes()
        if compress == 8:
            out = zlib.compress(out)
        return bytes(int(format(v, "08b")[::-1], 2) for v in out) if reverse else out

    # raw: the chunk as it is stored
    layers = [a] if planar == 1 else [a[:, :, i : i + 1] for i in range(n)]
    chunks = []
    for layer in layers:
        if tile is None:
            chunks.append(raw or store(layer))
            continue
        tw, th = tile
        padded = np.pad(layer, ((0, -h % th), (0, -w % tw), (0, 0)))
        for ty in range(0, h, th):
            for tx in range(0, w, tw):
                chunks.append(store(padded[ty : ty + th, tx : tx + tw]))
    size = 16 if big else 8
    data, offsets = b"", []
    for c in chunks:
        offsets.append(size + len(data))
        data += c + b"\0" * (len(c) % 2)
    fields = {256: (3, [w]), 257: (3, [h]), 258: (3, [bits] * n), 259: (3, [compress or 1]), 262: (3, [photometric]), 277: (3, [n]), 284: (3, [planar]), 339: (3, [form] * n)}
    if tile:
        fields |= {322: (3, [tile[0]]), 323: (3, [tile[1]]), 324: (4, offsets), 325: (4, [len(c) for c in chunks])}
    else:
        fields |= {273: (4, offsets), 278: (3, [h]), 279: (4, [len(c) for c in chunks])}
    if extra:
        fields[338] = (3, list(extra))
    if colormap is not None:
        fields[320] = (3, colormap)
    if predictor > 1:
        fields[317] = (3, [predictor])
    if reverse:
        fields[266] = (3, [2])
    fields |= dict(tags)
    entries = b""
    inline = 8 if big else 4
    for tag, (kind, values) in sorted(fields.items()):
        body = struct.pack(order + {3: "H", 4: "I"}[kind] * len(values), *values) if kind != 5 else struct.pack(order + "II" * len(values), *[v for p in values for v in p])
        if len(body) > inline:
            at = size + len(data)
            data += body + b"\0" * (len(body) % 2)
            body = struct.pack(order + ("Q" if big else "I"), at)
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(values)) + body.ljust(inline, b"\0")
    at = size + len(data)
    mark = b"II" if order == "<" else b"MM"
    if big:
        return mark + struct.pack(order + "HHHQ", 43, 8, 0, at) + data + struct.pack(order + "Q", len(fields)) + entries + struct.pack(order + "Q", 0)
    return mark + struct.pack(order + "HI", 42, at) + data + struct.pack(order + "H", len(fields)) + entries + struct.pack(order + "I", 0)


def tiffcp(data, *args):
    src, dst = os.path.join(tmp, "a.tif"), os.path.join(tmp, "b.tif")
    open(src, "wb").write(data)
    if os.path.exists(dst):
        os.remove(dst)
    subprocess.run(["tiffcp", *args, src, dst], check=True, capture_output=True)
    return open(dst, "rb").read()


table = [v * 257 for c in range(3) for v in [(i * (3, 5, 7)[c] + 40 * c) % 256 for i in range(256)]]
PALETTE = np.stack([np.array(table)[256 * c + GREY.astype(int)] // 257 for c in range(3)], 2)
sources = {  # name: (file, pixels, may be fax)
    "bits-black": (plain(BITS, 1, bits=1, packed=True), BITS * 255, True),
    "bits-white": (plain(BITS, 0, bits=1, packed=True), 255 - BITS * 255, True),
    "grey": (plain(GREY, 1), GREY, False),
    "grey-white": (plain(GREY, 0), 255 - GREY, False),
    "rgb": (plain(RGB, 2), RGB, False),
    "palette": (plain(GREY, 3, colormap=table), PALETTE, False),
    "cmyk": (plain(CMYK, 5), np.array(Image.fromarray(CMYK, "CMYK").convert("RGB")), False),
}
for source, (data, pixels, bilevel) in sources.items():
    for compression in ["none", "lzw", "zip", "packbits", "zstd"] + (["g3:1d", "g3:2d", "g3:1d:fill", "g3:2d:fill", "g4"] if bilevel else []):
        for order in "LB":
            for fill in ("msb2lsb", "lsb2msb")[: 1 if compression == "zstd" else 2]:
                name = f"{source}-{compression.replace(':', '-')}-{'II' if order == 'L' else 'MM'}-{fill}"
                try:
                    data2 = tiffcp(data, "-c", compression, f"-{order}", "-f", fill, "-r", "4")
                except subprocess.CalledProcessError:
                    assert compression == "zstd"
                    continue
                # Pillow has no mode for CMYK, and for uncompressed grey from white, with turned bits.
                lacks = fill == "lsb2msb" and (source == "cmyk" or source == "grey-white" and compression == "none")
                add(name + ".tif", data2, pixels, pillow=not lacks)
for source in ("grey", "rgb", "cmyk"):
    data, pixels, _ = sources[source]
    for compression in ("none", "lzw:2", "zip:2"):
        for order in "LB":
            name = f"{source}-{compression.replace(':', '-predictor-')}-{'II' if order == 'L' else 'MM'}"
            add(f"{name}-tiles.tif", tiffcp(data, "-c", compression, f"-{order}", "-t", "-w", "16", "-l", "16"), pixels)
            if source != "grey":
                add(f"{name}-planes.tif", tiffcp(data, "-c", compression, f"-{order}", "-p", "separate", "-r", "4"), pixels)
add("rgb-big.tif", tiffcp(sources["rgb"][0], "-8", "-c", "lzw"), RGB)
add("grey-jpeg.tif", tiffcp(sources["grey"][0], "-c", "jpeg:100"), GREY, 4)
add("rgb-jpeg.tif", tiffcp(sources["rgb"][0], "-c", "jpeg:r:100"), RGB, 4)
b = io.BytesIO()
Image.fromarray(RGB).save(b, "JPEG", quality=95, subsampling=0)
ycc = plain(RGB, 6, compress=7, raw=b.getvalue(), tags=[(530, (3, [1, 1]))])
add("ycbcr-jpeg.tif", ycc, np.array(Image.open(io.BytesIO(ycc)).convert("RGB")), 3)
old = plain(RGB, 6, compress=6, raw=b.getvalue(), tags=[(513, (4, [8])), (514, (4, [len(b.getvalue())])), (530, (3, [1, 1]))])
add("ycbcr-old-jpeg.tif", old, np.array(Image.open(io.BytesIO(old)).convert("RGB")), 3)
b = io.BytesIO()
Image.fromarray(255 - CMYK, "CMYK").save(b, "JPEG", quality=100)  # Pillow stores inverted inks
add("cmyk-jpeg.tif", plain(CMYK, 5, compress=7, raw=b.getvalue()), np.array(Image.fromarray(CMYK, "CMYK").convert("RGB")), 12, pillow=False)
for name in ("multi-page",):
    a, b = os.path.join(tmp, "a.tif"), os.path.join(tmp, "c.tif")
    open(a, "wb").write(sources["rgb"][0])
    open(b, "wb").write(sources["grey"][0])
    subprocess.run(["tiffcp", a, b, os.path.join(tmp, "d.tif")], check=True)
    add(f"{name}.tif", open(os.path.join(tmp, "d.tif"), "rb").read(), RGB)

for order, mark in (("<", "II"), (">", "MM")):
    A = (x * 19 % 256).astype(np.uint8)
    A[:, 3:6] = 0
    unmultiplied = np.where(A[:, :, None] == 0, 0, np.minimum(255, RGB.astype(int) * 255 // np.maximum(A, 1)[:, :, None]))
    for n, extra, pixels in ((4, (0,), RGB), (4, (1,), unmultiplied), (4, (2,), RGB), (4, (), RGB), (5, (0, 0), RGB), (5, (2, 0), RGB)):
        a = np.dstack([RGB] + [A] * (n - 3))
        add(f"rgb-{n}-samples-extra-{'-'.join(map(str, extra)) or 'unsaid'}-{mark}.tif", plain(a, 2, order, extra=extra), pixels)
    add(f"cmyk-5-samples-{mark}.tif", plain(np.dstack([CMYK, A]), 5, order, extra=(0,)), sources["cmyk"][1])
    add(f"grey-alpha-{mark}.tif", plain(np.dstack([GREY, A]), 1, order, extra=(2,)), GREY)
    for bits in (2, 4):
        v = GREY >> (8 - bits)
        add(f"grey-{bits}-bits-{mark}.tif", plain(v, 1, order, bits=bits, packed=True), v * (255 // (2**bits - 1)))
        add(f"grey-white-{bits}-bits-{mark}.tif", plain(v, 0, order, bits=bits, packed=True), 255 - v * (255 // (2**bits - 1)))
        small = [c for k in range(3) for c in table[256 * k : 256 * k + 2**bits]]
        pixels = np.stack([np.array(small)[k * 2**bits + v.astype(int)] // 257 for k in range(3)], 2)
        add(f"palette-{bits}-bits-{mark}.tif", plain(v, 3, order, bits=bits, packed=True, colormap=small), pixels)
    add(f"palette-of-bytes-{mark}.tif", plain(GREY, 3, order, colormap=[v // 257 for v in table]), PALETTE, pillow=False)  # as libtiff
    for bits in (3, 5, 6, 7):
        v = GREY >> (8 - bits)
        add(f"grey-{bits}-bits-{mark}.tif", plain(v, 1, order, bits=bits, packed=True), v.astype(int) * 255 // (2**bits - 1), pillow=False)
    for bits in (10, 12, 14):
        v = GREY.astype(int) << (bits - 8) | 3
        add(f"grey-{bits}-bits-{mark}.tif", plain(v, 1, order, bits=bits, packed=True), GREY, pillow=False)
        v = RGB.astype(int) << (bits - 8) | 3
        add(f"rgb-{bits}-bits-{mark}.tif", plain(v, 2, order, bits=bits, packed=True), RGB, pillow=False)
    deep = RGB.astype(np.uint16) << 8 | 77
    add(f"rgb-16-bits-{mark}.tif", plain(deep, 2, order, bits=16), RGB)
    add(f"rgb-16-bits-zip-predictor-2-{mark}.tif", plain(deep, 2, order, bits=16, compress=8, predictor=1), RGB)
    add(f"rgb-16-bits-planes-{mark}.tif", plain(deep, 2, order, bits=16, planar=2), RGB, pillow=False)  # Pillow takes every second byte
    add(f"rgb-16-bits-tiles-{mark}.tif", plain(deep, 2, order, bits=16, tile=(16, 16)), RGB)
    add(f"grey-16-bits-{mark}.tif", plain(deep[:, :, 2], 1, order, bits=16), GREY, pillow=False)  # Pillow limits to 255
    add(f"grey-white-16-bits-{mark}.tif", plain(deep[:, :, 2], 0, order, bits=16), 255 - GREY, pillow=False)
    add(f"grey-32-bits-{mark}.tif", plain(GREY.astype(np.uint32) << 24 | 99999, 1, order, bits=32), GREY, pillow=False)
    half = (GREY.astype(np.int16) - 64) << 7
    add(f"grey-signed-16-bits-{mark}.tif", plain(half, 1, order, bits=16, form=2), np.maximum(half, 0) >> 7, pillow=False)
    for bits, t in ((16, np.float16), (32, np.float32), (64, np.float64)):
        f = (RGB / 255).astype(t)
        add(f"rgb-float-{bits}-{mark}.tif", plain(f, 2, order, bits=bits, form=3), RGB, pillow=False)
        add(f"rgb-float-{bits}-zip-predictor-3-{mark}.tif", plain(f, 2, order, bits=bits, form=3, compress=8, predictor=3), RGB, pillow=False)
    add(f"grey-float-255-{mark}.tif", plain(GREY.astype(np.float32), 1, order, bits=32, form=3), GREY)
    strange = (GREY / 255).astype(np.float32)
    strange[0, :4] = (np.nan, -np.inf, -3, np.inf)
    pixels = GREY.copy()
    pixels[0, :4] = (0, 0, 0, 255)
    add(f"grey-float-strange-{mark}.tif", plain(strange, 1, order, bits=32, form=3), pixels, pillow=False)
    for predictor, bits, t in ((2, 16, np.uint16), (2, 32, np.uint32)):
        add(f"rgb-{bits}-bits-zip-predictor-{predictor}-{mark}.tif", plain(RGB.astype(t) << (bits - 8) | 77, 2, order, bits=bits, compress=8, predictor=2), RGB, pillow=bits == 16)
    add(f"rgb-reversed-zip-{mark}.tif", plain(RGB, 2, order, compress=8, reverse=True), RGB)
    add(f"rgb-big-{mark}.tif", plain(RGB, 2, order, big=True), RGB, pillow=order == "<")
    # Chroma of 1x1 and of 2x2 pixels, uncompressed, by other coefficients than JPEG's.
    lum, cb, cr = (np.array(Image.fromarray(RGB).convert("YCbCr"))[:, :, i] for i in range(3))
    ycc = np.dstack([lum, cb, cr])
    back = np.array(Image.fromarray(ycc, "YCbCr").convert("RGB"))
    add(f"ycbcr-{mark}.tif", plain(ycc, 6, order, tags=[(530, (3, [1, 1]))]), back, 2)
    units = np.zeros(((H + 1) // 2, (W + 1) // 2, 6), np.uint8)
    even = np.pad(ycc, ((0, 1), (0, 1), (0, 0)), "edge")
    units[:, :, 0:4] = np.stack([even[i::2, j::2, 0] for i in (0, 1) for j in (0, 1)], 2)
    units[:, :, 4:] = even[::2, ::2, 1:]
    tags = [(530, (3, [2, 2])), (256, (3, [W])), (257, (3, [H])), (277, (3, [3])), (258, (3, [8] * 3)), (278, (3, [H])), (339, (3, [1] * 3))]
    wide = np.repeat(np.repeat(units[:, :, 4:], 2, 0), 2, 1)[:H, :W]
    pixels = np.array(Image.fromarray(np.dstack([lum, wide]), "YCbCr").convert("RGB"))
    add(f"ycbcr-2x2-{mark}.tif", plain(units, 6, order, tags=tags), pixels, 2, pillow=False)
    add(f"ycbcr-2x2-zip-{mark}.tif", plain(units, 6, order, tags=tags, compress=8), pixels, 2)  # by libtiff


# G4 with a run of no pixels in the row above, which counts as a change.
def bits(text):
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


rows = ["001 00110101 0000110111 001 0111 0010 1",  # H 0 0, H 2 6, V0: 2 white, 6 black, 5 white
        "0001 001 1011 10 1"] + ["1 1 1"] * 7  # pass, H 4 3, V0: the pass ends where the run of none does
pixels = np.zeros((H, W), np.uint8)
pixels[0, 2:8] = 1
pixels[1:, 4:7] = 1
data = bits("".join(rows) + "000000000001" * 2)
golden.add("g4-run-of-none.tif", plain(pixels, 0, bits=1, compress=4, raw=data), 255 - pixels * 255)
golden.write("tiff")
