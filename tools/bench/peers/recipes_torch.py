"""Trains alexnet-mini or alexnet with PyTorch by a usual recipe, for so many seconds of processor time.

    python recipes_torch.py --recipe timm --train DIR --val DIR --seconds 90 --seed 1

The peer of "bench recipes". DIR has class folders. Pictures are decoded before the
clock starts; crops, colours and the net are what it counts, on one thread. Rates follow
the part of the time that is over. Prints one JSON object: top-1 error over the
pictures of --val, how many there are, pictures seen, processor time.

  torchvision  references/classification as its README trains AlexNet: SGD, rate 0.01
               divided by 10 after a third and two thirds (30 and 60 of 90 epochs),
               momentum 0.9, decay 1e-4, batches of 32, random resized crops, mirrors,
               the first weights of torchvision.models.alexnet (PyTorch's own)
  timm         train.py with its defaults: SGD with Nesterov's momentum 0.9, rate
               0.1 for 256 pictures, so 0.05 for its batches of 128, cosine with a 60th
               of warm-up (5 of 300 epochs), decay 2e-5, label smoothing 0.1, random
               resized crops, mirrors, colour jitter 0.4, the first weights of its VGG
  timm-adamw   the same with --opt adamw --lr 0.001 --weight-decay 0.05, as its recipes for
               newer nets have it
  small        the settings of our recipe small: batches of 16, rate 0.01, 50 steps of
               warm-up, cosine, decay 5e-4, pixels less their mean over 64, crops and
               mirrors of pictures of --side, weights by fan-in
"""
import argparse
import json
import math
import os
import random
import time

import torch
from PIL import Image
from torch import nn
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode

from imagenette_torch import alexnet, alexnet_mini


def read(folder, classes, ready=None):
    """All pictures of a folder of class folders, decoded."""
    pictures = []
    for label, name in enumerate(classes):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            picture = Image.open(os.path.join(folder, name, file)).convert("RGB")
            pictures.append((ready(picture) if ready else picture, label))
    return pictures


def first_weights(net, recipe):
    """What the recipe's own nets begin with; small keeps those by fan-in."""
    for m in net:
        if not isinstance(m, (nn.Conv2d, nn.Linear)) or recipe == "small":
            continue
        m.reset_parameters()
        if recipe.startswith("timm"):
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            else:
                nn.init.normal_(m.weight, 0, 0.01)
            nn.init.zeros_(m.bias)
    return net


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--train", required=True)
    p.add_argument("--val", required=True)
    p.add_argument("--recipe", choices=["torchvision", "timm", "timm-adamw", "small"], required=True)
    p.add_argument("--net", choices=["alexnet-mini", "alexnet"], default="alexnet-mini")
    p.add_argument("--side", type=int, default=74)
    p.add_argument("--seconds", type=float, default=90)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    random.seed(a.seed)

    crop, make = (64, alexnet_mini) if a.net == "alexnet-mini" else (224, alexnet)
    classes = sorted(os.listdir(a.train))
    square = T.Compose([T.Resize(a.side, InterpolationMode.LANCZOS), T.CenterCrop(a.side)])
    train = read(a.train, classes, square if a.recipe == "small" else None)
    val = read(a.val, classes, square)
    numbers = [T.ToTensor(), T.Normalize([.485, .456, .406], [.229, .224, .225])]
    if a.recipe == "small":
        numbers[1] = T.Normalize([.485, .456, .406], [64 / 255] * 3)
        augment = [T.RandomCrop(crop), T.RandomHorizontalFlip()]
        batch, lr, decay, smoothing, nesterov = 16, .01, 5e-4, 0, False
    elif a.recipe.startswith("timm"):
        augment = [T.RandomResizedCrop(crop), T.RandomHorizontalFlip(), T.ColorJitter(.4, .4, .4)]
        batch, lr, decay, smoothing, nesterov = 128, .05, 2e-5, .1, True
        if a.recipe == "timm-adamw":
            lr, decay = 1e-3, .05
    else:
        augment = [T.RandomResizedCrop(crop), T.RandomHorizontalFlip()]
        batch, lr, decay, smoothing, nesterov = 32, .01, 1e-4, 0, False
    augment, centre = T.Compose(augment + numbers), T.Compose([T.CenterCrop(crop)] + numbers)

    def rate(step, part):
        """The learning rate of a step, when such a part of the time is over."""
        cosine = lr * (1 + math.cos(math.pi * part)) / 2
        if a.recipe == "torchvision":
            return lr * .1 ** int(part * 3)
        if a.recipe.startswith("timm"):
            return lr * part * 60 if part < 1 / 60 else cosine
        return min(lr * (step + 1) / 50, cosine)

    net = first_weights(make(len(classes)), a.recipe)
    decayed = [w for w in net.parameters() if w.dim() > 1 or a.recipe == "torchvision"]
    others = [w for w in net.parameters() if not (w.dim() > 1 or a.recipe == "torchvision")]
    groups = [{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0}]
    if a.recipe == "timm-adamw":
        optimiser = torch.optim.AdamW(groups, lr=lr)
    else:
        optimiser = torch.optim.SGD(groups, lr=lr, momentum=.9, nesterov=nesterov)
    loss_of = nn.CrossEntropyLoss(label_smoothing=smoothing)
    net.train()
    began, seen, steps, order = time.process_time(), 0, 0, []
    while (part := (time.process_time() - began) / a.seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = rate(steps, part)
        if len(order) < batch:
            order = torch.randperm(len(train)).tolist()
        chosen, order = order[:batch], order[batch:]
        x = torch.stack([augment(train[i][0]) for i in chosen])
        y = torch.tensor([train[i][1] for i in chosen])
        optimiser.zero_grad()
        loss_of(net(x), y).backward()
        optimiser.step()
        seen, steps = seen + batch, steps + 1
    used = time.process_time() - began

    net.eval()
    wrong = 0
    with torch.inference_mode():
        for i in range(0, len(val), 100):
            part = val[i:i + 100]
            z = net(torch.stack([centre(picture) for picture, _ in part]))
            wrong += (z.argmax(1) != torch.tensor([label for _, label in part])).sum().item()
    print(json.dumps({"top1_error": wrong / len(val), "images": len(val), "seen": seen, "cpu_seconds": used}))


if __name__ == "__main__":
    main()
