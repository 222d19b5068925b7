"""Float32 matrix products through numpy's BLAS, OpenBLAS in numpy's own wheels.

The peer of BenchmarkProducts in engine/cpu: the same names and sizes, m x n x k,
fastest of the runs within half a second each, in GFLOP/s. Set
OPENBLAS_NUM_THREADS. A convolution is given as a ready matrix of patches.
"""
import time

import numpy

SHAPES = [
    ("1024×1024×1024", 1024, 1024, 1024), ("fc7 128×4096×4096", 128, 4096, 4096), ("fc6 128×4096×9216", 128, 4096, 9216),
    ("conv1 48×24200×363", 48, 24200, 363), ("conv2 128×11664×1200", 128, 11664, 1200), ("conv3 192×2704×2304", 192, 2704, 2304),
    ("conv4 192×2704×1728", 192, 2704, 1728), ("conv5 128×2704×1728", 128, 2704, 1728),
]

for name, m, n, k in SHAPES:
    a = numpy.ones((m, k), numpy.float32)
    # A dense layer's weights are stored (outputs, inputs).
    b = numpy.ones((k, n), numpy.float32) if name.startswith("conv") else numpy.ones((n, k), numpy.float32).T
    c = numpy.empty((m, n), numpy.float32)
    fastest, end = float("inf"), time.perf_counter() + 0.5
    numpy.matmul(a, b, out=c)
    while time.perf_counter() < end:
        start = time.perf_counter()
        numpy.matmul(a, b, out=c)
        fastest = min(fastest, time.perf_counter() - start)
    print(f"{name}\t{2 * m * n * k / fastest / 1e9:.1f} GFLOP/s")
