"""Peers of the loader: each runs the same work from the same pictures, and prints its rate.

    python loaders.py PEER --jpegs FOLDERS --mds DIR --work DIR --workers N --batch B

PEER is python-raw, python-lossless or python-jpeg (ours, from Python), torchvision, streaming, webdataset, ffcv-raw, ffcv-jpeg,
dali, datago, litdata or spdl. FOLDERS has class folders of 256x256
JPEGs, DIR the same pictures as MDS shards of codec jpeg; what a peer needs besides (tars, .beton) is made
in --work before the clock starts. The work: shuffled samples, a 224x224 crop, a horizontal flip half of the
time, batches of uint8 in host memory. Peers whose crop resizes are given crops of exactly 224x224.

An epoch has each picture REPEAT times, so that what peers do between epochs (starting threads, filling
queues) weighs as little as in a large set. Once workers have started, pages are cached and code is compiled,
it prints {"first": seconds until the first batch of ours, the median of five starts}; then for each line on
standard input, a number of seconds, it measures that long and prints one JSON object: images, seconds,
cpu_seconds (workers included), own_seconds (of this process alone, for ours), note. tools/bench stops it
between its turns.

Before the clock starts, batches are taken until queues are as full as they will be at the end: empty where the
loader is slower than this program, and so with every peer but datago, where one thread here does a part
of the work.
"""
import argparse
import json
import os
import random
import sys
import time

import numpy as np

CROP = 224
REPEAT = 64


def crop_flip(picture):
    """A random crop and flip of a PIL picture, as bytes in an array."""
    x, y = random.randint(0, 32), random.randint(0, 32)
    a = np.asarray(picture.convert("RGB"))[y:y + CROP, x:x + CROP]
    return np.ascontiguousarray(a[:, ::-1] if random.random() < 0.5 else a)


def to_tensor(picture):
    import torch
    return torch.from_numpy(crop_flip(picture))


def torchvision(a):
    import torch
    from torchvision import datasets
    data = torch.utils.data.ConcatDataset([datasets.ImageFolder(a.jpegs, transform=to_tensor)] * REPEAT)
    return torch.utils.data.DataLoader(data, batch_size=a.batch, shuffle=True, num_workers=a.workers,
                                       persistent_workers=True, drop_last=True), ""


def streaming(a):
    import torch
    from streaming import Stream, StreamingDataset

    class Data(StreamingDataset):
        def __getitem__(self, i):
            s = super().__getitem__(i)
            return to_tensor(s["image"]), s["label"]

    data = Data(streams=[Stream(local=a.mds, repeat=REPEAT)], shuffle=True, batch_size=a.batch)
    return torch.utils.data.DataLoader(data, batch_size=a.batch, num_workers=a.workers, persistent_workers=True,
                                       drop_last=True), ""


def tars(a):
    import webdataset
    path = os.path.join(a.work, "webdataset-%03d.tar")
    if not os.path.exists(path % 0):
        with webdataset.ShardWriter(path, maxcount=512, verbose=0) as out:
            for i, (name, label) in enumerate(pictures(a)):
                with open(name, "rb") as f:
                    out.write({"__key__": "%06d" % i, "jpg": f.read(), "cls": label})
    count = len([n for n in os.listdir(a.work) if n.startswith("webdataset-")])
    return os.path.join(a.work, "webdataset-{000..%03d}.tar" % (count - 1))


def pictures(a):
    """Files and labels in a shuffled order, always the same."""
    from torchvision import datasets
    samples = datasets.ImageFolder(a.jpegs).samples
    random.Random(0).shuffle(samples)
    return samples


def web(a):
    import webdataset
    data = (webdataset.WebDataset(tars(a), shardshuffle=100, empty_check=False, workersplitter=webdataset.split_by_worker)
            .repeat(REPEAT).shuffle(1000).decode("pil").to_tuple("jpg", "cls").map_tuple(to_tensor, int).batched(a.batch, partial=False))
    return webdataset.WebLoader(data, batch_size=None, num_workers=a.workers, persistent_workers=True), \
        "shuffles a window of 1,000"


def ffcv(mode):
    def make(a):
        from ffcv.fields import IntField, RGBImageField
        from ffcv.fields.decoders import IntDecoder, RandomResizedCropRGBImageDecoder
        from ffcv.loader import Loader, OrderOption
        from ffcv.transforms import RandomHorizontalFlip, ToTensor
        from ffcv.writer import DatasetWriter
        from PIL import Image

        class Pictures:
            def __init__(self):
                self.samples = pictures(a)

            def __len__(self):
                return len(self.samples)

            def __getitem__(self, i):
                name, label = self.samples[i]
                picture = Image.open(name).convert("RGB")
                return picture, label

        path = os.path.join(a.work, f"ffcv-{mode}.beton")
        if not os.path.exists(path):
            field = RGBImageField(write_mode=mode, jpeg_quality=90)
            DatasetWriter(path + ".tmp", {"image": field, "label": IntField()}, num_workers=a.workers).from_indexed_dataset(Pictures())
            os.rename(path + ".tmp", path)
        # As its performance guide has it for data that fit in memory: os_cache, random order (quasi-random
        # order spares reads from disk, of which there are none), as many workers as cores. Eight batches ahead
        # were a quarter faster than its three.
        side = CROP / 256
        each = np.tile(np.arange(len(pictures(a))), REPEAT)
        decoder = RandomResizedCropRGBImageDecoder((CROP, CROP), scale=(side * side, side * side), ratio=(1, 1))
        loader = Loader(path, batch_size=a.batch, num_workers=a.workers, order=getattr(OrderOption, a.order), os_cache=True, drop_last=True, indices=each, batches_ahead=a.batches_ahead,
                        pipelines={"image": [decoder, RandomHorizontalFlip(), ToTensor()], "label": [IntDecoder(), ToTensor()]})
        return loader, "" if mode == "raw" else "re-encoded at quality 90"
    return make


def dali(a):
    from nvidia.dali import fn, pipeline_def

    # Its operators on the CPU: the decoder reads only what the crop needs of a file. Shuffled whole: the
    # files' order by shuffle_after_epoch, as its documentation advises for small files.
    @pipeline_def(batch_size=a.batch, num_threads=a.workers, device_id=None, prefetch_queue_depth=a.batches_ahead)
    def work():
        data, label = fn.readers.file(file_root=a.jpegs, shuffle_after_epoch=True)
        place = [fn.random.uniform(range=[0.0, 1.0]) for _ in range(2)]
        picture = fn.decoders.image_crop(data, crop=(CROP, CROP), crop_pos_x=place[0], crop_pos_y=place[1])
        return fn.flip(picture, horizontal=fn.random.coin_flip()), label

    pipeline = work()
    pipeline.build()

    def batches():
        while True:
            yield [np.asarray(t.as_tensor()) for t in pipeline.run()]
    return batches(), "operators on the CPU"


def datago(a):
    from datago import DatagoClient, initialize_logging
    initialize_logging(log_level="warn")
    folder = os.path.join(a.work, "datago")  # the files REPEAT times, as links
    if not os.path.exists(folder):
        for name, label in pictures(a):
            for i in range(REPEAT):
                place = os.path.join(folder + ".tmp", str(i), str(label))
                os.makedirs(place, exist_ok=True)
                os.link(name, os.path.join(place, os.path.basename(name)))
        os.rename(folder + ".tmp", folder)
    client = DatagoClient(json.dumps({
        "source_type": "file", "source_config": {"root_path": folder, "random_sampling": True, "rank": 0, "world_size": 1},
        "limit": 1 << 30, "samples_buffer_size": a.batches_ahead * a.batch}))

    def samples():
        while True:
            client.start()
            while (s := client.get_sample_auto_convert()) is not None:
                yield crop_flip(s["image"]), int(s["id"].split("/")[-2])

    def batches():
        source = samples()
        while True:
            rows, labels = zip(*(next(source) for _ in range(a.batch)))
            yield np.stack(rows), np.array(labels)
    return batches(), "one Python thread cuts and flips"


def ours(codec):
    def make(a):
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))
        from alexnet_loader import Loader
        loader = Loader(a.shards.replace("CODEC", codec), a.batch, workers=a.workers, output="numpy", binary=a.prep_imagenet, noise=a.noise)
        return loader, ""
    return make


class JPEGs:
    """A picture by number, for those who write files of their own."""

    def __init__(self, a):
        self.samples = pictures(a)

    def __call__(self, i):
        name, label = self.samples[i]
        with open(name, "rb") as f:
            return {"jpeg": f.read(), "label": label}


def from_jpeg(sample):
    import io
    from PIL import Image
    return to_tensor(Image.open(io.BytesIO(sample["jpeg"]))), sample["label"]


def litdata(a):
    import litdata as ld
    folder = os.path.join(a.work, "litdata")
    if not os.path.exists(os.path.join(folder, "index.json")):
        ld.optimize(fn=JPEGs(a), inputs=list(range(len(pictures(a)))), output_dir=folder, chunk_bytes="64MB", num_workers=1)

    # Its epoch is the set once: it has no way to repeat it.
    return ld.StreamingDataLoader(ld.StreamingDataset(folder, shuffle=True, drop_last=True, transform=from_jpeg), batch_size=a.batch, num_workers=a.workers,
                                  persistent_workers=True), "epochs of the set once"


def spdl(a):
    import spdl.io
    from spdl.pipeline import PipelineBuilder
    samples = pictures(a)

    def source():
        while True:
            order = list(samples)
            random.shuffle(order)
            yield from order

    def load(sample):
        x, y = random.randint(0, 32), random.randint(0, 32)
        flip = ",hflip" if random.random() < 0.5 else ""
        packets = spdl.io.demux_image(sample[0])
        frames = spdl.io.decode_packets(packets, filter_desc=f"crop={CROP}:{CROP}:{x}:{y}{flip},format=pix_fmts=rgb24")
        return frames, sample[1]

    def join(items):
        buffer = spdl.io.convert_frames([f for f, _ in items])
        return spdl.io.to_numpy(buffer), np.array([y for _, y in items])

    pipeline = (PipelineBuilder().add_source(source()).pipe(load, concurrency=a.workers, output_order="completion").aggregate(a.batch, drop_last=True)
                .pipe(join).add_sink(a.batches_ahead).build(num_threads=a.workers + 1))
    pipeline.start()
    return pipeline.get_iterator(), "decodes by FFmpeg, in threads"


PEERS = {"python-raw": ours("raw"), "python-lossless": ours("lossless"), "python-jpeg": ours("jpeg"), "litdata": litdata, "spdl": spdl,
         "torchvision": torchvision, "streaming": streaming, "webdataset": web, "ffcv-raw": ffcv("raw"), "ffcv-jpeg": ffcv("jpg"),
         "dali": dali, "datago": datago}


def cpu():
    """Seconds of this process and of the workers that have ended or are running."""
    total = 0.0
    tick = os.sysconf("SC_CLK_TCK")
    me = os.getpid()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(pid) == me or int(fields[1]) == me:
            total += (int(fields[11]) + int(fields[12])) / tick
    return total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("peer", choices=PEERS)
    p.add_argument("--shards", default="", help="ours, with CODEC for the codec")
    p.add_argument("--prep-imagenet", help="of ours")
    p.add_argument("--noise", help="of ours: the axes")
    for name in "jpegs", "mds", "work":
        p.add_argument("--" + name, required=True)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--batch", type=int, default=256)
    p.add_argument("--batches-ahead", type=int, default=8, help="of FFCV")
    p.add_argument("--order", default="RANDOM", help="of FFCV")
    a = p.parse_args()
    mine = a.peer.startswith("python-")
    firsts = []
    for _ in range(5 if mine else 1):
        loader = source = None  # the last one's process ends
        began = time.perf_counter()
        loader, note = PEERS[a.peer](a)
        source = forever(loader)
        next(source)
        firsts.append(time.perf_counter() - began)
    for _ in range(8):  # workers start, pages and compiled code warm up
        next(source)
    print(json.dumps({"first": sorted(firsts)[len(firsts) // 2] if mine else 0}), flush=True)
    for line in sys.stdin:
        settle(source)
        images, began, used, own = 0, time.perf_counter(), cpu(), time.process_time()
        while time.perf_counter() - began < float(line):
            batch = next(source)
            pictures = batch.images if mine else batch[0]  # bytes in any case: noise comes as offsets, as in Go
            assert pictures.shape[1:] == (CROP, CROP, 3), pictures.shape
            images += len(pictures)
        seconds, own = time.perf_counter() - began, time.process_time() - own
        print(json.dumps({"images": images, "seconds": seconds, "cpu_seconds": cpu() - used, "note": note,
                          "own_seconds": own if mine else 0}), flush=True)


def forever(loader):
    while True:
        yield from loader


def settle(source):
    """Takes what there was before the turn, and some more for as long as it takes to be in step again."""
    end = time.perf_counter() + 0.4
    taken = 0
    while time.perf_counter() < end or taken < 3:
        next(source)
        taken += 1


if __name__ == "__main__":
    main()
