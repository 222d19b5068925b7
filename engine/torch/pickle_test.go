package torch_test

import (
	"archive/zip"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/torch"
)

// small is the net of testdata/make_pickles.py.
func small(t *testing.T) *engine.Net {
	t.Helper()
	net, err := engine.ReadNet(strings.NewReader(`{"name": "small", "input": {"size": 8}, "towers": 1, "classes": 3, "layers": [
	  {"name": "conv1", "conv": {"maps": 4, "kernel": 3, "stride": 1, "pad": 1, "std": 0.1}}, {"activate": "relu"}, {"maxpool": {"kernel": 2, "stride": 2}},
	  {"name": "fc2", "dense": {"units": 6, "std": 0.1}}, {"activate": "relu"}, {"name": "fc3", "dense": {"std": 0.1}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// restored are the weights of a file, by the engine's names.
func restored(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	f, err := torch.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := newModel(t, small(t), nil)
	if err := f.Restore(m); err != nil {
		t.Fatal(err)
	}
	all := map[string][]float32{}
	for _, p := range m.Parameters() {
		if all[p.Name], err = m.Read(engine.Weight, p.Name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestPickles: each form of torch.save holds what safetensors does, bit for bit.
func TestPickles(t *testing.T) {
	want := restored(t, "testdata/small.safetensors")
	for _, name := range []string{"zip", "legacy", "channels_last", "checkpoint"} {
		if got := restored(t, "testdata/"+name+".pth"); !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s.pth has other weights than small.safetensors", name)
		}
	}
}

// TestPicklesRunNothing opens a file that runs a command when Python loads it, and
// one that is a program.
func TestPicklesRunNothing(t *testing.T) {
	for name, want := range map[string]string{
		"evil":  `no tensor "features.0.weight"`,
		"whole": "no state dict",
	} {
		if f, err := torch.Open("testdata/" + name + ".pth"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s.pth: %v, error %v, want %q", name, f, err, want)
		}
	}
	if _, err := os.Stat("/tmp/alexnet-was-here"); err == nil {
		t.Error("a file of weights has run a command")
	}
}

// TestBrokenPickles: files cut short, and with a byte changed, are errors or open;
// none panics or takes much memory.
func TestBrokenPickles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.pth")
	for _, name := range []string{"zip", "legacy"} {
		b, err := os.ReadFile("testdata/" + name + ".pth")
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(b); at += 17 {
			changed := slices.Clone(b)
			changed[at] ^= 0x55
			for cut, b := range map[bool][]byte{true: b[:at], false: changed} {
				if err := os.WriteFile(path, b, 0o666); err != nil {
					t.Fatal(err)
				}
				f, err := torch.Open(path)
				if err == nil {
					f.Close()
				}
				if err == nil && cut && at < len(b)/2 {
					t.Errorf("%s.pth opens though %d of %d bytes are there", name, at, len(b))
				}
			}
		}
	}
}

// TestHostilePickles: each small file would take gigabytes, or a stack as deep, where
// its values were followed or printed; each is an error within a second.
func TestHostilePickles(t *testing.T) {
	tensor := "ctorch._utils\n_rebuild_tensor_v2\n)R"
	for what, pickle := range map[string]string{
		"a key of 2^60 leaves": "\x80\x02})" + strings.Repeat("q\x03h\x03\x86", 60) + tensor + "s.",
		"nested parameters":    "\x80\x02}U\x01xctorch._utils\n_rebuild_parameter\nq\x010" + strings.Repeat("h\x01", 300_000) + "N" + strings.Repeat("\x85R", 300_000) + "s.",
		"empty dicts":          "\x80\x02" + strings.Repeat("}", 8<<20),
	} {
		path := filepath.Join(t.TempDir(), "hostile.pth")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		archive := zip.NewWriter(f)
		w, err := archive.Create("a/data.pkl")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(pickle)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(archive.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if f, err := torch.Open(path); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: %v, error of %d bytes", what, f, len(fmt.Sprint(err)))
		}
		if spent := time.Since(began); spent > 20*time.Second {
			t.Errorf("%s: %v", what, spent)
		}
	}
}
