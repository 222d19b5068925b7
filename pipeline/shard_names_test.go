package pipeline

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// TestNamesThatAreNotUTF8: pictures and classes whose names differ only in bytes
// that aren't UTF-8 are all stored, and found again by a second run, an append, a
// repair and the quarantine.
func TestNamesThatAreNotUTF8(t *testing.T) {
	root := t.TempDir()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	add := func(name string, data []byte) {
		t.Helper()
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Skip("this file system takes no such names: ", err)
		}
		if err := os.WriteFile(p, data, 0o666); err != nil {
			t.Skip("this file system takes no such names: ", err)
		}
	}
	add("caf\xe8/a\xe8.png", picture.Bytes())
	add("caf\xe8/a\xe9.png", picture.Bytes())
	add("caf\xe9/a\xe8.png", picture.Bytes())
	add("z/bad\xe9.png", []byte("no picture"))
	add("z/1.png", picture.Bytes())
	out := filepath.Join(t.TempDir(), "out")
	cfg := ShardConfig{Out: out, Split: "val", Size: 8, Codec: "raw", Quarantine: filepath.Join(t.TempDir(), "bad")}
	open := func() source.Source {
		s, err := source.Open(t.Context(), root, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	check := func(what string, sum Summary, err error, already bool, want ...string) {
		t.Helper()
		if err != nil || sum.Already != already {
			t.Fatalf("%s: %+v, %v", what, sum, err)
		}
		d, err := OpenDataset(out)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		var got []string
		for i := range d.Len() {
			s, err := d.Sample(i)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: stored %q, want %q", what, got, want)
		}
	}
	want := []string{`caf\xe8/a\xe8.png`, `caf\xe8/a\xe9.png`, `caf\xe9/a\xe8.png`, "z/1.png"}
	sum, err := Shard(t.Context(), cfg, open(), nil)
	check("first run", sum, err, false, want...)
	if data, err := os.ReadFile(filepath.Join(cfg.Quarantine, "z", "bad\xe9.png")); err != nil || string(data) != "no picture" {
		t.Errorf("set aside: %q, %v", data, err)
	}
	sum, err = Shard(t.Context(), cfg, open(), nil)
	check("second run", sum, err, true, want...)
	sum, err = Append(t.Context(), ShardConfig{Out: out}, open(), nil)
	if err == nil {
		t.Errorf("append of one bad picture: %+v", sum)
	}
	add("caf\xe9/a\xea.png", picture.Bytes())
	want = append(want, `caf\xe9/a\xea.png`)
	sum, err = Append(t.Context(), ShardConfig{Out: out}, open(), nil)
	check("append", sum, err, false, want...)
	if err := os.Remove(filepath.Join(out, mds.IndexName)); err != nil {
		t.Fatal(err)
	}
	repaired, err := Repair(t.Context(), out, RepairConfig{Split: "val"}, nil)
	if err != nil || len(repaired.Faults) > 0 {
		t.Fatal(repaired, err)
	}
	if got, want := repaired.Meta.Classes, []Class{{ID: `caf\xe8`}, {ID: `caf\xe9`}, {ID: "z"}}; !slices.Equal(got, want) {
		t.Errorf("repaired: classes %v, want %v", got, want)
	}
	check("repair", Summary{}, nil, false, want...)
}

// TestLostClasses: a class of which no picture can be used is named, unless the
// folder that is appended to has some.
func TestLostClasses(t *testing.T) {
	spoilt := resumable
	spoilt.bad = func(i int) bool { return i >= 180 } // all of the third class
	for _, workers := range []int{1, 3} {
		cfg := resumableConfig(filepath.Join(t.TempDir(), "dir"))
		cfg.Workers = workers
		sum, err := Shard(t.Context(), cfg, spoilt, nil)
		if err != nil || !slices.Equal(sum.Lost, []string{"c2"}) || sum.Bad[0].Class != "c2" {
			t.Fatalf("lost %q, bad %d, %v", sum.Lost, len(sum.Bad), err)
		}
	}
	var parts []string
	for part := range 2 {
		cfg := resumableConfig(filepath.Join(t.TempDir(), "part"))
		cfg.Part, cfg.Parts = part, 2
		if _, err := Shard(t.Context(), cfg, spoilt, nil); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, cfg.Out)
	}
	sum, err := JoinParts(t.Context(), filepath.Join(t.TempDir(), "joined"), parts, 1)
	if err != nil || !slices.Equal(sum.Lost, []string{"c2"}) {
		t.Errorf("joined: lost %q, %v", sum.Lost, err)
	}
	half := some{spoilt, func(name string) bool { return name < "c2/200.png" && name != "c0/000.png" }, []int{0, 1, 2}}
	whole := half
	whole.memory.bad = nil
	cfg := resumableConfig(filepath.Join(t.TempDir(), "dir"))
	if _, err := Shard(t.Context(), cfg, whole, nil); err != nil {
		t.Fatal(err)
	}
	all := some{spoilt, func(string) bool { return true }, []int{0, 1, 2}}
	sum, err = Append(t.Context(), ShardConfig{Out: cfg.Out}, all, nil)
	if err != nil || sum.Already || len(sum.Bad) == 0 || len(sum.Lost) > 0 {
		t.Errorf("append: %d bad, lost %q, though the folder has pictures of it; %v", len(sum.Bad), sum.Lost, err)
	}
}
