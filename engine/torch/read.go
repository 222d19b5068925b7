package torch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"alexnet/engine"
	"alexnet/internal/file"
)

// File is an open state dict.
type File struct {
	Net     *engine.Net // of its metadata, or nil
	Classes []string    // of its metadata, or nil
	Names   []string    // of the classes for people, of its metadata, or nil
	Mean    []float32   // as it is stored, (3, H, W) or a colour; or nil
	Units   int         // of the last layer: the number of classes
	// TorchVision says that the weights are those of torchvision's AlexNet, the
	// preset TorchVisionNet, which reads colours normalised as by torchvision's
	// Normalize.
	TorchVision bool
	Notes       []string // names and numbers that were changed or left out; whole sentences without a full stop

	path    string
	names   map[string]string // of the tensors in the file, by the names of PyTorch's plain module
	file    *os.File
	tensors *engine.Safetensors
}

// Open opens a state dict, in safetensors form or as torch.save writes it. The latter
// is read as data, and nothing in it runs. Errors name the file.
func Open(path string) (*File, error) {
	opened, err := file.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, file: opened}
	if err := f.open(); err != nil {
		opened.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *File) open() error {
	var magic [2]byte
	if _, err := f.file.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	read := engine.OpenSafetensors
	if isPickle(magic[:]) {
		read = openPickle
	}
	if f.tensors, err = read(f.file, info.Size()); err != nil {
		return err
	}
	if _, ok := f.tensors.Metadata["format_version"]; ok {
		return errors.New("a checkpoint of train-alexnet already: nothing to import")
	}
	if err := f.readNames(); err != nil {
		return err
	}
	first, ok := f.find("features.0.weight")
	if !ok {
		return errors.New("no tensor \"features.0.weight\": not a state dict of this architecture (docs/using.md has the module)")
	}
	f.TorchVision = slices.Equal(first.Shape, []int{64, 3, 11, 11})
	last := -1
	for name := range f.names {
		var n int
		if k, _ := fmt.Sscanf(name, "classifier.%d.bias", &n); k == 1 && n > last {
			if t, _ := f.find(name); len(t.Shape) == 1 {
				last, f.Units = n, t.Shape[0]
			}
		}
	}
	for key, list := range map[string]*[]string{metaClasses: &f.Classes, metaNames: &f.Names} {
		if text, ok := f.tensors.Metadata[key]; ok {
			if err := json.Unmarshal([]byte(text), list); err != nil {
				return fmt.Errorf("metadata %q: %w", key, err)
			}
		}
	}
	if f.Names != nil && len(f.Names) != len(f.Classes) {
		return fmt.Errorf("metadata %q: %d names of %d classes", metaNames, len(f.Names), len(f.Classes))
	}
	if text, ok := f.tensors.Metadata[metaNet]; ok {
		if f.Net, err = engine.ReadNet(strings.NewReader(text)); err != nil {
			return fmt.Errorf("metadata %q: %w", metaNet, err)
		}
	}
	if mean, ok := f.find(tensorMean); ok {
		f.Mean, err = f.tensors.ReadFinite(mean.Name)
	}
	return err
}

// find returns the tensor that a plain module calls name.
func (f *File) find(name string) (engine.StoredTensor, bool) {
	stored, ok := f.names[name]
	if !ok {
		return engine.StoredTensor{}, false
	}
	return f.tensors.Find(stored)
}

// MeanOf returns Mean for a net: nil, or (3, H, W) of its input. A single colour
// holds for every pixel.
func (f *File) MeanOf(net *engine.Net) ([]float32, error) {
	size := net.Input.Size
	switch plane := size * size; len(f.Mean) {
	case 0, 3 * plane:
		return f.Mean, nil
	case 3:
		mean := make([]float32, 0, 3*plane)
		for _, v := range f.Mean {
			mean = append(mean, slices.Repeat([]float32{v}, plane)...)
		}
		return mean, nil
	}
	t, _ := f.find(tensorMean)
	return nil, fmt.Errorf("%s: %s is %v, and net %q reads 3×%d×%d: choose the right net", f.path, t.Name, t.Shape, net.Name, size, size)
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Plain returns the form of a net that PyTorch's modules compute: input scale 1 and
// inverted dropout.
func Plain(net *engine.Net) *engine.Net {
	out := *net
	out.Input.Scale = 0
	out.Layers = append([]engine.Layer(nil), net.Layers...)
	for i, l := range out.Layers {
		if l.Dropout != nil {
			out.Layers[i].Dropout = &engine.DropoutSpec{Rate: l.Dropout.Rate, Inverted: true}
		}
	}
	return &out
}

// Restore writes the file's weights to m, a model of a Plain net. For weights of
// another net the error names the first tensor that differs, with both shapes, and m
// is unchanged. NaN and infinities are an *engine.NumberError.
func (f *File) Restore(m *engine.Model) error {
	stored := storedNames(m.Net)
	known := map[string]bool{tensorMean: true}
	for _, p := range m.Parameters() {
		dims := p.Dims
		if own := ownDense(m.Net, p.Name); own != nil {
			dims = own
		}
		t, ok := f.find(stored[p.Name])
		if !ok {
			return fmt.Errorf("%s: no tensor %q, which is %s %v of net %q", f.path, stored[p.Name], p.Name, dims, m.Net.Name)
		}
		if !slices.Equal(t.Shape, dims) {
			return fmt.Errorf("%s: %s is %v, and %v in net %q, where it is %s: choose the right net", f.path, t.Name, t.Shape, dims, m.Net.Name, p.Name)
		}
		known[stored[p.Name]] = true
	}
	for name, own := range f.names {
		if t, _ := f.tensors.Find(own); !known[name] {
			return fmt.Errorf("%s: net %q has no %s, which is %v in the file: choose the right net", f.path, m.Net.Name, t.Name, t.Shape)
		}
	}
	for _, p := range m.Parameters() {
		values, err := f.tensors.ReadFinite(f.names[stored[p.Name]])
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if err := m.Write(engine.Weight, p.Name, values); err != nil {
			return err
		}
	}
	return nil
}
