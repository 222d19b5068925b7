"""What goes wrong: options, files, memory, programs, processes that die."""
import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import alexnet_loader
from alexnet_loader import (ChildDied, DamagedError, Dataset, LoaderError, MissingBinary, MissingError, SharedMemoryError,
                            StateError, UsageError, VersionError)

Loader = functools.partial(alexnet_loader.Loader, output="numpy")  # though others import torch
ROOT = pathlib.Path(__file__).resolve().parents[3]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def python(code, *args, **options):
    """A Python process that has this package."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tools" / "python"), **options.pop("env", {})}
    return subprocess.Popen([*options.pop("before", []), sys.executable, "-c", textwrap.dedent(code), *map(str, args)], env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def gone(pid, within=5.0):
    """Whether a process has ended, or is a zombie."""
    end = time.time() + within
    while time.time() < end:
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("options, text", [
    ({"crop": 41}, "crop 41"), ({"batch_size": 0}, "batch_size 0"), ({"batch_size": 54}, "don't fill one batch"), ({"noise_form": "x"}, "noise"),
    ({"rank": 2, "world_size": 2}, "rank 2"), ({"shuffle": "x"}, "shuffle"), ({"last": "x"}, "^last"), ({"augment": {"jitter": 3}}, "jitter"),
    ({"ten_crop": True}, "ten crops"), ({"layout": "HWCN"}, "layout"), ({"output": "cupy"}, "output"), ({"memory": "/nowhere"}, "memory"),
    ({"crop": 32.0}, "crop=32.0: want a whole number"), ({"crop": 0}, "^crop 0"), ({"batch_size": "8"}, "batch_size='8'"), ({"seed": -1}, "^seed"),
    ({"train": "no"}, "train='no': want True or False"), ({"noise": True}, "noise=True: want a path"), ({"noise": "none.json"}, "compute-pca --shards DIR --out"),
    ({"augment": {"jiter": 0.4}}, "did you mean --jitter"), ({"augment": {"batch": 3}}, "'batch', which is no augmentation"), ({"workers": -1}, "^workers"),
    ({"path": None}, "want a path"), ({"path": ""}, "empty"), ({"path": __file__}, "is a file"),
], ids=str)
def test_usage(lossless, options, text):
    with pytest.raises(UsageError, match=text):
        Loader(**{"path": lossless, "crop": 32, "batch_size": 8, **options})


def test_environment(lossless, monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "0")
    assert len(Loader(lossless, 8, crop=32)) == 6
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(UsageError, match="WORLD_SIZE is 'two'"):
        Loader(lossless, 8, crop=32)


@pytest.mark.parametrize("state", [None, {}, {"epoch": 0}, {"step": "x"}, {"step": -1}, {"epoch": 1.5}, {"seed": 2}], ids=str)
def test_wrong_state(lossless, state):
    with Loader(lossless, 8, crop=32) as loader:
        if state and "epoch" not in state or state == {"epoch": 1.5}:
            state = {**loader.state_dict(), **state}
        with pytest.raises((StateError, UsageError)):
            loader.load_state_dict(state)
        assert [b.step for b in loader] == list(range(6))  # as if nobody had asked


@pytest.mark.parametrize("decoder", ["child", "python"])
def test_dataset_in_threads(lossless, decoder):
    """Threads may share a dataset: each gets what it asks for."""
    data = Dataset(lossless, decoder=decoder)
    want = [data[i][0].tobytes() for i in range(53)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda k: data[k % 53][0].tobytes(), range(200), timeout=60))
    assert got == [want[k % 53] for k in range(200)]
    for wrong in 1.5, "1", slice(0, 3):
        with pytest.raises(TypeError):
            data[wrong]


def test_loader_in_threads(lossless):
    """While a thread takes batches, others may ask for names."""
    with Loader(lossless, 4, crop=32) as loader, ThreadPoolExecutor(3) as pool:
        want = loader.names(range(53))
        asked = [pool.submit(loader.names, range(53)) for _ in range(60)]
        batches = [[b.samples.tolist() for b in loader] for _ in range(5)]
        assert all(a.result(60) == want for a in asked)
    assert batches == [[b.samples.tolist() for b in again] for again in [Loader(lossless, 4, crop=32)] for _ in range(5)]
    with pytest.raises(IndexError):
        loader.names([53])


def test_near_name(lossless):
    """The error about an unknown argument suggests the nearest one, on every Python."""
    for name, text in (("sed", "'sed': did you mean 'seed'?"), ("batchsize", "'batchsize': did you mean 'batch_size'?"), ("zzz", "'zzz'")):
        with pytest.raises(TypeError) as e:
            Loader(lossless, **{name: 1})
        assert str(e.value).endswith(text)


def test_missing(tmp_path, lossless, monkeypatch):
    with pytest.raises(MissingError, match="index.json"):
        Loader(tmp_path)
    for decoder in "python", "child":
        with pytest.raises(MissingError):
            Dataset(tmp_path, decoder=decoder)
    with pytest.raises(MissingBinary, match="nothing-here"):
        Loader(lossless, binary=tmp_path / "nothing-here")
    monkeypatch.delenv("ALEXNET_PREP_IMAGENET")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingBinary, match="install a wheel"):
        Loader(lossless)
    assert Dataset(lossless)[3][0].shape == (40, 40, 3)  # reads without one


@pytest.mark.parametrize("script, text", [
    ('echo \'{"stream":1}\'', "version 1"), ("echo hello", "knows"), ("echo unexpected stream >&2; exit 2", "unexpected stream"), ("true", "code 0"),
    ("yes '{}'", "says {}"), ("exec tr '\\0' x </dev/zero", "over 1048576 bytes"), ("head -c 100 /dev/urandom", "knows"),
])
def test_version(tmp_path, lossless, monkeypatch, script, text):
    monkeypatch.setattr(alexnet_loader.child, "MOST_LINE", 1 << 20)
    other = tmp_path / "prep-imagenet"
    other.write_text("#!/bin/sh\n" + script + "\n")
    other.chmod(0o755)
    with pytest.raises(VersionError, match=text):
        Loader(lossless, binary=other)


GREETING = {"stream": 2, "program": "x", "bytes": 8192, "slots": 2, "slot_bytes": 4096, "shape": [2, 4, 4, 3], "colours": 128, "labels": 192, "samples": 256,
            "batches": 3, "images": 6, "size": 4, "codec": "raw", "split": "", "classes": [{"id": "a"}]}
BATCH = {"slot": 0, "epoch": 0, "step": 0, "rows": 2, "images": 2}


def liar(folder, *lines, size=8192):
    """A fake child: it makes `size` bytes of memory, writes these lines and waits."""
    program = folder / "prep-imagenet"
    (folder / "lines").write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    program.write_text(f"#!{sys.executable}\n" + textwrap.dedent(f"""
        import os, sys
        os.ftruncate(int(sys.argv[sys.argv.index("--memory") + 1]), {size})
        print(open({str(folder / "lines")!r}).read(), end="", flush=True)
        sys.stdin.read()
    """))
    program.chmod(0o755)
    return program


@linux
@pytest.mark.parametrize("change", [
    {"bytes": 8191}, {"bytes": 1 << 40}, {"slots": 0}, {"slots": 3}, {"slots": -1}, {"slot_bytes": 1 << 50}, {"shape": [2, 4, 4]}, {"shape": [1 << 40, 4, 4, 3]},
    {"shape": [2, 4, 4, -3]}, {"shape": "x"}, {"labels": 0}, {"samples": 4090}, {"colours": 1.5}, {"batches": None}, {"classes": [1]}, {"classes": 1}, {"images": "6"},
], ids=str)
def test_lying_greeting(tmp_path, lossless, change):
    """Sizes that would let this process read outside of its memory, or die of a bus error, raise an exception."""
    with pytest.raises(VersionError, match="release"):
        Loader(lossless, 2, crop=4, binary=liar(tmp_path, {**GREETING, **change}))


@linux
@pytest.mark.parametrize("line", [
    {"batch": {**BATCH, "slot": 2}}, {"batch": {**BATCH, "slot": -1}}, {"batch": {**BATCH, "slot": True}}, {"batch": {**BATCH, "rows": 3}}, {"batch": {**BATCH, "images": 3}},
    {"batch": {"slot": 0}}, {"batch": []}, {"batch": 3}, {"bad": 3}, {"bad": [{}]}, "[]", "{", "[" * 100_000, '{"batch": NaN}',
], ids=lambda line: str(line)[:60])
def test_lying_lines(tmp_path, lossless, line):
    with Loader(lossless, 2, crop=4, binary=liar(tmp_path, GREETING, line)) as loader:
        with pytest.raises(VersionError, match="doesn't understand"):
            next(iter(loader))


@linux
def test_lying_order(tmp_path, lossless):
    """The child sends a slot that is still held, a batch out of order, or endless batches before an answer."""
    with Loader(lossless, 2, crop=4, binary=liar(tmp_path, GREETING, {"batch": BATCH}, {"batch": {**BATCH, "step": 1}})) as loader:
        it = iter(loader)
        first = next(it)
        with pytest.raises(VersionError):
            next(it)
        assert not first.images.any()  # still its memory
    for line in {"batch": {**BATCH, "step": 2}}, {"end": True}:
        with Loader(lossless, 2, crop=4, binary=liar(tmp_path, GREETING, line)) as loader:
            with pytest.raises(LoaderError, match="lost its place"):
                next(iter(loader))
    with Loader(lossless, 2, crop=4, binary=liar(tmp_path, GREETING, *[{"batch": BATCH}] * 100)) as loader:
        with pytest.raises(VersionError):
            loader.names([0])
    for answer in {"id": 1}, {"id": 1, "stats": {}}:
        with Loader(lossless, 2, crop=4, binary=liar(tmp_path, GREETING, answer)) as loader:
            with pytest.raises(VersionError):
                loader.names([0])


@linux
@pytest.mark.parametrize("line", [{"bad": [{"sample": "SAMPLE", "reason": "x" * 50_000}]}, {"note": "SAMPLE" + "x" * 50_000}], ids=["bad", "note"])
def test_endless_lines(tmp_path, lossless, line):
    """A child that never stops to name bad samples, or to send notes, fills no memory."""
    lines = [json.dumps(line).replace('"SAMPLE"', str(i)).replace("SAMPLE", str(i)) for i in range(3000)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with Loader(lossless, 2, crop=4, binary=liar(tmp_path, GREETING, *lines)) as loader:
            with pytest.raises(VersionError, match="doesn't understand"):
                next(iter(loader))
            assert len(loader.bad) + len(told) == 1000
            assert sum(map(len, loader.bad.values())) + sum(len(str(w.message)) for w in told) <= 5 << 20


@linux
def test_endless_messages(tmp_path, lossless):
    """A child's standard error is kept only as far as its death may need it."""
    program = liar(tmp_path, GREETING, *[{"bad": []}] * 100)
    program.write_text(program.read_text().replace("sys.stdin.read()", "for i in range(300):\n"
        "    os.write(2, b'm' * 100_000)\n    print('{\"bad\": []}' + ' ' * 70_000, flush=True)\nos.write(2, b'the end'); os._exit(3)"))
    with Loader(lossless, 2, crop=4, binary=program) as loader:
        messages = os.dup(loader._child._stderr.fileno())
        with pytest.raises(ChildDied, match="the end"):
            next(iter(loader))
        assert os.fstat(messages).st_blocks * 512 < 4 << 20  # of 30 MB
        os.close(messages)


@linux
def test_memory_keeps_its_size(lossless):
    """Nobody can cut shared memory short, which would kill this process."""
    with Loader(lossless, 8, crop=32, memory="memfd") as loader:
        batch = next(iter(loader))
        child = loader._child._process.pid
        opened = [f"/proc/{child}/fd/{n}" for n in os.listdir(f"/proc/{child}/fd") if n != "2" and "alexnet-loader" in os.readlink(f"/proc/{child}/fd/{n}")]
        assert opened
        for name in opened:
            with pytest.raises(PermissionError):
                os.truncate(name, 0)
        assert batch.images.any()


def test_changed_under_the_reader(tmp_path, lossless):
    """Shards that are cut short or removed while they are read are an exception, and no bus error."""
    for f in lossless.iterdir():
        (tmp_path / f.name).write_bytes(f.read_bytes())
    name = tmp_path / "shard.00000.mds"
    data = Dataset(tmp_path, decoder="python")
    whole = data[1][0]
    content = name.read_bytes()
    os.truncate(name, 100)
    with pytest.raises(DamagedError, match="cut short"):
        data[1]
    name.unlink()
    with pytest.raises(MissingError, match="shard.00000.mds isn't there"):
        data[1]
    name.write_bytes(content)
    assert np.array_equal(data[1][0], whole)
    with Loader(tmp_path, 8, crop=32, prefetch=1) as loader:
        it = iter(loader)
        next(it)
        for f in tmp_path.glob("*.mds"):
            os.truncate(f, 100)
        with pytest.raises(DamagedError):
            for _ in range(10):
                for _ in it:
                    pass
                it = iter(loader)


def damaged(lossless, folder):
    """A copy of the shards with a flipped bit in one picture of the first shard; its number."""
    for f in lossless.iterdir():
        (folder / f.name).write_bytes(f.read_bytes())
    name = folder / "shard.00000.mds"
    data = bytearray(name.read_bytes())
    begin = int.from_bytes(data[8:12], "little")  # of sample 1
    data[begin + 100] ^= 1
    name.write_bytes(data)
    return 1


def test_damaged(tmp_path, lossless):
    bad = damaged(lossless, tmp_path)
    with pytest.raises(DamagedError, match="sample 1"):
        for _ in Loader(tmp_path, 8, crop=32):
            pass
    with Loader(tmp_path, 8, crop=32, on_bad="skip", last="partial") as loader:
        seen = [int(s) for b in loader for s in b.samples[:b.filled]]
        assert sorted(seen) == [i for i in range(53) if i != bad]
        assert list(loader.bad) == [bad] and "CRC" in loader.bad[bad]
    for decoder in "python", "child":
        with Dataset(tmp_path, decoder=decoder) as data:
            with pytest.raises(DamagedError):
                data[bad]
            assert data[0][0].shape == (40, 40, 3)  # and goes on


@linux
def test_child_is_killed(lossless):
    loader = Loader(lossless, 8, crop=32, prefetch=1)
    it = iter(loader)
    first = next(it)
    copy = first.images.copy()
    os.kill(loader._child._process.pid, signal.SIGKILL)
    with pytest.raises(ChildDied, match="signal 9"):
        for _ in range(10):
            next(it)
    assert np.array_equal(first.images, copy)  # the memory is this process's too
    state = loader.state_dict()
    rest = [b.step for b in loader]  # another child; the broken-off epoch is given up
    assert rest == list(range(6))
    loader.load_state_dict(state)
    assert [b.step for b in loader] == list(range(state["step"], 6))
    loader.close()
    data = Dataset(lossless, decoder="child")
    os.kill(data._child._process.pid, signal.SIGKILL)
    with pytest.raises(ChildDied):
        data[0]
    assert data[0][0].shape == (40, 40, 3)


@linux
@pytest.mark.parametrize("memory", ["auto", "shm"])
def test_parent_is_killed(lossless, memory):
    """The child ends, also while a process that the parent has forked keeps its pipes open, and nothing is left."""
    def names():
        return [n for n in os.listdir("/dev/shm") if "alexnet" in n]

    parent = python("""
        import os, sys, time
        from alexnet_loader import Loader
        loader = Loader(sys.argv[1], 8, crop=32, memory=sys.argv[2])
        next(iter(loader))
        other = os.fork()
        if other == 0:
            time.sleep(30)
            os._exit(0)
        print(loader._child._process.pid, other, flush=True)
        time.sleep(30)
    """, lossless, memory)
    child, other = map(int, parent.stdout.readline().split())
    assert not names()  # it has none there
    parent.kill()
    parent.wait()
    try:
        assert gone(child)
    finally:
        os.kill(other, signal.SIGKILL)
    assert not names()


@linux
def test_interrupt(lossless):
    """Ctrl-C, which a terminal sends to the whole group, raises in Python; the loader can go on, and ends with it."""
    parent = python("""
        import sys, time
        from alexnet_loader import Loader
        loader = Loader(sys.argv[1], 8, crop=32)
        seen = []
        print(loader._child._process.pid, flush=True)
        try:
            while True:
                seen += [b.samples.tolist() for b in loader]
        except KeyboardInterrupt:
            state = loader.state_dict()
        want = Loader(sys.argv[1], 8, crop=32)
        want.load_state_dict(state)
        loader.load_state_dict(state)
        assert [b.samples.tolist() for b in loader] == [b.samples.tolist() for b in want]
        print("went on", flush=True)
    """, lossless, start_new_session=True)
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    os.killpg(parent.pid, signal.SIGINT)
    out, err = parent.communicate(timeout=60)
    assert (out, parent.returncode) == ("went on\n", 0), err
    assert gone(child)


def test_collecting_runs_no_python(lossless):
    """Python drops a Ctrl-C that comes in code run by the collector. No such code runs when a batch's arrays are collected."""
    calls = []
    with Loader(lossless, 8, crop=32) as loader:
        it = iter(loader)
        first, second = next(it), next(it)
        arrays = list(first)
        sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
        del first, arrays
        sys.setprofile(None)
        assert not calls
        assert len(loader._child._freed) == 1
        assert next(it).step == second.step + 1 and not loader._child._freed


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such alarm")
def test_interrupt_anywhere(lossless, monkeypatch):
    """One press is enough, wherever it comes: while a process starts, between batches, while arrays are collected."""
    lost, presses, random = [], 0, np.random.default_rng(1)
    monkeypatch.setattr(sys, "unraisablehook", lost.append)
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    loader = Loader(lossless, 2, crop=8)
    try:
        for k in range(40):
            try:
                for b in loader:  # there is a process again
                    break
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.004))
                end = time.monotonic() + 5
                while time.monotonic() < end:
                    for b in loader:
                        pass
            except KeyboardInterrupt:
                presses += 1
            assert presses == k + 1 and not lost, lost
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        loader.close()


def test_interrupt_at_the_end(lossless, monkeypatch):
    """A Ctrl-C while the collector closes a loader isn't lost."""
    loader = Loader(lossless, 8, crop=32)
    close = alexnet_loader.child.Child.close

    def pressed(self):
        signal.raise_signal(signal.SIGINT)
        close(self)

    with monkeypatch.context() as m, pytest.raises(KeyboardInterrupt):
        m.setattr(alexnet_loader.child.Child, "close", pressed)
        del loader
        for _ in range(500):
            time.sleep(0.01)


@linux
@pytest.mark.skipif(os.getuid() != 0, reason="mounts, which wants root")
def test_full_shm(lossless):
    """With a /dev/shm of 1 MB, as containers have 64: memory="shm" says so, "auto" doesn't need it."""
    code = """
        import os, sys
        from alexnet_loader import Loader, SharedMemoryError
        try:
            Loader(sys.argv[1], 53, crop=40, memory="shm", prefetch=50)
        except SharedMemoryError as e:
            print(e)
        with Loader(sys.argv[1], 53, crop=40, prefetch=50) as loader:
            print(len(next(iter(loader)).images), os.listdir("/dev/shm"))
    """
    process = python(code, lossless, before=["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=1m none /dev/shm && exec "$@"', "sh"])
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    first, second = out.splitlines()
    assert "no space left on device" in first and "shared memory" in first
    assert second == "53 []"


@linux
def test_without_temporary_files(lossless, monkeypatch):
    """The child's messages need no folder: a read-only machine has none."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with Loader(lossless, 8, crop=32) as loader:
        assert len(list(loader)) == 6
    with pytest.raises(UsageError, match="crop 41"):
        Loader(lossless, 8, crop=41)


@linux
def test_no_leak(shards, tmp_path):
    """100,000 batches leave memory, descriptors and slots as they were."""
    from conftest import run
    run("prep-imagenet", "shard", "--in", shards / "pictures" / "train", "--out", tmp_path / "tiny", "--codec", "raw", "--size", 8, "--limit", 50, "--json")
    loader = Loader(tmp_path / "tiny", 1, crop=4)
    child = loader._child._process.pid

    def measure():
        resident = [int(open(f"/proc/{pid}/statm").read().split()[1]) * 4096 for pid in (os.getpid(), child)]
        return resident, [len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), child)]

    total = 0

    def batches(n):
        nonlocal total
        while n > 0:
            for b in loader:
                n -= 1
                total += int(b.images[0, 0, 0, 0])

    batches(10_000)
    memory, files = measure()
    batches(90_000)
    assert total > 0
    later, files_later = measure()
    assert files_later == files and loader._child._process.pid == child
    assert all(b - a < 4 << 20 for a, b in zip(memory, later)), (memory, later)
    loader.close()


def test_fence(lossless):
    """Slots whose copies to a GPU may still run are released after their fence, in order. The loader waits for a fence only if it must."""
    log = []

    class Fence:
        def __init__(self):
            self.done = False

        def query(self):
            return self.done

        def synchronize(self):
            log.append("waited")
            self.done = True

    with Loader(lossless, 4, crop=32) as loader:
        loader._child.memory.pinned = Fence
        want = [b.samples.tolist() for b in Loader(lossless, 4, crop=32)]
        assert [b.samples.tolist() for b in loader] == want
        assert len(log) > 8
        loader._child.memory.pinned = None


def test_errors_are_this_packages():
    for name in alexnet_loader.__all__:
        thing = getattr(alexnet_loader, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            assert issubclass(thing, LoaderError)
    assert issubclass(SharedMemoryError, MemoryError)
    assert json.dumps(alexnet_loader.__version__)


def test_stays_in_its_folder(shards, tmp_path):
    """An index may name files of its own folder alone."""
    import json, shutil
    inside = tmp_path / "inside"
    shutil.copytree(shards / "raw", inside)
    index = json.loads((inside / "index.json").read_text())
    name = index["shards"][0]["raw_data"]["basename"]
    shutil.copy(inside / name, tmp_path / "outside.mds")
    for other in "../outside.mds", str(tmp_path / "outside.mds"):
        index["shards"][0]["raw_data"]["basename"] = other
        (inside / "index.json").write_text(json.dumps(index))
        with pytest.raises(DamagedError, match="isn't the name of a file"):
            Dataset(inside, decoder="python")[0]


def hostile(lossless, folder, change):
    """A copy of the shards with a changed index."""
    for f in lossless.iterdir():
        (folder / f.name).write_bytes(f.read_bytes())
    index = json.loads((folder / "index.json").read_text())
    change(index)
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@linux
@pytest.mark.parametrize("kind", ["pipe", "device", "huge", "deep", "list", "size"])
def test_hostile_index(tmp_path, lossless, kind):
    """An endless index, or one that asks for unlimited memory, is refused."""
    hostile(lossless, tmp_path, lambda index: index["alexnet"].update(size=1 << 20) if kind == "size" else None)
    name = tmp_path / "index.json"
    if kind in ("pipe", "device"):
        name.unlink()
        os.mkfifo(name) if kind == "pipe" else name.symlink_to("/dev/zero")
    elif kind == "huge":
        os.truncate(name, 1 << 36)
    elif kind == "deep":
        name.write_text("[" * 200_000)
    elif kind == "list":
        name.write_text("[]")
    with pytest.raises((DamagedError, UsageError), match="index.json"):
        Dataset(tmp_path, decoder="python")


@linux
def test_hostile_samples(tmp_path, lossless):
    """A picture that says that it has 65,535 pixels a side takes no memory for them."""
    for f in lossless.iterdir():
        (tmp_path / f.name).write_bytes(f.read_bytes())
    name = tmp_path / "shard.00000.mds"
    data = bytearray(name.read_bytes())
    at = data.index(b"\x01\x28\x00", 100)  # version 1, 40 pixels
    data[at + 1:at + 3] = b"\xff\xff"
    name.write_bytes(data)
    with pytest.raises(DamagedError, match="65535 pixels a side, want 40"):
        shards = Dataset(tmp_path, decoder="python")
        for i in range(len(shards)):
            shards[i]


@linux
def test_hostile_zstd(tmp_path, lossless):
    """A compressed shard is unpacked as far as the index says, and that is bounded."""
    import resource
    zstandard = pytest.importorskip("zstandard")

    def packed(index):
        for shard in index["shards"]:
            shard["zip_data"] = {**shard["raw_data"], "basename": shard["raw_data"]["basename"] + ".zstd"}
    hostile(lossless, tmp_path, packed)
    for name in tmp_path.glob("*.mds"):
        name.with_name(name.name + ".zstd").write_bytes(zstandard.compress(bytes(1 << 28)))
        name.unlink()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DamagedError, match="isn't the file"):
        Dataset(tmp_path, decoder="python")[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KB
    hostile(tmp_path, tmp_path, lambda index: [s["raw_data"].update(bytes=1 << 40) for s in index["shards"]])
    with pytest.raises(DamagedError, match="unpacks to"):
        Dataset(tmp_path, decoder="python")[0]
