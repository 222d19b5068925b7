#!/bin/sh
# The tables of docs/results-cpu.md, some fifteen minutes on a quiet machine:
#
#	PYTHON=venv/bin/python sh tools/bench/cpu.sh OUT
#
# PYTHON has numpy and torch. Contestants take turns, so that a machine that is
# busy at times is busy for all. OUT receives what each printed, and the page the
# tables.
set -eu
OUT=${1:?usage: sh tools/bench/cpu.sh OUT}
PYTHON=${PYTHON:-python3}
ROUNDS=${ROUNDS:-6}
TRAIN_ROUNDS=${TRAIN_ROUNDS:-2} # 0 leaves the full net out
mkdir -p "$OUT"
rm -f "$OUT"/*.txt
go test -c -o "$OUT/cpu.test" ./engine/cpu
go build -o "$OUT/train-alexnet" ./tools/train-alexnet
GOBIN="$(cd "$OUT" && pwd)" go install golang.org/x/perf/cmd/benchstat@latest

ours() { # without the number of processors behind a name, which the peer doesn't print
	"$OUT/cpu.test" -test.run - -test.bench "$1" -test.benchtime "$2" -threads "$3" $4 | sed -nE 's/^(Benchmark[^[:space:]]*)-[0-9]+/\1/p'
}
for n in 1 2; do
	for kind in openblas avx2 portable; do echo "Unit fastest-GFLOP/s better=higher" >"$OUT/$kind-$n.txt"; done
done
for _ in $(seq "$ROUNDS"); do
	for n in 1 2; do
		ours 'Products|Peak' 0.2s $n "-kernels avx2" >>"$OUT/avx2-$n.txt"
		OPENBLAS_NUM_THREADS=$n "$PYTHON" tools/bench/peers/gemm_numpy.py --seconds 0.2 >>"$OUT/openblas-$n.txt"
	done
	ours Products 1x 2 "-kernels portable" >>"$OUT/portable-2.txt"
done
"$OUT/train-alexnet" bench --devices cpu --batch 128 --steps 3 >"$OUT/layers.txt"
[ "$TRAIN_ROUNDS" = 0 ] || go run ./tools/bench train --command "$OUT/train-alexnet" --python "$PYTHON" --steps 1 --rounds "$TRAIN_ROUNDS" \
	--batches 16,64,256,512 >"$OUT/train.md"


# insert NAME puts standard input between <!-- NAME --> and <!-- end --> in the page.
page=docs/results-cpu.md
insert() {
	cat >"$OUT/part"
	awk -v part="$OUT/part" -v start="<!-- $1 -->" '
		$0 == start { print; while ((getline line < part) > 0) print line; skip = 1 }
		$0 == "<!-- end -->" { skip = 0 }
		!skip' "$page" >"$OUT/page" && cp "$OUT/page" "$page"
}
compare() { # without lines about the machine
	printf '```\n'
	"$OUT/benchstat" -filter ".unit:fastest-GFLOP/s .name:Products" "$@" | grep -v '^[a-z]*:' | sed 's/[[:space:]]*$//'
	printf '```\n'
}
[ "$TRAIN_ROUNDS" = 0 ] || insert train <"$OUT/train.md"
{ printf '```\n'; cat "$OUT/layers.txt"; printf '```\n'; } | insert layers
for n in 1 2; do
	{
		compare "OpenBLAS=$OUT/openblas-$n.txt" "ours=$OUT/avx2-$n.txt"
		printf '\nRegisters alone on %s thread(s), in the same turns: %s GFLOP/s.\n' $n \
			"$(awk '/Peak/ { print $(NF-1) }' "$OUT/avx2-$n.txt" | sort -g | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR+1)/2)] }')"
	} | insert products-$n
done
compare "portable=$OUT/portable-2.txt" "AVX2=$OUT/avx2-2.txt" | insert portable
echo "$page"
