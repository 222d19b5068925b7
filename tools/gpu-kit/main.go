// Command gpu-kit tries out train-alexnet on the GPU of the machine it is
// copied to: conformance, PyTorch's numbers, speed beside PyTorch and the roofline,
// training from shards, failures, and Imagenette beside PyTorch over some seeds. Each
// part has its own time limit and whatever becomes of one, the others run. A call
// takes at most -limit, and the same command again goes on with the parts that are
// left. It writes one JSON file and one readable report, whose last table holds what
// was reached against what is wanted. `make gpu-kit` puts it together with what it
// needs in build/gpu-kit.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"alexnet/internal/file"
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
	train, val, pca    string // raw shards of Imagenette; "" leaves out what needs them
	only               string
	again, rehearse    bool
	stdout             io.Writer
	steps              int
	seeds, epochs      int // of Imagenette
	trainFor, limitAll time.Duration

	card card // the first GPU, as far as it is known
}

// part is one thing that is tried, and what became of it.
type part struct {
	Name    string  `json:"name"`
	Status  string  `json:"status"` // ok, failed, timed out, skipped, left (for another call)
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail,omitempty"` // of a failure, or why it was skipped
	Log     string  `json:"log,omitempty"`    // file with all that was printed
	Rates   []rate  `json:"rates,omitempty"`
	Seed    *seed   `json:"imagenette,omitempty"`

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

	FromData   float64 `json:"train_from_data_images_per_s,omitempty"` // and in turns with it:
	FromMemory float64 `json:"train_from_memory_images_per_s,omitempty"`
	Roofline   float64 `json:"roofline_images_per_s,omitempty"`
}

// report is the JSON file.
type report struct {
	Began   time.Time `json:"began"`   // the first call
	Seconds float64   `json:"seconds"` // of all calls
	Machine string    `json:"machine"`
	Cores   int       `json:"cores"`
	GPU     bool      `json:"gpu"`

	Rehearsal bool `json:"rehearsal,omitempty"` // see -rehearse

	Parts []*part `json:"parts"`
	Reach []goal  `json:"reach"`
}

func run(ctx context.Context, args []string, stdout io.Writer) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	k := &kit{dir: filepath.Dir(self), stdout: stdout}
	f := flag.NewFlagSet("gpu-kit", flag.ContinueOnError)
	f.StringVar(&k.out, "out", "gpu-report", "`DIR` for the report and logs")
	f.StringVar(&k.python, "python", "python3", "a Python; with torch, its speed is measured too, and its environment's CUDA libraries are found")
	f.StringVar(&k.train, "train", "", "`DIR` of training shards of Imagenette, codec raw, 256 pixels a side")
	f.StringVar(&k.val, "val", "", "`DIR` of validation shards")
	f.StringVar(&k.pca, "pca", "", "`FILE` of compute-pca")
	f.StringVar(&k.only, "only", "", "parts to run, again if need be, separated by commas, by the first letters of their names")
	f.BoolVar(&k.again, "again", false, "run all parts anew, whatever -out has of earlier calls")
	f.StringVar(&k.dir, "dir", k.dir, "`DIR` of the kit's files")
	f.BoolVar(&k.rehearse, "rehearse", false, "try the kit itself: small, on the CPU, in fp32; no result means anything")
	f.IntVar(&k.steps, "steps", 60, "steps of a measurement")
	f.IntVar(&k.seeds, "seeds", 3, "seeds of Imagenette, with ours and with PyTorch")
	f.IntVar(&k.epochs, "epochs", 15, "passes over Imagenette for each seed")
	f.DurationVar(&k.trainFor, "train-for", time.Minute, "how long the short training takes")
	f.DurationVar(&k.limitAll, "limit", 580*time.Second, "for this call; what doesn't fit is left for the next")
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
	if path, err := exec.LookPath(k.python); err == nil { // programs run in another folder
		if k.python, err = filepath.Abs(path); err != nil {
			return 1, err
		}
	}
	return k.run(ctx)
}

// run runs the parts that are to be run and writes the report. The exit code is 1
// when a part failed, 3 when there is no GPU, and 4 when parts are left.
func (k *kit) run(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, k.limitAll)
	defer cancel()
	began := time.Now()
	r := k.begin(ctx)
	before := r.Seconds
	fmt.Fprintln(k.stdout, r.Machine)
	if !r.GPU && !r.Rehearsal {
		fmt.Fprintln(k.stdout, "\nThere is no GPU that can be used here: what needs one is skipped.")
	}
	for _, p := range r.Parts {
		if !k.due(p) {
			continue
		}
		k.try(ctx, p, r.GPU || r.Rehearsal)
		fmt.Fprintf(k.stdout, "%-10s %-34s %6.1f s  %s\n", p.Status, p.Name, p.Seconds, firstLine(p.Detail))
		r.Seconds = before + time.Since(began).Seconds()
		if err := r.write(k.out); err != nil { // a call that is killed leaves what it has
			return 1, err
		}
	}
	text := r.text()
	fmt.Fprintf(k.stdout, "\nreport: %s and report.json\n\n%s", filepath.Join(k.out, "report.txt"), text)
	return r.code(), r.write(k.out)
}

// begin is the report as it stands: what earlier calls on this machine have done,
// and parts to do.
func (k *kit) begin(ctx context.Context) *report {
	r := &report{Began: time.Now().UTC(), Cores: runtime.NumCPU()}
	devices, _ := k.output(ctx, 30*time.Second, "train-alexnet", "devices")
	r.Machine = strings.TrimSpace(devices)
	r.GPU = strings.Contains(devices, "\ncuda:0\t") || strings.HasPrefix(devices, "cuda:0\t")
	k.card = cardOf(devices)
	if k.rehearse {
		r.Machine, r.Rehearsal, k.card = r.Machine+"\nA rehearsal on the CPU: no figure here means anything.", true, card{"CPU", 0.1, 10}
	}
	var old report
	if data, err := file.ReadAll(filepath.Join(k.out, reportName), 1<<24); err == nil && !k.again && json.Unmarshal(data, &old) == nil && old.Machine == r.Machine {
		r.Began, r.Seconds = old.Began, old.Seconds
	}
	for _, p := range allParts(k.seeds) {
		for _, o := range old.Parts {
			if o.Name == p.Name && old.Machine == r.Machine {
				o.limit, o.do, p = p.limit, p.do, o
			}
		}
		r.Parts = append(r.Parts, p)
	}
	return r
}

// due reports whether a part is to be run in this call: those that were named, or
// else those that nothing is known of yet.
func (k *kit) due(p *part) bool {
	if k.only != "" {
		return k.wanted(p.Name)
	}
	switch p.Status {
	case "ok", "failed", "timed out":
		return false
	}
	return true
}

// code is the exit code of a report.
func (r *report) code() int {
	code := 0
	for _, p := range r.Parts {
		switch p.Status {
		case "failed", "timed out":
			return 1
		case "left":
			code = 4
		}
	}
	if !r.GPU && !r.Rehearsal && code == 0 {
		code = 3
	}
	return code
}

const reportName = "report.json"

// write writes both forms of the report.
func (r *report) write(dir string) error {
	r.Reach = r.reach()
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		file.WriteAll(filepath.Join(dir, reportName), append(data, '\n')),
		file.WriteAll(filepath.Join(dir, "report.txt"), []byte(r.text())))
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

// try runs a part within its limit. A part that doesn't fit into what is left of the
// call is left for another.
func (k *kit) try(ctx context.Context, p *part, gpu bool) {
	began := time.Now()
	p.Status, p.Detail, p.Rates, p.Seed = "", "", nil, nil
	defer func() { p.Seconds = time.Since(began).Seconds() }()
	if !gpu {
		p.Status, p.Detail = "skipped", noGPU
		return
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < p.limit {
		p.Status, p.Detail = "left", fmt.Sprintf("it may take %v and this call has %v left: run the same command again", p.limit, max(0, time.Until(deadline)).Round(time.Second))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	err := p.guarded(ctx, k)
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

// guarded is the part's do, with an error in place of a panic.
func (p *part) guarded(ctx context.Context, k *kit) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the kit itself: %v\n%s", r, debug.Stack())
		}
	}()
	return p.do(ctx, k, p)
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
// work folder. train-alexnet looks for CUDA libraries in the environments of the
// Pythons on $PATH, where the one that was given comes first.
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
	if filepath.IsAbs(k.python) {
		c.Env = append(os.Environ(), "PATH="+filepath.Dir(k.python)+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
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
