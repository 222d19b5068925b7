# Functions for check.sh: a Kubernetes of two nodes in the folder $work, from the
# commands in $kubernetes. It wants root, Debian's packages containerd, runc and
# etcd-server, and namespaces of its own: what runs when they end is killed.
#
# Both nodes are on one network, a bridge, as their pods are. Names of pods are told
# by CoreDNS beside them; there is no kube-proxy, so Services have no addresses.

host=10.88.0.1 # the API, the DNS, and both nodes' kubelets

# cluster_up starts everything, and waits until both nodes are ready.
cluster_up() {
	mkdir -p "$work"/{etcd,certs,log,var,var.work,kubelet}
	mount --make-rshared /
	mount -t tmpfs run /run
	mount -t overlay -o "lowerdir=/var,upperdir=$work/var,workdir=$work/var.work" var /var
	ip link set lo up
	ip link add cni0 type bridge
	ip addr add $host/16 dev cni0
	ip link set cni0 up
	openssl genrsa -out "$work/accounts.key" 2048 2>/dev/null
	echo "$(openssl rand -hex 16),check,check,system:masters" >"$work/tokens"
	daemon etcd etcd --data-dir "$work/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380
	daemon apiserver "$kubernetes/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --bind-address $host --cert-dir "$work/certs" --kubelet-preferred-address-types InternalIP \
		--token-auth-file "$work/tokens" --service-cluster-ip-range 10.97.0.0/16 --service-account-issuer https://kubernetes.default.svc \
		--service-account-key-file "$work/accounts.key" --service-account-signing-key-file "$work/accounts.key"
	up "the API server's certificate" test -e "$work/certs/apiserver.crt"
	cluster_kubeconfig >"$work/kubeconfig"
	export KUBECONFIG=$work/kubeconfig
	up "the API" kubectl get --raw /readyz
	daemon controller-manager "$kubernetes/kube-controller-manager" --kubeconfig "$KUBECONFIG" --leader-elect=false \
		--service-account-private-key-file "$work/accounts.key" --root-ca-file "$work/certs/apiserver.crt"
	daemon scheduler "$kubernetes/kube-scheduler" --kubeconfig "$KUBECONFIG" --leader-elect=false
	cluster_corefile >"$work/Corefile"
	daemon coredns "$kubernetes/coredns" -conf "$work/Corefile"
	cluster_node node0 1
	cluster_node node1 2
	up "two nodes" cluster_ready 2
	up "the account of pods" kubectl get serviceaccount default
}

# daemon starts a command whose output is log/NAME.
daemon() {
	local name=$1
	shift
	"$@" >"$work/log/$name" 2>&1 </dev/null &
}

# up waits until a command succeeds: up WHAT COMMAND.
up() {
	local what=$1
	shift
	for try in $(seq 600); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.5
	done
	echo "$what: not there after five minutes" >&2
	tail -n 5 "$work"/log/* >&2
	return 1
}

cluster_ready() {
	[ "$(kubectl get nodes --no-headers | grep -cw Ready)" = "$1" ]
}

# cluster_node starts a containerd with our image and its kubelet: cluster_node NAME NUMBER.
cluster_node() {
	local node=$work/$1 number=$2 socket=/run/$1.sock
	mkdir -p "$node/net"
	for controller in /sys/fs/cgroup/*/cgroup.procs; do
		mkdir -p "$(dirname "$controller")/$cgroup/$1"
	done
	for set in cpus mems; do # a cpuset starts with none
		for folder in $cgroup $cgroup/$1; do
			cat /sys/fs/cgroup/cpuset/cpuset.$set >"/sys/fs/cgroup/cpuset/$folder/cpuset.$set"
		done
	done
	cluster_network "$number" "$node" >"$node/net/pods.conflist"
	cluster_containerd "$node" "$socket" >"$node/containerd.toml"
	cluster_kubelet "$1" "$number" "$socket" >"$node/kubelet.yaml"
	daemon "containerd-$1" containerd --config "$node/containerd.toml"
	up "containerd of $1" ctr -a "$socket" version
	ctr -a "$socket" -n k8s.io images import "$work/image.tar" >"$work/log/import-$1" 2>&1 || { cat "$work/log/import-$1" >&2; return 1; }
	daemon "kubelet-$1" "$kubernetes/kubelet" --config "$node/kubelet.yaml" --kubeconfig "$KUBECONFIG" --hostname-override "$1" \
		--node-ip $host --root-dir "$work/kubelet/$1" --cert-dir "$node/certs"
}

# cluster_remove_cgroups removes what nodes leave when all in them is dead.
cluster_remove_cgroups() {
	for controller in /sys/fs/cgroup/*/"$cgroup"; do
		if [ -d "$controller" ]; then find "$controller" -depth -type d -exec rmdir {} +; fi
	done
}

cluster_kubeconfig() {
	cat <<-YAML
		apiVersion: v1
		kind: Config
		current-context: check
		contexts: [{name: check, context: {cluster: check, user: check}}]
		clusters: [{name: check, cluster: {server: "https://$host:6443", certificate-authority: $work/certs/apiserver.crt}}]
		users: [{name: check, user: {token: "$(cut -d , -f 1 "$work/tokens")"}}]
	YAML
}

cluster_corefile() {
	cat <<-CONF
		.:53 {
		    bind $host
		    errors
		    kubernetes cluster.local {
		        kubeconfig $KUBECONFIG check
		    }
		}
	CONF
}

# cluster_network gives the pods of a node addresses of their own on the bridge.
cluster_network() {
	cat <<-JSON
		{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0",
		 "ipam": {"type": "host-local", "dataDir": "$2/addresses", "routes": [{"dst": "0.0.0.0/0"}],
		  "ranges": [[{"subnet": "10.88.0.0/16", "gateway": "$host", "rangeStart": "10.88.$1.1", "rangeEnd": "10.88.$1.254"}]]}}]}
	JSON
}

cluster_containerd() {
	cat <<-TOML
		version = 2
		root = "$1/containerd"
		state = "$2.state"
		[grpc]
		  address = "$2"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "$image"
		  restrict_oom_score_adj = true # where even root may not lower it
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "$kubernetes"
		    conf_dir = "$1/net"
	TOML
}

# cluster_kubelet: the disk and the images are the machine's, so nothing is evicted.
cluster_kubelet() {
	cat <<-YAML
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		address: $host
		port: $((10250 + 10 * $2))
		healthzPort: 0
		authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
		authorization: {mode: AlwaysAllow}
		cgroupDriver: cgroupfs
		cgroupRoot: /$cgroup/$1
		failCgroupV1: false
		failSwapOn: false
		makeIPTablesUtilChains: false
		clusterDNS: [$host]
		clusterDomain: cluster.local
		containerRuntimeEndpoint: unix://$3
		volumePluginDir: $work/kubelet/$1/plugins
		podLogsDir: $work/log/$1
		evictionHard: {memory.available: 1Mi, nodefs.available: 1Mi, imagefs.available: 1Mi, nodefs.inodesFree: 1%}
		imageGCHighThresholdPercent: 100
	YAML
}
