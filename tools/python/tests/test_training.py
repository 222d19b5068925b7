"""PyTorch, fed by the loader, has the losses of train-alexnet: the same pictures, order, crops, mirror images and noise."""
import json
import struct

import numpy as np
import pytest

from alexnet_loader import Loader, normalise
from conftest import BUILD, run

torch = pytest.importorskip("torch")
F = torch.nn.functional

STEPS, BATCH, RATE, SEED, SCALE = 100, 8, 0.0003, 5, 1 / 64

# train-alexnet computes in float32. Each step's rounding goes on into the next, and by the hundredth step two trainings
# in float32 are some hundredths apart whoever computes them: so PyTorch's own float32 is the measure, whose distance from
# float64 so far ours may have so many times. Over the first epoch and into the second the losses agree to EARLY; another
# picture, crop or offset in one batch moves those behind it by far more.
TIMES, EARLY, FIRST = 30, 1e-4, 30


def safetensors(name):
    with open(name, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__")
    return {k: np.frombuffer(data[slice(*v["data_offsets"])], "<f4").reshape(v["shape"]) for k, v in header.items()}


def forward(w, x):
    """alexnet-mini without dropout, its towers as groups."""
    def conv(x, name, groups=1, **geometry):
        return F.relu(F.conv2d(x, w[name + ".weight"], w[name + ".bias"], groups=groups, **geometry))

    def norm(x):  # of each tower's maps among themselves
        return torch.cat([F.local_response_norm(t, 5, 1e-4, 0.75, 2) for t in x.chunk(2, 1)], 1)

    x = F.max_pool2d(norm(conv(x, "conv1", stride=2, padding=3)), 3, 2)
    x = F.max_pool2d(norm(conv(x, "conv2", 2, padding=2)), 3, 2)
    x = conv(conv(conv(x, "conv3", padding=1), "conv4", 2, padding=1), "conv5", 2, padding=1)
    x = F.max_pool2d(x, 3, 2).flatten(1)
    for name in "fc6", "fc7":
        x = F.relu(F.linear(x, w[name + ".weight"], w[name + ".bias"]))
    return F.linear(x, w["fc8.weight"], w["fc8.bias"])


def train(first, shards, pca, dtype):
    """The losses of the steps, by the paper's rule: v <- 0.9 v - 0.0005 e w - e g; w <- w + v."""
    w = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in first.items() if k.endswith((".weight", ".bias"))}
    velocity = {k: torch.zeros_like(v) for k, v in w.items()}
    mean, losses = torch.tensor(first["input.mean"]), []
    with Loader(shards, BATCH, crop=64, noise=pca, seed=SEED) as loader:
        while len(losses) < STEPS:
            for b in loader:
                # In float32, as the engine has it: the net's input is the same to the bit.
                x = normalise(b.images, b.colours, mean, SCALE).to(dtype).contiguous()
                loss = F.cross_entropy(forward(w, x), b.labels)
                grads = torch.autograd.grad(loss, list(w.values()))
                losses.append(loss.item())
                with torch.no_grad():
                    for (k, v), g in zip(w.items(), grads):
                        decay = 0.0005 if k.endswith(".weight") else 0
                        velocity[k].mul_(0.9).sub_(RATE * (decay * v + g))
                        v.add_(velocity[k])
                if len(losses) == STEPS:
                    break
    return np.array(losses)


def test_losses(tmp_path):
    if not (BUILD / "train-alexnet").exists():
        pytest.fail("build the commands first: make build")
    run("prep-imagenet", "sample", "--out", tmp_path / "pictures", "--classes", 4, "--per-class", 30)
    run("prep-imagenet", "shard", "--in", tmp_path / "pictures" / "train", "--out", tmp_path / "shards", "--size", 72, "--json")
    run("compute-pca", "--shards", tmp_path / "shards", "--out", tmp_path / "pca.json", "--json")
    recipe = ["--train", tmp_path / "shards", "--pca", tmp_path / "pca.json", "--net", "alexnet-mini", "--without", "dropout", "--init", "he",
              "--input-scale", SCALE, "--batch", BATCH, "--devices", "cpu", "--seed", SEED, "--log-every", 1]
    run("train-alexnet", *recipe, "--run", tmp_path / "first", "--steps", 1, "--lr", "1e-30")  # the first weights, unchanged
    run("train-alexnet", *recipe, "--run", tmp_path / "run", "--steps", STEPS, "--lr", RATE)
    (checkpoint,) = (tmp_path / "first" / "checkpoints").iterdir()
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    ours = np.array([line["loss"] for line in lines if line["split"] == "train" and "loader" in line][:STEPS])
    first = safetensors(checkpoint)
    torch.set_num_threads(1)  # others may use the cores: threads that wait for one another don't help
    double = train(first, tmp_path / "shards", tmp_path / "pca.json", torch.float64)
    single = train(first, tmp_path / "shards", tmp_path / "pca.json", torch.float32)
    off, bound = (np.abs(x - double) / double for x in (ours, single))
    bound = 1e-6 + TIMES * np.maximum.accumulate(bound)
    print(f"of float64: {off[0]:.1e} at the first step, {off[:FIRST].max():.1e} up to step {FIRST}, {off.max():.1e} in all; "
          f"PyTorch's float32: {(bound[FIRST - 1] - 1e-6) / TIMES:.1e} and {(bound[-1] - 1e-6) / TIMES:.1e}")
    assert len(ours) == STEPS and double[-25:].mean() < double[:25].mean()  # it learns
    assert off[0] < 1e-6 and off[:FIRST].max() < EARLY and (off <= bound).all(), (off, bound)
