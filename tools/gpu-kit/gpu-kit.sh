#!/bin/sh
# Tries out train-alexnet on this machine's GPU in under ten minutes and writes
# gpu-report/report.json and report.txt. Needs an NVIDIA driver, cuBLAS 12 or 13
# and cuDNN 9; with PyTorch, speeds are compared.
#
#   ./gpu-kit.sh [-python PYTHON] [-train SHARDS -val SHARDS -pca FILE] [-only PARTS]
exec "$(dirname "$0")/gpu-kit" "$@"
