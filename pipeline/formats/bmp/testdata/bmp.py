#!/usr/bin/env python3
"""Writes bmp.tar.gz and icon.tar.gz: small BMP, icon and cursor files of every kind,
and their pixels as Pillow reads them, or, where Pillow doesn't read a kind, as the
array that was written. Run it here; needs pillow and numpy."""
import io, struct, sys
import numpy as np
from PIL import Image

sys.path.append("../../internal/golden")
from golden import Golden

golden, icons = Golden(), Golden()
W, H = 13, 7
y, x = np.mgrid[0:H, 0:W]
RGB = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 37 + y * 11) % 256], 2).astype(np.uint8)
INDEX = (x + 5 * y + x * y) % 256
TABLE = np.array([((i * 7) % 256, (i * 5 + 90) % 256, (i * 3 + 180) % 256) for i in range(256)], np.uint8)


def rows(a, bits, down):
    """An array of samples of a pixel, packed."""
    out = b""
    for row in a if down else a[::-1]:
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        line = int(text + "0" * (-len(text) % 8), 2).to_bytes((len(text) + 7) // 8, "big") if bits <= 8 else b"".join(int(v).to_bytes(bits // 8, "little") for v in row)
        out += line + b"\0" * (-len(line) % 4)
    return out


def bmp(bits, pixels, header=40, compression=0, colours=b"", used=0, masks=(), down=False, size=(W, H), file=True, gap=0):
    w, h = size
    if header == 12:
        head = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", header, w, -h if down else h, 1, bits, compression, len(pixels), 0, 0, used, 0)
        head = (head + struct.pack(f"<{len(masks)}I", *masks)).ljust(header, b"\0") if header >= 52 else head[:header]
    extra = struct.pack(f"<{len(masks)}I", *masks) if masks and header < 52 else b""
    body = head + extra + colours + b"\0" * gap
    if not file:
        return body + pixels
    return b"BM" + struct.pack("<IHHI", 14 + len(body) + len(pixels), 0, 0, 14 + len(body)) + body + pixels


def table(n, size=4):
    return b"".join(bytes(TABLE[i][::-1]) + b"\0" * (size - 3) for i in range(n))


pack24 = RGB[:, :, 0].astype(int) << 16 | RGB[:, :, 1].astype(int) << 8 | RGB[:, :, 2]
for down in (False, True):
    way = "-top-down" if down else ""
    for bits in (1, 2, 4, 8):
        v = INDEX % (1 << bits)
        for header in (12, 40, 108, 124) if not down else (40,):
            golden.add(f"{bits}-bits-header-{header}{way}.bmp", bmp(bits, rows(v, bits, down), header, colours=table(1 << bits, 3 if header == 12 else 4), down=down), TABLE[v], pillow=bits != 2)
    for header in (12, 16, 40, 52, 56, 64, 108, 124) if not down else (40,):
        golden.add(f"24-bits-header-{header}{way}.bmp", bmp(24, rows(pack24, 24, down), header, down=down), RGB, pillow=header != 16)
    golden.add(f"32-bits{way}.bmp", bmp(32, rows(pack24 | 0x77000000, 32, down), down=down), RGB)
    five = (RGB >> 3).astype(int)
    v555 = five[:, :, 0] << 10 | five[:, :, 1] << 5 | five[:, :, 2]
    v565 = five[:, :, 0] << 11 | (RGB[:, :, 1].astype(int) >> 2) << 5 | five[:, :, 2]
    want565 = np.stack([five[:, :, 0] * 255 // 31, (RGB[:, :, 1].astype(int) >> 2) * 255 // 63, five[:, :, 2] * 255 // 31], 2)
    golden.add(f"555{way}.bmp", bmp(16, rows(v555, 16, down), down=down), five * 255 // 31)
    golden.add(f"555-fields{way}.bmp", bmp(16, rows(v555, 16, down), compression=3, masks=(0x7C00, 0x3E0, 0x1F), down=down), five * 255 // 31)
    golden.add(f"565-fields{way}.bmp", bmp(16, rows(v565, 16, down), compression=3, masks=(0xF800, 0x7E0, 0x1F), down=down), want565)
golden.add("444-fields.bmp", bmp(16, rows((RGB >> 4).astype(int) @ [256, 16, 1], 16, False), compression=3, masks=(0xF00, 0xF0, 0xF)), (RGB >> 4) * 17, pillow=False)
golden.add("565-fields-header-56.bmp", bmp(16, rows(v565, 16, False), 56, compression=3, masks=(0xF800, 0x7E0, 0x1F, 0)), want565)
turned = RGB[:, :, 0].astype(int) << 24 | RGB[:, :, 1].astype(int) << 16 | RGB[:, :, 2].astype(int) << 8
golden.add("32-fields-turned.bmp", bmp(32, rows(turned, 32, False), 108, compression=3, masks=(0xFF000000, 0xFF0000, 0xFF00, 0)), RGB)
golden.add("32-fields-alpha.bmp", bmp(32, rows(pack24 | 0x55000000, 32, False), 124, compression=3, masks=(0xFF0000, 0xFF00, 0xFF, 0xFF000000)), RGB, pillow=False)
ten = RGB.astype(int) << 2 | 1
golden.add("32-fields-of-10-bits.bmp", bmp(32, rows(ten @ [1 << 20, 1 << 10, 1], 32, False), compression=3, masks=(0x3FF00000, 0xFFC00, 0x3FF)), ten * 255 // 1023, pillow=False)
v = INDEX % 20
golden.add("short-palette.bmp", bmp(8, rows(v, 8, False), colours=table(20), used=20), TABLE[v])
wrong = bytearray(bmp(8, rows(INDEX, 8, False), colours=table(256)))
wrong[10:14] = struct.pack("<I", 54)  # as if there were no palette
golden.add("offset-of-the-palette.bmp", bytes(wrong), TABLE[INDEX])
golden.add("gap-before-pixels.bmp", bmp(24, rows(pack24, 24, False), gap=10), RGB)


def rle(a, bits, absolute):
    """Encoded runs, or pixels as they are, in rows from the bottom."""
    out = b""
    for row in a[::-1]:
        i = 0
        while i < len(row):
            n = 1
            while i + n < len(row) and row[i + n] == row[i] and n < 255:
                n += 1
            if absolute and len(row) - i >= 4 and n == 1:
                n = len(row) - i
                data = bytes(row[i:].tolist()) if bits == 8 else bytes(int(p) << 4 | int(q) for p, q in zip(row[i::2], list(row[i + 1 :: 2]) + [0]))
                out += bytes([0, n]) + data + b"\0" * (len(data) % 2)
            else:
                out += bytes([n, int(row[i]) * (1 if bits == 8 else 17)])
            i += n
        out += b"\0\0"
    return out + b"\0\1"


for bits, compression in ((8, 1), (4, 2)):
    v = np.where(y % 3 == 0, 5, np.where(x < 6, 3, INDEX)) % (1 << bits)
    for absolute in (False, True):
        golden.add(f"rle{bits}{'-absolute' if absolute else ''}.bmp", bmp(bits, rle(v, bits, absolute), compression=compression, colours=table(1 << bits)), TABLE[v], pillow=not (bits == 4 and absolute))  # Pillow takes half a byte too few
    v = np.zeros((H, W), int)  # from the bottom: 4 pixels, a move by (3, 2), 5 pixels, the end
    v[H - 1, :4], v[H - 3, 7:12] = 6, 9
    data = bytes([4, 6 if bits == 8 else 0x66, 0, 2, 3, 2, 5, 9 if bits == 8 else 0x99, 0, 1])
    golden.add(f"rle{bits}-move.bmp", bmp(bits, data, compression=compression, colours=table(1 << bits)), TABLE[v], pillow=False)  # Pillow wants all pixels
golden.write("bmp")


def icon(*pictures, kind=1):
    out, at = struct.pack("<HHH", 0, kind, len(pictures)), 6 + 16 * len(pictures)
    for (w, h), bits, data in pictures:
        place = (1, bits) if kind == 1 else (2, 3)
        out += struct.pack("<BBBBHHII", w % 256, h % 256, 0, 0, *place, len(data), at)
        at += len(data)
    return out + b"".join(d for _, _, d in pictures)


def png(a):
    b = io.BytesIO()
    Image.fromarray(a).save(b, "PNG")
    return b.getvalue()


def dib(bits, pixels, colours=b"", a=RGB):
    h, w = a.shape[:2]
    mask = rows((np.mgrid[0:h, 0:w][1] > w // 2).astype(int), 1, False)
    return bmp(bits, pixels, colours=colours, size=(w, 2 * h), file=False) + mask


def twos(a):
    return a[:, :, 0].astype(int) << 16 | a[:, :, 1].astype(int) << 8 | a[:, :, 2]


small = RGB[:3, :5]
for bits, data in ((1, dib(1, rows(INDEX % 2, 1, False), table(2))), (4, dib(4, rows(INDEX % 16, 4, False), table(16))), (8, dib(8, rows(INDEX, 8, False), table(256))), (24, dib(24, rows(pack24, 24, False))), (32, dib(32, rows(pack24 | 0x99000000, 32, False)))):
    pixels = RGB if bits > 8 else TABLE[INDEX % (1 << bits)]
    icons.add(f"{bits}-bits.ico", icon(((W, H), bits, data)), pixels)
    icons.add(f"{bits}-bits-and-smaller.ico", icon(((5, 3), bits, dib(24, rows(twos(small), 24, False), a=small)), ((W, H), bits, data)), pixels)
icons.add("png.ico", icon(((W, H), 32, png(np.dstack([RGB, INDEX.astype(np.uint8)])))), RGB)
icons.add("png-and-smaller.ico", icon(((W, H), 32, png(RGB)), ((5, 3), 32, dib(24, rows(twos(small), 24, False), a=small))), RGB)
icons.add("fewest-bits-of-a-size.ico", icon(((W, H), 32, png(RGB)), ((W, H), 8, dib(8, rows(INDEX, 8, False), table(256)))))
big = np.full((256, 256, 3), 70, np.uint8)
icons.add("256-pixels.ico", icon(((W, H), 32, png(RGB)), ((256, 256), 32, png(big))), big)
icons.add("24-bits.cur", icon(((W, H), 24, dib(24, rows(pack24, 24, False))), kind=2), RGB)
icons.add("two.cur", icon(((5, 3), 24, dib(24, rows(twos(small), 24, False), a=small)), ((W, H), 24, dib(24, rows(pack24, 24, False))), kind=2), RGB)
icons.write("icon")
