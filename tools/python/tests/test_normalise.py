"""normalise against the engine's Input op, bit for bit: tests/input.json is Go's (golden_test.go)."""
import json
import pathlib

import numpy as np
import pytest

from alexnet_loader import HALF, IMAGENET, normalise

with open(pathlib.Path(__file__).with_name("input.json")) as f:
    golden = json.load(f)
N, S = golden["n"], golden["size"]
PIXELS = np.array(golden["pixels"], np.uint8).reshape(N, S, S, 3)
COLOURS = np.array(golden["colour"], np.float32).reshape(N, 3)
MEAN = np.array(golden["mean"], np.float32).reshape(3, S, S)
SCALE, WANT = np.float32(golden["scale"]), np.array(golden["y"], np.float32).reshape(N, 3, S, S)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
def test_input(library, layout):
    pixels = PIXELS if layout == "NHWC" else PIXELS.transpose(0, 3, 1, 2).copy()
    if library == "torch":
        torch = pytest.importorskip("torch")
        got = normalise(torch.from_numpy(pixels), torch.from_numpy(COLOURS), torch.from_numpy(MEAN), float(SCALE), layout=layout).numpy()
    elif library == "jax":
        jax = pytest.importorskip("jax")
        got = np.asarray(jax.jit(lambda x, c: normalise(x, c, MEAN, float(SCALE), layout=layout))(pixels, COLOURS))
    else:
        got = normalise(pixels, COLOURS, MEAN, SCALE, layout=layout)
    assert got.dtype == np.float32 and got.shape == WANT.shape
    np.testing.assert_array_equal(got, WANT)


def test_forms():
    one = normalise(PIXELS, None, 100, 0.5)
    assert np.array_equal(one, (PIXELS.astype(np.float32).transpose(0, 3, 1, 2) - 100) * np.float32(0.5))
    want = (PIXELS / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(normalise(PIXELS, None, *IMAGENET), want.transpose(0, 3, 1, 2), atol=2e-6)
    assert normalise(np.full((1, 1, 1, 3), 255, np.uint8), None, *HALF).max() == 1
