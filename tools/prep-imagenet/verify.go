package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
	"alexnet/internal/redact"
	"alexnet/pipeline"
	"alexnet/pipeline/remote"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/data"
)

const verifyDescription = `Reads every byte of a folder of shards: hashes, structure, each picture decoded, labels in range, counts and
colour statistics against a recount. Every fault is named with its shard, sample and offset; one or
more give exit code 1.`

// shownFaults is the number of faults that are printed for people; --json has all.
const shownFaults = 20

// verifyResult is the output of --json.
type verifyResult struct {
	Dir string `json:"dir"`
	OK  bool   `json:"ok"`
	pipeline.Verification
}

func verifyCommand(stdout, stderr io.Writer) *cli.Command {
	var workers int
	var asJSON bool
	var access shards.Access
	return &cli.Command{
		Name:        "verify",
		Usage:       "check every byte of a folder of shards",
		ArgsUsage:   "DIR",
		Description: verifyDescription,
		UsageText:   "prep-imagenet verify [--json] DIR",
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "workers", Usage: "goroutines that decode; 0 means one per processor", Destination: &workers},
			jsonFlag(&asJSON),
		}, data.Flags(&access, "")...),
		Action: func(c *cli.Context) error {
			dir, err := oneFolder(c)
			if err != nil {
				return err
			}
			p := newProgress(stderr, "verifying")
			var mu sync.Mutex
			looked := func(done, total int) {
				mu.Lock()
				defer mu.Unlock()
				p.update(done, total, "")
			}
			v, err := verify(c.Context, dir, access, workers, looked, note(stderr))
			rate := p.end(v.Images)
			if err != nil {
				return err
			}
			for i, f := range v.Faults {
				if i == shownFaults {
					fmt.Fprintf(stderr, "… and %d more, listed by --json\n", len(v.Faults)-i)
					break
				}
				printable.Fprintf(stderr, "%s\n", f.String())
			}
			if asJSON {
				if v.Faults == nil {
					v.Faults = []pipeline.Fault{}
				}
				if err := printJSON(stdout, verifyResult{redact.URL(dir), len(v.Faults) == 0, v}); err != nil {
					return err
				}
			}
			if n := len(v.Faults); n > 0 {
				return fmt.Errorf("%s: %s in %s: restore the files, or make the shards again", dir, printable.Count(n, "fault"), printable.Count(v.Shards, "shard"))
			}
			printable.Fprintf(stderr, "%s: %s in %s are whole, %.0f images/s\n", dir, printable.Count(v.Images, "image"), printable.Count(v.Shards, "shard"), rate)
			return nil
		},
	}
}

// verify verifies a folder on this machine or at an address.
func verify(ctx context.Context, place string, access shards.Access, workers int, looked func(done, total int), note func(string)) (pipeline.Verification, error) {
	if !remote.IsURL(place) {
		return pipeline.Verify(ctx, place, workers, looked)
	}
	f, err := access.Folder(ctx, place, note)
	if err != nil {
		return pipeline.Verification{}, err
	}
	defer f.Close()
	return pipeline.VerifyRemote(ctx, f, workers, looked)
}
