"""Writes calibration.json: probabilities, labels, and the expected calibration error
of Guo et al. (2017), computed as in their code (github.com/gpleiss/temperature_scaling,
_ECELoss) with PyTorch, and once more in NumPy. Run: python calibration.py"""
import json
import os

import numpy
import torch

rng = numpy.random.default_rng(7)
classes, pictures, bins = 4, 300, 15
labels = rng.integers(0, classes, pictures)
logits = rng.normal(0, 1.5, (pictures, classes))
logits[numpy.arange(pictures), labels] += 1.2
logits[:20] *= 8  # some guesses of nearly 1
probs = torch.softmax(torch.tensor(logits, dtype=torch.float32), 1)
probs[20] = torch.tensor([0.2, 0.8, 0, 0])  # on the border of a bin
probs[21] = torch.tensor([1.0, 0, 0, 0])
labels = torch.tensor(labels)

confidences, predictions = probs.max(1)
accuracies = predictions.eq(labels)
edges = torch.linspace(0, 1, bins + 1)
ece = torch.zeros(1, dtype=torch.float64)
table = []
for lower, upper in zip(edges[:-1], edges[1:]):
    inside = confidences.gt(lower.item()) * confidences.le(upper.item())
    if not inside.any():
        table.append([0, 0, 0])
        continue
    accuracy, confidence = accuracies[inside].double().mean(), confidences[inside].double().mean()
    ece += (confidence - accuracy).abs() * inside.double().mean()
    table.append([int(inside.sum()), confidence.item(), accuracy.item()])

c, a = confidences.double().numpy(), accuracies.numpy()
which = numpy.clip(numpy.digitize(confidences.numpy(), edges.numpy(), right=True) - 1, 0, bins - 1)
again = sum(abs(c[which == b].mean() - a[which == b].mean()) * (which == b).mean() for b in set(which))
assert abs(again - ece.item()) < 1e-12, (again, ece)

with open(os.path.join(os.path.dirname(__file__), "calibration.json"), "w") as f:
    json.dump({"labels": labels.tolist(), "probs": [[float(f"{p:.9g}") for p in row] for row in probs.tolist()],
               "ece": ece.item(), "bins": table}, f, separators=(",", ":"))
    f.write("\n")
