package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/internal/bytesize"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// Pictures describes how to make a run from labelled pictures.
type Pictures struct {
	In string // folder, archive or list, as source.Open takes it

	// Classes is the list of classes to take, as pipeline.ReadClasses reads it; "" takes all.
	Classes string

	// KeepForVal is the share of each class that is kept for validation, if In does
	// not say which pictures are for validation; 0 means a tenth.
	KeepForVal float64

	// Dry makes nothing: Make only looks at the settings, counts the pictures and decodes
	// some of them.
	Dry bool

	// Note receives sentences, Progress how far a split is; either may be nil.
	Note     func(sentence string)
	Progress func(split string, p pipeline.ShardProgress)
}

// Made is the result of Pictures.Make.
type Made struct {
	Commands []string // that do the same; the last trains
	LeftOut  int      // pictures that couldn't be read

	// Of a run that isn't begun: the recipe that was chosen, the job that it will be, for
	// Job.Print only, and what there is to say of it.
	Recipe  string
	Planned *Job
	Notes   []Note
}

// fewPictures is the number of pictures below which a small net is chosen.
const fewPictures = 20_000

// Make makes what a run needs in the folder c.Run (shards/train, shards/val and
// pca.json) and sets c.Train, c.Val and c.PCA. It reuses complete shards that are
// there. c.Net becomes the net of c.Recipe. Without a recipe, and if "net" was not
// given, it becomes alexnet-mini for few pictures, or that of c.From. given may be nil,
// as in Config.Complete. Bad settings are found before any work; with their error it
// returns the recipe that they came from.
func (p Pictures) Make(ctx context.Context, c *Config, given func(setting string) bool) (*Made, error) {
	if given == nil {
		var err error
		if given, err = c.unlikeDefaults(); err != nil {
			return nil, err
		}
	}
	if p.KeepForVal == 0 {
		p.KeepForVal = .1
	}
	if c.Run == "" {
		return nil, setting.Invalidf("%s is required", setting.Name("run"))
	}
	if c.From != "" && given("net") && c.FromLayers == "" {
		c.FromLayers = FromAll // the user meant the default net
	}
	if err := c.lookAhead(given); err != nil {
		return nil, err
	}
	chooseNet := !given("net") && c.Net == Defaults().Net
	c.Train, c.Val, c.PCA = filepath.Join(c.Run, "shards", "train"), filepath.Join(c.Run, "shards", "val"), filepath.Join(c.Run, "pca.json")
	splits, err := p.open(ctx, c.Run)
	for _, s := range splits {
		defer s.Close()
	}
	if err != nil {
		return nil, err
	}
	images, classes := len(splits[0].Items()), len(splits[0].Classes())
	if classes == 1 {
		return nil, fmt.Errorf("%s: all pictures are of one class, %q: give a folder with two or more class folders", p.In, splits[0].Classes()[0].ID)
	}
	if len(splits[1].Items()) == 0 {
		return nil, fmt.Errorf("%s: no class has two pictures, so there is none to validate on: add pictures", p.In)
	}
	size, err := c.pictureSize(images, chooseNet)
	if err != nil {
		return nil, err
	}
	made := new(Made)
	if _, err := ReadRecord(c.Run); err != nil {
		trial := *c
		made.Planned, made.Notes, err = trial.foresee(p.In, images, len(splits[1].Items()), classes, given)
		if made.Recipe = trial.Recipe; err != nil {
			return made, err
		}
	}
	for _, s := range splits {
		if err := p.shard(ctx, c, s, size, made); err != nil {
			return nil, err
		}
	}
	if !p.Dry {
		if err := c.makePCA(); err != nil {
			return nil, err
		}
	}
	train := fmt.Sprintf("train-alexnet --train %s --val %s --pca %s --run %s", printable.ShellWord(c.Train), printable.ShellWord(c.Val), printable.ShellWord(c.PCA), printable.ShellWord(c.Run))
	if c.Net != Defaults().Net || given("net") {
		train += " --net " + printable.ShellWord(c.Net)
	}
	made.Commands = append(made.Commands, "compute-pca --shards "+printable.ShellWord(c.Train)+" --out "+printable.ShellWord(c.PCA), train)
	return made, nil
}

// split is the pictures of one split.
type split struct {
	source.Source
	name     string
	fraction float64 // kept for validation; 0 if the source has its own splits
}

// open opens the training and the validation pictures. The caller closes the opened ones,
// also after an error. run is the run's folder.
func (p Pictures) open(ctx context.Context, run string) (all []split, err error) {
	said := map[string]bool{} // for both splits
	o := source.Options{SplitFraction: p.KeepForVal, Note: func(sentence string) {
		if p.Note != nil && !said[sentence] {
			said[sentence] = true
			p.Note(sentence)
		}
	}}
	if p.Classes != "" {
		if o.Classes, err = pipeline.ReadClasses(p.Classes); err != nil {
			err = setting.In(err, setting.Flags{}) // it names the command of its flags
			return nil, setting.Errorf("%s: %w", setting.Name("classes"), err)
		}
	}
	for _, name := range []string{"train", "val"} {
		o.Split = name
		src, err := source.Open(ctx, p.In, o)
		if errors.Is(err, source.ErrOwnSplit) {
			o.SplitFraction = 0
			src, err = source.Open(ctx, p.In, o)
		}
		if found := (*source.ShardsError)(nil); errors.As(err, &found) {
			return all, setting.Invalidf("%w: train-alexnet %s trains on them", err, shardsGiven(found.Dirs, run))
		}
		if err != nil {
			return all, err
		}
		all = append(all, split{src, name, o.SplitFraction})
	}
	return all, nil
}

// shardsGiven stands for the settings of a run on shards.
func shardsGiven(dirs []string, run string) any {
	given := []any{setting.Suggest("train", printable.ShellWord(dirs[0]))}
	if len(dirs) > 1 {
		given = append(given, setting.Suggest("val", printable.ShellWord(dirs[1])))
	}
	return setting.Together(append(given, setting.Suggest("run", printable.ShellWord(run)))...)
}

// makePCA writes the colour statistics of the training set.
func (c *Config) makePCA() error {
	d, err := pipeline.OpenDataset(c.Train)
	if err != nil {
		return err
	}
	pca, err := augment.FromSums(d.Meta().Statistics)
	if err := errors.Join(err, d.Close()); err != nil {
		return err
	}
	text, err := json.MarshalIndent(pca, "", "  ")
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(c.PCA); err == nil && string(old) == string(text)+"\n" {
		return nil
	}
	return file.WriteAll(c.PCA, append(text, '\n'))
}

// lookAhead uses the net of c's recipe, and checks the settings for training it, as far
// as this needs no pictures.
func (c *Config) lookAhead(given func(setting string) bool) error {
	trial := *c
	trial.Train, trial.Val, trial.PCA = "train", "val", "pca.json" // to be made
	if r, err := FindRecipe(c.Recipe); err == nil {
		if err := r.Apply(&trial, 0, given); err != nil {
			return err
		}
		c.Net = trial.Net
	}
	return trial.Validate()
}

// foresee prepares a new run on shards of images pictures of in, with held for
// validation, as far as this needs no shards. It finds invalid settings, and sets those
// of the chosen recipe.
func (c *Config) foresee(in string, images, held, classes int, given func(setting string) bool) (j *Job, notes []Note, err error) {
	about, err := c.chooseFor(images, given)
	if err != nil {
		return nil, nil, err
	}
	j = &Job{c: *c, now: *c, observer: Silent{}, group: collective.Single{}, images: images, held: held, classes: make([]string, classes), pca: new(augment.PCA)}
	defer j.Close()
	if j.c.Open == nil {
		j.c.Open = j.openDevices
	}
	enter := func() error { return j.enter(j.position(), j.learnt()) }
	fits := func() error { // and reports missing devices
		_, err := j.Memory()
		return err
	}
	err = j.together(j.c.Validate, j.chooseDevices, j.chooseKernels, j.shareOut, func() error { return j.checkBatch(in) }, j.chooseNet, j.checkLayers, enter, fits)
	if err != nil {
		return nil, nil, err
	}
	if about.String() != "" {
		notes = append(notes, about)
	}
	if hint, few := j.fewSteps(); few {
		notes = append(notes, hint)
	}
	return j, notes, nil
}

// pictureSize returns the size of pictures that suits the net. With chooseNet it
// chooses the net first.
func (c *Config) pictureSize(images int, chooseNet bool) (int, error) {
	if c.ownNet() {
		from, err := engine.OpenCheckpoint(c.From)
		if err != nil {
			return 0, setting.Errorf("%s: %w", setting.Name("from"), err)
		}
		from.Close()
		return cmp.Or(from.PictureSize, from.Net.PictureSize()), nil
	}
	if chooseNet && images <= fewPictures {
		c.Net = "alexnet-mini"
	}
	read := func() (*engine.Net, error) { return NamedNet(c.Net, 2) }
	if IsNetFile(c.Net) {
		read = func() (*engine.Net, error) { return ReadNet(c.Net) }
	}
	net, err := read()
	if err != nil {
		return 0, err
	}
	return net.PictureSize(), nil
}

// shard makes one split.
func (p Pictures) shard(ctx context.Context, c *Config, s split, size int, made *Made) error {
	out := map[string]string{"train": c.Train, "val": c.Val}[s.name]
	command := fmt.Sprintf("prep-imagenet shard --in %s --out %s --split %s --size %d", printable.ShellWord(p.In), printable.ShellWord(out), s.name, size)
	if p.Classes != "" {
		command += " --classes " + printable.ShellWord(p.Classes)
	}
	if s.fraction > 0 {
		command += fmt.Sprintf(" --split-fraction %g", s.fraction)
	}
	made.Commands = append(made.Commands, command)
	config := pipeline.ShardConfig{Out: out, Split: s.name, Size: size, Workers: c.Workers}
	if p.Dry {
		return p.try(ctx, config, s)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return err
	}
	sum, err := pipeline.Shard(ctx, config, s.Source, func(progress pipeline.ShardProgress) {
		if p.Progress != nil {
			p.Progress(s.name, progress)
		}
	})
	if other := (*pipeline.OtherJobError)(nil); errors.As(err, &other) {
		return setting.Errorf("%s has shards of %s as it was, or for another net (%s): give %s for a run of what is there now, or go on with the old one by %s and %s",
			c.Run, p.In, other.How, setting.Suggest("run", printable.ShellWord(c.Run+"-2")), setting.Suggest("run", printable.ShellWord(c.Run)), setting.Name("resume"))
	}
	if err != nil {
		return err
	}
	if n := len(sum.Bad); n > 0 && p.Note != nil {
		p.Note(fmt.Sprintf("%d of %s left out, listed in %s; the first is %q: %s", n, printable.Count(sum.Meta.Source.Found, "picture"), sum.Report, sum.Bad[0].Name, sum.Bad[0].Reason))
	}
	if sum.Enlarged > 0 && p.Note != nil {
		p.Note(fmt.Sprintf("enlarged: %d of %s in %s, with fewer than %d pixels on the short side", sum.Enlarged, printable.Count(sum.Meta.Images, "picture"), out, size))
	}
	made.LeftOut += len(sum.Bad)
	return nil
}

// try decodes pictures of a split without shards, and notes the results.
func (p Pictures) try(ctx context.Context, c pipeline.ShardConfig, s split) error {
	if _, err := os.Stat(filepath.Join(c.Out, mds.IndexName)); err == nil {
		return nil
	}
	e, err := pipeline.EstimateShard(ctx, c, s.Source)
	if err != nil || p.Note == nil {
		return err
	}
	tried, found := "", "all can be read"
	if e.Sample < e.Pictures {
		tried = fmt.Sprintf(", of which %d were tried", e.Sample)
	}
	if e.Bad > 0 {
		found = fmt.Sprintf("%d can't be read, such as %q: %s", e.Bad, e.FirstBad.Name, e.FirstBad.Reason)
	}
	p.Note(fmt.Sprintf("%s: %s%s: %s; the shards would take about %s, in %s",
		s.name, printable.Count(e.Pictures, "picture"), tried, found, bytesize.Format(e.Bytes), printable.Span(max(e.Time, time.Second))))
	return nil
}
