"""The examples, two steps each, as a user runs them. One whose library isn't installed is skipped."""
import importlib.util
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from conftest import run

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"


def needs(library):
    return pytest.mark.skipif(importlib.util.find_spec(library) is None, reason=f"{library} isn't installed")


@pytest.fixture(scope="module")
def large(shards, tmp_path_factory):
    """Shards of 256x256, which the nets' crops of 224 want."""
    folder = tmp_path_factory.mktemp("large")
    run("prep-imagenet", "shard", "--in", shards / "pictures" / "train", "--out", folder, "--limit", 32, "--json")
    return folder


def example(name, *args):
    env = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    return subprocess.Popen([sys.executable, str(EXAMPLES / name), *map(str, args)], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


@needs("torch")
def test_train_alexnet(large, pca, tmp_path):
    """Two steps, then a run that goes on from them to the epoch's end, validates, and ends with Ctrl-C behind a step."""
    import torch
    arguments = [large, "--pca", pca, "--batch", 8, "--save", tmp_path / "a.pt"]
    assert "step 2: loss" in finish(example("train_alexnet.py", *arguments, "--steps", 2))
    process = example("train_alexnet.py", *arguments, "--val", large, "--resume", tmp_path / "a.pt", "--epochs", 1000)
    while "epoch 1: validation error" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    process.send_signal(signal.SIGINT)
    assert "saving" in finish(process)
    state = torch.load(tmp_path / "a.pt")
    (tmp_path / "a.pt").unlink()  # half a gigabyte
    assert state["step"] >= 4 and state["step"] == 4 * state["loader"]["epoch"] + state["loader"]["step"]  # no batch is lost
    assert all(v.isfinite().all() for v in state["net"].values())


@needs("torchvision")
def test_resnet18(large, tmp_path):
    assert "step 2: loss" in finish(example("train_alexnet.py", large, "--net", "resnet18", "--batch", 4, "--steps", 2,
                                                  "--bf16", "--cosine", "--warmup", 1, "--threads", 1, "--save", tmp_path / "a.pt"))


@needs("jax")
def test_train_jax(large):
    losses = [float(line.split()[-1]) for line in finish(example("train_jax.py", large)).splitlines()]
    assert len(losses) == 5 and losses[4] < losses[0], losses
