#!/bin/bash
# Makes an image of Debian's, libjpeg-turbo and the commands in folder $2, and packs it as
# $3.tar under the name $4, for ctr images import. Debian's part stays in the folder $1.
set -euo pipefail
debian=$1/debian layers=$3.layers
if [ ! -e "$debian.tar" ]; then
	rm -rf "$debian"
	nice debootstrap --variant=minbase --include=libturbojpeg0 bookworm "$debian" http://deb.debian.org/debian >"$debian.log" ||
		{ tail -n 5 "$debian.log" >&2; exit 1; }
	rm -rf "$debian"/var/cache/apt/archives/*.deb "$debian"/var/lib/apt/lists/*
	tar -C "$debian" -cf "$debian.part" --one-file-system .
	mv "$debian.part" "$debian.tar"
	rm -rf "$debian"
fi
mkdir -p "$layers"
ln -sf "$debian.tar" "$layers/debian.tar"
tar -C "$2" --transform 's|^|usr/local/bin/|' --owner=0 --group=0 -cf "$layers/commands.tar" prep-imagenet compute-pca train-alexnet
id() { echo "\"sha256:$(sha256sum "$layers/$1.tar" | cut -d ' ' -f 1)\""; }
# What it runs by itself is what holds a pod's network, in Kubernetes' "pause" image.
cat >"$layers/config.json" <<-JSON
	{"architecture": "amd64", "os": "linux",
	 "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sleep", "infinity"]},
	 "rootfs": {"type": "layers", "diff_ids": [$(id debian), $(id commands)]}}
JSON
cat >"$layers/manifest.json" <<-JSON
	[{"Config": "config.json", "RepoTags": ["$4"], "Layers": ["debian.tar", "commands.tar"]}]
JSON
tar -C "$layers" -chf "$3.tar" manifest.json config.json debian.tar commands.tar
rm -rf "$layers"
