package main

import (
	"context"
	"fmt"
	"slices"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// prepare checks the settings and opens what is read, before anything is
// written. isSet says which flags were given.
func prepare(ctx context.Context, isSet func(flag string) bool, s *settings, group collective.Collective, line *command.Line) (_ *job, err error) {
	s.isSet = isSet
	j := &job{settings: s, group: group, line: line, open: openDevices}
	defer func() {
		if err != nil {
			j.close()
		}
	}()
	if s.Run != "" || s.Resume {
		if s.Run == "" {
			return nil, command.Usagef("--resume needs --run DIR, the folder of the run to go on with")
		}
		if j.record, err = begin(s.Run, s.Resume); err != nil {
			return nil, err
		}
	}
	if err := s.absolute(); err != nil {
		return nil, err
	}
	if j.record != nil {
		if err := j.inherit(); err != nil {
			return nil, err
		}
		if err := j.findEnd(); err != nil || j.over != "" {
			return j, err
		}
		if err := j.lock(); err != nil {
			return nil, err
		}
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	if err := j.chooseDevices(); err != nil {
		return nil, err
	}
	if j.kernels, err = devices.ChosenKernels(j.ownDevices, j.deviceOptions()); err != nil {
		return nil, command.Usagef("--%w", err)
	}
	if err := j.shareOut(); err != nil {
		return nil, err
	}
	if err := j.openData(ctx); err != nil {
		return nil, err
	}
	if err := j.openCheckpoint(); err != nil {
		return nil, err
	}
	if err := j.chooseNet(); err != nil {
		return nil, err
	}
	if j.checkpoint != nil {
		if what := netDifference(j.checkpoint.Net, j.net); what != "" {
			return nil, fmt.Errorf("checkpoint %s is of another net: %s: go on with the net that the run was begun with%s, or begin a new run",
				j.checkpoint.Path, what, s.leaveOut("net", "without", "input-scale"))
		}
	}
	if err := j.checkSizes(); err != nil {
		return nil, err
	}
	if err := j.chooseSchedule(); err != nil {
		return nil, err
	}
	if crop, size := j.net.Input.Size, j.trainData.Meta().Size; 4*crop < 3*size {
		j.line.Print("note: net %s sees %d of the shards' %d pixels a side; shards made with --size %d show it whole pictures", j.net.Name, crop, size, j.net.PictureSize())
	}
	return j, nil
}

// lock keeps other processes out of the run folder, which exists.
func (j *job) lock() error {
	if j.locked || j.DryRun || j.Plan || j.group.Rank() != 0 {
		return nil
	}
	unlock, err := lockRun(j.Run)
	if err != nil {
		return err
	}
	j.locked = true
	j.closers = append(j.closers, unlock)
	return nil
}

// chooseNet takes the net from the settings, or from the checkpoint that is
// fine-tuned.
func (j *job) chooseNet() (err error) {
	switch {
	case j.From == "":
		j.net, err = j.settings.net(len(j.classes))
		return err
	case j.isSet("net"):
		return command.Usagef("%s brings its own net%s", j.flag("from", j.From), j.leaveOut("net"))
	case j.checkpoint != nil:
		j.net = j.checkpoint.Net
		return nil
	}
	if j.from, err = engine.OpenCheckpoint(j.From); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	j.closers = append(j.closers, j.from.Close)
	j.net = j.from.Net.WithClasses(len(j.classes))
	return nil
}

// checkSizes reports shards whose pictures are too small for the net, or of
// another size than those it is trained on.
func (j *job) checkSizes() error {
	size := j.trainData.Meta().Size
	switch {
	case size < j.net.Input.Size:
		return fmt.Errorf("net %s reads %d pixels a side and the pictures of %s have %d: make shards with --size %d, or choose another net",
			j.net.Name, j.net.Input.Size, j.Train, size, j.net.PictureSize())
	case j.valData != nil && j.valData.Meta().Size != size:
		return fmt.Errorf("the pictures of %s have %d pixels a side and those of %s %d: make both with the same --size", j.Train, size, j.Val, j.valData.Meta().Size)
	case j.checkpoint != nil && j.checkpoint.PictureSize != 0 && j.checkpoint.PictureSize != size:
		return fmt.Errorf("checkpoint %s was trained on pictures of %d pixels a side and those of %s have %d: give the shards that the run was begun with",
			j.checkpoint.Path, j.checkpoint.PictureSize, j.Train, size)
	}
	return nil
}

func (j *job) openData(ctx context.Context) (err error) {
	j.TakeDamaged = j.OnBad == onBadSkip
	open := func(dir string) (*pipeline.Dataset, error) {
		d, err := j.Access.Open(ctx, dir, noted(j.line))
		if err == nil {
			j.closers = append(j.closers, d.Close)
		}
		return d, err
	}
	if j.trainData, err = open(j.Train); err != nil {
		return err
	}
	if j.Shuffle == pipeline.ShuffleDefault.String() {
		j.Shuffle = j.trainData.TrainingShuffle().String() // the run keeps it wherever its shards are
	}
	j.classes = j.trainData.ClassIDs()
	if j.Val != "" {
		if j.valData, err = open(j.Val); err != nil {
			return err
		}
		if v := j.valData.ClassIDs(); !slices.Equal(v, j.classes) {
			return fmt.Errorf("%s and %s have different classes (%d and %d of them%s): make the second with prep-imagenet shard --split val --classes %s, and it may lack pictures of some",
				j.Train, j.Val, len(j.classes), len(v), pipeline.ClassDifference(j.classes, v), j.Train)
		}
	}
	if j.Batch > j.trainData.Len() {
		return command.Usagef("%s: %s has only %d pictures: choose a smaller batch", j.flag("batch", j.Batch), j.Train, j.trainData.Len())
	}
	if j.PCA == "" {
		if j.Noise != noiseOff {
			note := "no --pca file, so there is no colour noise"
			if j.Mean == meanChannel && j.From == "" && !j.Resume {
				note += ", and the mean colour comes from the shards' index"
			}
			j.line.Print("note: %s", note)
		}
		return nil
	}
	pca, err := augment.ReadPCA(j.PCA)
	if err != nil {
		return err
	}
	j.pca = &pca
	return nil
}

// openCheckpoint opens the latest checkpoint of a run that is resumed, and
// compares what can be compared without a model.
func (j *job) openCheckpoint() error {
	if !j.Resume {
		return nil
	}
	if err := j.openLatest(); err != nil {
		return err
	}
	if j.checkpoint == nil {
		j.line.Print("note: %s has no checkpoint yet, so the run begins again", j.Run)
		return nil
	}
	if old := j.checkpoint.Classes; !slices.Equal(old, j.classes) {
		return fmt.Errorf("checkpoint %s was trained on %d classes (%s …), %s has %d (%s …): give the shards that the run was begun with",
			j.checkpoint.Path, len(old), first(old), j.Train, len(j.classes), first(j.classes))
	}
	if now, err := describeData(j.Train, j.trainData); err != nil {
		return err
	} else if now.Index != j.record.Train.Index {
		j.line.Print("note: %s is not what the run was begun with, so it goes on differently", j.Train+"/index.json")
	}
	return nil
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// noted prints on line what the user should know.
func noted(line *command.Line) func(text string) {
	return func(text string) { line.Print("note: %s", text) }
}
