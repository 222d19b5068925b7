// Command gpu-kit tries train-alexnet on the GPU of the machine it is copied to, in one
// call of some minutes. The parts with the most information for their time come first:
// does it run and is it right, how fast is it, does training from shards work, and then
// everything else as far as time allows. It writes the report after every part. The
// call ends at -minutes, even in the middle of a part; the same command continues with
// the remaining parts. `make gpu-kit` collects it with its inputs in build/gpu-kit.
//
// It is longer than a script because a card is lent for minutes, perhaps once:
//
//   - main.go: the time limits of the call and of each part, reports that survive any
//     end, and the continuation in a later call;
//   - parts.go: the parts, the turns against PyTorch, and the details of failed tests, so
//     that a fault can be mended without the card;
//   - cards.go: the figures of data sheets, to which a step is compared;
//   - group_*.go: the end of a part ends all processes that it has started.
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
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"alexnet/internal/file"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gpu-kit:", err)
		code = 1
	}
	os.Exit(code)
}

// kit is one call.
type kit struct {
	dir, out, python string
	train, val, pca  string // shards; "" leaves out the parts that need them
	only             string
	again, rehearse  bool
	steps            int
	minutes          float64
	stdout           io.Writer
	card             card // the first GPU, if it is known
}

// report is report.json.
type report struct {
	Machine string  `json:"machine"` // what `train-alexnet devices` says
	Cores   int     `json:"cores"`
	GPU     bool    `json:"gpu"`     // cuda:0
	Vulkan  bool    `json:"vulkan"`  // vulkan:0 is a GPU
	Seconds float64 `json:"seconds"` // of all calls
	Parts   []*part `json:"parts"`
}

func run(ctx context.Context, args []string, stdout io.Writer) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	k := &kit{dir: filepath.Dir(self), stdout: stdout}
	f := flag.NewFlagSet("gpu-kit", flag.ContinueOnError)
	f.StringVar(&k.dir, "dir", k.dir, "`DIR` of the kit's files")
	f.StringVar(&k.out, "out", "gpu-report", "`DIR` for report.txt, report.json and log.txt")
	f.StringVar(&k.python, "python", "python3", "a Python; with torch, its speed is measured too, and its environment's CUDA libraries are found")
	f.StringVar(&k.train, "train", "", "`DIR` of training shards; the kit's own where it has some")
	f.StringVar(&k.val, "val", "", "`DIR` of validation shards, likewise")
	f.StringVar(&k.pca, "pca", "", "`FILE` of compute-pca, likewise")
	f.StringVar(&k.only, "only", "", "parts to run, again if need be, separated by commas, by the first letters of their names")
	f.BoolVar(&k.again, "again", false, "run all parts anew, whatever -out has of earlier calls")
	f.Float64Var(&k.minutes, "minutes", 8, "until the call ends")
	f.IntVar(&k.steps, "steps", 60, "steps of a measurement")
	f.BoolVar(&k.rehearse, "rehearse", false, "try the kit itself on a small net; no figure means anything")
	if err := f.Parse(args); err != nil {
		return 2, nil
	}
	for path, own := range map[*string]string{&k.train: "shards/train", &k.val: "shards/val", &k.pca: "shards/pca.json"} {
		if own = filepath.Join(k.dir, own); *path == "" && exists(own) {
			*path = own
		}
	}
	for _, path := range []*string{&k.dir, &k.train, &k.val, &k.pca, &k.out} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil { // programs run in another folder
			return 1, err
		}
	}
	if path, err := exec.LookPath(k.python); err == nil {
		if k.python, err = filepath.Abs(path); err != nil {
			return 1, err
		}
	}
	if err := os.MkdirAll(k.out, 0o777); err != nil {
		return 1, err
	}
	return k.run(ctx)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// ending is the time reserved for the end of the call.
const ending = 5 * time.Second

// run runs the parts that are due. The exit code is 1 if a part failed, 3 if there is no
// GPU, and 4 if parts are left.
func (k *kit) run(ctx context.Context) (int, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(k.minutes*float64(time.Minute))-ending)
	defer cancel()
	r := k.begin(ctx)
	before := r.Seconds
	fmt.Fprintln(k.stdout, r.Machine)
	for _, p := range r.Parts {
		if !k.due(p) {
			continue
		}
		if k.rehearse { // an emulator is slower than a card: all budgets are longer
			p.budget = time.Duration(float64(p.budget) * max(1, k.minutes/8))
		}
		switch vulkan := strings.HasPrefix(p.Name, "Vulkan"); {
		case vulkan && r.Vulkan || !vulkan && r.GPU:
			k.try(ctx, p)
		case vulkan:
			p.Status, p.Detail = skipped, "no GPU as vulkan:0"
		default:
			p.Status, p.Detail = skipped, "no GPU"
		}
		fmt.Fprintf(k.stdout, "%-9s %-36s %6.1f s, at %.0f s\n", p.Status, p.Name, p.Seconds, time.Since(began).Seconds())
		r.Seconds = before + time.Since(began).Seconds()
		if err := r.write(k.out); err != nil {
			return 1, err
		}
	}
	fmt.Fprintf(k.stdout, "\n%s", r.text())
	return r.code(), nil
}

// begin returns the report of earlier calls on this machine.
func (k *kit) begin(ctx context.Context) *report {
	devices, err := k.output(ctx, "train-alexnet", "devices")
	r := &report{Machine: strings.TrimSpace(devices), Cores: runtime.NumCPU()}
	if err != nil {
		r.Machine += "\ntrain-alexnet devices: " + err.Error()
	}
	r.GPU = aboutDevice(devices, "cuda:0") != ""
	about := aboutDevice(devices, "vulkan:0")
	r.Vulkan = about != "" && (k.rehearse || !strings.Contains(about, "in software"))
	k.card = cardOf(devices)
	if k.rehearse {
		r.Machine, k.card = r.Machine+"\nA rehearsal: no figure here means anything.", card{"rehearsal", 0.1, 10}
	}
	var old report
	if data, err := file.ReadAll(filepath.Join(k.out, reportName), 1<<24); err != nil || k.again || json.Unmarshal(data, &old) != nil || old.Machine != r.Machine {
		old = report{}
	}
	r.Seconds = old.Seconds
	for _, p := range allParts() {
		if i := slices.IndexFunc(old.Parts, func(o *part) bool { return o.Name == p.Name }); i >= 0 {
			o := old.Parts[i]
			o.budget, o.do, p = p.budget, p.do, o
		}
		r.Parts = append(r.Parts, p)
	}
	return r
}

// due reports whether a part runs in this call: a named part, or any part without a
// result.
func (k *kit) due(p *part) bool {
	if k.only == "" {
		return p.Status == "" || p.Status == left || p.Status == skipped
	}
	return slices.ContainsFunc(strings.Split(k.only, ","), func(prefix string) bool {
		return strings.HasPrefix(p.Name, strings.TrimSpace(prefix))
	})
}

// try runs a part within its budget and the call. If less than half of a part's time
// is left, the part waits for another call.
func (k *kit) try(ctx context.Context, p *part) {
	began := time.Now()
	p.Status, p.Detail, p.Rates, p.Seconds = "", "", nil, 0
	budget := p.budget
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline))
	}
	if budget < p.budget/2 || ctx.Err() != nil {
		p.Status, p.Detail = left, "run the same command again"
		return
	}
	call := ctx
	ctx, cancel := context.WithTimeout(call, budget)
	defer cancel()
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the kit itself: %v\n%s", r, debug.Stack())
			}
		}()
		return p.do(ctx, k, p)
	}()
	p.Seconds = time.Since(began).Seconds()
	switch {
	case err == nil:
		p.Status = "ok"
	case errors.Is(err, errSkipped):
		p.Status, p.Detail = skipped, err.Error()
	case errors.Is(call.Err(), context.Canceled): // by a signal
		p.Status, p.Detail = left, "interrupted: run the same command again"
	case ctx.Err() != nil:
		p.Status, p.Detail = "timed out", fmt.Sprintf("after %.0f s: %v", p.Seconds, err)
	default:
		p.Status, p.Detail = "failed", err.Error()
	}
}

// command makes a command of one of the kit's programs, or of another by its path. It
// runs in the kit's work folder, where ../testdata is the kit's, and ends with all
// processes that it has started. train-alexnet searches for CUDA libraries in the
// environments of the Pythons on $PATH; the given one comes first.
func (k *kit) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	if own := filepath.Join(k.dir, program); exists(own) {
		program = own
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = filepath.Join(k.dir, "work")
	os.MkdirAll(c.Dir, 0o777)
	c.WaitDelay = time.Second
	endsAsGroup(c)
	c.Env = append(os.Environ(), "ALEXNET_VULKAN=1")
	if filepath.IsAbs(k.python) {
		c.Env = append(c.Env, "PATH="+filepath.Dir(k.python)+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	return c
}

// output runs a program, and returns its standard output.
func (k *kit) output(ctx context.Context, program string, args ...string) (string, error) {
	out, err := k.command(ctx, program, args...).Output()
	return string(out), err
}

func (r *report) code() int {
	code := 0
	for _, p := range r.Parts {
		switch p.Status {
		case "failed", "timed out":
			return 1
		case left:
			code = 4
		}
	}
	if !r.GPU && !r.Vulkan {
		code = 3
	}
	return code
}

const reportName = "report.json"

func (r *report) write(dir string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	return errors.Join(err,
		file.WriteAll(filepath.Join(dir, reportName), append(data, '\n')),
		file.WriteAll(filepath.Join(dir, "report.txt"), []byte(r.text())))
}

// text returns the report for people: machine, parts with their failures, and speeds.
// "Times" is our mean in a part divided by PyTorch's fastest.
func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.Machine)
	for _, p := range r.Parts {
		fmt.Fprintf(&b, "%-9s %-36s %6.1f s\n", p.Status, p.Name, p.Seconds)
		if p.Detail != "" {
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(p.Detail, "\n", "\n    "))
		}
	}
	fmt.Fprint(&b, "\nimages/s\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "who\tdevices\tprecision\tbatch\ttraining\tinference\tof roofline\tof memory\ttimes")
	for _, p := range r.Parts {
		ours, best := p.means()
		for _, m := range p.Rates {
			times := 0.0
			if m.Who == "ours" && best > 0 {
				times = ours / best
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.0f\t%.0f\t%s\t%s\t%s\n", m.Who, m.Devices, m.Precision, m.Batch, m.Train, m.Infer,
				ratio(m.Train, m.Roofline), ratio(m.FromData, m.FromMemory), ratio(times, 1))
		}
	}
	w.Flush()
	return b.String()
}

// ratio returns a/b, or nothing if either is unknown.
func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a/b)
}

// means returns our mean rate in a part, and the best mean of the others.
func (p *part) means() (ours, best float64) {
	n := 0.0
	for _, m := range p.Rates {
		if m.Who == "ours" {
			ours, n = ours+m.Train, n+1
		} else {
			best = max(best, m.Train)
		}
	}
	return ours / max(n, 1), best
}
