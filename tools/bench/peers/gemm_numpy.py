"""Float32 matrix products through numpy's BLAS, OpenBLAS in numpy's own wheels.

The peer of BenchmarkProducts in engine/cpu, with its names, sizes (m x n x k) and
form, so that benchstat can put them side by side: the fastest of the runs within
--seconds. Set OPENBLAS_NUM_THREADS. A convolution is given as a ready matrix of
patches.
"""
import argparse
import time

import numpy

SHAPES = [
    ("1024×1024×1024", 1024, 1024, 1024), ("fc7 128×4096×4096", 128, 4096, 4096), ("fc6 128×4096×9216", 128, 4096, 9216),
    ("conv1 48×24200×363", 48, 24200, 363), ("conv2 128×11664×1200", 128, 11664, 1200), ("conv3 192×2704×2304", 192, 2704, 2304),
    ("conv4 192×2704×1728", 192, 2704, 1728), ("conv5 128×2704×1728", 128, 2704, 1728),
]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seconds", type=float, default=0.5)
seconds = parser.parse_args().seconds
for name, m, n, k in SHAPES:
    a = numpy.ones((m, k), numpy.float32)
    # A dense layer's weights are stored (outputs, inputs).
    b = numpy.ones((k, n), numpy.float32) if name.startswith("conv") else numpy.ones((n, k), numpy.float32).T
    c = numpy.empty((m, n), numpy.float32)
    numpy.matmul(a, b, out=c)
    fastest, runs, began = float("inf"), 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        start = time.perf_counter()
        numpy.matmul(a, b, out=c)
        fastest = min(fastest, time.perf_counter() - start)
        runs += 1
    mean = (time.perf_counter() - began) / runs
    print(f"BenchmarkProducts/{name.replace(' ', '_')}\t{runs}\t{mean * 1e9:.0f} ns/op\t{2 * m * n * k / fastest / 1e9:.2f} fastest-GFLOP/s")
