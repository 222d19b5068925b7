package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/configfile"
	"alexnet/tools/internal/data"
)

// settings are the values of the training flags.
type settings struct {
	train.Config
	configFile   string
	classes      string // of PICTURES
	dashboard    string
	plan, dryRun bool
	findLR       bool
	leftOut      error      // pictures missing in the new shards; nil for none
	chosen       train.Note // about the recipe that was chosen; may be empty
}

const (
	wireUsage     = "`FORMAT` of gradients between ranks: fp32, or bf16, half the bytes for slow networks"
	parallelUsage = "`FORM` of sharing a step among ranks: data adds up all gradients; hybrid splits the fully connected layers over the ranks and exchanges their activations instead (Krizhevsky 2014), which is less data if a step has fewer than about 3,000 pictures"
	kernelsUsage  = "`NAME` of the set of kernels on CPUs: auto is the fastest set that the machine can run, train-alexnet devices lists the others; the last bits of results depend on the set"
)

func (s *settings) flags() []cli.Flag {
	d := train.Defaults()
	const input, recipe, device, record = "Data", "Recipe", "Devices", "Run folder"
	flags := []cli.Flag{
		&cli.PathFlag{Name: "train", Category: input, Usage: "`DIR` of shards to train on, or their address: s3://, gs:// or https://", Destination: &s.Train},
		&cli.PathFlag{Name: "val", Category: input, Usage: "`DIR` or address of shards to validate on after every epoch; without it the schedule plateau never drops the rate", Destination: &s.Val},
		&cli.PathFlag{Name: "pca", Category: input, Usage: "colour statistics `FILE` made by compute-pca; without it there is no colour noise", Destination: &s.PCA},
		&cli.StringFlag{Name: "noise", Category: input, Value: d.Noise, Usage: "colour noise `FORM`: sqrt adds 0.1·N(0,1)·√λ per axis in 0–255 units as in the original code, lambda01 adds 0.1·N(0,1)·λ in 0–1 units, off adds none", Destination: &s.Noise},
		&cli.StringFlag{Name: "mean", Category: input, Value: d.Mean, Usage: "`WHAT` to subtract from the pixels: channel for the mean colour of the training set, image for its mean picture, as in the paper and its code (each pixel has its own mean), imagenet for the usual constants, R,G,B for other constants, none to subtract nothing", Destination: &s.Mean},
		&cli.IntFlag{Name: "workers", Category: input, Usage: "`N` goroutines that decode and augment; 0 is one per core", Destination: &s.Workers},
		&cli.StringFlag{Name: "shuffle", Category: input, Value: d.Shuffle, Usage: "`ORDER` of each epoch: global, shards for storage with slow random access (shard after shard, shuffled in windows), none; default is global, or shards if --train is an address", Destination: &s.Shuffle},
		&cli.StringFlag{Name: "on-bad", Category: input, Value: d.OnBad, Usage: "`WHAT` to do with a picture of the shards that can't be read: stop, or skip it, count it, and exit with 3", Destination: &s.OnBad},

		&cli.StringFlag{Name: "recipe", Category: recipe, Usage: "take the settings that aren't given from the recipe `NAME`: " + strings.Join(train.RecipeNames(), ", ") + "; or from a file as --config does. Without it, and without --init, --input-scale and --warmup, the number of training pictures chooses the recipe: up to 20,000 small, up to 300,000 medium, else paper", Destination: &s.Recipe},
		&cli.StringFlag{Name: "net", Category: recipe, Value: d.Net, Usage: "`NET` to train: " + strings.Join(engine.PresetNames(), ", ") + ", or a JSON net file", Destination: &s.Net},
		&cli.StringFlag{Name: "without", Category: recipe, Usage: "train without `PARTS` of the paper, separated by commas: " + strings.Join(train.AblationNames(), ", "), Destination: &s.Without},
		&cli.PathFlag{Name: "from", Category: recipe, Usage: "fine-tune the net in checkpoint `FILE`, or with --net another one: all layers but the last begin with its weights, as far as they fit", Destination: &s.From},
		&cli.StringFlag{Name: "from-layers", Category: recipe, Usage: "take only `LAYERS` of --from: all, conv for convolutions, or names separated by commas", Destination: &s.FromLayers},
		&cli.StringFlag{Name: "freeze", Category: recipe, Usage: "don't change the weights of `LAYERS`, separated by commas, such as conv1,conv2", Destination: &s.Freeze},
		&cli.StringFlag{Name: "layer-rates", Category: recipe, Usage: "`FACTORS` on the learning rates of layers, such as conv1=0.1,fc8=10", Destination: &s.LayerRates},
		&cli.GenericFlag{Name: "changes", Category: recipe, Usage: "`LIST` of changes of settings in the course of the run, in JSON, such as '[{\"after\": 68, \"noise\": \"off\"}]'; a recipe file writes it as a list", Value: &s.Changes},
		&cli.IntFlag{Name: "epochs", Category: recipe, Value: d.Epochs, Usage: "stop after `N` passes over the training set", Destination: &s.Epochs},
		&cli.Uint64Flag{Name: "steps", Category: recipe, Usage: "stop after `N` steps in all; 0 sets no limit", Destination: &s.Steps},
		&cli.DurationFlag{Name: "max-time", Category: recipe, Usage: "save and stop after `TIME`, such as 10m or 8h; 0 sets no limit", Destination: &s.MaxTime},
		&cli.IntFlag{Name: "early-stop", Category: recipe, Usage: "stop after `EPOCHS` without a lower validation error, counted from the end of the warm-up; 0 never stops early", Destination: &s.EarlyStop},
		&cli.IntFlag{Name: "batch", Category: recipe, Value: d.Batch, Usage: "`N` pictures in a step; in a job of several ranks, of all ranks together", Destination: &s.Batch},
		&cli.IntFlag{Name: "accumulate", Category: recipe, Value: d.Accumulate, Usage: "cut each batch into `N` pieces, compute one after the other and add up their gradients: the same step in less memory", Destination: &s.Accumulate},
		&cli.Float64Flag{Name: "lr", Category: recipe, Value: d.LR, Usage: "learning `RATE` after the warm-up and before any drop", Destination: &s.LR},
		&cli.BoolFlag{Name: "find-lr", Category: recipe, Usage: "try rising learning rates for 600 steps, draw the loss over the rates to find-lr.png in --run or the current folder, print a rate to paste, and stop", Destination: &s.findLR},
		&cli.StringFlag{Name: "schedule", Category: recipe, Value: d.Schedule, Usage: "`KIND` of schedule of the learning rate: " + engine.AboutSchedules(), Destination: &s.Schedule},
		&cli.StringFlag{Name: "drop-at", Category: recipe, Usage: "`EPOCHS` after which --schedule step divides the learning rate by 10, such as 23,51,78 (run 145)", Destination: &s.DropAt},
		&cli.IntFlag{Name: "patience", Category: recipe, Value: d.Patience, Usage: "`EPOCHS` without a lower validation error before --schedule plateau drops the learning rate, counted from the end of the warm-up and never while the net still guesses; 0 is three epochs, or as many as have 500 steps if that is more", Destination: &s.Patience},
		&cli.Uint64Flag{Name: "warmup", Category: recipe, Usage: "`STEPS` over which the learning rate rises to its value", Destination: &s.Warmup},
		&cli.Float64Flag{Name: "momentum", Category: recipe, Value: d.Momentum, Usage: "`FACTOR` on the previous update", Destination: &s.Momentum},
		&cli.Float64Flag{Name: "decay", Category: recipe, Value: d.Decay, Usage: "weight decay `FACTOR`, on weights and not on biases", Destination: &s.Decay},
		&cli.Float64Flag{Name: "label-smoothing", Category: recipe, Usage: "spread this `PART` of each target over all classes, such as 0.1; 0 is the paper's", Destination: &s.Smoothing},
		&cli.StringFlag{Name: "init", Category: recipe, Value: d.Init, Usage: "`KIND` of first weights: paper draws N(0, 0.01) with biases 1 and 0, he scales by fan-in and suits small sets", Destination: &s.Init},
		&cli.Float64Flag{Name: "input-scale", Category: recipe, Usage: "`FACTOR` on mean-subtracted 0–255 pixels, 0.015625 (1/64) for small sets; 0 is the net's own, 1 for alexnet", Destination: &s.InputScale},
		&cli.Uint64Flag{Name: "seed", Category: recipe, Value: d.Seed, Usage: "`SEED` of first weights, order, crops, flips, colours and dropout", Destination: &s.Seed},

		&cli.StringFlag{Name: "devices", Category: device, Value: d.Devices, Usage: devicesUsage, Destination: &s.Devices},
		&cli.StringFlag{Name: "precision", Category: device, Value: d.Precision, Usage: precisionUsage, Destination: &s.Precision},
		&cli.StringFlag{Name: "kernels", Category: device, Value: d.Kernels, Usage: kernelsUsage, Destination: &s.Kernels},
		&cli.BoolFlag{Name: "deterministic", Category: device, Usage: "repeat runs bit for bit on a GPU too, at some cost; the CPU always does", Destination: &s.Deterministic},
		&cli.IntFlag{Name: "threads", Category: device, Usage: "`N` CPU threads, divided among the CPU contexts; 0 is one per core", Destination: &s.Threads},
		&cli.StringFlag{Name: "parallel", Category: device, Value: d.Parallel, Usage: parallelUsage, Destination: &s.Parallel},
		&cli.StringFlag{Name: "wire", Category: device, Value: d.Wire, Usage: wireUsage, Destination: &s.Wire},
		&cli.DurationFlag{Name: "rank-timeout", Category: device, Value: d.RankTimeout, Usage: "`TIME` that a rank waits for the others before it names the missing ones and ends the job", Destination: &s.RankTimeout},
		&cli.BoolFlag{Name: "dry-run", Category: record, Usage: "check everything, print the net and what would be done, and stop", Destination: &s.dryRun},
		&cli.PathFlag{Name: "config", Category: record, Usage: "read settings from `FILE`, YAML, TOML or JSON with the flags' names as keys, or the run.json of another run; flags override it", Destination: &s.configFile},
		&cli.BoolFlag{Name: "plan", Category: device, Usage: "print the memory that each device context will take, on its device and on the host, and stop", Destination: &s.plan},

		&cli.PathFlag{Name: "run", Category: record, Usage: "`DIR` that receives checkpoints, metrics and pictures", Destination: &s.Run},
		&cli.BoolFlag{Name: "resume", Category: record, Usage: "go on with the run in --run; flags that are not given keep the run's values", Destination: &s.Resume},
		&cli.BoolFlag{Name: "autoresume", Category: record, Usage: "go on with the run in --run if there is one, else begin it: one command for launchers that start a job again", Destination: &s.AutoResume},
		&cli.StringFlag{Name: "dashboard", Category: record, Usage: "show the run live in a browser at `ADDRESS`, such as :8080 for this machine alone; an address that other machines can reach requires a token", Destination: &s.dashboard},
		&cli.IntFlag{Name: "log-every", Category: record, Value: d.LogEvery, Usage: "`STEPS` that one line of metrics.jsonl sums up", Destination: &s.LogEvery},
		&cli.Uint64Flag{Name: "checkpoint-every", Category: record, Usage: "save also every `STEPS`, in addition to every ten minutes and every epoch; 0 adds none", Destination: &s.CheckpointEvery},
		&cli.IntFlag{Name: "keep", Category: record, Value: d.Keep, Usage: "keep the last `N` checkpoints, and the best", Destination: &s.Keep},
	}
	return slices.Concat(flags, command.AugmentFlags(&s.Augment, input), data.Flags(&s.Access, input))
}

// notInConfig lists the flags that a configuration file may not hold.
var notInConfig = []string{"config", "resume", "autoresume", "plan", "dry-run", "find-lr", "dashboard", "classes", "help"}

// read completes the settings that were not given, from the file of --config and from
// the resumed run.
func (s *settings) read(c *cli.Context) error {
	if s.configFile != "" {
		if err := configfile.Apply(c, s.configFile, notInConfig...); err != nil {
			return fmt.Errorf("--config: %w", err)
		}
	}
	if s.classes != "" && c.NArg() == 0 {
		return command.Usagef("--classes is for PICTURES: shards have the classes that prep-imagenet shard --classes gave them")
	}
	s.Dry = s.plan || s.dryRun || s.findLR
	if err := s.takeRecipe(c); err != nil {
		return err
	}
	switch { // the default doesn't name a net
	case s.From == "" || s.Net == "":
	case !c.IsSet("net") && s.Net == train.Defaults().Net:
		s.Net = ""
	case s.FromLayers == "":
		s.FromLayers = train.FromAll
	}
	return s.Inherit(c.IsSet)
}

// takeRecipe sets what was not given from a recipe or a file of one.
func (s *settings) takeRecipe(c *cli.Context) error {
	if s.Resumes() || s.Recipe == "" && s.configFile != "" {
		return nil
	}
	isFile, err := s.recipeFile()
	switch {
	case err != nil:
		return err
	case !isFile:
		s.chosen, err = s.Complete(c.Context, c.IsSet)
		return err
	}
	if err := configfile.Apply(c, s.Recipe, notInConfig...); err != nil {
		return fmt.Errorf("--recipe: %w", err)
	}
	return nil
}

// recipeFile reports whether --recipe gives a file, not a name.
func (s *settings) recipeFile() (bool, error) {
	_, unknown := train.FindRecipe(s.Recipe)
	if s.Recipe == "" || unknown == nil {
		return false, nil
	}
	if _, err := os.Stat(s.Recipe); err != nil {
		return false, command.Usagef("--recipe: %w, or give a file", unknown)
	}
	return true, nil
}

// origins names the settings of c by flags. isSet reports whether a flag was given.
func origins(c train.Config, isSet func(name string) bool) setting.Words {
	recipe, _ := train.FindRecipe(c.Recipe) // an unknown recipe decides nothing
	return setting.Origins{IsSet: isSet, Resumed: c.Resumes(), Recipe: c.Recipe, Decides: recipe.Decides}
}
