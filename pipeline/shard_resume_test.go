package pipeline

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alexnet/pipeline/source"
)

// resumable is a job of some fifty shards, with bad pictures between.
var resumable = memory{classes: 3, perClass: 90, bad: func(i int) bool { return i%20 == 7 }}

func resumableConfig(dir string) ShardConfig {
	return ShardConfig{Out: dir, Codec: "raw", Size: 64, ShardSize: 1 << 16, Workers: 2, Seed: 3}
}

const killedFolder = "ALEXNET_TEST_KILLED_FOLDER"

// TestKilledChild is the process that TestShardKilled kills.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv(killedFolder)
	if dir == "" {
		t.Skip("runs as a child of TestShardKilled only")
	}
	if _, err := Shard(t.Context(), resumableConfig(dir), resumable, nil); err != nil {
		t.Fatal(err)
	}
}

// TestShardKilled kills the job's process at twenty random moments, lets another
// process go on each time, and wants the bytes of an uninterrupted job.
func TestShardKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts forty processes")
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := Shard(t.Context(), resumableConfig(whole), resumable, nil); err != nil {
		t.Fatal(err)
	}
	child := func(dir string) *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
		c.Env = append(os.Environ(), killedFolder+"="+dir)
		return c
	}
	started := time.Now()
	if out, err := child(filepath.Join(t.TempDir(), "timed")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	full := time.Since(started)

	const seed = 20
	random := rand.New(rand.NewPCG(seed, seed))
	dir, kills, finished := filepath.Join(t.TempDir(), "0"), 0, 0
	for kills < 20 {
		c := child(dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(random.Float64()*float64(full)/2), func() { c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if err == nil {
			sameFolder(t, whole, dir)
			finished++
			dir = filepath.Join(t.TempDir(), "next")
			continue
		}
		kills++
	}
	sum, err := Shard(t.Context(), resumableConfig(dir), resumable, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFolder(t, whole, dir)
	t.Logf("killed %d times in %d folders, the last went on after %d pictures", kills, finished+1, sum.Resumed)
}

// TestShardResumes interrupts a job once a shard; what goes on differs in each
// round from where an uninterrupted job would be.
func TestShardResumes(t *testing.T) {
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "dir")
	for _, zstd := range []bool{false, true} {
		cfg := resumableConfig(whole)
		cfg.Zstd = zstd
		if _, err := Shard(t.Context(), cfg, resumable, nil); err != nil {
			t.Fatal(err)
		}
		cfg.Out = dir
		rounds := 0
		for resumed := -1; ; rounds++ {
			ctx, cancel := context.WithCancel(t.Context())
			calls := 0
			sum, err := Shard(ctx, cfg, resumable, func(ShardProgress) {
				if calls++; calls == 13 {
					cancel()
				}
			})
			cancel()
			if err == nil {
				if sum.Resumed <= resumed || len(sum.Bad) != 14 || sum.Meta.Source.Skipped != 14 || sum.Enlarged != 256 {
					t.Errorf("went on after %d pictures, left out %d, enlarged %d", sum.Resumed, len(sum.Bad), sum.Enlarged)
				}
				break
			}
			if !errors.Is(err, context.Canceled) || sum.Kept <= rounds {
				t.Fatalf("round %d keeps %d shards: %v", rounds, sum.Kept, err)
			}
		}
		if rounds < 10 {
			t.Errorf("only %d rounds", rounds)
		}
		sameFolder(t, whole, dir)

		// Once more: nothing is done.
		sum, err := Shard(t.Context(), cfg, unreadable{resumable}, nil)
		if err != nil || !sum.Already || sum.Meta.Images != 256 || sum.Shards < 10 || !strings.HasSuffix(sum.Report, ReportName) {
			t.Errorf("a finished job run again: %+v, %v", sum, err)
		}
		os.RemoveAll(whole)
		os.RemoveAll(dir)
	}
}

// unreadable is a source none of whose pictures may be opened.
type unreadable struct{ memory }

func (unreadable) Open(it source.Item) (io.ReadCloser, error) {
	panic("opened " + it.Name)
}

// interrupted leaves a folder in which a few shards are done.
func interrupted(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dir")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sum, err := Shard(ctx, resumableConfig(dir), resumable, func(p ShardProgress) {
		if p.Done == 40 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || sum.Kept < 5 {
		t.Fatal(sum, err)
	}
	return dir
}

func TestShardResumesOnlyItself(t *testing.T) {
	dir := interrupted(t)
	before := files(t, dir)
	for want, change := range map[string]func(*ShardConfig, *memory){
		"split train instead of val":             func(c *ShardConfig, _ *memory) { c.Split = "val" },
		"size 64 instead of 32":                  func(c *ShardConfig, _ *memory) { c.Size = 32 },
		"codec raw instead of jpeg":              func(c *ShardConfig, _ *memory) { c.Codec = "jpeg" },
		"seed 3 instead of 4":                    func(c *ShardConfig, _ *memory) { c.Seed = 4 },
		"shard size 65536 instead of 131072":     func(c *ShardConfig, _ *memory) { c.ShardSize = 1 << 17 },
		"compression  instead of zstd:3":         func(c *ShardConfig, _ *memory) { c.Zstd = true },
		"pictures found 270 instead of 273":      func(_ *ShardConfig, m *memory) { m.perClass = 91 },
		"pictures found 270 instead of 100":      func(c *ShardConfig, _ *memory) { c.Limit = 100 },
		"largest picture 200000000 instead of 9": func(c *ShardConfig, _ *memory) { c.MaxPixels = 9 },
		"resampler fast instead of imaging":      func(c *ShardConfig, _ *memory) { c.Resampler = "imaging" },
	} {
		cfg, src := resumableConfig(dir), resumable
		change(&cfg, &src)
		_, err := Shard(t.Context(), cfg, src, nil)
		if err == nil || !strings.Contains(err.Error(), "holds an unfinished job of") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
	after := files(t, dir)
	if len(before) != len(after) {
		t.Errorf("refused jobs have changed the folder from %d to %d files", len(before), len(after))
	}

	// A finished folder of another job.
	if _, err := Shard(t.Context(), resumableConfig(dir), resumable, nil); err != nil {
		t.Fatal(err)
	}
	cfg := resumableConfig(dir)
	cfg.Seed = 9
	if _, err := Shard(t.Context(), cfg, resumable, nil); err == nil || !strings.Contains(err.Error(), "of a finished job, with seed 3 instead of 9") {
		t.Errorf("other seed: %v", err)
	}
}

// TestShardResumesDamagedFolder: what the journal promises and isn't there is
// made again.
func TestShardResumesDamagedFolder(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := Shard(t.Context(), resumableConfig(whole), resumable, nil); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(dir string) error{
		"a shard is missing":    func(dir string) error { return os.Remove(filepath.Join(dir, "shard.00002.mds")) },
		"a shard is cut short":  func(dir string) error { return os.Truncate(filepath.Join(dir, "shard.00003.mds"), 99) },
		"the journal is torn":   func(dir string) error { return tear(filepath.Join(dir, unfinishedName)) },
		"the journal is empty":  func(dir string) error { return os.Truncate(filepath.Join(dir, unfinishedName), 0) },
		"an index is half made": func(dir string) error { return os.WriteFile(filepath.Join(dir, "index.json.tmp"), nil, 0o666) },
		"a shard is half made":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "shard.00040.mds.tmp"), nil, 0o666) },
	} {
		dir := interrupted(t)
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Shard(t.Context(), resumableConfig(dir), resumable, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sameFolder(t, whole, dir)
	}
}

// tear cuts the end off a file.
func tear(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()-5)
}

// TestShardMarkAfterIndex: killed between the index and the removal of the mark.
func TestShardMarkAfterIndex(t *testing.T) {
	dir := interrupted(t)
	mark := files(t, dir)[unfinishedName]
	if _, err := Shard(t.Context(), resumableConfig(dir), resumable, nil); err != nil {
		t.Fatal(err)
	}
	want := files(t, dir)
	if err := os.WriteFile(filepath.Join(dir, unfinishedName), mark, 0o666); err != nil {
		t.Fatal(err)
	}
	sum, err := Shard(t.Context(), resumableConfig(dir), resumable, nil)
	if err != nil || !sum.Already {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := files(t, dir); len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func TestShardMaxBad(t *testing.T) {
	for _, c := range []struct {
		max   int
		share float64
		ok    bool
	}{{0, 0, true}, {14, 0, true}, {13, 0, false}, {0, 0.06, true}, {0, 0.05, false}, {100, 0.01, false}} {
		cfg := resumableConfig(filepath.Join(t.TempDir(), "dir"))
		cfg.MaxBad, cfg.MaxBadShare = c.max, c.share
		_, err := Shard(t.Context(), cfg, resumable, nil)
		if c.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "can't be used, more than the ") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// half gives only the first bytes of bad pictures.
type half struct{ memory }

func (h half) Open(it source.Item) (io.ReadCloser, error) {
	whole := h.memory
	whole.bad = nil
	r, err := whole.Open(it)
	if _, openErr := h.memory.Open(it); openErr != nil && err == nil {
		return io.NopCloser(io.LimitReader(r, 30)), nil
	}
	return r, err
}

func TestShardQuarantine(t *testing.T) {
	cfg := resumableConfig(filepath.Join(t.TempDir(), "dir"))
	cfg.Quarantine = filepath.Join(t.TempDir(), "bad")
	sum, err := Shard(t.Context(), cfg, half{resumable}, nil)
	if err != nil || len(sum.Bad) != 14 {
		t.Fatal(sum.Bad, err)
	}
	if !strings.Contains(sum.Bad[0].Reason, "PNG") {
		t.Errorf("bad because %s", sum.Bad[0].Reason)
	}
	for _, bad := range sum.Bad {
		if data, err := os.ReadFile(filepath.Join(cfg.Quarantine, bad.Name)); err != nil || len(data) != 30 {
			t.Errorf("%s: %d bytes, %v", bad.Name, len(data), err)
		}
	}
}

// TestQuarantineOutside: in the output folder the copies would be what a job that
// was killed finds there and refuses.
func TestQuarantineOutside(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for quarantine, ok := range map[string]bool{"out": false, "out/bad": false, filepath.Join(dir, "out", "bad"): false, "./x/../out/bad": false,
		"out.bad": true, "bad": true, ".": true, "out/../bad": true} {
		cfg := resumableConfig("out")
		cfg.Quarantine = filepath.FromSlash(quarantine)
		if err := cfg.Validate(); ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "choose a folder outside it") {
			t.Errorf("%s: %v", quarantine, err)
		}
	}
}

func TestLocalName(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.JPEG": "a/b.JPEG", "/data/a.JPEG": "data/a.JPEG", "../../etc/passwd": "etc/passwd",
		"train.tar/000.jpg": "train.tar/000.jpg", "..": "picture", "a\x00b": "picture",
	} {
		if got := filepath.ToSlash(localName(name)); got != want {
			t.Errorf("%q is set aside as %q, want %q", name, got, want)
		}
	}
}
