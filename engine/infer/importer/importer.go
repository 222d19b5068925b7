// Package importer opens trained nets of other frameworks and makes checkpoints of
// them. It reads PyTorch's state dicts, Caffe's caffemodels and ONNX models.
package importer

import (
	"fmt"
	"io"
	"os"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/caffe"
	"alexnet/engine/foreign"
	"alexnet/engine/onnx"
	"alexnet/engine/torch"
	"alexnet/internal/file"
)

// File is a file of weights. It must be closed.
type File struct {
	Format  string      // in words: "a caffemodel"
	Net     *engine.Net // nil if the file does not describe it (see SetNet)
	Units   int         // outputs of the net
	Classes []string    // ids of the outputs; nil where the file has none
	Names   []string    // the classes' names for people; nil if the file has none
	Notes   []string    // what was left out or assumed; whole sentences without a full stop

	// Reads is how the net's input is normalised, if the file has no mean of its own
	// and this is known for such nets.
	Reads *augment.Normalisation
	// HasMean says that the file has its own mean.
	HasMean bool
	// Picture is the side, in pixels, of the pictures that crops are cut from: 256 for
	// nets of ImageNet's size; 0 for other nets, if it is not known.
	Picture int

	path    string
	mean    func(*engine.Net) ([]float32, error)
	restore func(*engine.Model) error
	close   func() error
}

// caffeReads is the mean colour of ILSVRC 2012's pictures, red first. Caffe's examples
// subtract it if there is no mean picture (python/caffe/imagenet/ilsvrc_2012_mean.npy,
// averaged).
var caffeReads = &augment.Normalisation{Mean: [3]float64{122.6789, 116.6688, 104.0070}, Deviation: [3]float64{1, 1, 1}}

// mostBytes is the limit for a file that is read as a whole: the largest protobuf
// message.
const mostBytes = 1<<31 - 1

// isSafetensors reports whether a file begins with the length of a header and with
// JSON. The length may look like the beginning of other formats.
func isSafetensors(head []byte) bool {
	return len(head) == 9 && string(head[5:]) == "\x00\x00\x00{"
}

// formats recognises files by their first bytes. Other files are read as PyTorch's.
var formats = []struct {
	what string
	is   func(head []byte) bool
	read func([]byte) (*foreign.Weights, error)
}{
	{"a caffemodel", caffe.Is, caffe.Read},
	{"an ONNX model", onnx.Is, onnx.Read},
}

// Open opens a file of weights. Nothing in it runs. Errors name the file.
func Open(path string) (*File, error) {
	opened, err := file.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	var head [9]byte
	n, err := io.ReadFull(opened, head[:])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if string(head[:4]) == "\x89HDF" {
		return nil, fmt.Errorf("%s: an HDF5 file: Caffe writes a .caffemodel too, which can be imported; for others, export the net as ONNX or safetensors", path)
	}
	for _, format := range formats {
		if isSafetensors(head[:n]) || !format.is(head[:n]) {
			continue
		}
		w, err := readWhole(opened, format.read)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		f := &File{
			path: path, Format: format.what, Net: w.Net, Units: w.Net.Classes, Classes: w.Classes, Notes: w.Notes, Picture: pictures(w.Net.Input.Size),
			mean: func(*engine.Net) ([]float32, error) { return nil, nil }, restore: w.Restore, close: func() error { return nil },
		}
		if w.BGR {
			f.Reads = caffeReads
		}
		return f, nil
	}
	return openTorch(path)
}

// pictures returns File.Picture for a net that reads size pixels a side.
func pictures(size int) int {
	if 200 <= size && size <= 256 {
		return 256
	}
	return 0
}

func readWhole(f *os.File, read func([]byte) (*foreign.Weights, error)) (*foreign.Weights, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > mostBytes {
		return nil, fmt.Errorf("%d bytes: a protobuf message has at most %d", info.Size(), mostBytes)
	}
	b := make([]byte, info.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, err
	}
	return read(b)
}

func openTorch(path string) (*File, error) {
	t, err := torch.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{
		path: path, Format: "a PyTorch state dict", Net: t.Net, Units: t.Units, Classes: t.Classes, Names: t.Names, Notes: t.Notes, HasMean: t.Mean != nil,
		mean: t.MeanOf, restore: t.Restore, close: t.Close,
	}
	if t.TorchVision {
		if f.Net, err = engine.Preset(torch.TorchVisionNet, t.Units); err != nil {
			t.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		f.Reads, f.Picture = &augment.ImageNet, pictures(224)
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.close() }

// SetNet says what net the weights are of.
func (f *File) SetNet(net *engine.Net) { f.Net = torch.Plain(net) }

// Mean returns the file's own mean for f.Net, (3, H, W), or nil.
func (f *File) Mean() ([]float32, error) { return f.mean(f.Net) }

// Restore writes the weights to m, a model of f.Net. The weights of the first layer
// are divided by deviation, one number for each colour, so that pixels need not be;
// ones leave them unchanged.
func (f *File) Restore(m *engine.Model, deviation [3]float64) error {
	if err := f.restore(m); err != nil {
		return err
	}
	if deviation == [3]float64{1, 1, 1} {
		return nil
	}
	first := m.Parameters()[0] // (outputs, 3, height, width)
	values, err := m.Read(engine.Weight, first.Name)
	if err != nil {
		return err
	}
	plane := len(values) / first.Dims[0] / len(deviation)
	for i := range values {
		values[i] = float32(float64(values[i]) / deviation[i/plane%len(deviation)])
	}
	return m.Write(engine.Weight, first.Name, values)
}
