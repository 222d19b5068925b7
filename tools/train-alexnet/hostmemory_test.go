package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/engine/feed"
	"alexnet/engine/train"
	"alexnet/tools/internal/command"
)

// lateContext computes on the CPU and treats host memory like a GPU that reads it
// as late as the contract allows: when a mark behind the upload is waited for, the
// pixels must still be what they were, and they must lie in its own memory.
type lateContext struct {
	engine.Context
	sized map[int]int // how many pieces of memory were asked for, by their bytes

	mu        sync.Mutex
	memory    [][]byte
	reads     []pixelRead
	count     int // uploads of pixels
	elsewhere int // those that don't lie in the context's memory
	errs      []error
}

type pixelRead struct{ at, was []byte }

func (c *lateContext) AllocateHost(n int) ([]byte, error) {
	b := bytes.Repeat([]byte{0xee}, n)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sized[n]++
	c.memory = append(c.memory, b)
	return b, nil
}

func (c *lateContext) Staging(int64) int64 { return 0 }

// Compile hands the tensors over to the CPU.
func (c *lateContext) Compile(ops []engine.Op) (engine.Program, error) {
	for _, op := range ops {
		for _, t := range append(op.Reads(), op.Writes()...) {
			t.Context = c.Context
		}
	}
	return c.Context.Compile(ops)
}

func (c *lateContext) Upload(t *engine.Tensor, src any) error {
	if t.Type == engine.Byte {
		pixels := src.([]byte)
		c.mu.Lock()
		if !c.owns(pixels) {
			c.elsewhere++
		}
		c.reads = append(c.reads, pixelRead{pixels, bytes.Clone(pixels)})
		c.count++
		c.mu.Unlock()
	}
	return c.Context.Upload(t, src)
}

func (c *lateContext) owns(p []byte) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	for _, m := range c.memory {
		if start := uintptr(unsafe.Pointer(unsafe.SliceData(m))); at >= start && at+uintptr(len(p)) <= start+uintptr(len(m)) {
			return true
		}
	}
	return false
}

// lateMark compares what was uploaded before it.
type lateMark struct {
	engine.Mark
	c     *lateContext
	reads []pixelRead
}

func (c *lateContext) Mark() engine.Mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := lateMark{c.Context.Mark(), c, c.reads}
	c.reads = nil
	return m
}

func (c *lateContext) Sync() error { return c.Mark().Wait() }

func (m lateMark) Wait() error {
	time.Sleep(2 * time.Millisecond) // in which a loader fills what it may fill
	m.c.mu.Lock()
	for _, r := range m.reads {
		if !bytes.Equal(r.at, r.was) {
			m.c.errs = append(m.c.errs, errors.New("a batch was overwritten before the step that reads it was finished"))
		}
	}
	m.c.mu.Unlock()
	return m.Mark.Wait()
}

// opener opens device contexts.
type opener func(list string, o devices.Options) ([]engine.Context, error)

// preparedTo is the job of a command line on such devices, which talks to w. The
// caller closes it.
func preparedTo(t *testing.T, w io.Writer, open opener, group collective.Collective, args ...string) (j *train.Job) {
	t.Helper()
	s := new(settings)
	app := &cli.App{Flags: s.flags(), Action: func(c *cli.Context) (err error) {
		if err := s.read(c); err != nil {
			return err
		}
		s.Group = group
		run := newTraining(s.Config, c.IsSet, command.NewLine(w))
		run.c.Open = open
		j, err = train.Prepare(c.Context, run.c, &observer{line: run.line, words: run.words})
		return err
	}}
	if err := app.RunContext(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	return j
}

// prepared is preparedTo for a process by itself, until the test ends.
func prepared(t *testing.T, open opener, args ...string) *train.Job {
	t.Helper()
	j := preparedTo(t, t.Output(), open, collective.Single{}, args...)
	t.Cleanup(j.Close)
	return j
}

// TestBatchesInDeviceMemory trains and validates with batches in the memory of a
// context that reads them late: all pixels lie there, also those of the incomplete
// batch of the validation set; none is overwritten too early; and the memory is
// that of one training and one validation loader, however many epochs there are.
func TestBatchesInDeviceMemory(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	var late *lateContext
	j := prepared(t, func(list string, o devices.Options) ([]engine.Context, error) {
		contexts, err := openDevices(list, o)
		if err != nil {
			return nil, err
		}
		late = &lateContext{Context: contexts[0], sized: map[int]int{}}
		return []engine.Context{late}, nil
	}, w.args(dir, "--epochs", "3")...)
	l, err := j.Train(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(late.errs...); err != nil {
		t.Error(err)
	}
	// An epoch has 60 pictures to train on and 21 to validate on. Then some are
	// guessed, which don't come through a loader.
	const guesses = 12 / testBatch // pictures
	if want := 3 * (60/testBatch + 4 + guesses); l.Steps != 30 || late.count != want || late.elsewhere != 3*guesses {
		t.Errorf("%d steps, %d uploads of pixels, %d of them from elsewhere; want 30, %d and %d", l.Steps, late.count, late.elsewhere, want, 3*guesses)
	}
	const batch = testBatch * 16 * 16 * 3
	const most = 2*feed.LoaderBatches + 2 // two incomplete ones that the model fills up
	if late.sized[batch] > most {
		t.Errorf("%d batches' memory was taken, want at most %d", late.sized[batch], most)
	}
	plain := filepath.Join(w.dir, "plain")
	call(w.args(plain, "--epochs", "3")...).must(t, 0)
	last := "checkpoints/step-000000030.safetensors"
	if read(t, filepath.Join(plain, last)) != read(t, filepath.Join(dir, last)) {
		t.Error("where batches lie changes the weights")
	}
}
