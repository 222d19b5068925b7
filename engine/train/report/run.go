package report

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/engine/train"
	"alexnet/internal/file"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// Names of pictures and of the page in a run folder.
const (
	CurveName   = "curve.png"
	KernelsName = "kernels.png"
	GuessesName = "guesses.png"
	PageName    = "report.html"
)

// Options say what the report of a run shows, and on which devices it is computed.
type Options struct {
	Checkpoint string // "" is the best one, or the latest
	Devices    string // a list for devices.Open
	Options    devices.Options
	Quick      bool // no passes over the data

	Note     func(text string)                  // receives notes for the user; may be nil
	Warn     func(name string, err error)       // receives the errors of pictures that can't be drawn; may be nil
	Tell     func(finding setting.Text)         // is told how the run went, a sentence at a time; nil: nobody
	Words    setting.Words                      // name settings on the page; nil uses their keys in run.json
	Progress func(what string, done, total int) // is called during a pass; may be nil
}

// batch is the number of pictures that the net takes at once for a report.
const batch = 32

// Make draws curve.png, kernels.png, guesses.png and report.html of the run in dir.
// It uses pictures of the run's validation shards, or of its training shards if it
// has no others. Shards with other classes than the checkpoint are an
// *infer.ClassesError.
func Make(ctx context.Context, dir string, o Options) error {
	record, err := train.ReadRecord(dir)
	if err != nil {
		return err
	}
	if o.Checkpoint == "" {
		if o.Checkpoint, err = bestOrLatest(dir); err != nil {
			return err
		}
	}
	saved, err := record.Config() // where the run looked for its shards
	if err != nil {
		return err
	}
	base, err := saved.Access.Open(ctx, record.Train.Dir, o.Note)
	if err != nil {
		return err
	}
	defer base.Close()
	shown := base
	if record.Val != nil {
		if shown, err = saved.Access.Open(ctx, record.Val.Dir, o.Note); err != nil {
			return err
		}
		defer shown.Close()
	}
	m, err := o.model(shown)
	if err != nil {
		return err
	}
	defer m.Close()
	d := Pictures{Dir: dir, Warn: o.Warn}
	d.Curve()
	d.Kernels(m)
	d.Guesses(shown, m)
	s, err := subject(dir, record, m.Net.Classes)
	if err != nil {
		return err
	}
	s.Title = m.Net.Name + ": " + filepath.Base(dir)
	s.Model, s.Pictures, s.Train, s.Quick, s.Progress, s.Tell, s.Words = m, shown, base, o.Quick, o.Progress, o.Tell, o.Words
	return file.Write(filepath.Join(dir, PageName), func(w io.Writer) error { return Write(ctx, w, s) })
}

// model opens the checkpoint for inference on pictures of d.
func (o Options) model(d *pipeline.Dataset) (*engine.Model, error) {
	file, err := engine.OpenCheckpoint(o.Checkpoint)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := infer.SameClasses(o.Checkpoint, file.Classes, d); err != nil {
		return nil, err
	}
	m, _, err := infer.OpenModel(o.Checkpoint, o.Devices, o.Options, batch, infer.Penultimate(file.Net))
	return m, err
}

// bestOrLatest returns the best checkpoint of a run, or else the latest.
func bestOrLatest(dir string) (string, error) {
	all := engine.Checkpoints{Dir: filepath.Join(dir, train.CheckpointsName)}
	if _, err := os.Stat(all.Best()); err == nil {
		return all.Best(), nil
	}
	path, err := all.Latest()
	if err == nil && path == "" {
		err = fmt.Errorf("%s has no checkpoint yet", dir)
	}
	return path, err
}

// subject returns the part of a report on the run in dir that needs no net.
func subject(dir string, record *train.Record, classes int) (*Subject, error) {
	metrics, err := ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		return nil, err
	}
	s := &Subject{Figures: figures(record, metrics, classes), Metrics: metrics, Split: "Training"}
	if record.Val != nil {
		s.Split = "Validation"
	}
	s.Settings, err = settingRows(record.Settings)
	return s, err
}

// Pictures draws the pictures in a run folder, also during training. An error or a
// panic of the plotting library goes to Warn and changes nothing else.
type Pictures struct {
	Dir  string
	Warn func(name string, err error) // may be nil
}

func (p Pictures) draw(name string, draw func(w io.Writer) error) {
	warn := func(err error) {
		if p.Warn != nil {
			p.Warn(name, err)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			warn(fmt.Errorf("%v", r))
		}
	}()
	if err := file.Write(filepath.Join(p.Dir, name), draw); err != nil {
		warn(err)
	}
}

// Draw draws the learning curve, and the first layer of m unless it is nil.
func (p Pictures) Draw(m *engine.Model) {
	p.Curve()
	if m != nil {
		p.Kernels(m)
	}
}

// Curve draws curve.png from metrics.jsonl.
func (p Pictures) Curve() {
	metrics, err := ReadMetrics(filepath.Join(p.Dir, train.MetricsName))
	p.draw(CurveName, func(w io.Writer) error {
		if err != nil {
			return err
		}
		return Curve(w, metrics)
	})
}

// Kernels draws kernels.png if the first layer is a convolution.
func (p Pictures) Kernels(m *engine.Model) {
	if first := m.Parameters()[0]; len(first.Dims) == 4 {
		p.image(KernelsName, func() (image.Image, error) { return FirstKernels(m) })
	}
}

// Guesses draws guesses.png: the net's guesses for some pictures of d.
func (p Pictures) Guesses(d *pipeline.Dataset, m *engine.Model) {
	p.image(GuessesName, func() (image.Image, error) {
		all, err := GuessPictures(m, d)
		if err != nil {
			return nil, err
		}
		return GuessSheet(d, all)
	})
}

func (p Pictures) image(name string, draw func() (image.Image, error)) {
	p.draw(name, func(w io.Writer) error {
		img, err := draw()
		if err != nil {
			return err
		}
		return png.Encode(w, img)
	})
}
