package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"image/color"
	"image/png"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/infer"
	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/tools/internal/command"
)

func metricsOf(t *testing.T, dir string) []engine.Metrics {
	t.Helper()
	m, err := report.ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTrainEvaluateReport(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	r := call(w.args(dir)...)
	r.must(t, 0, "epoch 8/8  validation", "no --pca file", "all epochs are done after 80 steps", "lowest top-1 error")
	if n := strings.Count(r.stderr, "no --pca file"); n != 1 {
		t.Errorf("the missing pca.json was mentioned %d times", n)
	}
	for _, name := range []string{train.RecordName, train.MetricsName, report.CurveName, report.KernelsName, report.GuessesName, report.PageName, "checkpoints/best.safetensors", "checkpoints/step-000000080.safetensors"} {
		exists(t, filepath.Join(dir, name))
	}
	sheet, err := png.Decode(strings.NewReader(read(t, filepath.Join(dir, report.GuessesName))))
	if err != nil {
		t.Fatal(err)
	}
	red := 0
	for y := range sheet.Bounds().Dy() {
		for x := range sheet.Bounds().Dx() {
			if sheet.At(x, y) == color.Color(infer.RightBar) {
				red++
			}
		}
	}
	if red < 1000 || sheet.Bounds().Dx() != 6*(192+16)+16 {
		t.Errorf("guesses.png is %v with %d pixels of right guesses", sheet.Bounds(), red)
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(read(t, filepath.Join(dir, train.MetricsName)), "\n", 2)[0]), &first); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"epoch", "step", "images", "loss", "top1_error", "top5_error", "lr", "images_per_s"} {
		if _, ok := first[key]; !ok {
			t.Errorf("metrics.jsonl has no %q: %v", key, first)
		}
	}
	best := 1.0
	for _, m := range metricsOf(t, dir) {
		if m.Split == "val" {
			best = min(best, m.Top1Error)
		}
	}
	if best > 0.2 {
		t.Errorf("lowest validation error %.2f: stripes were not learnt", best)
	}

	// eval agrees with the validation of the same weights.
	var score engine.Score
	if page := read(t, filepath.Join(dir, report.PageName)); !strings.Contains(page, "<h2>In short</h2>") || !strings.Contains(page, "whether the net overfits") {
		t.Error("the report doesn't say how the run went")
	}
	e := call("train-alexnet", "eval", "--checkpoint", filepath.Join(dir, "checkpoints/best.safetensors"), "--data", w.val, "--json")
	e.must(t, 0)
	if err := json.Unmarshal([]byte(e.stdout), &score); err != nil {
		t.Fatal(err)
	}
	if score.Images != 21 || score.Top1Error != best || score.Top5Error != 0 {
		t.Errorf("eval says %+v, the run %v", score, best)
	}
	ten := call("train-alexnet", "eval", "--checkpoint", filepath.Join(dir, "checkpoints/best.safetensors"), "--data", w.val, "--ten-crop")
	ten.must(t, 0, "21 pictures: top-1 error ", " %, loss ")
	call("train-alexnet", "eval", "--checkpoint", filepath.Join(dir, "checkpoints/best.safetensors"), "--data", w.val, "--ten-crop", "--batch", "15").must(t, 1, "multiple")

	// The report can be drawn again.
	page := filepath.Join(dir, report.PageName)
	if err := os.Remove(page); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "report", "--run", dir).must(t, 0, "wrote")
	text := read(t, page)
	if n := strings.Count(text, "data:image/png;base64,"); n < 14+6*6 || !strings.Contains(text, "class2") || !strings.Contains(text, "Nearest neighbours in fc3") {
		t.Errorf("report has %d pictures, want at least curve, kernels, 12 guesses and 6 queries with 5 neighbours each", n)
	}
	call("train-alexnet", "report", "--run", dir, "--quick").must(t, 0, "wrote")
	if quick := read(t, page); strings.Contains(quick, "neighbours in") || strings.Contains(quick, "What is taken") {
		t.Error("a quick report has what takes passes over the data")
	}
	if strings.Contains(text, "ZgotmplZ") || strings.Contains(text, "src=\"http") {
		t.Error("the page is not self-contained")
	}
}

func TestRunFolderIsNotOverwritten(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "2")...).must(t, 0)
	before := read(t, filepath.Join(dir, train.RecordName))
	call(w.args(dir, "--steps", "2")...).must(t, 2, "already holds a run", "--resume")
	call(w.args(filepath.Join(w.dir, "timed"), "--max-time", "-1s")...).must(t, 2, "--max-time -1s: want a time such as 90s, 10m or 8h")
	pictures := filepath.Join(w.dir, "photographs")
	if err := errors.Join(os.MkdirAll(filepath.Join(pictures, "cats"), 0o777), os.WriteFile(filepath.Join(pictures, "cats", "cat.JPG"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	call(w.args(pictures, "--steps", "2")...).must(t, 2, "photographs holds "+filepath.Join("cats", "cat.JPG")+", so it is no folder for a run")
	if left, _ := os.ReadDir(pictures); len(left) != 1 {
		t.Errorf("%d files among the photographs", len(left))
	}
	if read(t, filepath.Join(dir, train.RecordName)) != before {
		t.Error("run.json has changed")
	}
}

// One command begins a run, goes on with it, and has nothing to do when it is done.
func TestAutoResume(t *testing.T) {
	w := newWorld(t)
	whole, dir := filepath.Join(w.dir, "whole"), filepath.Join(w.dir, "run")
	call(w.args(whole, "--steps", "4")...).must(t, 0)
	for _, n := range []string{"2", "4", "4"} {
		call(w.args(dir, "--steps", n, "--autoresume")...).must(t, 0, "after "+n+" steps")
	}
	const name = "checkpoints/step-000000004.safetensors"
	if read(t, filepath.Join(dir, name)) != read(t, filepath.Join(whole, name)) {
		t.Error("the weights differ from those of a run that never stopped")
	}
	if s := steps(t, dir, "train"); !slices.Equal(s, []uint64{2, 4}) {
		t.Errorf("metrics.jsonl has steps %v", s)
	}
	if err := os.WriteFile(filepath.Join(dir, train.RecordName), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	call(w.args(dir, "--autoresume")...).must(t, 1, filepath.Join(dir, train.RecordName))
	call("train-alexnet", "--train", w.train, "--autoresume").must(t, 2, "--autoresume needs --run")
}

func TestResumeRefusesAnotherRun(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "2")...).must(t, 0)
	four := filepath.Join(w.dir, "four")
	makeShards(t, four, "train", 4, 3)
	wide := filepath.Join(w.dir, "wide.json")
	if err := os.WriteFile(wide, []byte(strings.Replace(testNet, `"maps": 8`, `"maps": 16`, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code  int
		want  string
		flags []string
	}{
		{2, "--batch 5: the run was begun with 6", []string{"--batch", "5"}},
		{2, "--seed 9: the run was begun with 3", []string{"--seed", "9"}},
		{1, "was trained on 3 classes (class0 …)", []string{"--train", four, "--val", four}},
		{1, "was trained on 3 classes (class0 …)", []string{"--train", four, "--val", four, "--net", "alexnet-mini"}},
		{1, `layer 1 is {"name":"conv1","conv":{"maps":8,`, []string{"--net", wide}},
		{1, `the pixels a side that it reads are 16 in net "test" of the checkpoint, and 64 in net "alexnet-mini"`, []string{"--net", "alexnet-mini"}},
		{1, `the towers are 2 in net "test" of the checkpoint, and 1 in net "test-no-towers"`, []string{"--without", "towers"}},
		{1, `layer 9 is {"dropout":{"rate":0.5}} in net "test"`, []string{"--without", "dropout"}},
		{1, "the input scale is 0.02 in net", []string{"--input-scale", "0.5"}},
	} {
		call(append([]string{"train-alexnet", "--run", dir, "--resume", "--steps", "3"}, c.flags...)...).must(t, c.code, c.want)
	}
	call("train-alexnet", "--run", dir, "--resume", "--steps", "3").must(t, 0, "after 3 steps")
}

// final is the checkpoint after 40 steps of a run in dir.
func final(t *testing.T, dir string) string {
	return read(t, filepath.Join(dir, train.CheckpointsName, "step-000000040.safetensors"))
}

// steps are the steps in metrics.jsonl, by split.
func steps(t *testing.T, dir, split string) (s []uint64) {
	for _, m := range metricsOf(t, dir) {
		if m.Split == split {
			s = append(s, m.Step)
		}
	}
	return s
}

func TestResumeIsExactWhateverStopsIt(t *testing.T) {
	w := newWorld(t)
	whole := filepath.Join(w.dir, "whole")
	call(w.args(whole, "--steps", "40")...).must(t, 0)
	want := final(t, whole)
	for _, stop := range []struct {
		name   string
		signal os.Signal
		code   int
	}{
		{"ctrl-c", os.Interrupt, command.Interrupted},
		{"hang-up", syscall.SIGHUP, command.Interrupted},
		{"kill", os.Kill, -1},
	} {
		t.Run(stop.name, func(t *testing.T) {
			if signal.Ignored(stop.signal) {
				t.Skip("this process ignores the signal, as under nohup, and so would the command")
			}
			dir := filepath.Join(w.dir, stop.name)
			args := w.args(dir, "--steps", "40", "--checkpoint-every", "3", "--log-every", "1", "--threads", "1")
			p := process(args[1:]...)
			stderr, err := p.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			lines := bufio.NewScanner(stderr)
			for lines.Scan() {
				text.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), "step 17/40") {
					if err := p.Process.Signal(stop.signal); err != nil {
						t.Fatal(err)
					}
				}
			}
			p.Wait()
			if p.ProcessState.ExitCode() != stop.code {
				t.Fatalf("exit code %d, want %d:\n%s", p.ProcessState.ExitCode(), stop.code, text.String())
			}
			if stop.code == command.Interrupted && !strings.Contains(text.String(), "--resume") {
				t.Errorf("no advice on resuming:\n%s", text.String())
			}
			if got := latestStep(t, dir); got < 15 || got >= 40 {
				t.Fatalf("stopped at step %d, want 15 to 39", got)
			}
			call("train-alexnet", "--run", dir, "--resume").must(t, 0, "resuming", "after 40 steps")
			if final(t, dir) != want {
				t.Error("the weights after 40 steps differ from the uninterrupted run's")
			}
			s := steps(t, dir, "train")
			wanted := make([]uint64, 40)
			for i := range wanted {
				wanted[i] = uint64(i + 1)
			}
			if !slices.Equal(s, wanted) {
				t.Errorf("metrics.jsonl has steps %v", s)
			}
			if v := steps(t, dir, "val"); !slices.Equal(v, []uint64{10, 20, 30, 40}) {
				t.Errorf("metrics.jsonl has validations at %v", v)
			}
			var record train.Record
			if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, train.RecordName))), &record); err != nil || len(record.Sessions) != 2 {
				t.Errorf("run.json has %d sessions: %v", len(record.Sessions), err)
			}
		})
	}
}

// latestStep is the step of the newest checkpoint.
func latestStep(t *testing.T, dir string) uint64 {
	t.Helper()
	path, err := engine.Checkpoints{Dir: filepath.Join(dir, train.CheckpointsName)}.Latest()
	if err != nil || path == "" {
		t.Fatalf("no checkpoint: %v", err)
	}
	c, err := engine.OpenCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.Position.Step
}

// A kill before the first checkpoint loses nothing but time.
func TestResumeWithoutCheckpointBeginsAgain(t *testing.T) {
	w := newWorld(t)
	whole, killed := filepath.Join(w.dir, "whole"), filepath.Join(w.dir, "killed")
	call(w.args(whole, "--steps", "5")...).must(t, 0)
	call(w.args(killed, "--steps", "5")...).must(t, 0)
	if err := os.RemoveAll(filepath.Join(killed, train.CheckpointsName)); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "--run", killed, "--resume").must(t, 0, "no checkpoint yet")
	const name = "checkpoints/step-000000005.safetensors"
	if read(t, filepath.Join(whole, name)) != read(t, filepath.Join(killed, name)) {
		t.Error("the weights differ")
	}
	if s := steps(t, killed, "train"); !slices.Equal(s, []uint64{4, 5}) {
		t.Errorf("metrics.jsonl has steps %v", s)
	}
}

func TestMaxTime(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	began := time.Now()
	call(w.args(dir, "--epochs", "1000000", "--max-time", "300ms")...).must(t, 0, "the limit on time is reached")
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
	latestStep(t, dir)
}

func TestDivergedRunSavesAndAdvises(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--lr", "1e9", "--warmup", "0")...).must(t, 1, "diverged", "nothing was saved before", "learning rate")
	call(w.args(filepath.Join(w.dir, "scale"), "--input-scale", "3e38", "--mean", "none")...).must(t, 1, "diverged", "state before this step is saved", "input scale")
	latestStep(t, filepath.Join(w.dir, "scale"))
}

func TestMeans(t *testing.T) {
	w := newWorld(t)
	for _, mean := range []string{"image", "none"} {
		dir := filepath.Join(w.dir, mean)
		r := call(w.args(dir, "--steps", "1", "--mean", mean)...)
		r.must(t, 0, "there is no colour noise")
		if strings.Contains(r.stderr, "mean colour comes from") {
			t.Errorf("--mean %s: %s", mean, r.stderr)
		}
		c, err := engine.OpenCheckpoint(filepath.Join(dir, "checkpoints/step-000000001.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if want := map[string]int{"image": 3 * 16 * 16, "none": 0}[mean]; len(c.Mean) != want {
			t.Errorf("--mean %s: %d values, want %d", mean, len(c.Mean), want)
		}
	}
}
