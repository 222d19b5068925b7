// Package data opens folders of shards for the commands, on this machine or
// elsewhere, and has the flags that say how.
package data

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/internal/redact"
	"alexnet/pipeline"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/remote"
	"alexnet/tools/internal/command"
)

// Access says how shards are read: one field a flag.
type Access struct {
	CacheDir  string `json:"cache-dir"`  // for remote shards; "": the user's folder for caches
	CacheSize string `json:"cache-size"` // the most that they may take there, such as 100GiB
	NoMmap    bool   `json:"no-mmap"`
	// TakeDamaged is no flag: commands that can leave out pictures set it.
	TakeDamaged bool `json:"-"`
}

// DefaultCacheSize is the flag's.
var DefaultCacheSize = command.Bytes(remote.DefaultCacheSize)

// Flags are those that set a.
func (a *Access) Flags(category string) []cli.Flag {
	return []cli.Flag{
		&cli.PathFlag{Name: "cache-dir", Category: category, EnvVars: []string{"ALEXNET_CACHE_DIR"}, Usage: "keep shards that come from s3://, gs:// or https:// below `DIR`; otherwise in the user's folder for caches", Destination: &a.CacheDir},
		&cli.StringFlag{Name: "cache-size", Category: category, EnvVars: []string{"ALEXNET_CACHE_SIZE"}, Value: DefaultCacheSize, Usage: "remove those that were used longest ago when they take more than `BYTES`", Destination: &a.CacheSize},
		&cli.BoolFlag{Name: "no-mmap", Category: category, Usage: "read shards piece by piece instead of mapping them, for file systems on which mapping fails", Destination: &a.NoMmap},
	}
}

// Validate reports flags that make no sense.
func (a *Access) Validate() error {
	_, err := a.config()
	return err
}

func (a *Access) config() (remote.Config, error) {
	c := remote.Config{Cache: a.CacheDir}
	if a.CacheSize == "" {
		return c, nil
	}
	n, err := command.ParseBytes(a.CacheSize)
	if err != nil {
		return c, command.Usagef("--cache-size: %w", err)
	}
	if n == 0 {
		return c, command.Usagef("--cache-size 0: want room for a few shards at least")
	}
	c.CacheSize = n
	return c, nil
}

// Open opens the folder of shards at a path or URL. note, if not nil, is told
// what the user should know though it is no error.
func (a *Access) Open(ctx context.Context, place string, note func(text string)) (*pipeline.Dataset, error) {
	c := pipeline.DatasetConfig{Access: mds.Access{NoMap: a.NoMmap}, TakeDamaged: a.TakeDamaged}
	if !remote.IsURL(place) {
		if err := checkScheme(place); err != nil {
			return nil, err
		}
		return pipeline.OpenDatasetAs(place, c)
	}
	f, err := a.Folder(ctx, place, note)
	if err != nil {
		return nil, err
	}
	return pipeline.OpenRemoteDataset(f, c)
}

// Folder opens the remote folder of shards at a URL. The caller closes it.
func (a *Access) Folder(ctx context.Context, url string, note func(text string)) (*remote.Folder, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	c.Note = note
	return remote.Open(ctx, url, c)
}

// checkScheme refuses an address that remote doesn't read, which is no path.
func checkScheme(place string) error {
	if strings.Contains(place, "://") {
		return fmt.Errorf("%s: shards are read from a folder, or from s3://, gs://, https:// or http://", redact.URL(place))
	}
	return nil
}

// Absolute makes a path independent of the working directory, and leaves a URL as
// it is.
func Absolute(place string) (string, error) {
	if remote.IsURL(place) {
		return place, nil
	}
	if err := checkScheme(place); err != nil {
		return "", err
	}
	return filepath.Abs(place)
}
