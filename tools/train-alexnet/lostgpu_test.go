package main

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
)

// lostContext computes on the CPU until it is lost: from then on everything fails
// with a driver's words, as engine/cuda has it.
type lostContext struct {
	engine.Context
	left *atomic.Int64 // uploads of pixels until then
}

var errLost = errors.New("the GPU is lost; what was in its memory is gone: cuStreamSynchronize: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure (719)")

func (c lostContext) Compile(ops []engine.Op) (engine.Program, error) {
	for _, op := range ops {
		for _, t := range append(op.Reads(), op.Writes()...) {
			t.Context = c.Context
		}
	}
	return c.Context.Compile(ops)
}

func (c lostContext) gone() error {
	if c.left.Load() < 0 {
		return errLost
	}
	return nil
}

func (c lostContext) Upload(t *engine.Tensor, src any) error {
	if t.Type == engine.Byte {
		c.left.Add(-1)
	}
	if err := c.gone(); err != nil {
		return err
	}
	return c.Context.Upload(t, src)
}

func (c lostContext) Download(dst any, t *engine.Tensor) error {
	if err := c.gone(); err != nil {
		return err
	}
	return c.Context.Download(dst, t)
}

func (c lostContext) Sync() error       { return errors.Join(c.gone(), c.Context.Sync()) }
func (c lostContext) Mark() engine.Mark { return lostMark{c.Context.Mark(), c} }

type lostMark struct {
	engine.Mark
	c lostContext
}

func (m lostMark) Wait() error { return errors.Join(m.c.gone(), m.Mark.Wait()) }

// TestLostGPU takes the GPU away in mid-run. The error names the step and the
// driver's words, once; the last checkpoint is named with the line that goes on
// from it, which works; and so it is when the GPU goes again before anything more
// is saved, or before anything is.
func TestLostGPU(t *testing.T) {
	w := newWorld(t)
	run := func(dir string, uploads int64, args ...string) (said string, err error) {
		var out strings.Builder
		j := preparedTo(t, &out, func(list string, o devices.Options) ([]engine.Context, error) {
			contexts, err := openDevices(list, o)
			if err != nil {
				return nil, err
			}
			c := lostContext{contexts[0], new(atomic.Int64)}
			c.left.Store(uploads)
			return []engine.Context{c}, nil
		}, collective.Single{}, w.args(dir, append(args, "--epochs", "2", "--checkpoint-every", "4")...)...)
		defer j.Close()
		_, err = j.Train(t.Context())
		return out.String(), err
	}
	dir := filepath.Join(w.dir, "run")
	saved := filepath.Join(dir, "checkpoints/step-000000004.safetensors")
	for _, c := range []struct {
		what, dir string
		uploads   int64
		args      []string
		said      string
	}{
		{"in the first session", dir, 6, nil, "saved " + saved + " (nothing was validated yet, so there is no best checkpoint); go on with: train-alexnet --run " + dir + " --resume\n"},
		{"right after resuming", dir, 1, []string{"--resume"}, "nothing was saved after " + saved + " (nothing was validated yet, so there is no best checkpoint); go on with: train-alexnet --run " + dir + " --resume\n"},
		{"before the first checkpoint", dir + "2", 2, nil, "nothing was saved yet\n"},
	} {
		said, err := run(c.dir, c.uploads, c.args...)
		if err == nil || strings.Count(err.Error(), "unspecified launch failure (719)") != 1 || !strings.HasPrefix(err.Error(), "step ") {
			t.Errorf("%s: error %v", c.what, err)
		}
		if !strings.HasSuffix(said, c.said) {
			t.Errorf("%s: it ends with %q, want %q", c.what, said, c.said)
		}
		t.Log(err)
	}
	call("train-alexnet", "--run", dir, "--resume").must(t, 0, "resuming", "step 4", "all epochs are done after 20 steps")
}
