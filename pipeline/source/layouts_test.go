package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The classes of testdata/devkit, by wnid, with the labels of its ten
// validation pictures.
var (
	kitClasses = []Class{
		{"n01440764", "tench, Tinca tinca"},
		{"n02102040", "English springer, English springer spaniel"},
		{"n02979186", "cassette player"},
		{"n03028079", "church, church building"},
		{"n03888257", "parachute, chute"},
	}
	kitTruth = []int{4, 3, 0, 2, 1, 0, 3, 4, 1, 2}
)

// shades holds the grey level of each class's pictures.
var shades = []uint8{20, 70, 120, 170, 220}

// picture renders a JPEG of the class with that label.
func picture(t *testing.T, label int) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 9, 7))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.Gray{shades[label]}), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// file is a name and what is in it.
type file struct{ name, data string }

// tarOf makes a tar.
func tarOf(t testing.TB, files ...file) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// folder writes files into a new folder.
func folder(t *testing.T, files ...file) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		p := filepath.Join(root, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(f.data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// devkitArchive returns testdata/devkit as the tar.gz that is downloaded.
func devkitArchive(t *testing.T) file {
	t.Helper()
	synsets, truth := kitFile(t, "meta.mat"), kitFile(t, "ILSVRC2012_validation_ground_truth.txt")
	plain := tarOf(t, file{devkitName + "/", ""}, file{devkitName + "/readme.txt", "…"},
		file{devkitName + "/" + truthFile, truth}, file{devkitName + "/" + synsetsFile, synsets})
	return file{devkitName + ".tar.gz", gzipped(t, plain)}
}

func kitFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "devkit", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func gzipped(t testing.TB, plain string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(plain))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// trainTars returns the tar of each class with two pictures, those of the last
// class in the wrong order.
func trainTars(t *testing.T) []file {
	t.Helper()
	var tars []file
	for label, c := range kitClasses {
		p := picture(t, label)
		pictures := []file{{c.ID + "_10.JPEG", p}, {c.ID + "_7.JPEG", p}}
		if label == len(kitClasses)-1 {
			pictures[0], pictures[1] = pictures[1], pictures[0]
		}
		tars = append(tars, file{c.ID + ".tar", tarOf(t, pictures...)})
	}
	return tars
}

// trainWant is the listing of trainTars.
func trainWant() []string {
	var want []string
	for label, c := range kitClasses {
		want = append(want, fmt.Sprintf("%d %s/%[2]s_10.JPEG", label, c.ID), fmt.Sprintf("%d %s/%[2]s_7.JPEG", label, c.ID))
	}
	return want
}

// valPictures returns the validation pictures, named with their class if
// suffixed.
func valPictures(t *testing.T, suffixed bool) []file {
	t.Helper()
	var files []file
	for i, label := range kitTruth {
		name := fmt.Sprintf("ILSVRC2012_val_%08d", i+1)
		if suffixed {
			name += "_" + kitClasses[label].ID
		}
		files = append(files, file{name + ".JPEG", picture(t, label)})
	}
	return files
}

// valWant is the listing of valPictures, by label.
func valWant(suffixed bool) []string {
	var want []string
	for label, numbers := range [][]int{{3, 6}, {5, 9}, {4, 10}, {2, 7}, {1, 8}} {
		for _, n := range numbers {
			suffix := ""
			if suffixed {
				suffix = "_" + kitClasses[label].ID
			}
			want = append(want, fmt.Sprintf("%d ILSVRC2012_val_%08d%s.JPEG", label, n, suffix))
		}
	}
	return want
}

// checkSource opens the source at path as it stands and compares the listing,
// then decodes all its pictures, from several goroutines, and compares each with
// the shade of its class ID.
func checkSource(t *testing.T, path, layout string, opts Options, classes []Class, want []string) {
	t.Helper()
	found, err := Detect(path)
	if err != nil {
		t.Fatal(err)
	}
	if found.Layout != layout || found.Reason == "" {
		t.Fatalf("detected %+v, want %s", found, layout)
	}
	s, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Layout() != layout {
		t.Errorf("layout %q, want %q", s.Layout(), layout)
	}
	if got := fmt.Sprint(s.Classes()); got != fmt.Sprint(classes) {
		t.Errorf("classes\n got %s\nwant %v", got, classes)
	}
	var got []string
	for _, it := range s.Items() {
		got = append(got, fmt.Sprintf("%d %s", it.Label, it.Name))
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Fatalf("items\n%s\nwant\n%s", g, w)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, it := range s.Items() {
				if err := checkPicture(s, it); err != nil {
					t.Errorf("%s: %v", it.Name, err)
				}
			}
		})
	}
	wg.Wait()
}

// checkPicture compares a picture with the shade of its class, whose ID is a
// wnid of kitClasses or a number.
func checkPicture(s Source, it Item) error {
	r, err := s.Open(it)
	if err != nil {
		return err
	}
	defer r.Close()
	img, err := jpeg.Decode(r)
	if err != nil {
		return err
	}
	shade := shades[it.Label]
	for label, c := range kitClasses {
		if c.ID == s.Classes()[it.Label].ID {
			shade = shades[label]
		}
	}
	got := img.(*image.Gray).GrayAt(4, 3).Y
	if d := int(got) - int(shade); d < -1 || d > 1 { // JPEG's rounding
		return fmt.Errorf("shade %d, want %d", got, shade)
	}
	return r.Close()
}

// checkOpenError opens a source that must not open.
func checkOpenError(t *testing.T, path string, opts Options, want ...string) {
	t.Helper()
	s, err := Open(t.Context(), path, opts)
	if err == nil {
		t.Errorf("opened, with %d items; want an error with %q", len(s.Items()), want)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %v; want …%s…", err, w)
		}
	}
}

// without returns classes that have no names.
func without(classes []Class) []Class {
	var bare []Class
	for _, c := range classes {
		bare = append(bare, Class{ID: c.ID})
	}
	return bare
}
