package train

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
)

// Config holds all settings of a run. Start from Defaults. run.json stores a Config
// as JSON, and errors name settings by their keys there.
type Config struct {
	Train         string        `json:"train"`         // folder of shards to train on, or their address; required
	Val           string        `json:"val"`           // folder or address of shards to validate on after every epoch; "": no validation
	PCA           string        `json:"pca"`           // colour statistics, a file of compute-pca; "": no colour noise
	Run           string        `json:"run"`           // the run folder; required
	Resume        bool          `json:"-"`             // go on with the run in Run
	AutoResume    bool          `json:"-"`             // go on with the run in Run if there is one
	Dry           bool          `json:"-"`             // Prepare only: nothing is locked, and Run may be ""
	Recipe        string        `json:"recipe"`        // name of the Recipe that other settings were taken from, "" for none: a record, which sets nothing
	Net           string        `json:"net"`           // a preset of engine.PresetNames, or a JSON net file
	Without       string        `json:"without"`       // parts of the paper to leave out, of AblationNames, with commas between
	From          string        `json:"from"`          // begin with weights of this checkpoint; its net too, if Net is "", or as in Defaults without FromLayers
	FromLayers    string        `json:"from-layers"`   // layers whose weights From gives: FromAll, FromConvolutions, or names with commas between; "" is FromAll
	Freeze        string        `json:"freeze"`        // layers whose weights stay, with commas between
	LayerRates    string        `json:"layer-rates"`   // factors on layers' learning rates, such as conv1=0.1,fc8=10
	Changes       Changes       `json:"changes"`       // of settings, in the course of the run
	Devices       string        `json:"devices"`       // device contexts, as devices.Open has them; "auto": the first GPU or the CPU
	Precision     string        `json:"precision"`     // one of devices.Precisions
	Kernels       string        `json:"kernels"`       // set of kernels on CPUs; "auto": the fastest
	Deterministic bool          `json:"deterministic"` // repeat runs bit for bit on a GPU too
	Threads       int           `json:"threads"`       // CPU threads; 0: one per core
	Parallel      string        `json:"parallel"`      // ParallelData or ParallelHybrid, in a group of several ranks
	Wire          string        `json:"wire"`          // WireFloat32 or WireBFloat16: the format of gradients between ranks
	RankTimeout   time.Duration `json:"-"`             // how long GPUs wait for other ranks
	Workers       int           `json:"workers"`       // goroutines that decode and augment; 0: one per core
	Shuffle       string        `json:"shuffle"`       // order of each epoch, as pipeline.ParseShuffle reads it
	OnBad         string        `json:"on-bad"`        // OnBadStop or OnBadSkip: what to do with a picture that can't be read
	shards.Access
	Augment augment.Settings `json:"-"` // each under its own name

	Epochs     int           `json:"epochs"`          // stop after this number of passes over the training set
	Steps      uint64        `json:"steps"`           // stop after this number of steps in all; 0: no limit
	MaxTime    time.Duration `json:"max-time"`        // save and stop after this time; 0: no limit. "10m0s" in JSON
	EarlyStop  int           `json:"early-stop"`      // stop after this number of epochs without a lower validation error; 0: don't
	Batch      int           `json:"batch"`           // pictures in a step, of all ranks together
	Accumulate int           `json:"accumulate"`      // pieces that a batch is cut into, to take less memory
	Smoothing  float64       `json:"label-smoothing"` // part of each target that is spread over all classes
	LR         float64       `json:"lr"`              // learning rate after the warm-up and before any drop
	Schedule   string        `json:"schedule"`        // a name of engine.Schedules
	DropAt     string        `json:"drop-at"`         // epochs after which the schedule "step" divides the rate by 10, with commas between
	Warmup     uint64        `json:"warmup"`          // steps over which the learning rate rises
	Patience   int           `json:"patience"`        // epochs without a lower validation error before the schedule "plateau" drops the rate; 0: three, or as many as have 500 steps
	Momentum   float64       `json:"momentum"`
	Decay      float64       `json:"decay"`       // weight decay
	Seed       uint64        `json:"seed"`        // of first weights, order, crops, flips, colours and dropout
	Init       string        `json:"init"`        // an engine.Initialization
	InputScale float64       `json:"input-scale"` // factor on mean-subtracted 0–255 pixels; 0: the net's own
	Noise      string        `json:"noise"`       // NoiseSqrt, NoiseLambda or NoiseOff
	Mean       string        `json:"mean"`        // MeanChannel, MeanImage, MeanNone, or as augment.ParseNormalisation has it

	LogEvery        int    `json:"log-every"`        // steps that one line of metrics.jsonl sums up
	CheckpointEvery uint64 `json:"checkpoint-every"` // save every N steps, besides every ten minutes and after every epoch; 0: don't
	Keep            int    `json:"keep"`             // how many checkpoints stay, besides the best

	// Group is the ranks that train together (collective/launch joins them). The
	// caller closes it. nil means this process alone.
	Group collective.Collective `json:"-"`
	// Open opens device contexts; nil is devices.Open.
	Open func(list string, o devices.Options) ([]engine.Context, error) `json:"-"`
}

// Defaults returns the paper's recipe, without data and run folder.
func Defaults() Config {
	return Config{
		Net: "alexnet", Devices: devices.Auto, Precision: devices.Precisions[0], Kernels: devices.Auto,
		Parallel: ParallelData, Wire: WireFloat32, RankTimeout: 5 * time.Minute,
		Shuffle: pipeline.ShuffleDefault.String(), OnBad: OnBadStop,
		Access:  shards.Access{CacheSize: shards.DefaultCacheSize},
		Augment: augment.DefaultSettings(),
		Epochs:  90, Batch: 128, Accumulate: 1, LR: 0.01, Schedule: engine.ScheduleNames()[0],
		Momentum: 0.9, Decay: 0.0005, Seed: 1, Init: string(engine.InitPaper), Noise: NoiseSqrt, Mean: MeanChannel,
		LogEvery: 20, Keep: 2,
	}
}

// Values of Config.Noise, OnBad and Mean.
const (
	NoiseSqrt   = "sqrt"     // 0.1·N(0,1)·√λ per axis in 0–255 units, as the original code
	NoiseLambda = "lambda01" // 0.1·N(0,1)·λ in 0–1 units
	NoiseOff    = "off"
	OnBadStop   = "stop"
	OnBadSkip   = "skip" // Result.Skipped counts them
	MeanChannel = "channel"
	MeanImage   = "image" // the mean picture of the training set
	MeanNone    = "none"
)

// Values of Config.FromLayers.
const (
	FromAll          = "all"  // all that fit, except the last layer
	FromConvolutions = "conv" // the convolutions that fit
)

// Values of Config.Wire.
const (
	WireFloat32  = "fp32"
	WireBFloat16 = "bf16" // half the bytes, for slow networks
)

// Values of Config.Parallel.
const (
	ParallelData   = "data"   // add up all gradients
	ParallelHybrid = "hybrid" // split the fully connected layers over the ranks (Krizhevsky 2014)
)

// Parts of Config.Without that are no parts of the net.
const (
	WithoutPCA   = "pca"   // the colour noise
	WithoutCrops = "crops" // random crops and mirror images: training sees centres
	WithoutDecay = "decay" // weight decay
)

// AblationNames lists the parts that Config.Without knows.
func AblationNames() []string {
	var names []string
	for _, a := range engine.Ablations {
		names = append(names, a.Name)
	}
	return append(names, WithoutPCA, WithoutCrops, WithoutDecay)
}

// without reports whether a part is left out.
func (c *Config) without(part string) bool { return slices.Contains(SplitList(c.Without), part) }

// ownNet reports whether the net is that of From.
func (c *Config) ownNet() bool {
	return c.From != "" && (c.Net == "" || c.Net == Defaults().Net && c.FromLayers == "")
}

// decay is the weight decay of the update rule.
func (c *Config) decay() float32 {
	if c.without(WithoutDecay) {
		return 0
	}
	return float32(c.Decay)
}

// SplitList splits the value of a setting at its commas and spaces.
func SplitList(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

// absolute returns c with paths that are independent of the working directory, for
// run.json. Messages have the paths that were given.
func (c Config) absolute() (Config, error) {
	for _, p := range []*string{&c.Train, &c.Val} {
		if *p != "" {
			var err error
			if *p, err = shards.Absolute(*p); err != nil {
				return c, err
			}
		}
	}
	paths := []*string{&c.PCA, &c.Run, &c.From, &c.CacheDir}
	if IsNetFile(c.Net) {
		paths = append(paths, &c.Net)
	}
	for _, p := range paths {
		if *p == "" {
			continue
		}
		var err error
		if *p, err = filepath.Abs(*p); err != nil {
			return c, err
		}
	}
	return c, nil
}

// plainConfig is a Config without methods.
type plainConfig Config

// MarshalJSON writes times as "10m0s", and augmentations as fields like the other
// settings.
func (c Config) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(struct {
		plainConfig
		MaxTime string `json:"max-time"`
	}{plainConfig(c), c.MaxTime.String()})
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(c.Augment)
	if err != nil {
		return nil, err
	}
	return slices.Concat(text[:len(text)-1], []byte{','}, more[1:]), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and times as nanoseconds. Missing
// settings stay as they are.
func (c *Config) UnmarshalJSON(text []byte) error {
	var v struct {
		*plainConfig
		MaxTime json.RawMessage `json:"max-time"`
	}
	v.plainConfig = (*plainConfig)(c)
	if err := errors.Join(json.Unmarshal(text, &v), c.Augment.UnmarshalJSON(text)); err != nil {
		return err
	}
	if len(v.MaxTime) == 0 {
		return nil
	}
	if v.MaxTime[0] != '"' {
		return json.Unmarshal(v.MaxTime, &c.MaxTime)
	}
	var word string
	if err := json.Unmarshal(v.MaxTime, &word); err != nil {
		return err
	}
	var err error
	c.MaxTime, err = time.ParseDuration(word)
	return err
}

// noiseForm returns the form of the colour noise; ok is false for none.
func (c *Config) noiseForm() (form augment.NoiseForm, ok bool) {
	if c.without(WithoutPCA) {
		return 0, false
	}
	switch c.Noise {
	case NoiseSqrt:
		return augment.SqrtLambda, true
	case NoiseLambda:
		return augment.Lambda01, true
	}
	return 0, false
}
