#!/usr/bin/env python3
"""conformance.py PREP-IMAGENET SET=FOLDER…: gives all pictures below each folder to
prep-imagenet shard, each content once, and compares with Pillow: turned upright, RGB, as
torchvision's Resize and CenterCrop. Prints a row of docs/pictures.md for each set, and before
it the files that we refuse and Pillow reads, and those that differ by more than 4 levels:
to be judged one by one. JPEG and PNG files are left out. Needs pillow and numpy."""
import hashlib, json, os, struct, subprocess, sys, tempfile, warnings
import numpy as np
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = 50_000_000
MAGIC = [b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0", b"RIFF", b"\0\0\1\0", b"\0\0\2\0", b"\xff\x0a", b"\0\0\0\x0cJXL"] + [b"P%d" % i for i in range(1, 8)]


def ours(start):
    return any(start.startswith(m) for m in MAGIC) or start[4:8] == b"ftyp" or start[:4] == b"(\0\0\0"


def pictures(folder):
    seen = set()
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(root, name)
            if os.path.islink(path) or not 0 < os.path.getsize(path) < 20 << 20:
                continue
            data = open(path, "rb").read()
            known = name.lower().endswith((".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".ico", ".cur", ".pbm", ".pgm", ".ppm", ".pam", ".avif", ".heic", ".heif", ".jxl"))
            key = hashlib.sha1(data).digest()
            if not known or not ours(data[:12]) or key in seen:
                continue
            seen.add(key)
            yield path, data


def square(path):
    im = Image.open(path)
    if im.size[0] * im.size[1] > Image.MAX_IMAGE_PIXELS:
        raise ValueError("too large to compare")
    im.load()
    if im.mode.startswith("I;16"):  # convert would limit instead of scale
        im = Image.fromarray((np.array(im) >> 8).astype(np.uint8))
    im = ImageOps.exif_transpose(im).convert("RGB")
    w, h = im.size
    w, h = (256, int(256 * h / w)) if w <= h else (int(256 * w / h), 256)
    if w * h > 100_000_000:
        raise ValueError("too large to compare")
    x, y = round((w - 256) / 2), round((h - 256) / 2)
    return np.array(im.resize((w, h), Image.BICUBIC).crop((x, y, x + 256, y + 256))).astype(int)


def stored(out):
    for shard in json.load(open(os.path.join(out, "index.json")))["shards"]:
        b = open(os.path.join(out, shard["raw_data"]["basename"]), "rb").read()
        (n,) = struct.unpack_from("<I", b)
        for at in struct.unpack_from(f"<{n}I", b, 4):
            sizes = list(shard["column_sizes"])
            for i, size in enumerate(sizes):
                if size is None:
                    sizes[i] = struct.unpack_from("<I", b, at)[0]
                    at += 4
            row = {}
            for name, size in zip(shard["column_names"], sizes):
                row[name] = b[at : at + size]
                at += size
            yield row["name"].decode(), np.frombuffer(row["image"], np.uint8).reshape(256, 256, 3).astype(int)


def run(prep, name, folder):
    with tempfile.TemporaryDirectory() as tmp:
        os.makedirs(f"{tmp}/in/a")
        Image.new("RGB", (8, 8)).save(f"{tmp}/in/a/whole.png")
        files = {}
        for i, (path, data) in enumerate(pictures(folder)):
            files[f"a/{i:05d}"] = path
            open(f"{tmp}/in/a/{i:05d}", "wb").write(data)
        done = subprocess.run([prep, "shard", "--in", f"{tmp}/in", "--out", f"{tmp}/out", "--split", "val", "--codec", "raw"], capture_output=True, text=True)
        assert done.returncode in (0, 3), done.stderr
        got = dict(stored(f"{tmp}/out"))
        reasons = {}
        if os.path.exists(f"{tmp}/out/report.jsonl"):
            for line in open(f"{tmp}/out/report.jsonl"):
                o = json.loads(line)
                reasons[o["name"]] = o["reason"] if "reason" in o else o["error"]
        alone, both, mine, levels, far = 0, 0, 0, 0, 0
        for key, path in files.items():
            try:
                want = square(path)
            except Exception as e:
                want = None
            if key not in got:
                both += want is None
                mine += want is not None
                if want is not None or "-v" in os.environ.get("CONFORMANCE", ""):
                    print("  refused:" if want is not None else "  both:", path, reasons[key])
                continue
            if want is None:
                alone += 1
                continue
            worst = abs(got[key] - want).max()
            if worst > 4:
                far += 1
                print("  differs:", path, "worst", worst, "mean", round(abs(got[key] - want).mean(), 2))
            else:
                levels = max(levels, worst)
        print(f"| {name} | {len(files)} | {len(got) - 1} | {alone} | {both} | {mine} | {levels} | {far} |", flush=True)


for arg in sys.argv[2:]:
    run(sys.argv[1], *arg.split("=", 1))
