"""Finds prep-imagenet."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys

from .errors import MissingBinary

VARIABLE = "ALEXNET_PREP_IMAGENET"
SUFFIX = ".exe" if os.name == "nt" else ""


def find(given: str | os.PathLike[str] | None = None, name: str = "prep-imagenet") -> str:
    """The path of a program: `given`, or from the environment, in the wheel, or on the PATH."""
    if given is None and name == "prep-imagenet":
        given = os.environ.get(VARIABLE) or None
    if given is not None:
        if os.path.isfile(given) and os.access(given, os.X_OK):
            return os.fspath(given)
        raise MissingBinary(f"{os.fspath(given)!r} isn't a program: give the path of prep-imagenet")
    bundled = os.path.join(os.path.dirname(__file__), "bin", name + SUFFIX)
    if os.access(bundled, os.X_OK):
        return bundled
    found = shutil.which(name)
    # A script on the PATH is this package's own, which would call find again.
    if found and not _is_script(found):
        return found
    raise MissingBinary(
        f"no {name} in this package, in ${VARIABLE} or on the PATH: install a wheel of alexnet-loader for this system, "
        f"or build it (go build ./tools/{name}) and set {VARIABLE} to its path")


def _is_script(path: str) -> bool:
    with open(path, "rb") as f:
        return f.read(2) == b"#!"


def main() -> int:
    """The commands prep-imagenet and compute-pca of the wheel."""
    name = os.path.basename(sys.argv[0]).removesuffix(".exe")
    argv = [find(name=name), *sys.argv[1:]]
    if os.name != "nt":
        os.execv(argv[0], argv)
    return subprocess.call(argv)
