package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/pipeline/source"
)

// exported makes shards of one-coloured pictures and exports them.
func exported(t *testing.T, stored string, cfg ExportConfig) *Dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shards")
	if _, err := Shard(t.Context(), ShardConfig{Out: dir, Codec: stored, Size: 16, Seed: 1}, memory{classes: 3, perClass: 7}, nil); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := Export(t.Context(), d, cfg, nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestExportReadAgain makes shards of what was exported, which hold the same
// pixels, labels and classes.
func TestExportReadAgain(t *testing.T) {
	for _, c := range []struct{ stored, to, format, file string }{
		{"lossless", "webdataset", "", "train-000002.tar"},
		{"raw", "folders", "png", "c2/020.png"},
		{"jpeg", "webdataset", "", "train-000000.tar"},
		{"jpeg", "folders", "jpeg", "c0/000.jpg"},
		{"raw", "folders", "jpeg", "c0/000.jpg"},
	} {
		out := filepath.Join(t.TempDir(), "out")
		d := exported(t, c.stored, ExportConfig{To: c.to, Out: out, Format: c.format, PerTar: 8})
		if _, err := os.Stat(filepath.Join(out, c.file)); err != nil {
			t.Error(err)
		}
		classes, err := source.ReadClasses(filepath.Join(out, "classes.txt"))
		if err != nil {
			t.Fatal(err)
		}
		src, err := source.Open(t.Context(), out, source.Options{Classes: classes})
		if err != nil {
			t.Fatal(err)
		}
		if src.Layout() != c.to {
			t.Errorf("layout %s is taken for %s", c.to, src.Layout())
		}
		again := filepath.Join(t.TempDir(), "again")
		sum, err := Shard(t.Context(), ShardConfig{Out: again, Codec: "raw", Size: 16}, src, nil)
		if err := errors.Join(err, src.Close()); err != nil {
			t.Fatal(err)
		}
		if sum.Meta.Images != 21 || len(sum.Meta.Classes) != 3 || sum.Meta.Classes[2].ID != "c2" {
			t.Errorf("%+v", sum.Meta)
		}
		if lossless := c.stored != "jpeg" && c.format != "jpeg"; lossless && sum.Meta.Statistics != d.Meta().Statistics {
			t.Errorf("%s to %s: other pixels", c.stored, c.to)
		}
		v, err := Verify(t.Context(), d.Dir(), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if copied := c.stored == "jpeg"; copied && sum.Meta.Statistics != v.Statistics {
			t.Errorf("%s to %s: pictures aren't copied", c.stored, c.to)
		}
	}
}

func TestExportSameBytes(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	d := exported(t, "lossless", ExportConfig{To: "webdataset", Out: a, PerTar: 10})
	if err := Export(t.Context(), d, ExportConfig{To: "webdataset", Out: b, PerTar: 10}, nil); err != nil {
		t.Fatal(err)
	}
	sameFolder(t, a, b)
	if tar := files(t, a)["train-000000.tar"]; !bytes.HasPrefix(tar, []byte("000000000.cls\x00")) || len(tar)%512 != 0 {
		t.Errorf("the tar begins with %q", tar[:20])
	}
}

func TestExportRefuses(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	d := exported(t, "raw", ExportConfig{To: "folders", Out: out})
	for want, cfg := range map[string]ExportConfig{
		`export to "tfrecord": choose webdataset or folders`: {To: "tfrecord", Out: "x"},
		"no output folder": {To: "folders"},
		"already holds c0": {To: "folders", Out: out},
		`format "gif"`:     {To: "folders", Out: "x", Format: "gif"},
		"JPEG quality 101": {To: "folders", Out: "x", Quality: 101},
		"-1 samples a tar": {To: "folders", Out: "x", PerTar: -1},
	} {
		if err := Export(t.Context(), d, cfg, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := filepath.Join(t.TempDir(), "stopped")
	err := Export(ctx, d, ExportConfig{To: "webdataset", Out: stopped}, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	gone(t, stopped)
}

// TestWebDatasetReader has the webdataset package read what is exported. It needs
// a Python with tools/bench/peers/requirements.txt, named by $PEERS_PYTHON.
func TestWebDatasetReader(t *testing.T) {
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python that has tools/bench/peers/requirements.txt")
	}
	out := filepath.Join(t.TempDir(), "out")
	d := exported(t, "lossless", ExportConfig{To: "webdataset", Out: out, PerTar: 8})
	pixels, labels := sha256.New(), sha256.New()
	rgb, decoder := make([]byte, 16*16*3), d.Codec().NewDecoder(16)
	for i := range d.Len() {
		label, err := d.Pixels(decoder, i, rgb)
		if err != nil {
			t.Fatal(err)
		}
		pixels.Write(rgb)
		labels.Write(binary.LittleEndian.AppendUint64(nil, uint64(label)))
	}
	cmd := exec.Command(python, "../tools/bench/peers/webdataset_read.py", "16")
	for i := range 3 {
		cmd.Args = append(cmd.Args, filepath.Join(out, fmt.Sprintf("train-%06d.tar", i)))
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var got struct {
		Reader, Pixels, Labels string
		Samples                int
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if got.Samples != 21 || got.Pixels != fmt.Sprintf("%x", pixels.Sum(nil)) || got.Labels != fmt.Sprintf("%x", labels.Sum(nil)) {
		t.Errorf("%s reads %+v", got.Reader, got)
	}
}
