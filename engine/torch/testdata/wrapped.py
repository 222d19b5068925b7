"""Saves the state dict of an exported net as PyTorch's wrappers do, and in other types:

    python wrapped.py FILE.safetensors PIXELS IMAGES DIR

DIR receives NAME.safetensors for each of module, compile, both, parts, averaged,
attribute, half, bfloat16, double, and nomean, with half.plain.safetensors and
bfloat16.plain.safetensors, what float32 has of those; and normalised, raw float32
(IMAGES, classes): the softmax of the net without its mean on PIXELS (uint8 NHWC)
that torchvision has normalised with ImageNet's mean and deviation.
"""
import json, pathlib, sys, warnings
import numpy as np, torch, torchvision
from torch import nn
from safetensors import safe_open
from safetensors.torch import load_file, save_file

warnings.simplefilter("ignore")
path, pixels, images, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), pathlib.Path(sys.argv[4])
sys.argv = [sys.argv[0], path, pixels, str(images), str(out / "unused"), str(out / "unused.safetensors")]
scope = {}
exec(pathlib.Path(__file__).with_name("run_torch.py").read_text(), scope)  # builds the net and loads the file
net, size = scope["model"], scope["size"]


def save(name, module):
    save_file({k: v.contiguous() for k, v in module.state_dict().items()}, out / (name + ".safetensors"))


class Lightning(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model


class Parts(nn.Module):  # as torchvision's example for AlexNet trains it
    def __init__(self, model):
        super().__init__()
        self.register_buffer("mean", model.mean)
        self.features, self.classifier = nn.DataParallel(model.features), torch.compile(model.classifier)


save("module", nn.DataParallel(net))
save("compile", torch.compile(net))
save("both", torch.compile(nn.DataParallel(net)))
save("parts", Parts(net))
save("averaged", torch.optim.swa_utils.AveragedModel(net))
save("attribute", Lightning(net))
plain = {k: v.clone() for k, v in net.state_dict().items()}
for name, t in {"half": torch.float16, "bfloat16": torch.bfloat16, "double": torch.float64}.items():
    net.load_state_dict(plain)
    save(name, net.to(t))
    save(name + ".plain", net.float())
net.load_state_dict(plain)
x = torch.from_numpy(np.fromfile(pixels, np.uint8).reshape(images, size, size, 3)).permute(0, 3, 1, 2)
x = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(x.float() / 255)
with torch.no_grad():
    net.classifier(net.features(x).flatten(1)).softmax(1).numpy().astype("<f4").tofile(out / "normalised")
del plain["mean"]
save_file(plain, out / "nomean.safetensors")
