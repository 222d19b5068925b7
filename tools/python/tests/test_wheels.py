"""The wheels in the folder ALEXNET_WHEELS, read with other tools."""
import base64
import csv
import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import zipfile

import pytest

import alexnet_loader
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "python"))
from backend import COMMANDS, SYSTEMS  # noqa: E402

WHEELS = sorted(pathlib.Path(os.environ["ALEXNET_WHEELS"]).glob("*.whl")) if os.environ.get("ALEXNET_WHEELS") else []
needs_wheels = pytest.mark.skipif(not WHEELS, reason="make check-wheels makes them")

# By the headers of the three formats: ELF's e_machine, Mach-O's cputype, PE's Machine.
MACHINES = {("linux", 62): "amd64", ("linux", 183): "arm64", ("darwin", 0x01000007): "amd64", ("darwin", 0x0100000C): "arm64",
            ("windows", 0x8664): "amd64", ("windows", 0xAA64): "arm64"}


def machine(program):
    """GOOS/GOARCH of a program, and whether it needs a loader or libraries of its system."""
    if program[:4] == b"\x7fELF":
        headers, size, count = struct.unpack_from("<Q", program, 32)[0], *struct.unpack_from("<HH", program, 54)
        kinds = {struct.unpack_from("<I", program, headers + i * size)[0] for i in range(count)}
        return "linux/" + MACHINES["linux", struct.unpack_from("<H", program, 18)[0]], bool(kinds & {2, 3})  # PT_DYNAMIC, PT_INTERP
    if program[:4] == b"\xcf\xfa\xed\xfe":
        return "darwin/" + MACHINES["darwin", struct.unpack_from("<I", program, 4)[0]], None
    assert program[:2] == b"MZ", program[:4]
    at = struct.unpack_from("<I", program, 60)[0]
    assert program[at:at + 4] == b"PE\0\0"
    return "windows/" + MACHINES["windows", struct.unpack_from("<H", program, at + 4)[0]], None


@pytest.mark.skipif(os.name == "nt", reason="its compiler here is a shell script")
def test_progress(tmp_path):
    """backend.py, which takes minutes, names each wheel's system before it builds it."""
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done; cp "$0" "$2"\n')
    go.chmod(0o755)
    done = subprocess.run([sys.executable, ROOT / "tools" / "python" / "backend.py", tmp_path / "dist", "linux/arm64", "darwin/arm64"], check=True,
                          capture_output=True, text=True, env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"})
    assert done.stderr.splitlines() == ["wheel 1 of 2: linux/arm64", "wheel 2 of 2: darwin/arm64"]
    assert sorted(done.stdout.splitlines()) == sorted(map(str, (tmp_path / "dist").iterdir()))


@needs_wheels
@pytest.mark.parametrize("path", WHEELS, ids=lambda p: p.name.split("-")[-1])
def test_wheel(path):
    utils = pytest.importorskip("packaging.utils")
    name, version, _, tags = utils.parse_wheel_filename(path.name)
    assert (name, str(version)) == ("alexnet-loader", alexnet_loader.__version__)
    platforms = ".".join(path.name.removesuffix(".whl").split("-")[-1:])
    (system,) = (s for s, t in SYSTEMS.items() if t == platforms)
    with zipfile.ZipFile(path) as z:
        assert z.testzip() is None
        files = {i.filename: z.read(i) for i in z.infolist()}
        modes = {i.filename: i.external_attr >> 16 & 0o777 for i in z.infolist()}
    info = f"alexnet_loader-{version}.dist-info/"
    lines = files[info + "WHEEL"].decode().splitlines()
    assert "Root-Is-Purelib: false" in lines
    assert {line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")} == {str(t) for t in tags}
    record = list(csv.reader(files[info + "RECORD"].decode().splitlines()))
    assert sorted(r[0] for r in record) == sorted(files)
    for file, digest, size in record:
        if file != info + "RECORD":
            want = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(files[file]).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (want, len(files[file])), file
    programs = [f"alexnet_loader/bin/{c}" + (".exe" if system.startswith("windows") else "") for c in COMMANDS]
    assert sorted(f for f in files if "/bin/" in f) == sorted(programs)
    for program in programs:
        found, dynamic = machine(files[program])
        assert found == system and not dynamic and modes[program] == 0o755
    assert not [f for f in files if f.endswith((".pyc", ".tmp"))]


@needs_wheels
@pytest.mark.skipif(not shutil.which("qemu-aarch64"), reason="wants qemu-user")
def test_arm64_reads(lossless, tmp_path, monkeypatch):
    """The loader of the wheel for arm64, under an emulator, gives the bytes of this machine's."""
    found = [p for p in WHEELS if "aarch64" in p.name and "linux" in p.name]
    if not found:
        pytest.skip("no wheel for Linux on arm64")
    with zipfile.ZipFile(found[0]) as z:
        program = pathlib.Path(z.extract("alexnet_loader/bin/prep-imagenet", tmp_path))
    program.chmod(0o755)
    emulated = tmp_path / "prep-imagenet"
    emulated.write_text(f'#!/bin/sh\nexec qemu-aarch64 -cpu max {program} "$@"\n')
    emulated.chmod(0o755)
    for options in {}, {"layout": "NCHW", "train": False}:
        with alexnet_loader.Loader(lossless, 8, crop=32, output="numpy", **options) as here, \
                alexnet_loader.Loader(lossless, 8, crop=32, output="numpy", binary=emulated, **options) as there:
            pairs = list(zip(here, there))
            assert len(pairs) == len(here)
            assert all((a.images == b.images).all() and (a.samples == b.samples).all() for a, b in pairs)
