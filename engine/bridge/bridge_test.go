package bridge_test

import (
	"errors"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/bridge"
	"alexnet/engine/cpu"
	"alexnet/engine/enginetest"
)

func open(names ...string) ([]engine.Context, error) {
	var contexts []engine.Context
	for _, name := range names {
		c, err := cpu.New(name, cpu.Options{Threads: 1})
		if err != nil {
			return nil, err
		}
		contexts = append(contexts, c)
	}
	return bridge.Join(contexts), nil
}

// TestConformance: a context in a bridge is a context.
func TestConformance(t *testing.T) {
	enginetest.RunCases(t, enginetest.Thin(), func(t *testing.T) engine.Context {
		contexts, err := open("cpu")
		if err != nil {
			t.Fatal(err)
		}
		return contexts[0]
	}, enginetest.FP32)
}

// TestPairs runs the cases in which two contexts exchange tensors, on two that can't read each
// other's memory.
func TestPairs(t *testing.T) {
	for _, c := range enginetest.Cases() {
		if !strings.HasPrefix(c.Name, "events/") || strings.HasPrefix(c.Name, "events/own") { // these open one
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if _, err := c.Check(enginetest.Pairs(func() ([]engine.Context, error) { return open("left", "right") }), enginetest.FP32); err != nil {
				t.Error(err)
			}
		})
	}
}

// broken is a context whose programs fail.
type broken struct{ engine.Context }

func (b broken) Compile(ops []engine.Op) (engine.Program, error) { return b, nil }
func (b broken) Run(engine.Step) error                           { return errors.New("it broke") }

// TestPeerFails: who awaits a context that fails, fails with its words.
func TestPeerFails(t *testing.T) {
	left, err := cpu.New("left", cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	right, err := cpu.New("right", cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	contexts := bridge.Join([]engine.Context{broken{left}, right})
	x := &engine.Tensor{Name: "x", Shape: engine.Shape{1, 4, 1, 1}, Life: engine.Persistent, Context: contexts[0]}
	y := &engine.Tensor{Name: "y", Shape: x.Shape, Life: engine.Persistent, Context: contexts[1]}
	done := contexts[0].NewEvent()
	for i, ops := range [][]engine.Op{
		{engine.Activate{X: x, Y: x}, engine.Signal{Event: done}},
		{engine.Await{Event: done}, engine.Concat{Parts: []*engine.Tensor{x}, Y: y}},
	} {
		plan := engine.PlanArena(contexts[i], ops)
		if err := contexts[i].Reserve(plan.Arena(), plan.Workspace); err != nil {
			t.Fatal(err)
		}
		p, err := contexts[i].Compile(ops)
		if err == nil {
			err = p.Run(engine.Step{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"left: it broke", "right: it awaits left, which has failed: it broke"} {
		if err := contexts[i].Sync(); err == nil || err.Error() != want {
			t.Errorf("context %d: %v, want %s", i, err, want)
		}
		if err := contexts[i].Close(); err != nil {
			t.Error(err)
		}
	}
}
