"""Writes sets of two classes with the libraries and tools that people make archives with.

archives.py DIR writes each form to a folder of its own, and DIR/expected.json: for each, the
argument for the source ("in"), the split, and the pictures that it has to give, as
[class, sha256 of the file]. Needs Pillow; forms whose library or tool isn't here are left out.
"""
import hashlib, importlib, io, json, os, shutil, subprocess, sys, tarfile

from PIL import Image

root = sys.argv[1]
expected = {}


def have(module):
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def picture(n):
    out = io.BytesIO()
    Image.new("RGB", (16, 12), (n * 37 % 256, n * 91 % 256, 128)).save(out, "JPEG")
    return out.getvalue()


def expect(name, path, pictures, split="train"):
    expected[name] = {"in": path, "split": split, "pictures": sorted([c, hashlib.sha256(p).hexdigest()] for c, p in pictures)}


pictures = [(("cat", "dog")[n % 2], n, picture(n)) for n in range(10)]
labelled = [(c, p) for c, n, p in pictures]
numbered = [(str(("cat", "dog").index(c)), p) for c, n, p in pictures]

# Class folders, and tars of them in every format and compression of Python's tarfile.
folders = os.path.join(root, "folders")
for split, part in (("train", pictures[:6]), ("test", pictures[6:])):
    for c, n, p in part:
        os.makedirs(f"{folders}/pets/{split}/{c}", exist_ok=True)
        # Longer than 100 bytes: PAX and GNU write it in a header of its own, ustar divides it.
        with open(f"{folders}/pets/{split}/{c}/{'ä' * 15}{n}{'x' * 55}.jpg", "wb") as f:
            f.write(p)
train = labelled[:6]
expect("folders", f"{folders}/pets", train)
for form in ("USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"):
    for mode, end in (("w", ".tar"), ("w:gz", ".tar.gz"), ("w:bz2", ".tar.bz2")):
        path = f"{root}/pets-{form[:3].lower()}{end}"
        with tarfile.open(path, mode, format=getattr(tarfile, form)) as t:
            t.add(f"{folders}/pets", "pets")
        expect(os.path.basename(path), path, train)
path = shutil.make_archive(f"{root}/made", "gztar", folders)
expect("shutil", path, train)
for tool, end in (("zstd", ".zst"), ("gzip", ".gz"), ("bzip2", ".bz2")):
    if shutil.which(tool):
        for form in ("gnu", "pax", "ustar"):
            path = f"{root}/tool-{form}.tar{end}"
            subprocess.run(f"tar --format={form} -C {folders} -cf - pets | {tool} -c > {path}", shell=True, check=True)
            expect(f"tar {form} | {tool}", path, train)

# WebDataset by its own writers.
wds = have("webdataset")
if wds:
    for name, kind, options in (("plain", ".tar", {}), ("packed", ".tar.gz", {"compress": True})):
        folder = f"{root}/wds-{name}"
        os.makedirs(folder)
        with wds.ShardWriter(f"{folder}/set-%06d{kind}", maxcount=3, verbose=0, **options) as w:
            for c, n, p in pictures:
                w.write({"__key__": f"{n:06d}", "jpg": p, "cls": ("cat", "dog").index(c), "json": {"note": "ä"}})
        expect(f"webdataset {name}", folder, numbered)
    path = f"{root}/names.tar"
    with wds.TarWriter(path) as w:
        for c, n, p in pictures:
            w.write({"__key__": f"d/{n:06d}", "jpg": p, "json": {"label": c}})
    expect("webdataset json", path, labelled)

# Lists as Hugging Face's imagefolder has them, and as pandas and Excel write them.
lists = f"{root}/lists"
os.makedirs(f"{lists}/data")
rows = []
for c, n, p in pictures:
    with open(f"{lists}/data/{n}.jpg", "wb") as f:
        f.write(p)
    rows.append((f"data/{n}.jpg", c))
with open(f"{lists}/metadata.jsonl", "w") as f:
    f.writelines(json.dumps({"file_name": p, "label": c, "caption": "a pet"}) + "\n" for p, c in rows)
expect("metadata.jsonl", f"{lists}/metadata.jsonl", labelled)
text = "".join(f"{n},{p},{c}\n" for n, (p, c) in enumerate(rows))
for name, encoding, head in (("pandas", "utf-8", ",file_name,label\n"), ("utf-8-sig", "utf-8-sig", "id,file_name,label\n"), ("utf-16", "utf-16", "id,file_name,label\n")):
    with open(f"{lists}/{name}.csv", "w", encoding=encoding, newline="\r\n") as f:
        f.write(head + text)
    expect(name, f"{lists}/{name}.csv", labelled)

# The archives of Hugging Face's copy of ImageNet: flat, with the class in the name.
flat = f"{root}/val_images.tar.gz"
with tarfile.open(flat, "w:gz") as t:
    for c, n, p in pictures:
        info = tarfile.TarInfo(f"ILSVRC2012_val_{n + 1:08d}_{'n01440764' if c == 'cat' else 'n02102040'}.JPEG")
        info.size = len(p)
        t.addfile(info, io.BytesIO(p))
expect("Hugging Face's val_images", flat, [("n01440764" if c == "cat" else "n02102040", p) for c, p in labelled], "val")

with open(f"{root}/expected.json", "w") as f:
    json.dump(expected, f)
