"""The loading process: `prep-imagenet stream`, whose protocol is in docs/stream.md."""
from __future__ import annotations

import _thread
import collections
import json
import math
import os
import re
import signal
import subprocess
import tempfile
import threading
import warnings
import weakref
from typing import Any, Sequence

import numpy as np

from .errors import KINDS, ChildDied, LoaderError, SharedMemoryError, VersionError
from .memory import Memory, unnamed

VERSION = 2  # of the protocol
# Flags of prep-imagenet and the options of Loader with other names.
OPTIONS = {"batch": "batch_size", "pixels": "crop", "pca": "noise", "noise": "noise_form", "ragged": "last", "ranks": "world_size"}
MOST_LINE = 128 << 20  # bytes: the greeting holds the classes of an index, which has at most half as many bytes
MOST_NAMES = 1 << 16  # names in one request
MOST_BAD = 1000  # samples that a child lists
MOST_REASON = 4096  # characters of a reason or a note
MOST_NOTES = 1000  # Python remembers each warning's text
MOST_MESSAGES = 1 << 20  # bytes of standard error that are kept


class Child:
    """A running `prep-imagenet stream`. Only the process that made it may use it, and there only the thread that holds lock."""

    def __init__(self, binary: str, arguments: list[str], memory: str, hold: int):
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.hold = hold
        self.bad: dict[int, str] = {}
        self._notes = 0
        self.held: dict[int, _Tie] = {}  # slots with live arrays
        # Slots without live arrays. The garbage collector only appends to it, in C: Python loses a Ctrl-C that comes
        # while Python code runs for the collector.
        self._freed: collections.deque[_Tie] = collections.deque()
        self._queue: collections.deque[dict[str, Any]] = collections.deque()
        self._fenced: collections.deque[tuple[Any, int]] = collections.deque()
        self._part = bytearray()  # the beginning of an incomplete line
        self._lines: collections.deque[bytes] = collections.deque()
        self._id = 0
        self.greeting: dict[str, Any] = {"slots": 0}
        self._process: subprocess.Popen[bytes] | None = None
        self.memory = Memory(memory)
        # The child's messages. A file without a name works on a machine without a folder for temporary files.
        self._stderr = tempfile.TemporaryFile() if os.name == "nt" else os.fdopen(unnamed("auto"), "w+b")
        options: dict[str, Any] = {"pass_fds": [self.memory.fd], "start_new_session": True}  # Ctrl-C is for this process
        if os.name == "nt":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
        try:
            self._process = subprocess.Popen(
                [binary, "stream", "--memory", self.memory.handle, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, bufsize=0, **options)
            self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()  # type: ignore[union-attr]
            self.greeting = self._greeting(binary)
            self.memory.map(self.greeting["bytes"])
        except BaseException:
            self.close()
            raise

    def _greeting(self, binary: str) -> dict[str, Any]:
        try:
            while "stream" not in (line := self._line()):
                if "note" not in line and "error" not in line:
                    raise VersionError(f"it says {str(line)[:80]}")
                self._aside(line)
        except (ChildDied, VersionError) as e:
            if isinstance(e, ChildDied) and self._process.returncode < 0:  # type: ignore[union-attr]
                raise
            raise VersionError(f"{binary!r} isn't a prep-imagenet that this package knows: {e}") from e
        if line["stream"] != VERSION:
            raise VersionError(f"{binary!r} speaks version {line['stream']} of the protocol, this package version {VERSION}: "
                               "install the two from one release")
        if not _sound(line):
            raise VersionError(f"{binary!r} sends sizes that don't fit together: install it and this package from one release")
        return line

    def _line(self) -> dict[str, Any]:
        """The next line of the child."""
        while not self._lines:
            data = os.read(self._out, 1 << 16)
            self._forget()
            if not data:
                raise self._death()
            *lines, rest = data.split(b"\n")
            if lines:
                lines[0] = bytes(self._part) + lines[0]
                self._part.clear()
                self._lines.extend(lines)
            self._part += rest
            if len(self._part) > MOST_LINE:
                raise VersionError(f"a line of the loading process has over {MOST_LINE} bytes")
        text = self._lines.popleft()
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise _strange(text.decode("utf-8", "replace"))
        return line

    def _forget(self) -> None:
        """Frees the memory of old messages. The child writes on at its place, so a hole stays before it."""
        if os.name != "nt" and os.fstat(self._stderr.fileno()).st_blocks * 512 > MOST_MESSAGES:  # type: ignore[attr-defined,unused-ignore]
            os.truncate(self._stderr.fileno(), 0)

    def _death(self) -> ChildDied:
        assert self._process is not None
        code = self._process.wait()
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 2000))
        text = self._stderr.read().decode("utf-8", "replace").strip("\0").strip()
        how = f"code {code}"
        if code < 0:
            how = f"signal {-code}" + (", as when memory runs out" if code == -9 else "")
        return ChildDied(f"the loading process has ended with {how}" + (f": {text}" if text else ""))

    def _aside(self, line: dict[str, Any]) -> None:
        """Handles a line that isn't the answer to a request."""
        if "batch" in line or "end" in line:
            if len(self._queue) > self.greeting["slots"]:
                raise _strange(line)
            self._queue.append(line)
        elif "note" in line:
            self._notes += 1
            if self._notes > MOST_NOTES:
                raise _strange(line)
            warnings.warn(str(line["note"])[:MOST_REASON], stacklevel=2)
        elif "bad" in line:
            try:
                for b in line["bad"]:
                    if not _within(b["sample"], 1 << 62) or b["sample"] not in self.bad and len(self.bad) >= MOST_BAD:
                        raise _strange(line)
                    self.bad[b["sample"]] = str(b["reason"])[:MOST_REASON]
            except (TypeError, KeyError):
                raise _strange(line) from None
        elif "error" in line:
            raise _error(line)

    def batch(self) -> Lease | None:
        """The next batch, None after the last. It may wait until a slot without live arrays is free."""
        self.settle()
        while not self._queue:
            self._aside(self._line())
        line = self._queue.popleft()
        if "end" in line:
            self._queue.append(line)
            return None
        batch, g = line["batch"], self.greeting
        try:
            sound = ({"epoch", "step"} <= batch.keys() and _within(batch["slot"], g["slots"] - 1) and _within(batch["rows"], g["shape"][0]) and _within(batch["images"], batch["rows"])
                     and batch["slot"] not in self.held)
        except (AttributeError, TypeError, KeyError):
            sound = False
        if not sound:
            raise _strange(line)
        return Lease(self, batch)

    def lease(self, lease: Lease) -> None:
        """Holds a slot until the lease is collected."""
        tie = self.held[lease.slot] = _Tie(lease, self._freed.append)
        tie.slot = lease.slot

    def settle(self) -> None:
        """Releases slots without live arrays whose copies to a GPU have finished. It waits for a copy only if no batch
        could come otherwise."""
        while self._freed:
            slot = self._freed.popleft().slot
            del self.held[slot]
            self._fenced.append((self.memory.pinned() if self.memory.pinned is not None else None, slot))
        slots = []
        while self._fenced:
            fence, slot = self._fenced[0]
            if fence is not None and not fence.query():
                if self._queue or len(self.held) + len(self._fenced) < self.hold:
                    break
                fence.synchronize()
            self._fenced.popleft()
            slots.append(slot)
        if slots:
            try:
                self._write(*({"release": slot} for slot in slots))
            except OSError:  # it has ended; its last lines are still to be read
                pass

    def request(self, answer: str, **fields: Any) -> Any:
        """Sends a request, and returns the field of its answer that `answer` names."""
        self._id += 1
        self._say({"id": self._id, **fields})
        while True:
            line = self._line()
            if line.get("id") == self._id:
                if "error" in line:
                    raise _error(line)
                if answer not in line:
                    raise _strange(line)
                return line[answer]
            self._aside(line)

    def names(self, samples: Sequence[int]) -> list[str]:
        """The names of samples."""
        numbers = [int(i) for i in samples]
        return [name for at in range(0, len(numbers), MOST_NAMES) for name in self.request("names", names=numbers[at:at + MOST_NAMES])]

    def stats(self) -> dict[str, int]:
        """The time of each stage, in nanoseconds."""
        stats: dict[str, int] = self.request("stats", stats=True)
        return stats

    def _say(self, line: dict[str, Any]) -> None:
        try:
            self._write(line)
        except OSError:  # the reason is in its last lines, or in its exit status
            while True:
                self._aside(self._line())

    def _write(self, *lines: dict[str, Any]) -> None:
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        while data:
            data = data[os.write(self._in, data):]

    def array(self, offset: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """An array in the shared memory, for on-demand slots."""
        return np.asarray(_View(self, self.memory.address + offset, shape, dtype))

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Ends the process. Arrays stay valid."""
        self.memory.close_file()
        process, self._process = self._process, None
        if process is None or os.getpid() != self.pid:
            return
        self._in = self._out = -1  # later requests get an error
        try:
            os.write(process.stdin.fileno(), b'{"close":true}\n')  # type: ignore[union-attr]
        except OSError:
            pass
        process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
        self._stderr.close()

    def __del__(self) -> None:
        try:
            if getattr(self, "memory", None) is not None:
                self.close()
        except KeyboardInterrupt:  # Python drops it in __del__: raise it again afterwards
            threading.Timer(0.05, _thread.interrupt_main).start()


def _strange(line: Any) -> VersionError:
    """The error for a line that no prep-imagenet of this version writes."""
    return VersionError(f"the loading process says {str(line)[:80]!r}, which this package doesn't understand: install the two from one release")


def _within(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _sound(g: dict[str, Any]) -> bool:
    """Whether a greeting's arrays follow each other within its memory. Reading outside of it would crash."""
    try:
        rows, *picture = g["shape"]
        ends = [0, math.prod(g["shape"]), g["colours"], g["colours"] + 12 * rows, g["labels"], g["labels"] + 8 * rows,
                g["samples"], g["samples"] + 8 * rows, g["slot_bytes"]]
        numbers = [*g["shape"], *ends, g["slots"], g["bytes"], g["batches"], g["images"]]
        return (len(picture) == 3 and min(*g["shape"], g["slots"]) > 0 and all(_within(n, 1 << 62) for n in numbers) and ends == sorted(ends)
                and g["slots"] * g["slot_bytes"] <= g["bytes"] and all(isinstance(c["id"], str) for c in g["classes"]))
    except (TypeError, KeyError, ValueError):
        return False


def _error(line: dict[str, Any]) -> LoaderError:
    kind = KINDS.get(line.get("kind", ""), LoaderError)
    text = re.sub("^--([a-z-]+)", lambda flag: OPTIONS.get(flag[1], flag[1]).replace("-", "_"), str(line["error"]))
    if kind is SharedMemoryError:
        text += " (memory='auto' needs no /dev/shm, unlike 'shm' or a folder there)"
    return kind(text)


class _View:
    """The memory of an array, for numpy. It keeps the memory's owner alive."""

    def __init__(self, owner: Any, address: int, shape: tuple[int, ...], dtype: str):
        self.owner = owner
        self.__array_interface__ = {"version": 3, "data": (address, False), "shape": shape, "typestr": dtype}


class _Tie(weakref.ReferenceType):  # type: ignore[type-arg]
    """A weak reference to a lease, with its slot."""

    __slots__ = ("slot",)
    slot: int


class Lease:
    """The slot of a batch. The child doesn't reuse it while arrays of it are alive."""

    def __init__(self, child: Child, batch: dict[str, int]):
        g = child.greeting
        self.child, self.slot = child, batch["slot"]
        child.lease(self)
        self.memory = child.memory  # outlives the child
        self.address = child.memory.address + self.slot * g["slot_bytes"]
        self.epoch, self.step, self.filled = batch["epoch"], batch["step"], batch["images"]
        rows = batch["rows"]
        self._parts = {"images": (0, (rows, *g["shape"][1:]), "|u1"), "colours": (g["colours"], (rows, 3), "<f4"),
                       "labels": (g["labels"], (rows,), "<i8"), "samples": (g["samples"], (rows,), "<i8")}

    def arrays(self) -> dict[str, np.ndarray]:
        """images, colours, labels and samples in the shared memory, or copies if no other slot is free for the child."""
        if self.child.held and len(self.child.held) >= self.child.hold:
            return {k: v.copy() for k, v in self._arrays().items()}
        return self._arrays()

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: np.asarray(_View(self, self.address + offset, shape, dtype))
                for name, (offset, shape, dtype) in self._parts.items()}
