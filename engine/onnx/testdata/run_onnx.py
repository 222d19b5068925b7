"""Checks an ONNX file with onnx and runs it with ONNX Runtime:

    python run_onnx.py MODEL.onnx PIXELS IMAGES PROBABILITIES

PIXELS holds IMAGES pictures of raw uint8 NHWC; PROBABILITIES receives raw
float32 (IMAGES, classes). Prints the metadata's class list.
"""
import sys
import numpy as np, onnx, onnxruntime

model, pixels, images, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
(x,) = session.get_inputs()
assert x.type == "tensor(uint8)" and x.name == "pixels", (x.name, x.type)
p = np.fromfile(pixels, np.uint8).reshape(images, *x.shape[1:])
(y,) = session.run(["probabilities"], {"pixels": p})
y.astype("<f4").tofile(out)
print(session.get_modelmeta().custom_metadata_map["classes"])
