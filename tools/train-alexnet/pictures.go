package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"sort"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/pipeline"
	"alexnet/tools/train-alexnet/report"
)

// drawCurve writes curve.png from metrics.jsonl.
func drawCurve(dir string) error {
	metrics, err := report.ReadMetrics(filepath.Join(dir, metricsName))
	if err != nil {
		return err
	}
	return engine.ReplaceFile(filepath.Join(dir, curveName), func(w io.Writer) error { return report.Curve(w, metrics) })
}

// draw writes curve.png and, where the first layer sees the image, kernels.png.
func draw(dir string, m *engine.Model) error {
	if err := drawCurve(dir); err != nil {
		return err
	}
	img, err := kernels(m)
	if img == nil || err != nil {
		return err
	}
	return engine.ReplaceFile(filepath.Join(dir, kernelsName), func(w io.Writer) error { return png.Encode(w, img) })
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

// guesses is what the net makes of pictures spread evenly over a data set.
func guesses(ctx context.Context, m *engine.Model, d *pipeline.Dataset) ([]report.Picture, error) {
	full, crop := d.Meta().Size, m.Net.Input.Size
	if crop > full {
		return nil, fmt.Errorf("the net reads %d pixels a side and the shards have %d", crop, full)
	}
	decoder := d.Codec().NewDecoder(full)
	rgb, cut := make([]byte, 3*full*full), make([]byte, 3*crop*crop)
	view := augment.CentreView(full, crop)
	n := min(reportPictures, d.Len())
	pictures := make([]report.Picture, n)
	for i := range pictures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		label, err := d.Pixels(decoder, i*d.Len()/n, rgb)
		if err != nil {
			return nil, err
		}
		augment.CopyCrop(cut, rgb, full, view.X, view.Y, crop, false)
		o, err := m.Infer(engine.Batch{Images: 1, Pixels: cut, Labels: []int32{int32(label)}})
		if err != nil {
			return nil, err
		}
		pictures[i].Truth = className(d, label)
		pictures[i].Guesses = best(d, o.Probs, label)
		if pictures[i].PNG, err = encode(cut, crop); err != nil {
			return nil, err
		}
	}
	return pictures, nil
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
		top = append(top, report.Guess{Class: className(d, c), Prob: float64(probs[c]), Right: c == label})
	}
	return top
}

func className(d *pipeline.Dataset, label int) string {
	c := d.Meta().Classes[label]
	if c.Name != "" {
		return c.Name
	}
	return c.ID
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

// confusionPictures is the largest data set whose confusion is counted: it
// takes a pass over all of it.
const confusionPictures = 20_000

// confusion counts which classes of d the net takes for which; nil for a large
// data set.
func confusion(ctx context.Context, m *engine.Model, d *pipeline.Dataset) (*report.Confusion, error) {
	if d.Len() > confusionPictures {
		return nil, nil
	}
	names := make([]string, m.Net.Classes)
	for i := range names {
		names[i] = className(d, i)
	}
	c := report.NewConfusion(names)
	f, err := onePass(d, pipeline.LoaderConfig{Batch: m.Config.Batch, Crop: m.Net.Input.Size})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for {
		b, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		o, err := m.Infer(b)
		if err != nil {
			return nil, err
		}
		c.Add(b.Labels[:b.Images], o.Probs)
	}
}

// writeReport writes report.html from the run folder and the model; d may be
// nil, then no pictures are shown.
func writeReport(ctx context.Context, dir string, m *engine.Model, d *pipeline.Dataset) error {
	record, err := readRun(dir)
	if err != nil {
		return err
	}
	metrics, err := report.ReadMetrics(filepath.Join(dir, metricsName))
	if err != nil {
		return err
	}
	page := report.Page{Title: m.Net.Name + ": " + filepath.Base(dir), Figures: figures(record, metrics, m.Net.Classes)}
	if page.Settings, err = settingRows(record.Settings); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := report.Curve(&b, metrics); err != nil {
		return err
	}
	page.Curve = b.Bytes()
	if img, err := kernels(m); err != nil {
		return err
	} else if img != nil {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return err
		}
		page.Kernels = b.Bytes()
	}
	if d != nil {
		if page.Pictures, err = guesses(ctx, m, d); err != nil {
			return err
		}
		if page.Confusion, err = confusion(ctx, m, d); err != nil {
			return err
		}
	}
	return engine.ReplaceFile(filepath.Join(dir, reportName), page.Write)
}

// figures are the results and what they were reached with.
func figures(r *runRecord, metrics []engine.Metrics, classes int) []report.Figure {
	percent := func(e float64) string { return fmt.Sprintf("%.2f %%", 100*e) }
	var rows []report.Figure
	add := func(name, format string, values ...any) {
		rows = append(rows, report.Figure{Name: name, Value: fmt.Sprintf(format, values...)})
	}
	lastTrain, lowest, speed := summary(metrics)
	if lowest != nil {
		add("lowest validation error", "top-1 %s, top-5 %s, loss %.3f, after epoch %d", percent(lowest.Top1Error), percent(lowest.Top5Error), lowest.Loss, lowest.Epoch)
	}
	if lastTrain != nil {
		add("last training figures", "top-1 error %s, loss %.3f, after step %d (%d images)", percent(lastTrain.Top1Error), lastTrain.Loss, lastTrain.Step, lastTrain.Images)
		add("training speed", "%.1f images/s (median)", speed)
	}
	add("chance", "%s error, loss %.3f", percent(1-1/float64(classes)), math.Log(float64(classes)))
	add("net", "%s: %d classes, %d parameters, %d towers", r.Net.Name, classes, r.Parameters, r.Net.Towers)
	add("training set", "%d pictures, %s", r.Train.Images, r.Train.Dir)
	if r.Val != nil {
		add("validation set", "%d pictures, %s", r.Val.Images, r.Val.Dir)
	}
	if n := len(r.Sessions); n > 0 {
		s := r.Sessions[n-1]
		add("last session", "began %s on %s (%s, %d CPUs), version %s, %s", s.Began.Format("2006-01-02 15:04 MST"), s.Devices, s.Platform, s.CPUs, s.Version, s.Go)
		add("sessions", "%d", n)
	}
	return rows
}

// settingRows lists run.json's settings by name.
func settingRows(raw json.RawMessage) ([]report.Figure, error) {
	var s settings
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, err
	}
	var rows []report.Figure
	for name, v := range values {
		text := string(v)
		switch {
		case name == "max-time":
			text = s.MaxTime.String()
		case len(v) > 0 && v[0] == '"':
			if err := json.Unmarshal(v, &text); err != nil {
				return nil, err
			}
		}
		if text != "" {
			rows = append(rows, report.Figure{Name: name, Value: text})
		}
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Name < rows[j].Name })
	return rows, nil
}
