"""Time img2dataset's preparation of pictures: OpenCV decodes, short side 256, centre 256x256, JPEG at quality 90.

    python shard_img2dataset.py DIR WORKERS

gives the pictures in the class folders of DIR to its Resizer in WORKERS processes,
keeps nothing, and prints one JSON object: images, seconds and CPU seconds of all
pictures, without the start of Python and its imports.
"""
import importlib.util
import io
import json
import multiprocessing
import sys
import time
from importlib.metadata import distribution, version
from pathlib import Path

from shard_torchvision import cpu


def load_resizer():
    """The module by itself: the package around it wants what only downloads need."""
    path = distribution("img2dataset").locate_file("img2dataset/resizer.py")
    spec = importlib.util.spec_from_file_location("img2dataset_resizer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RESIZER = load_resizer().Resizer(256, "center_crop", False, encode_quality=90)


def prepare(path):
    encoded, *_, fault = RESIZER(io.BytesIO(path.read_bytes()))
    if fault:
        raise ValueError(f"{path}: {fault}")
    return len(encoded)


def main() -> None:
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    paths = sorted(folder.glob("*/*"))
    started, used = time.perf_counter(), cpu()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for _ in pool.imap_unordered(prepare, paths, chunksize=8):
            pass
        seconds = time.perf_counter() - started
        pool.close()
        pool.join()  # so that their CPU time counts
    json.dump({
        "peer": f"img2dataset {version('img2dataset')}, OpenCV {version('opencv-python-headless')}",
        "images": len(paths),
        "seconds": seconds,
        "cpu_seconds": cpu() - used,
    }, sys.stdout)
    print()


if __name__ == "__main__":
    main()
