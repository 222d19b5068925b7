"""Trains the two-tower AlexNet with PyTorch on a GPU, on random data in its memory.

Prints a line of JSON for each way that it has been measured in:
{"who", "train_images_per_s", "infer_images_per_s", "torch", "cudnn"}, the ways
that tend to be fastest first, until --seconds are over. Precision bf16 is
autocast with float32 weights, tf32 is float32 with TF32 allowed everywhere.
Memory is channels_last, cuDNN chooses by timing, SGD is the fused one. LRN is
PyTorch's own, or a sum of shifted squares, which the compiler fuses. The whole of a
step, optimiser and all, runs from one CUDA graph around the code as it is (eager
graph), or without one (eager). With --compile, which takes a minute: the graph is
around compiled code (graph), or a step runs from torch.compile's own CUDA graphs
(reduce-overhead).
"""
import argparse
import json
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F


class LRN(nn.Module):
    def __init__(self, towers, form):
        super().__init__()
        self.towers, self.form = towers, form

    def forward(self, x):
        if self.form == "own":
            parts = [F.local_response_norm(t, 5, alpha=1e-4, beta=0.75, k=2.0) for t in x.chunk(self.towers, 1)]
            return torch.cat(parts, 1)
        n, c, h, w = x.shape
        own = c // self.towers
        s = F.pad(x.float().square().view(n, self.towers, own, h, w), (0, 0, 0, 0, 2, 2))
        total = sum(s[:, :, i : i + own] for i in range(5)).reshape(n, c, h, w)
        r = (2.0 + 1e-4 / 5 * total).rsqrt()
        return (x * (r * r.sqrt())).to(x.dtype)


def alexnet(classes, lrn):
    conv = lambda i, o, k, g=1, **kw: [nn.Conv2d(i, o, k, groups=g, **kw), nn.ReLU(inplace=True)]
    return nn.Sequential(
        *conv(3, 96, 11, stride=4, padding=2), LRN(2, lrn), nn.MaxPool2d(3, 2),
        *conv(96, 256, 5, 2, padding=2), LRN(2, lrn), nn.MaxPool2d(3, 2),
        *conv(256, 384, 3, padding=1), *conv(384, 384, 3, 2, padding=1),
        *conv(384, 256, 3, 2, padding=1), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(9216, 4096), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(4096, classes),
    )


def whole_graph(step):
    """One CUDA graph of a step that has warmed up."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def rate(step, batch, steps):
    """Images a second of the median of five blocks of steps."""
    for _ in range(5):
        step()
    torch.cuda.synchronize()
    rates = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(max(1, steps // 5)):
            step()
        torch.cuda.synchronize()
        rates.append(batch * max(1, steps // 5) / (time.perf_counter() - began))
    return sorted(rates)[2]


def measure(a, lrn, mode):
    torch.manual_seed(0)
    torch._dynamo.reset()
    net = alexnet(a.classes, lrn).cuda().to(memory_format=torch.channels_last)
    x = torch.randn(a.batch, 3, 224, 224, device="cuda").to(memory_format=torch.channels_last)
    y = torch.randint(a.classes, (a.batch,), device="cuda")
    half = torch.autocast("cuda", torch.bfloat16, enabled=a.precision == "bf16", cache_enabled=mode == "reduce-overhead")
    compiled = net if mode.startswith("eager") else torch.compile(net, mode="reduce-overhead" if mode == "reduce-overhead" else None)
    sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)

    def train():
        sgd.zero_grad(set_to_none=True)
        with half:
            loss = F.cross_entropy(compiled(x), y)
        loss.backward()
        sgd.step()

    def infer():
        with torch.inference_mode(), half:
            compiled(x)

    train()
    trained = rate(train if mode in ("reduce-overhead", "eager") else whole_graph(train), a.batch, a.steps)
    print(json.dumps({"who": f"PyTorch, lrn {lrn}, {mode}", "train_images_per_s": trained,
                      "torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}), flush=True)
    if a.infer:
        net.eval()
        print(json.dumps({"who": f"PyTorch inference, lrn {lrn}, {mode}", "train_images_per_s": 0, "infer_images_per_s": rate(infer, a.batch, a.steps)}), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--precision", choices=["bf16", "tf32"], default="bf16")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--steps", type=int, default=60)
    p.add_argument("--classes", type=int, default=1000)
    p.add_argument("--seconds", type=float, default=300)
    p.add_argument("--infer", action="store_true")
    p.add_argument("--compile", action="store_true")
    a = p.parse_args()
    began = time.time()
    if not torch.cuda.is_available():
        sys.exit("PyTorch sees no GPU")
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    longest = 0.0
    ways = (("sum", "reduce-overhead"), ("sum", "graph"), ("own", "graph")) if a.compile else (("own", "eager graph"), ("sum", "eager graph"), ("own", "eager"))
    for lrn, mode in ways:
        if time.time() - began + longest > a.seconds:
            break
        at = time.time()
        try:
            measure(a, lrn, mode)
        except Exception as e:
            print(f"lrn {lrn}, {mode}: {e}", file=sys.stderr)
        longest = max(longest, time.time() - at)


if __name__ == "__main__":
    main()
