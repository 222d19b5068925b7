#!/usr/bin/env python3
"""Writes schedules.json, the goldens of engine/schedule_golden_test.go.

    python3 make_schedules.py        (timm 1.0 and PyTorch 2.x; a second)

Every case is a run of STEPS_AN_EPOCH steps an epoch with a validation error
after each, and the learning rate of all of its steps. The plateau is timm's
PlateauLRScheduler, which is told nothing while the rate warms up, with its
min_lr as the limit of three drops; the cosine timm's CosineLRScheduler behind
its warm-up; the steps PyTorch's MultiStepLR, the constant its ConstantLR; the warm-up PyTorch's LinearLR. A
run whose epochs are raised is the rates of the shorter run up to its end, and
those of the longer one from there.
"""
import itertools
import json
import pathlib

import torch
from timm.scheduler import CosineLRScheduler, PlateauLRScheduler

STEPS_AN_EPOCH = 4
RATE = 0.4
ERRORS = {
    "falls": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.04, 0.03],
    "stands": [0.9] * 12,
    "best while warming up": [0.5, 0.1, 0.8, 0.7, 0.7, 0.7, 0.6, 0.65, 0.6, 0.6, 0.6, 0.6],
    "up and down": [0.9, 0.95, 0.8, 0.85, 0.85, 0.7, 0.75, 0.7, 0.6, 0.65, 0.66, 0.67],
}


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)


def warm(steps, warmup):
    """The factors of the warm-up, of LinearLR."""
    if warmup < 2:
        return [1.0] * steps
    o = optimizer()
    s = torch.optim.lr_scheduler.LinearLR(o, 1 / warmup, 1, warmup - 1)
    out = []
    for _ in range(steps):
        out.append(o.param_groups[0]["lr"] / RATE)
        o.step()
        s.step()
    return out


def plateau(epochs, warmup, errors, patience):
    o = optimizer()
    # timm counts warm-ups in epochs: the one in which ours ends is the first that counts.
    s = PlateauLRScheduler(o, decay_rate=0.1, patience_t=patience - 1, threshold=0, mode="min", warmup_t=warmup // STEPS_AN_EPOCH,
                           warmup_lr_init=RATE, lr_min=RATE / 1000)
    out = []
    for epoch in range(epochs):
        out += [o.param_groups[0]["lr"]] * STEPS_AN_EPOCH
        o.step()
        s.step(epoch + 1, errors[epoch])
    return [a * b for a, b in zip(out, warm(len(out), warmup))]


def step(epochs, warmup, drop_at):
    o = optimizer()
    s = torch.optim.lr_scheduler.MultiStepLR(o, [e * STEPS_AN_EPOCH for e in drop_at], 0.1)
    out = []
    for _ in range(epochs * STEPS_AN_EPOCH):
        out.append(o.param_groups[0]["lr"])
        o.step()
        s.step()
    return [a * b for a, b in zip(out, warm(len(out), warmup))]


def cosine(epochs, warmup):
    total = epochs * STEPS_AN_EPOCH
    o = optimizer()
    s = CosineLRScheduler(o, t_initial=total - warmup, warmup_t=warmup, warmup_lr_init=RATE, warmup_prefix=True, t_in_epochs=False)
    out = []
    for t in range(total):
        s.step_update(t)
        out.append(o.param_groups[0]["lr"])
        o.step()
    return [a * b for a, b in zip(out, warm(total, warmup))]


def constant(epochs, warmup):
    o = optimizer()
    s = torch.optim.lr_scheduler.ConstantLR(o, 1, 0)
    out = []
    for _ in range(epochs * STEPS_AN_EPOCH):
        out.append(o.param_groups[0]["lr"])
        o.step()
        s.step()
    return [a * b for a, b in zip(out, warm(len(out), warmup))]


def main():
    cases = []
    for warmup, (epochs, raised) in itertools.product([0, 6, 8], [(8, 0), (5, 12)]):
        last = max(epochs, raised)
        for (kind, errors), patience in itertools.product(ERRORS.items(), [1, 2]):
            rates = plateau(last, warmup, errors, patience)
            cases.append(dict(kind="plateau", warmup=warmup, epochs=epochs, raised=raised, name=kind, patience=patience, errors=errors[:last], rates=rates))
        for drop_at in [1, 3], [2, 4, 7]:
            cases.append(dict(kind="step", warmup=warmup, epochs=epochs, raised=raised, drop_at=drop_at, rates=step(last, warmup, drop_at)))
        cases.append(dict(kind="constant", warmup=warmup, epochs=epochs, raised=raised, rates=constant(last, warmup)))
        rates = cosine(epochs, warmup)
        cases.append(dict(kind="cosine", warmup=warmup, epochs=epochs, raised=raised, rates=rates + cosine(last, warmup)[len(rates):]))
    for c in cases:
        c["rates"] = [float(f"{r:.9g}") for r in c["rates"]]
    text = "[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n"
    pathlib.Path(__file__).with_name("schedules.json").write_text(text)


main()
