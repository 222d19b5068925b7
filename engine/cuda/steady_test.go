package cuda_test

import (
	"errors"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/gpu"
)

// TestSteadyStateAllocatesNothing runs a program again and again, with an upload
// before it and a download behind. What is left is the mark, which is handed out
// as an interface.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	contexts, err := cuda.On([]gpu.Device{new(nullDevice)}, []string{"cuda:0"}, cuda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := contexts[0]
	defer c.Close()
	tensor := func(name string, typ engine.ElemType, s engine.Shape) *engine.Tensor {
		return &engine.Tensor{Name: name, Type: typ, Life: engine.Persistent, Shape: s, Context: c}
	}
	x := tensor("x", engine.Working, engine.Shape{4, 8, 5, 5})
	w := tensor("w", engine.Master, engine.Shape{16, 8, 5, 5})
	b := tensor("b", engine.Master, engine.Shape{16, 1, 1, 1})
	y := tensor("y", engine.Working, engine.Shape{4, 16, 1, 1})
	done := c.NewEvent()
	ops := []engine.Op{
		engine.DenseForward{X: x, W: w, B: b, Y: y},
		engine.Activate{X: y, Y: y},
		engine.Dropout{Rate: 0.5, Width: 16, Train: true, X: y, Y: y},
		engine.Signal{Event: done},
		engine.Await{Event: done},
	}
	plan := engine.PlanArena(c, ops)
	if err := c.Reserve(plan.Arena(), plan.Workspace); err != nil {
		t.Fatal(err)
	}
	p, err := c.Compile(ops)
	if err != nil {
		t.Fatal(err)
	}
	var src, dst any = make([]float32, x.Shape.Len()), make([]float32, y.Shape.Len())
	n := testing.AllocsPerRun(200, func() {
		if err := errors.Join(c.Upload(x, src), p.Run(engine.Step{}), c.Download(dst, y), c.Mark().Wait()); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations a step, want the mark's", n)
	}
}
