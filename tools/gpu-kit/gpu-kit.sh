#!/bin/sh
# Tries out train-alexnet on this machine's GPU and writes gpu-report/report.json and
# report.txt. A call takes at most ten minutes; the same command again goes on with
# what is left. Needs an NVIDIA driver, cuBLAS 12 or 13 and cuDNN 9; with PyTorch
# speeds are compared, and with raw shards of Imagenette errors too.
#
#   ./gpu-kit.sh [-python PYTHON] [-train SHARDS -val SHARDS -pca FILE] [-only PARTS] [-again]
exec "$(dirname "$0")/gpu-kit" "$@"
