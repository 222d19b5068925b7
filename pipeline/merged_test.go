package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/pipeline/mds"
)

// joinAsMosaic makes the index of root like MosaicML's merge_index: with MosaicML itself
// if $PEERS_PYTHON names a Python that has it, else by its source: version and shards,
// with the folder's name before the shard's.
func joinAsMosaic(t *testing.T, root string, folders ...string) {
	t.Helper()
	os.Remove(filepath.Join(root, mds.IndexName)) // merge_index doesn't write over one
	if python := os.Getenv("PEERS_PYTHON"); python != "" {
		cmd := exec.Command(python, "-c", "import sys\nfrom streaming.base.util import merge_index\n"+
			"merge_index([f'{sys.argv[1]}/{f}/index.json' for f in sys.argv[2:]], sys.argv[1])", root)
		cmd.Args = append(cmd.Args, folders...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	joined := mds.Index{Version: mds.Version}
	for _, folder := range folders {
		part, err := mds.ReadIndex(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range part.Shards {
			rename(&s, func(name string) string { return folder + "/" + name })
			joined.Shards = append(joined.Shards, s)
		}
	}
	if err := joined.Write(root); err != nil {
		t.Fatal(err)
	}
}

// TestMosaicsMergeIndex: folders of ours that MosaicML's merge_index has joined are
// read, verified and repaired as ours, with all their classes.
func TestMosaicsMergeIndex(t *testing.T) {
	for _, zstd := range []bool{false, true} {
		root := t.TempDir()
		var want Meta
		var all []string
		// The second class has no picture in b, the third none in either.
		for folder, take := range map[string]string{"b": "c0", "a": "c1"} {
			cfg := resumableConfig(filepath.Join(root, folder))
			cfg.Zstd = zstd
			part := some{resumable, func(name string) bool { return strings.HasPrefix(name, take) }, []int{0, 1, 2}}
			sum, err := Shard(t.Context(), cfg, part, nil)
			if err != nil {
				t.Fatal(err)
			}
			if why := want.join(&sum.Meta); why != "" {
				t.Fatal(why)
			}
		}
		joinAsMosaic(t, root, "b", "a")
		for _, folder := range []string{"b", "a"} {
			all = append(all, names(t, filepath.Join(root, folder))...)
		}
		check := func(what string, order []string) {
			t.Helper()
			d, err := OpenDataset(root)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			defer d.Close()
			m := d.Meta()
			if len(m.Classes) != 3 || m.Classes[2].ID != "c2" || m.Images != want.Images || m.Statistics != want.Statistics || m.Source.Found != want.Source.Found || m.Codec != "raw" {
				t.Errorf("%s: %+v\nwant %+v", what, m, want)
			}
			if got := names(t, root); !slices.Equal(got, order) {
				t.Errorf("%s: other samples", what)
			}
			if v, err := Verify(t.Context(), root, 2, nil); err != nil || len(v.Faults) > 0 {
				t.Errorf("%s: %v, %v", what, v.Faults, err)
			}
		}
		check("joined", all)
		if _, err := Repair(t.Context(), root, RepairConfig{}, nil); err != nil {
			t.Fatal(err)
		}
		check("repaired", all)
		if err := os.Remove(filepath.Join(root, mds.IndexName)); err != nil {
			t.Fatal(err)
		}
		if _, err := Repair(t.Context(), root, RepairConfig{}, nil); err != nil {
			t.Fatal(err)
		}
		check("repaired without an index", append(names(t, filepath.Join(root, "a")), names(t, filepath.Join(root, "b"))...))

		joinAsMosaic(t, root, "b", "a")
		grown := some{resumable, func(name string) bool { return name[:2] == "c2" || name[:2] == "c1" }, []int{0, 1, 2}}
		if _, err := Append(t.Context(), ShardConfig{Out: filepath.Join(root, "a")}, grown, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDataset(root); err == nil || !strings.Contains(err.Error(), "lists other shards of a than") {
			t.Errorf("a part that has grown since: %v", err)
		}
		other := resumableConfig(filepath.Join(root, "other"))
		other.Size = 32
		if _, err := Shard(t.Context(), other, resumable, nil); err != nil {
			t.Fatal(err)
		}
		joinAsMosaic(t, root, "b", "other")
		if _, err := OpenDataset(root); err == nil || !strings.Contains(err.Error(), "joins b and other, which aren't of one kind: 64 and 32 pixels a side") {
			t.Errorf("parts of two sizes: %v", err)
		}
	}
}
