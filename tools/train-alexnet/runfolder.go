package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"alexnet/engine"
	"alexnet/internal/file"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
	"alexnet/tools/train-alexnet/tensorboard"
)

// Names in a run folder.
const (
	runName         = "run.json"
	metricsName     = "metrics.jsonl"
	checkpointsName = "checkpoints"
	curveName       = "curve.png"
	kernelsName     = "kernels.png"
	guessesName     = "guesses.png"
	reportName      = "report.html"
	boardName       = "tensorboard" // train and val below it
)

// runRecord is run.json: what a run is made of.
type runRecord struct {
	Settings   json.RawMessage `json:"settings"`
	Net        *engine.Net     `json:"net"`
	Parameters int             `json:"parameters"`
	Train      dataRecord      `json:"train"`
	Val        *dataRecord     `json:"val,omitempty"`
	Sessions   []session       `json:"sessions"`
	Finished   string          `json:"finished,omitempty"` // why it ended by itself; "" while it may go on
}

// dataRecord identifies a folder of shards: the index holds the hashes of all
// shards.
type dataRecord struct {
	Dir    string `json:"dir"`
	Images int    `json:"images"`
	Index  string `json:"index_sha256"`
}

// session is one start of the program on the run.
type session struct {
	Began    time.Time `json:"began"`
	Step     uint64    `json:"step"` // updates done before
	Version  string    `json:"version"`
	Go       string    `json:"go"`
	Platform string    `json:"platform"`
	CPUs     int       `json:"cpus"`
	Devices  string    `json:"devices"`
	Kernels  string    `json:"kernels,omitempty"` // of a CPU

	// Settings are those of this start; records of older programs have none.
	Settings json.RawMessage `json:"settings,omitempty"`
}

func newSession(step uint64, devices, kernels string) session {
	return session{
		Began: time.Now().UTC().Truncate(time.Second), Step: step, Version: command.Version(), Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Devices: devices, Kernels: kernels,
	}
}

// describeData records the folder of shards at a place.
func describeData(place string, d *pipeline.Dataset) (dataRecord, error) {
	text, err := d.IndexText()
	if err != nil {
		return dataRecord{}, err
	}
	sum := sha256.Sum256(text)
	return dataRecord{Dir: place, Images: d.Len(), Index: hex.EncodeToString(sum[:])}, nil
}

// runLimit is the most bytes of a run.json: a session takes 300.
const runLimit = 16 << 20

// readRun reads run.json. A missing one is an fs.ErrNotExist.
func readRun(dir string) (*runRecord, error) {
	path := filepath.Join(dir, runName)
	text, err := file.ReadAll(path, runLimit)
	if err != nil {
		return nil, err
	}
	r := new(runRecord)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// chooseResume makes --autoresume --resume where there is a run to go on with.
// Ranks decide alike: rank 0 writes run.json only once all have joined.
func (s *settings) chooseResume() error {
	if !s.AutoResume {
		return nil
	}
	if s.Run == "" {
		return command.Usagef("--autoresume needs --run DIR, the folder of the run to begin or to go on with")
	}
	_, err := readRun(s.Run)
	s.Resume = !errors.Is(err, os.ErrNotExist) // what is wrong with run.json, begin says
	return nil
}

// begin makes sure that dir holds no run, or with resume that it does.
func begin(dir string, resume bool) (*runRecord, error) {
	r, err := readRun(dir)
	switch {
	case resume && errors.Is(err, os.ErrNotExist):
		return nil, command.Usagef("--resume: %s holds no run (no %s): leave --resume out to start one", dir, runName)
	case resume:
		return r, err
	case err == nil:
		return nil, command.Usagef("--run %s already holds a run: add --resume to go on with it, or give another folder", dir)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	return nil, nil
}

// write replaces run.json.
func (r *runRecord) write(dir string) error {
	return file.Write(filepath.Join(dir, runName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}

// openMetrics opens metrics.jsonl for appending, cut back to what was written
// up to the position of the checkpoint, so that no step appears twice.
func openMetrics(dir string, at engine.Position) (*os.File, error) {
	path := filepath.Join(dir, metricsName)
	f, err := file.OpenOwn(path)
	if err != nil {
		return nil, err
	}
	end, err := metricsEnd(f, at)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// openBoards begins the event files of a session that goes on after step.
func openBoards(dir string, step uint64) (map[string]*tensorboard.Writer, error) {
	boards := map[string]*tensorboard.Writer{}
	for _, split := range []string{"train", "val"} {
		w, err := tensorboard.Create(filepath.Join(dir, boardName, split), step)
		if err != nil {
			return boards, fmt.Errorf("event file for TensorBoard: %w", err)
		}
		boards[split] = w
	}
	return boards, nil
}

// metricsLine is the most bytes of a line of metrics.jsonl, which has 200.
const metricsLine = 1 << 16

// metricsEnd is the length of the lines that belong to the time before at. A
// validation at the same step belongs there once its epoch is over.
func metricsEnd(f io.Reader, at engine.Position) (int64, error) {
	var end int64
	lines := bufio.NewReaderSize(f, metricsLine)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return end, nil // a line without its end was cut off by a kill
		}
		if err != nil {
			return 0, fmt.Errorf("after byte %d: %w", end, err)
		}
		var m engine.Metrics
		if err := json.Unmarshal(bytes.TrimSpace(line), &m); err != nil {
			return 0, fmt.Errorf("after byte %d: %w", end, err)
		}
		if m.Step > at.Step || m.Step == at.Step && m.Split == "val" && at.EpochStep > 0 {
			return end, nil
		}
		end += int64(len(line))
	}
}
