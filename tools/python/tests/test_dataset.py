"""Random access: two decoders against each other and against the pictures themselves."""
import pickle

import numpy as np
import pytest

from alexnet_loader import Dataset, UsageError


@pytest.mark.parametrize("codec", ["lossless", "raw", "jpeg"])
def test_decoders(shards, codec):
    if codec == "jpeg":
        pytest.importorskip("PIL")
    fast, slow = Dataset(shards / codec, decoder="child", batch=5), Dataset(shards / codec, decoder="python")
    assert len(fast) == len(slow) == 53 and fast.classes == slow.classes and fast.class_to_idx[fast.classes[2]] == 2
    for (a, y), (b, z), i in zip(fast.__getitems__(range(53)), slow.__getitems__(range(53)), range(53)):
        # Two JPEG decoders differ in how they interpolate colour.
        assert y == z and (np.array_equal(a, b) if codec != "jpeg" else np.abs(a.astype(int) - b).mean() < 3), i
    assert fast.name(52) == slow.name(52) == fast.name(-1)
    assert slow.name(0).split("/")[0] == slow.classes[slow[0][1]]
    for data in fast, slow:
        with pytest.raises(IndexError):
            data[53]
        copy = pickle.loads(pickle.dumps(data))
        assert np.array_equal(copy[-1][0], data[52][0])
        assert codec in repr(data)


def test_transforms(lossless):
    data = Dataset(lossless, transform=lambda x: x.mean(), target_transform=str)
    x, y = data[0]
    assert isinstance(x, float) and isinstance(y, str)
    with pytest.raises(UsageError):
        Dataset(lossless, decoder="x")


def test_python_zstd(shards, tmp_path):
    from conftest import run
    run("prep-imagenet", "shard", "--in", shards / "pictures" / "train", "--out", tmp_path / "z", "--codec", "raw", "--zstd", "--size", 40, "--limit", 53, "--json")
    want = Dataset(shards / "raw")[3][0]
    assert np.array_equal(Dataset(tmp_path / "z", decoder="child")[3][0], want)
    slow = Dataset(tmp_path / "z", decoder="python")
    try:
        import zstandard  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match="zstandard"):
            slow[3]
    else:
        assert np.array_equal(slow[3][0], want)
