package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/tools/internal/command"
)

const shardDescription = `Runs "prep-imagenet shard" on full-size photographs, whole command, with each codec, with libjpeg-turbo and
without; and on the same pictures torchvision with PIL (decode, short side 256, centre 256×256; nothing is
encoded) and img2dataset's resizer (the same by OpenCV, and JPEG at quality 90). The peers write nothing, and
the start of Python isn't counted. All take turns in each round. The table has medians: images a second of
wall time, and CPU milliseconds an image, which say more on a machine that is shared. A peer that can't run
is named with the reason.`

// shardBench are the flags of "bench shard".
type shardBench struct {
	data, python, command   string
	rounds, repeat, workers int
	json                    bool
}

func shardCommand(stdout, stderr io.Writer) *cli.Command {
	b := new(shardBench)
	return &cli.Command{
		Name:        "shard",
		Usage:       "sharding: ours, torchvision + PIL and img2dataset",
		Description: shardDescription,
		UsageText:   "bench shard --data photographs --python venv/bin/python --rounds 5",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "`DIR` of photographs named <class>_<name>.JPEG", Destination: &b.data},
			&cli.StringFlag{Name: "python", Usage: "`FILE` of a Python that has tools/bench/peers/requirements.txt; without it, ours only", Destination: &b.python},
			&cli.StringFlag{Name: "command", Usage: "the prep-imagenet to run; otherwise built from this module", Destination: &b.command},
			&cli.IntFlag{Name: "rounds", Usage: "rounds, of which medians are taken", Value: 5, Destination: &b.rounds},
			&cli.IntFlag{Name: "repeat", Usage: "how often each photograph is taken a round", Value: 1, Destination: &b.repeat},
			&cli.IntFlag{Name: "workers", Usage: "goroutines, and processes of Python", Value: 2, Destination: &b.workers},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object on standard output", Destination: &b.json},
		},
		Action: func(c *cli.Context) error {
			if b.data == "" || b.rounds < 1 || b.repeat < 1 {
				return command.Usagef("shard needs --data DIR, and at least one round and repeat (see bench shard --help)")
			}
			return b.run(c.Context, stdout, stderr)
		},
	}
}

// shardRun is the cost of one run.
type shardRun struct {
	Images     int     `json:"images"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	Peer       string  `json:"peer"`
	PeakMB     float64 `json:"peak_mb"` // resident; 0: unknown
}

// contender is one program of the comparison.
type contender struct {
	Name  string     `json:"name"`
	Runs  []shardRun `json:"runs"`
	Error string     `json:"error,omitempty"` // why a peer has no figure
	peer  bool
	run   func(ctx context.Context) (shardRun, error)
}

func (b *shardBench) run(ctx context.Context, stdout, stderr io.Writer) error {
	temp, err := os.MkdirTemp("", "bench-shard-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	in := filepath.Join(temp, "in")
	images, err := linkClasses(b.data, in, b.repeat)
	if err != nil {
		return err
	}
	if b.command == "" {
		b.command = filepath.Join(temp, "prep-imagenet")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.command, "./tools/prep-imagenet").CombinedOutput(); err != nil {
			return fmt.Errorf("build prep-imagenet: %w\n%s", err, out)
		}
	}
	all := b.contenders(in, temp, images)
	b.takeTurns(ctx, all, stderr)
	for _, c := range all {
		if c.Error != "" && !c.peer {
			return fmt.Errorf("%s: %s", c.Name, c.Error)
		}
	}
	// After an interrupt it prints the results so far.
	if b.json {
		err = json.NewEncoder(stdout).Encode(all)
	} else {
		err = printShardTable(stdout, all)
	}
	return errors.Join(err, ctx.Err())
}

// takeTurns runs the rounds until ctx ends. A contender that cannot run is left out
// of later rounds.
func (b *shardBench) takeTurns(ctx context.Context, all []*contender, stderr io.Writer) {
	for round := range b.rounds {
		for _, i := range turnOrder(len(all), round, b.rounds) {
			c := all[i]
			if c.Error != "" {
				continue
			}
			r, err := c.run(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				c.Error = err.Error()
				continue
			}
			c.Runs = append(c.Runs, r)
			fmt.Fprintf(stderr, "round %d  %-28s %6.0f images/s  %6.2f CPU ms an image\n", round+1, c.Name, r.rate(), r.cpu())
		}
	}
}

func (r shardRun) rate() float64 { return float64(r.Images) / r.Seconds }
func (r shardRun) cpu() float64  { return 1000 * r.CPUSeconds / float64(r.Images) }

// linkClasses makes class folders of links to the photographs in data, each
// repeat times.
func linkClasses(data, in string, repeat int) (int, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return 0, err
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range entries {
		class, _, ok := strings.Cut(e.Name(), "_")
		if !ok || e.IsDir() {
			continue
		}
		if err := os.MkdirAll(filepath.Join(in, class), 0o777); err != nil {
			return 0, err
		}
		for i := range repeat {
			if err := os.Symlink(filepath.Join(data, e.Name()), filepath.Join(in, class, fmt.Sprintf("%d_%s", i, e.Name()))); err != nil {
				return 0, err
			}
			n++
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("%s: holds no photographs named <class>_<name>.JPEG", data)
	}
	return n, nil
}

func (b *shardBench) contenders(in, temp string, images int) []*contender {
	var all []*contender
	for _, decoder := range []string{"auto", "go"} {
		for _, codec := range []string{"lossless", "jpeg"} {
			name := "ours, " + codec
			if decoder == "go" {
				name += ", without libjpeg-turbo"
			}
			all = append(all, &contender{Name: name, run: func(ctx context.Context) (shardRun, error) {
				out := filepath.Join(temp, "out")
				defer os.RemoveAll(out)
				return timed(exec.CommandContext(ctx, b.command, "shard", "--in", in, "--out", out,
					"--decoder", decoder, "--codec", codec, "--workers", strconv.Itoa(b.workers)), images)
			}})
		}
	}
	if b.python == "" {
		return all
	}
	for _, peer := range []struct{ name, script string }{
		{basePeer, "shard_torchvision.py"}, {"img2dataset's resizer", "shard_img2dataset.py"},
	} {
		all = append(all, &contender{Name: peer.name, peer: true, run: func(ctx context.Context) (r shardRun, err error) {
			out, err := output(exec.CommandContext(ctx, b.python, filepath.Join("tools", "bench", "peers", peer.script), in, strconv.Itoa(b.workers)))
			if err != nil {
				return r, err
			}
			return r, json.Unmarshal(out, &r)
		}})
	}
	return all
}

// basePeer is the peer to which the table's ratios refer.
const basePeer = "torchvision + PIL"

// timed runs a whole command.
func timed(cmd *exec.Cmd, images int) (shardRun, error) {
	started := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return shardRun{}, fmt.Errorf("%w\n%s", err, out)
	}
	state := cmd.ProcessState
	return shardRun{
		Images:     images,
		Seconds:    time.Since(started).Seconds(),
		CPUSeconds: (state.UserTime() + state.SystemTime()).Seconds(),
		PeakMB:     peakMB(state),
	}, nil
}

// printShardTable prints medians, and ratios to basePeer if it has run.
func printShardTable(w io.Writer, all []*contender) error {
	var base contender
	for _, c := range all {
		if c.Name == basePeer {
			base = *c
		}
	}
	ratio := func(a, b float64) string {
		if a == 0 || b == 0 {
			return "–"
		}
		return fmt.Sprintf("%.2f×", a/b)
	}
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(t, "|\t| images/s\t| to %s\t| CPU ms an image\t| to %s\t| peak MB\t|\n|---\t|---\t|---\t|---\t|---\t|---\t|\n", basePeer, basePeer)
	for _, c := range all {
		if c.Error != "" {
			fmt.Fprintf(t, "| %s\t| didn't run: %s\t|\t|\t|\t|\t|\n", c.Name, c.Error)
			continue
		}
		rate, cpu, peak := c.median(shardRun.rate), c.median(shardRun.cpu), "–"
		if mb := c.median(func(r shardRun) float64 { return r.PeakMB }); mb > 0 {
			peak = fmt.Sprintf("%.0f", mb)
		}
		fmt.Fprintf(t, "| %s\t| %.0f\t| %s\t| %.2f\t| %s\t| %s\t|\n", c.Name,
			rate, ratio(rate, base.median(shardRun.rate)), cpu, ratio(base.median(shardRun.cpu), cpu), peak)
	}
	return t.Flush()
}

// median is 0 without runs.
func (c *contender) median(of func(shardRun) float64) float64 {
	if len(c.Runs) == 0 {
		return 0
	}
	var values []float64
	for _, r := range c.Runs {
		values = append(values, of(r))
	}
	return median(values)
}
