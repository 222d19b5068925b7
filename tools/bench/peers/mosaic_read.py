"""Read a folder of our shards with MosaicML Streaming's own reader.

    python mosaic_read.py DIR [--hash xxh64] [--pixels FILE]

prints one JSON object: how many samples its reader found, and the SHA-256 of
all decoded pixels (RGB bytes, sample after sample), of all labels (int64,
little-endian) and of all names (UTF-8, each followed by a newline). With
--pixels the pixels are written to FILE as well. DIR is only read.

That reader hands out pictures of our codec "lossless" as bytes; they are decoded
by tools/python/alexnet_loader/lossless.py.
"""
import argparse
import hashlib
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from streaming import StreamingDataset

sys.dont_write_bytecode = True  # leave nothing in tools/python
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools" / "python" / "alexnet_loader"))
import lossless


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", help="folder with index.json")
    parser.add_argument("--hash", help="let the reader check this hash of every shard")
    parser.add_argument("--pixels", help="write the decoded pixels to this file")
    args = parser.parse_args()

    with open(f"{args.dir}/index.json", encoding="utf-8") as f:
        index = json.load(f)
    expected = sum(shard["samples"] for shard in index["shards"])
    size = index["alexnet"]["size"]

    pixels, labels, names = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    samples = 0
    with tempfile.TemporaryDirectory() as local, open(args.pixels or "/dev/null", "wb") as out:
        # As a "remote", DIR is copied shard by shard to local, unpacked there
        # if it is compressed, and its hashes are checked on the way.
        dataset = StreamingDataset(remote=args.dir, local=local, shuffle=False, batch_size=1, validate_hash=args.hash)
        for i in range(len(dataset)):
            sample = dataset[i]
            image = sample["image"]
            if isinstance(image, bytes):
                image = lossless.decode(image)
            image = np.asarray(image)  # was an array, or a PIL picture for "jpeg"
            if image.dtype != np.uint8 or image.shape != (size, size, 3):
                print(f"sample {i}: {image.dtype} {image.shape}, want {size}x{size} RGB bytes", file=sys.stderr)
                return 1
            pixels.update(image.tobytes())
            out.write(image.tobytes())
            labels.update(int(sample["label"]).to_bytes(8, "little", signed=True))
            names.update(sample["name"].encode() + b"\n")
            samples += 1
    if samples != expected:
        print(f"{samples} samples read, but the index says {expected}", file=sys.stderr)
        return 1
    json.dump({
        "reader": "mosaicml-streaming " + version("mosaicml-streaming"),
        "samples": samples,
        "pixels": pixels.hexdigest(),
        "labels": labels.hexdigest(),
        "names": names.hexdigest(),
    }, sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
