package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tapTensors finds the outputs of the named layer in the inference ops of every part
// and keeps them until the host has read them. Activations work in place, so it is
// the output after the layer's activation and before dropout.
func tapTensors(inference [][]Op, layer string) ([]*Tensor, error) {
	var taps []*Tensor
	var known []string
	for p, ops := range inference {
		for _, op := range ops {
			if !slices.ContainsFunc(op.Reads(), func(t *Tensor) bool { return t.Type == Master }) {
				continue
			}
			y := op.Writes()[0]
			if p == 0 {
				known = append(known, y.Name)
			}
			if y.Name == layer {
				y.Life = Persistent
				taps = append(taps, y)
			}
		}
	}
	if taps == nil {
		return nil, fmt.Errorf("no layer with weights is called %q: there are %s", layer, strings.Join(known, ", "))
	}
	return taps, nil
}

// readTap returns the tapped layer's output for the first images of the batch,
// (images, values) in the order of the layer's maps, whatever the placement.
func (m *Model) readTap(images int) ([]float32, error) {
	width := 0
	for _, t := range m.taps {
		width += t.Shape.Row()
	}
	out := make([]float32, images*width)
	first := 0
	for _, t := range m.taps {
		part := make([]float32, t.Shape.Len())
		if err := errors.Join(t.Context.Download(part, t), t.Context.Sync()); err != nil {
			return nil, err
		}
		row := t.Shape.Row()
		for i := range images {
			copy(out[i*width+first:], part[i*row:(i+1)*row])
		}
		first += row
	}
	return out, nil
}

// Features runs the net forward on b in test mode. It returns the outcome, and for
// each image in use the output of the layer that ModelConfig.Tap names: (Images,
// values), in a fresh slice.
func (m *Model) Features(b Batch) (Outcome, []float32, error) {
	if m.taps == nil {
		return Outcome{}, nil, errors.New("the model was made without a layer to tap")
	}
	o, err := m.Infer(b)
	if err != nil {
		return Outcome{}, nil, err
	}
	features, err := m.readTap(b.Images)
	return o, features, err
}
