#!/usr/bin/env bash
# check.sh BUILD PYTHON: installs the wheel for this machine into a fresh environment, reads shards there as a new
# user would, and runs the package's tests on the commands in BUILD.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
build="$(cd "$1" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

case "$(uname -m)" in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac
"$2" "$here/backend.py" "$work" "linux/$arch"
"$2" "$here/backend.py" "$work/again" "linux/$arch" >/dev/null
cmp "$work"/*.whl "$work"/again/*.whl # the same sources, the same bytes

"$2" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check "$work"/*.whl
(
	cd "$work"
	export PATH="$work/venv/bin:/usr/bin:/bin"
	unset ALEXNET_PREP_IMAGENET PYTHONPATH
	prep-imagenet sample --out pictures --classes 3 --per-class 20 --json >/dev/null
	prep-imagenet shard --in pictures/train --out shards/train --json >/dev/null
	compute-pca --shards shards/train --out pca.json --json >/dev/null
	python - <<-'PYTHON'
		from alexnet_loader import Loader
		total = 0
		for x, y in Loader("shards/train", batch_size=16, crop=224, flip=True, noise="pca.json", seed=1):
		    total += len(y)
		assert x.shape == (16, 224, 224, 3) and total == 48, (x.shape, total)
		print("a fresh environment: installed, batches read")
	PYTHON
)
cd "$here"
ALEXNET_WHEELS="$work" ALEXNET_BUILD="$build" PYTHONDONTWRITEBYTECODE=1 "$2" -m pytest -p no:cacheprovider
