package train

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// Job is a prepared run: its settings are checked, and its inputs are open.
type Job struct {
	c          Config
	observer   Observer
	group      collective.Collective
	record     *Record           // of the run that is resumed; nil for a new one
	changed    map[string]change // settings that differ from the resumed run's
	over       engine.Stop       // why a run that is resumed has nothing left to do; else ""
	trainData  *pipeline.Dataset
	valData    *pipeline.Dataset // nil without validation
	images     int               // in the training set
	held       int               // in the validation set; 0 without
	pca        *augment.PCA      // nil without
	classes    []string
	checkpoint *engine.CheckpointFile // to go on from; nil to begin
	from       *engine.CheckpointFile // to begin with the weights of; nil without
	kept       []string               // layers that begin with them
	net        *engine.Net
	now        Config          // in force: c with the changes that are made
	made       Changes         // changes that are made
	schedule   engine.Schedule // of now
	ownDevices string          // this rank's, as what follows
	kernels    string          // of the CPU, the same on all ranks; "" on GPUs
	threads    int             // 0 is one per core
	workers    int             // likewise
	locked     bool
	closers    []func() error
}

// Prepare checks the settings of a run and opens its inputs, before anything is
// written. All ranks of a group call it, and it fails on all of them or on none. The
// caller closes the Job.
func Prepare(ctx context.Context, c Config, o Observer) (*Job, error) {
	if o == nil {
		o = Silent{}
	}
	j := &Job{c: c, now: c, observer: o, group: c.Group}
	if j.group == nil {
		j.group = collective.Single{}
	}
	if j.c.Open == nil {
		j.c.Open = j.openDevices
	}
	// Rank 0 writes only after all ranks have read.
	err := j.together(func() error { return j.open(ctx) }, j.checkFolder)
	if err == nil && j.over == "" {
		err = j.together(j.checkAlike, j.checkData, j.agreeOnKernels)
	}
	if err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

// together runs steps on all ranks, up to the first step that fails on any of them.
func (j *Job) together(steps ...func() error) error {
	for _, step := range steps {
		if err := collective.Agree(j.group, step()); err != nil {
			return err
		}
	}
	return nil
}

// inTurn runs steps up to the first that fails.
func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// open is Prepare on one rank.
func (j *Job) open(ctx context.Context) error {
	if err := inTurn(j.c.chooseResume, j.readRecord); err != nil || j.over != "" {
		return err
	}
	openData := func() error { return j.openData(ctx) }
	return inTurn(j.c.Validate, j.chooseDevices, j.chooseKernels, j.shareOut, openData, j.openCheckpoint, j.chooseNet,
		j.checkNet, j.checkSizes, j.checkLayers, j.chooseSchedule, j.noteOddities)
}

// readRecord reads the record of a run that is resumed, and locks its folder if something
// is left to do.
func (j *Job) readRecord() (err error) {
	if j.c.Run != "" {
		if j.record, err = begin(j.c.Run, j.c.Resume); err != nil {
			return err
		}
	}
	if _, err := j.c.absolute(); err != nil || j.record == nil {
		return err
	}
	if err := inTurn(j.compare, j.findEnd); err != nil || j.over != "" {
		return err
	}
	return j.lock()
}

// chooseKernels chooses this rank's set of kernels.
func (j *Job) chooseKernels() (err error) {
	j.kernels, err = devices.ChosenKernels(j.ownDevices, j.deviceOptions())
	return devices.SettingError(err)
}

// checkNet returns an error for another net than the checkpoint's.
func (j *Job) checkNet() error {
	if j.checkpoint == nil {
		return nil
	}
	what := netDifference(j.checkpoint.Net, j.net)
	if what == "" {
		return nil
	}
	return setting.Errorf("checkpoint %s is of another net: %s: go on with the net that the run was begun with%s, or begin a new run",
		j.checkpoint.Path, what, setting.LeaveOut("net", "without", "input-scale"))
}

// Close closes the job's inputs and unlocks the run folder.
func (j *Job) Close() {
	slices.Reverse(j.closers)
	for _, f := range j.closers {
		f() // an error doesn't matter after reading
	}
	j.closers = nil
}

// note sends a note to the observer; strings among the values are escaped.
func (j *Job) note(format string, values ...any) { j.observer.Note(setting.Notef(format, values...)) }

// lock keeps other processes out of the run folder, which must exist.
func (j *Job) lock() error {
	if j.locked || j.c.Dry || j.group.Rank() != 0 {
		return nil
	}
	unlock, err := lockRun(j.c.Run)
	if err != nil {
		return err
	}
	j.locked = true
	j.closers = append(j.closers, unlock)
	return nil
}

// chooseNet takes the net from the settings, or from the checkpoint whose weights the run
// begins with.
func (j *Job) chooseNet() (err error) {
	if j.c.From != "" && j.checkpoint != nil {
		j.net = j.checkpoint.Net
		return nil
	}
	if j.c.From != "" {
		if j.from, err = engine.OpenCheckpoint(j.c.From); err != nil {
			return setting.Errorf("%s: %w", setting.Name("from"), err)
		}
		j.closers = append(j.closers, j.from.Close)
	}
	if j.c.ownNet() {
		j.net = j.from.Net.WithClasses(len(j.classes))
	} else if j.net, err = j.c.BuildNet(len(j.classes)); err != nil {
		return err
	}
	if j.from != nil {
		return j.adopt()
	}
	return nil
}

// adopt chooses the layers that begin with From's weights, and notes the treatment of the
// others if it isn't the usual one of fine-tuning.
func (j *Job) adopt() error {
	var wanted func(engine.Layer) bool
	switch names := SplitList(j.c.FromLayers); {
	case j.c.FromLayers == "" || j.c.FromLayers == FromAll:
	case j.c.FromLayers == FromConvolutions:
		wanted = func(l engine.Layer) bool { return l.Conv != nil }
	default:
		if err := j.net.HasLayers(names); err != nil {
			return setting.Invalidf("%s: %w; or give %s or %s", setting.Value("from-layers", j.c.FromLayers), err, FromAll, FromConvolutions)
		}
		wanted = func(l engine.Layer) bool { return slices.Contains(names, l.Name) }
	}
	a, err := j.from.Adoption(j.net, wanted)
	if err != nil {
		return err
	}
	var fresh []string
	for _, name := range a.Fresh {
		if why := a.Why[name]; why != "" {
			name += " (" + why + ")"
		}
		fresh = append(fresh, name)
	}
	none := func(list []string) string { return cmp.Or(setting.Enumerate(list), "none") }
	if len(a.Kept) == 0 {
		return setting.Invalidf("%s: no layer of net %s can begin with the weights of %s; begun anew would be %s", setting.Name("from"), j.net.Name, j.c.From, none(fresh))
	}
	j.kept = a.Kept
	// Weights fit the scale of the pixels in their training.
	own, theirs := cmp.Or(j.net.Input.Scale, 1), cmp.Or(j.from.Net.Input.Scale, 1)
	if j.c.InputScale == 0 && own != theirs {
		j.net.Input.Scale = theirs
		j.note("note: from %s: %s %g too", j.c.From, setting.Name("input-scale"), theirs)
	}
	if len(a.Fresh) > 1 || len(a.Left) > 0 {
		j.note("note: from %s: kept %s; begun anew %s; left out %s", j.c.From, none(a.Kept), none(fresh), none(a.Left))
	}
	return nil
}

// checkSizes returns an error for shards whose pictures are too small for the net, or
// whose size differs between training and validation.
func (j *Job) checkSizes() error {
	size := j.trainData.Meta().Size
	switch {
	case size < j.net.Input.Size:
		return setting.Errorf("net %s reads %d pixels a side and the pictures of %s have %d: make shards with prep-imagenet shard %s, or %s",
			j.net.Name, j.net.Input.Size, j.c.Train, size, setting.Suggest("size", j.net.PictureSize()), j.c.smallerNet(size))
	case j.valData != nil && j.valData.Meta().Size != size:
		return setting.Errorf("the pictures of %s have %d pixels a side and those of %s %d: make both with the same %s", j.c.Train, size, j.c.Val, j.valData.Meta().Size, setting.Name("size"))
	case j.checkpoint != nil && j.checkpoint.PictureSize != 0 && j.checkpoint.PictureSize != size:
		return fmt.Errorf("checkpoint %s was trained on pictures of %d pixels a side and those of %s have %d: give the shards that the run was begun with",
			j.checkpoint.Path, j.checkpoint.PictureSize, j.c.Train, size)
	}
	return nil
}

// smallerNet advises a net for pictures of a size, if the net's trained weights aren't
// wanted.
func (c *Config) smallerNet(size int) setting.Text {
	if c.From != "" {
		return setting.Textf("choose another net")
	}
	var names []any
	for _, name := range engine.PresetNames() {
		if n, err := engine.Preset(name, 2); err == nil && n.Input.Size <= size && 4*n.Input.Size >= 3*size {
			names = append(names, setting.Suggest("net", name))
		}
	}
	if len(names) == 0 {
		return setting.Textf("choose another net")
	}
	return setting.Textf("give %s", names[0])
}

func (j *Job) openData(ctx context.Context) (err error) {
	j.c.TakeDamaged = j.c.OnBad == OnBadSkip
	open := func(dir string) (*pipeline.Dataset, error) {
		d, err := j.c.Access.Open(ctx, dir, func(text string) { j.note("note: %s", text) })
		if err == nil {
			j.closers = append(j.closers, d.Close)
		}
		return d, err
	}
	if j.trainData, err = open(j.c.Train); err != nil {
		return err
	}
	if j.c.Shuffle == pipeline.ShuffleDefault.String() {
		j.c.Shuffle = j.trainData.TrainingShuffle().String() // the run keeps it wherever its shards are
	}
	j.classes, j.images = j.trainData.ClassIDs(), j.trainData.Len()
	if j.c.Val != "" {
		if j.valData, err = open(j.c.Val); err != nil {
			return err
		}
		if v := j.valData.ClassIDs(); !slices.Equal(v, j.classes) {
			return setting.Errorf("%s and %s have different classes (%d and %d of them%s): make the second with prep-imagenet shard %s %s, and it may lack pictures of some",
				j.c.Train, j.c.Val, len(j.classes), len(v), pipeline.ClassDifference(j.classes, v), setting.Suggest("split", "val"), setting.Suggest("classes", j.c.Train))
		}
	}
	if j.valData != nil {
		j.held = j.valData.Len()
	}
	if err := j.checkBatch(j.c.Train); err != nil {
		return err
	}
	if j.c.PCA == "" {
		if j.c.Noise != NoiseOff {
			mean := ""
			if j.c.Mean == MeanChannel && j.c.From == "" && !j.c.Resume {
				mean = ", and the mean colour comes from the shards' index"
			}
			j.note("note: no %s file, so there is no colour noise%s", setting.Name("pca"), mean)
		}
		return nil
	}
	pca, err := augment.ReadPCA(j.c.PCA)
	if err != nil {
		return err
	}
	j.pca = &pca
	return nil
}

// checkBatch returns an error for a batch that is larger than the training set, with one
// that fits.
func (j *Job) checkBatch(of string) error {
	if j.c.Batch <= j.images {
		return nil
	}
	pieces := j.group.Size() * j.c.Accumulate
	fits := j.images / pieces * pieces
	if fits == 0 {
		return setting.Invalidf("%s: %s has only %s to train on: more are needed", setting.Value("batch", j.c.Batch), of, printable.Count(j.images, "picture"))
	}
	return setting.Invalidf("%s: %s has only %s to train on: give %s", setting.Value("batch", j.c.Batch), of, printable.Count(j.images, "picture"), setting.Suggest("batch", fits))
}

// openCheckpoint opens the latest checkpoint of a resumed run, and compares it with
// the settings as far as no model is needed.
func (j *Job) openCheckpoint() error {
	if !j.c.Resume {
		return nil
	}
	if err := j.openLatest(); err != nil {
		return err
	}
	if j.checkpoint == nil {
		j.note("note: %s has no checkpoint yet, so the run begins again", j.c.Run)
		return nil
	}
	if err := infer.SameClasses(j.checkpoint.Path, j.checkpoint.Classes, j.trainData); err != nil {
		return err
	}
	now, err := describeData(j.c.Train, j.trainData)
	if err != nil {
		return err
	}
	if now.Index != j.record.Train.Index {
		j.note("note: %s is not what the run was begun with, so it goes on differently", j.c.Train+"/index.json")
	}
	return nil
}
