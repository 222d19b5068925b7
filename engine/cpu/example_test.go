package cpu_test

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// A context takes the ops of a dense layer through plan, memory, program and
// run.
func Example() {
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	tensor := func(name string, typ engine.ElemType, s engine.Shape) *engine.Tensor {
		return &engine.Tensor{Name: name, Type: typ, Shape: s, Life: engine.Persistent, Context: c}
	}
	op := engine.DenseForward{
		X: tensor("x", engine.Working, engine.Shape{1, 2, 1, 1}),
		W: tensor("w", engine.Master, engine.Shape{3, 2, 1, 1}),
		B: tensor("b", engine.Master, engine.Shape{3, 1, 1, 1}),
		Y: tensor("y", engine.Working, engine.Shape{1, 3, 1, 1}),
	}
	ops := []engine.Op{op, engine.Activate{Function: engine.ReLU, X: op.Y, Y: op.Y}}

	plan := engine.PlanArena(c, ops)
	if err := c.Reserve(plan.Arena(), plan.Workspace); err != nil {
		fmt.Println(err)
		return
	}
	program, err := c.Compile(ops)
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Upload(op.X, []float32{1, 2})
	c.Upload(op.W, []float32{1, 1, 2, -2, 0, 3})
	c.Upload(op.B, []float32{0, 0, 10})
	program.Run(engine.Step{})
	y := make([]float32, 3)
	c.Download(y, op.Y)
	if err := c.Sync(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(y)
	// Output: [3 0 16]
}
