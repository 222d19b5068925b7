package pipeline

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/pipeline/mds"
)

// TestRepair: of folders of every codec whose index is lost, the new one has the
// old one's shards, classes and statistics.
func TestRepair(t *testing.T) {
	for _, c := range []ShardConfig{
		{Codec: "raw"}, {Codec: "raw", Zstd: true}, {Codec: "lossless"}, {Codec: "jpeg", Quality: 77},
	} {
		c.Out, c.Size, c.ShardSize, c.Seed = filepath.Join(t.TempDir(), "dir"), 64, 1<<16, 5
		if _, err := Shard(t.Context(), c, memory{classes: 3, perClass: 8}, nil); err != nil {
			t.Fatal(err)
		}
		index := filepath.Join(c.Out, mds.IndexName)
		want, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		done, err := Repair(t.Context(), c.Out, RepairConfig{}, nil)
		if err != nil || !done.Same || done.Old != "" || done.Shards == 0 {
			t.Errorf("%s: a whole index: %+v, %v", c.Codec, done, err)
		}

		// Lost, but what isn't in the shards is given.
		if err := os.Remove(index); err != nil {
			t.Fatal(err)
		}
		done, err = Repair(t.Context(), c.Out, RepairConfig{Seed: 5, Quality: c.Quality}, nil)
		if err != nil || done.Same || len(done.Faults) > 0 {
			t.Fatalf("%s: %+v, %v", c.Codec, done, err)
		}
		old, err := mds.ParseIndex(want)
		if err != nil {
			t.Fatal(err)
		}
		was := &Dataset{}
		if err := was.readMeta(old); err != nil {
			t.Fatal(err)
		}
		got := done.Meta
		if got.differs(&was.meta) != "made by other means" {
			t.Error("it can't know the job")
		}
		got.Job, got.Source = was.meta.Job, was.meta.Source
		if got.differs(&was.meta) != "" || got.Images != 24 || c.Codec != "jpeg" && got.Statistics != was.meta.Statistics {
			t.Errorf("%s: %s: got %+v", c.Codec, got.differs(&was.meta), got)
		}
		now, err := mds.ReadIndex(c.Out)
		if err != nil || len(now.Shards) != len(old.Shards) || now.Shards[0].RawData.Hashes["sha1"] != old.Shards[0].RawData.Hashes["sha1"] {
			t.Errorf("%s: other shards, %v", c.Codec, err)
		}
		if v, err := Verify(t.Context(), c.Out, 2, nil); err != nil || len(v.Faults) > 0 {
			t.Errorf("%s: %v, %v", c.Codec, v.Faults, err)
		}

		// A statistic was changed: the old index says the rest.
		if err := os.WriteFile(index, bytes.Replace(want, []byte(`"images":24`), []byte(`"images":23`), 1), 0o666); err != nil {
			t.Fatal(err)
		}
		done, err = Repair(t.Context(), c.Out, RepairConfig{}, nil)
		if err != nil || done.Same || filepath.Base(done.Old) != "index.json.old" {
			t.Errorf("%s: %+v, %v", c.Codec, done, err)
		}
		if data, err := os.ReadFile(index); err != nil || c.Codec != "jpeg" && !bytes.Equal(data, want) {
			t.Errorf("%s: the index isn't what it was:\n%s", c.Codec, data)
		}
	}
}

// TestRepairLeavesDamageOut: a flipped byte, a shard cut short, one that is
// missing and one of another kind.
func TestRepairLeavesDamageOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	cfg := ShardConfig{Out: dir, Codec: "raw", Size: 64, ShardSize: 1 << 16, Split: "val"}
	if _, err := Shard(t.Context(), cfg, memory{classes: 2, perClass: 20}, nil); err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(dir, "shard.00001.mds"), -1000)
	if err := os.Truncate(filepath.Join(dir, "shard.00002.mds"), 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "shard.00003.mds")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shard.99999.mds"), []byte("something else"), 0o666); err != nil {
		t.Fatal(err)
	}
	done, err := Repair(t.Context(), dir, RepairConfig{}, nil)
	if err != nil || done.Shards != 5 || len(done.Faults) != 4 {
		t.Fatalf("%+v, %v", done, err)
	}
	for i, want := range []string{"shard.00001.mds: its hashes aren't those in the old index.json", "shard.00002.mds", "shard.00003.mds", "shard.99999.mds"} {
		if got := done.Faults[i].String(); !strings.Contains(got, want) {
			t.Errorf("fault %d is %s, want …%s…", i, got, want)
		}
	}
	v, err := Verify(t.Context(), dir, 2, nil)
	if err != nil || len(v.Faults) > 0 || v.Images != 25 || v.Images != done.Meta.Images {
		t.Errorf("%d images, %v, %v", v.Images, v.Faults, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "shard.00001.mds")); err != nil {
		t.Error("a damaged shard's file is gone")
	}
}

func TestRepairRefuses(t *testing.T) {
	if _, err := Repair(t.Context(), t.TempDir(), RepairConfig{}, nil); err == nil || !strings.Contains(err.Error(), "holds no shards") {
		t.Errorf("empty folder: %v", err)
	}
	if _, err := Repair(t.Context(), interrupted(t), RepairConfig{}, nil); err == nil || !strings.Contains(err.Error(), "holds an unfinished job, not a broken index") {
		t.Errorf("unfinished job: %v", err)
	}
}
