"""Computes a net's input from bytes and colour offsets, on their device, for numpy, torch and JAX."""
from __future__ import annotations

import sys
from typing import Any, NamedTuple, Sequence

import numpy as np


class Normalisation(NamedTuple):
    """(colour - mean) * scale, channel by channel, in 0-255 units."""
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


IMAGENET = Normalisation((123.675, 116.28, 103.53), (1 / 58.395, 1 / 57.12, 1 / 57.375))
"""torchvision's: mean 0.485, 0.456, 0.406 and deviation 0.229, 0.224, 0.225 of colours from 0 to 1."""
HALF = Normalisation((127.5, 127.5, 127.5), (1 / 127.5, 1 / 127.5, 1 / 127.5))
"""Gives values from -1 to 1."""


def normalise(images: Any, colours: Any = None, mean: float | Sequence[float] | Any = 0.0, scale: float | Sequence[float] = 1.0, *, layout: str = "NHWC") -> Any:
    """(images + colours - mean) * scale as float32 (N, 3, H, W), on the images' device.

    This is the input of `train-alexnet`'s nets, bit for bit. `mean` is a number, one for each of R, G, B, or an array (3, H, W)
    such as a checkpoint's mean picture; pixels, colours and mean have 0-255 units. layout is that of the images. From "NHWC", torch
    gets a tensor in the memory format channels_last without a copy.
    """
    x = _floats(images)
    if layout == "NHWC":
        x = x.permute(0, 3, 1, 2) if hasattr(x, "permute") else x.transpose(0, 3, 1, 2)
    if colours is not None:
        x = x + colours[:, :, None, None]
    return (x - _channels(mean, x)) * _channels(scale, x)


def add_colours(images: Any, colours: Any, layout: str) -> Any:
    """images + colours as float32, in the images' layout."""
    return _floats(images) + (colours[:, None, None, :] if layout == "NHWC" else colours[:, :, None, None])


def _floats(x: Any) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return x.to(torch.float32)
    return x.astype(np.float32)


def _channels(v: Any, x: Any) -> Any:
    """v as float32 on x's device, in a shape that combines with x's channels."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        v = torch.as_tensor(v, dtype=torch.float32, device=x.device)
    else:
        v = np.float32(v) if np.isscalar(v) else v if hasattr(v, "astype") else np.asarray(v, np.float32)  # type: ignore[arg-type]
    return v.reshape(-1, 1, 1) if getattr(v, "ndim", 0) == 1 else v
