package mds

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline/source"
)

// UnfinishedName is the file of a folder in which shards are being made.
const UnfinishedName = ".unfinished"

// noIndex is the error for a folder without an index. It says what the folder probably
// is, and what to type.
func noIndex(dir string) error { return file.Missing(withoutIndex(dir)) }

func withoutIndex(dir string) error {
	has := func(names ...string) bool {
		_, err := os.Stat(filepath.Join(append([]string{dir}, names...)...))
		return err == nil
	}
	if !has() {
		return fmt.Errorf("there is no folder %s%s", dir, shardsBeside(dir))
	}
	for _, split := range []string{"train", "val"} {
		if has(split, IndexName) {
			return fmt.Errorf("%s has no %s, but %s has: give that folder", dir, IndexName, filepath.Join(dir, split))
		}
	}
	switch {
	case has(UnfinishedName):
		return fmt.Errorf("%s has no %s yet: prep-imagenet shard was stopped before it was done, and the same command again finishes it", dir, IndexName)
	case hasPictures(dir, 3):
		return setting.Errorf("%s has no %s: it holds pictures; train-alexnet %s goes the whole way, or prep-imagenet shard %s %s makes shards to give here",
			dir, IndexName, dir, setting.Suggest("in", dir), setting.Suggest("out", "shards"))
	}
	return fmt.Errorf("%s has no %s, so it is not a finished folder of shards, which prep-imagenet shard makes of pictures", dir, IndexName)
}

// shardsBeside returns the names of finished folders of shards beside a missing one.
func shardsBeside(dir string) string {
	found, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(dir)), "*", IndexName))
	if err != nil || len(found) == 0 {
		return ": check the path; prep-imagenet shard makes shards of pictures"
	}
	var names []string
	for _, f := range found[:min(len(found), 3)] {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return ", and shards beside it are in " + printable.Names(names)
}

// hasPictures searches for a picture among the first entries of a folder and of its
// subfolders.
func hasPictures(dir string, levels int) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	names, err := f.Readdirnames(32)
	if err != nil {
		return false
	}
	for _, name := range names {
		if slices.Contains(source.PictureExtensions, strings.ToLower(path.Ext(name))) {
			return true
		}
	}
	for _, name := range names {
		below := filepath.Join(dir, name)
		if info, err := os.Stat(below); levels > 1 && err == nil && info.IsDir() && hasPictures(below, levels-1) {
			return true
		}
	}
	return false
}
