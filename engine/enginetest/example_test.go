package enginetest_test

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/enginetest"
)

// The reference says what an op must write, and how exactly.
func ExampleEvaluate() {
	x := &engine.Tensor{Name: "x", Shape: engine.Shape{1, 1, 2, 4}}
	y := &engine.Tensor{Name: "y", Shape: engine.Shape{1, 1, 1, 2}}
	at := &engine.Tensor{Name: "at", Shape: engine.Shape{1, 1, 1, 2}, Type: engine.Argmax}
	op := engine.MaxPoolForward{Window: engine.Window{Size: 2, Stride: 2}, X: x, Y: y, At: at}

	out := enginetest.Evaluate(op, enginetest.Memory{x: {
		1, 7, 3, 3,
		7, 2, 0, 3,
	}}, engine.Step{})
	for i := range out[y] {
		fmt.Printf("%v at position %v of its window, in %d roundings\n", out[y][i].Value, out[at][i].Value, out[y][i].Roundings())
	}
	// Output:
	// 7 at position 1 of its window, in 0 roundings
	// 3 at position 0 of its window, in 0 roundings
}
