package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// variable says which targets are built, "all" for every one.
const variable = "ALEXNET_RELEASE"

// TestRelease builds from two clones in different folders, the second with an
// empty build cache: every file has the same bytes, and the programs know their
// commit.
func TestRelease(t *testing.T) {
	only := os.Getenv(variable)
	if only == "" {
		t.Skip("make check-release runs this: it builds the programs twice")
	}
	if only == "all" {
		only = ""
	}
	chosen, err := choose(only)
	if err != nil {
		t.Fatal(err)
	}
	root, err := output(nil, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		t.Skip("not a clone: ", err)
	}
	root = strings.TrimSpace(root)
	build := func(folder string, environment ...string) map[string][]byte {
		t.Helper()
		begun := time.Now()
		clone := filepath.Join(t.TempDir(), folder)
		if _, err := output(nil, "git", "clone", "-q", root, clone); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(clone, "build", "release")
		if _, err := output(environment, "go", "run", "-C", clone, "./tools/release", "-out", out, "-only", only); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.0f s", folder, time.Since(begun).Seconds())
		return folderOf(t, out)
	}
	first := build("one")
	second := build(filepath.Join("an", "other", "folder"), "GOCACHE="+t.TempDir(), "GOAMD64=v2", "GOFLAGS=-buildvcs=false")
	if want := len(chosen) + 2; len(first) != want {
		t.Errorf("%d files, want %d: %v", len(first), want, slices.Sorted(maps.Keys(first)))
	}
	for name, data := range first {
		if !bytes.Equal(second[name], data) {
			t.Errorf("%s differs: %d and %d bytes", name, len(data), len(second[name]))
		}
		switch filepath.Ext(name) {
		case ".json":
			checkSBOM(t, data)
		case ".gz", ".zip":
			checkArchive(t, name, data)
		}
		if sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name); name != "SHA256SUMS" && !strings.Contains(string(first["SHA256SUMS"]), sum) {
			t.Errorf("SHA256SUMS doesn't have %s", sum)
		}
	}
	commit, err := output(nil, "git", "rev-parse", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range first {
		if !strings.Contains(name, "-"+runtime.GOOS+"-"+runtime.GOARCH) {
			continue
		}
		program := filepath.Join(t.TempDir(), "train-alexnet")
		for path, text := range unpack(t, name, data) {
			if filepath.Base(path) == filepath.Base(program) && len(text) > 1<<20 {
				if err := os.WriteFile(program, text, 0o755); err != nil {
					t.Fatal(err)
				}
			}
		}
		says, err := output(nil, program, "--version")
		if want := ", commit " + strings.TrimSpace(commit) + " (go"; err != nil || !strings.HasPrefix(says, "train-alexnet version ") || !strings.Contains(says, want) {
			t.Errorf("%s: --version says %q, %v; want %q", name, says, err, want)
		}
	}
}

// checkArchive looks for what every archive holds, and for licences of modules.
func checkArchive(t *testing.T, name string, data []byte) {
	t.Helper()
	folder := strings.TrimSuffix(strings.TrimSuffix(name, ".tar.gz"), ".zip")
	ending := ""
	if strings.HasSuffix(name, ".zip") {
		ending = ".exe"
	}
	files := unpack(t, name, data)
	want := []string{"README.md", "LICENSE", "docs/training.md", "licences/go/LICENSE", "licences/github.com/klauspost/compress/LICENSE"}
	for _, c := range commands {
		want = append(want, c+ending, "man/"+c+".1", "completions/bash/"+c, "completions/zsh/_"+c, "completions/fish/"+c+".fish", "completions/powershell/"+c+".ps1")
	}
	for _, w := range want {
		if len(files[folder+"/"+w]) == 0 {
			t.Errorf("%s has no %s", name, w)
		}
	}
	_, loads := files[folder+"/licences/github.com/ebitengine/purego/LICENSE"]
	if none := strings.Contains(name, "static") || strings.Contains(name, "windows"); loads == none {
		t.Errorf("%s: a licence of purego: %v, want %v", name, loads, !none)
	}
}

// checkSBOM looks for a module, its version and its licence.
func checkSBOM(t *testing.T, data []byte) {
	t.Helper()
	var bom struct {
		Format     string `json:"bomFormat"`
		Components []struct {
			Name, Version, Purl string
			Evidence            struct {
				Licenses []struct{ License struct{ ID string } }
			}
		}
	}
	if err := json.Unmarshal(data, &bom); err != nil {
		t.Fatal(err)
	}
	for _, c := range bom.Components {
		if c.Name == "golang.org/x/sys" && strings.HasPrefix(c.Purl, "pkg:golang/golang.org/x/sys@"+c.Version) && len(c.Evidence.Licenses) > 0 {
			return
		}
	}
	t.Errorf("a bill of materials (%q) of %d components, without golang.org/x/sys and its licence", bom.Format, len(bom.Components))
}

// TestArchive: what is in an archive, and that neither the order nor the files'
// times make other bytes.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "program")
	if err := os.WriteFile(path, []byte("code"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []entry{{name: "b/text", text: []byte("words")}, {name: "a.exe", path: path, program: true}}
	when := time.Date(2026, 11, 28, 16, 0, 1, 0, time.UTC)
	for _, zipped := range []bool{false, true} {
		var before map[string][]byte
		for i := range 2 {
			out := filepath.Join(dir, fmt.Sprint(zipped, i))
			if err := os.Mkdir(out, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := archive(out, "name", zipped, files, when); err != nil {
				t.Fatal(err)
			}
			slices.Reverse(files)
			if err := os.Chtimes(path, time.Now(), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			made := folderOf(t, out)
			for name, data := range made {
				if i > 0 && !bytes.Equal(data, before[name]) {
					t.Errorf("%s differs", name)
				}
				if got := unpack(t, name, data); len(got) != 2 || string(got["name/a.exe"]) != "code" || string(got["name/b/text"]) != "words" {
					t.Errorf("%s holds %q", name, got)
				}
			}
			before = made
		}
	}
	if err := archive(dir, "none", false, []entry{{name: "x", path: filepath.Join(dir, "none")}}, when); err == nil {
		t.Error("an archive of a file that isn't there")
	}
}

func TestChecksums(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := checksums(dir); err != nil {
		t.Fatal(err)
	}
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n" // FIPS 180-2's example
	if got := folderOf(t, dir)["SHA256SUMS"]; string(got) != want {
		t.Errorf("SHA256SUMS holds %q, want %q", got, want)
	}
}

func TestChoose(t *testing.T) {
	if all, err := choose(""); err != nil || len(all) != 8 {
		t.Errorf("%v, %v", all, err)
	}
	if two, err := choose("linux-arm64-static,windows-amd64"); err != nil || len(two) != 2 || two[0] != (target{"linux", "arm64", "static"}) || two[1] != (target{"windows", "amd64", ""}) {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := choose("plan9-386"); err == nil || !strings.Contains(err.Error(), "darwin-arm64") {
		t.Errorf("error %v", err)
	}
}

func folderOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// unpack reads an archive, whose programs have to be executable and its other
// files not.
func unpack(t *testing.T, name string, data []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	add := func(path string, mode os.FileMode, r io.Reader) {
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = text
		if program := strings.Count(path, "/") == 1 && !strings.HasSuffix(path, ".md") && filepath.Base(path) != "LICENSE"; program != (mode&0o111 != 0) {
			t.Errorf("%s: %s has mode %v", name, path, mode)
		}
	}
	if strings.HasSuffix(name, ".zip") {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			add(f.Name, f.Mode(), r)
			r.Close()
		}
		return files
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		add(h.Name, h.FileInfo().Mode(), r)
	}
}
