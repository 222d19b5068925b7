#!/bin/sh
# agent.sh [-FLAG…] HOST COMMAND…: what a launcher calls in place of ssh.
while [ "${1#-}" != "$1" ]; do shift; done
host=$1
shift
exec "$(dirname "$0")/enter.sh" "$host" sh -c "$*"
