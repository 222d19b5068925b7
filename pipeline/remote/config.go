package remote

import (
	"os"
	"path/filepath"
	"time"

	"alexnet/internal/setting"
)

// Config is the configuration of a Folder: its cache, and its time limits and attempts.
type Config struct {
	// Cache is the folder in which the cache makes a folder of its own; "": the user's
	// cache folder, such as ~/.cache.
	Cache string
	// CacheSize is the most that the cache's files may take, in bytes; 0:
	// DefaultCacheSize. It must be enough for one shard. It should be enough for twice
	// the shards that one window of the order touches.
	CacheSize int64
	// Attempts is the number of attempts to fetch a shard before it is an error; 0: 10,
	// which take at least two minutes. Attempts that bring a megabyte or more don't
	// count. The index is requested at most four times, since the user waits for it.
	Attempts int
	// Backoff is the pause before the second attempt, 0: half a second. Each further
	// pause is twice as long, up to half a minute. Pauses vary at random by up to half.
	Backoff time.Duration
	// Stall is how long a server may take for the next 4 KiB, 0: 30 s.
	Stall time.Duration
	// Note receives messages for the user that are not errors, from one goroutine at a
	// time; nil drops them.
	Note func(text string)
}

// DefaultCacheSize is the default of Config.CacheSize. It has room for nearly all of
// ImageNet as lossless shards.
const DefaultCacheSize = 100 << 30

// cacheName is the cache's own folder: only files in it are ever removed.
const cacheName = "alexnet-shards"

func (c *Config) defaults() error {
	if c.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return setting.Errorf("no folder for the cache: %w; give one with %s", err, setting.Name("cache-dir"))
		}
		c.Cache = dir
	}
	c.Cache = filepath.Join(c.Cache, cacheName)
	if c.CacheSize == 0 {
		c.CacheSize = DefaultCacheSize
	}
	if c.Attempts == 0 {
		c.Attempts = 10
	}
	if c.Backoff == 0 {
		c.Backoff = time.Second / 2
	}
	if c.Stall == 0 {
		c.Stall = 30 * time.Second
	}
	if c.Note == nil {
		c.Note = func(string) {}
	}
	return nil
}
