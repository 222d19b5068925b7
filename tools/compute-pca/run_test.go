package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/png"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/augment"
	"alexnet/pipeline"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
	"alexnet/tools/internal/command"
)

// shards writes a folder of n pictures of 16×16 pixels and lets edit change its
// metadata. paint gives the colour of a pixel of picture i.
func makeShards(t *testing.T, codecName string, n int, paint func(i, x, y int) [3]byte, edit func(*pipeline.Meta)) string {
	t.Helper()
	const size = 16
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := codec.ByName(codecName, codec.Options{})
	check(err)
	dir := t.TempDir()
	w, err := mds.NewWriter(dir, mds.WriterConfig{Columns: []mds.Column{
		{Name: pipeline.ImageColumn, Encoding: c.Encoding(size)},
		{Name: pipeline.LabelColumn, Encoding: "int"},
		{Name: pipeline.NameColumn, Encoding: "str"},
	}})
	check(err)
	meta := pipeline.Meta{FormatVersion: pipeline.FormatVersion, Split: "train", Images: n, Size: size, Codec: codecName,
		Classes: []pipeline.Class{{ID: "all"}}}
	encoder := c.NewEncoder(size)
	for i := range n {
		var rgb []byte
		for y := range size {
			for x := range size {
				colour := paint(i, x, y)
				rgb = append(rgb, colour[:]...)
			}
		}
		meta.Statistics.Add(rgb)
		image, err := encoder.Encode(nil, rgb)
		check(err)
		check(w.Write(image, mds.AppendInt(nil, 0), fmt.Appendf(nil, "all/%d.png", i)))
	}
	if edit != nil {
		edit(&meta)
	}
	written, err := w.Finish()
	check(err)
	raw, err := json.Marshal(meta)
	check(err)
	index := mds.Index{Version: mds.Version, Shards: written, Extra: map[string]json.RawMessage{pipeline.MetaKey: raw}}
	check(index.Write(dir))
	return dir
}

// gradient is a smooth coloured picture.
func gradient(i, x, y int) [3]byte {
	return [3]byte{byte(8*x + i), byte(5*x + 4*y), byte(200 - 7*y - i)}
}

// call runs the command and returns its output and exit code.
func call(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(context.Background(), append([]string{"compute-pca"}, args...), &out, &errs)
	code = command.Report("compute-pca", err, &errs)
	return out.String(), errs.String(), code
}

func TestStoredStatistics(t *testing.T) {
	dir := makeShards(t, "raw", 3, gradient, nil)
	path := filepath.Join(t.TempDir(), "pca.json")
	stdout, stderr, code := call(t, "--shards", dir, "--out", path)
	if code != 0 || stderr != "" || !strings.Contains(stdout, "wrote "+path) || !strings.Contains(stdout, "3 images, 768 pixels") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	p, err := augment.ReadPCA(path)
	if err != nil {
		t.Fatal(err)
	}
	// 8x+i over x = 0…15, i = 0…2 has mean 61 and variance 64·21.25 + 2/3.
	if p.Mean[0] != 61 || math.Abs(p.Covariance[0][0]-(1360+2.0/3)) > 1e-12*1360 {
		t.Errorf("mean %v, variance %v of red", p.Mean[0], p.Covariance[0][0])
	}
	if mode(t, path) != 0o644 {
		t.Errorf("mode %v", mode(t, path))
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files beside pca.json", len(files)-1)
	}
}

// TestRemote counts every pixel of shards behind a web server.
func TestRemote(t *testing.T) {
	dir := makeShards(t, "lossless", 5, gradient, nil)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	var texts [2]string
	for i, place := range []string{dir, server.URL} {
		path := filepath.Join(t.TempDir(), "pca.json")
		stdout, stderr, code := call(t, "--shards", place, "--out", path, "--recompute", "--cache-dir", t.TempDir())
		if code != 0 || !strings.Contains(stdout, "checked against every pixel") {
			t.Fatalf("code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Errorf("from a server\n%s\nfrom the folder\n%s", texts[1], texts[0])
	}
	server.Close()
	_, stderr, code := call(t, "--shards", server.URL, "--cache-size", "many", "--out", filepath.Join(t.TempDir(), "pca.json"))
	if code != command.BadUsage || !strings.Contains(stderr, "--cache-size") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return stat.Mode().Perm()
}

func TestRecompute(t *testing.T) {
	for _, c := range []struct {
		codec string
		exact bool
	}{{"raw", true}, {"jpeg", false}} {
		dir := makeShards(t, c.codec, 3, gradient, nil)
		for _, workers := range []string{"0", "1", "5"} {
			path := filepath.Join(t.TempDir(), "pca.json")
			stdout, stderr, code := call(t, "--shards", dir, "--out", path, "--recompute", "--json", "--workers", workers)
			var r result
			if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 {
				t.Fatalf("%s: code %d, %v, stdout %q, stderr %q", c.codec, code, err, stdout, stderr)
			}
			if r.Check == nil || r.Check.Exact != c.exact {
				t.Errorf("%s: checked %+v, want exact %v", c.codec, r.Check, c.exact)
			}
			if p, err := augment.ReadPCA(path); err != nil || p != r.PCA {
				t.Errorf("%s: file and --json differ (%v)", c.codec, err)
			}
			if !strings.Contains(stderr, "decoded 3 images") || strings.Contains(stderr, "\r") {
				t.Errorf("stderr %q", stderr)
			}
		}
	}
}

func TestRecomputeAbsentStatistics(t *testing.T) {
	dir := makeShards(t, "raw", 3, gradient, func(m *pipeline.Meta) { m.Statistics = augment.Sums{} })
	path := filepath.Join(t.TempDir(), "pca.json")
	if _, stderr, code := call(t, "--shards", dir, "--out", path); code != 1 || !strings.Contains(stderr, "--recompute") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	if _, stderr, code := call(t, "--shards", dir, "--out", path, "--recompute"); code != 0 {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	var want augment.Sums
	for i := range 3 {
		for y := range 16 {
			for x := range 16 {
				colour := gradient(i, x, y)
				want.Add(colour[:])
			}
		}
	}
	if p, err := augment.ReadPCA(path); err != nil || p.Covariance != want.Covariance() {
		t.Errorf("%+v, %v; want covariance %v", p, err, want.Covariance())
	}
}

func TestMeanImage(t *testing.T) {
	dir := makeShards(t, "raw", 3, gradient, nil)
	folder := t.TempDir()
	path := filepath.Join(folder, "mean.png")
	if _, stderr, code := call(t, "--shards", dir, "--out", filepath.Join(folder, "pca.json"), "--mean-image", path); code != 0 {
		t.Fatalf("code %d, stderr %q", code, stderr)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	array, err := os.ReadFile(filepath.Join(folder, "mean.npy"))
	if err != nil {
		t.Fatal(err)
	}
	const header = 128
	if len(array) != header+16*16*3*4 || !bytes.HasPrefix(array, []byte("\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (16, 16, 3), }")) || array[header-1] != '\n' {
		t.Fatalf("mean.npy has %d bytes and begins %q", len(array), array[:header])
	}
	for _, at := range [][2]int{{0, 0}, {3, 7}, {15, 15}} {
		x, y := at[0], at[1]
		want := [3]float32{float32(8*x + 1), float32(5*x + 4*y), float32(199 - 7*y)} // picture 1 is in the middle
		r, g, b, a := m.At(x, y).RGBA()
		if got := [4]uint32{r >> 8, g >> 8, b >> 8, a >> 8}; got != [4]uint32{uint32(want[0]), uint32(want[1]), uint32(want[2]), 255} {
			t.Errorf("pixel %v is %v, want %v", at, got, want)
		}
		var got [3]float32
		if _, err := binary.Decode(array[header+(y*16+x)*12:], binary.LittleEndian, &got); err != nil || got != want {
			t.Errorf("value %v is %v, want %v", at, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	good := makeShards(t, "raw", 3, gradient, nil)
	plain := t.TempDir() // a MosaicML folder of somebody else's
	text, err := os.ReadFile(filepath.Join(good, mds.IndexName))
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	delete(keys, pipeline.MetaKey)
	if text, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(plain, mds.IndexName), text, 0o666); err != nil {
		t.Fatal(err)
	}
	one := func(int, int, int) [3]byte { return [3]byte{10, 20, 30} }
	missing := filepath.Join(t.TempDir(), "nowhere")

	for name, c := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"no folder given":  {nil, 2, []string{"--shards"}},
		"unknown flag":     {[]string{"--shard", good}, 2, []string{"-shard"}},
		"stray argument":   {[]string{"--shards", good, "more"}, 2, []string{`"more"`}},
		"empty out":        {[]string{"--shards", good, "--out", ""}, 2, []string{"--out"}},
		"negative workers": {[]string{"--shards", good, "--workers", "-1"}, 2, []string{"--workers"}},
		"mean not a PNG":   {[]string{"--shards", good, "--mean-image", "mean.jpg"}, 2, []string{".png"}},
		"missing folder":   {[]string{"--shards", missing}, 1, []string{missing + ": "}},
		"no own metadata":  {[]string{"--shards", plain}, 1, []string{plain, "prep-imagenet shard"}},
		"one colour":       {[]string{"--shards", makeShards(t, "raw", 2, one, nil)}, 1, []string{"same colour"}},
		"wrong pixel count": {[]string{"--shards", makeShards(t, "raw", 2, gradient, func(m *pipeline.Meta) { m.Statistics.Pixels-- })}, 1,
			[]string{"511 pixels", "have 512"}},
		"wrong sums": {[]string{"--recompute", "--shards", makeShards(t, "raw", 2, gradient, func(m *pipeline.Meta) { m.Statistics.Sum[1]++ })}, 1,
			[]string{"not those of the pixels", "verify"}},
		"sums far from JPEG's": {[]string{"--recompute", "--shards", makeShards(t, "jpeg", 2, gradient, func(m *pipeline.Meta) { m.Statistics.Sum[1] += 5 * 512 })}, 1,
			[]string{"not those of the pixels"}},
		"too many workers":         {[]string{"--shards", good, "--recompute", "--workers", "9223372036854775807"}, 2, []string{"want 0 to 4096"}},
		"no folder for the output": {[]string{"--shards", good, "--recompute", "--out", filepath.Join(missing, "pca.json")}, 2, []string{missing}},
		"no folder for the mean":   {[]string{"--shards", good, "--mean-image", filepath.Join(missing, "mean.png")}, 2, []string{missing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			stdout, stderr, code := call(t, c.args...)
			if code != c.code || stdout != "" {
				t.Errorf("code %d, stdout %q, want %d and none", code, stdout, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr %q does not say %q", stderr, want)
				}
			}
			if strings.Contains(stderr, "decoded") && strings.Contains(name, "no folder") {
				t.Error("every picture was decoded before the missing folder showed")
			}
			if files, _ := os.ReadDir("."); len(files) > 0 {
				t.Errorf("%s was left behind", files[0].Name())
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	dir := makeShards(t, "raw", 3, gradient, nil)
	path := filepath.Join(t.TempDir(), "pca.json")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	err := run(ctx, []string{"compute-pca", "--shards", dir, "--out", path, "--recompute"}, &out, &errs)
	if code := command.Report("compute-pca", err, &errs); code != command.Interrupted {
		t.Errorf("code %d, %v", code, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("pca.json was written")
	}
}

func TestHelp(t *testing.T) {
	stdout, stderr, code := call(t, "--help")
	if code != 0 || stderr != "" {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{"--shards", "--out", "--recompute", "--mean-image", "--json", "Example:"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("help does not mention %s", want)
		}
	}
}
