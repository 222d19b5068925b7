package pipeline

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alexnet/augment"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// memory is a source of small pictures of one colour each; bad ones can't be
// opened.
type memory struct {
	classes, perClass int
	bad               func(i int) bool
}

func (m memory) Layout() string { return "memory" }
func (m memory) Close() error   { return nil }

func (m memory) Classes() (classes []source.Class) {
	for i := range m.classes {
		classes = append(classes, source.Class{ID: fmt.Sprintf("c%d", i)})
	}
	return classes
}

func (m memory) Items() (items []source.Item) {
	for i := range m.classes * m.perClass {
		items = append(items, source.Item{Name: fmt.Sprintf("c%d/%03d.png", i/m.perClass, i), Label: i / m.perClass})
	}
	return items
}

func (m memory) Open(it source.Item) (io.ReadCloser, error) {
	var label, i int
	fmt.Sscanf(it.Name, "c%d/%d.png", &label, &i)
	if m.bad != nil && m.bad(i) {
		return nil, syscall.EIO
	}
	img := image.NewRGBA(image.Rect(0, 0, 9+i%5, 11))
	for at := 0; at < len(img.Pix); at += 4 {
		copy(img.Pix[at:], []byte{byte(i), byte(3 * i), 7, 255})
	}
	var file bytes.Buffer
	err := png.Encode(&file, img)
	return io.NopCloser(&file), err
}

// names of the samples of a folder in stored order.
func names(t *testing.T, dir string) []string {
	t.Helper()
	d, err := OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var names []string
	for i := range d.Len() {
		s, err := d.Sample(i)
		if err != nil {
			t.Fatal(err)
		}
		if want := int(s.Name[1] - '0'); s.Label != want {
			t.Errorf("%s has label %d", s.Name, s.Label)
		}
		names = append(names, s.Name)
	}
	return names
}

func TestShard(t *testing.T) {
	defer goleak.VerifyNone(t)
	src := memory{classes: 3, perClass: 20}
	var want augment.Sums
	for i := range 60 {
		want.Add(bytes.Repeat([]byte{byte(i), byte(3 * i), 7}, 16*16))
	}
	for _, split := range []string{"train", "val"} {
		dir := filepath.Join(t.TempDir(), "out")
		calls := 0
		cfg := ShardConfig{Out: dir, Split: split, Codec: "raw", Size: 16, Seed: 5, Workers: 3, ShardSize: 1 << 16}
		sum, err := Shard(t.Context(), cfg, src, func(p ShardProgress) {
			if calls++; p != (ShardProgress{Done: calls, Total: 60}) {
				t.Errorf("progress %+v at call %d", p, calls)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if calls != 60 || sum.Shards != 1 || sum.Meta.Images != 60 || sum.Meta.Statistics != want {
			t.Errorf("%s: %d calls, %+v", split, calls, sum)
		}
		got := names(t, dir)
		inOrder := slices.IsSorted(got)
		if slices.Sort(got); len(slices.Compact(got)) != 60 {
			t.Errorf("%s: names are lost or doubled: %v", split, got)
		}
		if inOrder != (split == "val") {
			t.Errorf("%s: stored in the source's order: %v", split, inOrder)
		}
		v, err := Verify(t.Context(), dir, 2, nil)
		if err != nil || len(v.Faults) > 0 || v.Images != 60 || !slices.Equal(v.PerClass, []int{20, 20, 20}) || v.Statistics != want {
			t.Errorf("verification %+v, %v", v, err)
		}
	}
}

func TestShardSkipsUnreadablePictures(t *testing.T) {
	src := memory{classes: 2, perClass: 10, bad: func(i int) bool { return i%7 == 3 }} // 3, 10, 17
	dir := t.TempDir()
	cfg := ShardConfig{Out: dir, Split: "val", Codec: "raw", Size: 8}
	sum, err := Shard(t.Context(), cfg, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Meta.Images != 17 || sum.Meta.Source != (SourceInfo{Layout: "memory", Found: 20, Skipped: 3}) ||
		sum.Meta.Statistics.Pixels != 17*64 {
		t.Errorf("meta %+v", sum.Meta)
	}
	report, err := os.ReadFile(filepath.Join(dir, ReportName))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"c0/003.png","reason":"can't be opened: input/output error","class":"c0"}
{"name":"c1/010.png","reason":"can't be opened: input/output error","class":"c1"}
{"name":"c1/017.png","reason":"can't be opened: input/output error","class":"c1"}
`
	if string(report) != want {
		t.Errorf("report\n%s", report)
	}

	cfg.Out, cfg.StopOnBad = filepath.Join(t.TempDir(), "stop"), true
	if _, err = Shard(t.Context(), cfg, src, nil); err == nil || !strings.Contains(err.Error(), "c0/003.png: can't be opened") {
		t.Errorf("stop: %v", err)
	}
	gone(t, cfg.Out)

	cfg.StopOnBad = false
	src.bad = func(int) bool { return true }
	if _, err = Shard(t.Context(), cfg, src, nil); err == nil || !strings.Contains(err.Error(), "none of the 20 pictures can be used") {
		t.Errorf("all bad: %v", err)
	}
	gone(t, cfg.Out)
}

// gone checks that a job that made a folder has removed it.
func gone(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		entries, _ := os.ReadDir(dir)
		t.Errorf("%s is still there, with %v", dir, entries)
	}
}

func TestShardCancelled(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	cfg := ShardConfig{Out: dir, Codec: "raw", Size: 64, ShardSize: 1 << 16, Workers: 2}
	_, err := Shard(ctx, cfg, memory{classes: 2, perClass: 100}, func(p ShardProgress) {
		if p.Done == 50 { // several shards are written
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	// The shards that were whole stay, and the same job goes on after them.
	whole := filepath.Join(t.TempDir(), "whole")
	cfg.Out = whole
	if _, err := Shard(t.Context(), cfg, memory{classes: 2, perClass: 100}, nil); err != nil {
		t.Fatal(err)
	}
	cfg.Out = dir
	first := 0
	sum, err := Shard(t.Context(), cfg, memory{classes: 2, perClass: 100}, func(p ShardProgress) {
		if first == 0 {
			first = p.Done
		}
	})
	if err != nil || sum.Resumed < 40 || sum.Resumed > 60 || first != sum.Resumed+1 {
		t.Errorf("went on after %d pictures, first reported %d: %v", sum.Resumed, first, err)
	}
	sameFolder(t, whole, dir)
}

// sameFolder checks that two folders hold the same files with the same bytes.
func sameFolder(t *testing.T, want, got string) {
	t.Helper()
	a, b := files(t, want), files(t, got)
	for name, data := range a {
		if other, ok := b[name]; !ok || !bytes.Equal(data, other) {
			t.Errorf("%s differs or is missing", name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("%s is too many", name)
		}
	}
}

// files maps the names in dir to their contents.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = data
	}
	return all
}

// TestShardTakesOverAnUnfinishedFolder: what a killed job leaves, its mark and
// shards without an index, makes way; anything else stays.
func TestShardTakesOverAnUnfinishedFolder(t *testing.T) {
	src := memory{classes: 1, perClass: 5}
	cases := []struct {
		name  string
		files []string
		want  string // of the error; "" where the job runs
	}{
		{"killed", []string{unfinishedName, "shard.00000.mds", "shard.00001.mds.tmp", "report.jsonl", "index.json.tmp"}, ""},
		{"hidden file", []string{".keep"}, ""},
		{"shards without a mark", []string{"shard.00000.mds"}, "already holds shard.00000.mds"},
		{"killed, but somebody's file", []string{unfinishedName, "shard.00000.mds", "notes.txt"}, "already holds notes.txt"},
		{"finished", []string{"index.json", "shard.00000.mds"}, "already holds index.json"},
	}
	for _, c := range cases {
		dir := t.TempDir()
		for _, f := range c.files {
			if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Shard(t.Context(), ShardConfig{Out: dir, Codec: "raw", Size: 8}, src, nil)
		if c.want == "" {
			if err != nil || len(names(t, dir)) != 5 {
				t.Errorf("%s: %v", c.name, err)
			}
			if _, err := os.Stat(filepath.Join(dir, unfinishedName)); err == nil {
				t.Errorf("%s: the mark is still there", c.name)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
		for _, f := range c.files {
			if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
				t.Errorf("%s: lost %v", c.name, err)
			}
		}
	}
}

func TestShardRefusesAFolderInUse(t *testing.T) {
	dir := t.TempDir()
	first, err := openOutput(dir, &Meta{Job: &Job{}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openOutput(dir, &Meta{Job: &Job{}}, nil); err == nil || !strings.Contains(err.Error(), "another job is filling this folder") {
		t.Errorf("second job: %v", err)
	}
	if err := first.abandon(); err != nil {
		t.Error(err)
	}
}

func TestEvenShare(t *testing.T) {
	var items []source.Item
	for label, n := range []int{5, 1, 3} {
		for i := range n {
			items = append(items, source.Item{Name: fmt.Sprint(label, i), Label: label})
		}
	}
	cases := []struct {
		limit int
		want  string
	}{
		{0, "[0 0 0 1 0 2 0 3 0 4 1 0 2 0 2 1 2 2]"},
		{2, "[0 0 1 0]"},
		{4, "[0 0 0 1 1 0 2 0]"},
		{8, "[0 0 0 1 0 2 0 3 1 0 2 0 2 1 2 2]"},
		{99, "[0 0 0 1 0 2 0 3 0 4 1 0 2 0 2 1 2 2]"},
	}
	for _, c := range cases {
		var names []string
		for _, it := range evenShare(items, 3, c.limit) {
			names = append(names, it.Name)
		}
		if got := fmt.Sprint(names); got != c.want {
			t.Errorf("limit %d: got %s, want %s", c.limit, got, c.want)
		}
	}
}

func TestShardConfigErrors(t *testing.T) {
	for want, cfg := range map[string]ShardConfig{
		"no output folder":       {},
		`split "test"`:           {Out: "x", Split: "test"},
		`unknown codec "gif"`:    {Out: "x", Codec: "gif"},
		"JPEG quality 101":       {Out: "x", Codec: "jpeg", Quality: 101},
		"size 4: choose 8":       {Out: "x", Size: 4},
		"shard size 100: choose": {Out: "x", ShardSize: 100},
		"-1 workers":             {Out: "x", Workers: -1},
		"limit -3":               {Out: "x", Limit: -3},
	} {
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
}

// TestVerifyNamesEveryFault damages a label and a name, cuts a shard short and
// removes one.
func TestVerifyNamesEveryFault(t *testing.T) {
	dir := t.TempDir()
	cfg := ShardConfig{Out: dir, Codec: "raw", Size: 64, ShardSize: 1 << 16, Split: "val"}
	if _, err := Shard(t.Context(), cfg, memory{classes: 2, perClass: 10}, nil); err != nil {
		t.Fatal(err)
	}
	index, err := mds.ReadIndex(dir)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(dir, "shard.00001.mds"), -1) // the last sample's name is no UTF-8 any more
	if err := os.Truncate(filepath.Join(dir, "shard.00002.mds"), 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "shard.00003.mds")); err != nil {
		t.Fatal(err)
	}
	// The first sample: the length of its name, 64×64×3 bytes, its label.
	first := filepath.Join(dir, "shard.00000.mds")
	head, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	offset := int(binary.LittleEndian.Uint32(head[4:]))
	flip(t, first, offset+4+64*64*3)
	v, err := Verify(t.Context(), dir, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, f := range v.Faults {
		text = append(text, f.String())
	}
	all := strings.Join(text, "\n")
	label := fmt.Sprintf("shard.00000.mds: sample 0 offset %d: damaged: its label is 255, but there are 2 classes", offset)
	for _, want := range []string{label, "shard.00000.mds: offset 0: damaged: sha1", "shard.00001.mds: offset 0: damaged: sha1", "shard.00002.mds", "shard.00003.mds"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if len(v.Faults) != 5 || v.Shards != len(index.Shards) {
		t.Errorf("%d faults in %d shards:\n%s", len(v.Faults), v.Shards, all)
	}
}

// flip inverts the byte at offset at, from the end where that is negative.
func flip(t *testing.T, path string, at int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 0xff
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestSheet(t *testing.T) {
	dir := t.TempDir()
	cfg := ShardConfig{Out: dir, Codec: "raw", Size: 8, Split: "val"}
	if _, err := Shard(t.Context(), cfg, memory{classes: 3, perClass: 2}, nil); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m, err := Sheet(d, SheetConfig{PerClass: 2, Side: 20})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Bounds(), image.Rect(0, 0, 160+2*24+4, 3*24+4); got != want {
		t.Errorf("sheet is %v, want %v", got, want)
	}
	// Picture 5, the second of class 2, is (5, 15, 7) all over.
	for _, at := range []image.Point{{160 + 24, 2*24 + 4}, {160 + 24 + 19, 2*24 + 4 + 19}} {
		if got := m.NRGBAAt(at.X, at.Y); got != (color.NRGBA{5, 15, 7, 255}) {
			t.Errorf("pixel at %v is %v", at, got)
		}
	}
	dark := 0
	for y := range 24 {
		for x := range 160 {
			if m.NRGBAAt(x, y).R < 100 {
				dark++
			}
		}
	}
	if dark < 10 {
		t.Errorf("the first class's name has %d dark pixels", dark)
	}
}

// TestEncoderOfJob: JPEG shards name the encoder that made them, and another
// one's job isn't the same; other codecs have none.
func TestEncoderOfJob(t *testing.T) {
	describe := func(codec, decoder string) *Meta {
		cfg := ShardConfig{Out: "out", Codec: codec, Decoder: decoder}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		m := cfg.describe(SourceInfo{Layout: "folders"}, nil, nil)
		return &m
	}
	byGo := describe("jpeg", "go")
	if got := byGo.Job.Encoder; got != "go" {
		t.Errorf("encoder %q, want go", got)
	}
	if got := describe("lossless", "go").Job.Encoder; got != "" {
		t.Errorf("encoder %q of lossless shards", got)
	}
	other := describe("jpeg", "go")
	other.Job.Encoder = "turbo"
	if why := byGo.differs(other); why != "encoder go instead of turbo" {
		t.Errorf("the jobs differ in %q", why)
	}
}

// slowSource takes long to read one picture.
type slowSource struct {
	memory
	name string
	took time.Duration
}

func (s slowSource) Open(it source.Item) (io.ReadCloser, error) {
	if it.Name == s.name {
		time.Sleep(s.took)
	}
	return s.memory.Open(it)
}

// A picture that takes long is named while it does, and afterwards.
func TestShardNamesSlowPictures(t *testing.T) {
	src := slowSource{memory{classes: 2, perClass: 20}, "c1/025.png", 400 * time.Millisecond}
	cfg := ShardConfig{Out: filepath.Join(t.TempDir(), "out"), Codec: "raw", Size: 16, Split: "val", Workers: 2, SlowAfter: 100 * time.Millisecond}
	named := 0
	sum, err := Shard(t.Context(), cfg, src, func(p ShardProgress) {
		if p.Slow.Name == src.name && p.Slow.Seconds >= 0.1 && p.Done == 25 && p.Total == 40 {
			named++
		}
	})
	// On a busy machine there may be others.
	if err != nil || named < 1 || !slices.ContainsFunc(sum.Slow, func(s Slow) bool { return s.Name == src.name && s.Seconds >= 0.4 }) {
		t.Errorf("named %d times, and afterwards %v: %v", named, sum.Slow, err)
	}
}
