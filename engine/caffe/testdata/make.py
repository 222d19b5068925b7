"""Writes small trained nets as Caffe saves them, and what OpenCV answers with them:

    protoc --python_out=. caffe.proto   (src/caffe/proto of github.com/BVLC/caffe)
    PYTHONPATH=. python make.py OUT     (numpy, protobuf, opencv-python-headless 4)

OUT receives v1.caffemodel (layers as until 2014), v2.caffemodel, mean.binaryproto
and golden.json: pictures as bytes, red first, and OpenCV's probabilities.
"""
import base64, json, sys
import cv2, numpy as np
import caffe_pb2 as pb
from google.protobuf import text_format

out = sys.argv[1]
rng = np.random.default_rng(1)
SIZE, MEAN = 35, (104.0, 117.0, 123.0)  # blue, green, red
PROTOTXT = """
name: "Small"
input: "data" input_dim: 1 input_dim: 3 input_dim: 35 input_dim: 35
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 8 kernel_size: 5 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" lrn_param { local_size: 5 alpha: 0.001 beta: 0.75 } }
layer { name: "pool1" type: "Pooling" bottom: "norm1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2" convolution_param { num_output: 8 kernel_size: 3 pad: 1 group: 2 } }
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
layer { name: "norm2" type: "LRN" bottom: "conv2" top: "norm2" lrn_param { local_size: 3 alpha: 0.01 beta: 0.5 } }
layer { name: "pool2" type: "Pooling" bottom: "norm2" top: "pool2" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "fc6" type: "InnerProduct" bottom: "pool2" top: "fc6" inner_product_param { num_output: 12 } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer { name: "drop6" type: "Dropout" bottom: "fc6" top: "fc6" dropout_param { dropout_ratio: 0.4 } }
layer { name: "fc7" type: "InnerProduct" bottom: "fc6" top: "fc7" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc7" top: "prob" }
"""
SHAPES = {"conv1": (8, 3, 5, 5), "conv2": (8, 4, 3, 3), "fc6": (12, 8 * 4 * 4), "fc7": (5, 12)}

v2 = text_format.Parse(PROTOTXT, pb.NetParameter())
for l in v2.layer:
    if l.name in SHAPES:
        shape = SHAPES[l.name]
        fan = int(np.prod(shape[1:])) * (500 if l.name == "conv1" else 1)
        for s, values in ((shape, rng.normal(0, (2 / fan) ** 0.5, shape)), (shape[:1], rng.normal(0, 0.3, shape[0]))):
            b = l.blobs.add()
            b.shape.dim.extend(s)
            b.data.extend(values.astype(np.float32).ravel().tolist())
open(f"{out}/v2.caffemodel", "wb").write(v2.SerializeToString())

KINDS = {"Convolution": 4, "ReLU": 18, "LRN": 15, "Pooling": 17, "InnerProduct": 14, "Dropout": 6, "Softmax": 20}
v1 = pb.NetParameter(name="Small")
data = v1.layers.add(name="data", type=5)
data.top.extend(["data", "label"])
data.transform_param.crop_size = SIZE
for l in v2.layer:
    o = v1.layers.add(name=l.name, type=KINDS[l.type])
    o.bottom.extend(l.bottom)
    o.top.extend(l.top)
    for field in ("convolution_param", "lrn_param", "pooling_param", "inner_product_param", "dropout_param"):
        if l.HasField(field):
            getattr(o, field).CopyFrom(getattr(l, field))
    for b in l.blobs:
        n = o.blobs.add()
        n.data.extend(b.data)
        d = list(b.shape.dim)
        n.num, n.channels, n.height, n.width = [1] * (4 - len(d)) + d
open(f"{out}/v1.caffemodel", "wb").write(v1.SerializeToString())

mean = pb.BlobProto(num=1, channels=3, height=SIZE + 5, width=SIZE + 5)
mean.data.extend(rng.uniform(0, 255, 3 * (SIZE + 5) ** 2).astype(np.float32).tolist())
open(f"{out}/mean.binaryproto", "wb").write(mean.SerializeToString())

net = cv2.dnn.readNetFromCaffe(bytearray(PROTOTXT.encode()), bytearray(v2.SerializeToString()))
pixels = rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)  # N, H, W, RGB
bgr = pixels[..., ::-1].astype(np.float32)
ask = lambda x: np.concatenate([(net.setInput(np.ascontiguousarray(p.transpose(2, 0, 1)[None])), net.forward().copy())[1] for p in x])
low = (5 // 2, 5 // 2 + SIZE)
picture = np.array(mean.data, np.float32).reshape(3, SIZE + 5, SIZE + 5)[:, low[0]:low[1], low[0]:low[1]].transpose(1, 2, 0)
json.dump({
    "opencv": cv2.__version__, "pixels": base64.b64encode(pixels.tobytes()).decode(),
    "colour": ask(bgr - np.float32(MEAN)).ravel().tolist(), "picture": ask(bgr - picture).ravel().tolist(),
}, open(f"{out}/golden.json", "w"))
print(ask(bgr - np.float32(MEAN)).round(3))
