package engine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"alexnet/internal/file"

	"github.com/zeebo/xxh3"
)

// CheckpointVersion is the version of the checkpoint format that this package
// writes, and the newest that it reads.
const CheckpointVersion = 1

// A checkpoint is a safetensors file. Its tensors, all F32, are
//
//	conv1.weight, conv1.bias, …                    the parameters, merged layout
//	conv1.weight.momentum, conv1.bias.momentum, …  their velocities
//	input.mean                                     (3, H, W), 0–255 units
//
// and its metadata has a "format_version", the "net" as a JSON net file, the
// rest of a Checkpoint as JSON under "training", and under "xxh3" the XXH3 hash
// (64 bits, hexadecimal) of the version, net and training texts and the bytes
// of all tensors in their order. Files without a hash are read unchecked.
const (
	metaVersion    = "format_version"
	metaHash       = "xxh3"
	metaNet        = "net"
	metaTraining   = "training"
	tensorMean     = "input.mean"
	momentumSuffix = ".momentum"
)

// RandomStreams names the random generators that a checkpoint implies: dropout masks
// are a function of (seed, step); crops, flips and colours of (seed, epoch, sample).
// There is no other random state.
const RandomStreams = "splitmix64 at (seed, step, layer, unit); per-sample streams at (seed, epoch, sample)"

// Checkpoint is the state of a training run without its arrays.
type Checkpoint struct {
	Net     *Net      `json:"-"`
	Mean    []float32 `json:"-"`       // subtracted from the pixels; nil for none
	Classes []string  `json:"classes"` // ids; index = label
	// ClassNames are the classes' names for people: "" for a class without a name,
	// nil if no class has one.
	ClassNames []string `json:"class_names,omitempty"`

	Position Position      `json:"position"`
	Seed     uint64        `json:"seed"`
	Random   string        `json:"random"` // RandomStreams
	Schedule ScheduleState `json:"schedule"`
	Rate     float64       `json:"learning_rate"` // of the next step

	// Kernels names the set of kernels that trained last, for devices with several
	// sets, such as CPUs. Results of two sets differ in their last bits.
	Kernels string `json:"kernels,omitempty"`

	// Changes names the changes of the run's settings that were in force.
	Changes []string `json:"changes,omitempty"`

	// PictureSize is the pixels a side of the pictures that the crops were cut
	// from; 0 where it isn't known.
	PictureSize int `json:"picture_size,omitempty"`
}

// Position is the progress of a training run.
type Position struct {
	Step      uint64 `json:"step"`       // updates done
	Images    uint64 `json:"images"`     // images seen
	Epoch     int    `json:"epoch"`      // current epoch, from 0
	EpochStep int    `json:"epoch_step"` // batches of the current epoch done
}

// WriteCheckpoint writes m and c to a file, which appears when it is complete
// (file.Replace). A weight that is not a finite number is an error, and no file is
// made. Besides the model, one parameter at a time is in memory. If a model is split
// over ranks, all ranks call it: rank 0 writes, and the others send it their parts.
func WriteCheckpoint(path string, m *Model, c *Checkpoint) error {
	if m.Split() && m.Config.Group.Rank() != 0 {
		return giveParts(m)
	}
	return file.Replace(path, func(f *os.File) error { return writeCheckpoint(f, m, c) })
}

func writeCheckpoint(f *os.File, m *Model, c *Checkpoint) error {
	if err := c.check(); err != nil {
		return err
	}
	training, err := json.Marshal(c)
	if err != nil {
		return err
	}
	metadata := map[string]string{
		metaVersion:  strconv.Itoa(CheckpointVersion),
		metaNet:      string(c.Net.JSON()),
		metaTraining: string(training),
		metaHash:     hexHash(xxh3.New()), // reserves the space
	}
	stored := storedParameters(m)
	tensors := make([]StoredTensor, len(stored), len(stored)+1)
	origins := make(map[string]storedParameter, len(stored))
	for i, s := range stored {
		tensors[i] = StoredTensor{Name: s.name(), Shape: s.Dims}
		origins[s.name()] = s
	}
	if c.Mean != nil {
		size := c.Net.Input.Size
		tensors = append(tensors, StoredTensor{Name: tensorMean, Shape: []int{3, size, size}})
	}
	header, err := safetensorsHeader(metadata, tensors)
	if err != nil {
		return err
	}
	w, hash := bufio.NewWriterSize(f, 1<<20), newCheckpointHash(metadata)
	if _, err := w.Write(header); err != nil {
		return err
	}
	err = writeTensors(io.MultiWriter(w, hash), tensors, func(name string) ([]float32, error) {
		if name == tensorMean {
			return c.Mean, nil
		}
		values, err := m.Read(origins[name].field, origins[name].Name)
		if err != nil {
			return nil, err
		}
		return values, CheckFinite(name, values)
	})
	if err := errors.Join(err, w.Flush()); err != nil {
		return err
	}
	// The header comes first and holds the hash of the data. It is written again at the end,
	// with the same length, so that every parameter is read once.
	metadata[metaHash] = hexHash(hash)
	if header, err = safetensorsHeader(metadata, tensors); err != nil {
		return err
	}
	_, err = f.WriteAt(header, 0)
	return err
}

// giveParts sends this rank's parts to rank 0, which writes the checkpoint.
func giveParts(m *Model) error {
	for _, s := range storedParameters(m) {
		if s.whole == nil {
			continue
		}
		if _, err := m.Read(s.field, s.Name); err != nil {
			return err
		}
	}
	return nil
}

// storedParameter is one array of a parameter in a checkpoint.
type storedParameter struct {
	*parameter
	field Field
}

func (s storedParameter) name() string { return storedName(s.field, s.Name) }

// storedParameters lists the parameters of m in the order of a file.
func storedParameters(m *Model) []storedParameter {
	fields := []Field{Weight, Velocity}
	if m.Config.Inference {
		fields = fields[:1]
	}
	var all []storedParameter
	for _, f := range fields {
		for _, q := range m.params {
			all = append(all, storedParameter{q, f})
		}
	}
	return all
}

func newCheckpointHash(metadata map[string]string) *xxh3.Hasher {
	h := xxh3.New()
	for _, key := range []string{metaVersion, metaNet, metaTraining} {
		fmt.Fprintf(h, "%d:%s", len(metadata[key]), metadata[key])
	}
	return h
}

func hexHash(h *xxh3.Hasher) string { return fmt.Sprintf("%016x", h.Sum64()) }

func storedName(f Field, parameter string) string {
	if f == Velocity {
		return parameter + momentumSuffix
	}
	return parameter
}

// verify compares the file with its hash.
func (c *CheckpointFile) verify() error {
	want, ok := c.tensors.Metadata[metaHash]
	if !ok {
		return nil
	}
	h := newCheckpointHash(c.tensors.Metadata)
	if _, err := io.CopyBuffer(h, io.NewSectionReader(c.tensors.data, 0, c.tensors.data.Size()), make([]byte, 1<<20)); err != nil {
		return err
	}
	if got := hexHash(h); got != want {
		return fmt.Errorf("damaged: its bytes have the hash %s, its header says %s", got, want)
	}
	return nil
}

// CheckpointFile is an open checkpoint.
type CheckpointFile struct {
	Checkpoint
	Path string

	file    *os.File
	tensors *Safetensors
}

// OpenCheckpoint opens the checkpoint that FindCheckpoint finds at path, and checks its
// header; Restore or Adopt then check and load its arrays. Errors name the file.
func OpenCheckpoint(path string) (*CheckpointFile, error) {
	path, err := FindCheckpoint(path)
	if err != nil {
		return nil, err
	}
	f, err := file.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	c := &CheckpointFile{Path: path, file: f}
	if err := c.open(); err != nil {
		f.Close()
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return c, nil
}

func (c *CheckpointFile) open() error {
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if c.tensors, err = OpenSafetensors(c.file, info.Size()); err != nil {
		return err
	}
	meta := c.tensors.Metadata
	version, err := strconv.Atoi(meta[metaVersion])
	switch {
	case err != nil:
		return errors.New("no format_version in its metadata: not a checkpoint of train-alexnet")
	case version < 1 || version > CheckpointVersion:
		return fmt.Errorf("format version %d, this program reads up to %d: use a newer train-alexnet", version, CheckpointVersion)
	}
	if err := json.Unmarshal([]byte(meta[metaTraining]), &c.Checkpoint); err != nil {
		return fmt.Errorf("metadata %q: %w", metaTraining, err)
	}
	c.Net = new(Net)
	if err := json.Unmarshal([]byte(meta[metaNet]), c.Net); err != nil {
		return fmt.Errorf("metadata %q: %w", metaNet, err)
	}
	if _, err := c.Net.Shapes(); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("metadata %q: %w", metaTraining, err)
	}
	if t, ok := c.tensors.Find(tensorMean); ok {
		size := c.Net.Input.Size
		if !slices.Equal(t.Shape, []int{3, size, size}) {
			return fmt.Errorf("%s is %v, the net's input 3×%d×%d", tensorMean, t.Shape, size, size)
		}
		if c.Mean, err = c.tensors.ReadFinite(tensorMean); err != nil {
			return err
		}
	}
	return nil
}

// check refuses metadata that no training writes, before others compute with it.
func (c *Checkpoint) check() error {
	const most = 1 << 53 // as in JSON numbers of other programs
	at, learnt := c.Position, c.Schedule
	switch {
	case len(c.Classes) != c.Net.Classes:
		return fmt.Errorf("%d class ids, but the net has %d classes", len(c.Classes), c.Net.Classes)
	case c.ClassNames != nil && len(c.ClassNames) != len(c.Classes):
		return fmt.Errorf("%d names of %d classes", len(c.ClassNames), len(c.Classes))
	case c.PictureSize != 0 && (c.PictureSize < c.Net.Input.Size || c.PictureSize > mostSize):
		return fmt.Errorf("pictures of %d pixels a side, want %d, which the net reads, to %d", c.PictureSize, c.Net.Input.Size, mostSize)
	case at.Step > most || at.Images > most || at.Epoch < 0 || at.EpochStep < 0:
		return fmt.Errorf("no position of a training: step %d, %d images, epoch %d, step %d of it", at.Step, at.Images, at.Epoch, at.EpochStep)
	case min(learnt.Epochs, learnt.Counted, learnt.SinceBest, learnt.Stale, learnt.Drops) < 0:
		return errors.New("negative numbers in the schedule's state")
	}
	return nil
}

// Hash returns the hash in the file's header, of its own bytes; "" for an old file
// without one.
func (c *CheckpointFile) Hash() string { return c.tensors.Metadata[metaHash] }

// Close closes the file. Closing it again does nothing.
func (c *CheckpointFile) Close() error {
	if err := c.file.Close(); !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

// Restore loads the weights into m and, unless m is for inference only, the
// velocities. NaN and infinities are refused; the error names the tensor. For a
// checkpoint of another net the error names the first parameter that differs, with
// both shapes, and m is unchanged.
func (c *CheckpointFile) Restore(m *Model) error {
	if err := errors.Join(c.fits(m), c.verify()); err != nil {
		return fmt.Errorf("checkpoint %s: %w", c.Path, err)
	}
	for _, s := range storedParameters(m) {
		values, err := c.tensors.ReadFinite(s.name())
		if err != nil {
			return fmt.Errorf("checkpoint %s: %w", c.Path, err)
		}
		if err := m.Write(s.field, s.Name, values); err != nil {
			return err
		}
	}
	return nil
}

// fits compares the parameters of the file and of the model.
func (c *CheckpointFile) fits(m *Model) error {
	known := map[string]bool{}
	for _, p := range m.Parameters() {
		known[p.Name] = true
		t, ok := c.tensors.Find(p.Name)
		if !ok {
			return fmt.Errorf("of another net: it has no %s, which is %v in net %q", p.Name, p.Dims, m.Net.Name)
		}
		if !slices.Equal(t.Shape, p.Dims) {
			return fmt.Errorf("of another net: %s is %v in the file and %v in net %q", p.Name, t.Shape, p.Dims, m.Net.Name)
		}
		if m.Config.Inference {
			continue
		}
		if v, ok := c.tensors.Find(p.Name + momentumSuffix); !ok || !slices.Equal(v.Shape, p.Dims) {
			return fmt.Errorf("it has no momentum %v for %s: it can be evaluated, but not trained further", p.Dims, p.Name)
		}
	}
	for _, t := range c.tensors.Tensors {
		if name := strings.TrimSuffix(t.Name, momentumSuffix); name != tensorMean && !known[name] {
			return fmt.Errorf("of another net: net %q has no %s, which is %v in the file", m.Net.Name, t.Name, t.Shape)
		}
	}
	return nil
}

// finite reports whether every weight of the model is a number.
func finite(m *Model) (bool, error) {
	for _, p := range m.Parameters() {
		values, err := m.Read(Weight, p.Name)
		if err != nil {
			return false, err
		}
		if CheckFinite(p.Name, values) != nil {
			return false, nil
		}
	}
	return true, nil
}
