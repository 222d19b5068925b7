"""PyTorch, fed by the loader, has the losses of train-alexnet: the same pictures, order, crops, mirror images and noise."""
import json
import pathlib
import struct

import numpy as np
import pytest

import reference
from alexnet_loader import Loader
from conftest import BUILD, run

torch = pytest.importorskip("torch")
F = torch.nn.functional
HERE = pathlib.Path(__file__).parent


def safetensors(name):
    with open(name, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__")
    return {k: np.frombuffer(data[slice(*v["data_offsets"])], "<f4").reshape(v["shape"]) for k, v in header.items()}


def forward(net, w, x, seed, step):
    """The net of a net file in training, its two towers as groups."""
    for index, layer in enumerate(net["layers"]):
        name = layer.get("name")
        if "conv" in layer:
            c = layer["conv"]
            x = F.conv2d(x, w[name + ".weight"], w[name + ".bias"], c["stride"], c["pad"], groups=2 if c.get("reads") == "own" else 1)
        elif "dense" in layer:
            x = F.linear(x.flatten(1), w[name + ".weight"].flatten(1), w[name + ".bias"])
        elif "activate" in layer:
            x = F.relu(x)
        elif "lrn" in layer:  # of each tower's maps among themselves
            n = layer["lrn"]
            x = torch.cat([F.local_response_norm(t, n["size"], n["alpha"], n["beta"], n["k"]) for t in x.chunk(2, 1)], 1)
        elif "maxpool" in layer:
            x = F.max_pool2d(x, layer["maxpool"]["kernel"], layer["maxpool"]["stride"])
        else:
            keeps = reference.dropout(seed, step, index, x.numel(), layer["dropout"]["rate"])
            x = x * torch.from_numpy(keeps).reshape(x.shape)
    return x


def train(net, first, shards, pca, dtype, *, steps, batch, rate, seed, scale):
    """The losses of the steps, by the paper's rule: v <- 0.9 v - 0.0005 e w - e g; w <- w + v."""
    momentum, decay, rate = (float(np.float32(v)) for v in (0.9, 0.0005, rate))
    w = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in first.items() if k.endswith((".weight", ".bias"))}
    velocity = {k: torch.zeros_like(v) for k, v in w.items()}
    mean, losses = torch.tensor(first["input.mean"], dtype=dtype), []
    with Loader(shards, batch, crop=net["input"]["size"], noise=pca, seed=seed) as loader:
        while len(losses) < steps:
            for b in loader:
                x = (b.images.permute(0, 3, 1, 2) + b.colours[:, :, None, None].to(dtype) - mean) * scale
                loss = F.cross_entropy(forward(net, w, x.contiguous(), seed, len(losses)), b.labels)
                grads = torch.autograd.grad(loss, list(w.values()))
                losses.append(loss.item())
                with torch.no_grad():
                    for (k, v), g in zip(w.items(), grads):
                        velocity[k].mul_(momentum).sub_(rate * ((decay if k.endswith(".weight") else 0) * v + g))
                        v.add_(velocity[k])
                if len(losses) == steps:
                    break
    return np.array(losses)


class Training:
    """A training by train-alexnet, with float32 on the CPU, that train repeats."""

    def __init__(self, folder, net, *, per_class, stored, steps, batch, rate, seed, scale):
        if not (BUILD / "train-alexnet").exists():
            pytest.fail("build the commands first: make build")
        self.options = dict(steps=steps, batch=batch, rate=rate, seed=seed, scale=scale)
        self.shards, self.pca = folder / "shards", folder / "pca.json"
        run("prep-imagenet", "sample", "--out", folder / "pictures", "--classes", 4, "--per-class", per_class)
        run("prep-imagenet", "shard", "--in", folder / "pictures" / "train", "--out", self.shards, "--size", stored, "--json")
        run("compute-pca", "--shards", self.shards, "--out", self.pca, "--json")
        recipe = ["--train", self.shards, "--pca", self.pca, "--net", net, "--init", "he", "--input-scale", scale, "--batch", batch,
                  "--devices", "cpu", "--seed", seed, "--log-every", 1]
        run("train-alexnet", *recipe, "--run", folder / "first", "--steps", 1, "--lr", "1e-30")  # the first weights, unchanged
        run("train-alexnet", *recipe, "--run", folder / "run", "--steps", steps, "--lr", rate)
        self.first = safetensors(folder / "first" / "checkpoints" / "step-000000001.safetensors")
        self.net = json.loads((folder / "run" / "run.json").read_text())["net"]
        lines = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
        self.losses = np.array([line["loss"] for line in lines if line["split"] == "train" and "loader" in line][:steps])
        torch.set_num_threads(1)  # others may use the cores: threads that wait for one another don't help

    def by_torch(self, dtype):
        return train(self.net, self.first, self.shards, self.pca, dtype, **self.options)


def test_truth(tmp_path):
    """truth.json has the losses of train-alexnet's training with every op computed in float64 from its definition
    (truth_test.go). PyTorch's float64 has them to rounding, train-alexnet's float32 to 1e-5, for a hundred steps."""
    golden = json.loads((HERE / "truth.json").read_text())
    want = np.array(golden["losses"])
    t = Training(tmp_path, HERE / "truth-net.json", steps=len(want), **{k: golden[k] for k in ("per_class", "stored", "batch", "rate", "seed", "scale")})
    exact, ours = (np.abs(x - want) / want for x in (t.by_torch(torch.float64), t.losses))
    print(f"of the definitions: PyTorch's float64 {exact.max():.1e}, train-alexnet's float32 {ours.max():.1e}")
    assert len(want) == 100 and want[-25:].mean() < 0.8 * want[:25].mean()  # it learns
    assert exact.max() < 1e-12 and ours.max() < 1e-5, (exact, ours)


def test_alexnet_mini(tmp_path):
    """The larger net, for forty steps: after them float32 and float64 may diverge in any program. If two maxima of a
    pool are within rounding of equal, each takes another one, a gradient changes by some per cent, and the trainings go apart
    by a factor of ten in ten steps."""
    t = Training(tmp_path, "alexnet-mini", per_class=30, stored=72, steps=40, batch=8, rate=0.0001, seed=5, scale=1 / 64)
    off = np.abs(t.losses - t.by_torch(torch.float64)) / t.losses
    print(f"train-alexnet's float32 is {off.max():.1e} off PyTorch's float64")
    assert len(off) == 40 and off.max() < 1e-4, off
