"""Batches of an epoch, in order, from a process that reads, decodes and augments."""
from __future__ import annotations

import difflib
import functools
import inspect
import operator
import os
import sys
from typing import Any, Callable, Iterator, Mapping, Sequence, TypeVar, cast

import numpy as np

from .batch import Batch
from .binary import find
from .child import Child
from .errors import LoaderError, StateError, UsageError

OUTPUTS = ("numpy", "torch", "jax")
LAYOUTS = ("NHWC", "NCHW")
T = TypeVar("T")


Init = TypeVar("Init", bound=Callable[..., None])


def _suggesting(init: Init) -> Init:
    """Adds the nearest name to the error about an unknown argument, as Python itself does since 3.13."""
    names = list(inspect.signature(init).parameters)[1:]

    @functools.wraps(init)
    def checked(self: Loader, *args: Any, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f": did you mean {near[0]!r}?" if near else ""
                raise TypeError(f"Loader() got an unexpected keyword argument {name!r}{hint}")
        init(self, *args, **kwargs)

    return cast(Init, checked)


class Loader:
    """Reads the shards of a folder or an address batch by batch.

    Each iteration over it yields one epoch. Order, crops, flips and noise depend only on seed, epoch and sample, and are those of
    `train-alexnet` with the same seed and global batch. Another process loads batches ahead.
    """

    @_suggesting
    def __init__(
        self,
        path: str | os.PathLike[str],
        batch_size: int = 128,
        *,
        crop: int = 224,
        train: bool = True,
        flip: bool = True,
        noise: str | os.PathLike[str] | None = None,
        noise_form: str = "sqrt-lambda",
        sigma: float = 0.1,
        augment: Mapping[str, str | float | Sequence[float]] | None = None,
        ten_crop: bool = False,
        seed: int = 1,
        shuffle: bool | str | None = None,
        window: int = 8192,
        last: str | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        on_bad: str = "stop",
        workers: int | None = None,
        prefetch: int = 3,
        hold: int = 3,
        layout: str = "NHWC",
        output: str | None = None,
        pin_memory: bool | None = None,
        memory: str = "auto",
        mmap: bool = True,
        cache_dir: str | os.PathLike[str] | None = None,
        cache_size: str | None = None,
        binary: str | os.PathLike[str] | None = None,
    ):
        """
        path: a folder of shards, or its address: s3://, gs:// or https://.
        batch_size: rows of this rank's batches.
        crop: pixels a side.
        train: True: random crops, half of them mirrored if flip, in a shuffled order; False: the centre crop, in the stored order.
        noise: a file made by compute-pca, for colour noise. noise_form is "sqrt-lambda" (the original code's) or "lambda01", sigma the
            standard deviation along each axis.
        augment: further augmentations, with the names of train-alexnet's flags: {"crop": "resized", "jitter": (0.4, 0.4, 0.4),
            "erase": 0.25}.
        ten_crop: the paper's ten test views of each picture in consecutive rows; batch_size counts rows.
        shuffle: True or "global", "shards" (shard after shard, shuffled in windows), False or "none". None: in training "global", or
            "shards" if path is an address; else "none".
        window: with shuffle="shards", the number of samples that are shuffled among themselves.
        last: an incomplete last batch is left out ("drop"), smaller ("partial"), or filled with rows of label -1 ("pad");
            None: "drop" in training, else "partial".
        rank, world_size: this loader's number, and the number of loaders that divide every epoch; None: torchrun's, else 0 and 1.
        on_bad: "stop" at a picture that can't be read, or "skip" it and list it in `bad`.
        workers: threads that decode; None: the cores that this process may use, divided by torchrun's local ranks.
        prefetch: batches that are filled ahead.
        hold: batches with live arrays; if a program keeps more, they are copied.
        layout: "NHWC" or "NCHW". In torch, images.permute(0, 3, 1, 2) of the first costs nothing.
        output: "numpy", "torch" or "jax"; None: torch if it has been imported by now, else numpy.
        pin_memory: page-lock the memory for CUDA; None: if there is CUDA and output is torch.
        memory: the kind of shared memory: "auto", "memfd", "shm", or a folder for its file.
        mmap, cache_dir, cache_size: --no-mmap, --cache-dir and --cache-size of the commands.
        binary: prep-imagenet; None: the package's own, or $ALEXNET_PREP_IMAGENET, or the one on the PATH.
        """
        self.path = folder(path)
        self.batch_size, self.seed = whole("batch_size", batch_size), whole("seed", seed)
        if (rank is None) != (world_size is None):
            raise UsageError("give both rank and world_size, or neither")
        if rank is None:
            rank, world_size = environment("RANK", 0), environment("WORLD_SIZE", 1)
        self.rank, self.world_size = whole("rank", rank), whole("world_size", world_size)
        if layout not in LAYOUTS:
            raise UsageError(f"layout={layout!r}: want one of {LAYOUTS}")
        self.layout = layout
        self.output = output or ("torch" if "torch" in sys.modules else "numpy")
        if self.output not in OUTPUTS:
            raise UsageError(f"output={output!r}: want one of {OUTPUTS}")
        self._shuffle = {None: "default", True: "global", False: "none"}.get(shuffle, shuffle)  # type: ignore[arg-type]
        if workers is None:
            workers = max(1, cores() // max(1, environment("LOCAL_WORLD_SIZE", 1)))
        self._noise, self._pin, self._memory, self._hold = noise is not None, pin_memory, memory, whole("hold", hold)
        self._binary = find(binary)
        options = {
            "batch": self.batch_size, "pixels": whole("crop", crop), "train": switch("train", train), "no-flip": not switch("flip", flip),
            "pca": None if noise is None else place("noise", noise), "noise": noise_form, "sigma": sigma,
            "ten-crop": switch("ten_crop", ten_crop), "seed": self.seed, "shuffle": self._shuffle, "window": whole("window", window),
            "ragged": last or ("drop" if train else "partial"), "rank": self.rank, "ranks": self.world_size,
            "on-bad": on_bad, "workers": whole("workers", workers), "prefetch": whole("prefetch", prefetch), "hold": self._hold,
            "layout": layout.lower(), "no-mmap": not switch("mmap", mmap), "cache-dir": cache_dir, "cache-size": cache_size,
        }
        for name, value in (augment or {}).items():
            if name in options or name in ("memory", "on-demand", "epochs", "start-epoch", "start-step"):
                raise UsageError(f"augment has {name!r}, which is no augmentation")
            options[name] = value if value is None or isinstance(value, (str, float, int)) else ",".join(map(str, value))
        self._arguments = arguments(options)
        self._epoch, self._step = 0, 0  # of the next batch
        self._begun = False             # whether this epoch's iteration has begun: another iteration begins the next epoch
        self._iteration = 0
        self._child: Child | None = None
        self._child_at = (0, 0)         # epoch and step of the child's next batch
        self._greeting: dict[str, Any] = {}
        self._bad: dict[int, str] = {}
        self._running()

    # The data.

    def __len__(self) -> int:
        """Batches of an epoch."""
        return int(self._greeting["batches"])

    @property
    def images(self) -> int:
        """Pictures in the shards."""
        return int(self._greeting["images"])

    @property
    def classes(self) -> list[str]:
        """The classes' ids, in the order of the labels."""
        return [c["id"] for c in self._greeting["classes"]]

    @property
    def bad(self) -> dict[int, str]:
        """Samples that could not be read so far, the first thousand, with the reasons (on_bad="skip")."""
        return {**self._bad, **(self._child.bad if self._child else {})}

    def names(self, samples: Sequence[int]) -> list[str]:
        """The paths of samples in the source of the shards."""
        for i in samples:
            if not 0 <= i < self.images:
                raise IndexError(f"sample {i} of {self.images}")
        return self._guarded(lambda child: child.names(samples))

    def stats(self) -> dict[str, int]:
        """The time of each stage of the loading process since its start, in nanoseconds (pipeline.LoaderStats)."""
        return self._guarded(lambda child: child.stats())

    # The position.

    @property
    def epoch(self) -> int:
        """The epoch of the next batch."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Goes to the beginning of an epoch. An epoch that was resumed, and not begun since, keeps its position."""
        epoch = whole("epoch", epoch)
        if epoch < 0:
            raise UsageError(f"epoch {epoch}, want 0 or more")
        if epoch != self._epoch or self._begun:
            self._epoch, self._step, self._begun = epoch, 0, False

    def state_dict(self) -> dict[str, Any]:
        """The position of the next batch. Another number of ranks may resume from it if the global batch is the same."""
        return {"version": 1, "epoch": self._epoch, "step": self._step, "seed": self.seed, "images": self.images,
                "global_batch": self.batch_size * self.world_size, "shuffle": self._shuffle}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes to a position of state_dict. The following batches are those of a loader that didn't stop."""
        mine = self.state_dict()
        if not isinstance(state, Mapping) or not mine.keys() <= state.keys():
            raise StateError(f"{state!r:.200} isn't what state_dict returns")
        for key in ("version", "seed", "images", "global_batch", "shuffle"):
            if state[key] != mine[key]:
                raise StateError(f"the state has {key} {state[key]!r}, this loader {mine[key]!r}")
        epoch, step = whole("epoch", state["epoch"]), whole("step", state["step"])
        if epoch < 0 or not 0 <= step <= len(self):
            raise StateError(f"the state is at step {step} of epoch {epoch}, and epochs have {len(self)} steps")
        if step == len(self):
            epoch, step = epoch + 1, 0
        self._epoch, self._step, self._begun = epoch, step, False

    # Batches.

    def __iter__(self) -> Iterator[Batch]:
        """The rest of a resumed epoch, or else a whole one: the epoch of set_epoch, or the one after the last."""
        if self._begun:  # and not finished
            self._epoch, self._step = self._epoch + 1, 0
        self._begun = True
        self._iteration += 1
        return self._batches(self._iteration)

    def _batches(self, iteration: int) -> Iterator[Batch]:
        while self._step < len(self):
            if iteration != self._iteration:
                raise RuntimeError("another iteration over this loader has begun")
            batch = self._guarded(self._next, at_position=True)
            yield batch
            del batch  # so that the child can fill its memory during the wait for the next
        if iteration == self._iteration:
            self._epoch, self._step, self._begun = self._epoch + 1, 0, False

    def _next(self, child: Child) -> Batch:
        lease = child.batch()
        if lease is None or (lease.epoch, lease.step) != self._child_at:
            raise LoaderError("the loading process has lost its place")
        arrays = lease.arrays()
        if child.memory.pinned is None and self._pins():
            child.memory.pin(sys.modules["torch"])
        batch = Batch(**{k: self._convert(v) for k, v in arrays.items()}, epoch=lease.epoch, step=lease.step,
                      filled=lease.filled, noise=self._noise, loader=self)
        self._epoch, self._step = lease.epoch, lease.step + 1
        self._child_at = (lease.epoch, lease.step + 1) if lease.step + 1 < len(self) else (lease.epoch + 1, 0)
        return batch

    def _convert(self, array: Any) -> Any:
        if self.output == "torch":
            import torch
            return torch.from_numpy(array)
        if self.output == "jax":
            import jax.numpy
            return jax.numpy.asarray(array)
        return array

    def _pins(self) -> bool:
        if self.output != "torch" or self._pin is False:
            return False
        import torch
        if not torch.cuda.is_available():
            self._pin = False
            return False
        return True

    # The loading process.

    def _running(self, at_position: bool = False) -> Child:
        """The loading process of this process, at the current position if at_position."""
        if self._child is not None and self._child.pid != os.getpid():
            self._child = None  # it belongs to the parent of a fork
        at = (self._epoch, self._step)
        if self._greeting and self._step == len(self):
            at = (self._epoch + 1, 0)
        if self._child is not None and at_position and self._child_at != at:
            self._stop()
        if self._child is None:
            position = arguments({"start-epoch": at[0], "start-step": at[1]})
            self._child = Child(self._binary, [*self._arguments, *position, "--", self.path], self._memory, self._hold)
            self._child_at, self._greeting = at, self._child.greeting
        return self._child

    def _guarded(self, use: Callable[[Child], T], at_position: bool = False) -> T:
        """The result of use(child). A process that failed, or was interrupted in the middle of a line, is not used again."""
        try:
            child = self._running(at_position)
            with child.lock:
                return use(child)
        except BaseException:
            self._stop()
            raise

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            self._bad.update(child.bad)
            child.close()

    def close(self) -> None:
        """Ends the loading process. Batches stay valid, and the loader can be iterated over again."""
        self._stop()

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_child": None}

    def __repr__(self) -> str:
        return f"Loader({self.path!r}, {self.images} images, {len(self)} batches of {self.batch_size}, rank {self.rank} of {self.world_size})"


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def whole(name: str, value: Any) -> int:
    """The value of an option that is a whole number."""
    try:
        return operator.index(value)
    except TypeError:
        raise UsageError(f"{name}={value!r}: want a whole number") from None


def switch(name: str, value: Any) -> bool:
    """The value of an option that is on or off."""
    if not isinstance(value, (bool, np.bool_)):
        raise UsageError(f"{name}={value!r}: want True or False")
    return bool(value)


def place(name: str, value: Any) -> str:
    """The value of an option that is a path; ~ is the user's folder."""
    try:
        return os.path.expanduser(os.fsdecode(value))
    except TypeError:
        raise UsageError(f"{name}={value!r}: want a path") from None


def folder(path: Any) -> str:
    """A folder of shards, or its address."""
    name = place("path", path)
    if not name:
        raise UsageError("path is empty: give the folder of shards")
    if os.path.isfile(name):
        raise UsageError(f"{name!r} is a file: give the folder of shards that it is in")
    return name


def environment(name: str, default: int) -> int:
    """A number that torchrun has set."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise UsageError(f"{name} is {text!r} in the environment: want a whole number")
    return int(text)


def arguments(options: Mapping[str, Any]) -> list[str]:
    """Options as flags: True gives a flag without a value, None and False give none."""
    flags = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        flags.append(f"--{name}" if value is True else f"--{name}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
    return flags
