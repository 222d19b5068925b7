#!/usr/bin/env python3
"""Writes layers.json for torch_test.go: outputs and gradients of layers by PyTorch.

    python3 make_layers.py        (PyTorch 2.x, CPU; a second)

Everything is float64; inputs are multiples of 1/8.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(1)


def noise(*shape):
    return (torch.randint(-8, 9, shape, dtype=torch.float64) / 8).requires_grad_()


def case(op, window, y, **inputs):
    """One layer: its tensors by the names that the ops have."""
    dy = noise(*y.shape).detach()
    gradients = torch.autograd.grad(y, list(inputs.values()), dy)
    tensors = {"y": y, "dy": dy, **inputs, **{"d" + k: g for k, g in zip(inputs, gradients)}}
    return {"op": op, **window, "tensors": {
        k: {"shape": list(t.shape), "values": [round(v, 14) for v in t.detach().flatten().tolist()]} for k, t in tensors.items()}}


def pools():
    for kernel, stride, pad, shape in [(3, 2, 0, (2, 2, 7, 5)), (2, 2, 0, (1, 2, 6, 7)), (3, 2, 1, (2, 2, 6, 5)), (3, 1, 1, (1, 2, 3, 4)), (2, 3, 0, (1, 2, 7, 8))]:
        window = dict(kernel=kernel, stride=stride, pad=pad)
        x = noise(*shape)
        yield case("avgpool", window, F.avg_pool2d(x, kernel, stride, pad, count_include_pad=False), x=x)
    for kernel, stride, pad, shape in [(3, 2, 0, (1, 2, 8, 6)), (3, 2, 1, (1, 2, 6, 5)), (2, 3, 0, (1, 2, 6, 7)), (5, 4, 0, (1, 2, 4, 2)), (3, 2, 0, (1, 2, 7, 7))]:
        window = dict(kernel=kernel, stride=stride, pad=pad, ceil=True)
        x = noise(*shape)
        yield case("avgpool", window, F.avg_pool2d(x, kernel, stride, pad, ceil_mode=True, count_include_pad=False), x=x)
        x = noise(*shape)
        yield case("maxpool", window, F.max_pool2d(x, kernel, stride, pad, ceil_mode=True), x=x)


def local():
    """Locally connected layers: unfold, and a product at each position."""
    for kernel, stride, pad, groups, maps, shape in [(3, 1, 1, 1, 4, (2, 2, 3, 4)), (2, 2, 0, 2, 4, (2, 4, 4, 5)), (3, 2, 1, 2, 2, (1, 2, 5, 4))]:
        n, c, h, w = shape
        oh, ow = (h + 2 * pad - kernel) // stride + 1, (w + 2 * pad - kernel) // stride + 1
        x = noise(*shape)
        weight, bias = noise(maps, oh, ow, c // groups, kernel, kernel), noise(maps, oh, ow)
        patches = F.unfold(x, kernel, 1, pad, stride).reshape(n, groups, -1, oh, ow)
        rows = weight.reshape(groups, maps // groups, oh, ow, -1)
        y = torch.einsum("ngkyx,goyxk->ngoyx", patches, rows).reshape(n, maps, oh, ow) + bias
        yield case("local", dict(kernel=kernel, stride=stride, pad=pad, groups=groups), y, x=x, w=weight, b=bias)


if __name__ == "__main__":
    path = pathlib.Path(__file__).parent / "layers.json"
    path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in [*pools(), *local()]) + "\n]\n")
