package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"alexnet/internal/file"
)

// Checkpoints is a folder of checkpoints: the last few, and the best one.
type Checkpoints struct {
	Dir  string
	Keep int // how many of the last to keep; 0 means 2
}

const (
	stepPattern = "step-%09d.safetensors"
	bestName    = "best.safetensors"
	lastName    = "last.safetensors"
)

// Save writes a checkpoint named after its step, and removes the oldest beyond Keep.
// With best, the checkpoint becomes best.safetensors too, which is never removed. A
// reader sees whole files only, whenever the program is killed. The best one is
// written first: a run killed after it goes on from the step before and makes the
// same file again; in the other order it would go on without its best one.
func (f Checkpoints) Save(m *Model, c *Checkpoint, best bool) (path string, err error) {
	if err := os.MkdirAll(f.Dir, 0o777); err != nil {
		return "", fmt.Errorf("save checkpoint: %w", err)
	}
	path = filepath.Join(f.Dir, fmt.Sprintf(stepPattern, c.Position.Step))
	if !best {
		err = WriteCheckpoint(path, m, c)
	} else if err = WriteCheckpoint(f.Best(), m, c); err == nil {
		err = another(f.Best(), path)
	}
	if err == nil {
		err = another(path, filepath.Join(f.Dir, lastName))
	}
	if err != nil {
		return "", fmt.Errorf("save checkpoint: %w", err)
	}
	return path, f.prune()
}

// FindCheckpoint is the checkpoint file that a path means: the file itself, or of a
// run folder or its folder of checkpoints the best one, else the latest.
func FindCheckpoint(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", file.Missing(fmt.Errorf("there is no checkpoint %s: give the folder of a run, or a file of its checkpoints", path))
	}
	if err != nil || !info.IsDir() {
		return path, nil // opening reports what is wrong with it
	}
	for _, dir := range []string{filepath.Join(path, "checkpoints"), path} {
		f := Checkpoints{Dir: dir}
		if _, err := os.Stat(f.Best()); err == nil {
			return f.Best(), nil
		}
		if latest, err := f.Latest(); err != nil || latest != "" {
			return latest, err
		}
	}
	return "", fmt.Errorf("%s is a folder without checkpoints: give a checkpoint file, or the folder of a run that has saved one", path)
}

// another gives the file at path another name. On a file system without hard links it
// copies the file.
func another(path, name string) error {
	if file.Linked(path, name) == nil {
		return nil
	}
	return file.Replace(name, func(w *os.File) error {
		r, err := file.Open(path)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(w, r)
		return err
	})
}

// Best returns the path of the best checkpoint, even if there is none.
func (f Checkpoints) Best() string { return filepath.Join(f.Dir, bestName) }

// Latest returns the path of the checkpoint with the most steps; "" if there is none.
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

// prune removes the oldest checkpoints beyond Keep, and incomplete files of killed
// processes.
func (f Checkpoints) prune() error {
	steps, err := f.steps()
	if err != nil {
		return err
	}
	keep := f.Keep
	if keep <= 0 {
		keep = 2
	}
	if err := file.Sweep(f.Dir); err != nil {
		return fmt.Errorf("remove half-written checkpoints: %w", err)
	}
	for _, path := range steps[:max(0, len(steps)-keep)] {
		// On Windows, a file that another program reads stays until the next save.
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) && !file.InUse(err) {
			return fmt.Errorf("remove old checkpoint: %w", err)
		}
	}
	return nil
}
