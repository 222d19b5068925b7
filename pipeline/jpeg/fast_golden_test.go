package jpeg

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onBoth runs a test with the assembly and without.
func onBoth(t *testing.T, test func(t *testing.T)) {
	t.Run("portable", func(t *testing.T) {
		defer setAssembly(setAssembly(false))
		test(t)
	})
	t.Run("assembly", func(t *testing.T) {
		defer setAssembly(setAssembly(true))
		test(t)
	})
}

// TestPillowsPixels: files of every kind, with the pixels that Pillow gives them
// (testdata/pictures.py), and files that are damaged or of other kinds.
func TestPillowsPixels(t *testing.T) {
	table, err := os.ReadFile("testdata/pictures.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]*struct {
		Width, Height int
		MD5           string
	}
	if err := json.Unmarshal(table, &want); err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T) {
		d := new(fastDecoder)
		for name, w := range want {
			file, err := os.ReadFile("testdata/" + name + ".jpg")
			if err != nil {
				t.Fatal(err)
			}
			pixels, width, height, err := rgb(t, d, file, all)
			switch {
			case w == nil:
				if !errors.Is(err, errOther) {
					t.Errorf("%s: got %v, want it to be left to others", name, err)
				}
				continue
			case err != nil:
				t.Errorf("%s: %v", name, err)
				continue
			}
			sum := md5.Sum(pixels)
			if width != w.Width || height != w.Height || hex.EncodeToString(sum[:]) != w.MD5 {
				t.Errorf("%s: other pixels than Pillow's, or another size than %d×%d: %d×%d", name, w.Width, w.Height, width, height)
			}
		}
	})
}

// TestCutAnywhere: a file that ends too early, wherever, is left to others, and
// so is one that has been decoded already.
func TestCutAnywhere(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		d := new(fastDecoder)
		for _, name := range []string{"420", "restart-blocks", "grey"} {
			file, err := os.ReadFile("testdata/" + name + ".jpg")
			if err != nil {
				t.Fatal(err)
			}
			for n := range len(file) {
				if _, _, _, err := rgb(t, d, file[:n:n], all); !errors.Is(err, errOther) {
					t.Fatalf("%s, %d of %d bytes: got %v", name, n, len(file), err)
				}
			}
			if _, _, _, err := rgb(t, d, file, all); err != nil {
				t.Error(err)
			}
			if _, err := d.decode(context.Background(), image.Rect(0, 0, 1, 1)); !errors.Is(err, errOther) {
				t.Errorf("decoded twice: %v", err)
			}
		}
	})
}

// TestAllocates: a fastDecoder takes memory for its first pictures only.
func TestAllocates(t *testing.T) {
	var files [][]byte
	for _, name := range []string{"420", "444", "grey", "restart-rows"} {
		file, err := os.ReadFile("testdata/" + name + ".jpg")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	d := new(fastDecoder)
	decode := func() {
		for _, file := range files {
			width, height, err := d.open(file)
			if err == nil {
				_, err = d.decode(context.Background(), all(width, height))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	decode()
	if n := testing.AllocsPerRun(20, decode); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzDecode: whatever the bytes, assembly and Go give the same pixels or leave
// the file to others, and a used fastDecoder does what a fresh one does.
func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(names) == 0 {
		f.Fatal("no files", err)
	}
	for _, name := range names {
		if strings.Contains(name, "noise") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	used := new(fastDecoder)
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, h, err := used.open(data); err != nil || w*h > 1<<18 {
			return
		}
		middle := func(w, h int) image.Rectangle { return image.Rect(w/3, h/4, w-w/5, h) }
		setAssembly(true)
		pixels, _, _, err := rgb(t, used, data, middle)
		setAssembly(false)
		same, _, _, err2 := rgb(t, new(fastDecoder), data, middle)
		setAssembly(true)
		if err != err2 || string(pixels) != string(same) {
			t.Errorf("assembly %v, portable Go %v, or other pixels", err, err2)
		}
	})
}
