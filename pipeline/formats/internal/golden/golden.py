"""Goldens for package golden. Needs pillow and numpy."""
import gzip, io, json, tarfile
import numpy as np
from PIL import Image


def rgb_of(a):
    return a if a.ndim == 3 else np.repeat(a[:, :, None], 3, 2)


class Golden:
    def __init__(self):
        self.files, self.want, self.distinct = {}, {}, {}

    def add(self, name, data, pixels=None, tolerance=0, pillow=True):
        """A file, and its pixels: h, w or h, w, 3 bytes, or what Pillow reads.
        pillow: it has to read the same."""
        if pillow or pixels is None:
            got = np.array(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
            if pixels is None:
                pixels = got
            worst = abs(got - rgb_of(pixels).astype(int)).max()
            assert worst <= tolerance, (name, worst)
        pixels = rgb_of(pixels).astype(np.uint8)
        text = pixels.tobytes().hex()
        self.files[name] = data
        self.want[name] = {"width": pixels.shape[1], "height": pixels.shape[0], "tolerance": tolerance,
                           "pixels": self.distinct.setdefault(text, len(self.distinct))}

    def write(self, name):
        """NAME.tar.gz, with goldens.json in it"""
        goldens = json.dumps({"pixels": list(self.distinct), "files": self.want}, indent=0)
        with gzip.GzipFile(name + ".tar.gz", "wb", mtime=0, compresslevel=9) as g, tarfile.open(fileobj=g, mode="w") as tar:
            for entry, data in sorted(self.files.items()) + [("goldens.json", goldens.encode())]:
                info = tarfile.TarInfo(entry)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        print(len(self.files), "files")
