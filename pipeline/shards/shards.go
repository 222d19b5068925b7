// Package shards opens folders of shards on this machine or elsewhere: at a path,
// or at an address s3://, gs:// or https://, with a cache on this machine.
package shards

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"alexnet/internal/bytesize"
	"alexnet/internal/redact"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/remote"
)

// Access is the way in which shards are read. The zero value maps files on this machine, and
// keeps what comes from elsewhere in the user's folder for caches.
type Access struct {
	CacheDir  string `json:"cache-dir"`  // for remote shards; "": the user's folder for caches
	CacheSize string `json:"cache-size"` // the most that they may take there, such as "100GiB"; "": DefaultCacheSize
	NoMmap    bool   `json:"no-mmap"`    // read shards piece by piece, for file systems on which mapping fails
	// TakeDamaged opens folders though some shards are missing or damaged; reading
	// a sample of theirs is the error then.
	TakeDamaged bool `json:"-"`
}

// DefaultCacheSize is remote.DefaultCacheSize in words.
var DefaultCacheSize = bytesize.Format(remote.DefaultCacheSize)

// Validate reports settings that make no sense.
func (a *Access) Validate() error {
	_, err := a.config()
	return err
}

func (a *Access) config() (remote.Config, error) {
	c := remote.Config{Cache: a.CacheDir}
	if a.CacheSize == "" {
		return c, nil
	}
	n, err := bytesize.Parse(a.CacheSize)
	if err != nil {
		return c, setting.Invalidf("%s: %w", setting.Name("cache-size"), err)
	}
	if n == 0 {
		return c, setting.Invalidf("%s: want room for a few shards at least", setting.Value("cache-size", 0))
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

// checkScheme refuses an address with a scheme that package remote doesn't read.
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
