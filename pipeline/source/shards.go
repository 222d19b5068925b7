package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ShardsError reports that a path holds shards instead of pictures.
type ShardsError struct {
	Path string
	Dirs []string // folders of shards: Path, or those of the splits in it, train first
}

func (e *ShardsError) Error() string {
	return fmt.Sprintf("%s holds shards already, not pictures", show(e.Path))
}

// checkShards returns a *ShardsError if the folder at path, or those of splits in it, hold
// shards.
func checkShards(path string) error {
	var dirs []string
	for _, dir := range []string{path, filepath.Join(path, "train"), filepath.Join(path, "val")} {
		if hasShards(dir) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return nil
	}
	return &ShardsError{path, dirs}
}

// hasShards reads the format of the first shard from a folder's index.json.
func hasShards(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "index.json"))
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<20)) // the classes come before the shards
	return err == nil && bytes.Contains(text, []byte(`"mds"`)) && bytes.Contains(text, []byte(`"shards"`))
}
