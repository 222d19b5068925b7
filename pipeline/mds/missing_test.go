package mds

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/internal/setting"
)

// TestNoIndex: a misspelt path, an unfinished job, pictures and other folders are told
// apart, each with what to type.
func TestNoIndex(t *testing.T) {
	dir := t.TempDir()
	write := func(parts ...string) {
		path := filepath.Join(append([]string{dir}, parts...)...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	write("shards", "train", IndexName)
	write("shards", "val", IndexName)
	write("half", UnfinishedName)
	write("half", "shard.00000.mds")
	write("photos", "train", "cats", "a.JPG")
	write("telephone", "cats", "a.heic")
	write("other", "notes.txt")
	for name, want := range map[string]string{
		"shards/trian": "there is no folder DIR/shards/trian, and shards beside it are in train, val",
		"nothing":      "there is no folder DIR/nothing: check the path; prep-imagenet shard makes shards of pictures",
		"shards":       "give that folder",
		"half":         "has no index.json yet: prep-imagenet shard was stopped before it was done, and the same command again finishes it",
		"photos":       "it holds pictures; train-alexnet DIR/photos goes the whole way, or prep-imagenet shard --in DIR/photos --out shards makes shards",
		"telephone":    "it holds pictures",
		"other":        "is not a finished folder of shards",
	} {
		_, err := ReadIndex(filepath.Join(dir, filepath.FromSlash(name)))
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), fs.ErrNotExist.Error()) {
			t.Errorf("%s: Go's words in %v", name, err)
		}
		want = strings.ReplaceAll(want, "DIR", filepath.ToSlash(dir))
		if text := filepath.ToSlash(setting.In(err, setting.Flags{}).Error()); !strings.Contains(text, want) {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
	}
}
