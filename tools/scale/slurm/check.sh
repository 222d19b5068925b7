#!/bin/bash
# Submits docs/scale/*.sbatch to a Slurm cluster of two nodes that it makes on this
# machine, with a synthetic set in place of ImageNet, and compares what they leave
# with what one process leaves. BIN is the folder of the commands; REPEAT=1 also
# waits for a time limit, two minutes more.
set -euo pipefail
cd "$(dirname "$0")/../../.."
bin=$(realpath "${BIN:-build}")
manifests=$PWD/docs/scale
for tool in slurmctld slurmd sbatch munged setpriv unshare; do
	command -v $tool >/dev/null || { echo "$tool is not installed: apt-get install slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libpmix-dev" >&2; exit 1; }
done
work=$(mktemp -d /tmp/check-slurm.XXXXXX)
chmod 755 "$work"
. tools/scale/slurm/cluster.sh
daemons=
trap 'cluster_down; [ -n "${KEEP:-}" ] || rm -rf "$work"' EXIT

export PATH="$bin:$PATH" DATA="$work/data"
train=$DATA/shards/train run=$DATA/runs/alexnet
pictures=(--in "$DATA/practice" --split train --size 72)
recipe=(--net alexnet-mini --batch 16 --seed 3 --steps 60 --epochs 20 --log-every 5 --checkpoint-every 5 --threads 1)

say() { echo "--- $*"; }

# job submits a manifest and waits for its end: job SBATCH-FLAGS -- MANIFEST FLAGS.
job() {
	sbatch --wait --time=5 --output="$work/log/job-%j.out" "$@" || { tail -n 20 "$work"/log/job-*.out; return 1; }
}

# submit submits training, whose output is log/train.out, and prints its number.
submit() {
	sbatch --parsable --time=5 --nodes=2 --output="$work/log/train.out" "$@" "$manifests/${MANIFEST:-train.sbatch}" "${recipe[@]}"
}

# reached waits for a checkpoint, or says why it doesn't come.
reached() {
	for try in $(seq 600); do
		if [ -e "$run/checkpoints/step-$1.safetensors" ]; then return; fi
		sleep 0.1
	done
	echo "no checkpoint of step $1:" >&2
	tail -n 20 "$work/log/train.out" >&2
	return 1
}

# ended waits for a job to leave the queue.
ended() {
	while [ -n "$(squeue -h -j "$1" -o %i 2>/dev/null)" ]; do sleep 0.2; done
}

# again starts a job that was queued again as soon as the step's daemons are gone;
# Slurm itself takes two minutes.
again() {
	for try in $(seq "${2:-100}"); do
		if [ "$(squeue -h -j "$1" -o %T)" = PENDING ] && ! ls "$work"/spool-*/stepd.slurm.pmix.* >/dev/null 2>&1; then
			scontrol update JobId="$1" StartTime=now
			return
		fi
		sleep 0.2
	done
	echo "job $1 was not queued again:" >&2
	tail -n 20 "$work/log/train.out" >&2
	return 1
}

# same wants the last checkpoint of a run to be that of one process.
same() {
	ended "$1"
	cmp "$DATA/alone/checkpoints/step-000000060.safetensors" "$run/checkpoints/step-000000060.safetensors"
	rm -rf "$run" "$work/log/train.out"
}

prep-imagenet sample --out "$DATA/practice" --classes 4 --per-class 24 2>/dev/null
prep-imagenet shard "${pictures[@]}" --out "$DATA/whole" 2>/dev/null
prep-imagenet shard --in "$DATA/practice" --split val --size 72 --out "$DATA/shards/val" 2>/dev/null
cluster_up
say "$(sinfo --version), $(sinfo -h -o '%D nodes of %c processors')"

for mpi in pmix pmi2; do
	say "shard.sbatch, srun --mpi=$mpi"
	MPI=$mpi job --nodes=2 --ntasks-per-node=2 --cpus-per-task=1 "$manifests/shard.sbatch" "${pictures[@]}"
	diff -r "$DATA/whole" "$train"
	rm -rf "$train"
done

say "shard-array.sbatch, and a job that joins the parts"
export PARTS=3
parts=$(sbatch --parsable --time=5 --array=0-2 --cpus-per-task=1 --output="$work/log/part-%a.out" "$manifests/shard-array.sbatch" "${pictures[@]}")
job --dependency="afterok:$parts" --wrap "prep-imagenet merge $train $DATA/parts/*"
diff -r "$DATA/whole" "$train"

compute-pca --shards "$train" --out "$DATA/pca.json" >/dev/null 2>&1
train-alexnet --train "$train" --val "$DATA/shards/val" --pca "$DATA/pca.json" --run "$DATA/alone" "${recipe[@]}" --accumulate 2 2>/dev/null >&2

for mpi in pmix pmi2; do
	say "train.sbatch, srun --mpi=$mpi"
	id=$(MPI=$mpi submit)
	reached 000000060
	grep -h "2 ranks: 1 on node0, 1 on node1" "$work/log/train.out"
	same "$id"
done

say "train-gpu.sbatch on CPUs, srun --mpi=none"
# The two hostnames are no names of a network.
id=$(MASTER_ADDR=127.0.0.1 MANIFEST=train-gpu.sbatch DEVICES=cpu submit --ntasks-per-node=1 --gpus-per-node=0)
reached 000000060
grep -h "2 ranks: 1 on node0, 1 on node1" "$work/log/train.out"
same "$id"

say "SIGTERM to all ranks, as before a time limit: saved, queued again, and on"
id=$(submit)
reached 000000010
scancel --signal=TERM "$id"
again "$id"
reached 000000060
grep -h "go on with" "$work/log/train.out"
same "$id"

say "a rank is killed: the job fails; submitted again it goes on"
id=$(submit)
reached 000000010
kill -KILL "$(pgrep -f "^[^ ]*train-alexnet --.*--run $run" | tail -n 1)"
ended "$id"
test ! -e "$run/checkpoints/step-000000060.safetensors"
id=$(submit)
reached 000000060
same "$id"

if [ -n "${REPEAT:-}" ]; then
	say "the time limit, of a minute, with the signal before it"
	recipe+=(--steps 100000 --epochs 100000)
	id=$(submit --time=1 --signal=TERM@30)
	reached 000000010
	again "$id" 600
	grep -h "go on with" "$work/log/train.out"
	scancel "$id"
fi
say "all is as it should be"
