package source

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// onDisk makes files, named by slashed path, in a new folder; a name that ends in
// a slash is a folder.
func onDisk(t *testing.T, names ...string) string {
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
	root := onDisk(t, names...)
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
	root, elsewhere := onDisk(t, "a/1.jpg"), onDisk(t, "b/2.jpg")
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
	full := onDisk(t, "a/1.jpg", "b/1.jpg")
	cases := []struct {
		name, path string
		opts       Options
		want       string
	}{
		{"missing", filepath.Join(full, "nope"), Options{}, "no such file or folder"},
		{"a file", filepath.Join(full, "a", "1.jpg"), Options{Layout: "folders"}, "is a file; expected a folder of class folders"},
		{"empty", onDisk(t), Options{Layout: "folders"}, "the folder is empty"},
		{"only junk", onDisk(t, ".DS_Store"), Options{Layout: "folders"}, "the folder is empty"},
		{"one class", onDisk(t, "1.jpg", "2.jpg"), Options{Layout: "folders"}, "holds 2 files but no class folder"},
		{"class with no picture", onDisk(t, "a/1.jpg", "bare/", "c/1.jpg"), Options{}, "no picture in 1 of 3 class folders (bare)"},
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

// read returns what is in a picture's file.
func read(t *testing.T, s Source, it Item) string {
	t.Helper()
	r, err := s.Open(it)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// link makes a symbolic link.
func link(t *testing.T, target, at string) {
	t.Helper()
	if err := os.Symlink(target, at); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
}

// openNoted opens a source and returns it with what Open told.
func openNoted(t *testing.T, path string, opts Options) (Source, string) {
	t.Helper()
	var told []string
	opts.Note = func(text string) { told = append(told, text) }
	s, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, strings.Join(told, "\n")
}

func TestSplitOfFolder(t *testing.T) {
	for name, want := range map[string]string{
		"train": "train", "Train": "train", "TRAINING": "train", "training_set": "train", "seg_train": "train", "train2017": "train",
		"Training Set": "train", "images-train": "train", "train_images": "train",
		"val": "val", "Valid": "val", "VALIDATION": "val", "dev": "val", "valid_224": "val",
		"Test": "test", "testing": "test", "test-set": "test", "eval": "test", "seg_pred": "unlabelled",
		"": "", "freight_train": "", "trains": "", "n01440764": "", "train_val": "", "test tube": "", "images": "", "2017": "", "value": "",
	} {
		if got := splitOfFolder(name); got != want {
			t.Errorf("%q means split %q, want %q", name, got, want)
		}
	}
}

// TestFoldersOfSplitsByAnyName: splits are found under their usual names, in any
// case and one folder deeper.
func TestFoldersOfSplitsByAnyName(t *testing.T) {
	for _, c := range []struct {
		name       string
		files      []string
		train, val string // items, or an error
	}{
		{"caps", []string{"Training/a/1", "Training/b/1", "Test/a/2", "Test/b/2"},
			"a:a/1 b:b/1", "holds Test and Training but no val folder for validation: to take Test for it, give"},
		{"mixed", []string{"train/a/1", "Val/a/2"}, "a:a/1", "a:a/2"},
		{"all three", []string{"TRAIN/a/1", "VALID/a/2", "TEST/a/3"}, "a:a/1", "a:a/2"},
		{"nested", []string{"seg_train/seg_train/a/1", "seg_test/seg_test/a/2", "seg_pred/seg_pred/3.jpg"}, "a:a/1", "to take seg_test/seg_test for it, give"},
		{"sets", []string{"training_set/training_set/a/1", "validation_set/a/2"}, "a:a/1", "a:a/2"},
		{"validation only", []string{"val/a/1", "val/b/1"}, "holds val but no train folder for training: to take val for it, give", "a:a/1 b:b/1"},
		{"flat validation", []string{"train/a/1", "val/1.jpg"}, "a:a/1", "holds 1 file but no class folder"},
		{"two of one", []string{"train/a/1", "training/a/2"}, "are folders of its train split", "are folders of its train split"},
		{"no splits", []string{"train/1", "test/1"}, "test:test/1 train:train/1", "test:test/1 train:train/1"},
		{"a toy train", []string{"train/1", "plane/1"}, "plane:plane/1 train:train/1", "plane:plane/1 train:train/1"},
	} {
		root := onDisk(t, c.files...)
		for split, want := range map[string]string{"train": c.train, "val": c.val} {
			s, err := Open(t.Context(), root, Options{Split: split})
			switch {
			case err != nil && !strings.Contains(err.Error(), want):
				t.Errorf("%s, %s: %v; want %s", c.name, split, err, want)
			case err == nil && list(s) != want:
				t.Errorf("%s, %s: got %s, want %s", c.name, split, list(s), want)
			}
		}
	}
}

// TestFoldersThatHoldOnlyFolders aren't classes, unless a list says so.
func TestFoldersThatHoldOnlyFolders(t *testing.T) {
	root := onDisk(t, "set1/apple/1", "set1/pear/1", "set2/apple/2", "set2/pear/2")
	checkOpenError(t, root, Options{}, "2 of its 2 folders hold no pictures but folders (set1, set2)", "such as apple, pear, give the folder around them, "+filepath.Join(root, "set2"))
	s, err := Open(t.Context(), root, Options{Classes: named("set1", "set2")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := list(s), "set1:set1/apple/1 set1:set1/pear/1 set2:set2/apple/2 set2:set2/pear/2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	checkOpenError(t, onDisk(t, "dataset/apple/1", "dataset/pear/1"), Options{}, "its only folder holds no pictures but folders (dataset)")
	checkOpenError(t, onDisk(t, "apple/1", "more/pear/1", "more/plum/1"), Options{}, "1 of its 2 folders hold no pictures but folders (more)")
	// One folder for the pictures of each class, as Tiny ImageNet has it, is right.
	if s, err = Open(t.Context(), onDisk(t, "n01/images/1", "n02/images/1", "n03/n03/1"), Options{}); err != nil {
		t.Fatal(err)
	}
	if got, want := list(s), "n01:n01/images/1 n02:n02/images/1 n03:n03/n03/1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestClassLinks: a class that is a broken link, a circle or another class under
// a second name is refused by name; one that leads out of the source is told of.
func TestClassLinks(t *testing.T) {
	make := func(target string) string {
		root := onDisk(t, "set/n1/1", "set/n1/deep/1", "set/n3/1", "real/n2/1")
		link(t, target, filepath.Join(root, "set", "n2"))
		return filepath.Join(root, "set")
	}
	for target, want := range map[string]string{
		"../gone/n2": "n2: is a link to ../gone/n2, which isn't there: mend the link or remove it",
		"n2":         "n2: is a link to n2, which can't be followed (too many levels of symbolic links)",
		".":          "n2: is a link to",
		"..":         "a folder that holds the link itself: remove it",
		"n1":         "the classes n1 and n2 are one folder",
		"n1/deep":    "the class n2 is a link to a folder of class n1",
	} {
		checkOpenError(t, make(target), Options{}, want)
	}
	splits := onDisk(t, "val/a/1", "val/b/1")
	link(t, "gone", filepath.Join(splits, "train"))
	checkOpenError(t, splits, Options{Split: "val"}, "train: is a link to gone, which isn't there")
	s, told := openNoted(t, make("../real/n2"), Options{})
	if got, want := list(s), "n1:n1/1 n1:n1/deep/1 n2:n2/1 n3:n3/1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if want := "followed links that lead out of the source: 1 in all, such as n2"; told != want {
		t.Errorf("told %q, want %q", told, want)
	}
}

// TestWhatIsPassedOverIsTold: hidden files and pictures beside the classes are
// counted, and classes whose names differ in case only are told of.
func TestWhatIsPassedOverIsTold(t *testing.T) {
	root := onDisk(t, "apple/1.jpg", "apple/._1.jpg", "apple/Thumbs.db", "pear/1.jpg", "pear/.cache/x.jpg", ".DS_Store",
		"__MACOSX/apple/1.jpg", "README", "stray.JPG", "another.png")
	s, told := openNoted(t, root, Options{})
	if got, want := list(s), "apple:apple/1.jpg pear:pear/1.jpg"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := "passed over what is hidden or left by an operating system: 5 in all, such as .DS_Store\n" +
		"passed over pictures that lie beside the class folders, of no class: 2 in all, such as another.png"
	if told != want {
		t.Errorf("told\n%s\nwant\n%s", told, want)
	}
	if runtime.GOOS == "linux" {
		_, told = openNoted(t, onDisk(t, "Apple/1", "apple/1", "pear/1"), Options{})
		if want := "the classes Apple and apple differ in upper and lower case only: if they are one, join them"; told != want {
			t.Errorf("told %q, want %q", told, want)
		}
	}
}

// TestFilesOfAnyKind: what isn't a plain file of a picture's size is named when
// it is opened, and never waited for.
func TestFilesOfAnyKind(t *testing.T) {
	root := onDisk(t, "a/1.jpg", "a/folder.jpg/", "b/1.jpg")
	in := func(name string) string { return filepath.Join(root, "a", name) }
	link(t, os.DevNull, in("device.jpg"))
	link(t, root, in("link.jpg"))
	link(t, "nowhere", in("lost.jpg"))
	if err := os.WriteFile(in("sparse.jpg"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(in("sparse.jpg"), 3<<30); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"device.jpg": "device.jpg is a device",
		"folder.jpg": "folder.jpg is a folder",
		"link.jpg":   "link.jpg is a folder",
		"lost.jpg":   "lost.jpg is a link to nowhere, which isn't there",
		"sparse.jpg": "sparse.jpg has 3221225472 bytes; a picture may have 536870912",
	}
	if special(t, in("pipe.jpg"), in("socket.jpg")) {
		want["pipe.jpg"], want["socket.jpg"] = "pipe.jpg is a named pipe", "socket.jpg is a socket"
	}
	s, err := Open(t.Context(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, it := range s.Items() {
		text, bad := want[filepath.Base(it.Name)]
		r, err := s.Open(it)
		switch {
		case err == nil:
			r.Close()
			if bad {
				t.Errorf("%s was opened", it.Name)
			}
		case !bad || !strings.Contains(err.Error(), text):
			t.Errorf("%s: %v, want %s", it.Name, err, text)
		default:
			found++
		}
	}
	if found != len(want) {
		t.Errorf("%d of %d special files were listed: %s", found, len(want), list(s))
	}
}

// TestMembersOfAnySize: a member that is too large for a picture is named when it
// is opened; it isn't read.
func TestMembersOfAnySize(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a/1.jpg", Size: MaxPictureBytes + 1, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "x.tar")
	if err := os.WriteFile(p, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p, MaxPictureBytes+4096); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(s.Items()[0]); err == nil || !strings.Contains(err.Error(), "x.tar has 536870913 bytes; a picture may have 536870912") {
		t.Errorf("a member of 512 MiB and a byte: %v", err)
	}
}

// TestTarOfClassFolders: the folders around the classes are passed over, as far as
// they say nothing.
func TestTarOfClassFolders(t *testing.T) {
	for _, c := range []struct {
		name    string
		members []string
		want    string // items or an error
	}{
		{"classes", []string{"b/1.jpg", "a/2.jpg", "a/deep/1.jpg"}, "a:a/2.jpg a:a/deep/1.jpg b:b/1.jpg"},
		{"a wrapper and a licence", []string{"flowers/LICENSE.txt", "flowers/rose/1.jpg", "flowers/tulip/1.jpg"}, "rose:rose/1.jpg tulip:tulip/1.jpg"},
		{"two wrappers and splits", []string{"./x/y/train/a/1.jpg", "./x/y/val/a/2.jpg"}, "a:a/1.jpg"},
		{"one class", []string{"rose/1.jpg"}, "rose:rose/1.jpg"},
		{"one class with a folder", []string{"rose/images/1.jpg"}, "rose:rose/images/1.jpg"},
		{"pictures beside", []string{"a/1.jpg", "b/1.jpg", "stray.jpg"}, "a:a/1.jpg b:b/1.jpg"},
		{"annotations", []string{"a/1.jpg", "a/1.xml", "b/1.jpg"}, "a:a/1.jpg a:a/1.xml b:b/1.jpg"},
		{"twice", []string{"a/1.jpg", "a/1.jpg"}, "holds a/1.jpg twice: make the tar again with one of the two"},
		{"sets of classes", []string{"s/a/1.jpg", "s/b/1.jpg", "r/a/1.jpg", "r/b/1.jpg"}, "x.tar: 2 of its 2 folders hold no pictures but folders (r, s)"},
	} {
		var files []file
		for _, m := range c.members {
			files = append(files, file{m, "picture"})
		}
		s, err := Open(t.Context(), filepath.Join(folder(t, file{"x.tar", tarOf(t, files...)}), "x.tar"), Options{})
		switch {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		case err == nil && list(s) != c.want:
			t.Errorf("%s: got %s, want %s", c.name, list(s), c.want)
		case err == nil && read(t, s, s.Items()[0]) != "picture":
			t.Errorf("%s: another picture", c.name)
		}
	}
	// Imagenette's files have the names of ILSVRC's.
	const first = "imagenette2-160/train/n01440764/ILSVRC2012_val_00000293.JPEG"
	for _, names := range [][]string{
		{first, "imagenette2-160/train/n02102040/n02102040_1.JPEG", "imagenette2-160/val/n01440764/n01440764_2.JPEG", "imagenette2-160/val/n02102040/ILSVRC2012_val_00000665.JPEG"},
		{"train/tench/ILSVRC2012_val_00000293.JPEG", "train/dog/n02102040_1_n02102040.JPEG", "val/tench/1.JPEG", "val/dog/2.JPEG"},
		{"n01440764/ILSVRC2012_val_00000293.JPEG", "n02102040/ILSVRC2012_val_00000665.JPEG"},
	} {
		var files []file
		for _, name := range names {
			files = append(files, file{name, "picture"})
		}
		p := filepath.Join(folder(t, file{"im.tgz", gzipped(t, tarOf(t, files...))}), "im.tgz")
		if got, err := Detect(p); err != nil || got.Layout != "folders" {
			t.Errorf("%s: %v, %v; want folders", names[0], got, err)
		}
		for _, split := range []string{"train", "val"} {
			s, err := Open(t.Context(), p, Options{Split: split})
			if err != nil {
				t.Errorf("%s: %v", names[0], err)
				continue
			}
			if len(s.Classes()) != 2 || len(s.Items()) != 2 {
				t.Errorf("%s: %s holds %s", names[0], split, list(s))
			}
			s.Close()
		}
	}
	checkOpenError(t, folder(t, file{"train.tar", tarOf(t, file{"a/1.jpg", ""}, file{"b/1.jpg", ""})}), Options{}, "holds tars of class folders: give one of them, such as")
}

// TestNamesInMessages: no error lets a name's control characters through.
func TestNamesInMessages(t *testing.T) {
	const evil = "\x1b[2J\x07\nx"
	in := func(name string) string { return filepath.Join(t.TempDir(), name) }
	make := func(p string, text string) string {
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Skip("no such names here: ", err)
		}
		if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
			t.Skip("no such names here: ", err)
		}
		return p
	}
	for name, p := range map[string]string{
		"nowhere":         in(evil),
		"a file":          make(in(evil), ""),
		"a tar":           make(in(evil+".tar"), "text"),
		"cut short":       make(in(evil+".tar"), tarOf(t, file{"a/" + evil + ".jpg", "1"})[:600]),
		"no label":        make(in(evil+".tar"), tarOf(t, file{evil + ".jpg", "1"})),
		"a way out":       make(in("x.tar"), tarOf(t, file{"../" + evil, "1"})),
		"two":             make(in("x.tar"), tarOf(t, file{evil + ".jpg", "1"}, file{evil + ".png", "1"}, file{evil + ".cls", "1"})),
		"binary":          make(in("x.tar"), tarOf(t, file{evil + ".jpg", "1"}, file{evil + ".cls", "\x00"})),
		"gzip":            make(in(evil+".tgz"), "\x1f\x8btext"),
		"CSV":             make(in(evil+".csv"), "path,label\n"),
		"CSV, a label":    make(in("m.csv"), "path,label\na.jpg,0\n\""+evil+"\",\"-1"+"\"\n"),
		"CSV, no picture": make(in("m.csv"), evil[:4]+",0\n"),
		"CSV, a header":   make(in("m.csv"), "path,\""+evil+"\"\n"),
		"JSON":            make(in(evil+".jsonl"), "[]"),
		"JSON twice":      make(in("m.jsonl"), strings.Repeat(`{"path":"\u001b[2J","label":0}`+"\n", 2)),
		"a pattern":       in(evil + "{0..1}.tar"),
		"an empty class":  filepath.Dir(filepath.Dir(make(filepath.Join(in("d"), evil, ".hidden"), ""))),
		"empty":           filepath.Dir(make(filepath.Join(in(evil), ".hidden"), "")),
		"outer":           filepath.Dir(filepath.Dir(filepath.Dir(make(filepath.Join(in("d"), evil, evil+"1", "x"), "")))),
	} {
		for _, layout := range append(Layouts(), "auto") {
			for _, split := range []string{"train", "val"} {
				s, err := Open(t.Context(), p, Options{Layout: layout, Split: split, Devkit: in(evil)})
				if err == nil {
					s.Close()
					continue
				}
				text := err.Error()
				if layout == "auto" {
					text, _, _ = strings.Cut(text, "looked for:\n") // our own lines
				}
				if strings.ContainsAny(text, "\x1b\x07\n\x00") {
					t.Errorf("%s as %s: %q", name, layout, text)
				}
			}
		}
	}
}
