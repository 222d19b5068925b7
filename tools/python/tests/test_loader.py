"""The loader's batches against a reference in Python, and its behaviour as an iterable."""
import functools
import gc
import http.server
import json
import pickle
import threading

import numpy as np
import pytest

import alexnet_loader
import reference
from alexnet_loader import Dataset, StateError, UsageError

Loader = functools.partial(alexnet_loader.Loader, output="numpy")  # though others import torch

N, CROP, SEED = 53, 32, 7


@pytest.fixture(scope="module")
def pictures(lossless):
    data = Dataset(lossless, decoder="python")
    return [data[i] for i in range(N)]


def rows(loader, epochs=1):
    """All rows of some epochs, copied: (epoch, step, sample, label, pixels, colour)."""
    return [(b.epoch, b.step, int(s), int(y), x.copy(), c.copy())
            for _ in range(epochs) for b in loader for s, y, x, c in zip(b.samples, b.labels, b.images, b.colours)]


def same(a, b):
    return len(a) == len(b) and all(x[:4] == y[:4] and np.array_equal(x[4], y[4]) and np.array_equal(x[5], y[5]) for x, y in zip(a, b))


def expected(pictures, batch, epochs, last="drop", shuffle=True, train=True, layout="NHWC", **options):
    out = []
    for epoch in range(epochs):
        order = reference.order(SEED, epoch, N) if shuffle else list(range(N))
        for at, sample in enumerate(order[:N // batch * batch] if last == "drop" else order):
            picture, label = pictures[sample]
            if train:
                pixels, colour = reference.present(picture, CROP, SEED, epoch, sample, **options)
            else:
                m = (len(picture) - CROP) // 2
                pixels, colour = picture[m:m + CROP, m:m + CROP], np.zeros(3, np.float32)
            out.append((epoch, at // batch, sample, label, pixels.transpose(2, 0, 1) if layout == "NCHW" else pixels, colour))
    return out


@pytest.mark.parametrize("options", [
    {}, {"flip": False}, {"layout": "NCHW"}, {"noise": True}, {"noise": True, "noise_form": "lambda01", "sigma": 3}, {"shuffle": False},
    {"last": "partial"}, {"train": False}, {"train": False, "shuffle": True, "last": "drop", "layout": "NCHW"}, {"workers": 1, "prefetch": 1},
    {"memory": "shm"}, {"memory": "/tmp"}, {"mmap": False},
], ids=str)
def test_against_reference(lossless, pca, pictures, options):
    given, reference_options = dict(options), {}
    for key in "flip", "sigma":
        if key in options:
            reference_options[key] = options[key]
    if "noise" in options:
        given["noise"] = pca
        reference_options.update(pca=json.loads(pca.read_text()), form=options.get("noise_form", "sqrt-lambda"))
    train = options.get("train", True)
    with Loader(lossless, batch_size=8, crop=CROP, seed=SEED, **given) as loader:
        want = expected(pictures, 8, 2, last=options.get("last", "drop" if train else "partial"), shuffle=options.get("shuffle", train),
                        train=train, layout=options.get("layout", "NHWC"), **reference_options)
        got = rows(loader, 2)
        for g, w in zip(got, want):
            assert g[:4] == w[:4] and np.array_equal(g[4], w[4])
            np.testing.assert_allclose(g[5], w[5], rtol=1e-6, atol=1e-6)
        assert len(got) == len(want)


def test_other_options(lossless):
    """The loader passes these options on. Go's tests check their pictures."""
    plain = rows(Loader(lossless, 8, crop=CROP))
    for options in [{"augment": {"crop": "resized"}}, {"augment": {"jitter": (0.4, 0.4, 0.4)}}, {"augment": {"erase": 0.9}}]:
        got = rows(Loader(lossless, 8, crop=CROP, **options))
        assert [r[:4] for r in got] == [r[:4] for r in plain]
        assert not same(got, plain), options
    windows = rows(Loader(lossless, 8, crop=CROP, shuffle="shards", window=4))
    assert sorted(r[2] for r in windows) != [r[2] for r in windows] != [r[2] for r in plain]
    with Loader(lossless, 20, crop=CROP, train=False, ten_crop=True) as ten:
        assert len(ten) == 27 and len(rows(ten)) == 10 * N
        whole = Dataset(lossless)[0][0]
        b = next(iter(ten))
        assert np.array_equal(b.images[0], whole[:CROP, :CROP]) and np.array_equal(b.images[8], whole[-CROP:, :-CROP - 1:-1])


@pytest.mark.parametrize("codec", ["raw", "jpeg"])
def test_codecs(shards, lossless, codec):
    a, b = (rows(Loader(shards / c, 8, crop=CROP)) for c in (codec, "lossless"))
    assert [r[:4] for r in a] == [r[:4] for r in b]
    off = np.mean([np.abs(x[4].astype(int) - y[4]).mean() for x, y in zip(a, b)])
    assert off == 0 if codec == "raw" else 0 < off < 20, off  # sharp little textures in colour


def test_address(lossless, tmp_path):
    """Shards of a web server, through a cache: in "shards" order, as prep-imagenet's, and by number."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(lossless))
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            address, options = f"http://127.0.0.1:{server.server_port}", dict(cache_dir=tmp_path / "cache", cache_size="1MiB")
            with Loader(address, 8, crop=CROP, **options) as there, Loader(lossless, 8, crop=CROP, shuffle="shards") as here:
                assert same(rows(there), rows(here))
            assert list((tmp_path / "cache").rglob("*.mds"))
            with Dataset(address, **options) as there:
                assert np.array_equal(there[52][0], Dataset(lossless)[52][0])
        finally:
            server.shutdown()


def test_ragged(lossless):
    with Loader(lossless, 8, crop=CROP, train=False, last="pad") as loader:
        last = list(loader)[-1]
        assert len(loader) == 7 and last.filled == 5 and len(last.images) == 8
        assert (last.labels[5:] == -1).all() and (last.samples[5:] == -1).all() and not last.images[5:].any()
        assert len(last.names()) == 5
    with Loader(lossless, 8, crop=CROP, train=False) as loader:
        assert [len(x) for x, _ in loader] == [8] * 6 + [5]


def test_resume(lossless):
    """A state taken anywhere gives the rest, also on another number of ranks."""
    options = dict(crop=CROP, seed=SEED)
    with Loader(lossless, 8, **options) as loader:
        whole, states = [], []
        for _ in range(2):
            for b in loader:
                whole.append((b.samples.tolist(), b.images.copy()))
                states.append(loader.state_dict())
    for k in (0, 2, 5, 6, 10):
        state = json.loads(json.dumps(states[k]))
        with Loader(lossless, 8, **options) as other:
            other.load_state_dict(state)
            rest = []
            for epoch in range(other.epoch, 2):
                other.set_epoch(epoch)  # which leaves a resumed epoch where it is
                rest += [(b.samples.tolist(), b.images.copy()) for b in other]
        assert len(rest) == len(whole) - k - 1
        assert all(a == b and np.array_equal(x, y) for (a, x), (b, y) in zip(rest, whole[k + 1:]))
        halves = []
        for rank in range(2):
            with Loader(lossless, 4, rank=rank, world_size=2, **options) as half:
                half.load_state_dict(state)
                halves.append([b.samples.tolist() for b in half])
        joined = [a + b for a, b in zip(*halves)]
        assert joined == [s for s, _ in whole[k + 1:]][:len(joined)] and joined


def test_positions(lossless):
    with Loader(lossless, 8, crop=CROP) as loader:
        first = [b.samples.tolist() for b in loader]
        assert loader.epoch == 1
        for b in loader:
            break
        assert (b.epoch, loader.state_dict()["step"]) == (1, 1)
        assert next(iter(loader)).epoch == 2  # the broken-off epoch is given up
        loader.set_epoch(0)
        assert [b.samples.tolist() for b in loader] == first
        loader.set_epoch(5)
        a = next(iter(loader))
        loader.set_epoch(5)  # begun: from its beginning again
        assert np.array_equal(next(iter(loader)).images, a.images)
        stale = iter(loader)
        fresh = iter(loader)
        next(fresh)
        with pytest.raises(RuntimeError, match="another iteration"):
            next(stale)
        state = loader.state_dict()
        for key, value in {"seed": 2, "global_batch": 4, "images": 1, "step": 99, "version": 2}.items():
            with pytest.raises(StateError, match=key if key != "step" else "step 99"):
                loader.load_state_dict({**state, key: value})
        with pytest.raises(UsageError):
            loader.set_epoch(-1)


def test_kept_batches(lossless):
    """Arrays stay what they are, however many are kept, also when the process is gone; each slot comes back."""
    with Loader(lossless, 4, crop=CROP, seed=SEED, prefetch=2) as loader:
        kept = list(loader)
        copies = [b.images.copy() for b in kept]
        again = list(loader)
        assert all(np.array_equal(b.images, c) for b, c in zip(kept, copies))
        view, label = kept[0].images[1, 2:4], kept[1].labels[2:]
        want, number = view.copy(), label.copy()
        del kept, again
        gc.collect()
        for _ in range(2):
            for b in loader:
                pass
        assert np.array_equal(view, want) and np.array_equal(label, number)
        del view, label, b
        gc.collect()
        loader._child.settle()
        assert not loader._child.held


def test_batch(lossless, pca):
    with Loader(lossless, 8, crop=CROP, noise=pca) as loader:
        b = next(iter(loader))
        x, y = b
        assert x.dtype == np.float32 and np.array_equal(x, b.images + b.colours[:, None, None]) and y is b.labels
        assert len(b) == 2 and b[1] is b.labels
        names = b.names()
        data = Dataset(lossless)
        assert names == [data.name(int(s)) for s in b.samples] == loader.names(b.samples)
        assert [loader.classes[v] for v in b.labels] == [n.split("/")[0] for n in names]
        assert loader.stats()["Pictures"] >= 8
        assert "Loader(" in repr(loader) and "Batch(" in repr(b)


def test_pickle(lossless):
    with Loader(lossless, 8, crop=CROP) as loader:
        it = iter(loader)
        next(it)
        other = pickle.loads(pickle.dumps(loader))
        other.load_state_dict(loader.state_dict())
        assert np.array_equal(next(it).images, next(iter(other)).images)
        other.close()


def test_torchrun_environment(lossless, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with Loader(lossless, 4, crop=CROP, seed=SEED) as loader:
        assert (loader.rank, loader.world_size) == (1, 2)
        assert next(iter(loader)).samples.tolist() == reference.order(SEED, 0, N)[4:8]
    with pytest.raises(UsageError, match="both"):
        Loader(lossless, 4, rank=0)
