package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
)

// folder is what a folder holds: every file's bytes.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[path] = read(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unchanged compares a folder with what it held.
func unchanged(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	after := folder(t, dir)
	for path, text := range after {
		if old, ok := before[path]; !ok || old != text {
			t.Errorf("%s has changed", path)
		}
	}
	if len(after) < len(before) {
		t.Errorf("%d files of %d are left", len(after), len(before))
	}
}

// Flags that can't act on a run that has begun are refused, and its record stays
// as it is; the same values as the run's are no reason to.
func TestResumeRefusesFlagsThatCannotAct(t *testing.T) {
	w := newWorld(t)
	dir, other := filepath.Join(w.dir, "run"), filepath.Join(w.dir, "other")
	call(w.args(dir, "--steps", "12")...).must(t, 0)
	pca := w.writeFile(t, "pca.json", `{"units":"0-255","pixels":400,"mean":[1,2,3],"covariance":[[1,0,0],[0,1,0],[0,0,1]],"eigenvalues":[1,1,1],"eigenvectors":[[1,0,0],[0,1,0],[0,0,1]]}`)
	before := folder(t, dir)
	for _, c := range []struct {
		want  string
		flags []string
	}{
		{"--mean none: the run was begun with channel, and its checkpoints hold that mean: leave --mean out", []string{"--mean", "none"}},
		{"--init paper: the run was begun with he", []string{"--init", "paper"}},
		{"--from " + filepath.Join(w.dir, "x") + ": the run was begun with none", []string{"--from", filepath.Join(w.dir, "x")}},
		{"--seed 9: the run was begun with 3", []string{"--seed", "9"}},
		{"--batch 5: the run was begun with 6", []string{"--batch", "5"}},
		{"--noise lambda01 changes nothing: the run has no colour statistics", []string{"--noise", "lambda01"}},
		{"--pca " + pca + " changes nothing: the run has no colour noise", []string{"--pca", pca, "--without", "pca"}},
		{"--patience 7 changes nothing", []string{"--patience", "7", "--schedule", "cosine"}},
		{"--warmup 9 changes nothing: the run is at step 12, and its warm-up of 5 steps is over", []string{"--warmup", "9"}},
	} {
		call(append([]string{"train-alexnet", "--run", dir, "--resume", "--steps", "14"}, c.flags...)...).must(t, 2, c.want)
	}
	unchanged(t, dir, before)
	// As a launcher does it, with all flags.
	call(w.args(dir, "--steps", "14", "--resume")...).must(t, 0, "after 14 steps")
	// From a configuration file they are flags too.
	call("train-alexnet", "--run", dir, "--resume", "--config", w.writeFile(t, "mean.toml", `mean = "image"`)).must(t, 2, "--mean image: the run was begun with channel")
	call(w.args(other, "--steps", "2", "--warmup", "20")...).must(t, 0)
	call("train-alexnet", "--run", other, "--resume", "--steps", "3", "--warmup", "30").must(t, 0)
}

// Complaints name flags that were given, and call the run's own settings so.
func TestComplaintsNameGivenFlags(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "12", "--schedule", "step", "--drop-at", "1,2", "--input-scale", "0.5")...).must(t, 0)
	for _, c := range []struct {
		want, not string
		code      int
		flags     []string
	}{
		{"leave --without out", "--net", 1, []string{"--without", "towers"}},
		{"leave --net out", "--without", 1, []string{"--net", "alexnet-mini"}},
		{"leave --net and --input-scale out", "--without", 1, []string{"--net", "alexnet-mini", "--input-scale", "3"}},
		{"--accumulate 4: doesn't divide the run's batch 6", "--batch", 2, []string{"--accumulate", "4"}},
		{"--drop-at 3 is of --schedule step, not of --schedule cosine", "", 2, []string{"--schedule", "cosine", "--drop-at", "3"}},
		{"the run's batch 6", "--batch 6", 2, []string{"--train", w.val + "-few", "--val", ""}},
	} {
		if strings.HasSuffix(c.flags[1], "-few") {
			makeShards(t, c.flags[1], "train", 3, 1)
		}
		r := call(append([]string{"train-alexnet", "--run", dir, "--resume", "--steps", "20"}, c.flags...)...)
		r.must(t, c.code, c.want)
		if c.not != "" && strings.Contains(r.stderr, c.not) {
			t.Errorf("%v: %q names a flag that wasn't given", c.flags, r.stderr)
		}
	}
	// Another schedule doesn't trip over the old one's flags, and says what it does.
	call("train-alexnet", "--run", dir, "--resume", "--steps", "20", "--schedule", "cosine").must(t, 0, "note: the learning rate goes on at 0.011, where the run's own settings have 0.002")
	call("train-alexnet", "--train", w.train, "--net", w.net, "--accumulate", "3", "--dry-run").must(t, 2, "--accumulate 3: doesn't divide recipe small's --batch, 16")
	call("train-alexnet", "--train", w.train, "--net", w.net, "--accumulate", "3", "--init", "he", "--dry-run").must(t, 2, "--accumulate 3: doesn't divide the default of --batch, 128")
}

// Every session's settings stay in run.json.
func TestSessionsKeepTheirSettings(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "2")...).must(t, 0)
	call("train-alexnet", "--run", dir, "--resume", "--steps", "4", "--lr", "0.5").must(t, 0)
	record, err := train.ReadRecord(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Sessions) != 2 {
		t.Fatalf("%d sessions", len(record.Sessions))
	}
	for i, want := range []string{`"lr": 0.02`, `"lr": 0.5`} {
		if got := string(record.Sessions[i].Settings); !strings.Contains(got, want) {
			t.Errorf("session %d has no %s: %s", i+1, want, got)
		}
	}
	if !strings.Contains(string(record.Settings), `"lr": 0.5`) {
		t.Errorf("settings %s", record.Settings)
	}
}

// A finished run that is resumed says how it went and changes nothing, not even
// the lock; flags that would need more steps are refused.
func TestFinishedRunIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		flags []string
		said  string
		more  string
	}{
		"epochs": {[]string{"--epochs", "2"}, "all epochs are done after 20 steps; lowest top-1 error", "epochs"},
		"steps":  {[]string{"--steps", "4"}, "the limit on steps is reached after 4 steps", "steps"},
		"early":  {[]string{"--lr", "1e-12", "--warmup", "0", "--early-stop", "1"}, "has stopped falling after 20 steps", "early-stop"},
	} {
		dir := filepath.Join(w.dir, name)
		call(w.args(dir, c.flags...)...).must(t, 0, c.said)
		before := folder(t, dir)
		call("train-alexnet", "--run", dir, "--resume").must(t, 0, c.said)
		call(w.args(dir, append(c.flags, "--autoresume")...)...).must(t, 0, c.said)
		call("train-alexnet", "--run", dir, "--resume", "--threads", "1").must(t, 0, c.said)
		call("train-alexnet", "--run", dir, "--resume", "--momentum", "0.5", "--decay", "0").must(t, 2,
			"--decay 0 and --momentum 0.5: the run is finished", "changes nothing: give more --"+c.more+" too")
		unchanged(t, dir, before)
	}
	dir := filepath.Join(w.dir, "epochs")
	if err := os.Remove(filepath.Join(dir, report.PageName)); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "--run", dir, "--resume").must(t, 0, "all epochs are done")
	exists(t, filepath.Join(dir, report.PageName)) // its making was stopped
	call("train-alexnet", "--run", dir, "--resume", "--epochs", "3").must(t, 0, "after 30 steps")
}
