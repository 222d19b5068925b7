// Package data defines the flags that say how the commands read folders of shards.
package data

import (
	"github.com/urfave/cli/v2"

	"alexnet/pipeline/shards"
)

// Flags returns the flags that set a.
func Flags(a *shards.Access, category string) []cli.Flag {
	return []cli.Flag{
		&cli.PathFlag{Name: "cache-dir", Category: category, EnvVars: []string{"ALEXNET_CACHE_DIR"}, Usage: "keep shards that come from s3://, gs:// or https:// below `DIR`; otherwise in the user's cache folder", Destination: &a.CacheDir},
		&cli.StringFlag{Name: "cache-size", Category: category, EnvVars: []string{"ALEXNET_CACHE_SIZE"}, Value: shards.DefaultCacheSize, Usage: "remove the least recently used of these shards when they take more than `BYTES`", Destination: &a.CacheSize},
		&cli.BoolFlag{Name: "no-mmap", Category: category, Usage: "read shards piece by piece instead of mapping them, for file systems on which mapping fails", Destination: &a.NoMmap},
	}
}
