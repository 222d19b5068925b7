package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/internal/file"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

// settings are everything that decides a run, one field a flag. Their JSON
// names are the flags', so that run.json reads like a command line.
type settings struct {
	Train         string        `json:"train"`
	Val           string        `json:"val"`
	PCA           string        `json:"pca"`
	Run           string        `json:"run"`
	Config        string        `json:"-"`
	Resume        bool          `json:"-"`
	AutoResume    bool          `json:"-"`
	Plan          bool          `json:"-"`
	DryRun        bool          `json:"-"`
	Dashboard     string        `json:"-"`
	Net           string        `json:"net"`
	Without       string        `json:"without"`
	From          string        `json:"from"`
	Freeze        string        `json:"freeze"`
	Devices       string        `json:"devices"`
	Precision     string        `json:"precision"`
	Kernels       string        `json:"kernels"`
	Deterministic bool          `json:"deterministic"`
	Threads       int           `json:"threads"`
	Parallel      string        `json:"parallel"`
	Wire          string        `json:"wire"`
	RankTimeout   time.Duration `json:"-"`
	Workers       int           `json:"workers"`
	Shuffle       string        `json:"shuffle"`
	OnBad         string        `json:"on-bad"`
	shards.Access
	Augment augment.Settings `json:"-"` // each under its own name

	Epochs     int           `json:"epochs"`
	Steps      uint64        `json:"steps"`
	MaxTime    time.Duration `json:"max-time"` // "10m0s" in JSON
	EarlyStop  int           `json:"early-stop"`
	Batch      int           `json:"batch"`
	Accumulate int           `json:"accumulate"`
	Smoothing  float64       `json:"label-smoothing"`
	LR         float64       `json:"lr"`
	Schedule   string        `json:"schedule"`
	DropAt     string        `json:"drop-at"`
	Warmup     uint64        `json:"warmup"`
	Patience   int           `json:"patience"`
	Momentum   float64       `json:"momentum"`
	Decay      float64       `json:"decay"`
	Seed       uint64        `json:"seed"`
	Init       string        `json:"init"`
	InputScale float64       `json:"input-scale"`
	Noise      string        `json:"noise"`
	Mean       string        `json:"mean"`

	LogEvery        int    `json:"log-every"`
	CheckpointEvery uint64 `json:"checkpoint-every"`
	Keep            int    `json:"keep"`

	isSet func(flag string) bool // whether a flag, or a line of a configuration file, was given
}

// mostThreads is more than any machine has processors.
const mostThreads = 1 << 16

// netSuffix is what the names of net files end in.
const netSuffix = ".json"

// Values of --noise, --on-bad and --mean.
const (
	noiseSqrt   = "sqrt"
	noiseLambda = "lambda01"
	noiseOff    = "off"
	onBadStop   = "stop"
	onBadSkip   = "skip"
	meanChannel = "channel"
	meanImage   = "image"
	meanNone    = "none"
)

// Values of --schedule.
const (
	schedulePlateau = "plateau"
	scheduleStep    = "step"
	scheduleCosine  = "cosine"
)

// withoutPCA is what --without takes besides engine.Ablations.
const withoutPCA = "pca"

func (s *settings) flags() []cli.Flag {
	const input, recipe, device, record = "Data", "Recipe", "Devices", "Run folder"
	flags := []cli.Flag{
		&cli.PathFlag{Name: "train", Category: input, Usage: "`DIR` of shards to train on, or their address: s3://, gs:// or https://", Destination: &s.Train},
		&cli.PathFlag{Name: "val", Category: input, Usage: "`DIR` or address of shards to validate on after every epoch; without it the learning rate never drops", Destination: &s.Val},
		&cli.PathFlag{Name: "pca", Category: input, Usage: "colour statistics `FILE` made by compute-pca; without it there is no colour noise", Destination: &s.PCA},
		&cli.StringFlag{Name: "noise", Category: input, Value: noiseSqrt, Usage: "colour noise `FORM`: sqrt adds 0.1·N(0,1)·√λ per axis in 0–255 units as the original code, lambda01 adds 0.1·N(0,1)·λ in 0–1 units, off adds none", Destination: &s.Noise},
		&cli.StringFlag{Name: "mean", Category: input, Value: meanChannel, Usage: "`WHAT` to subtract from the pixels: channel for the mean colour, image for the mean picture of the training set, imagenet for the usual constants, R,G,B for others, none", Destination: &s.Mean},
		&cli.IntFlag{Name: "workers", Category: input, Usage: "`N` goroutines that decode and augment; 0 is one a core", Destination: &s.Workers},
		&cli.StringFlag{Name: "shuffle", Category: input, Value: pipeline.ShuffleDefault.String(), Usage: "`ORDER` of each epoch: global, shards for storage that is slow at random places (shard after shard, shuffled in windows), none; default is global, and shards where --train is an address", Destination: &s.Shuffle},
		&cli.StringFlag{Name: "on-bad", Category: input, Value: onBadStop, Usage: "`WHAT` to do with a picture of the shards that can't be read: stop, or skip it, count it, and exit with 3", Destination: &s.OnBad},

		&cli.StringFlag{Name: "net", Category: recipe, Value: "alexnet", Usage: "`NET` to train: " + strings.Join(engine.PresetNames(), ", ") + ", or a JSON net file", Destination: &s.Net},
		&cli.StringFlag{Name: "without", Category: recipe, Usage: "train without `PARTS` of the paper, separated by commas: " + strings.Join(ablationNames(), ", "), Destination: &s.Without},
		&cli.PathFlag{Name: "from", Category: recipe, Usage: "fine-tune the net in checkpoint `FILE`: all layers but the last begin with its weights", Destination: &s.From},
		&cli.StringFlag{Name: "freeze", Category: recipe, Usage: "leave the weights of `LAYERS` alone, separated by commas, such as conv1,conv2", Destination: &s.Freeze},
		&cli.IntFlag{Name: "epochs", Category: recipe, Value: 90, Usage: "stop after `N` passes over the training set", Destination: &s.Epochs},
		&cli.Uint64Flag{Name: "steps", Category: recipe, Usage: "stop after `N` steps in all; 0 sets no limit", Destination: &s.Steps},
		&cli.DurationFlag{Name: "max-time", Category: recipe, Usage: "save and stop after `TIME`, such as 10m or 8h; 0 sets no limit", Destination: &s.MaxTime},
		&cli.IntFlag{Name: "early-stop", Category: recipe, Usage: "stop after `EPOCHS` without a lower validation error, from the end of the warm-up on; 0 doesn't", Destination: &s.EarlyStop},
		&cli.IntFlag{Name: "batch", Category: recipe, Value: 128, Usage: "`N` pictures in a step, of all ranks together in a job of several", Destination: &s.Batch},
		&cli.IntFlag{Name: "accumulate", Category: recipe, Value: 1, Usage: "cut each batch into `N` pieces, one after the other on the devices, whose gradients add up: the same step in less memory", Destination: &s.Accumulate},
		&cli.Float64Flag{Name: "lr", Category: recipe, Value: 0.01, Usage: "learning `RATE` after the warm-up and before any drop", Destination: &s.LR},
		&cli.StringFlag{Name: "schedule", Category: recipe, Value: schedulePlateau, Usage: "`KIND` of fall of the learning rate: plateau divides it by 10 when the validation error stops falling, at most three times, step at --drop-at, cosine along half a cosine over the run", Destination: &s.Schedule},
		&cli.StringFlag{Name: "drop-at", Category: recipe, Usage: "`EPOCHS` after which --schedule step divides the learning rate by 10, such as 23,51", Destination: &s.DropAt},
		&cli.IntFlag{Name: "patience", Category: recipe, Value: 3, Usage: "`EPOCHS` without a lower validation error, from the end of the warm-up on, before the learning rate drops", Destination: &s.Patience},
		&cli.Uint64Flag{Name: "warmup", Category: recipe, Usage: "`STEPS` over which the learning rate rises to its value", Destination: &s.Warmup},
		&cli.Float64Flag{Name: "momentum", Category: recipe, Value: 0.9, Usage: "`FACTOR` on the previous update", Destination: &s.Momentum},
		&cli.Float64Flag{Name: "decay", Category: recipe, Value: 0.0005, Usage: "weight decay `FACTOR`, on weights and not on biases", Destination: &s.Decay},
		&cli.Float64Flag{Name: "label-smoothing", Category: recipe, Usage: "spread this `PART` of each target over all classes, such as 0.1; 0 is the paper's", Destination: &s.Smoothing},
		&cli.StringFlag{Name: "init", Category: recipe, Value: string(engine.InitPaper), Usage: "`KIND` of first weights: paper draws N(0, 0.01) with biases 1 and 0, he scales by fan-in and suits small sets", Destination: &s.Init},
		&cli.Float64Flag{Name: "input-scale", Category: recipe, Usage: "`FACTOR` on mean-subtracted 0–255 pixels, 0.015625 (1/64) for small sets; 0 is the net's own, 1 for alexnet", Destination: &s.InputScale},
		&cli.Uint64Flag{Name: "seed", Category: recipe, Value: 1, Usage: "`SEED` of first weights, order, crops, flips, colours and dropout", Destination: &s.Seed},

		&cli.StringFlag{Name: "devices", Category: device, Value: devices.Auto, Usage: devicesUsage, Destination: &s.Devices},
		&cli.StringFlag{Name: "precision", Category: device, Value: "fp32", Usage: precisionUsage, Destination: &s.Precision},
		&cli.StringFlag{Name: "kernels", Category: device, Value: devices.Auto, Usage: kernelsUsage, Destination: &s.Kernels},
		&cli.BoolFlag{Name: "deterministic", Category: device, Usage: "repeat runs bit for bit on a GPU too, at some cost; the CPU always does", Destination: &s.Deterministic},
		&cli.IntFlag{Name: "threads", Category: device, Usage: "`N` CPU threads, shared out over the CPU contexts; 0 is one a core", Destination: &s.Threads},
		&cli.StringFlag{Name: "parallel", Category: device, Value: parallelData, Usage: parallelUsage, Destination: &s.Parallel},
		&cli.StringFlag{Name: "wire", Category: device, Value: wireFloat32, Usage: wireUsage, Destination: &s.Wire},
		&cli.DurationFlag{Name: "rank-timeout", Category: device, Value: 5 * time.Minute, Usage: "`TIME` that a rank waits for the others before it names the missing ones and ends the job", Destination: &s.RankTimeout},
		&cli.BoolFlag{Name: "dry-run", Category: record, Usage: "check everything, print the net and what would be done, and stop", Destination: &s.DryRun},
		&cli.PathFlag{Name: "config", Category: record, Usage: "read settings from `FILE`, YAML, TOML or JSON with the flags' names as keys, or the run.json of another run; flags win over it", Destination: &s.Config},
		&cli.BoolFlag{Name: "plan", Category: device, Usage: "print the memory that each device context will take, on its device and on the host, and stop", Destination: &s.Plan},

		&cli.PathFlag{Name: "run", Category: record, Usage: "`DIR` that receives checkpoints, metrics and pictures", Destination: &s.Run},
		&cli.BoolFlag{Name: "resume", Category: record, Usage: "go on with the run in --run; flags that are not given keep the run's values", Destination: &s.Resume},
		&cli.BoolFlag{Name: "autoresume", Category: record, Usage: "go on with the run in --run if there is one, else begin it: one command for launchers that start a job again", Destination: &s.AutoResume},
		&cli.StringFlag{Name: "dashboard", Category: record, Usage: "show the run live in a browser at `ADDRESS`, such as :8080 for this machine alone; an address that others reach asks for a token", Destination: &s.Dashboard},
		&cli.IntFlag{Name: "log-every", Category: record, Value: 20, Usage: "`STEPS` that one line of metrics.jsonl sums up", Destination: &s.LogEvery},
		&cli.Uint64Flag{Name: "checkpoint-every", Category: record, Usage: "save every `STEPS`, besides every ten minutes and after every epoch; 0 doesn't", Destination: &s.CheckpointEvery},
		&cli.IntFlag{Name: "keep", Category: record, Value: 2, Usage: "keep the last `N` checkpoints, and the best", Destination: &s.Keep},
	}
	return slices.Concat(flags, command.AugmentFlags(&s.Augment, input), data.Flags(&s.Access, input))
}

// validate reports settings that make no sense, before anything is opened.
func (s *settings) validate() error {
	for _, f := range []struct{ name, value string }{{"train", s.Train}, {"run", s.Run}} {
		if f.value == "" && !(f.name == "run" && (s.Plan || s.DryRun)) {
			return command.Usagef("--%s is required: give the folder (see train-alexnet --help)", f.name)
		}
	}
	if _, err := pipeline.ParseShuffle(s.Shuffle); err != nil {
		return command.Usagef("--shuffle: %w", err)
	}
	if s.OnBad != onBadStop && s.OnBad != onBadSkip {
		return command.Usagef("--on-bad %s: want %s or %s", s.OnBad, onBadStop, onBadSkip)
	}
	for _, f := range []struct {
		name  string
		value float64
		least float64
	}{
		{"epochs", float64(s.Epochs), 1}, {"batch", float64(s.Batch), 1}, {"accumulate", float64(s.Accumulate), 1}, {"patience", float64(s.Patience), 1},
		{"log-every", float64(s.LogEvery), 1}, {"keep", float64(s.Keep), 1}, {"threads", float64(s.Threads), 0},
		{"workers", float64(s.Workers), 0}, {"momentum", s.Momentum, 0}, {"decay", s.Decay, 0},
		{"input-scale", s.InputScale, 0}, {"max-time", s.MaxTime.Seconds(), 0}, {"early-stop", float64(s.EarlyStop), 0},
		{"label-smoothing", s.Smoothing, 0},
	} {
		switch {
		case !(f.value >= f.least):
			return command.Usagef("--%s %v: want at least %v", f.name, f.value, f.least)
		case f.value > math.MaxFloat32:
			return command.Usagef("--%s %v: want a number that float32 has, up to %.3g", f.name, f.value, math.MaxFloat32)
		}
	}
	for _, f := range []struct {
		name  string
		value int
		most  int
	}{
		{"epochs", s.Epochs, math.MaxInt32}, {"batch", s.Batch, math.MaxInt32}, {"threads", s.Threads, mostThreads}, {"workers", s.Workers, mostThreads},
	} {
		if f.value > f.most {
			return command.Usagef("--%s %d: want at most %d", f.name, f.value, f.most)
		}
	}
	for _, f := range []struct {
		name, value string
		choices     []string
	}{
		{"init", s.Init, []string{string(engine.InitPaper), string(engine.InitHe)}},
		{"noise", s.Noise, []string{noiseSqrt, noiseLambda, noiseOff}},
		{"precision", s.Precision, devices.Precisions},
		{"parallel", s.Parallel, []string{parallelData, parallelHybrid}},
		{"schedule", s.Schedule, []string{schedulePlateau, scheduleStep, scheduleCosine}},
	} {
		ok := false
		for _, choice := range f.choices {
			ok = ok || f.value == choice
		}
		if !ok {
			return command.Usagef("--%s %s: want %s", f.name, f.value, strings.Join(f.choices, " or "))
		}
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"momentum", s.Momentum}, {"label-smoothing", s.Smoothing}} {
		if f.value >= 1 {
			return command.Usagef("--%s %v: want less than 1", f.name, f.value)
		}
	}
	for _, check := range []func() error{s.checkMean, s.checkAugment, s.Access.Validate} {
		if err := check(); err != nil {
			return err
		}
	}
	if s.Batch%s.Accumulate != 0 {
		return command.Usagef("%s: doesn't divide %s into equal pieces", s.flag("accumulate", s.Accumulate), s.flag("batch", s.Batch))
	}
	for _, part := range list(s.Without) {
		if !slices.Contains(ablationNames(), part) {
			return command.Usagef("--without %s: want %s", part, strings.Join(ablationNames(), ", "))
		}
	}
	switch {
	case s.DropAt != "" && s.Schedule != scheduleStep:
		return command.Usagef("%s is of --schedule %s, not of %s", s.flag("drop-at", s.DropAt), scheduleStep, s.flag("schedule", s.Schedule))
	case s.DropAt == "" && s.Schedule == scheduleStep:
		return command.Usagef("%s needs --drop-at EPOCHS, such as 23,51", s.flag("schedule", s.Schedule))
	case s.EarlyStop > 0 && s.Val == "":
		return command.Usagef("%s needs --val DIR: it counts epochs without a lower validation error", s.flag("early-stop", s.EarlyStop))
	case s.From != "" && (s.Without != "" || s.InputScale != 0):
		return command.Usagef("%s brings its own net%s", s.flag("from", s.From), s.leaveOut("without", "input-scale"))
	}
	return nil
}

// checkAugment reports augmentations that make no sense.
func (s *settings) checkAugment() error {
	_, err := command.Augmentations(&s.Augment)
	return err
}

// flag is how a complaint calls a setting: by its flag if that was given, else
// as what the run was begun with, or a default.
func (s *settings) flag(name string, value any) string {
	switch {
	case s.isSet == nil || s.isSet(name):
		return fmt.Sprintf("--%s %v", name, value)
	case s.Resume:
		return fmt.Sprintf("the run's %s %v", name, value)
	}
	return fmt.Sprintf("the default of --%s, %v", name, value)
}

// leaveOut advises against those of the flags that were given: ": leave --a and
// --b out".
func (s *settings) leaveOut(names ...string) string {
	var given []string
	for _, name := range names {
		if s.isSet == nil || s.isSet(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) == 0 {
		return ""
	}
	return ": leave " + enumerate(given) + " out"
}

// enumerate joins words: "a, b and c".
func enumerate(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// ablationNames are the values of --without.
func ablationNames() []string {
	var names []string
	for _, a := range engine.Ablations {
		names = append(names, a.Name)
	}
	return append(names, withoutPCA)
}

// list splits a value at its commas.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

// absolute makes the paths independent of the working directory.
func (s *settings) absolute() error {
	for _, p := range []*string{&s.Train, &s.Val} {
		if *p != "" {
			var err error
			if *p, err = shards.Absolute(*p); err != nil {
				return err
			}
		}
	}
	paths := []*string{&s.PCA, &s.Run, &s.From, &s.CacheDir}
	if s.isFile() {
		paths = append(paths, &s.Net)
	}
	for _, p := range paths {
		if *p == "" {
			continue
		}
		var err error
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	return nil
}

// plainSettings are settings without methods.
type plainSettings settings

// MarshalJSON writes times as --max-time takes them, and augmentations beside the
// other settings.
func (s settings) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(struct {
		plainSettings
		MaxTime string `json:"max-time"`
	}{plainSettings(s), s.MaxTime.String()})
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(s.Augment)
	if err != nil {
		return nil, err
	}
	return slices.Concat(text[:len(text)-1], []byte{','}, more[1:]), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and times as nanoseconds.
func (s *settings) UnmarshalJSON(text []byte) error {
	var v struct {
		*plainSettings
		MaxTime json.RawMessage `json:"max-time"`
	}
	v.plainSettings = (*plainSettings)(s)
	if err := errors.Join(json.Unmarshal(text, &v), s.Augment.UnmarshalJSON(text)); err != nil {
		return err
	}
	if len(v.MaxTime) == 0 {
		return nil
	}
	if v.MaxTime[0] != '"' {
		return json.Unmarshal(v.MaxTime, &s.MaxTime)
	}
	var word string
	if err := json.Unmarshal(v.MaxTime, &word); err != nil {
		return err
	}
	var err error
	s.MaxTime, err = time.ParseDuration(word)
	return err
}

// inherit takes the saved value of every setting whose flag was not given.
func (s *settings) inherit(saved json.RawMessage, isSet func(flag string) bool) error {
	var values, old map[string]json.RawMessage
	if err := json.Unmarshal(saved, &old); err != nil {
		return err
	}
	now, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(now, &values); err != nil {
		return err
	}
	for flag := range values {
		if v, ok := old[flag]; ok && !isSet(flag) {
			values[flag] = v
		}
	}
	merged, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return json.Unmarshal(merged, s)
}

// schedule is the learning rate's, for epochs of so many steps.
func (s *settings) schedule(epochSteps int) (engine.Schedule, error) {
	ramp := engine.Ramp{Initial: s.LR, Warmup: s.Warmup}
	var out engine.Schedule
	switch s.Schedule {
	case scheduleStep:
		d := &engine.StepDecay{Ramp: ramp}
		for _, word := range list(s.DropAt) {
			epoch, err := strconv.Atoi(word)
			if err != nil || epoch < 1 || epoch > math.MaxInt32 {
				return nil, command.Usagef("--drop-at %s: want numbers of epochs, such as 23,51", s.DropAt)
			}
			d.At = append(d.At, uint64(epoch)*uint64(epochSteps))
		}
		out = d
	case scheduleCosine:
		c := &engine.Cosine{Ramp: ramp, Steps: uint64(s.Epochs) * uint64(epochSteps)}
		if s.Steps > 0 {
			c.Steps = min(c.Steps, s.Steps)
		}
		out = c
	default:
		out = &engine.Plateau{Ramp: ramp, Patience: s.Patience}
	}
	if err := out.Validate(); err != nil {
		what := s.flag("schedule", s.Schedule)
		if ramp.Validate() != nil {
			what = "--lr" // which the error gives
		}
		return nil, command.Usagef("%s: %w", what, err)
	}
	return out, nil
}

// noiseForm is the form of the colour noise; ok is false for none.
func (s *settings) noiseForm() (form augment.NoiseForm, ok bool) {
	if slices.Contains(list(s.Without), withoutPCA) {
		return 0, false
	}
	switch s.Noise {
	case noiseSqrt:
		return augment.SqrtLambda, true
	case noiseLambda:
		return augment.Lambda01, true
	}
	return 0, false
}

// net is the net that the settings ask for.
func (s *settings) net(classes int) (*engine.Net, error) {
	n, err := s.namedNet(classes)
	if err != nil {
		return nil, err
	}
	for _, part := range list(s.Without) {
		if part == withoutPCA {
			continue
		}
		if n, err = n.Without(part); err != nil {
			return nil, command.Usagef("--without: %w", err)
		}
	}
	if s.InputScale != 0 {
		n.Input.Scale = float32(s.InputScale)
	}
	return n, nil
}

// isFile tells a net file from a preset.
func (s *settings) isFile() bool { return strings.HasSuffix(s.Net, netSuffix) }

func (s *settings) namedNet(classes int) (*engine.Net, error) {
	if !s.isFile() {
		n, err := engine.Preset(s.Net, classes)
		if err != nil {
			return nil, command.Usagef("--net: %w", err)
		}
		return n, nil
	}
	n, err := s.netFile()
	if err == nil && n.Classes != classes {
		err = fmt.Errorf("%s: the net has %d classes and the shards have %d: change the file, or choose other shards", s.Net, n.Classes, classes)
	}
	return n, err
}

// netFile reads the net file.
func (s *settings) netFile() (*engine.Net, error) {
	text, err := file.ReadAll(s.Net, configLimit)
	if err != nil {
		return nil, fmt.Errorf("--net: %w", err)
	}
	n, err := engine.ReadNet(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("--net %s: %w", s.Net, err)
	}
	return n, nil
}
