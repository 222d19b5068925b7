#!/bin/sh
# enter.sh HOST COMMAND…: runs a command as one of the hosts of hosts.go.
set -e
host=$1
shift
exec ip netns exec "@PREFIX@$host" unshare --uts sh -c '
	echo "$0" >/proc/sys/kernel/hostname
	mount --bind "$1" /etc/hosts # ip has given the command mounts of its own
	shift
	exec "$@"' "$host" "$(dirname "$0")/hosts" "$@"
