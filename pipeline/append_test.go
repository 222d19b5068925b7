package pipeline

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/augment"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// some is a part of the pictures of memory, under other labels: class i of
// memory is class order[i] here.
type some struct {
	memory
	take  func(name string) bool
	order []int
}

func (s some) Classes() []source.Class {
	classes := make([]source.Class, len(s.order))
	for i, c := range s.memory.Classes() {
		classes[s.order[i]] = c
	}
	return classes
}

func (s some) Items() (items []source.Item) {
	for _, it := range s.memory.Items() {
		if s.take(it.Name) {
			it.Label = s.order[it.Label]
			items = append(items, it)
		}
	}
	return items
}

func (s some) Open(it source.Item) (io.ReadCloser, error) {
	if s.Classes()[it.Label].ID != it.Name[:2] {
		panic("opened " + it.Name + " with another label")
	}
	return s.memory.Open(it)
}

// sumsOf are the statistics of one-coloured pictures of 64×64.
func sumsOf(t *testing.T, dir string) augment.Sums {
	t.Helper()
	v, err := Verify(t.Context(), dir, 2, nil)
	if err != nil || len(v.Faults) > 0 {
		t.Fatal(v.Faults, err)
	}
	return v.Statistics
}

func TestAppend(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	old := some{resumable, func(name string) bool { return name[len("c0/00")] <= '7' }, []int{0, 1, 2}}
	if _, err := Shard(t.Context(), resumableConfig(dir), old, nil); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	had := names(t, dir)

	// All 270 pictures, 202 of them known and 14 known to be bad, classes turned
	// around; interrupted now and then.
	grown := some{resumable, func(string) bool { return true }, []int{2, 0, 1}}
	grown.memory.bad = func(i int) bool { return i%20 == 7 && i != 7 } // 7 is mended
	uninterrupted := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(uninterrupted, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(t.Context(), ShardConfig{Out: uninterrupted}, grown, nil); err != nil {
		t.Fatal(err)
	}
	var sum Summary
	for rounds := 0; ; rounds++ {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		var err error
		sum, err = Append(ctx, ShardConfig{Out: dir, Workers: 3}, grown, func(p ShardProgress) {
			if calls++; calls == 17 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			if rounds < 3 {
				t.Errorf("only %d rounds", rounds)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := names(t, dir); !slices.Equal(got, had) {
			t.Fatalf("meanwhile the folder holds %d pictures", len(got))
		}
	}
	sameFolder(t, uninterrupted, dir)
	for name, data := range before {
		if strings.HasPrefix(name, "shard.") && string(files(t, dir)[name]) != string(data) {
			t.Errorf("%s was touched", name)
		}
	}
	got := names(t, dir)
	if !slices.Equal(got[:len(had)], had) || len(got) != 257 || sum.Meta.Images != 257 {
		t.Errorf("%d pictures, images %d", len(got), sum.Meta.Images)
	}
	if slices.Sort(got); len(slices.Compact(got)) != 257 {
		t.Error("names are doubled")
	}
	if sum.Meta.Source != (SourceInfo{Layout: "memory", Found: 270, Skipped: 13}) || sum.Meta.Statistics != sumsOf(t, dir) {
		t.Errorf("source %+v", sum.Meta.Source)
	}
	bad, err := readReport(dir)
	if err != nil || len(bad) != 13 || slices.ContainsFunc(bad, func(b Bad) bool { return b.Name == "c0/007.png" }) {
		t.Errorf("%d in the report: %v", len(bad), err)
	}

	// Once more, with no bad picture left: only those that were bad are new.
	grown.memory.bad = nil
	if sum, err = Append(t.Context(), ShardConfig{Out: dir}, grown, nil); err != nil || sum.Meta.Images != 270 || sum.Meta.Source.Skipped != 0 {
		t.Errorf("mended: %+v, %v", sum.Meta.Source, err)
	}
	whole := files(t, dir)
	if sum, err = Append(t.Context(), ShardConfig{Out: dir}, grown, nil); err != nil || !sum.Already {
		t.Errorf("nothing new: %v", err)
	}
	if !maps.EqualFunc(whole, files(t, dir), slices.Equal) {
		t.Error("nothing was new, but the folder has changed")
	}
}

func TestAppendNewClasses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	small := memory{classes: 2, perClass: 10}
	if _, err := Shard(t.Context(), resumableConfig(dir), small, nil); err != nil {
		t.Fatal(err)
	}
	third := memory{classes: 3, perClass: 10}
	classes := func(ids ...string) (list []Class) {
		for _, id := range ids {
			list = append(list, Class{ID: id})
		}
		return list
	}
	for _, c := range []struct {
		cfg  ShardConfig
		want string
	}{
		{ShardConfig{}, "1 classes of the pictures aren't among the folder's 2, such as c2: to add classes, give a list"},
		{ShardConfig{Classes: classes("c2", "c0", "c1")}, "has to begin with the folder's 2 classes in their order; number 0 is c0 there"},
		{ShardConfig{Classes: classes("c0")}, "number 1 is c1 there"},
		{ShardConfig{Codec: "jpeg"}, "append: codec jpeg, but the folder has raw"},
		{ShardConfig{Size: 32}, "append: size 32, but the folder has 64"},
	} {
		c.cfg.Out = dir
		if _, err := Append(t.Context(), c.cfg, third, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want …%s…", err, c.want)
		}
	}
	sum, err := Append(t.Context(), ShardConfig{Out: dir, Classes: classes("c0", "c1", "c2")}, third, nil)
	if err != nil || sum.Meta.Images != 30 || len(sum.Meta.Classes) != 3 || len(names(t, dir)) != 30 {
		t.Errorf("%+v, %v", sum, err)
	}
	if _, err := Append(t.Context(), ShardConfig{Out: t.TempDir()}, third, nil); err == nil || !strings.Contains(err.Error(), "append: ") || !strings.Contains(err.Error(), "no index.json") {
		t.Errorf("to an empty folder: %v", err)
	}
}

func TestMerge(t *testing.T) {
	for _, zstd := range []bool{false, true} {
		root := t.TempDir()
		var parts []string
		var want augment.Sums
		var all []string
		for i, suffix := range []string{"0.png", "5.png", "7.png"} {
			dir := filepath.Join(root, string(rune('a'+i)))
			cfg := resumableConfig(dir)
			cfg.Zstd = zstd
			part := some{resumable, func(name string) bool { return strings.HasSuffix(name, suffix) }, []int{0, 1, 2}}
			sum, err := Shard(t.Context(), cfg, part, nil)
			if err != nil {
				t.Fatal(err)
			}
			want.Merge(sum.Meta.Statistics)
			parts = append(parts, dir)
			all = append(all, names(t, dir)...)
		}
		apart := filepath.Join(t.TempDir(), "all")
		for _, out := range []string{root, apart} {
			sum, err := Merge(t.Context(), out, parts)
			if err != nil {
				t.Fatal(err)
			}
			if sum.Meta.Images != len(all) || sum.Meta.Statistics != want || sumsOf(t, out) != want || len(sum.Bad) != 14 {
				t.Errorf("%s: %d images, want %d; %d bad", out, sum.Meta.Images, len(all), len(sum.Bad))
			}
			if got := names(t, out); !slices.Equal(got, all) {
				t.Errorf("%s: other samples", out)
			}
			if sum, err = Merge(t.Context(), out, parts); err != nil || !sum.Already {
				t.Errorf("once more: %v", err)
			}
		}
		index, err := mds.ReadIndex(root)
		if err != nil || !strings.HasPrefix(index.Shards[0].RawData.Basename, "a/shard.00000.mds") {
			t.Errorf("below: %+v, %v", index.Shards[0], err)
		}
		if index, err = mds.ReadIndex(apart); err != nil || index.Shards[1].RawData.Basename != "shard.00001.mds" {
			t.Errorf("apart: %+v, %v", index.Shards[1], err)
		}
		if _, err := Merge(t.Context(), filepath.Join(t.TempDir(), "out"), []string{parts[0], parts[1], parts[0]}); err == nil ||
			!strings.Contains(err.Error(), "which is there already") {
			t.Errorf("the same twice: %v", err)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	make := func(change func(*ShardConfig, *memory)) string {
		dir := filepath.Join(t.TempDir(), "dir")
		cfg, src := resumableConfig(dir), memory{classes: 2, perClass: 3}
		change(&cfg, &src)
		if _, err := Shard(t.Context(), cfg, src, nil); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	one := make(func(*ShardConfig, *memory) {})
	for want, other := range map[string]string{
		"split train and val":     make(func(c *ShardConfig, _ *memory) { c.Split = "val" }),
		"64 and 32 pixels a side": make(func(c *ShardConfig, _ *memory) { c.Size = 32 }),
		"codec raw 0 and jpeg 90": make(func(c *ShardConfig, _ *memory) { c.Codec = "jpeg" }),
		"2 and 3 classes":         make(func(_ *ShardConfig, m *memory) { m.classes = 3 }),
		"has no index.json":       t.TempDir(),
		"which is there already":  make(func(_ *ShardConfig, m *memory) { m.perClass = 4 }),
	} {
		out := filepath.Join(t.TempDir(), "out")
		if _, err := Merge(t.Context(), out, []string{one, other}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
		gone(t, out)
	}
}
