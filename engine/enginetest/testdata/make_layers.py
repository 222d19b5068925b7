#!/usr/bin/env python3
"""Writes layers.json for torch_test.go: outputs and gradients of layers by PyTorch.

    python3 make_layers.py        (PyTorch 2.x, CPU; a second)

Everything is float64; inputs are multiples of 1/64.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(1)


def noise(*shape):
    return (torch.randint(-64, 65, shape, dtype=torch.float64) / 64).requires_grad_()


def case(op, window, y, **inputs):
    """One layer: its tensors by the names that the ops have."""
    dy = noise(*y.shape).detach()
    gradients = torch.autograd.grad(y, list(inputs.values()), dy)
    tensors = {"y": y, "dy": dy, **inputs, **{"d" + k: g for k, g in zip(inputs, gradients)}}
    return {"op": op, **window, "tensors": {
        k: {"shape": list(t.shape), "values": [round(v, 14) for v in t.detach().flatten().tolist()]} for k, t in tensors.items()}}


def pools():
    for kernel, stride, pad, shape in [(3, 2, 0, (2, 3, 7, 5)), (2, 2, 0, (1, 2, 6, 7)), (3, 2, 1, (2, 2, 6, 5)), (3, 1, 1, (1, 2, 3, 4)), (2, 3, 0, (1, 2, 7, 8))]:
        window = dict(kernel=kernel, stride=stride, pad=pad)
        x = noise(*shape)
        yield case("avgpool", window, F.avg_pool2d(x, kernel, stride, pad, count_include_pad=False), x=x)
    for kernel, stride, pad, shape in [(3, 2, 0, (2, 2, 8, 6)), (3, 2, 1, (1, 2, 6, 5)), (2, 3, 0, (1, 2, 6, 7)), (5, 4, 0, (2, 2, 4, 2)), (3, 2, 0, (1, 2, 7, 7))]:
        window = dict(kernel=kernel, stride=stride, pad=pad, ceil=True)
        x = noise(*shape)
        yield case("avgpool", window, F.avg_pool2d(x, kernel, stride, pad, ceil_mode=True, count_include_pad=False), x=x)
        x = noise(*shape)
        yield case("maxpool", window, F.max_pool2d(x, kernel, stride, pad, ceil_mode=True), x=x)


if __name__ == "__main__":
    path = pathlib.Path(__file__).parent / "layers.json"
    path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in pools()) + "\n]\n")
