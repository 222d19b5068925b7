package main

import (
	"image"
	"image/png"
	"io"
	"path/filepath"
	"slices"

	"alexnet/engine"
	"alexnet/engine/infer"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
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
	infer.Crop
	probs []float32
}

// guessPictures asks the net about pictures spread evenly over a data set.
func guessPictures(m *engine.Model, d *pipeline.Dataset) ([]guessed, error) {
	crops, err := infer.Evenly(d, m.Net.Input.Size, reportPictures)
	if err != nil {
		return nil, err
	}
	var out []guessed
	for part := range slices.Chunk(crops, m.Config.Batch) {
		o, err := m.Infer(infer.Batch(part))
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
		png, err := g.PNG()
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, report.Picture{PNG: png, Truth: g.Class, Guesses: best(d, g.probs, g.Label)})
	}
	return pictures, nil
}

// drawGuesses writes guesses.png.
func drawGuesses(dir string, d *pipeline.Dataset, all []guessed) error {
	sheet := &infer.Sheet{Columns: reportPictures / 2}
	for _, g := range all {
		sheet.Size = g.Size
		cell := infer.Cell{Name: g.Class, Crop: g.RGB}
		for _, b := range best(d, g.probs, g.Label) {
			cell.Guesses = append(cell.Guesses, infer.Guess{Class: b.Class, Probability: b.Prob})
			cell.Right = append(cell.Right, b.Right)
		}
		sheet.Cells = append(sheet.Cells, cell)
	}
	img, err := sheet.Draw()
	if err != nil {
		return err
	}
	return file.Write(filepath.Join(dir, guessesName), func(w io.Writer) error { return png.Encode(w, img) })
}

// best is the five most probable classes.
func best(d *pipeline.Dataset, probs []float32, label int) []report.Guess {
	var top []report.Guess
	for _, c := range infer.Top(probs, infer.SheetGuesses) {
		top = append(top, report.Guess{Class: d.Meta().Classes[c].Title(), Prob: float64(probs[c]), Right: c == label})
	}
	return top
}
