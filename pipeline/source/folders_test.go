package source

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files, named by slashed path, in a new folder; a name that ends in
// a slash is a folder.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, n := range names {
		p := filepath.Join(root, filepath.FromSlash(n))
		dir := filepath.Dir(p)
		if strings.HasSuffix(n, "/") {
			dir = p
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if dir != p {
			if err := os.WriteFile(p, []byte(n), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func list(s Source) string {
	var b strings.Builder
	for _, it := range s.Items() {
		b.WriteString(s.Classes()[it.Label].ID + ":" + it.Name + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestFoldersListing(t *testing.T) {
	names := []string{"b/2.JPEG", "b/10.JPEG", "a/deep/er/x.png", "a/a.jpg", "C/z", // 'C' < 'a' in byte order
		".git/config", "a/.hidden", "a/.cache/x.jpg", "b/.DS_Store", "b/Thumbs.db", "readme.txt"}
	root := tree(t, names...)
	cases := []struct {
		classes []Class
		want    string
	}{
		{nil, "C:C/z a:a/a.jpg a:a/deep/er/x.png b:b/10.JPEG b:b/2.JPEG"},
		{[]Class{{ID: "b"}, {ID: "a"}}, "b:b/10.JPEG b:b/2.JPEG a:a/a.jpg a:a/deep/er/x.png"},
	}
	for _, c := range cases {
		s, err := Open(t.Context(), root, Options{Classes: c.classes})
		if err != nil {
			t.Fatal(err)
		}
		if got := list(s); got != c.want {
			t.Errorf("classes %v:\n got %s\nwant %s", c.classes, got, c.want)
		}
		if s.Layout() != "folders" {
			t.Errorf("layout %q", s.Layout())
		}
		r, err := s.Open(s.Items()[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != s.Items()[0].Name {
			t.Errorf("read %q, %v", got, err)
		}
		r.Close()
	}
}

func TestFoldersFollowLinksToClasses(t *testing.T) {
	root, elsewhere := tree(t, "a/1.jpg"), tree(t, "b/2.jpg")
	if err := os.Symlink(filepath.Join(elsewhere, "b"), filepath.Join(root, "b")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "a", "lost.jpg")); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := list(s), "a:a/1.jpg a:a/lost.jpg b:b/2.jpg"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := s.Open(s.Items()[1]); err == nil || !strings.Contains(err.Error(), "lost.jpg") {
		t.Errorf("open of a dangling link: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	full := tree(t, "a/1.jpg", "b/1.jpg")
	cases := []struct {
		name, path string
		opts       Options
		want       string
	}{
		{"missing", filepath.Join(full, "nope"), Options{}, "no such file or folder"},
		{"a file", filepath.Join(full, "a", "1.jpg"), Options{Layout: "folders"}, "is a file; expected a folder of class folders"},
		{"empty", tree(t), Options{Layout: "folders"}, "the folder is empty"},
		{"only junk", tree(t, ".DS_Store"), Options{Layout: "folders"}, "the folder is empty"},
		{"one class", tree(t, "1.jpg", "2.jpg"), Options{Layout: "folders"}, "holds 2 files but no class folder"},
		{"class with no picture", tree(t, "a/1.jpg", "bare/", "c/1.jpg"), Options{}, "no picture in 1 of 3 class folders (bare)"},
		{"class list with a stranger", full, Options{Classes: []Class{{ID: "a"}, {ID: "q"}}}, `has no class "q" of the class list; it has a, b`},
		{"class list with a double", full, Options{Classes: []Class{{ID: "a"}, {ID: "a"}}}, `names "a" twice`},
		{"unknown layout", full, Options{Layout: "zip"}, `unknown layout "zip": choose auto or kaggle, ilsvrc, manifest, webdataset, folders`},
	}
	for _, c := range cases {
		_, err := Open(t.Context(), c.path, c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
	}
}
