"""Loads an exported state dict into plain modules and runs it:

    python run_torch.py FILE.safetensors PIXELS IMAGES PROBABILITIES SAVED [SCRIPT.py]

PIXELS holds IMAGES pictures of raw uint8 NHWC; PROBABILITIES receives raw
float32 (IMAGES, classes); SAVED receives the state dict as Python saves it.
With SCRIPT.py, which train-alexnet export has written, the module is its Net; else
it is built from the net in the metadata.
"""
import importlib.util, json, sys
import numpy as np, torch
from torch import nn
from torch.nn import functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file

path, pixels, images, out, saved = sys.argv[1:6]
with safe_open(path, "pt") as f:
    meta = f.metadata()
net, classes = json.loads(meta["net"]), json.loads(meta["classes"])
size = net["input"]["size"]
assert meta["format"] == "pt" and net["input"].get("scale", 1) == 1


def pooled(extent, kernel, stride, pad, ceil=False):
    """How many windows an axis has."""
    return F.max_pool1d(torch.zeros(1, 1, extent), kernel, stride, pad, ceil_mode=ceil).shape[2]


class Norm(nn.Module):
    def __init__(self, towers, size, k, alpha, beta, literal=False, within=False, across=False):
        super().__init__()
        self.towers, self.size, self.k, self.beta, self.within = 1 if across else towers, size, k, beta, within
        self.term = alpha / (1 if literal else size * size if within else size)

    def forward(self, x):
        n, c, h, w = x.shape
        if self.within:
            pad = [self.size // 2, (self.size - 1) // 2] * 2
            s = F.avg_pool2d(F.pad(x * x, pad), self.size, 1) * self.size**2
            return x / (self.k + self.term * s) ** self.beta
        y = x.reshape(n * self.towers, c // self.towers, h, w)
        return F.local_response_norm(y, self.size, self.term * self.size, self.beta, self.k).reshape(n, c, h, w)


class Local(nn.Module):
    """A locally connected layer: a filter and a bias at every position."""

    def __init__(self, groups, at, extent, maps, kernel, stride, pad):
        super().__init__()
        out = (extent + 2 * pad - kernel) // stride + 1
        self.window, self.groups = dict(kernel_size=kernel, stride=stride, padding=pad), groups
        self.weight = nn.Parameter(torch.zeros(maps, out, out, at // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(maps, out, out))

    def forward(self, x):
        maps, h, w = self.bias.shape
        patches = F.unfold(x, **self.window).reshape(len(x), self.groups, -1, h, w)
        rows = self.weight.reshape(self.groups, maps // self.groups, h, w, -1)
        return torch.einsum("ngkyx,goyxk->ngoyx", patches, rows).reshape(len(x), maps, h, w) + self.bias


def build():
    """The net of the metadata as features and classifier."""
    parts, at, extent, dense = {"features": [], "classifier": []}, 3, size, False
    for layer in net["layers"]:
        module = None
        if "conv" in layer:
            c = layer["conv"]
            module = nn.Conv2d(at, c["maps"], c["kernel"], c["stride"], c["pad"], groups=net["towers"] if c.get("reads") == "own" else 1)
            at, extent = c["maps"], (extent + 2 * c["pad"] - c["kernel"]) // c["stride"] + 1
        elif "local" in layer:
            c = layer["local"]
            module = Local(net["towers"] if c.get("reads") == "own" else 1, at, extent, c["maps"], c["kernel"], c["stride"], c["pad"])
            at, extent = c["maps"], module.bias.shape[2]
        elif "dense" in layer:
            units = layer["dense"]["units"] or net["classes"]
            module = nn.Linear(at * extent * extent, units)
            at, extent, dense = units, 1, True
        elif "maxpool" in layer:
            p = layer["maxpool"]
            module, extent = nn.MaxPool2d(p["kernel"], p["stride"], p["pad"], ceil_mode=p.get("ceil", False)), pooled(extent, **p)
        elif "avgpool" in layer:
            p = layer["avgpool"]
            module, extent = nn.AvgPool2d(p["kernel"], p["stride"], p["pad"], p.get("ceil", False), False), pooled(extent, **p)
        elif "lrn" in layer:
            module = Norm(net["towers"], **layer["lrn"])
        elif "dropout" in layer:
            assert layer["dropout"]["inverted"]
            module = nn.Dropout(layer["dropout"]["rate"])
        else:
            module = {"relu": nn.ReLU, "tanh": nn.Tanh}[layer["activate"]]()
        parts["classifier" if dense else "features"].append(module)

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(3, size, size))
            self.features, self.classifier = nn.Sequential(*parts["features"]), nn.Sequential(*parts["classifier"])

        def forward(self, x):
            return self.classifier(self.features(x - self.mean).flatten(1))

    return Module()


if len(sys.argv) > 6:
    spec = importlib.util.spec_from_file_location("exported", sys.argv[6])
    exported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(exported)
    assert exported.SIZE >= exported.CROP == size and exported.classes == classes
    model = exported.Net()
else:
    model = build()
model.load_state_dict(load_file(path))
model.eval()
x = torch.from_numpy(np.fromfile(pixels, np.uint8).reshape(int(images), size, size, 3)).permute(0, 3, 1, 2).float()
with torch.no_grad():
    model(x).softmax(1).numpy().astype("<f4").tofile(out)
save_file({k: v.contiguous() for k, v in model.state_dict().items()}, saved)
