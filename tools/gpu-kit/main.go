// Command gpu-kit tries out train-alexnet on the GPU of the machine it is
// copied to: conformance, PyTorch's numbers, speed beside PyTorch, failures and a
// short training, each part with its own time limit, going on after failures. It
// writes one JSON file and one readable report. `make gpu-kit` puts it together
// with what it needs in build/gpu-kit.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gpu-kit:", err)
		code = 1
	}
	os.Exit(code)
}

// kit is one run of the parts.
type kit struct {
	dir, out           string
	python             string
	train, val, pca    string // shards of a short training; "" leaves it out
	only               string
	parts              []*part
	stdout             io.Writer
	steps              int
	trainFor, limitAll time.Duration
}

// part is one thing that is tried, and what became of it.
type part struct {
	Name    string  `json:"name"`
	Status  string  `json:"status"` // ok, failed, timed out, skipped
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail,omitempty"` // of a failure, or why it was skipped
	Log     string  `json:"log,omitempty"`    // file with all that was printed
	Rates   []rate  `json:"rates,omitempty"`

	limit time.Duration
	do    func(ctx context.Context, k *kit, p *part) error
}

// rate is one measurement of speed.
type rate struct {
	Who       string  `json:"who"` // ours, or a way of PyTorch's
	Devices   string  `json:"devices"`
	Precision string  `json:"precision"`
	Batch     int     `json:"batch"`
	Train     float64 `json:"train_images_per_s"`
	Infer     float64 `json:"infer_images_per_s,omitempty"`
}

// report is the JSON file.
type report struct {
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Machine string    `json:"machine"`
	GPU     bool      `json:"gpu"`
	Parts   []*part   `json:"parts"`
}

func run(ctx context.Context, args []string, stdout io.Writer) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	k := &kit{dir: filepath.Dir(self), stdout: stdout}
	f := flag.NewFlagSet("gpu-kit", flag.ContinueOnError)
	f.StringVar(&k.out, "out", "gpu-report", "`DIR` for the report and logs")
	f.StringVar(&k.python, "python", "python3", "a Python; with torch, its speed is measured too")
	f.StringVar(&k.train, "train", "", "`DIR` of training shards: trains on them for a minute")
	f.StringVar(&k.val, "val", "", "`DIR` of validation shards")
	f.StringVar(&k.pca, "pca", "", "`FILE` of compute-pca")
	f.StringVar(&k.only, "only", "", "parts to run, separated by commas, by the first letters of their names")
	f.StringVar(&k.dir, "dir", k.dir, "`DIR` of the kit's files")
	f.IntVar(&k.steps, "steps", 60, "steps of a measurement")
	f.DurationVar(&k.trainFor, "train-for", time.Minute, "how long the short training takes")
	f.DurationVar(&k.limitAll, "limit", 580*time.Second, "for everything")
	if err := f.Parse(args); err != nil {
		return 2, nil
	}
	if k.dir, err = filepath.Abs(k.dir); err != nil {
		return 1, err
	}
	for _, path := range []*string{&k.train, &k.val, &k.pca, &k.out} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return 1, err
		}
	}
	if err := os.MkdirAll(k.out, 0o777); err != nil {
		return 1, err
	}
	return k.run(ctx)
}

// run runs the parts and writes the report. The exit code is 1 when a part
// failed, and 3 when there is no GPU.
func (k *kit) run(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, k.limitAll)
	defer cancel()
	r := report{Began: time.Now().UTC()}
	devices, _ := k.output(ctx, 30*time.Second, "train-alexnet", "devices")
	r.Machine = strings.TrimSpace(devices)
	r.GPU = strings.Contains(devices, "\ncuda:0\t") || strings.HasPrefix(devices, "cuda:0\t")
	fmt.Fprintln(k.stdout, r.Machine)
	if !r.GPU {
		fmt.Fprintln(k.stdout, "\nThere is no GPU that can be used here: what needs one is skipped.")
	}
	code := 0
	for _, p := range allParts() {
		if !k.wanted(p.Name) {
			continue
		}
		k.try(ctx, p, r.GPU)
		r.Parts = append(r.Parts, p)
		fmt.Fprintf(k.stdout, "%-10s %-34s %6.1f s  %s\n", p.Status, p.Name, p.Seconds, firstLine(p.Detail))
		if p.Status != "ok" && p.Status != "skipped" {
			code = 1
		}
	}
	if !r.GPU && code == 0 {
		code = 3
	}
	r.Seconds = time.Since(r.Began).Seconds()
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return 1, err
	}
	if err := os.WriteFile(filepath.Join(k.out, "report.json"), append(data, '\n'), 0o666); err != nil {
		return 1, err
	}
	text := r.text()
	if err := os.WriteFile(filepath.Join(k.out, "report.txt"), []byte(text), 0o666); err != nil {
		return 1, err
	}
	fmt.Fprintf(k.stdout, "\nreport: %s and report.json\n\n%s", filepath.Join(k.out, "report.txt"), text)
	return code, nil
}

// wanted reports whether a part is among those that --only names.
func (k *kit) wanted(name string) bool {
	if k.only == "" {
		return true
	}
	for _, prefix := range strings.Split(k.only, ",") {
		if strings.HasPrefix(name, strings.TrimSpace(prefix)) {
			return true
		}
	}
	return false
}

// try runs a part within its limit.
func (k *kit) try(ctx context.Context, p *part, gpu bool) {
	began := time.Now()
	defer func() { p.Seconds = time.Since(began).Seconds() }()
	if !gpu {
		p.Status, p.Detail = "skipped", noGPU
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	err := p.do(ctx, k, p)
	var skip skipped
	switch {
	case err == nil:
		p.Status = "ok"
	case asSkipped(err, &skip):
		p.Status, p.Detail = "skipped", string(skip)
	case ctx.Err() != nil:
		p.Status, p.Detail = "timed out", fmt.Sprintf("after %v: %v", p.limit, err)
	default:
		p.Status, p.Detail = "failed", err.Error()
	}
}

const noGPU = "no GPU"

// skipped is why a part was left out.
type skipped string

func (s skipped) Error() string { return string(s) }

func asSkipped(err error, to *skipped) bool {
	s, ok := err.(skipped)
	*to = s
	return ok
}

// command is one of the kit's programs, or another by its path, in the kit's
// work folder.
func (k *kit) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	if own := filepath.Join(k.dir, program); !filepath.IsAbs(program) {
		if _, err := os.Stat(own); err == nil {
			program = own
		}
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = filepath.Join(k.dir, "work") // ../testdata is the kit's
	os.MkdirAll(c.Dir, 0o777)
	c.WaitDelay = 2 * time.Second
	return c
}

// output is what a program prints on standard output.
func (k *kit) output(ctx context.Context, limit time.Duration, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := k.command(ctx, program, args...).Output()
	return string(out), err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
