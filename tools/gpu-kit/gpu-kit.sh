#!/bin/sh
# Tries out train-alexnet on this machine's GPU in one call of eight minutes (-minutes) and
# writes report.txt, report.json and log.txt to gpu-report (-out). The same command again
# runs the remaining parts. Needs an NVIDIA driver, cuBLAS 12 or 13 and cuDNN 9; with
# PyTorch speeds are compared.
#
#   ./gpu-kit.sh [-python PYTHON] [-minutes N] [-out DIR] [-only PARTS] [-again]
dir=$(cd "$(dirname "$0")" && pwd) || exit
for packed in "$dir"/*.gz; do
	if [ -e "$packed" ]; then gunzip -f "$packed" || exit; fi
done
exec "$dir/gpu-kit" "$@"
