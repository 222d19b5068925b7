package synthetic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
)

// Config is the configuration of Write.
type Config struct {
	Classes     int    // the number of classes, 2 to 10, the first of the ten; 0 means all
	PerClass    int    // training pictures a class; 0 means 200
	ValPerClass int    // validation pictures a class; 0 means a quarter of PerClass, at least 1
	Size        int    // pixels a side of the centre square that is kept, 8 to 256; 0 keeps pictures whole
	Seed        uint64 // of the training pictures; the validation pictures have one of their own
	Workers     int    // 0 means one per processor; makes no difference to the pictures
}

// quality is a good camera's, so that the textures' edges stay clean.
const quality = 92

// valSeed is added to the seed for the validation pictures.
const valSeed = 0x76616c // "val"

// Validate fills in the defaults and says what is wrong with the rest.
func (c *Config) Validate() error {
	if c.Classes == 0 {
		c.Classes = len(textures)
	}
	if c.PerClass == 0 {
		c.PerClass = 200
	}
	if c.ValPerClass == 0 {
		c.ValPerClass = max(1, c.PerClass/4)
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case c.Classes < 2 || c.Classes > len(textures):
		return fmt.Errorf("%d classes: choose 2 to %d", c.Classes, len(textures))
	case c.PerClass < 1 || c.ValPerClass < 1:
		return fmt.Errorf("%d training and %d validation pictures a class: choose at least 1 of each", c.PerClass, c.ValPerClass)
	case c.Size != 0 && (c.Size < 8 || c.Size > 256):
		return fmt.Errorf("pictures of %d pixels a side: choose 8 to 256, or 0 for whole ones", c.Size)
	case c.Workers < 1:
		return fmt.Errorf("%d workers: choose at least 1", c.Workers)
	}
	return nil
}

// job is one picture to render.
type job struct {
	path         string
	seed         uint64
	class, index int
	size         int // 0 for a whole picture
}

func (c *Config) jobs() []job {
	var jobs []job
	for _, split := range []struct {
		name     string
		seed     uint64
		perClass int
	}{{"train", c.Seed, c.PerClass}, {"val", c.Seed + valSeed, c.ValPerClass}} {
		for class := range c.Classes {
			name := textures[class].name
			for i := range split.perClass {
				path := filepath.Join(split.name, name, fmt.Sprintf("%s_%05d.jpg", name, i))
				jobs = append(jobs, job{path, split.seed, class, i, c.Size})
			}
		}
	}
	return jobs
}

// Write renders a synthetic set to dir/train/<class>/ and dir/val/<class>/ as
// JPEG files. dir must not exist yet or be empty, and appears with all its
// pictures or not at all. progress, if not nil, is called with the number of
// pictures done and to do, by one goroutine at a time. Write returns the number
// of pictures written, or ctx's error when that ends first.
func Write(ctx context.Context, dir string, cfg Config, progress func(done, total int)) (int, error) {
	if err := cfg.Validate(); err != nil {
		return 0, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return 0, fmt.Errorf("%s: already holds %s: choose a new folder, or remove this one", dir, entries[0].Name())
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp(parent, ".practice-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return 0, err
	}
	jobs := cfg.jobs()
	for _, j := range jobs {
		if j.index == 0 {
			if err := os.MkdirAll(filepath.Join(tmp, filepath.Dir(j.path)), 0o777); err != nil {
				return 0, err
			}
		}
	}
	if err := render(ctx, tmp, jobs, cfg.Workers, progress); err != nil {
		return 0, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // the folder is empty, as checked above
		return 0, err
	}
	return len(jobs), os.Rename(tmp, dir)
}

// render writes the pictures of jobs below dir and stops at the first error.
func render(ctx context.Context, dir string, jobs []job, workers int, progress func(done, total int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var mu sync.Mutex
	var done int
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var buf bytes.Buffer
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				if err := renderOne(&buf, dir, jobs[i]); err != nil {
					cancel(err)
					return
				}
				if progress != nil {
					mu.Lock()
					done++
					progress(done, len(jobs))
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func renderOne(buf *bytes.Buffer, dir string, j job) error {
	buf.Reset()
	picture := Picture(j.seed, j.class, j.index)
	if j.size > 0 {
		picture = square(picture, j.size)
	}
	if err := jpeg.Encode(buf, picture, &jpeg.Options{Quality: quality}); err != nil {
		return fmt.Errorf("render %s: %w", j.path, err)
	}
	if err := os.WriteFile(filepath.Join(dir, j.path), buf.Bytes(), 0o666); err != nil {
		return fmt.Errorf("a picture of %d bytes: %w", buf.Len(), err)
	}
	return nil
}
