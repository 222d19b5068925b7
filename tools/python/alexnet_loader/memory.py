"""Memory shared with the loading process. The system frees it when both processes have ended."""
from __future__ import annotations

import ctypes
import mmap
import os
import sys
import tempfile
import uuid
from typing import Any, Callable

from .errors import UsageError, VersionError


class Memory:
    """An empty file without a name. The child makes it as large as its greeting says, then map maps it.

    kind is "auto", "memfd", "shm", or a folder for the file. On Windows it is always a named mapping of the system's
    page file.
    """

    def __init__(self, kind: str = "auto"):
        self.fd = -1
        self.address = 0
        self.size = 0
        self.pinned: Callable[[], Any] | None = None  # makes a fence, see pin
        if os.name == "nt":
            self.handle = f"alexnet-loader-{os.getpid()}-{uuid.uuid4().hex}"
            return
        self.fd = unnamed(kind)
        self.handle = str(self.fd)

    def map(self, size: int) -> None:
        """Maps the memory after the child has set its size."""
        if os.name == "nt":
            self._map = mmap.mmap(-1, size, tagname=self.handle)  # type: ignore[call-arg,unused-ignore]
        else:
            if os.fstat(self.fd).st_size < size:
                raise VersionError(f"the loading process has made {os.fstat(self.fd).st_size} bytes of shared memory and says {size}: "
                                   "install it and this package from one release")
            try:  # reading beyond the end of a file that shrank would kill the process
                import fcntl
                fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)  # type: ignore[attr-defined,unused-ignore]
            except (ImportError, AttributeError, OSError):
                pass  # no memfd
            self._map = mmap.mmap(self.fd, size)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.size = size
        self.close_file()

    def close_file(self) -> None:
        """Closes the descriptor; the mapping stays."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def pin(self, torch: Any) -> None:
        """Page-locks the memory for CUDA, so that copies to the GPU can run beside other work."""
        status = torch.cuda.cudart().cudaHostRegister(self.address, self.size, 0)
        if int(status) != 0:
            return  # copies work without it

        def fence() -> Any:
            event = torch.cuda.Event()
            event.record()
            return event

        self.pinned = fence
        self._pin = _Pin(torch.cuda.cudart(), self.address, self._map)


def unnamed(kind: str) -> int:
    """A descriptor of an empty file without a name; kind is Memory's."""
    if sys.platform == "linux" and kind in ("auto", "memfd") and hasattr(os, "memfd_create"):
        try:
            return os.memfd_create("alexnet-loader", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except OSError:
            if kind == "memfd":
                raise
    if kind == "memfd":
        raise UsageError("memory='memfd': this system has no memfd; use 'auto'")
    folders = {"auto": ["/dev/shm", tempfile.gettempdir()], "shm": ["/dev/shm"]}.get(kind, [kind])
    error: OSError | None = None
    for folder in folders:
        try:
            fd, name = tempfile.mkstemp(prefix="alexnet-loader-", dir=folder)
        except OSError as e:
            error = e
            continue
        os.unlink(name)
        return fd
    raise UsageError(f"memory={kind!r}: want 'auto', 'memfd', 'shm' or a folder: {error}") from error


class _Pin:
    """Keeps memory page-locked until it is collected."""

    def __init__(self, cudart: Any, address: int, memory: mmap.mmap):
        self._cudart, self._address, self._memory = cudart, address, memory

    def __del__(self) -> None:
        try:
            self._cudart.cudaHostUnregister(self._address)
        except Exception:  # the driver may be gone at exit
            pass
