#!/bin/sh
# A practice set to a trained alexnet-mini and its report, through the three
# commands, on the CPU. Needs nothing but the built commands in $BIN; leaves
# everything in $OUT.
set -eu
BIN=${BIN:-build}
OUT=${OUT:-build/demo}
rm -rf "$OUT"
mkdir -p "$OUT"

step() { printf '\n== %s\n' "$*"; }

step "1/5 render a practice set: ten textures, 2,000 pictures to train on, 500 to validate"
"$BIN/prep-imagenet" sample --out "$OUT/practice" --per-class 200

step "2/5 make shards of 72-pixel squares"
"$BIN/prep-imagenet" shard --in "$OUT/practice/train" --out "$OUT/shards/train" --size 72
"$BIN/prep-imagenet" shard --in "$OUT/practice/val" --out "$OUT/shards/val" --size 72 --split val
"$BIN/prep-imagenet" inspect --sheet "$OUT/sheet.png" "$OUT/shards/train"

step "3/5 find the colour axes"
"$BIN/compute-pca" --shards "$OUT/shards/train" --out "$OUT/pca.json"

step "4/5 train alexnet-mini"
"$BIN/train-alexnet" --train "$OUT/shards/train" --val "$OUT/shards/val" --pca "$OUT/pca.json" \
	--run "$OUT/run" --net alexnet-mini --init he --input-scale 0.02 --warmup 100 \
	--batch 16 --lr 0.005 --epochs 20 --log-every 50

step "5/5 evaluate the best checkpoint: centre crop, then ten crops"
"$BIN/train-alexnet" eval --checkpoint "$OUT/run/checkpoints/best.safetensors" --data "$OUT/shards/val"
"$BIN/train-alexnet" eval --checkpoint "$OUT/run/checkpoints/best.safetensors" --data "$OUT/shards/val" --ten-crop

printf '\nThe report is %s/run/report.html; the pictures of the training set are in %s/sheet.png.\n' "$OUT" "$OUT"
