# Functions for check.sh: a Slurm cluster of two nodes on this machine, without
# systemd, in the folder $work. Wants root and Debian's packages
#   slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libpmix-dev
# (libpmix-dev, since mpi/pmix looks for libpmix.so, which only that has).

# cluster_up starts munged, slurmctld and two slurmd, each in a hostname of its own.
cluster_up() {
	mkdir -p "$work/state" "$work/log" "$work/tmp-node0" "$work/tmp-node1"
	install -d -o munge -g munge -m 755 "$work/munge"
	(umask 077 && head -c 64 /dev/urandom >"$work/munge/key")
	chown munge:munge "$work/munge/key"
	cluster_conf >"$work/slurm.conf"
	export SLURM_CONF="$work/slurm.conf"
	setpriv --reuid munge --regid munge --clear-groups munged --foreground --force --key-file="$work/munge/key" \
		--socket="$work/munge/socket" --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" >"$work/log/munged.out" 2>&1 &
	daemons=$!
	until [ -S "$work/munge/socket" ]; do sleep 0.1; done
	slurmctld -D >"$work/log/slurmctld.out" 2>&1 &
	daemons="$! $daemons"
	for node in node0 node1; do
		unshare --uts sh -c 'echo "$1" >/proc/sys/kernel/hostname; exec slurmd -D -N "$1"' - $node >"$work/log/$node.out" 2>&1 &
		daemons="$! $daemons"
	done
	for try in $(seq 100); do
		if [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ]; then return; fi
		sleep 0.2
	done
	echo "the cluster doesn't come up:" >&2
	tail -n 5 "$work"/log/* >&2
	return 1
}

# cluster_down ends what cluster_up has started, and the jobs.
cluster_down() {
	scancel --signal=KILL --full --user=root 2>/dev/null || true
	scancel --user=root 2>/dev/null || true
	for try in $(seq 50); do
		if [ -z "$(squeue -h -o %i 2>/dev/null)" ]; then break; fi
		sleep 0.2
	done
	for pid in $daemons; do kill "$pid" 2>/dev/null || true; done
	sleep 1
	for pid in $daemons; do kill -KILL "$pid" 2>/dev/null || true; done
}

# cluster_conf is slurm.conf. TmpFS is a node's own, since mpi/pmix keeps sockets
# there.
cluster_conf() {
	host=$(uname -n)
	cat <<-CONF
		ClusterName=check
		SlurmctldHost=$host(127.0.0.1)
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		AuthInfo=socket=$work/munge/socket
		SlurmctldPort=16817
		SlurmctldPidFile=$work/slurmctld.pid
		SlurmdPidFile=$work/slurmd-%n.pid
		SlurmctldLogFile=$work/log/slurmctld.log
		SlurmdLogFile=$work/log/slurmd-%n.log
		SlurmdSpoolDir=$work/spool-%n
		StateSaveLocation=$work/state
		TmpFS=$work/tmp-%n
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_Core
		SchedulerParameters=sched_interval=1,batch_sched_delay=0
		SlurmdParameters=config_overrides
		ReturnToService=2
		KillWait=5
		MpiDefault=none
		NodeName=node0 NodeHostname=$host NodeAddr=127.0.0.1 Port=17001 CPUs=4
		NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17002 CPUs=4
		PartitionName=all Nodes=node[0-1] Default=YES MaxTime=INFINITE State=UP
	CONF
}
