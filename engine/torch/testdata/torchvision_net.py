"""Saves torchvision's AlexNet with random weights, and its answers:

    python torchvision_net.py PIXELS IMAGES OUT     (torch, torchvision)

PIXELS holds IMAGES pictures of raw uint8 (H, W, 3) of 224 pixels a side. OUT
receives net.pth, as torchvision's own weights are saved, and probabilities, raw
float32 (IMAGES, 1000).
"""
import os, sys
import numpy as np, torch, torchvision

pixels, n, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.manual_seed(3)
net = torchvision.models.alexnet(weights=None).eval()
with torch.no_grad():
    net.classifier[6].weight *= 1000
    x = torch.from_numpy(np.fromfile(pixels, np.uint8).reshape(n, 224, 224, 3)).permute(0, 3, 1, 2) / 255
    x = torchvision.transforms.functional.normalize(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.softmax(net(x), 1).numpy().tofile(os.path.join(out, "probabilities"))
torch.save(net.state_dict(), os.path.join(out, "net.pth"))
