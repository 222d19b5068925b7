"""Makes wheels of alexnet-loader with nothing but Python's standard library and Go.

    python3 backend.py DIST [SYSTEM ...]        SYSTEM as in SYSTEMS; all of them if none is given

A build takes a while, so it prints the system before it and the wheel's name after it. pip uses this module as its build backend, for
the system that it runs on. A wheel's bytes depend on the sources alone.
"""
import base64
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
NAME, COMMANDS = "alexnet_loader", ("prep-imagenet", "compute-pca")
VERSION = re.search(r'__version__ = "(.*)"', (HERE / NAME / "__init__.py").read_text()).group(1)
INFO = f"{NAME}-{VERSION}.dist-info"

# Programs for Linux are static, so they run on every distribution that is not older than the tags.
SYSTEMS = {
    "linux/amd64": "manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_1_x86_64",
    "linux/arm64": "manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64",
    "darwin/amd64": "macosx_12_0_x86_64",
    "darwin/arm64": "macosx_12_0_arm64",
    "windows/amd64": "win_amd64",
    "windows/arm64": "win_arm64",
}

METADATA = f"""\
Metadata-Version: 2.1
Name: alexnet-loader
Version: {VERSION}
Summary: Batches of labelled pictures for PyTorch, JAX and numpy: fast, resumable, nothing to compile
License: MIT
Requires-Python: >=3.9
Requires-Dist: numpy>=1.21
Classifier: Programming Language :: Python :: 3
Classifier: Typing :: Typed
Description-Content-Type: text/markdown

"""


def compile_commands(system, folder):
    """Builds static commands for a system."""
    goos, goarch = system.split("/")
    env = {**os.environ, "GOOS": goos, "GOARCH": goarch, "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-tags", "static", "-trimpath", "-ldflags", "-s -w", "-o", str(folder) + os.sep,
                    *("./tools/" + c for c in COMMANDS)], cwd=HERE.parent.parent, env=env, check=True)
    return sorted(pathlib.Path(folder).iterdir())


def write(dist, system):
    """Writes the wheel for a system, and returns its name."""
    tags = SYSTEMS[system]
    with tempfile.TemporaryDirectory() as folder:
        files = [(f"{NAME}/bin/{p.name}", p.read_bytes(), 0o755) for p in compile_commands(system, folder)]
    files += [(f"{NAME}/{p.name}", p.read_bytes(), 0o644) for p in sorted((HERE / NAME).iterdir()) if p.suffix in (".py", ".typed")]
    wheel = "Wheel-Version: 1.0\nGenerator: backend.py\nRoot-Is-Purelib: false\n" + "".join(f"Tag: py3-none-{t}\n" for t in tags.split("."))
    scripts = "[console_scripts]\n" + "".join(f"{c} = {NAME}.binary:main\n" for c in COMMANDS)
    files += [
        (f"{INFO}/METADATA", (METADATA + (HERE / "README.md").read_text()).encode(), 0o644),
        (f"{INFO}/WHEEL", wheel.encode(), 0o644),
        (f"{INFO}/entry_points.txt", scripts.encode(), 0o644),
        (f"{INFO}/licenses/LICENSE", (HERE.parent.parent / "LICENSE").read_bytes(), 0o644),
    ]
    digest = lambda data: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data, _ in files) + f"{INFO}/RECORD,,\n"
    files.append((f"{INFO}/RECORD", record.encode(), 0o644))
    name = f"{NAME}-{VERSION}-py3-none-{tags}.whl"
    with tempfile.TemporaryDirectory(dir=dist) as folder:  # an unpredictable name
        temporary = pathlib.Path(folder) / name
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as out:
            for path, data, mode in files:
                entry = zipfile.ZipInfo(path)  # dated 1980, so that bytes repeat
                entry.external_attr, entry.compress_type = (0o100000 | mode) << 16, zipfile.ZIP_DEFLATED
                out.writestr(entry, data)
        os.replace(temporary, pathlib.Path(dist) / name)
    return name


def here():
    """The system that this runs on."""
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    return f"{platform.system().lower()}/{machine}"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write(wheel_directory, here())


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("there is no source distribution: the commands are built from the whole repository")


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    systems = sys.argv[2:] or list(SYSTEMS)
    for number, system in enumerate(systems, 1):
        print(f"wheel {number} of {len(systems)}: {system}", file=sys.stderr, flush=True)
        print(os.path.join(sys.argv[1], write(sys.argv[1], system)), flush=True)
