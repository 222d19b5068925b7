//go:build unix

package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/engine/train"
)

// smallContext plans like the CPU, for a device of so little memory that batches
// are copied to by way of staging.
type smallContext struct {
	engine.Context
	free int64
}

const testStaging = 3 << 20

func (c smallContext) Workspace(ops []engine.Op) int64  { return c.Context.Workspace(ops) + testStaging }
func (c smallContext) Staging(int64) int64              { return testStaging }
func (c smallContext) AllocateHost(int) ([]byte, error) { return nil, errors.New("no host memory") }
func (c smallContext) Estimate()                        {}
func (c smallContext) Room() (engine.Room, error) {
	return engine.Room{Free: c.free, Total: 64 << 20, Of: "card", Where: "Test GPU"}, nil
}

// joining is such a context that meets those of other ranks by itself.
type joining struct{ smallContext }

func (joining) Join(engine.Group) error { return nil }

// twins are two ranks that say the same.
type twins struct{ collective.Single }

func (twins) Size() int                            { return 2 }
func (twins) Hosts() []string                      { return []string{"a", "b"} }
func (twins) Gather(data []byte) ([][]byte, error) { return [][]byte{data, data}, nil }

// Ranks on GPUs are told what the plan leaves out.
func TestPlanOfRanks(t *testing.T) {
	w := newWorld(t)
	j := preparedTo(t, t.Output(), func(list string, o devices.Options) ([]engine.Context, error) {
		contexts, err := openDevices(list, o)
		if err != nil {
			return nil, err
		}
		return []engine.Context{joining{smallContext{contexts[0], 64 << 20}}}, nil
	}, twins{}, w.args(filepath.Join(w.dir, "run"), "--batch", "60")...)
	defer j.Close()
	var b strings.Builder
	if err := j.PrintPlan(&b); err != nil || !strings.Contains(b.String(), "NCCL's buffers are not counted") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestPlanOfDevice prints what a device takes of its memory and of the host's. A
// batch that doesn't fit is refused with one that does, by --plan and by a run,
// which leaves no folder behind.
func TestPlanOfDevice(t *testing.T) {
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	on := func(free int64, args ...string) *train.Job {
		return prepared(t, func(list string, o devices.Options) ([]engine.Context, error) {
			contexts, err := openDevices(list, o)
			if err != nil {
				return nil, err
			}
			return []engine.Context{smallContext{contexts[0], free}}, nil
		}, w.args(run, args...)...)
	}
	var b strings.Builder
	if err := on(64<<20, "--batch", "60").PrintPlan(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 staging, and as much page-locked on the host; of 64 on Test GPU 64 are free: 60 to spare\n", "pixels of 4 batches for training and 4 for validation, page-locked\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}

	b.Reset()
	err := on(4<<20, "--batch", "60").PrintPlan(&b)
	var large *engine.TooLargeError
	if !errors.As(err, &large) || large.Fits < 1 || large.Fits >= 60 || !strings.Contains(b.String(), "of 64 on Test GPU 4 are free: 0 too few") {
		t.Fatalf("error %v after\n%s", err, b.String())
	}
	t.Log(err)
	_, err = on(4<<20, "--batch", "60").Train(t.Context())
	if !errors.As(err, &large) {
		t.Errorf("error %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(run, "*")); files != nil {
		t.Errorf("a refused run made %v", files)
	}
}
