#!/usr/bin/env python3
"""Writes orientation.tar.gz: tiny pictures that state an orientation in every way
that people have met, and orientation.json: the orientation that Pillow reads in
each, and what becomes of a picture with an odd margin in each of the eight. Run
it here; needs pillow and numpy."""
import gzip, io, json, struct, tarfile, zlib
import numpy as np
from PIL import Image, ImageOps

TYPES = {"BYTE": (1, "B"), "SHORT": (3, "H"), "LONG": (4, "I"), "SBYTE": (6, "b"), "SSHORT": (8, "h"), "SLONG": (9, "i")}


def tiff(order, kind, value, count=1):
    number, code = TYPES[kind]
    c = {"II": "<", "MM": ">"}[order]
    body = struct.pack(c + code, value).ljust(4, b"\0")
    return order.encode() + struct.pack(c + "HIHHHI", 42, 8, 1, 0x112, number, count) + body + struct.pack(c + "I", 0)


small = Image.fromarray(np.arange(3 * 2 * 3, dtype=np.uint8).reshape(2, 3, 3) * 13)


def encoded(fmt, **kw):
    b = io.BytesIO()
    small.save(b, fmt, **kw)
    return b.getvalue()


def segment(body):
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def jpeg(*bodies, between=b""):
    d = encoded("JPEG", quality=50, subsampling=0)
    return d[:20] + b"".join(between + segment(b) for b in bodies) + d[20:]  # behind JFIF's segment


def png(*chunks, behind=False):
    d = encoded("PNG")
    at = len(d) - 12 if behind else 33
    return d[:at] + b"".join(chunk(k, b) for k, b in chunks) + d[at:]


def webp(*chunks):
    d = encoded("WEBP", lossless=True)
    flags = sum({b"EXIF": 8, b"XMP ": 4}[k] for k, _ in chunks)
    body = b"WEBPVP8X" + struct.pack("<IIHBHB", 10, flags, 2, 0, 1, 0) + d[12:]
    for k, b in chunks:
        body += k + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tif(order, kind, value, xmp=b""):
    """An uncompressed 3x2 picture."""
    c = {"II": "<", "MM": ">"}[order]
    fields = [(256, "SHORT", 3), (257, "SHORT", 2), (258, "SHORT", 8), (259, "SHORT", 1), (262, "SHORT", 1),
              (273, "LONG", 8), (277, "SHORT", 1), (278, "SHORT", 2), (279, "LONG", 6)]
    if kind:
        fields.append((274, kind, value))
    data = bytes(range(0, 240, 40))
    head = order.encode() + struct.pack(c + "HI", 42, 8 + len(data) + len(xmp)) + data + xmp
    entries = b""
    for tag, k, v in sorted(fields):
        entries += struct.pack(c + "HHI", tag, TYPES[k][0], 1) + struct.pack(c + TYPES[k][1], v).ljust(4, b"\0")
    if xmp:
        fields.append(None)
        entries += struct.pack(c + "HHII", 700, 1, len(xmp), 8 + len(data))
    return head + struct.pack(c + "H", len(fields)) + entries + struct.pack(c + "I", 0)


def raw(name, profile):
    return f"\n{name}\n{len(profile):8}\n".encode() + profile.hex().encode() + b"\n"


EXIF = b"Exif\0\0"
XAP = b"http://ns.adobe.com/xap/1.0/\0"
ATTRIBUTE = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
ELEMENT = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>'

files = {}
o = 0
for order in ("II", "MM"):
    for kind in TYPES:
        o = o % 8 + 1
        t = tiff(order, kind, o)
        files[f"{order}-{kind}.jpg"] = jpeg(EXIF + t)
        files[f"{order}-{kind}.png"] = png((b"eXIf", t))
        files[f"{order}-{kind}.webp"] = webp((b"EXIF", t))
        files[f"{order}-{kind}.tif"] = tif(order, kind, o)
for o in range(1, 9):
    t = tiff("MM", "SHORT", o)
    files[f"exif-{o}.jpg"] = jpeg(EXIF + t)
    files[f"exif-{o}.png"] = png((b"eXIf", t))
    files[f"exif-{o}.webp"] = webp((b"EXIF", t))
    files[f"exif-{o}.tif"] = tif("MM", "SHORT", o)
    files[f"profile-{o}.png"] = png((b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw("exif", EXIF + t))))
    for name, form in (("attribute", ATTRIBUTE), ("element", ELEMENT)):
        files[f"xmp-{name}-{o}.jpg"] = jpeg(XAP + form % o)
        files[f"xmp-{name}-{o}.png"] = png((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + form % o))
        files[f"xmp-{name}-{o}.webp"] = webp((b"XMP ", form % o))
        files[f"xmp-{name}-{o}.tif"] = tif("II", None, 0, form % o)
six, three, none = tiff("II", "SHORT", 6), tiff("II", "SHORT", 3), b"II*\0\x08\0\0\0\0\0\0\0\0\0"
files.update({
    "stray-bytes.jpg": jpeg(EXIF + six, between=b"stray"),
    "fill-bytes.jpg": jpeg(EXIF + six, between=b"\xff\xff"),
    "first-of-two.jpg": jpeg(EXIF + six, EXIF + three),
    "empty-segment-first.jpg": jpeg(EXIF, EXIF + six),
    "nothing.jpg": jpeg(),
    "value-0.jpg": jpeg(EXIF + tiff("II", "SHORT", 0)),
    "value-9.jpg": jpeg(EXIF + tiff("II", "SHORT", 9)),
    "two-values.jpg": jpeg(EXIF + tiff("II", "SHORT", 6, count=2)),
    "exif-before-xmp.jpg": jpeg(XAP + ATTRIBUTE % 3, EXIF + six),
    "xmp-where-exif-has-none.jpg": jpeg(EXIF + none, XAP + ATTRIBUTE % 3),
    "xmp-where-exif-is-0.jpg": jpeg(EXIF + tiff("II", "SHORT", 0), XAP + ATTRIBUTE % 3),
    "behind-the-image.png": png((b"eXIf", six), behind=True),
    "header.png": png((b"eXIf", EXIF + six)),
    "profile-text.png": png((b"tEXt", b"Raw profile type exif\0" + raw("exif", EXIF + six))),
    "profile-bare.png": png((b"tEXt", b"Raw profile type exif\0" + raw("exif", six))),
    "profile-international.png": png((b"iTXt", b"Raw profile type exif\0\0\0\0\0" + raw("exif", EXIF + six))),
    "profile-international-compressed.png": png((b"iTXt", b"Raw profile type exif\0\x01\0en\0x\0" + zlib.compress(raw("exif", EXIF + six)))),
    "chunk-before-profile.png": png((b"tEXt", b"Raw profile type exif\0" + raw("exif", three)), (b"eXIf", six)),
    "header.webp": webp((b"EXIF", EXIF + six)),
    "header-twice.webp": webp((b"EXIF", EXIF + EXIF + six)),
    "exif-before-xmp.webp": webp((b"EXIF", six), (b"XMP ", ATTRIBUTE % 3)),
    "tag-before-xmp.tif": tif("MM", "SHORT", 6, ATTRIBUTE % 3),
})
# Pillow doesn't read these; exiftool does, and they can mean one thing only.
others = {
    "profile-app1.png": (png((b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(raw("generic", EXIF + six)))), 6),
    "profile-app1-xmp.png": (png((b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(raw("generic", XAP + ATTRIBUTE % 6)))), 6),
    "profile-xmp.png": (png((b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(raw("xmp", ATTRIBUTE % 6)))), 6),
    "xmp-spaced.jpg": (jpeg(XAP + b"<rdf:Description tiff:Orientation = '6'/>"), 6),
    # Pillow puts both segments together, finds the first one's directory and stops.
    "segment-without-tag-first.jpg": (jpeg(EXIF + none, EXIF + six), 6),
}
want = {}
with gzip.GzipFile("orientation.tar.gz", "wb", mtime=0) as g, tarfile.open(fileobj=g, mode="w") as tar:
    for name, data in sorted(files.items()) + sorted((n, d) for n, (d, _) in others.items()):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        im = Image.open(io.BytesIO(data))
        if im.format != "TIFF":  # which loading turns
            im.load()
        stated = im.getexif().get(0x112, 1)
        if isinstance(stated, bytes):  # of type BYTE, which Pillow reads and doesn't apply
            stated = stated[0]
        if name in others:
            assert stated != others[name][1], name
            stated = others[name][1]
        want[name] = stated if 1 <= stated <= 8 else 1


def square(im, size):
    """torchvision's Resize and CenterCrop."""
    w, h = im.size
    w, h = (size, int(size * h / w)) if w <= h else (int(size * w / h), size)
    x, y = round((w - size) / 2), round((h - size) / 2)
    return im.resize((w, h), Image.BICUBIC).crop((x, y, x + size, y + size))


pixels = []
for w, h, size in ((31, 20, 8), (20, 31, 8), (17, 8, 8), (8, 13, 8)):
    y, x = np.mgrid[0:h, 0:w].astype(float)
    rgb = np.stack([255 * x / w, 255 * y / h, 127 + 120 * np.sin(x + y / 2)], 2)
    rgb[h // 4 : h // 2, w // 3 : w // 2] = (230, 40, 30)
    im = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
    for o in range(1, 9):
        turned = im.copy()
        turned.getexif()[0x112] = o
        b = io.BytesIO()
        turned.save(b, "PNG", exif=turned.getexif())
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(b.getvalue())))
        pixels.append({"name": f"{w}x{h}, orientation {o}", "file": b.getvalue().hex(), "square": square(upright, size).tobytes().hex()})
with open("orientation.json", "w") as f:
    json.dump({"orientation": want, "pixels": pixels}, f, indent=0)
    f.write("\n")
