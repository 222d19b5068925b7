package foreign_test

import (
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/foreign"
)

// dense is a chain of one fully connected layer over pictures of a size.
func dense(size int, before ...engine.Layer) *foreign.Chain {
	c := &foreign.Chain{Size: size, BGR: true}
	for _, l := range before {
		c.Add(l)
	}
	weights := make([]float32, 2*3*size*size)
	for i := range weights {
		weights[i] = float32(i)
	}
	if err := c.Dense(2, weights, nil); err != nil {
		panic(err)
	}
	return c
}

// TestTurnsColours: blue and red of each output change places, whatever the first
// layer with weights is.
func TestTurnsColours(t *testing.T) {
	w, err := dense(1).End()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := w.Values["fc1.weight"], []float32{2, 1, 0, 5, 4, 3}; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	c := &foreign.Chain{Size: 4, BGR: true}
	c.Add(engine.Layer{Activate: "relu"})
	if err := c.Conv(2, 1, engine.Window{Size: 1, Stride: 1}, []float32{0, 1, 2, 3, 4, 5}, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Dense(2, make([]float32, 2*2*16), nil); err != nil {
		t.Fatal(err)
	}
	if w, err = c.End(); err != nil {
		t.Fatal(err)
	}
	if got, want := w.Values["conv1.weight"], []float32{2, 1, 0, 5, 4, 3}; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
}

// TestBounds: no size or number of layers is believed that no net has.
func TestBounds(t *testing.T) {
	c := dense(1)
	c.Size = 14_000
	if _, err := c.End(); err == nil || !strings.Contains(err.Error(), "14000 pixels a side") {
		t.Errorf("error %v", err)
	}
	relu := slices.Repeat([]engine.Layer{{Activate: "relu"}}, 2000)
	if _, err := dense(1, relu...).End(); err == nil || !strings.Contains(err.Error(), "2001 layers") {
		t.Errorf("error %v", err)
	}
	c = dense(2)
	c.Size = 0
	if w, err := c.End(); err != nil || w.Net.Input.Size != 2 || len(w.Notes) != 1 {
		t.Errorf("%+v, error %v; want pictures of 2 pixels, and a note", w, err)
	}
}
