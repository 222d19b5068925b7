package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExportRepair(t *testing.T) {
	dir := t.TempDir()
	shards, tars, pictures := filepath.Join(dir, "shards"), filepath.Join(dir, "tars"), filepath.Join(dir, "pictures")
	if code, _, stderr := prep(t, t.Context(), "shard", "--in", tree(t), "--out", shards, "--size", "32"); code != 0 {
		t.Fatal(stderr)
	}
	type step struct {
		args         []string
		code         int
		stdout, want string
	}
	run := func(steps ...step) {
		t.Helper()
		for _, s := range steps {
			if code, stdout, stderr := prep(t, t.Context(), s.args...); code != s.code || !strings.Contains(stdout, s.stdout) || !strings.Contains(stderr, s.want) {
				t.Errorf("%v: exit code %d\n%s\n%s", s.args, code, stdout, stderr)
			}
		}
	}
	run(
		step{[]string{"export", shards, "--to", "webdataset", "--out", tars, "--per-tar", "5", "--json"}, 0, `"images":13`, "13 images as webdataset"},
		step{[]string{"export", "--to", "folders", "--out", pictures, shards}, 0, "", "13 images as folders"},
		step{[]string{"export", shards, "--to", "folders", "--out", pictures}, 1, "", "already holds a"},
		step{[]string{"export", shards, "--to", "lmdb", "--out", "x"}, 2, "", `export to "lmdb": choose webdataset or folders`},
		step{[]string{"export", shards}, 2, "", "export needs --to webdataset|folders and --out DIR"},
		step{[]string{"shard", "--in", tars, "--out", filepath.Join(dir, "again"), "--size", "32", "--classes", filepath.Join(tars, "classes.txt")}, 0, "", "13 images of 2 classes"},
		step{[]string{"repair", shards}, 0, "", "has the right index already"},
	)
	if err := os.Remove(filepath.Join(shards, "index.json")); err != nil {
		t.Fatal(err)
	}
	run(
		step{[]string{"verify", shards}, 1, "", "has no index.json"},
		step{[]string{"repair", shards, "--split", "test"}, 2, "", `--split "test"`},
		step{[]string{"repair", shards, "--json"}, 0, `"images":13,"classes":2,"shards":1`, "has a new index: 13 images of 2 classes"},
		step{[]string{"verify", shards}, 0, "", "13 images in 1 shard are whole"},
		step{[]string{"inspect", shards}, 0, "0 a ", ""},
	)
	write(t, filepath.Join(shards, "shard.00001.mds"), []byte("junk"))
	run(step{[]string{"repair", shards}, 3, "", "shards were left out of the index, for 1 fault"})
}

func TestShardDryRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := prep(t, t.Context(), "shard", "--in", tree(t), "--out", out, "--dry-run", "--codec", "raw", "--size", "32", "--json")
	if code != 0 || !strings.Contains(stdout, `"layout":"folders","images":13,"classes":2,"sample":13,"bad":0,"enlarged":4,"bytes":4`) || !strings.Contains(stderr, "nothing is written\nnote: enlarged: 4 of 13 pictures, ") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the folder is there")
	}
}
