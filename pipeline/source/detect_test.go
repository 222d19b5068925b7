package source

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDetectSaysWhy(t *testing.T) {
	train := file{trainArchive, tarOf(t, trainTars(t)...)}
	val := file{valArchive, tarOf(t, valPictures(t, false)...)}
	one := func(f file) string { return filepath.Join(folder(t, f), f.name) }
	cases := []struct{ path, layout, reason string }{
		{one(train), "ilsvrc", "is a tar of one tar for each class, starting with n01440764.tar"},
		{one(val), "ilsvrc", "is a tar of validation pictures, starting with ILSVRC2012_val_00000001.JPEG"},
		{folder(t, train, val), "ilsvrc", "holds ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar"},
		{folder(t, trainTars(t)...), "ilsvrc", "holds 5 tars named by class, such as n01440764.tar"},
		{folder(t, file{"a-0.tar", ""}, file{"a-1.tar", ""}), "webdataset", "holds 2 tars, such as a-0.tar"},
		{one(file{"a.tar", tarOf(t, file{"0.jpg", "…"})}), "webdataset", "is a tar, and none of ILSVRC 2012"},
		{"nowhere/a-{0..9}.tar", "webdataset", "is a pattern of tars"},
		{one(file{"list.TSV", ""}), "manifest", "is a .tsv file"},
		{onDisk(t, "b/1", "a/1", "all.tar"), "folders", "holds 2 class folders (a, b)"},
		{onDisk(t, "b/1", "a/1", "x.csv"), "folders", "holds 2 class folders (a, b)"},
		{onDisk(t, "train/a/1", "val/a/1", "test/"), "folders", "holds class folders in train and val"},
		{onDisk(t, "train/a/1"), "folders", "holds class folders in train"},
		{onDisk(t, "train/1", "val/1"), "folders", "holds 2 class folders (train, val)"},
		{onDisk(t, "train/a/1", "plane/a/1"), "folders", "holds 2 class folders (plane, train)"},
	}
	for _, c := range cases {
		got, err := Detect(c.path)
		if want := (Detection{c.layout, c.reason}); got != want || err != nil {
			t.Errorf("%s:\n got %v, %v\nwant %v", c.path, got, err, want)
		}
	}
	root := folder(t, kaggleTree(t, false)...)
	want := Detection{"kaggle", "is Kaggle's CLS-LOC tree, " + filepath.Join(root, filepath.FromSlash(kaggleData))}
	if got, err := Detect(root); got != want || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestDetectErrors(t *testing.T) {
	cases := []struct {
		path string
		want []string
	}{
		{filepath.Join(onDisk(t), "none"), []string{"none: no such file or folder"}},
		{onDisk(t), []string{"is an empty folder; no known layout, looked for:", "ILSVRC/Data/CLS-LOC", trainArchive, ".csv, .tsv or .jsonl", "name-{000..123}.tar", "class folders"}},
		{onDisk(t, "1.jpg", "2.jpg"), []string{"is a folder with 2 files and no folders: if they are the pictures of one class, give the folder around it, "}},
		{filepath.Join(onDisk(t, "1.jpg"), "1.jpg"), []string{"is one picture: give the folder that has a folder of pictures for each class; train-alexnet predict says"}},
		{filepath.Join(onDisk(t, "1.txt"), "1.txt"), []string{"is a file of an unknown kind; no known layout"}},
		{filepath.Join(onDisk(t, "1.tar"), "1.tar"), []string{"1.tar: the tar is cut short after its start"}},
	}
	for _, c := range cases {
		_, err := Detect(c.path)
		for _, w := range c.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want …%s…", c.path, err, w)
			}
		}
	}
}

// TestDetectShards: shards aren't pictures of the classes train and val, nor a folder of
// an unknown layout. A folder of pictures may hold an index.json of its own.
func TestDetectShards(t *testing.T) {
	index := `{"version":2,"shards":[{"column_names":["image"],"format":"mds"}]}`
	root := folder(t, file{"train/index.json", index}, file{"train/shard.00000.mds", ""}, file{"val/index.json", index}, file{"photos/a/1.jpg", ""}, file{"photos/b/1.jpg", ""}, file{"photos/index.json", `{"title":"mds"}`})
	train, val := filepath.Join(root, "train"), filepath.Join(root, "val")
	for path, want := range map[string][]string{root: {train, val}, train: {train}, filepath.Join(root, "photos"): nil} {
		_, err := Detect(path)
		found := new(ShardsError)
		if errors.As(err, &found) != (want != nil) || !slices.Equal(found.Dirs, want) || err != nil && want == nil {
			t.Errorf("%s: %v, shards in %q, want %q", path, err, found.Dirs, want)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	root := onDisk(t, "a/1", "b/1")
	checkOpenError(t, root, Options{Split: "test"}, `unknown split "test": choose train or val`)
	checkOpenError(t, root, Options{SplitFraction: 1}, "split fraction 1: choose one from 0")
	checkOpenError(t, root, Options{Classes: []Class{{}}}, "the class list has no ID for class 0")
}

func TestFoldersOfSplits(t *testing.T) {
	root := onDisk(t, "train/a/1", "train/b/1", "train/c/1", "val/a/2", "val/c/2", "test/x")
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{}, "a:a/1 b:b/1 c:c/1"},
		{Options{Classes: named("c", "a")}, "c:c/1 a:a/1"},
		{Options{Split: "val", Classes: named("c", "a")}, "c:c/2 a:a/2"},
	} {
		s, err := Open(t.Context(), root, c.opts)
		if err != nil {
			t.Fatal(err)
		}
		if got := list(s); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.opts, got, c.want)
		}
	}
	// A class that val lacks would shift the labels of those after it.
	checkOpenError(t, root, Options{Split: "val"}, "(b): add or remove their pictures, or give a list of all classes with \"classes\"")
	checkOpenError(t, onDisk(t, "train/a/1", "val/b/1"), Options{Split: "val"}, "val: 1 of its 1 classes (b) aren't in")
	checkOpenError(t, onDisk(t, "train/a/1"), Options{Split: "val"}, "holds train but no val folder")
	checkOpenError(t, root, Options{SplitFraction: .5}, "leave out the split fraction")
}
