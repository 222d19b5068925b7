package main

import (
	"os"
	"path/filepath"
	"testing"

	"alexnet/tools/internal/ranks/rankstest"
)

// TestHosts wants the statistics of one process from three hosts.
func TestHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	hosts := rankstest.NewHosts(t, 3)
	dir, one := makeShards(t, "raw", 5, gradient, nil), filepath.Join(t.TempDir(), "pca.json")
	if _, stderr, code := call(t, "--shards", dir, "--recompute", "--out", one); code != 0 {
		t.Fatal(stderr)
	}
	want, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	for _, launcher := range rankstest.HostLaunchers {
		t.Run(launcher, func(t *testing.T) {
			together := filepath.Join(t.TempDir(), "pca.json")
			before := hosts.Sent(2)
			if out, err := hosts.Run(t, launcher, 1, "--shards", dir, "--recompute", "--out", together); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got, err := os.ReadFile(together); err != nil || string(got) != string(want) {
				t.Errorf("pca.json differs: %v", err)
			}
			if hosts.Sent(2) == before {
				t.Error("host2 has sent nothing over the network")
			}
		})
	}
}
