"""With PyTorch: tensors, DataLoader's workers, torchrun, and the training that train-alexnet does."""
import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

import reference
from alexnet_loader import Dataset, IMAGENET, Loader, normalise

torch = pytest.importorskip("torch")


def test_tensors(lossless, pca):
    with Loader(lossless, 8, crop=32, noise=pca) as loader:
        assert loader.output == "torch"
        b = next(iter(loader))
        assert b.images.dtype == torch.uint8 and b.labels.dtype == torch.int64 and b.images.shape == (8, 32, 32, 3)
        want = (b.images.numpy().astype(np.float32) + b.colours.numpy()[:, None, None]).transpose(0, 3, 1, 2)
        x, y = b
        assert torch.equal(x, torch.from_numpy(want).permute(0, 2, 3, 1))
        moved = b.to("cpu", non_blocking=True)
        assert torch.equal(moved.images, b.images) and moved.step == b.step
        loss = torch.nn.functional.cross_entropy(torch.zeros(8, 4), y)
        assert abs(float(loss) - np.log(4)) < 1e-6
        pointer = b.images.data_ptr()
        lo = loader._child.memory.address
        assert lo <= pointer < lo + loader._child.memory.size  # no copy
        ours = normalise(b.images, b.colours, *IMAGENET)
        from_numpy = normalise(b.images.numpy(), b.colours.numpy(), *IMAGENET)
        assert ours.is_contiguous(memory_format=torch.channels_last) and np.array_equal(ours.numpy(), from_numpy)


@pytest.mark.parametrize("start, decoder", [("fork", "python"), ("fork", "child"), ("spawn", "child")])
def test_dataloader(lossless, start, decoder):
    data = Dataset(lossless, decoder=decoder)
    want = data[52]
    loader = torch.utils.data.DataLoader(data, batch_size=7, num_workers=2, multiprocessing_context=start)
    batches = list(loader)
    assert sum(len(x) for x, _ in batches) == 53
    assert np.array_equal(batches[-1][0][-1].numpy(), want[0]) and int(batches[-1][1][-1]) == want[1]
    assert np.array_equal(data[52][0], want[0])  # the parent's own process still works


def test_fork(lossless):
    """After a fork a loader works in the child, with a process of its own, and in the parent."""
    import multiprocessing
    loader = Loader(lossless, 8, crop=32)
    it = iter(loader)
    next(it)

    def work(queue):
        queue.put([b.samples.tolist() for b in it])

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    theirs = queue.get(timeout=30)
    process.join()
    assert theirs == [b.samples.tolist() for b in it] and len(theirs) == 5
    loader.close()


WORKER = """
import json, sys, torch
from alexnet_loader import Loader
torch.distributed.init_process_group("gloo")
with Loader(sys.argv[1], 4, crop=32, seed=7) as loader:
    mine = [b.samples.tolist() for b in loader]
everyones = [None] * 2
torch.distributed.all_gather_object(everyones, mine)
if loader.rank == 0:
    print(json.dumps(everyones))
torch.distributed.destroy_process_group()
"""


def test_torchrun(lossless, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
    arguments = [str(script), str(lossless)]
    if torch.__version__ >= "2":
        commands = [[sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", *arguments]]
        places = [{}]
    else:  # PyTorch 1.13's doesn't run under Python 3.11: what it sets
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = str(s.getsockname()[1])
        commands = [[sys.executable, *arguments]] * 2
        places = [{"RANK": str(r), "WORLD_SIZE": "2", "LOCAL_RANK": str(r), "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
                  for r in range(2)]
    ranks = [subprocess.Popen(c, env={**env, **p}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c, p in zip(commands, places)]
    done = [rank.communicate(timeout=120) for rank in ranks]
    assert not any(rank.returncode for rank in ranks), done
    out = "".join(out for out, _ in done)
    first, second = json.loads([line for line in out.splitlines() if line.startswith("[")][-1])
    order = reference.order(7, 0, 53)
    assert [a + b for a, b in zip(first, second)] == [order[8 * i:8 * i + 8] for i in range(6)]
