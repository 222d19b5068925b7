package ranks

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine/collective"
	"alexnet/internal/build"
	"alexnet/internal/file"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/remote"
)

// Kinds lists the flags of a command whose text is not compared between ranks.
type Kinds struct {
	Own  []string // may differ between ranks, such as the number of threads
	Data []string // files, and folders of shards: their contents are compared, not their places
	Path []string // files and folders that are written: the same place for all ranks
}

// own are flags that may differ between ranks in every command.
var own = []string{"rank-timeout", "threads", "workers", "kernels", "cache-dir", "cache-size", "no-mmap", "dashboard", "config", "json", "help", "version"}

// Terms returns the facts that all ranks of a command must have in common: the
// command, its build, its flags, and the contents of the data that they name.
func Terms(c *cli.Context, k Kinds) collective.Terms {
	terms := collective.Terms{
		{Name: "the command", Value: strings.TrimSpace(c.App.Name + " " + c.Command.Name)},
		{Name: "the version", Value: build.Version()},
	}
	flags := c.Command.Flags
	if len(flags) == 0 {
		flags = c.App.Flags
	}
	for _, f := range flags {
		name := f.Names()[0]
		if slices.Contains(own, name) || slices.Contains(k.Own, name) {
			continue
		}
		value := fmt.Sprint(c.Value(name))
		switch {
		case slices.Contains(k.Data, name):
			value = content(value)
		case slices.Contains(k.Path, name) && value != "":
			if path, err := filepath.Abs(value); err == nil {
				value = path
			}
		}
		terms = append(terms, collective.Term{Name: "--" + name, Value: value})
	}
	return terms
}

// mostHashed limits the bytes of a file that content reads.
const mostHashed = 64 << 20

// content identifies the data at a place: a file by its hash, a folder of shards by
// its index, which has the hashes of all shards, an address by itself. Unreadable
// data have one value; the command reports the error.
func content(place string) string {
	if place == "" {
		return ""
	}
	if remote.IsURL(place) {
		return fmt.Sprintf("address with SHA-256 %.8x", sha256.Sum256([]byte(place))) // the address may hold a password
	}
	what := "a file"
	if info, err := os.Stat(place); err == nil && info.IsDir() {
		what, place = mds.IndexName, filepath.Join(place, mds.IndexName)
	}
	text, err := file.ReadAll(place, mostHashed)
	var large *file.TooLargeError
	switch {
	case errors.As(err, &large):
		return fmt.Sprintf("%s of %d bytes", what, large.Size)
	case err != nil:
		return "nothing that can be read"
	}
	return fmt.Sprintf("%s with SHA-256 %.8x", what, sha256.Sum256(text))
}
