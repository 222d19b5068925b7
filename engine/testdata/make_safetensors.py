"""Writes python.safetensors with the safetensors library, for safetensors_test.go.

    pip install numpy safetensors torch && python make_safetensors.py
"""
import numpy
from safetensors.numpy import save_file

save_file(
    {
        "conv1.weight": (numpy.arange(6, dtype="float32") / 2).reshape(3, 2),
        "conv1.bias": numpy.array([1, 2, 3], dtype="float32"),
        "labels": numpy.array([4, 5], dtype="int64"),
    },
    "python.safetensors",
    metadata={"made_by": "python"},
)

# The same numbers in each type of float, with float32 as PyTorch widens or rounds them.
import torch
from safetensors.torch import save_file as save_torch

numbers = torch.tensor([0.0, -0.0, 1.0, -1.5, 65504.0, 2**-14, 2**-24, 3 * 2**-20, 1 / 3, -0.1, 1e-7, 12345.678], dtype=torch.float64)
types = {"F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64, "F32": torch.float32}
save_torch(
    {name: numbers.to(t).reshape(3, 4) for name, t in types.items()}
    | {name + ".float32": numbers.to(t).float().reshape(3, 4) for name, t in types.items()},
    "floats.safetensors",
)
