"""Time torchvision's usual preparation of pictures: PIL decodes, short side 256, centre 256x256.

    python shard_torchvision.py DIR WORKERS

reads the class folders of DIR with ImageFolder and a DataLoader of WORKERS
processes, keeps nothing, and prints one JSON object: images, seconds and CPU
seconds of the loop over all pictures, without the start of Python and its imports.
"""
import json
import resource
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from torchvision import datasets, transforms


def pixels(picture):
    """A picture as a uint8 tensor (256, 256, 3)."""
    return torch.from_numpy(np.array(picture))


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def main() -> None:
    folder, workers = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(256), pixels])
    dataset = datasets.ImageFolder(folder, prepare)
    started, used, images = time.perf_counter(), cpu(), 0
    loader = iter(torch.utils.data.DataLoader(dataset, batch_size=32, num_workers=workers))
    for batch, _ in loader:
        images += len(batch)
    seconds = time.perf_counter() - started
    del loader  # ends the workers, so that their CPU time counts
    json.dump({
        "peer": f"torchvision {version('torchvision')} + Pillow {version('pillow')}",
        "images": images,
        "seconds": seconds,
        "cpu_seconds": cpu() - used,
    }, sys.stdout)
    print()


if __name__ == "__main__":
    main()
