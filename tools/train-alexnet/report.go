package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// reportOptions say what a report shows.
type reportOptions struct {
	checkpoint string // "" is the best one, or the latest
	devices    string
	options    devices.Options
	quick      bool // no passes over the data
}

// reportBatch is how many pictures the net sees at once for a report.
const reportBatch = 32

// makeReport draws curve.png, kernels.png, guesses.png and report.html of the run in dir, on
// pictures of its validation shards, or of its training shards where it has no
// others.
func makeReport(ctx context.Context, dir string, o reportOptions, line *command.Line) error {
	defer line.Clear()
	record, err := readRun(dir)
	if err != nil {
		return err
	}
	if o.checkpoint == "" {
		if o.checkpoint, err = bestOrLatest(dir); err != nil {
			return err
		}
	}
	var saved settings // where the run looked for its shards
	if err := json.Unmarshal(record.Settings, &saved); err != nil {
		return fmt.Errorf("%s: settings: %w", filepath.Join(dir, runName), err)
	}
	base, err := saved.Access.Open(ctx, record.Train.Dir, noted(line))
	if err != nil {
		return err
	}
	defer base.Close()
	shown := base
	if record.Val != nil {
		if shown, err = saved.Access.Open(ctx, record.Val.Dir, noted(line)); err != nil {
			return err
		}
		defer shown.Close()
	}
	m, err := reportModel(o, shown)
	if err != nil {
		return err
	}
	defer m.Close()
	picture(line, curveName, func() error { return drawCurve(dir) })
	picture(line, kernelsName, func() error { return drawKernels(dir, m) })
	page, err := reportPage(dir, record, m)
	if err != nil {
		return err
	}
	all, err := guessPictures(m, shown)
	if err != nil {
		return err
	}
	picture(line, guessesName, func() error { return drawGuesses(dir, shown, all) })
	if page.Pictures, err = reportGuesses(shown, all); err != nil {
		return err
	}
	if !o.quick {
		if page.Confusion, err = confusion(ctx, m, shown, line); err != nil {
			return err
		}
		if page.Neighbours, err = neighbours(ctx, m, shown, base, line); err != nil {
			return err
		}
	}
	return file.Write(filepath.Join(dir, reportName), page.Write)
}

// reportModel opens the checkpoint for inference on pictures of d.
func reportModel(o reportOptions, d *pipeline.Dataset) (*engine.Model, error) {
	file, err := engine.OpenCheckpoint(o.checkpoint)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := infer.SameClasses(o.checkpoint, file.Classes, d); err != nil {
		return nil, flagged(err)
	}
	m, _, err := infer.OpenModel(o.checkpoint, o.devices, noting(o.options), reportBatch, infer.Penultimate(file.Net))
	return m, flagged(err)
}

// neighbours finds the nearest pictures and shows them.
func neighbours(ctx context.Context, m *engine.Model, queries, base *pipeline.Dataset, line *command.Line) ([]report.Neighbours, error) {
	found, err := infer.FindNeighbours(ctx, m, queries, base, func(done, total int) {
		line.Update("report: %d of %d pictures compared", done, total)
	})
	if err != nil {
		return nil, err
	}
	rows := make([]report.Neighbours, len(found))
	for i, f := range found {
		if rows[i].Query, err = shown(f.Query, 0); err != nil {
			return nil, err
		}
		for _, n := range f.Nearest {
			near, err := shown(n.Crop, n.Distance)
			if err != nil {
				return nil, err
			}
			rows[i].Nearest = append(rows[i].Nearest, near)
		}
	}
	return rows, nil
}

// shown is a picture for the report.
func shown(c infer.Crop, distance float64) (report.Neighbour, error) {
	png, err := c.PNG()
	return report.Neighbour{PNG: png, Class: c.Class, Distance: distance}, err
}

// bestOrLatest is the checkpoint that speaks for a run.
func bestOrLatest(dir string) (string, error) {
	all := engine.Checkpoints{Dir: filepath.Join(dir, checkpointsName)}
	if _, err := os.Stat(all.Best()); err == nil {
		return all.Best(), nil
	}
	path, err := all.Latest()
	if err == nil && path == "" {
		err = fmt.Errorf("%s has no checkpoint yet", dir)
	}
	return path, err
}

// reportPage is the report without what the net makes of pictures.
func reportPage(dir string, record *runRecord, m *engine.Model) (*report.Page, error) {
	metrics, err := report.ReadMetrics(filepath.Join(dir, metricsName))
	if err != nil {
		return nil, err
	}
	page := &report.Page{
		Title:   m.Net.Name + ": " + filepath.Base(dir),
		Figures: figures(record, metrics, m.Net.Classes),
		Split:   "Training", Layer: m.Config.Tap,
	}
	if record.Val != nil {
		page.Split = "Validation"
	}
	if page.Settings, err = settingRows(record.Settings); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := report.Curve(&b, metrics); err != nil {
		return nil, err
	}
	page.Curve = b.Bytes()
	img, err := kernels(m)
	if err != nil {
		return nil, err
	}
	if img != nil {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return nil, err
		}
		page.Kernels = b.Bytes()
	}
	return page, nil
}
