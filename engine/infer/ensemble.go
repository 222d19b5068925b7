package infer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/internal/file"
	"alexnet/internal/setting"
	"alexnet/pipeline/decode"
)

// TenViews is the number of the paper's test views (§4.1).
const TenViews = 10

// Limits of Config.Size, as in sharding.
const (
	leastSize = 8
	mostSize  = 8192
)

// Config says which nets to open, on which devices, and how to prepare pictures. Only
// Checkpoints is required; the zero value of every other field is a good one.
type Config struct {
	// Checkpoints are the files of one net, or of several nets with the same classes,
	// whose softmax outputs are averaged.
	Checkpoints []string
	// Devices is a list for devices.Open; "" stands for devices.Auto. Options are
	// those of devices.Open.
	Devices string
	Options devices.Options
	// Batch is how many crops the nets take at once; 0 means the crops of one
	// picture.
	Batch int
	// TenCrop averages over the paper's ten crops instead of the centre alone.
	TenCrop bool
	// Size is the side, in pixels, of the squares that pictures are resized to before
	// crops are cut; 0 means the size of the shards that the net was trained on.
	Size int
	// Layer names the layer for Features; "" for none.
	Layer string
	// Names are the classes' names for people, by class id (see ReadNames), in place
	// of the checkpoints' names. They must name one class of the nets at least.
	Names map[string]string
}

// NamesError says that no class of the nets is among Config.Names.
type NamesError struct {
	Class string // one of the nets' classes
}

func (e *NamesError) Error() string {
	return fmt.Sprintf("no line names a class of the net: a line is the class's id, such as %q, a space or a tab, and the name", e.Class)
}

// SettingError is an error of a field of a Config, or of a parameter, with an invalid
// value. It calls them checkpoint, batch, size, max-megapixels, devices, precision and
// kernels.
type SettingError = setting.Error

// views returns the number of crops of a picture that the nets read.
func (c *Config) views() int {
	if c.TenCrop {
		return TenViews
	}
	return 1
}

// validate checks the settings that need no checkpoint.
func (c *Config) validate() error {
	switch {
	case len(c.Checkpoints) == 0:
		return setting.Invalidf("%s: want at least one", setting.Name("checkpoint"))
	case c.Size != 0 && (c.Size < leastSize || c.Size > mostSize):
		return setting.Invalidf("%s: want %d to %d pixels, or 0", setting.Value("size", c.Size), leastSize, mostSize)
	case c.Batch < c.views():
		return setting.Invalidf("%s: want at least %d, the crops of one picture", setting.Value("batch", c.Batch), c.views())
	}
	return nil
}

// Ensemble is one or more trained nets with the same classes, on their devices. One
// goroutine at a time may use it.
type Ensemble struct {
	config  Config
	models  []*engine.Model
	classes []string // ids; index = label
	names   []string // for people; nil or "" for none
	trained int      // side of the pictures in a net's training, in pixels; 0: unknown
	reader  *Reader  // of Classify
}

// Open opens the checkpoints for inference. The caller closes the ensemble. Errors
// are a *SettingError or a *NamesError, or name the checkpoint.
func Open(c Config) (*Ensemble, error) {
	if c.Batch == 0 {
		c.Batch = c.views()
	}
	if c.Devices == "" {
		c.Devices = devices.Auto
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	e := &Ensemble{config: c}
	for _, path := range c.Checkpoints {
		if err := e.add(path); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	if err := errors.Join(e.chooseSize(), e.checkNames()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// checkNames returns an error for names of other classes than the nets'.
func (e *Ensemble) checkNames() error {
	named := func(id string) bool { _, ok := e.config.Names[id]; return ok }
	if e.config.Names == nil || slices.ContainsFunc(e.classes, named) {
		return nil
	}
	return &NamesError{e.classes[0]}
}

// add opens one more checkpoint.
func (e *Ensemble) add(path string) error {
	m, state, err := OpenModel(path, e.config.Devices, e.config.Options, e.config.Batch, e.config.Layer)
	if err != nil {
		return err
	}
	if e.models != nil && !slices.Equal(state.Classes, e.classes) {
		err := fmt.Errorf("checkpoint %s has %d classes (%s …), %s has %d (%s …): an ensemble's nets have the same classes",
			path, len(state.Classes), first(state.Classes), e.config.Checkpoints[0], len(e.classes), first(e.classes))
		return errors.Join(err, m.Close())
	}
	e.models, e.classes = append(e.models, m), state.Classes
	if e.trained == 0 {
		e.trained = state.PictureSize
	}
	if e.names == nil {
		e.names = state.ClassNames
	}
	return nil
}

// chooseSize sets the size of pictures from the checkpoints if the Config has none.
func (e *Ensemble) chooseSize() error {
	largest := e.models[0].Net
	for _, m := range e.models {
		if m.Net.Input.Size > largest.Input.Size {
			largest = m.Net
		}
	}
	if e.config.Size == 0 {
		e.config.Size = e.trained
	}
	if e.config.Size == 0 {
		e.config.Size = largest.PictureSize()
	}
	if e.config.Size < largest.Input.Size {
		return setting.Invalidf("%s: the net reads %d pixels a side", setting.Value("size", e.config.Size), largest.Input.Size)
	}
	return nil
}

// OpenModel opens a checkpoint for inference on up to batch images, on the devices of
// a list, and returns the model and the checkpoint's other contents. layer names the
// layer for Features; "" for none. The caller closes the model.
func OpenModel(path, list string, o devices.Options, batch int, layer string) (*engine.Model, engine.Checkpoint, error) {
	var none engine.Checkpoint
	file, err := engine.OpenCheckpoint(path)
	if err != nil {
		return nil, none, err
	}
	defer file.Close()
	contexts, err := devices.Open(list, o)
	if err != nil {
		return nil, none, devices.SettingError(err)
	}
	m, err := engine.NewModel(file.Net, contexts, engine.ModelConfig{Batch: batch, Mean: file.Mean, Inference: true, Tap: layer})
	if err != nil {
		return nil, none, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if err := file.Restore(m); err != nil {
		m.Close()
		return nil, none, err
	}
	return m, file.Checkpoint, nil
}

// Close frees the nets and their devices.
func (e *Ensemble) Close() error {
	var errs []error
	for _, m := range e.models {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// Classes returns the classes' ids; index = label.
func (e *Ensemble) Classes() []string { return e.classes }

// Names returns the checkpoints' class names for people, index = label: "" for a
// class without a name, nil if there are none.
func (e *Ensemble) Names() []string { return e.names }

// Models returns the nets, in the order of Config.Checkpoints. The ensemble owns
// them.
func (e *Ensemble) Models() []*engine.Model { return e.models }

// Size returns the side, in pixels, of the squares that crops are cut from.
func (e *Ensemble) Size() int { return e.config.Size }

// TrainedSize returns the side, in pixels, of the pictures that a net was trained on;
// 0 if no checkpoint says.
func (e *Ensemble) TrainedSize() int { return e.trained }

// Pictures returns how many pictures the nets take at once.
func (e *Ensemble) Pictures() int { return e.config.Batch / e.config.views() }

// Classify returns the n most probable classes of the picture in a file.
func (e *Ensemble) Classify(ctx context.Context, name string, n int) ([]Guess, error) {
	if e.reader == nil {
		r, err := NewReader(e.config.Size, 0, 1)
		if err != nil {
			return nil, err
		}
		e.reader = r
	}
	picture, err := file.ReadAll(name, decode.MaxFile)
	if err != nil {
		return nil, err
	}
	square := make([]byte, 3*e.config.Size*e.config.Size)
	if err := e.reader.Square(ctx, square, picture, false); err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	probs, err := e.Probabilities([][]byte{square})
	if err != nil {
		return nil, err
	}
	return e.Top(probs[0], n), nil
}

// Probabilities returns, for each of at most Pictures() squares (Size, Size, 3) of
// RGB bytes, the softmax outputs averaged over views and nets.
func (e *Ensemble) Probabilities(squares [][]byte) ([][]float64, error) {
	views := e.config.views()
	means := make([]engine.Mean, len(squares))
	for i := range means {
		means[i] = engine.NewMean(len(e.classes))
	}
	for _, m := range e.models {
		o, err := m.Infer(e.batch(m, squares))
		if err != nil {
			return nil, err
		}
		for row := range len(squares) * views {
			means[row/views].Add(o.Probs[row*len(e.classes) : (row+1)*len(e.classes)])
		}
	}
	out := make([][]float64, len(squares))
	for i := range out {
		out[i] = means[i].Probabilities()
	}
	return out, nil
}

// Centre returns the centre of a square as the first net reads it: (n, n, 3) for a
// net that reads n pixels a side.
func (e *Ensemble) Centre(square []byte) []byte {
	crop := e.models[0].Net.Input.Size
	out, view := make([]byte, crop*crop*3), augment.CentreView(e.config.Size, crop)
	augment.CopyCrop(out, square, e.config.Size, view.X, view.Y, crop, false)
	return out
}

// batch cuts the views of the squares for one net.
func (e *Ensemble) batch(m *engine.Model, squares [][]byte) engine.Batch {
	crop, size := m.Net.Input.Size, e.config.Size
	views := []augment.View{augment.CentreView(size, crop)}
	if e.config.TenCrop {
		ten := augment.TenViews(size, crop)
		views = ten[:]
	}
	n := crop * crop * 3
	b := engine.Batch{Images: len(squares) * len(views), Pixels: make([]byte, len(squares)*len(views)*n), Labels: make([]int32, len(squares)*len(views))}
	for i, square := range squares {
		for j, v := range views {
			row := i*len(views) + j
			augment.CopyCrop(b.Pixels[row*n:(row+1)*n], square, size, v.X, v.Y, crop, v.Flip)
		}
	}
	return b
}

func first(s []string) string { return strings.Join(s[:min(1, len(s))], "") }
