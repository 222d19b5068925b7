#!/usr/bin/env python3
"""Writes the goldens of engine/enginetest/golden_test.go with PyTorch.

    python3 make_goldens.py [net ...]        (PyTorch 2.x and numpy, CPU; minutes)

Each net of NETS is written out here layer by layer, not derived from the
engine's presets, with the two towers as grouped convolutions, response
normalisation applied to each tower's half of the maps, and the paper's update
rule. It runs ten SGD steps in float64, which is the golden, and again in
float32: the difference between the two is stored as what float32 may cost, and
is the unit of the test's tolerances. alexnet-mini-bf16 is the run of PyTorch's
bfloat16 autocast, and how far such runs are off the one in float64.

Weights, biases, pictures, mean and colour offsets come from a counter-based
hash (SplitMix64 read at an index), so that both sides make them and nothing but
results is stored. Dropout masks come from the engine's own hash.
"""
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(z):
    """SplitMix64's finaliser."""
    z = np.asarray(z, np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def key(name):
    """64-bit FNV-1a of the name."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return np.uint64(h)


def hashes(name, n):
    return mix(key(name) + np.arange(1, n + 1, dtype=np.uint64) * GOLDEN)


def normal(name, n, std, mean=0.0):
    """Nearly normal float32: the sum of four 16-bit uniforms, scaled."""
    h = hashes(name, n)
    total = sum((h >> np.uint64(s) & np.uint64(0xFFFF)).astype(np.int64) for s in (0, 16, 32, 48))
    return ((total - 131070) / 37837.22 * std + mean).astype(np.float32)


def dropout_keeps(seed, step, layer, n, rate):
    k = mix(mix(mix(np.uint64(seed) + GOLDEN) ^ np.uint64(step)) + GOLDEN ^ np.uint64(layer))
    draw = mix(k + np.arange(1, n + 1, dtype=np.uint64) * GOLDEN) >> np.uint64(32)
    return draw >= np.uint64(int(float(np.float32(rate)) * (1 << 32)))


# A net is its crop, its input scale and its layers. Conv: maps, kernel, stride,
# pad, towers that it keeps apart. Dropout: rate. Both kinds of weights: the gain g of their
# standard deviation g/√fan-in here, chosen so that activations stay between
# 0.1 and 100: pictures come as ±128, where normalisation bites, and fc6 brings
# the dense layers down.
G = math.sqrt(2)
NETS = {
    "alexnet": (224, 1.0, [
        ("conv1", 96, 11, 4, 2, 1, G), "relu", "lrn", ("pool", 3, 2),
        ("conv2", 256, 5, 1, 2, 2, G), "relu", "lrn", ("pool", 3, 2),
        ("conv3", 384, 3, 1, 1, 1, G), "relu",
        ("conv4", 384, 3, 1, 1, 2, G), "relu",
        ("conv5", 256, 3, 1, 1, 2, G), "relu", ("pool", 3, 2),
        ("fc6", 4096, G / 32), "relu", ("dropout", 0.5),
        ("fc7", 4096, G), "relu", ("dropout", 0.5),
        ("fc8", 10, G)]),
    "alexnet-145": (224, 1 / 1.1, [
        ("conv1", 96, 11, 4, 2, 1, G), "lrn", ("pool", 3, 2), "relu",
        ("conv2", 256, 5, 1, 2, 2, G), "relu", "lrn", "within", ("pool", 3, 2),
        ("conv3", 384, 3, 1, 1, 1, G), "relu",
        ("conv4", 384, 3, 1, 1, 2, G), "relu",
        ("conv5", 256, 3, 1, 1, 2, G), ("pool", 3, 2), "relu",
        ("fc6", 4096, G / 32), "relu", ("dropout", 0.5),
        ("fc7", 4096, G), "relu", ("dropout", 0.5),
        ("fc8", 10, G)]),
    "alexnet-mini": (64, 1.0, [
        ("conv1", 32, 7, 2, 3, 1, G), "relu", "lrn", ("pool", 3, 2),
        ("conv2", 64, 5, 1, 2, 2, G), "relu", "lrn", ("pool", 3, 2),
        ("conv3", 96, 3, 1, 1, 1, G), "relu",
        ("conv4", 96, 3, 1, 1, 2, G), "relu",
        ("conv5", 64, 3, 1, 1, 2, G), "relu", ("pool", 3, 2),
        ("fc6", 256, G / 32), "relu", ("dropout", 0.2),
        ("fc7", 256, G), "relu", ("dropout", 0.2),
        ("fc8", 10, G)]),
}
NETS["alexnet-mini-smoothed"] = NETS["alexnet-mini"]  # with smoothed labels
SMOOTHING = {"alexnet-mini-smoothed": 0.1}
BATCH = {"alexnet": 2, "alexnet-145": 2, "alexnet-mini": 4, "alexnet-mini-smoothed": 4}
STEPS = {"alexnet": 10, "alexnet-145": 1, "alexnet-mini": 10, "alexnet-mini-smoothed": 3}
RATE = {"alexnet": 3e-6, "alexnet-145": 3e-6, "alexnet-mini": 3e-5, "alexnet-mini-smoothed": 3e-5}
SEED = {"alexnet": 17, "alexnet-145": 17, "alexnet-mini": 17, "alexnet-mini-smoothed": 17}
DISTURBED = {"alexnet": 1, "alexnet-145": 2, "alexnet-mini": 6, "alexnet-mini-smoothed": 6}
BF16_STEPS = 3  # behind them runs of bfloat16 have little in common: each tie moves the next
MOMENTUM, DECAY, CLASSES, SAMPLES = 0.9, 0.0005, 10, 16


def parameters(layers, crop, dtype):
    """The first weights: {name: tensor that wants a gradient}."""
    params, maps, side = {}, 3, crop
    for layer in layers:
        if isinstance(layer, str) or layer[0] == "dropout":
            continue
        name, out = layer[:2]
        if name == "pool":
            side = (side - layer[1]) // layer[2] + 1
            continue
        if name.startswith("conv"):
            _, _, kernel, stride, pad, towers, gain = layer
            shape = (out, maps // towers, kernel, kernel)
            side = (side + 2 * pad - kernel) // stride + 1
        else:
            gain, shape, side = layer[2], (out, maps * side * side), 1
        fan_in = math.prod(shape[1:])
        weight = normal(name + ".weight", math.prod(shape), gain / math.sqrt(fan_in)).reshape(shape)
        bias = normal(name + ".bias", out, 0.1)
        for kind, value in (("weight", weight), ("bias", bias)):
            params[f"{name}.{kind}"] = torch.tensor(value, dtype=dtype, requires_grad=True)
        maps = out
    return params


def forward(layers, params, x, seed, step, train):
    for index, layer in enumerate(layers):
        if layer == "relu":
            x = F.relu(x)
        elif layer == "lrn":  # each tower by itself; PyTorch divides alpha by the size, as we do
            x = torch.cat([F.local_response_norm(half, 5, alpha=1e-4, beta=0.75, k=2) for half in x.chunk(2, 1)], 1)
        elif layer == "within":
            x = x / (1 + 1e-3 * F.avg_pool2d(x * x, 5, 1, 2)) ** 0.75
        elif layer[0] == "dropout":
            if train:
                keep = dropout_keeps(seed, step, index, x.numel(), layer[1])
                x = x * torch.tensor(keep.reshape(x.shape), dtype=x.dtype)
            else:
                x = x * float(1 - np.float32(layer[1]))
        elif layer[0] == "pool":
            x = F.max_pool2d(x, layer[1], layer[2])
        elif layer[0].startswith("conv"):
            name, _, _, stride, pad, towers, _ = layer
            x = F.conv2d(x, params[name + ".weight"], params[name + ".bias"], stride, pad, 1, towers)
        else:
            x = F.linear(x.flatten(1), params[layer[0] + ".weight"], params[layer[0] + ".bias"])
    return x


def positions(name, n):
    return (hashes(name + ".samples", SAMPLES) % np.uint64(n)).astype(np.int64)


def summary(name, t):
    """Sum, root mean square and some values of an array."""
    v = t.detach().double().flatten().numpy()
    return {"count": v.size, "sum": v.sum(), "rms": math.sqrt((v * v).mean()), "samples": v[positions(name, v.size)].tolist()}


def outcome(logits, labels, smoothing=0.0):
    loss = F.cross_entropy(logits.detach(), labels, reduction="none", label_smoothing=smoothing)
    log = F.log_softmax(logits.detach(), 1)
    order = log.argsort(dim=1, descending=True, stable=True)
    rank = (order == labels[:, None]).int().argmax(1)
    return {"loss": loss.tolist(), "rank": rank.tolist(), "probs": log.exp().flatten().tolist()}


def disturb(params, replica):
    """Moves every weight by about one rounding of float32."""
    noise = torch.Generator().manual_seed(replica)
    with torch.no_grad():
        for p in params.values():
            p *= 1 + 2.0**-24 * torch.randn(p.shape, generator=noise, dtype=p.dtype)


def run(net, dtype, replica=None, steps=1, autocast=False):
    seed = SEED[net]
    crop, scale, layers = NETS[net]
    smoothing = float(np.float32(SMOOTHING.get(net, 0)))
    batch, pixels = BATCH[net], crop * crop
    params = parameters(layers, crop, dtype)
    if replica is not None:
        disturb(params, replica)

    def through(x, step, train):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            y = forward(layers, params, x, seed, step, train)
        return y.float() if autocast else y

    velocity = {k: torch.zeros_like(p) for k, p in params.items()}
    mean = torch.tensor(normal("mean", 3 * pixels, 10, 120), dtype=dtype).reshape(1, 3, crop, crop)
    labels = torch.tensor((hashes(f"{seed} labels", batch) % np.uint64(CLASSES)).astype(np.int64))
    result = {"train": []}
    for step in range(steps):
        # A new set of pictures every step, the labels stay.
        image = (hashes(f"{seed} pixels {step}", batch * pixels * 3) >> np.uint64(56)).astype(np.float64)
        image = torch.tensor(image, dtype=dtype).reshape(batch, crop, crop, 3).permute(0, 3, 1, 2)
        colour = torch.tensor(normal(f"{seed} colour {step}", batch * 3, 10), dtype=dtype).reshape(batch, 3, 1, 1)
        x = (image + colour - mean) * float(np.float32(scale))
        if step == 0:
            with torch.no_grad():
                result["infer"] = outcome(through(x, step, False), labels)
        logits = through(x, step, True)
        grads = torch.autograd.grad(F.cross_entropy(logits, labels, label_smoothing=smoothing), list(params.values()))
        result["train"].append(outcome(logits, labels, smoothing))
        if step == 0:
            result["gradients"] = {k: summary(k, g) for k, g in zip(params, grads)}
        rate = float(np.float32(RATE[net]))
        with torch.no_grad():
            for (k, p), g in zip(params.items(), grads):
                decay = 0 if k.endswith("bias") else float(np.float32(DECAY))
                v = velocity[k]
                v.copy_(float(np.float32(MOMENTUM)) * v - decay * rate * p - rate * g)
                p += v
        print(f"{net} {dtype} {replica} step {step}: loss {np.mean(result['train'][-1]['loss']):.4f} "
              f"logits {logits.min():.2f} … {logits.max():.2f}", file=sys.stderr)
    result["weights"] = {k: summary(k, p) for k, p in params.items()}
    result["velocities"] = {k: summary(k, v) for k, v in velocity.items()}
    return result


def deviation(runs, golden):
    """What rounding costs: the largest difference of an outcome's losses and
    probabilities; and of an array's samples, as a share of its rms, the median,
    and the largest or what its sum and rms are off by; for the array and the
    run where it is largest."""
    def outcomes(x, y):
        return max(abs(p - q) for p, q in zip(x["loss"] + x["probs"], y["loss"] + y["probs"]))

    def samples(x, y):
        return [abs(p - q) / y["rms"] for p, q in zip(x["samples"], y["samples"])]

    def worst(x, y):
        return max(*samples(x, y), abs(x["sum"] - y["sum"]) / (y["rms"] * math.sqrt(y["count"])), abs(x["rms"] / y["rms"] - 1))

    def arrays(field, statistic):
        return max(statistic(r[field][k], golden[field][k]) for r in runs for k in golden[field])

    fields = ("gradients", "weights", "velocities")
    return {
        "infer": max(outcomes(r["infer"], golden["infer"]) for r in runs),
        "train": [max(outcomes(r["train"][i], g) for r in runs) for i, g in enumerate(golden["train"])],
        "median": {f: arrays(f, lambda x, y: np.median(samples(x, y))) for f in fields},
        "worst": {f: arrays(f, worst) for f in fields},
    }


def rounded(v):
    """Eight digits, a hundred times finer than what is compared."""
    if isinstance(v, float):
        return float(f"{v:.8g}")
    if isinstance(v, dict):
        return {k: rounded(x) for k, x in v.items()}
    return [rounded(x) for x in v] if isinstance(v, list) else v


def main():
    here = pathlib.Path(__file__).parent
    for name in sys.argv[1:] or [*NETS, "alexnet-mini-bf16"]:
        net = name.removesuffix("-bf16")
        golden = run(net, torch.float64, steps=BF16_STEPS if name != net else STEPS[net])
        if name != net:
            others = [run(net, torch.float32, i, BF16_STEPS, autocast=True) for i in (None, *range(DISTURBED[net]))]
        else:
            others = [run(net, torch.float32, steps=STEPS[net])] + [run(net, torch.float64, i, STEPS[net]) for i in range(DISTURBED[net])]
        document = {
            "net": net.removesuffix("-smoothed"), "torch": torch.__version__, "classes": CLASSES, "batch": BATCH[net], "seed": SEED[net],
            "learning_rate": RATE[net], "momentum": MOMENTUM, "decay": DECAY,
            "smoothing": SMOOTHING.get(net, 0),
            "gains": {layer[0]: layer[-1] for layer in NETS[net][2] if layer[0].startswith(("conv", "fc"))},
            "rounding": deviation(others, golden), **(golden if name == net else others[0]),
        }
        text = json.dumps(rounded(document), indent=1)
        (here / f"{name}.json").write_text(text.replace("\n    ", " ").replace("\n   ]", "]") + "\n")


if __name__ == "__main__":
    np.seterr(over="ignore")
    main()
