"""Writes small models as others write them, and what ONNX Runtime answers:

    python make_zoo.py OUT     (numpy, onnx, onnxruntime)

OUT receives zoo.onnx, in the form of bvlcalexnet-9.onnx of ONNX's model zoo (made
of Caffe's by onnx-caffe2: weights among the inputs, a pad at the end where Caffe
rounds up), modern.onnx, in the forms that torch.onnx and tf2onnx use, and zoo.json:
pictures as bytes, red first, and both models' answers.
"""
import base64, json, sys
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper

out = sys.argv[1]
rng = np.random.default_rng(2)
SIZE = 35
f = lambda shape, std: rng.normal(0, std, shape).astype(np.float32)
W = {
    "c1w": f((8, 3, 5, 5), 0.003), "c1b": f(8, 0.3), "c2w": f((8, 4, 3, 3), 0.2), "c2b": f(8, 0.3),
    "f6w": f((12, 128), 0.1), "f6b": f(12, 0.3), "f7w": f((5, 12), 0.4), "f7b": f(5, 0.3),
}
node = helper.make_node


def model(name, nodes, weights, opset, producer, inputs, result):
    value = lambda n, shape, t=TensorProto.FLOAT: helper.make_tensor_value_info(n, t, shape)
    kind = lambda v: TensorProto.FLOAT if v.dtype == np.float32 else TensorProto.INT64
    graph = helper.make_graph(
        nodes, name, [value("data_0", [1, 3, SIZE, SIZE])] + ([value(k, v.shape, kind(v)) for k, v in weights.items()] if inputs else []),
        [value(result, [1, 5])], [numpy_helper.from_array(v, k) if v.ndim != 1 or inputs else helper.make_tensor(k, kind(v), v.shape, v) for k, v in weights.items()])
    m = helper.make_model(graph, producer_name=producer, opset_imports=[helper.make_opsetid("", opset)], ir_version=3 if inputs else 8)
    onnx.checker.check_model(m)
    onnx.save(m, f"{out}/{name}.onnx")
    return onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])


zoo = model("zoo", [
    node("Conv", ["data_0", "c1w", "c1b"], ["conv1_1"], kernel_shape=[5, 5], strides=[2, 2], pads=[0] * 4),
    node("Relu", ["conv1_1"], ["conv1_2"]),
    node("LRN", ["conv1_2"], ["norm1_1"], size=5, alpha=1e-3, beta=0.75, bias=1.0),
    node("MaxPool", ["norm1_1"], ["pool1_1"], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
    node("Conv", ["pool1_1", "c2w", "c2b"], ["conv2_1"], kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4, group=2),
    node("Relu", ["conv2_1"], ["conv2_2"]),
    node("LRN", ["conv2_2"], ["norm2_1"], size=3, alpha=1e-2, beta=0.5, bias=2.0),
    node("MaxPool", ["norm2_1"], ["pool2_1"], kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4),
    node("Reshape", ["pool2_1", "shape"], ["flat"]),
    node("Gemm", ["flat", "f6w", "f6b"], ["fc6_1"], transB=1),
    node("Relu", ["fc6_1"], ["fc6_2"]),
    node("Dropout", ["fc6_2"], ["fc6_3"], ratio=0.4),
    node("Gemm", ["fc6_3", "f7w", "f7b"], ["fc7_1"], transB=1),
    node("Softmax", ["fc7_1"], ["prob_1"], axis=1),
], {**W, "shape": np.array([1, 128], np.int64)}, 9, "onnx-caffe2", True, "prob_1")
one = {k: v for k, v in W.items() if k != "c2w"}
one["c2w"], one["f6w"], one["ratio"], one["training"] = f((8, 8, 3, 3), 0.2), f((8 * 4 * 4, 12), 0.1), np.float32(0.3).reshape(()), np.array(False)
modern = model("modern", [
    node("Conv", ["data_0", "c1w", "c1b"], ["a"], kernel_shape=[5, 5], strides=[2, 2], dilations=[1, 1]),
    node("Relu", ["a"], ["b"]),
    node("MaxPool", ["b"], ["c"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    node("Conv", ["c", "c2w", "c2b"], ["d"], kernel_shape=[3, 3], pads=[1] * 4),
    node("Tanh", ["d"], ["e"]),
    node("AveragePool", ["e"], ["f"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=0),
    node("AveragePool", ["f"], ["g"], kernel_shape=[1, 1]),
    node("Flatten", ["g"], ["h"]),
    node("MatMul", ["h", "f6w"], ["i"]),
    node("Add", ["f6b", "i"], ["j"]),
    node("Relu", ["j"], ["k"]),
    node("Dropout", ["k", "ratio"], ["l"]),
    node("Gemm", ["l", "f7w", "f7b"], ["scores"], transB=1),
], {k: v for k, v in one.items() if k != "training"}, 17, "pytorch", False, "scores")

pixels = rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
ask = lambda session, x: np.concatenate([session.run(None, {"data_0": np.ascontiguousarray(p.transpose(2, 0, 1)[None])})[0] for p in x])
json.dump({
    "onnxruntime": onnxruntime.__version__, "pixels": base64.b64encode(pixels.tobytes()).decode(),
    "zoo": ask(zoo, pixels[..., ::-1].astype(np.float32) - np.float32([104, 117, 123])).ravel().tolist(),
    "modern": ask(modern, pixels.astype(np.float32) - np.float32([123, 117, 104])).ravel().tolist(),
}, open(f"{out}/zoo.json", "w"))
print(ask(zoo, pixels[..., ::-1].astype(np.float32) - 110).round(3), ask(modern, pixels.astype(np.float32) - 110).round(2))
