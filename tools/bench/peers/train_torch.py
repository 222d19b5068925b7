"""Trains the two-tower AlexNet with PyTorch on the CPU, on random data in memory.

Prints one JSON object: {"peer", "torch", "batch", "threads", "train_images_per_s",
"infer_images_per_s", "runs"}. The net is the one that train-alexnet calls
alexnet: grouped convolutions, LRN per tower, overlapping pooling, dropout. LRN is
PyTorch's own, or with --lrn conv the faster form: a banded 1x1 convolution over
the squares. The optimiser is PyTorch's SGD with the paper's constants.
"""
import argparse
import json
import time
from statistics import median

import torch
from torch import nn
import torch.nn.functional as F


class LRN(nn.Module):
    def __init__(self, maps, towers, form):
        super().__init__()
        self.form, self.towers = form, towers
        own = maps // towers
        index = torch.arange(own)
        band = ((index[:, None] - index[None, :]).abs() <= 2).float() * (1e-4 / 5)
        self.register_buffer("band", band.repeat(towers, 1)[:, :, None, None])
        self.register_buffer("k", torch.full((maps,), 2.0))

    def forward(self, x):
        if self.form == "own":
            parts = [F.local_response_norm(t, 5, alpha=1e-4, beta=0.75, k=2.0) for t in x.chunk(self.towers, 1)]
            return torch.cat(parts, 1)
        s = F.conv2d(x * x, self.band, self.k, groups=self.towers)
        r = s.rsqrt()
        return x * (r * r.sqrt())  # s ** -0.75


def alexnet(classes, lrn):
    conv = lambda i, o, k, g=1, **kw: [nn.Conv2d(i, o, k, groups=g, **kw), nn.ReLU(inplace=True)]
    return nn.Sequential(
        *conv(3, 96, 11, stride=4, padding=2), LRN(96, 2, lrn), nn.MaxPool2d(3, 2),
        *conv(96, 256, 5, 2, padding=2), LRN(256, 2, lrn), nn.MaxPool2d(3, 2),
        *conv(256, 384, 3, padding=1), *conv(384, 384, 3, 2, padding=1),
        *conv(384, 256, 3, 2, padding=1), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(9216, 4096), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(4096, classes),
    )


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--classes", type=int, default=1000)
    p.add_argument("--lrn", choices=["own", "conv"], default="conv")
    p.add_argument("--channels-last", action="store_true")
    p.add_argument("--compile", action="store_true")
    p.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="bf16 is autocast: fp32 weights, products of bf16")
    p.add_argument("--threads", type=int, default=0)
    a = p.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    net = alexnet(a.classes, a.lrn)
    x, y = torch.randn(a.batch, 3, 224, 224), torch.randint(a.classes, (a.batch,))
    if a.channels_last:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    run = torch.compile(net) if a.compile else net
    sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, foreach=True)

    cast = lambda: torch.autocast("cpu", torch.bfloat16, enabled=a.precision == "bf16")

    def train():
        sgd.zero_grad(set_to_none=True)
        with cast():
            loss = F.cross_entropy(run(x), y)
        loss.backward()
        sgd.step()

    def infer():
        with torch.inference_mode(), cast():
            run(x)

    seconds, cpu_rates = {}, {}
    for name, mode, step in (("train", True, train), ("infer", False, infer)):
        net.train(mode)
        step()  # warm-up: allocation, compilation, choice of algorithms
        seconds[name], cpu = [], time.process_time()
        for _ in range(a.steps):
            t = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - t)
        cpu_rates[name] = a.batch * a.steps / (time.process_time() - cpu)
    label = f"torch lrn={a.lrn}" + (" bf16" if a.precision == "bf16" else "") + (" channels_last" if a.channels_last else "") + (" compile" if a.compile else "")
    print(json.dumps({
        "peer": label, "torch": torch.__version__, "batch": a.batch, "threads": torch.get_num_threads(),
        "train_images_per_s": a.batch / median(seconds["train"]), "infer_images_per_s": a.batch / median(seconds["infer"]),
        "train_images_per_cpu_s": cpu_rates["train"], "infer_images_per_cpu_s": cpu_rates["infer"],
        "runs": {name: sorted(a.batch / s for s in of) for name, of in seconds.items()},
    }))


if __name__ == "__main__":
    main()
