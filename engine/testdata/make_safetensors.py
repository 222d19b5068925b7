"""Writes python.safetensors with the safetensors library, for safetensors_test.go.

    pip install numpy safetensors && python make_safetensors.py
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
