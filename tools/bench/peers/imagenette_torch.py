"""Trains alexnet-mini or alexnet with PyTorch, by the recipe of train-alexnet, on its raw shards.

    python imagenette_torch.py --train DIR --val DIR --pca pca.json --run DIR --seed 1

The peer of "train-alexnet --net alexnet-mini --init he --schedule cosine" with
the same values for --net, --batch, --lr, --warmup, --epochs and --input-scale. On
a GPU (--device cuda) pictures, crops and weights stay in its memory; --precision
bf16 is autocast with float32 weights, tf32 allows TF32. Writes DIR/metrics.jsonl with the same keys: loss and top-1 error of the validation set
after every epoch. Net, first weights (He), update rule (epsilon inside the
velocity, no decay of biases), dropout (plain, scaled at test), crops, mirrors and
colour noise are the same in distribution; the random numbers are PyTorch's own.
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F


def read_shards(folder):
    """All pictures (N, H, W, 3) and labels of MDS shards with columns image, label, name and codec raw."""
    pictures, labels = [], []
    index = json.load(open(os.path.join(folder, "index.json")))
    for shard in index["shards"]:
        data = np.fromfile(os.path.join(folder, shard["raw_data"]["basename"]), np.uint8)
        image, label, _ = shard["column_sizes"]
        side = math.isqrt(image // 3)
        offsets = data[4:4 + 4 * shard["samples"]].view("<u4")
        for at in offsets.astype(int) + 4:  # behind the length of the name
            pictures.append(data[at:at + image].reshape(side, side, 3))
            labels.append(data[at + image:at + image + label].view("<i8")[0])
    return torch.from_numpy(np.stack(pictures)), torch.tensor(np.array(labels))


class LRN(nn.Module):
    """Response normalisation per tower, as a banded 1x1 convolution over the squares, in float32:
    bfloat16 has no numbers between 2 and 2.016, where most denominators lie."""

    def __init__(self, maps, towers=2):
        super().__init__()
        i = torch.arange(maps // towers)
        band = ((i[:, None] - i[None, :]).abs() <= 2).float() * (1e-4 / 5)
        self.register_buffer("band", band.repeat(towers, 1)[:, :, None, None])
        self.register_buffer("k", torch.full((maps,), 2.0))
        self.towers = towers

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            y = x.float()
            r = F.conv2d(y * y, self.band, self.k, groups=self.towers).rsqrt()
            return (y * (r * r.sqrt())).to(x.dtype)


class Dropout(nn.Module):
    """The 2012 form: a plain mask in training, a factor of 1-rate at test."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        return x * (torch.rand_like(x) >= self.rate) if self.training else x * (1 - self.rate)


def conv(i, o, k, g=1, **kw):
    return [nn.Conv2d(i, o, k, groups=g, **kw), nn.ReLU(inplace=True)]


def alexnet(classes):
    return he(nn.Sequential(
        *conv(3, 96, 11, stride=4, padding=2), LRN(96), nn.MaxPool2d(3, 2),
        *conv(96, 256, 5, 2, padding=2), LRN(256), nn.MaxPool2d(3, 2),
        *conv(256, 384, 3, padding=1), *conv(384, 384, 3, 2, padding=1),
        *conv(384, 256, 3, 2, padding=1), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(9216, 4096), nn.ReLU(inplace=True), Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(inplace=True), Dropout(0.5),
        nn.Linear(4096, classes),
    ))


def alexnet_mini(classes):
    return he(nn.Sequential(
        *conv(3, 32, 7, stride=2, padding=3), LRN(32), nn.MaxPool2d(3, 2),
        *conv(32, 64, 5, 2, padding=2), LRN(64), nn.MaxPool2d(3, 2),
        *conv(64, 96, 3, padding=1), *conv(96, 96, 3, 2, padding=1),
        *conv(96, 64, 3, 2, padding=1), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(576, 256), nn.ReLU(inplace=True), Dropout(0.2),
        nn.Linear(256, 256), nn.ReLU(inplace=True), Dropout(0.2),
        nn.Linear(256, classes),
    ))


def he(net):
    layers = [m for m in net if isinstance(m, (nn.Conv2d, nn.Linear))]
    for m in layers:
        gain = 1 if m is layers[-1] else 2
        nn.init.normal_(m.weight, 0, math.sqrt(gain / m.weight[0].numel()))
        nn.init.zeros_(m.bias)
    return net


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "val", "pca", "run"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=0.005)
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--input-scale", type=float, default=0.02)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--net", choices=["alexnet-mini", "alexnet"], default="alexnet-mini")
    p.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    p.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = a.precision == "tf32"
    torch.backends.cudnn.benchmark = True
    momentum, decay = 0.9, 0.0005
    crop, make = (64, alexnet_mini) if a.net == "alexnet-mini" else (224, alexnet)
    device = torch.device(a.device)
    half = lambda: torch.autocast(a.device, torch.bfloat16, enabled=a.precision == "bf16")

    pictures, labels = (t.to(device) for t in read_shards(a.train))
    val_pictures, val_labels = (t.to(device) for t in read_shards(a.val))
    pca = json.load(open(a.pca))
    mean = torch.tensor(pca["mean"], dtype=torch.float32)
    axes = torch.tensor(pca["eigenvectors"]) * torch.tensor(pca["eigenvalues"])[:, None].sqrt()
    mean, axes = mean.to(device), axes.to(device)
    net = make(int(labels.max()) + 1).to(device)
    parameters = list(net.parameters())
    velocities = [torch.zeros_like(w) for w in parameters]
    decays = [decay if w.dim() > 1 else 0 for w in parameters]
    steps = len(pictures) // a.batch  # of an epoch; what is left over is left out
    os.makedirs(a.run, exist_ok=True)

    def rate(step):
        if step < a.warmup:
            return a.lr * (step + 1) / a.warmup
        return a.lr * (1 + math.cos(math.pi * (step - a.warmup) / (a.epochs * steps - a.warmup))) / 2

    def prepare(rows, offsets=None):
        """Crops (N, H, W, 3) as the net's input."""
        x = rows.float() - mean
        if offsets is not None:
            x += offsets[:, None, None, :]
        return (x * a.input_scale).permute(0, 3, 1, 2).contiguous()

    places, along = pictures.shape[1] - crop + 1, torch.arange(crop, device=device)

    def crops(chosen, y, x, flip):
        """Rectangles (N, crop, crop, 3) of pictures, some of them mirrored."""
        columns = torch.where(flip[:, None] > 0, crop - 1 - along, along) + x[:, None]
        rows = along + y[:, None]
        return pictures[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]

    with open(os.path.join(a.run, "metrics.jsonl"), "w") as out:
        for epoch in range(a.epochs):
            net.train()
            began, order = time.time(), torch.randperm(len(pictures))
            total = torch.zeros((), device=device)
            for i in range(steps):
                chosen = order[i * a.batch:(i + 1) * a.batch]
                draw = lambda n: torch.randint(n, (a.batch,)).to(device)
                chosen = chosen.to(device)
                rows = crops(chosen, draw(places), draw(places), draw(2))
                offsets = (0.1 * torch.randn(a.batch, 3)).to(device) @ axes
                with half():
                    loss = F.cross_entropy(net(prepare(rows, offsets)), labels[chosen])
                gradients = torch.autograd.grad(loss, parameters)
                total += loss.detach()
                lr = rate(epoch * steps + i)
                with torch.no_grad():
                    for w, v, g, d in zip(parameters, velocities, gradients, decays):
                        v.mul_(momentum).sub_(g, alpha=lr)
                        if d:
                            v.sub_(w, alpha=d * lr)
                        w.add_(v)
            net.eval()
            at, wrong, val_loss = (pictures.shape[1] - crop) // 2, 0, 0.0
            with torch.inference_mode(), half():
                for rows, right in zip(val_pictures.split(128), val_labels.split(128)):
                    z = net(prepare(rows[:, at:at + crop, at:at + crop]))
                    wrong += (z.argmax(1) != right).sum().item()
                    val_loss += F.cross_entropy(z, right, reduction="sum").item()
            for row in ({"split": "train", "epoch": epoch + 1, "step": (epoch + 1) * steps, "loss": total.item() / steps},
                        {"split": "val", "epoch": epoch + 1, "step": (epoch + 1) * steps, "loss": val_loss / len(val_labels),
                         "top1_error": wrong / len(val_labels), "seconds": time.time() - began}):
                print(json.dumps(row), file=out, flush=True)


if __name__ == "__main__":
    main()
