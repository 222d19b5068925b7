"""Trains the two-tower AlexNet in PyTorch on our shards, by the paper's recipe.

    python train_alexnet.py shards/train --val shards/val --pca pca.json [--epochs 90] [--resume run.pt]

It saves after each epoch. Ctrl-C finishes the step and saves; --resume continues with the next batch. Under torchrun the ranks
share each epoch, and Ctrl-C doesn't save: the last epoch's file stays.
The module is the one of docs/using.md, so `train-alexnet import` reads the saved files.
"""
import argparse
import json
import math
import os
import signal
import time

import torch
from torch import nn
import torch.nn.functional as F

from alexnet_loader import Loader, normalise


class TowerNorm(nn.LocalResponseNorm):  # over neighbouring maps of the same tower
    def forward(self, x):
        n, c, h, w = x.shape
        return super().forward(x.reshape(2 * n, c // 2, h, w)).reshape(n, c, h, w)


class AlexNet(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        relu, norm, pool, drop = nn.ReLU(), TowerNorm(5, 1e-4, 0.75, 2), nn.MaxPool2d(3, 2), nn.Dropout(0.5)
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, 4, 2), relu, norm, pool,
            nn.Conv2d(96, 256, 5, 1, 2, groups=2), relu, norm, pool,
            nn.Conv2d(256, 384, 3, 1, 1), relu,
            nn.Conv2d(384, 384, 3, 1, 1, groups=2), relu,
            nn.Conv2d(384, 256, 3, 1, 1, groups=2), relu, pool)
        self.classifier = nn.Sequential(
            nn.Linear(9216, 4096), relu, drop, nn.Linear(4096, 4096), relu, drop, nn.Linear(4096, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("train")
    p.add_argument("--val")
    p.add_argument("--pca")
    p.add_argument("--net", default="alexnet", help="alexnet, or a net of torchvision such as resnet18")
    p.add_argument("--epochs", type=int, default=90)
    p.add_argument("--steps", type=int, default=0, help="stop after this many steps, 0 for no limit")
    p.add_argument("--batch", type=int, default=128, help="of all ranks")
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--cosine", action="store_true", help="a cosine to 0 over the epochs, after --warmup")
    p.add_argument("--warmup", type=int, default=0, help="steps in which the rate rises")
    p.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    p.add_argument("--compile", action="store_true", help="torch.compile")
    p.add_argument("--threads", type=int, default=0, help="threads of PyTorch on a CPU, 0 for PyTorch's choice")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--save", default="run.pt")
    p.add_argument("--resume")
    a = p.parse_args()

    world = int(os.environ.get("WORLD_SIZE", 1))
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if torch.cuda.is_available() else torch.device("cpu")
    if world > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    train = Loader(a.train, a.batch // world, noise=a.pca, seed=1 + a.seed)
    mean = 120.0
    if a.pca:
        with open(a.pca) as f:
            mean = json.load(f)["mean"]
    scale = 1 / 64  # helps small sets to start; the paper's is 1

    torch.manual_seed(a.seed)
    if a.threads:
        torch.set_num_threads(a.threads)
    if a.net == "alexnet":
        net = AlexNet(len(train.classes))
        for m in net.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(m.weight)
                nn.init.zeros_(m.bias)
    else:
        import torchvision
        net = getattr(torchvision.models, a.net)(num_classes=len(train.classes))
    net = net.to(device, memory_format=torch.channels_last)
    weights = [w for w in net.parameters() if w.dim() > 1]  # biases and norms don't decay
    others = [w for w in net.parameters() if w.dim() <= 1]
    sgd = torch.optim.SGD([{"params": weights, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0}],
                          lr=a.lr, momentum=0.9)
    step, steps = 0, a.epochs * len(train)
    if a.resume:
        state = torch.load(a.resume, map_location=device)
        net.load_state_dict(state["net"])
        sgd.load_state_dict(state["sgd"])
        train.load_state_dict(state["loader"])
        step = state["step"]
    run = nn.parallel.DistributedDataParallel(net) if world > 1 else net
    if a.compile:
        run = torch.compile(run)
    precision = torch.autocast(device.type, torch.bfloat16, enabled=a.bf16)

    def rate():
        """The learning rate of this step."""
        r = a.lr * (1 + math.cos(math.pi * step / steps)) / 2 if a.cosine else a.lr
        return min(r, a.lr * (step + 1) / a.warmup) if a.warmup else r

    def save():
        if train.rank == 0:
            print("saving", a.save, flush=True)
            torch.save({"net": net.state_dict(), "sgd": sgd.state_dict(), "loader": train.state_dict(), "step": step}, a.save)

    interrupted = False

    def interrupt(*_):
        nonlocal interrupted
        interrupted = True

    if world == 1:
        signal.signal(signal.SIGINT, interrupt)
    told, images = time.time(), 0
    while train.epoch < a.epochs:
        net.train()
        for b in train:
            b = b.to(device, non_blocking=True)
            x = normalise(b.images, b.colours, mean, scale)  # on the device, from a quarter of the bytes
            for group in sgd.param_groups:
                group["lr"] = rate()
            with precision:
                loss = F.cross_entropy(run(x).float(), b.labels)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()
            step, images = step + 1, images + world * len(b.labels)
            last = interrupted or step == a.steps
            if train.rank == 0 and (last or time.time() - told > 5):
                print(f"step {step}: loss {loss.item():.3f}, {images / (time.time() - told):.0f} images/s", flush=True)
                told, images = time.time(), 0
            if last:
                save()
                train.close()
                return
        if a.val and train.rank == 0:
            net.eval()
            wrong, n = 0, 0
            with torch.no_grad(), precision, Loader(a.val, a.batch, train=False, rank=0, world_size=1) as val:
                for b in val:
                    b = b.to(device)
                    wrong += (net(normalise(b.images, None, mean, scale)).argmax(1) != b.labels).sum().item()
                    n += len(b.labels)
            print(f"epoch {train.epoch}: validation error {wrong / n:.3f}", flush=True)
        save()


if __name__ == "__main__":
    main()
