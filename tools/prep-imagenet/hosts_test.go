package main

import (
	"path/filepath"
	"strings"
	"testing"

	"alexnet/tools/internal/ranks/rankstest"
)

// TestShardOnHosts does one job with one process and with two hosts of two ranks
// each: the bytes are the same.
func TestShardOnHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	hosts := rankstest.NewHosts(t, 2)
	in, whole, job := practiceJob(t)
	for _, launcher := range rankstest.HostLaunchers {
		t.Run(launcher, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			before := hosts.Sent(1)
			if text, err := hosts.Run(t, launcher, 2, append(job, "--in", in, "--out", out)...); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			sameFiles(t, whole, out)
			if hosts.Sent(1) == before {
				t.Error("host1 has sent nothing over the network")
			}
		})
	}
}

// TestOldMPICH wants a job to end, and its work to be there, under an MPICH
// whose MPI_Finalize may never return between hosts.
func TestOldMPICH(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	hosts := rankstest.NewHosts(t, 2)
	in, whole, job := practiceJob(t)
	out := filepath.Join(t.TempDir(), "out")
	text, err := hosts.Run(t, "mpirun.mpich", 1, append(job, "--in", in, "--out", out)...)
	if err != nil && !strings.Contains(text, "does not end (MPICH before 4.2") {
		t.Errorf("%v\n%s", err, text)
	}
	sameFiles(t, whole, out)
}

// practiceJob makes pictures, and a folder of shards by one process with the job's
// flags.
func practiceJob(t *testing.T) (in, whole string, job []string) {
	t.Helper()
	dir := t.TempDir()
	in, whole = filepath.Join(dir, "practice"), filepath.Join(dir, "whole")
	job = []string{"shard", "--size", "64", "--shard-size", "64KiB", "--workers", "1"}
	for _, args := range [][]string{
		{"sample", "--out", in, "--classes", "3", "--per-class", "20"},
		append(job, "--in", in, "--out", whole),
	} {
		if err := run(t.Context(), append([]string{"prep-imagenet"}, args...), &strings.Builder{}, &strings.Builder{}); err != nil {
			t.Fatal(err)
		}
	}
	return in, whole, job
}
