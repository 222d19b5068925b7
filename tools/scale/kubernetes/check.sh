#!/bin/bash
# Gives docs/scale/*-job.yaml to a Kubernetes of two nodes that it makes on this
# machine, with a synthetic set in place of ImageNet, and compares what they leave
# with what one process leaves. BIN is the folder of the commands; CACHE keeps the
# Kubernetes that is built the first time; KEEP=1 leaves the folder with the logs.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. tools/scale/kubernetes/cluster.sh

if [ -z "${work:-}" ]; then
	for tool in containerd runc etcd debootstrap unshare ip openssl; do
		command -v $tool >/dev/null || { echo "$tool is not installed: apt-get install containerd runc etcd-server debootstrap util-linux iproute2 openssl" >&2; exit 1; }
	done
	[ -d /sys/fs/cgroup/cpuset ] || { echo "this wants cgroup v1, below /sys/fs/cgroup" >&2; exit 1; }
	cache=${CACHE:-$HOME/.cache/alexnet-kubernetes}
	export bin=$(realpath "${BIN:-build}") kubernetes=$cache/bin image=registry.example/alexnet:1
	tools/scale/kubernetes/build.sh "$cache"
	export work=$(mktemp -d /tmp/check-kubernetes.XXXXXX)
	export cgroup=${work##*/}
	# The script ends last of what runs in its namespaces, and they take their mounts
	# and networks with them.
	trap 'cluster_remove_cgroups; [ -n "${KEEP:-}" ] || rm -rf "$work"' EXIT
	tools/scale/kubernetes/image.sh "$cache" "$bin" "$work/image" $image
	unshare --mount --net --pid --fork --kill-child --mount-proc tools/scale/kubernetes/check.sh
	exit
fi
trap 'exit 130' INT TERM

manifests=docs/scale data=$work/data
export PATH="$bin:$kubernetes:$PATH"
run=$data/runs/alexnet last=checkpoints/step-000000060.safetensors
recipe="--net alexnet-mini --batch 16 --seed 3 --steps 60 --epochs 20 --log-every 5 --checkpoint-every 5 --threads 1"

say() { echo "--- $*"; }

# with is a manifest with some of its words replaced: with FILE OLD NEW...
with() {
	local text
	text=$(<"$manifests/$1")
	shift
	while [ $# -gt 0 ]; do
		[[ $text == *"$1"* ]] || { echo "no \"$1\" in the manifest" >&2; return 1; }
		text=${text//"$1"/"$2"}
		shift 2
	done
	printf '%s\n' "$text"
}

# apply gives the cluster what it reads, and no field that it doesn't know.
apply() { kubectl apply --validate=strict "$@" -f - >/dev/null; }

# shards, training: the manifests, for a cluster of this size.
shards() {
	with shard-job.yaml ": 64" ": 3" "/64" "/3" "memory: 2Gi" "memory: 64Mi" 'cpu: "8"' 'cpu: "1"' \
		"--in /data/ILSVRC2012_img_train.tar" "--in /data/practice --split train --size 72"
}

training() {
	with train-gpu-job.yaml ": 4" ": 2" '"4"' '"2"' 'cpu: "8"' 'cpu: "1"' "--devices cuda --batch 512" "--devices cpu $recipe"
}

# ended waits for the end of a Job: ended NAME.
ended() {
	local is
	for try in $(seq 600); do
		is=$(kubectl get job "$1" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')
		case " $is " in
		*" Complete "*) return ;;
		*" Failed "*) break ;;
		esac
		sleep 0.5
	done
	echo "job $1 is not complete:" >&2
	kubectl describe job "$1" | tail -n 20 >&2
	kubectl get pods -o wide >&2
	kubectl logs --prefix --tail=10 -l "job-name=$1" >&2
	return 1
}

# reached waits for a checkpoint, or says why it doesn't come.
reached() {
	for try in $(seq 1200); do
		if [ -e "$run/checkpoints/step-$1.safetensors" ]; then return; fi
		sleep 0.1
	done
	echo "no checkpoint of step $1:" >&2
	kubectl get pods -o wide >&2
	kubectl logs --prefix --tail=10 -l job-name=alexnet >&2
	return 1
}

# pods says how the pods of a Job have ended.
pods() {
	kubectl get pods -l "job-name=$1" --no-headers --sort-by=.metadata.name \
		-o 'custom-columns=:metadata.name,:spec.nodeName,:status.phase,:status.containerStatuses[0].state.terminated.exitCode'
}

# same wants the last checkpoint of a run to be that of one process, and clears up.
same() {
	ended alexnet
	cmp "$data/alone/$last" "$run/$last"
	pods alexnet
	kubectl delete job alexnet >/dev/null
	rm -rf "$run"
}

# said wants a pod of training to have said something.
said() { kubectl logs --prefix --tail=-1 -l job-name=alexnet | grep "$@"; }

mkdir -p "$data"
prep-imagenet sample --out "$data/practice" --classes 4 --per-class 24 2>/dev/null
truncate -s 300 "$data/practice/train/dots/dots_00003.jpg" # can't be read
prep-imagenet shard --in "$data/practice" --split train --size 72 --out "$data/whole" 2>/dev/null || [ $? = 3 ]
prep-imagenet shard --in "$data/practice" --split val --size 72 --out "$data/shards/val" 2>/dev/null
cluster_up
say "Kubernetes $(kubectl version -o json | sed -n 's/.*"gitVersion": "\(.*\)".*/\1/p' | tail -n 1), $(containerd --version | cut -d ' ' -f 3)"
apply <<-YAML
	apiVersion: v1
	kind: PersistentVolume
	metadata: {name: imagenet}
	spec:
	  capacity: {storage: 1Gi}
	  accessModes: [ReadWriteMany]
	  storageClassName: none
	  hostPath: {path: $data}
	---
	apiVersion: v1
	kind: PersistentVolumeClaim
	metadata: {name: imagenet}
	spec:
	  accessModes: [ReadWriteMany]
	  storageClassName: none
	  resources: {requests: {storage: 1Gi}}
YAML
for node in node0 node1; do # a GPU each to count, though there is none
	kubectl patch node $node --subresource=status -p '{"status": {"capacity": {"nvidia.com/gpu": "1"}}}' >/dev/null
done

say "the manifests as they are, looked at by the API"
for manifest in shard-job.yaml merge-job.yaml train-gpu-job.yaml; do
	with $manifest | apply --dry-run=server
done

say "shard-job.yaml, merge-job.yaml"
shards | apply
ended shard
pods shard
with merge-job.yaml | apply
ended merge
diff -r "$data/whole" "$data/shards/train"

compute-pca --shards "$data/shards/train" --out "$data/pca.json" >/dev/null 2>&1
train-alexnet --train "$data/shards/train" --val "$data/shards/val" --pca "$data/pca.json" --run "$data/alone" $recipe --accumulate 2 2>/dev/null >&2

say "train-gpu-job.yaml on CPUs"
kubectl create secret generic alexnet-ranks --from-literal=token="$(openssl rand -hex 16)" >/dev/null
training | apply
ended alexnet
said "2 ranks: 1 on alexnet-0, 1 on alexnet-1"
same

say "a rank is killed: all end, and new pods go on"
training | apply
reached 000000010
kill -KILL "$(pgrep -f '^train-alexnet ' | tail -n 1)"
same

say "a node is drained: all ranks save, which is no failure, and new pods go on"
training | apply
reached 000000010
# Of what is evicted no log remains: not that of rank 0, please.
node=$(kubectl get pod -l job-name=alexnet,batch.kubernetes.io/job-completion-index=1 -o 'jsonpath={.items[0].spec.nodeName}')
kubectl drain "$node" >/dev/null
kubectl uncordon "$node" >/dev/null
ended alexnet
said "go on with"
[ -z "$(kubectl get job alexnet -o 'jsonpath={.status.failed}')" ]
same

say "a flag is wrong: the Job fails at once"
training | sed 's/--pca /--pac /' | apply
kubectl wait --for=condition=Failed --timeout=2m job/alexnet >/dev/null
pods alexnet
kubectl delete job alexnet >/dev/null

say "all is as it should be"
