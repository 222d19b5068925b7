"""Random access to shards, in the manner of torch.utils.data.Dataset."""
from __future__ import annotations

import operator
import os
from typing import Any, Callable, Sequence

import numpy as np

from .binary import find
from .child import Child
from .errors import LoaderError, MissingBinary, UsageError
from .loader import T, arguments, cores, folder, switch, whole
from .shards import Shards


class Dataset:
    """Whole pictures by number: `image, label = dataset[i]`, image (size, size, 3) uint8.

    It works in the workers of torch's DataLoader, under fork and spawn, and reads every codec. decoder="python" needs
    only numpy (and Pillow for the codec jpeg). "child" decodes in a prep-imagenet process: this is tens of times faster for
    `lossless`, and reads shards at an address, too. "auto" is "child" if there is a prep-imagenet, else "python".
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        transform: Callable[[np.ndarray], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        *,
        decoder: str = "auto",
        batch: int = 64,
        workers: int = 1,
        memory: str = "auto",
        mmap: bool = True,
        cache_dir: str | os.PathLike[str] | None = None,
        cache_size: str | None = None,
        binary: str | os.PathLike[str] | None = None,
    ):
        """batch is the largest number of pictures in one request, workers the number of threads that decode them. The
        other options are those of Loader."""
        self.path = folder(path)
        self.transform, self.target_transform = transform, target_transform
        if decoder not in ("auto", "python", "child"):
            raise UsageError(f"decoder={decoder!r}: want 'auto', 'python' or 'child'")
        self._binary = ""
        if decoder != "python":
            try:
                self._binary = find(binary)
            except MissingBinary:
                if decoder == "child" or binary is not None:
                    raise
        self._memory = memory
        self._arguments = arguments({
            "on-demand": True, "batch": whole("batch", batch), "hold": 1, "workers": whole("workers", workers) or cores(), "no-mmap": not switch("mmap", mmap),
            "cache-dir": cache_dir, "cache-size": cache_size})
        self._child: Child | None = None
        self._shards: Shards | None = None
        if self._binary:
            g = self._running().greeting
            self._len, self.size, self.codec, self._classes = g["images"], g["size"], g["codec"], g["classes"]
        else:
            s = self._local()
            self._len, self.size, self.codec, self._classes = len(s), s.size, s.codec, s.meta["classes"]

    def __len__(self) -> int:
        return int(self._len)

    @property
    def classes(self) -> list[str]:
        """The classes' ids, in the order of the labels."""
        return [c["id"] for c in self._classes]

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The classes' labels."""
        return {c: i for i, c in enumerate(self.classes)}

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        return self.__getitems__([i])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, Any]]:
        """Several pictures at once; torch's DataLoader calls it."""
        numbers = [self._number(i) for i in indices]
        pairs = self._from_child(numbers) if self._binary else [self._from_shards(i) for i in numbers]
        return [(self.transform(x) if self.transform else x, self.target_transform(y) if self.target_transform else y)
                for x, y in pairs]

    def name(self, i: int) -> str:
        """A picture's path in its source."""
        i = self._number(i)
        if self._binary:
            return self._guarded(lambda child: child.names([i])[0])
        return self._local().sample(i)["name"].decode()

    def _number(self, i: int) -> int:
        n = operator.index(i) + (len(self) if i < 0 else 0)
        if not 0 <= n < len(self):
            raise IndexError(f"sample {i} of {len(self)}")
        return n

    def _from_shards(self, i: int) -> tuple[np.ndarray, int]:
        shards = self._local()
        sample = shards.sample(i)
        return shards.pixels(i, sample["image"]), int.from_bytes(sample["label"], "little", signed=True)

    def _from_child(self, numbers: list[int]) -> list[tuple[np.ndarray, int]]:
        pairs: list[tuple[np.ndarray, int]] = []
        while len(pairs) < len(numbers):
            pairs += self._guarded(lambda child: self._pick(child, numbers[len(pairs):]))
        return pairs

    @staticmethod
    def _pick(child: Child, numbers: list[int]) -> list[tuple[np.ndarray, int]]:
        g = child.greeting
        rows = min(len(numbers), g["shape"][0])
        child.request("batch", pick=numbers[:rows], slot=0)
        images = child.array(0, (rows, *g["shape"][1:]), "|u1").copy()
        labels = child.array(g["labels"], (rows,), "<i8")
        return [(images[k], int(labels[k])) for k in range(rows)]

    def _local(self) -> Shards:
        if self._shards is None:
            self._shards = Shards(self.path)
        return self._shards

    def _running(self) -> Child:
        """The decoding process of this process."""
        if self._child is None or self._child.pid != os.getpid():
            self._child = Child(self._binary, [*self._arguments, "--", self.path], self._memory, 1)
        return self._child

    def _guarded(self, use: Callable[[Child], T]) -> T:
        """The result of use(child). A process that has ended, or was interrupted in the middle of a line, is not used again."""
        child = self._running()
        try:
            with child.lock:
                return use(child)
        except BaseException as e:
            if not isinstance(e, LoaderError) or not child.alive():
                self.close()
            raise

    def close(self) -> None:
        """Ends the decoding process. The dataset starts another at its next use."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_child": None, "_shards": None}

    def __repr__(self) -> str:
        return f"Dataset({self.path!r}, {len(self)} pictures of {self.size}x{self.size}, {self.codec})"
