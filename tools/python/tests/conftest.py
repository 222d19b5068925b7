"""Fixtures: small shards made by the commands. ALEXNET_BUILD is the folder of the commands, build otherwise."""
import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools" / "python"))
BUILD = pathlib.Path(os.environ.get("ALEXNET_BUILD", ROOT / "build")).resolve()
os.environ["ALEXNET_PREP_IMAGENET"] = str(BUILD / "prep-imagenet")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs, and their children, ignore SIGINT otherwise
for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
    os.environ.pop(name, None)


def run(command, *args):
    return subprocess.run([str(BUILD / command), *map(str, args)], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """A folder with shards of each codec, 53 pictures of 40x40 in four classes, and their pca.json."""
    if not (BUILD / "prep-imagenet").exists():
        pytest.fail("build the commands first: make build")
    folder = tmp_path_factory.mktemp("shards")
    run("prep-imagenet", "sample", "--out", folder / "pictures", "--classes", 4, "--per-class", 14, "--seed", 3)
    for codec in "lossless", "raw", "jpeg":
        run("prep-imagenet", "shard", "--in", folder / "pictures" / "train", "--out", folder / codec, "--codec", codec, "--size", 40,
            "--shard-size", "64KiB", "--limit", 53, "--json")
    run("compute-pca", "--shards", folder / "lossless", "--out", folder / "pca.json", "--json")
    return folder


@pytest.fixture(scope="session")
def lossless(shards):
    return shards / "lossless"


@pytest.fixture(scope="session")
def pca(shards):
    return shards / "pca.json"
