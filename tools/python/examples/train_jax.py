"""A linear classifier in JAX on our shards: python train_jax.py shards/train"""
import sys

import jax
import jax.numpy as jnp

from alexnet_loader import Loader, normalise

train = Loader(sys.argv[1], batch_size=32, crop=64, seed=1, output="jax")
weights = jnp.zeros((3 * 64 * 64, len(train.classes)))


@jax.jit
def step(weights, images, colours, labels):
    x = normalise(images, colours, 120.0, 1 / 64).reshape(len(images), -1)  # on the device
    loss = lambda w: -jax.nn.log_softmax(x @ w)[jnp.arange(len(labels)), labels].mean()
    value, gradient = jax.value_and_grad(loss)(weights)
    return weights - 1e-4 * gradient, value


for epoch in range(5):
    losses = []
    for b in train:
        weights, loss = step(weights, b.images, b.colours, b.labels)
        losses.append(loss)
    print(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}")
