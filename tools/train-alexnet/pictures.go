package main

import (
	"image/png"
	"io"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/train"
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
	metrics, err := report.ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		return err
	}
	return file.Write(filepath.Join(dir, curveName), func(w io.Writer) error { return report.Curve(w, metrics) })
}

// drawKernels writes kernels.png where the first layer is a convolution.
func drawKernels(dir string, m *engine.Model) error {
	img, err := report.FirstKernels(m)
	if img == nil || err != nil {
		return err
	}
	return file.Write(filepath.Join(dir, kernelsName), func(w io.Writer) error { return png.Encode(w, img) })
}

// drawGuesses writes guesses.png: what the net takes some pictures of d for.
func drawGuesses(dir string, d *pipeline.Dataset, m *engine.Model) error {
	all, err := report.GuessPictures(m, d)
	if err != nil {
		return err
	}
	img, err := report.GuessSheet(d, all)
	if err != nil {
		return err
	}
	return file.Write(filepath.Join(dir, guessesName), func(w io.Writer) error { return png.Encode(w, img) })
}
