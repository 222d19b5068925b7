package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"sort"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/internal/file"
	"alexnet/pipeline"
	"alexnet/pipeline/mds"
	"alexnet/tools/internal/command"
	"alexnet/tools/train-alexnet/report"
)

// picture draws a picture of a run. What keeps it from being drawn, a panic of
// the plotting library included, is told and changes nothing else.
func picture(line *command.Line, name string, draw func() error) {
	defer func() {
		if r := recover(); r != nil {
			line.Print("warning: %s is not drawn: %v", name, r)
		}
	}()
	if err := draw(); err != nil {
		line.Print("warning: %s is not drawn: %v", name, err)
	}
}

// drawCurve writes curve.png from metrics.jsonl.
func drawCurve(dir string) error {
	metrics, err := report.ReadMetrics(filepath.Join(dir, metricsName))
	if err != nil {
		return err
	}
	return file.Write(filepath.Join(dir, curveName), func(w io.Writer) error { return report.Curve(w, metrics) })
}

// drawKernels writes kernels.png where the first layer is a convolution.
func drawKernels(dir string, m *engine.Model) error {
	img, err := kernels(m)
	if img == nil || err != nil {
		return err
	}
	return file.Write(filepath.Join(dir, kernelsName), func(w io.Writer) error { return png.Encode(w, img) })
}

// kernels draws the first layer; nil where it is not a convolution.
func kernels(m *engine.Model) (image.Image, error) {
	first := m.Parameters()[0]
	if len(first.Dims) != 4 {
		return nil, nil
	}
	w, err := m.Read(engine.Weight, first.Name)
	if err != nil {
		return nil, err
	}
	return report.Kernels(w, first.Dims, m.Net.Towers)
}

// reportPictures is how many validation pictures the report shows.
const reportPictures = 12

// guessed is a crop and the softmax output for it.
type guessed struct {
	crop
	probs []float32
}

// guessPictures asks the net about pictures spread evenly over a data set.
func guessPictures(m *engine.Model, d *pipeline.Dataset) ([]guessed, error) {
	crops, err := evenly(d, m.Net.Input.Size, reportPictures)
	if err != nil {
		return nil, err
	}
	var out []guessed
	for part := range slices.Chunk(crops, m.Config.Batch) {
		o, err := m.Infer(cropBatch(part))
		if err != nil {
			return nil, err
		}
		for i, c := range part {
			out = append(out, guessed{c, slices.Clone(o.Probs[i*m.Net.Classes : (i+1)*m.Net.Classes])})
		}
	}
	return out, nil
}

// reportGuesses are the guesses as the report shows them.
func reportGuesses(d *pipeline.Dataset, all []guessed) ([]report.Picture, error) {
	var pictures []report.Picture
	for _, g := range all {
		png, err := encode(g.rgb, g.size)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, report.Picture{PNG: png, Truth: g.class, Guesses: best(d, g.probs, g.label)})
	}
	return pictures, nil
}

// drawGuesses writes guesses.png.
func drawGuesses(dir string, d *pipeline.Dataset, all []guessed) error {
	sheet := &guessSheet{columns: reportPictures / 2}
	for _, g := range all {
		sheet.size = g.size
		cell := sheetCell{name: g.class, crop: g.rgb}
		for _, b := range best(d, g.probs, g.label) {
			cell.guesses = append(cell.guesses, guess{Class: b.Class, Probability: b.Prob})
			cell.right = append(cell.right, b.Right)
		}
		sheet.cells = append(sheet.cells, cell)
	}
	img, err := sheet.draw()
	if err != nil {
		return err
	}
	return file.Write(filepath.Join(dir, guessesName), func(w io.Writer) error { return png.Encode(w, img) })
}

// evenly is the centre of up to n samples spread evenly over a data set.
func evenly(d *pipeline.Dataset, size, n int) ([]crop, error) {
	n = min(n, d.Len())
	var crops []crop
	for i := range n {
		c, err := centreCrop(d, size, i*d.Len()/n)
		if err != nil {
			return nil, err
		}
		crops = append(crops, c)
	}
	return crops, nil
}

// cropBatch is what a model runs on.
func cropBatch(crops []crop) engine.Batch {
	b := engine.Batch{Images: len(crops)}
	for _, c := range crops {
		b.Pixels, b.Labels = append(b.Pixels, c.rgb...), append(b.Labels, int32(c.label))
	}
	return b
}

// crop is what a net sees of a sample at the centre.
type crop struct {
	sample int
	rgb    []byte // (size, size, 3)
	size   int
	label  int
	class  string
}

// centreCrop decodes a sample, or the next one that isn't damaged.
func centreCrop(d *pipeline.Dataset, size, sample int) (crop, error) {
	full := d.Meta().Size
	if size > full {
		return crop{}, fmt.Errorf("the net reads %d pixels a side and the shards have %d", size, full)
	}
	decoder, rgb := d.Codec().NewDecoder(full), make([]byte, 3*full*full)
	label, err := d.Pixels(decoder, sample, rgb)
	for bad := new(mds.CorruptError); errors.As(err, &bad) && sample+1 < d.Len(); {
		sample++
		label, err = d.Pixels(decoder, sample, rgb)
	}
	if err != nil {
		return crop{}, err
	}
	c := crop{sample: sample, rgb: make([]byte, 3*size*size), size: size, label: label, class: d.Meta().Classes[label].Title()}
	view := augment.CentreView(full, size)
	augment.CopyCrop(c.rgb, rgb, full, view.X, view.Y, size, false)
	return c, nil
}

// best is the five most probable classes.
func best(d *pipeline.Dataset, probs []float32, label int) []report.Guess {
	order := make([]int, len(probs))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return probs[order[i]] > probs[order[j]] })
	var top []report.Guess
	for _, c := range order[:min(5, len(order))] {
		top = append(top, report.Guess{Class: d.Meta().Classes[c].Title(), Prob: float64(probs[c]), Right: c == label})
	}
	return top
}

func encode(rgb []byte, size int) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		copy(img.Pix[4*i:], rgb[3*i:3*i+3])
		img.Pix[4*i+3] = 0xff
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}
