// Package bench measures training and inference on this machine: whole steps on random
// pictures, every layer, the loader, and the exchange between ranks.
package bench

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/launch"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/internal/cputime"
	"alexnet/internal/setting"
	"alexnet/pipeline/shards"
)

// Config says what to measure, and how.
type Config struct {
	Net             string // a preset of engine.PresetNames, or a JSON net file
	Classes         int    // of the net
	Devices         string // device contexts, as devices.Open has them
	Options         devices.Options
	Batch           int    // pictures in a step, of all ranks together
	Steps           int    // the median of that many steps is taken, after one that warms up
	Data            string // folder of shards to time the loader on, or their address; "": none
	Access          shards.Access
	Workers         int            // goroutines of the loader; 0: one per core
	Recipe          augment.Recipe // of the loader
	SkipLayers      bool           // leave out Result.Layers
	Inference       bool           // measure inference alone, in the memory that it takes
	Peak, Bandwidth float64        // of the devices together, TFLOP/s and GB/s; 0: not known
	Parallel        string         // train.ParallelData or train.ParallelHybrid, on several ranks

	// Group is the ranks that train together. The caller closes it. nil means this
	// process alone.
	Group collective.Collective
	// Open opens device contexts; nil is devices.Open.
	Open func(list string, o devices.Options) ([]engine.Context, error)
	// Note receives a sentence that says why there is no GPU; nil drops it.
	Note func(sentence string)
}

// Result is the result of Run. train-alexnet bench --json prints it as JSON.
type Result struct {
	Net          string   `json:"net"`
	Devices      string   `json:"devices"`
	Precision    string   `json:"precision"`
	Kernels      string   `json:"kernels,omitempty"` // of a CPU
	Batch        int      `json:"batch"`
	Train        float64  `json:"train_images_per_s"` // median step
	Infer        float64  `json:"infer_images_per_s"`
	TrainCPU     float64  `json:"train_images_per_cpu_s,omitempty"` // for a second of processor time, on CPUs
	InferCPU     float64  `json:"infer_images_per_cpu_s,omitempty"`
	Peak         float64  `json:"peak_gflops"`                  // 0 where it cannot be measured
	Bandwidth    float64  `json:"bandwidth_gb_per_s,omitempty"` // of memory, where it can be measured
	Achieved     float64  `json:"train_gflops"`
	MemoryMiB    int64    `json:"memory_mib"` // arenas and workspaces
	LoaderImages float64  `json:"loader_images_per_s,omitempty"`
	FromData     float64  `json:"train_from_data_images_per_s,omitempty"` // means over the same numbers of steps, in turns
	FromMemory   float64  `json:"train_from_memory_images_per_s,omitempty"`
	Roofline     float64  `json:"roofline_images_per_s,omitempty"` // see layers
	Ranks        *Ranks   `json:"ranks,omitempty"`                 // under mpirun or srun; rates are those of all ranks
	Layers       []Layer  `json:"layers,omitempty"`
	Design       []Design `json:"design,omitempty"` // of devices that tell
}

// measurement is a Config with this rank's values.
type measurement struct {
	Config
	net *engine.Net
	own string // this rank's devices
}

// Validate reports settings that make no sense. Run does too, after the ranks have met.
func (c *Config) Validate() error {
	switch {
	case c.Batch < 1 || c.Steps < 1 || c.Classes < 2:
		return setting.Invalidf("bench: want %s and %s of at least 1, and %s of at least 2", setting.Name("batch"), setting.Name("steps"), setting.Name("classes"))
	case c.Inference && c.Data != "":
		return setting.Invalidf("bench: %s measures no training and so takes no %s", setting.Name("inference"), setting.Name("data"))
	case c.Parallel != train.ParallelData && c.Parallel != train.ParallelHybrid:
		return setting.Invalidf("%s: want %s or %s", setting.Value("parallel", c.Parallel), train.ParallelData, train.ParallelHybrid)
	}
	return nil
}

// Run measures. All ranks of the group call it and get the same result.
func Run(ctx context.Context, c Config) (*Result, error) {
	f := &measurement{Config: c}
	if f.Group == nil {
		f.Group = collective.Single{}
	}
	if f.Open == nil {
		f.Open = devices.Open
	}
	if f.Note == nil {
		f.Note = func(string) {}
	}
	if err := collective.Agree(f.Group, f.prepare()); err != nil {
		return nil, err
	}
	kernels, err := devices.ChosenKernels(f.Devices, f.Options)
	if err := collective.Agree(f.Group, devices.SettingError(err)); err != nil {
		return nil, err
	}
	r := &Result{Net: f.net.Name, Devices: f.Devices, Precision: f.Options.Precision, Kernels: kernels, Batch: f.Batch, Peak: devices.PeakFLOPS(f.Devices, f.Options, time.Second/2) / 1e9}
	if err := r.steps(ctx, f); err != nil {
		return nil, err
	}
	if !f.SkipLayers && !f.Inference && f.Group.Size() == 1 {
		if err := r.layers(f); err != nil {
			return nil, err
		}
	}
	if f.Data != "" {
		if r.LoaderImages, err = loaderRate(ctx, f); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// prepare fits the configuration to this rank.
func (f *measurement) prepare() (err error) {
	if err := f.Validate(); err != nil {
		return err
	}
	if f.Batch%f.Group.Size() != 0 {
		return setting.Invalidf("bench: %s counts the pictures of all ranks: it doesn't divide into %d equal shares", setting.Value("batch", f.Batch), f.Group.Size())
	}
	for name, v := range map[string]float64{"peak": f.Peak, "bandwidth": f.Bandwidth} {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return setting.Invalidf("%s: want a number from 0 on", setting.Value(name, v))
		}
	}
	if f.Devices, f.own, err = train.RankDevices(f.Devices, f.Group, f.Note); err != nil {
		return err
	}
	if f.Group.Size() > 1 && f.Options.Threads == 0 {
		f.Options.Threads = launch.Processors(f.Group)
	}
	f.net, err = train.NamedNet(f.Net, f.Classes)
	return err
}

// model makes the model to measure with its first weights. by is nil if there is one
// rank.
func (f *measurement) model() (m *engine.Model, by *meter, err error) {
	contexts, err := f.Open(f.own, f.Options)
	if err != nil {
		return nil, nil, err
	}
	cfg := modelConfig(f)
	cfg.Batch /= f.Group.Size()
	if f.Group.Size() > 1 {
		by = &meter{Group: f.Group}
		cfg.Group, cfg.Hybrid = by, f.Parallel == train.ParallelHybrid
	}
	if m, err = engine.NewModel(f.net, contexts, cfg); err != nil {
		return nil, nil, err
	}
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	return m, by, nil
}

// steps times whole training and inference steps.
func (r *Result) steps(ctx context.Context, f *measurement) (err error) {
	m, by, failure := f.model()
	if m != nil {
		defer func() { err = errors.Join(err, m.Close()) }()
	}
	if err := collective.Agree(f.Group, failure); err != nil {
		return err
	}
	for _, p := range m.Plans() {
		r.MemoryMiB += p.Total() >> 20
	}
	b, err := randomBatch(m)
	if err != nil {
		return err
	}
	if by != nil {
		if err := m.Join(); err != nil {
			return err
		}
		r.Ranks = &Ranks{Ranks: f.Group.Size(), Parallel: f.Parallel, Wire: f.Options.Wire}
		if err := r.Ranks.measure(ctx, f, by, m, b); err != nil {
			return err
		}
		r.Train = float64(f.Batch) / r.Ranks.Step * 1e3
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
	if f.Inference {
		r.Infer, r.InferCPU, err = medianRate(ctx, f, infer)
		return err
	}
	if r.Train, r.TrainCPU, err = medianRate(ctx, f, train); err != nil {
		return err
	}
	if _, err := m.Finish(); err != nil {
		return err
	}
	if r.Infer, r.InferCPU, err = medianRate(ctx, f, infer); err != nil || f.Data == "" {
		return err
	}
	return r.fromData(ctx, f, m, b)
}

func modelConfig(f *measurement) engine.ModelConfig {
	kernels, _ := devices.ChosenKernels(f.Devices, f.Options)
	return engine.ModelConfig{Batch: f.Batch, InputScale: 1. / 64, Decay: 5e-4, Inference: f.Inference, Lean: kernels != "" && !f.Inference} // as in training
}

// medianRate returns the images per second of the median of f.Steps calls after one
// and, for CPUs, the images of all of them for a second of processor time.
func medianRate(ctx context.Context, f *measurement, step func() error) (rate, ofCPU float64, err error) {
	times := make([]float64, 0, f.Steps)
	var used time.Duration
	for i := range f.Steps + 1 {
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
	if kernels, _ := devices.ChosenKernels(f.Devices, f.Options); kernels != "" && used > 0 {
		ofCPU = float64(f.Batch*f.Steps) / used.Seconds()
	}
	return float64(f.Batch) / median(times), ofCPU, nil
}

// median is the middle value, or the mean of the two middle ones.
func median(times []float64) float64 {
	slices.Sort(times)
	n := len(times)
	return (times[(n-1)/2] + times[n/2]) / 2
}

// randomBatch returns a batch of random pictures, in memory of the kind that a loader
// fills.
func randomBatch(m *engine.Model) (engine.Batch, error) {
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
