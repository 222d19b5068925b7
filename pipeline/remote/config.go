package remote

import (
	"os"
	"path/filepath"
	"time"

	"alexnet/internal/setting"
)

// Config is the configuration of a Folder: its cache, and its patience with servers.
type Config struct {
	// Cache is the folder for the cache, which takes a folder of its own in it;
	// "": the user's, such as ~/.cache.
	Cache string
	// CacheSize is the most that the cache's files may take, in bytes; 0:
	// DefaultCacheSize. It has to hold at least one shard, and works well when it
	// holds twice what the order's window touches.
	CacheSize int64
	// Attempts is how often a shard is asked for before that is an error, 0: 10,
	// which takes two minutes and more. Attempts that bring a megabyte or more
	// don't count. The index, for which somebody waits, is asked for at most four
	// times.
	Attempts int
	// Backoff is the pause before the second attempt, 0: half a second. Each
	// further one is twice as long, at most half a minute, and varied by half.
	Backoff time.Duration
	// Stall is how long a server may take for the next 4 KiB, 0: 30 s.
	Stall time.Duration
	// Note is told what the user should know though it is no error, by one
	// goroutine at a time; nil: nobody.
	Note func(text string)
}

// DefaultCacheSize holds ImageNet as lossless shards nearly whole.
const DefaultCacheSize = 100 << 30

// cacheName is the cache's own folder: nothing outside it is ever removed.
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
