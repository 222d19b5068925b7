package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
)

// Checkpoints is a folder of checkpoints: the last few, and the best one.
type Checkpoints struct {
	Dir  string
	Keep int // how many of the last to keep; 0 means 2
}

const (
	stepPattern = "step-%09d.safetensors"
	bestName    = "best.safetensors"
	tempSuffix  = ".tmp"
)

// Save writes a checkpoint named after its step and removes the oldest beyond
// Keep. With best it becomes best.safetensors too, which is never removed. A
// reader sees either whole files or none, whenever the program is killed.
func (f Checkpoints) Save(m *Model, c *Checkpoint, best bool) (path string, err error) {
	if err := os.MkdirAll(f.Dir, 0o777); err != nil {
		return "", fmt.Errorf("save checkpoint: %w", err)
	}
	path = filepath.Join(f.Dir, fmt.Sprintf(stepPattern, c.Position.Step))
	if err := WriteCheckpoint(path, m, c); err != nil {
		return "", fmt.Errorf("save checkpoint: %w", err)
	}
	if best {
		if err := f.link(path); err != nil {
			return "", fmt.Errorf("save best checkpoint: %w", err)
		}
	}
	return path, f.prune()
}

// link makes best.safetensors another name of the file at path, or a copy where
// the file system has no hard links.
func (f Checkpoints) link(path string) error {
	best := f.Best()
	temp := best + tempSuffix
	os.Remove(temp)
	if err := os.Link(path, temp); err != nil {
		return ReplaceFile(best, func(w io.Writer) error {
			r, err := os.Open(path)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(w, r)
			return err
		})
	}
	if err := os.Rename(temp, best); err != nil {
		return err
	}
	return syncFolder(f.Dir)
}

// Best is the path of the best checkpoint, whether there is one or not.
func (f Checkpoints) Best() string { return filepath.Join(f.Dir, bestName) }

// Latest is the path of the checkpoint with the most steps, "" if there is
// none.
func (f Checkpoints) Latest() (string, error) {
	steps, err := f.steps()
	if err != nil || len(steps) == 0 {
		return "", err
	}
	return steps[len(steps)-1], nil
}

// steps lists the checkpoints named after their steps, oldest first.
func (f Checkpoints) steps() ([]string, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	byStep := map[uint64]string{}
	var order []uint64
	for _, e := range entries {
		var step uint64
		if _, err := fmt.Sscanf(e.Name(), stepPattern, &step); err == nil && e.Name() == fmt.Sprintf(stepPattern, step) {
			byStep[step] = filepath.Join(f.Dir, e.Name())
			order = append(order, step)
		}
	}
	sort.Slice(order, func(i, j int) bool { return order[i] < order[j] })
	paths := make([]string, len(order))
	for i, step := range order {
		paths[i] = byStep[step]
	}
	return paths, nil
}

// prune removes the oldest checkpoints beyond Keep, and what a killed program
// left half-written.
func (f Checkpoints) prune() error {
	steps, err := f.steps()
	if err != nil {
		return err
	}
	keep := f.Keep
	if keep <= 0 {
		keep = 2
	}
	stale, _ := filepath.Glob(filepath.Join(f.Dir, "*"+tempSuffix)) // the pattern is well formed
	if len(steps) > keep {
		stale = append(stale, steps[:len(steps)-keep]...)
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove old checkpoint: %w", err)
		}
	}
	return nil
}

// ReplaceFile writes a file that appears under its name only when it is
// complete and on disk: a temporary file beside it is written, synced and
// renamed, and the folder synced. On an error the old file, if any, stays.
func ReplaceFile(path string, write func(io.Writer) error) error {
	return replaceFile(path, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<20)
		if err := write(w); err != nil {
			return err
		}
		return w.Flush()
	})
}

// replaceFile is ReplaceFile for what doesn't write from the beginning to the end.
func replaceFile(path string, write func(*os.File) error) (err error) {
	temp := path + tempSuffix
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(temp)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename in the folder last.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
