"""Read exported tars with the webdataset package.

    python webdataset_read.py SIZE TAR...

prints one JSON object: how many samples it found, and the SHA-256 of all decoded
pixels (RGB bytes, sample after sample) and of all labels (int64, little-endian).
"""
import hashlib
import json
import sys
from importlib.metadata import version

import numpy as np
import webdataset


def main() -> int:
    size, tars = int(sys.argv[1]), sys.argv[2:]
    pixels, labels, samples = hashlib.sha256(), hashlib.sha256(), 0
    dataset = webdataset.WebDataset(tars, shardshuffle=False).decode("pil").to_tuple("jpg;png", "cls", "json")
    for picture, label, about in dataset:
        image = np.asarray(picture.convert("RGB"))
        if image.shape != (size, size, 3) or about["label"] != label:
            print(f"sample {samples}: {image.shape}, label {label}, {about}", file=sys.stderr)
            return 1
        pixels.update(image.tobytes())
        labels.update(int(label).to_bytes(8, "little", signed=True))
        samples += 1
    json.dump({
        "reader": "webdataset " + version("webdataset"),
        "samples": samples,
        "pixels": pixels.hexdigest(),
        "labels": labels.hexdigest(),
    }, sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
