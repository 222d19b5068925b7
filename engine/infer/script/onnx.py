{{.Head}}, for ONNX Runtime.
#
# Net {{.Net}}, {{.Classes}} classes.
#
#     pip install onnxruntime numpy pillow
#     python THIS.py picture.jpg …
#
# From a program: import it and call probabilities(read(path)[None]).
import json
import os
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), {{.Weights}})
SIZE, CROP = {{.Size}}, {{.Crop}}  # pixels a side: of the square that a picture becomes, and of what the net sees

session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
classes = json.loads(metadata["classes"])  # ids
names = json.loads(metadata.get("class_names", "null")) or [""] * len(classes)


def probabilities(pixels):
    """uint8 (N, CROP, CROP, 3), RGB, to float32 (N, classes)."""
    return session.run(["probabilities"], {"pixels": pixels})[0]


{{.Common -}}
