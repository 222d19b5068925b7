package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/launch"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/cputime"
	"alexnet/tools/internal/data"
	"alexnet/tools/internal/ranks"
)

// benchConfig is what bench is asked to measure.
type benchConfig struct {
	net              string
	classes          int
	devices          string
	ownDevices       string // this rank's
	options          devices.Options
	batch, steps     int
	data             string
	access           shards.Access
	workers          int
	augmentations    augment.Settings
	recipe           augment.Recipe // of augmentations
	json, skipLayers bool
	inference        bool
	peak, bandwidth  float64 // of the devices together, TFLOP/s and GB/s; 0: not known
	parallel         string
	ranks            ranks.Options
}

// benchResult is the object that bench --json prints.
type benchResult struct {
	Net          string        `json:"net"`
	Devices      string        `json:"devices"`
	Precision    string        `json:"precision"`
	Kernels      string        `json:"kernels,omitempty"` // of a CPU
	Batch        int           `json:"batch"`
	Train        float64       `json:"train_images_per_s"` // median step
	Infer        float64       `json:"infer_images_per_s"`
	TrainCPU     float64       `json:"train_images_per_cpu_s,omitempty"` // for a second of processor time, on CPUs
	InferCPU     float64       `json:"infer_images_per_cpu_s,omitempty"`
	Peak         float64       `json:"peak_gflops"`                  // 0 where it cannot be measured
	Bandwidth    float64       `json:"bandwidth_gb_per_s,omitempty"` // of memory, where it can be measured
	Achieved     float64       `json:"train_gflops"`
	MemoryMiB    int64         `json:"memory_mib"` // arenas and workspaces
	LoaderImages float64       `json:"loader_images_per_s,omitempty"`
	FromData     float64       `json:"train_from_data_images_per_s,omitempty"` // means over the same numbers of steps, in turns
	FromMemory   float64       `json:"train_from_memory_images_per_s,omitempty"`
	Roofline     float64       `json:"roofline_images_per_s,omitempty"` // see layers
	Ranks        *rankResult   `json:"ranks,omitempty"`                 // under mpirun or srun; rates are those of all ranks
	Layers       []layerResult `json:"layers,omitempty"`
	Design       []opDesign    `json:"design,omitempty"` // of devices that tell
}

// opDesign is how an op of a training step runs on a device.
type opDesign struct {
	Layer string  `json:"layer"`
	Kind  string  `json:"op"`
	FLOP  float64 `json:"flop"`
	Bytes int64   `json:"bytes"` // that its tensors take, each once
	engine.Dispatch
}

// layerResult sums the ops of one layer in a training step.
type layerResult struct {
	Layer    string  `json:"layer"`
	Forward  float64 `json:"forward_ms"`
	Backward float64 `json:"backward_ms"`
	Update   float64 `json:"update_ms"`
	GFLOPS   float64 `json:"gflops"` // of forward and backward
	MiB      float64 `json:"mib"`    // read and written by forward and backward
	// Bound is what all of the layer would take if every op took the longer of its
	// products at the peak and its bytes at the bandwidth, and By which of the two
	// makes most of it: "products" or "memory".
	Bound float64 `json:"bound_ms,omitempty"`
	By    string  `json:"bound_by,omitempty"`

	flop, byMemory float64
}

// benchCommand measures training, inference and each layer on random pictures.
func benchCommand(stdout io.Writer) *cli.Command {
	var f benchConfig
	return &cli.Command{
		Name:     "bench",
		Category: inMachine,
		Usage:    "measure training, inference, every layer and, with --data, the loader",
		UsageText: `train-alexnet bench
   train-alexnet bench --devices cpu,cpu --batch 64 --json
   train-alexnet bench --data shards/train
   mpirun -n 2 train-alexnet bench --parallel hybrid`,
		Description: `Trains and runs the net on random pictures that are already in memory, and prints the median rate of
the steps. Then it times the ops of a step one by one and sums them by layer; the rates of products stand
beside the peak that the same cores reach on registers alone, measured in the same run. With --data it
also times the loader by itself on a folder of shards, with crops, flips and the augmentations given, and training
from it, in turns with training from memory. On a CPU it measures the bandwidth of
memory too and adds the roofline: every op of a step takes the longer of its products at the peak, counted by
definition, and its bytes at the bandwidth, with nothing fused. The table says which of the two bounds each
layer. Elsewhere the roofline wants --peak and --bandwidth, which data sheets tell. On a
Vulkan device it lists what runs there for every op, by design: workgroups, the memory that they share,
instructions, bytes.

Under mpirun or srun all ranks train together, --batch being that of all, and the table of layers is left
out. On CPUs the step is then taken apart: the same step with nothing sent, what it sends with nothing
computed, and so the part of the exchange that computing hides.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "net", Value: "alexnet", Usage: "`NET` to measure: a preset or a JSON net file", Destination: &f.net},
			&cli.IntFlag{Name: "classes", Value: 1000, Usage: "`N` classes, for presets", Destination: &f.classes},
			&cli.StringFlag{Name: "devices", Value: devices.Auto, Usage: devicesUsage, Destination: &f.devices},
			&cli.StringFlag{Name: "precision", Value: devices.Precisions[0], Usage: precisionUsage, Destination: &f.options.Precision},
			&cli.BoolFlag{Name: "deterministic", Usage: "steps that repeat bit for bit on a GPU too", Destination: &f.options.Deterministic},
			&cli.IntFlag{Name: "threads", Usage: "`N` CPU threads, shared out over the CPU contexts; 0 is one a core", Destination: &f.options.Threads},
			&cli.StringFlag{Name: "kernels", Value: devices.Auto, Usage: kernelsUsage, Destination: &f.options.Kernels},
			&cli.IntFlag{Name: "batch", Value: 128, Usage: "`N` pictures in a step", Destination: &f.batch},
			&cli.IntFlag{Name: "steps", Value: 5, Usage: "`N` steps to take the median of, after one that warms up", Destination: &f.steps},
			&cli.BoolFlag{Name: "inference", Usage: "measure inference alone, in the memory that it takes, as predict and serve have it", Destination: &f.inference},
			&cli.BoolFlag{Name: "no-layers", Usage: "leave out the table of layers", Destination: &f.skipLayers},
			&cli.StringFlag{Name: "data", Usage: "`DIR` of shards to time the loader on, or their address", Destination: &f.data},
			&cli.IntFlag{Name: "workers", Usage: "`N` goroutines of the loader; 0 is one a core", Destination: &f.workers},
			&cli.Float64Flag{Name: "peak", Usage: "`TFLOPS` that the devices reach in products, for the roofline", Destination: &f.peak},
			&cli.Float64Flag{Name: "bandwidth", Usage: "`GB` a second that the devices move to and from their memory, for the roofline", Destination: &f.bandwidth},
			&cli.StringFlag{Name: "parallel", Value: train.ParallelData, Usage: parallelUsage, Destination: &f.parallel},
			&cli.StringFlag{Name: "wire", Value: train.WireFloat32, Usage: wireUsage, Destination: &f.options.Wire},
			ranks.TimeoutFlag(&f.ranks),
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object", Destination: &f.json},
		}, command.AugmentFlags(&f.augmentations, ""), data.Flags(&f.access, "")),
		Action: func(c *cli.Context) error {
			if f.batch < 1 || f.steps < 1 || f.classes < 2 {
				return command.Usagef("bench: want --batch and --steps of at least 1, and --classes of at least 2")
			}
			if f.inference && f.data != "" {
				return command.Usagef("bench: --inference measures no training and so takes no --data")
			}
			if f.parallel != train.ParallelData && f.parallel != train.ParallelHybrid {
				return command.Usagef("--parallel %s: want %s or %s", f.parallel, train.ParallelData, train.ParallelHybrid)
			}
			var err error
			if f.recipe, err = command.Augmentations(&f.augmentations); err != nil {
				return err
			}
			if f.ranks.Wire, err = train.ParseWire(f.options.Wire); err != nil {
				return err
			}
			f.options.RankTimeout = f.ranks.Timeout
			f.ranks.Terms = ranks.Terms(c, ranks.Kinds{Data: []string{"data"}})
			group, err := ranks.Join(f.ranks)
			if err != nil {
				return err
			}
			stdout, stderr := ranks.Streams(group, stdout, c.App.ErrWriter)
			return ranks.Close(group, f.run(c.Context, group, stdout, stderr))
		},
	}
}

// run measures on the ranks of a group, or on one.
func (f *benchConfig) run(ctx context.Context, group collective.Collective, stdout, stderr io.Writer) error {
	net, err := f.prepare(group, stderr)
	if err := collective.Agree(group, err); err != nil {
		return err
	}
	r, err := bench(ctx, f, net, group)
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	return r.print(stdout)
}

// prepare fits what was asked for to this rank.
func (f *benchConfig) prepare(group collective.Collective, stderr io.Writer) (_ *engine.Net, err error) {
	if f.batch%group.Size() != 0 {
		return nil, command.Usagef("bench: --batch %d is that of all ranks together: it doesn't divide into %d equal shares", f.batch, group.Size())
	}
	for name, v := range map[string]float64{"peak": f.peak, "bandwidth": f.bandwidth} {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return nil, command.Usagef("--%s %v: want a number from 0 on", name, v)
		}
	}
	f.devices, f.ownDevices, err = train.RankDevices(f.devices, group, func(why string) { command.NewLine(stderr).Print("%s", why) })
	if err != nil {
		return nil, err
	}
	if group.Size() > 1 && f.options.Threads == 0 {
		f.options.Threads = launch.Processors(group)
	}
	return train.NamedNet(f.net, f.classes)
}

func bench(ctx context.Context, f *benchConfig, net *engine.Net, group collective.Collective) (_ *benchResult, err error) {
	kernels, err := devices.ChosenKernels(f.devices, f.options)
	if err != nil {
		err = command.Usagef("--%w", err)
	}
	if err := collective.Agree(group, err); err != nil {
		return nil, err
	}
	r := &benchResult{Net: net.Name, Devices: f.devices, Precision: f.options.Precision, Kernels: kernels, Batch: f.batch, Peak: devices.PeakFLOPS(f.devices, f.options, time.Second/2) / 1e9}
	if err := r.steps(ctx, f, net, group); err != nil {
		return nil, err
	}
	if !f.skipLayers && !f.inference && group.Size() == 1 {
		if err := r.layers(f, net); err != nil {
			return nil, err
		}
	}
	if f.data != "" {
		if r.LoaderImages, err = loaderRate(ctx, f, net); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// model makes the model to measure with its first weights. by is nil where there is
// one rank.
func (f *benchConfig) model(net *engine.Net, group collective.Collective) (m *engine.Model, by *meter, err error) {
	contexts, err := openDevices(f.ownDevices, f.options)
	if err != nil {
		return nil, nil, err
	}
	cfg := benchModel(f)
	cfg.Batch /= group.Size()
	if group.Size() > 1 {
		by = &meter{Group: group}
		cfg.Group, cfg.Hybrid = by, f.parallel == train.ParallelHybrid
	}
	if m, err = engine.NewModel(net, contexts, cfg); err != nil {
		return nil, nil, err
	}
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	return m, by, nil
}

// steps times whole training and inference steps.
func (r *benchResult) steps(ctx context.Context, f *benchConfig, net *engine.Net, group collective.Collective) (err error) {
	m, by, failure := f.model(net, group)
	if m != nil {
		defer func() { err = errors.Join(err, m.Close()) }()
	}
	if err := collective.Agree(group, failure); err != nil {
		return err
	}
	for _, p := range m.Plans() {
		r.MemoryMiB += p.Total() >> 20
	}
	b, err := benchBatch(m)
	if err != nil {
		return err
	}
	if by != nil {
		if err := m.Join(); err != nil {
			return err
		}
		r.Ranks = &rankResult{Ranks: group.Size(), Parallel: f.parallel, Wire: f.options.Wire}
		if err := r.Ranks.measure(ctx, f, group, by, m, b); err != nil {
			return err
		}
		r.Train = float64(f.batch) / r.Ranks.Step * 1e3
		r.Infer, _, err = medianRate(ctx, f, func() error {
			_, err := m.Infer(b)
			return err
		})
		return err
	}
	step := engine.Step{Seed: 1, LearningRate: 1e-4, Momentum: .9}
	train := func() error { // one step ahead, as the trainer works
		step.Number++
		if err := m.Start(b, step); err != nil || step.Number == 1 {
			return err
		}
		_, err := m.Finish()
		return err
	}
	infer := func() error {
		_, err := m.Infer(b)
		return err
	}
	if f.inference {
		r.Infer, r.InferCPU, err = medianRate(ctx, f, infer)
		return err
	}
	if r.Train, r.TrainCPU, err = medianRate(ctx, f, train); err != nil {
		return err
	}
	if _, err := m.Finish(); err != nil {
		return err
	}
	if r.Infer, r.InferCPU, err = medianRate(ctx, f, infer); err != nil || f.data == "" {
		return err
	}
	return r.fromData(ctx, f, m, b)
}

func benchModel(f *benchConfig) engine.ModelConfig {
	kernels, _ := devices.ChosenKernels(f.devices, f.options)
	return engine.ModelConfig{Batch: f.batch, InputScale: 1. / 64, Decay: 5e-4, Inference: f.inference, Lean: kernels != "" && !f.inference} // as training has it
}

// medianRate is images per second of the median of f.steps calls after one, and where
// CPUs compute, images of all of them for a second of processor time.
func medianRate(ctx context.Context, f *benchConfig, step func() error) (rate, ofCPU float64, err error) {
	times := make([]float64, 0, f.steps)
	var used time.Duration
	for i := range f.steps + 1 {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		if i == 1 {
			used = cputime.Used()
		}
		began := time.Now()
		if err := step(); err != nil {
			return 0, 0, err
		}
		if i > 0 {
			times = append(times, time.Since(began).Seconds())
		}
	}
	used = cputime.Used() - used
	if kernels, _ := devices.ChosenKernels(f.devices, f.options); kernels != "" && used > 0 {
		ofCPU = float64(f.batch*f.steps) / used.Seconds()
	}
	return float64(f.batch) / median(times), ofCPU, nil
}

// benchBatch is a batch of random pictures, in the memory that a loader would
// decode them to.
func benchBatch(m *engine.Model) (engine.Batch, error) {
	b := randomPictures(m.Net, m.Config.Batch)
	pixels, err := m.AllocateHost(len(b.Pixels))
	copy(pixels, b.Pixels)
	b.Pixels = pixels
	return b, err
}

func randomPictures(net *engine.Net, n int) engine.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	b := engine.Batch{Images: n, Pixels: make([]byte, n*net.Input.Size*net.Input.Size*3), Colour: make([]float32, 3*n), Labels: make([]int32, n)}
	for i := range b.Pixels {
		b.Pixels[i] = byte(r.Uint32())
	}
	for i := range b.Labels {
		b.Labels[i] = int32(r.IntN(net.Classes))
	}
	return b
}

// layers times the ops of a step on one context and sums them by layer.
func (r *benchResult) layers(f *benchConfig, net *engine.Net) (err error) {
	list, _, _ := strings.Cut(f.devices, ",")
	contexts, err := openDevices(list, f.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, contexts[0].Close()) }()
	ops, err := engine.Profile(net, contexts[0], benchModel(f), min(f.steps, 3))
	if err != nil {
		return err
	}
	peak, bandwidth := f.peak*1e12, f.bandwidth*1e9
	if peak == 0 && bandwidth == 0 && r.Peak > 0 {
		r.Bandwidth = devices.Bandwidth(f.devices, f.options, time.Second/2) / 1e9
		peak, bandwidth = r.Peak*1e9, r.Bandwidth*1e9
	}
	if peak > 0 && bandwidth > 0 {
		r.Roofline = float64(f.batch) / roofline(ops, peak, bandwidth)
	}
	at := map[string]int{}
	total, backward := 0.0, false
	for _, op := range ops {
		for _, d := range op.Design {
			r.Design = append(r.Design, opDesign{op.Layer, op.Kind, op.FLOP, op.Bytes, d})
		}
		i, ok := at[op.Layer]
		if !ok {
			i = len(r.Layers)
			at[op.Layer] = i
			r.Layers = append(r.Layers, layerResult{Layer: op.Layer})
		}
		l := &r.Layers[i]
		if r.Roofline > 0 {
			bound := roofline([]engine.OpTime{op}, peak, bandwidth) * 1e3
			l.Bound += bound
			if op.FLOP/peak < float64(op.Bytes)/bandwidth {
				l.byMemory += bound
			}
		}
		ms := op.Time.Seconds() * 1e3
		switch {
		case op.Kind == "update":
			l.Update += ms
			continue
		case backward:
			l.Backward += ms
		default:
			l.Forward += ms
		}
		l.flop += op.FLOP
		l.MiB += float64(op.Bytes) / (1 << 20)
		total += op.FLOP
		backward = backward || op.Layer == "loss"
	}
	for i := range r.Layers {
		l := &r.Layers[i]
		if l.flop > 0 {
			l.GFLOPS = l.flop / (l.Forward + l.Backward) / 1e6
		}
		switch {
		case l.Bound == 0:
		case l.byMemory > l.Bound/2:
			l.By = "memory"
		default:
			l.By = "products"
		}
	}
	r.Achieved = total / float64(f.batch) * r.Train / 1e9
	return nil
}

// roofline is the seconds of ops that each take the longer of their products at the
// peak and their bytes at the bandwidth.
func roofline(ops []engine.OpTime, peak, bandwidth float64) (seconds float64) {
	for _, op := range ops {
		seconds += max(op.FLOP/peak, float64(op.Bytes)/bandwidth)
	}
	return seconds
}

// loaderRate times one pass, at most five seconds, over a folder of shards.
func loaderRate(ctx context.Context, f *benchConfig, net *engine.Net) (float64, error) {
	ds, err := f.access.Open(ctx, f.data, nil)
	if err != nil {
		return 0, err
	}
	defer ds.Close()
	loader, err := pipeline.NewLoader(ds, pipeline.LoaderConfig{Batch: min(f.batch, ds.Len()), Workers: f.workers, Seed: 1, Crop: net.Input.Size, Train: true, Augment: f.recipe})
	if err != nil {
		return 0, err
	}
	defer loader.Close()
	const longest = 5 * time.Second
	images := 0
	var began time.Time
	for {
		b, err := loader.Next(ctx)
		if err != nil {
			return 0, err
		}
		if began.IsZero() { // the first batch warms up
			began = time.Now()
		} else {
			images += b.Images
		}
		last := b.Epoch > 0 && images > 0
		b.Release()
		if elapsed := time.Since(began); images > 0 && (last || elapsed > longest) {
			return float64(images) / elapsed.Seconds(), nil
		}
	}
}

// print writes the result as text.
func (r *benchResult) print(w io.Writer) error {
	how := r.Precision
	if r.Kernels != "" {
		how += " by " + r.Kernels
	}
	fmt.Fprintf(w, "%s on %s in %s, batch %d, %d MiB\n", r.Net, r.Devices, how, r.Batch, r.MemoryMiB)
	if r.Train > 0 {
		fmt.Fprintf(w, "training   %.1f images/s\n", r.Train)
	}
	fmt.Fprintf(w, "inference  %.1f images/s\n", r.Infer)
	if r.Ranks != nil {
		r.Ranks.print(w)
	}
	if r.LoaderImages > 0 {
		fmt.Fprintf(w, "loader     %.0f images/s\n", r.LoaderImages)
	}
	if r.FromData > 0 {
		fmt.Fprintf(w, "from data  %.1f images/s in training, %.0f %% of the %.1f from memory in turns with it\n", r.FromData, 100*r.FromData/r.FromMemory, r.FromMemory)
	}
	if r.Roofline > 0 {
		fmt.Fprintf(w, "roofline   %.0f images/s, of which training is %.0f %%", r.Roofline, 100*r.Train/r.Roofline)
		if r.Bandwidth > 0 {
			fmt.Fprintf(w, "; memory moves %.1f GB/s", r.Bandwidth)
		}
		fmt.Fprintln(w)
	}
	if r.Achieved > 0 && r.Peak > 0 {
		fmt.Fprintf(w, "products   %.1f GFLOP/s in training, %.0f %% of the %.1f that registers alone reach\n", r.Achieved, 100*r.Achieved/r.Peak, r.Peak)
	}
	if len(r.Layers) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nlayer\tforward ms\tbackward ms\tupdate ms\tGFLOP/s\tof peak\tMiB\tbound ms\tby\t")
	for _, l := range r.Layers {
		rate, share := "", ""
		if l.GFLOPS > 0 {
			rate = fmt.Sprintf("%.1f", l.GFLOPS)
			if r.Peak > 0 {
				share = fmt.Sprintf("%.0f %%", 100*l.GFLOPS/r.Peak)
			}
		}
		bound := ""
		if l.Bound > 0 {
			bound = fmt.Sprintf("%.1f", l.Bound)
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%s\t%s\t%.0f\t%s\t%s\t\n", l.Layer, l.Forward, l.Backward, l.Update, rate, share, l.MiB, bound, l.By)
	}
	if err := t.Flush(); err != nil || len(r.Design) == 0 {
		return err
	}
	return r.printDesign(w)
}

// printDesign lists what runs on the device for each op of a step, by design: workgroups
// and how many of them one multiprocessor's shared memory holds at least, instructions of
// the kernel, loops counted once, and the op's products over its bytes.
func (r *benchResult) printDesign(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nlayer\top\tkernel\tworkgroups\tof\tshared KiB\tfit\tinstructions\tMiB\tFLOP/B\t")
	for _, d := range r.Design {
		fit, intensity := "", ""
		if d.Fit > 0 {
			fit = fmt.Sprint(d.Fit)
		}
		if d.FLOP > 0 {
			intensity = fmt.Sprintf("%.0f", d.FLOP/float64(d.Bytes))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%.1f\t%s\t%d\t%.1f\t%s\t\n", d.Layer, d.Kind, d.Kernel, d.Workgroups, d.Threads,
			float64(d.Shared)/(1<<10), fit, d.Instructions, float64(d.Bytes)/(1<<20), intensity)
	}
	return t.Flush()
}
