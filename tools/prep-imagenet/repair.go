package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/urfave/cli/v2"

	"alexnet/internal/bytesize"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

const repairDescription = `Makes a new index of a folder of shards: columns and counts from the shards' headers, hashes from their
bytes, colour statistics from the decoded pixels. The shards don't hold class names, split, seed and JPEG
quality: these come from the old index if it can be read, and otherwise from flags. Without either, classes
are named after the first folder in their pictures' names, or by number. A shard that is damaged, or differs
from the old index, is left out and named (exit code 3); its file stays. The old index is kept as
index.json.old.`

// repairResult is the output of --json.
type repairResult struct {
	Dir     string           `json:"dir"`
	Images  int              `json:"images"`
	Classes int              `json:"classes"`
	Shards  int              `json:"shards"`
	Bytes   int64            `json:"bytes"`
	Same    bool             `json:"same"` // the index was right
	Old     string           `json:"old_index,omitempty"`
	Faults  []pipeline.Fault `json:"faults"`
}

func repairCommand(stdout, stderr io.Writer) *cli.Command {
	var cfg pipeline.RepairConfig
	var classes string
	var asJSON bool
	return &cli.Command{
		Name:        "repair",
		Usage:       "rebuild a lost or broken index from the shards",
		ArgsUsage:   "DIR",
		Description: repairDescription,
		UsageText: `prep-imagenet repair shards/train
   prep-imagenet repair shards/train --classes LOC_synset_mapping.txt --split train`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "classes", Usage: "take the classes from `FILE`, one ID and name a line in label order", Destination: &classes},
			&cli.StringFlag{Name: "split", Usage: "what the pictures are for: train or val", Destination: &cfg.Split},
			&cli.Uint64Flag{Name: "seed", Usage: "seed with which the shards were made, where the index is lost", Destination: &cfg.Seed},
			&cli.IntFlag{Name: "quality", Usage: "JPEG quality with which they were made, where the index is lost", Destination: &cfg.Quality},
			&cli.IntFlag{Name: "workers", Usage: "goroutines that decode; 0 means one per processor", Destination: &cfg.Workers},
			jsonFlag(&asJSON),
		},
		Action: func(c *cli.Context) error {
			dir, err := oneFolder(c)
			if err != nil {
				return err
			}
			if cfg.Split != "" && cfg.Split != "train" && cfg.Split != "val" {
				return command.Usagef("--split %q: choose train or val", cfg.Split)
			}
			if classes != "" {
				list, err := pipeline.ReadClasses(classes)
				if err != nil {
					return fmt.Errorf("--classes: %w", err)
				}
				for _, class := range list {
					cfg.Classes = append(cfg.Classes, pipeline.Class(class))
				}
			}
			p := newProgress(stderr, "reading")
			var mu sync.Mutex
			done, err := pipeline.Repair(c.Context, dir, cfg, func(n, total int) {
				mu.Lock()
				defer mu.Unlock()
				p.update(n, total, "")
			})
			p.end(done.Meta.Images)
			if err != nil {
				return err
			}
			return tellRepaired(dir, &done, asJSON, stdout, stderr)
		},
	}
}

func tellRepaired(dir string, done *pipeline.Repaired, asJSON bool, stdout, stderr io.Writer) error {
	for i, f := range done.Faults {
		if i == shownFaults {
			fmt.Fprintf(stderr, "… and %d more, listed by --json\n", len(done.Faults)-i)
			break
		}
		printable.Fprintf(stderr, "%s\n", f.String())
	}
	what := "has a new index"
	if done.Same {
		what = "has the right index already"
	}
	printable.Fprintf(stderr, "%s: %s: %s of %s in %s, %s\n", dir, what, printable.Count(done.Meta.Images, "image"),
		printable.Count(len(done.Meta.Classes), "class"), printable.Count(done.Shards, "shard"), bytesize.Format(done.Bytes))
	if asJSON {
		faults := done.Faults
		if faults == nil {
			faults = []pipeline.Fault{}
		}
		err := printJSON(stdout, repairResult{dir, done.Meta.Images, len(done.Meta.Classes), done.Shards, done.Bytes, done.Same, done.Old, faults})
		if err != nil {
			return err
		}
	}
	if n := len(done.Faults); n > 0 {
		return command.WithCode(command.Skipped, fmt.Errorf("%s: shards were left out of the index, for %s", dir, printable.Count(n, "fault")))
	}
	return nil
}
