"""Runs inference of alexnet on the CPU with ONNX Runtime, OpenVINO or PyTorch, on random pictures in memory.

Prints one JSON object: {"peer", "version", "batch", "threads", "infer_images_per_s"}, the rate of the median run.
ONNX Runtime and OpenVINO read --model, an export of train-alexnet, whose input is bytes. PyTorch has the net of
train_torch.py, with its faster LRN, channels last and compiled, and gets floats.
"""
import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np


def onnxruntime(a, pixels):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = a.threads
    session = ort.InferenceSession(a.model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return ort.__version__, lambda: session.run(None, {name: pixels})


def openvino(a, pixels):
    import openvino as ov

    core = ov.Core()
    model = core.read_model(a.model)
    model.reshape(list(pixels.shape))
    hint = {"fp32": "f32", "bf16": "bf16"}[a.precision]
    compiled = core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": a.threads, "INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return ov.__version__, lambda: request.infer({0: pixels}, share_inputs=True)


def torch(a, pixels):
    import torch as t

    sys.path.insert(0, str(Path(__file__).parent))
    import train_torch

    t.set_num_threads(a.threads)
    net = train_torch.alexnet(1000, "conv").eval().to(memory_format=t.channels_last)
    x = t.from_numpy(pixels).permute(0, 3, 1, 2).float().contiguous(memory_format=t.channels_last)
    run = t.compile(net)

    def infer():
        with t.inference_mode(), t.autocast("cpu", t.bfloat16, enabled=a.precision == "bf16"):
            run(x)

    return t.__version__, infer


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("engine", choices=["onnxruntime", "openvino", "torch"])
    p.add_argument("--model", help="the ONNX file")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="bf16 isn't onnxruntime's")
    a = p.parse_args()
    pixels = np.random.default_rng(1).integers(0, 256, (a.batch, 224, 224, 3), dtype=np.uint8)
    version, step = globals()[a.engine](a, pixels)
    for _ in range(3):  # warm-up: allocation, compilation, choice of algorithms
        step()
    seconds = []
    cpu = time.process_time()
    for _ in range(a.steps):
        t = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - t)
    cpu = time.process_time() - cpu  # of all threads, those that spin too
    print(json.dumps({"peer": a.engine, "version": version, "batch": a.batch, "threads": a.threads,
                      "infer_images_per_cpu_s": a.batch * a.steps / cpu,
                      "infer_images_per_s": a.batch / median(seconds)}))


if __name__ == "__main__":
    main()
