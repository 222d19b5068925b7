package main

import (
	"os"
	"path/filepath"
	"testing"

	"alexnet/engine/train/report"
)

// A picture that can't be drawn is told of and changes nothing: the weights are
// those of a run that could draw all.
func TestUndrawnPicturesAreWarnings(t *testing.T) {
	w := newWorld(t)
	const last = "checkpoints/step-000000020.safetensors"
	whole := filepath.Join(w.dir, "whole")
	call(w.args(whole, "--steps", "20")...).must(t, 0)
	for _, names := range [][]string{{report.CurveName}, {report.KernelsName}, {report.GuessesName}, {report.PageName}, {report.CurveName, report.KernelsName, report.GuessesName, report.PageName}} {
		dir := t.TempDir()
		for _, name := range names { // a folder that isn't empty can't be replaced
			if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		r := call(w.args(dir, "--steps", "20")...)
		r.must(t, 0, "after 20 steps")
		for _, name := range names {
			if name == report.PageName {
				r.must(t, 0, "warning: no report: ", "train-alexnet report --run "+dir+" makes it")
			} else {
				r.must(t, 0, "warning: "+name+" is not drawn: ")
			}
		}
		if read(t, filepath.Join(dir, last)) != read(t, filepath.Join(whole, last)) {
			t.Errorf("without %v the weights are others", names)
		}
	}
}

// Reports may be made while the run trains, as often as one likes.
func TestReportBesideTraining(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--epochs", "1")...).must(t, 0)
	p := process("--run", dir, "--resume", "--epochs", "8", "--threads", "1")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Wait() }()
	for reports := 0; ; reports++ {
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("after %d reports: %v", reports, err)
			}
			if reports == 0 {
				t.Error("the run was faster than a report")
			}
			return
		default:
			call("train-alexnet", "report", "--run", dir, "--quick", "--threads", "1").must(t, 0)
		}
	}
}
