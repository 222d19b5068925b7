"""Writes what torch.save writes of one small net, and its plain weights:

    python make_pickles.py OUT      (torch, safetensors)
"""
import os, pickle, sys
import torch
from torch import nn
from safetensors.torch import save_file

out = sys.argv[1]
torch.manual_seed(1)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2))
        self.classifier = nn.Sequential(nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 3))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/alexnet-was-here",)


net = Small()
state = net.state_dict()
at = lambda name: os.path.join(out, name)
save_file(state, at("small.safetensors"))
torch.save(state, at("zip.pth"))
torch.save(state, at("legacy.pth"), _use_new_zipfile_serialization=False)
torch.save(Small.state_dict(net.to(memory_format=torch.channels_last)), at("channels_last.pth"))
optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
net(torch.zeros(1, 3, 8, 8)).sum().backward()
optimizer.step()
net.load_state_dict({k: v for k, v in torch.load(at("zip.pth")).items()})
torch.save({"epoch": 3, "best": 0.5, "state_dict": nn.DataParallel(net).state_dict(), "optimizer": optimizer.state_dict()}, at("checkpoint.pth"))
torch.save(net, at("whole.pth"))
torch.save({"features.0.weight": Evil(), **{k: v for k, v in state.items() if k != "features.0.weight"}}, at("evil.pth"))
