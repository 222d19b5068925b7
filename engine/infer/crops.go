package infer

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/pipeline"
	"alexnet/pipeline/mds"
)

// Crop is the centre of a sample, as a net sees it.
type Crop struct {
	Sample int
	RGB    []byte // (Size, Size, 3)
	Size   int
	Label  int
	Class  string // for people
}

// centreCrop decodes a sample, or the next one that is not damaged, and cuts a square
// of size pixels a side from its centre.
func centreCrop(d *pipeline.Dataset, size, sample int) (Crop, error) {
	full := d.Meta().Size
	if size > full {
		return Crop{}, fmt.Errorf("the net reads %d pixels a side and the shards have %d", size, full)
	}
	decoder, rgb := d.Codec().NewDecoder(full), make([]byte, 3*full*full)
	label, err := d.Pixels(decoder, sample, rgb)
	for bad := new(mds.CorruptError); errors.As(err, &bad) && sample+1 < d.Len(); {
		sample++
		label, err = d.Pixels(decoder, sample, rgb)
	}
	if err != nil {
		return Crop{}, err
	}
	c := Crop{Sample: sample, RGB: make([]byte, 3*size*size), Size: size, Label: label, Class: d.Meta().Classes[label].Title()}
	view := augment.CentreView(full, size)
	augment.CopyCrop(c.RGB, rgb, full, view.X, view.Y, size, false)
	return c, nil
}

// Evenly returns the centres of up to n samples, spread evenly over a data set.
func Evenly(d *pipeline.Dataset, size, n int) ([]Crop, error) {
	n = min(n, d.Len())
	var crops []Crop
	for i := range n {
		c, err := centreCrop(d, size, i*d.Len()/n)
		if err != nil {
			return nil, err
		}
		crops = append(crops, c)
	}
	return crops, nil
}

// Batch returns the crops as a model's input.
func Batch(crops []Crop) engine.Batch {
	b := engine.Batch{Images: len(crops)}
	for _, c := range crops {
		b.Pixels, b.Labels = append(b.Pixels, c.RGB...), append(b.Labels, int32(c.Label))
	}
	return b
}

// PNG returns the crop as a PNG file.
func (c Crop) PNG() ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, rgbImage(c.RGB, c.Size))
	return b.Bytes(), err
}
