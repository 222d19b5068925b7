{{.Head}}, for PyTorch.
#
# Net {{.Net}}, {{.Classes}} classes.
#
#     pip install torch safetensors numpy pillow
#     python THIS.py picture.jpg …
#
# From a program: import it and call load(), an nn.Module.
import functools
import json
import os
import sys

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

WEIGHTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), {{.Weights}})
SIZE, CROP = {{.Size}}, {{.Crop}}  # pixels a side: of the square that a picture becomes, and of what the net sees

with safe_open(WEIGHTS, "pt") as f:
    metadata = f.metadata()
classes = json.loads(metadata["classes"])  # ids
names = json.loads(metadata.get("class_names", "null")) or [""] * len(classes)


{{.Module}}

@functools.cache
def load():
    """The trained net, in test mode."""
    net = Net()
    net.load_state_dict(load_file(WEIGHTS))
    return net.eval()


def probabilities(pixels):
    """uint8 (N, CROP, CROP, 3), RGB, to float32 (N, classes)."""
    with torch.no_grad():
        x = torch.tensor(pixels).permute(0, 3, 1, 2).float()
        return load()(x).softmax(1).numpy()


{{.Common -}}
