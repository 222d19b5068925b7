package train

import (
	"math"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// noteOddities prints notes, before a run begins, about settings that are probably
// mistakes; where it goes on, only the last one.
func (j *Job) noteOddities() error {
	if j.checkpoint == nil {
		if err := inTurn(j.noteSplits, j.noteOtherPCA); err != nil {
			return err
		}
		j.noteLoudStart()
		if note := devices.KernelNote(j.c.Precision); note != "" && j.kernels != "" && j.c.Kernels == devices.Auto {
			j.note("note: %s", note)
		}
		if hint, few := j.fewSteps(); few {
			j.observer.Note(hint)
		}
	}
	if crop, size := j.net.Input.Size, j.trainData.Meta().Size; 4*crop < 3*size {
		j.note("note: net %s sees %d of the shards' %d pixels a side; shards made with %s show it whole pictures", j.net.Name, crop, size, setting.Suggest("size", j.net.PictureSize()))
	}
	return nil
}

// noteSplits notes equal training and validation sets, and exchanged ones.
func (j *Job) noteSplits() error {
	if j.valData == nil {
		return nil
	}
	train, err := describeData(j.c.Train, j.trainData)
	if err != nil {
		return err
	}
	val, err := describeData(j.c.Val, j.valData)
	if err != nil {
		return err
	}
	switch {
	case train.Index == val.Index:
		j.note("note: %s and %s hold the same pictures, so the validation error says nothing of pictures that the net hasn't seen", setting.Name("train"), setting.Name("val"))
	case j.trainData.Meta().Split == "val" && j.valData.Meta().Split == "train":
		j.note("note: %s is a set for training and %s one for validation: they may be in each other's place", setting.Value("val", j.c.Val), setting.Value("train", j.c.Train))
	}
	return nil
}

// otherMean is the distance of mean colours, in 0–255 units, from which two sets of
// statistics count as those of different pictures. The codec changes colours by less.
const otherMean = 0.5

// noteOtherPCA notes colour statistics that are not those of the training set.
func (j *Job) noteOtherPCA() error {
	own := j.trainData.Meta().Statistics
	if j.pca == nil || own.Pixels == 0 || j.from != nil {
		return nil
	}
	for c, mean := range own.Mean() {
		if math.Abs(mean-j.pca.Mean[c]) > otherMean {
			j.note("note: %s is of other pictures than %s: their mean colours are %.1f and %.1f; compute-pca makes one of these shards", setting.Value("pca", j.c.PCA), j.c.Train, j.pca.Mean, own.Mean())
			break
		}
	}
	return nil
}

// noteLoudStart notes first weights for inputs about 1, if the net reads inputs of
// 0–255.
func (j *Job) noteLoudStart() {
	scale := j.net.Input.Scale
	if j.c.Init == string(engine.InitHe) && j.from == nil && (scale == 0 || scale == 1) {
		j.note("note: %s keeps the size of its input, and the pixels are of 0 to 255: give %s too, or the first steps are wild", setting.Value("init", j.c.Init), setting.Suggest("input-scale", smallScale))
	}
}

// smallScale scales pixels to numbers about 1, as the recipes do.
const smallScale = 0.015625

// Steps below which a net that begins with random weights has learnt next to nothing:
// docs/training.md has the measurements. The paper's start stays at chance for the first
// hundreds.
const (
	fewSteps      = 400
	fewStepsPaper = 1000
)

// bySize reports whether the run has no recipe, or one of those for sets of a size; other
// recipes are for a certain net.
func (c *Config) bySize() bool {
	r, err := FindRecipe(c.Recipe)
	return c.Recipe == "" || err == nil && (r.UpTo > 0 || r.Name == "paper")
}

// fewSteps is a hint for a run that is too short to learn much.
func (j *Job) fewSteps() (hint Note, few bool) {
	enough := fewSteps
	if j.c.Init == string(engine.InitPaper) {
		enough = fewStepsPaper
	}
	steps, each := int(j.Steps()), j.StepsPerEpoch()
	if j.from != nil || steps >= enough {
		return hint, false
	}
	var give []any
	if suits := RecipeFor(j.images); suits.Name != "paper" && suits.Name != j.c.Recipe && j.c.bySize() {
		give = append(give, setting.Suggest("recipe", suits.Name))
		each, enough = max(1, j.images/suits.batch()), fewSteps
	}
	if epochs := (enough + each - 1) / each; epochs > j.c.Epochs || len(give) == 0 && j.c.Steps == 0 {
		give = append(give, setting.Suggest("epochs", epochs))
	}
	if j.c.Steps > 0 && j.c.Steps < uint64(enough) {
		give = append(give, setting.Suggest("steps", enough))
	}
	are := printable.Verbatim("are")
	if steps == 1 {
		are = "is"
	}
	return setting.Notef("hint: %s of %s %s too few for a net that begins from nothing; paste: %s", printable.Count(steps, "step"), printable.Count(j.c.Batch, "picture"), are, setting.Together(give...)), true
}
