"""Reads shards in this process: MosaicML's MDS files and our index, by docs/shard-format.md."""
from __future__ import annotations

import io
import json
import os
import stat
from typing import Any

import numpy as np

from . import lossless
from .errors import DamagedError, MissingError, UsageError


# Limits for a damaged or malicious folder, the same as prep-imagenet's.
MOST_INDEX = 64 << 20  # bytes of index.json
MOST_SHARD = 1 << 30  # bytes of a shard that is compressed as a whole, unpacked
MOST_SIZE = 1 << 13  # pixels a side


def _regular(name: str) -> str:
    """Returns name if it is a regular file. Reading a pipe or a device might never end."""
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise DamagedError(f"{name!r} isn't a regular file")
    except FileNotFoundError as e:
        raise MissingError(f"{name} isn't there: restore it, or make the shards again") from e
    return name


class Shards:
    """A folder of shards on this machine."""

    def __init__(self, path: str):
        if "://" in path:
            raise UsageError(f"{path}: only prep-imagenet reads shards at an address: use decoder='child'")
        name = os.path.join(path, "index.json")
        try:
            with open(_regular(name), "rb") as f:
                text = f.read(MOST_INDEX + 1)
            if len(text) > MOST_INDEX:
                raise DamagedError(f"{name} has over {MOST_INDEX} bytes")
            index = json.loads(text)
        except FileNotFoundError as e:
            raise MissingError(f"{name} isn't there: make shards with prep-imagenet shard") from e
        except DamagedError:
            raise
        except (ValueError, RecursionError) as e:
            raise DamagedError(f"{name}: {e}") from e
        meta = index.get("alexnet") if isinstance(index, dict) else None
        if not meta or meta.get("format_version") != 1:
            raise UsageError(f"{name} has no entry 'alexnet' of version 1: use decoder='child', which may read it")
        self.meta: dict[str, Any] = meta
        self.size, self.codec = int(meta["size"]), meta["codec"]
        if not 1 <= self.size <= MOST_SIZE:
            raise DamagedError(f"{name}: size is {self.size} pixels, want 1 to {MOST_SIZE}")
        self._path, self._infos = path, index["shards"]
        self._first = np.cumsum([0] + [s["samples"] for s in self._infos])
        self._open: dict[int, tuple[np.ndarray, np.ndarray | None]] = {}  # offsets of samples, and the bytes of an unpacked shard

    def __len__(self) -> int:
        return int(self._first[-1])

    def sample(self, i: int) -> dict[str, bytes]:
        """The columns of a sample."""
        k = int(np.searchsorted(self._first, i, "right")) - 1
        info, n = self._infos[k], i - int(self._first[k])
        offsets, unpacked = self._shard(k)
        start, end = int(offsets[n]), int(offsets[n + 1])
        if not start <= end <= info["raw_data"]["bytes"]:
            raise DamagedError(f"{self._name(k)}: sample {n} is damaged")
        data = self._read(k, start, end - start) if unpacked is None else unpacked[start:end]
        sizes, at = [], 0
        for fixed in info["column_sizes"]:
            if fixed is None and at + 4 <= len(data):
                fixed = int(data[at:at + 4].view("<u4")[0])
                at += 4
            sizes.append(fixed or 0)
        if at + sum(sizes) != len(data):
            raise DamagedError(f"{self._name(k)}: sample {n} is damaged")
        columns = {}
        for name, size in zip(info["column_names"], sizes):
            columns[name] = data[at:at + size].tobytes()
            at += size
        return columns

    def pixels(self, i: int, image: bytes) -> np.ndarray:
        """The picture of a sample, (size, size, 3)."""
        if self.codec == "raw":
            return np.frombuffer(image, np.uint8).reshape(self.size, self.size, 3).copy()
        if self.codec == "lossless":
            try:
                return lossless.decode(image, self.size)
            except ValueError as e:
                raise DamagedError(f"{self._path}: sample {i}: {e}") from e
        if self.codec == "jpeg":
            try:
                from PIL import Image
            except ImportError as e:
                raise UsageError("pictures of codec jpeg need Pillow: pip install pillow, or use decoder='child'") from e
            picture = Image.open(io.BytesIO(image), formats=["JPEG"])
            if picture.size != (self.size, self.size):  # before it is decoded
                raise DamagedError(f"{self._path}: sample {i} has {picture.size} pixels, want {self.size} a side")
            return np.array(picture.convert("RGB"))
        raise UsageError(f"codec {self.codec!r} is unknown to this version")

    def _name(self, k: int, what: str = "raw_data") -> str:
        name = str(self._infos[k][what]["basename"])
        if name != os.path.basename(name) or name in ("", ".", "..") or "\\" in name:
            raise DamagedError(f"{self._path}/index.json: {name!r} isn't the name of a file in this folder")
        return os.path.join(self._path, name)

    def _shard(self, k: int) -> tuple[np.ndarray, np.ndarray | None]:
        if k not in self._open:
            info, name = self._infos[k], self._name(k)
            samples, size = int(info["samples"]), int(info["raw_data"]["bytes"])
            data: np.ndarray | None = None
            if info.get("zip_data") and not os.path.exists(name):
                data = _unpack(self._name(k, "zip_data"), size)
            if not 0 <= samples <= (size - 8) // 4 or (os.stat(_regular(name)).st_size if data is None else len(data)) != size:
                raise DamagedError(f"{name} isn't the file that the index means")
            head = (self._read(k, 0, 8 + 4 * samples) if data is None else data[:8 + 4 * samples]).view("<u4")
            if int(head[0]) != samples:
                raise DamagedError(f"{name} isn't the file that the index means")
            self._open[k] = head[1:], data
        return self._open[k]

    def _read(self, k: int, at: int, n: int) -> np.ndarray:
        """Reads n bytes of a shard. It is not mapped, because reading a mapped file that is cut short kills the process."""
        name = _regular(self._name(k))
        data = np.fromfile(name, np.uint8, n, offset=at)
        if len(data) != n:
            raise DamagedError(f"{name} is cut short: restore it, or make the shards again")
        return data


def _unpack(name: str, size: int) -> np.ndarray:
    if not 0 <= size <= MOST_SHARD:
        raise DamagedError(f"{name} unpacks to {size} bytes, over {MOST_SHARD}: unpack it with zstd -d, or use decoder='child'")
    try:
        import zstandard
    except ImportError as e:
        raise UsageError(f"{name} needs zstandard: pip install zstandard, or use decoder='child'") from e
    with open(_regular(name), "rb") as f:
        try:
            data = zstandard.ZstdDecompressor(max_window_size=MOST_SHARD).stream_reader(f).read(size + 1)
        except zstandard.ZstdError as e:
            raise DamagedError(f"{name}: {e}") from e
    return np.frombuffer(data, np.uint8)
