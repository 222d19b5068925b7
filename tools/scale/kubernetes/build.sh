#!/bin/bash
# Builds a Kubernetes from Go's module proxy into the folder $1/bin: its commands, the
# plug-ins of the pods' network, and CoreDNS. Half an hour on two cores, the first
# time; "ready" there names what is built.
set -euo pipefail
kubernetes=1.32.13 # 1.35 and later want cgroup v2
plugins=v1.6.2
coredns=v1.12.4
want="kubernetes $kubernetes, plugins $plugins, coredns $coredns"
mkdir -p "$1/bin" "$1/module"
if [ "$(cat "$1/ready" 2>/dev/null)" = "$want" ]; then exit; fi
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOBIN=$1/bin
say() { echo "--- $*"; }

say "plug-ins for the pods' network $plugins"
for plugin in main/bridge main/loopback ipam/host-local; do
	nice go install -trimpath github.com/containernetworking/plugins/plugins/$plugin@$plugins
done

say "CoreDNS $coredns, with three of its plug-ins"
mkdir -p "$1/coredns"
cd "$1/coredns"
printf 'module coredns\n\ngo 1.24\n\nrequire github.com/coredns/coredns %s\n' "$coredns" >go.mod
cat >main.go <<-GO
	package main

	import (
		"github.com/coredns/coredns/core/dnsserver"
		"github.com/coredns/coredns/coremain"
		_ "github.com/coredns/coredns/plugin/bind"
		_ "github.com/coredns/coredns/plugin/errors"
		_ "github.com/coredns/coredns/plugin/kubernetes"
	)

	func main() {
		dnsserver.Directives = []string{"bind", "errors", "kubernetes"}
		coremain.Run()
	}
GO
nice go install -mod=mod -trimpath -ldflags '-s -w' .

say "Kubernetes $kubernetes"
cd "$1/module"
# Its module has its libraries in folders that the proxy hasn't; there they are
# modules of their own, v0.x for v1.x.
printf 'module kubernetes\n\ngo 1.24\n' >go.mod
folder=$(go mod download -json k8s.io/kubernetes@v$kubernetes | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
{
	echo "require k8s.io/kubernetes v$kubernetes"
	sed -n "s|^\s*\(k8s.io/[a-z-]*\) => ./staging/.*|replace \1 => \1 v0.${kubernetes#1.}|p" "$folder/go.mod"
} | sed 's/\(endpointslice\) v0.32.13/\1 v0.32.12/' >>go.mod # the proxy that we use lacks this one
version="-X k8s.io/component-base/version.gitVersion=v$kubernetes -X k8s.io/client-go/pkg/version.gitVersion=v$kubernetes"
for command in kubectl kube-scheduler kube-controller-manager kube-apiserver kubelet; do
	nice go install -mod=mod -trimpath -ldflags "-s -w $version" k8s.io/kubernetes/cmd/$command
done
echo "$want" >"$1/ready"
