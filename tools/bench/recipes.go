package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/tools/internal/command"
)

const recipesDescription = `Trains the same net on the same pictures by our recipes and by PyTorch with usual ones, each for the same processor
time on one thread, and prints the top-1 error over the same held-out pictures: the seeds' median, lowest and
highest. --in has train/ and val/ with class folders, as Imagenette. The first N pictures of a size, and those
held out, are evenly spaced in each class. Seeds take turns, so that Ctrl-C leaves whole rows; the same command goes on.
Time for loading pictures, for validation and for the first compilation isn't counted.`

// recipesBench are the flags of "bench recipes".
type recipesBench struct {
	in, work, python, net, only string
	sizes                       cli.IntSlice
	seeds, held, side           int
	seconds                     float64
	stdout, stderr              io.Writer

	bin string
}

// recipeRow is a contestant: flags of train-alexnet, or a recipe of the peer's script.
type recipeRow struct {
	name, peer string
	flags      []string
	batch      int
}

// recipeRows are the contestants. The second one is README's advice before recipes
// existed.
var recipeRows = []recipeRow{
	{name: "small", flags: []string{"--recipe", "small"}, batch: 16},
	{name: "before recipes", flags: strings.Fields("--init he --input-scale 0.015625 --warmup 100 --batch 32 --schedule plateau"), batch: 32},
	{name: "PyTorch, timm's recipe", peer: "timm"},
	{name: "PyTorch, torchvision's recipe", peer: "torchvision"},
	{name: "PyTorch, timm's with AdamW", peer: "timm-adamw"},
	{name: "medium", flags: []string{"--recipe", "medium"}, batch: 64},
	{name: "PyTorch, settings of small", peer: "small"},
	{name: "small, --crop resized", flags: []string{"--recipe", "small", "--crop", "resized"}, batch: 16},
	{name: "small, --crop resized:0.35", flags: []string{"--recipe", "small", "--crop", "resized:0.35"}, batch: 16},
	{name: "small, --lr 0.02", flags: []string{"--recipe", "small", "--lr", "0.02"}, batch: 16},
}

// recipeResult is a run of a row; a line of results.jsonl.
type recipeResult struct {
	Row     string  `json:"row"`
	Net     string  `json:"net"`
	Size    int     `json:"size"`
	Seed    int     `json:"seed"`
	Seconds float64 `json:"seconds"`     // the time limit
	Seen    int     `json:"seen"`        // pictures, with repetitions
	CPU     float64 `json:"cpu_seconds"` // of the whole process of ours, of the training loop of a peer
	Error   float64 `json:"top1_error"`  // a fraction
	Images  int     `json:"images"`      // held out
}

func recipesCommand(stdout, stderr io.Writer) *cli.Command {
	b := &recipesBench{stdout: stdout, stderr: stderr}
	return &cli.Command{
		Name:        "recipes",
		Usage:       "errors at equal time: our recipes and PyTorch's usual ones",
		Description: recipesDescription,
		UsageText:   "taskset -c 1 bench recipes --in imagenette-160 --python venv/bin/python",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "in", Required: true, Usage: "`DIR` with train/ and val/, both with class folders", Destination: &b.in},
			&cli.PathFlag{Name: "work", Value: "build/bench-recipes", Usage: "`DIR` for shards, runs and results.jsonl, kept for the next run", Destination: &b.work},
			&cli.PathFlag{Name: "python", Usage: "`FILE` of a Python with torch and torchvision; without it, ours only", Destination: &b.python},
			&cli.StringFlag{Name: "net", Value: "alexnet-mini", Usage: "`NET`: alexnet-mini, or alexnet with --side 256", Destination: &b.net},
			&cli.IntFlag{Name: "side", Value: 74, Usage: "short side of the pictures, `PIXELS`", Destination: &b.side},
			&cli.IntSliceFlag{Name: "sizes", Value: cli.NewIntSlice(500, 2000, 9469), Usage: "`N` training pictures, several", Destination: &b.sizes},
			&cli.IntFlag{Name: "held", Value: 1000, Usage: "`N` held-out pictures", Destination: &b.held},
			&cli.IntFlag{Name: "seeds", Value: 3, Usage: "`N` runs of each row", Destination: &b.seeds},
			&cli.Float64Flag{Name: "seconds", Value: 90, Usage: "processor time of a training, in `SECONDS`", Destination: &b.seconds},
			&cli.StringFlag{Name: "only", Value: "small;before recipes;PyTorch, timm's recipe;PyTorch, torchvision's recipe", Usage: "the `ROWS`, separated by semicolons; all is " + rowNames(), Destination: &b.only},
		},
		Action: func(c *cli.Context) error {
			if b.seconds <= 0 || b.seeds < 1 || b.held < 1 {
				return command.Usagef("recipes wants --seconds, --seeds and --held above 0")
			}
			return b.run(c.Context)
		},
	}
}

func rowNames() string {
	var names []string
	for _, r := range recipeRows {
		names = append(names, r.name)
	}
	return strings.Join(names, "; ")
}

// run trains the runs that results.jsonl lacks, and prints the table.
func (b *recipesBench) run(ctx context.Context) error {
	rows, err := b.rows()
	if err != nil {
		return err
	}
	if b.in, err = filepath.Abs(b.in); err != nil {
		return err
	}
	if b.bin, err = os.MkdirTemp("", "bench-recipes-*"); err != nil {
		return err
	}
	defer os.RemoveAll(b.bin)
	if _, err := output(exec.CommandContext(ctx, "go", "build", "-o", b.bin, "./tools/train-alexnet", "./tools/prep-imagenet", "./tools/compute-pca")); err != nil {
		return err
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	path := filepath.Join(b.work, "results.jsonl")
	done, err := readResults(path)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer out.Close()
	for seed := 1; seed <= b.seeds; seed++ {
		for _, size := range b.sizes.Value() {
			for _, row := range rows {
				want := recipeResult{Row: row.name, Net: b.net, Size: size, Seed: seed, Seconds: b.seconds}
				if slices.ContainsFunc(done, want.same) {
					continue
				}
				got, err := b.train(ctx, row, want)
				if err != nil {
					return errors.Join(fmt.Errorf("%s, %d pictures, seed %d: %w", row.name, size, seed, err), b.print(done))
				}
				line, err := json.Marshal(got)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(out, "%s\n", line); err != nil {
					return err
				}
				fmt.Fprintf(b.stderr, "%-30s %5d pictures, seed %d: %5.1f %% after %d seen in %.0f s of processor time\n", row.name, size, seed, 100*got.Error, got.Seen, got.CPU)
				done = append(done, got)
			}
		}
	}
	return b.print(done)
}

// same reports whether both describe the same run.
func (r recipeResult) same(other recipeResult) bool {
	return r.Row == other.Row && r.Net == other.Net && r.Size == other.Size && r.Seed == other.Seed && r.Seconds == other.Seconds
}

// rows returns the rows of --only.
func (b *recipesBench) rows() (rows []recipeRow, err error) {
	for name := range strings.SplitSeq(b.only, ";") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(recipeRows, func(r recipeRow) bool { return r.name == name })
		if i < 0 {
			return nil, command.Usagef("--only %q: the rows are %s", name, rowNames())
		}
		if recipeRows[i].peer == "" || b.python != "" {
			rows = append(rows, recipeRows[i])
		}
	}
	return rows, nil
}

func readResults(path string) (all []recipeResult, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(text) {
		var r recipeResult
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, r)
	}
	return all, err
}

func (b *recipesBench) path(kind string, size int) string {
	return filepath.Join(b.work, fmt.Sprintf("%s-%d-%d", kind, size, b.side))
}

// prepare makes class folders of links, shards and colour statistics.
func (b *recipesBench) prepare(ctx context.Context) error {
	if err := os.MkdirAll(b.work, 0o777); err != nil {
		return err
	}
	for _, size := range append(b.sizes.Value(), -b.held) {
		split, kind := "train", "train"
		if size < 0 {
			split, kind, size = "val", "val", -size
		}
		pictures, shards := b.path(kind+"-pictures", size), b.path(kind, size)
		if _, err := os.Stat(pictures); err != nil {
			if err := link(filepath.Join(b.in, split), pictures, size); err != nil {
				return err
			}
		}
		if _, err := os.Stat(filepath.Join(shards, "index.json")); err == nil {
			continue
		}
		if _, err := output(exec.CommandContext(ctx, filepath.Join(b.bin, "prep-imagenet"), "shard", "--in", pictures, "--out", shards, "--split", split, "--size", strconv.Itoa(b.side))); err != nil {
			return err
		}
		if _, err := output(exec.CommandContext(ctx, filepath.Join(b.bin, "compute-pca"), "--shards", shards, "--out", shards+".json")); err != nil {
			return err
		}
	}
	return nil
}

// link makes class folders with links to n files of from: as many of each class, evenly
// spaced in the order of their names. Classes with too few files have all of theirs.
func link(from, to string, n int) error {
	classes, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	files := make([][]string, len(classes))
	for i, class := range classes {
		names, err := os.ReadDir(filepath.Join(from, class.Name()))
		if err != nil {
			return err
		}
		for _, f := range names {
			files[i] = append(files[i], filepath.Join(from, class.Name(), f.Name()))
		}
	}
	// The smallest class first; its missing pictures are divided among the others.
	slices.SortStableFunc(files, func(a, b []string) int { return cmp.Compare(len(a), len(b)) })
	temp := to + ".tmp"
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	for i, all := range files {
		take := min(len(all), n/(len(files)-i))
		n -= take
		for k := range take {
			path := all[k*len(all)/take]
			dir := filepath.Join(temp, filepath.Base(filepath.Dir(path)))
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return err
			}
			if err := os.Symlink(path, filepath.Join(dir, filepath.Base(path))); err != nil {
				return err
			}
		}
	}
	if n > 0 {
		return fmt.Errorf("%s: %d pictures are missing", from, n)
	}
	return os.Rename(temp, to)
}

// train runs a row once.
func (b *recipesBench) train(ctx context.Context, row recipeRow, r recipeResult) (recipeResult, error) {
	if row.peer != "" {
		out, err := output(exec.CommandContext(ctx, b.python, filepath.Join("tools", "bench", "peers", "recipes_torch.py"), "--recipe", row.peer, "--net", b.net,
			"--train", b.path("train-pictures", r.Size), "--val", b.path("val-pictures", b.held), "--side", strconv.Itoa(b.side),
			"--seconds", fmt.Sprint(b.seconds), "--seed", strconv.Itoa(r.Seed)))
		if err != nil {
			return r, err
		}
		return r, json.Unmarshal(out, &r)
	}
	// Two short runs give the number of steps for the time; the first one measures the start
	// and the report.
	var took [2]float64
	short := [2]int{1, 1 + max(20, 3200/row.batch)}
	for i, steps := range short {
		var err error
		if took[i], err = b.ours(ctx, row.flags, r, steps, false); err != nil {
			return r, err
		}
	}
	steps := max(1, int((b.seconds-took[0])*float64(short[1]-short[0])/(took[1]-took[0])))
	// A plateau needs a validation set; its passes don't count as training.
	cpu, err := b.ours(ctx, row.flags, r, steps, slices.Contains(row.flags, "plateau"))
	if err != nil {
		return r, err
	}
	r.CPU, r.Seen = cpu, steps*row.batch
	out, err := output(exec.CommandContext(ctx, filepath.Join(b.bin, "train-alexnet"), "eval", "--checkpoint", filepath.Join(b.runDir(), "checkpoints", "last.safetensors"), "--data", b.path("val", b.held), "--json", "--devices", "cpu", "--threads", "1"))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// runDir is the folder of our current run; the next one replaces it.
func (b *recipesBench) runDir() string { return filepath.Join(b.work, "run") }

// ours trains for this number of steps, and returns the processor time.
func (b *recipesBench) ours(ctx context.Context, flags []string, r recipeResult, steps int, validate bool) (cpu float64, err error) {
	if err := os.RemoveAll(b.runDir()); err != nil {
		return 0, err
	}
	shards := b.path("train", r.Size)
	args := []string{"--train", shards, "--pca", shards + ".json", "--run", b.runDir(), "--net", b.net, "--devices", "cpu", "--threads", "1", "--workers", "1",
		"--seed", strconv.Itoa(r.Seed), "--epochs", "100000", "--steps", strconv.Itoa(steps), "--log-every", "200"}
	if validate {
		args = append(args, "--val", b.path("val", b.held))
	}
	c := exec.CommandContext(ctx, filepath.Join(b.bin, "train-alexnet"), append(args, flags...)...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	if _, err := output(c); err != nil {
		return 0, err
	}
	return (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(), nil
}

// print writes a Markdown table: a row for each contestant, a column for each size.
func (b *recipesBench) print(all []recipeResult) error {
	fmt.Fprintf(b.stdout, "%s, %.0f s of processor time on one thread (%s), top-1 error over %d held-out pictures: median (lowest–highest) of the seeds, pictures seen.\n\n", b.net, b.seconds, runtime.GOARCH, b.held)
	tw := tabwriter.NewWriter(b.stdout, 0, 0, 1, ' ', 0)
	fmt.Fprint(tw, "| ")
	for _, size := range b.sizes.Value() {
		fmt.Fprintf(tw, "\t| %d pictures", size)
	}
	fmt.Fprint(tw, "\t|\n|---")
	for range b.sizes.Value() {
		fmt.Fprint(tw, "\t|---")
	}
	fmt.Fprint(tw, "\t|\n")
	for _, row := range recipeRows {
		cells, some := "", false
		for _, size := range b.sizes.Value() {
			cell := cellOf(all, recipeResult{Row: row.name, Net: b.net, Size: size, Seconds: b.seconds})
			some = some || cell != "–"
			cells += "\t| " + cell
		}
		if some {
			fmt.Fprintf(tw, "| %s%s\t|\n", row.name, cells)
		}
	}
	return tw.Flush()
}

// cellOf formats the seeds' errors of a row and size.
func cellOf(all []recipeResult, want recipeResult) string {
	var failures []float64
	var seen []float64
	for _, r := range all {
		if want.Seed = r.Seed; want.same(r) {
			failures, seen = append(failures, 100*r.Error), append(seen, float64(r.Seen))
		}
	}
	switch len(failures) {
	case 0:
		return "–"
	case 1:
		return fmt.Sprintf("%.1f %% (one seed), %.0f", failures[0], seen[0])
	}
	return fmt.Sprintf("%.1f %% (%.1f–%.1f), %.0f", median(failures), slices.Min(failures), slices.Max(failures), median(seen))
}
