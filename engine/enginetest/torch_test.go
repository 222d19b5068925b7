package enginetest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"alexnet/engine"
)

// layerGolden is a layer as testdata/make_layers.py computed it with PyTorch.
type layerGolden struct {
	Op string
	engine.Window
	Groups  int
	Tensors map[string]struct {
		Shape  []int
		Values []float64
	}
}

// ops are the layer's ops on the golden's tensors.
func (g layerGolden) ops(t *testing.T) []engine.Op {
	tensor := func(name string, typ engine.ElemType) *engine.Tensor {
		s, dims := engine.Shape{1, 1, 1, 1}, g.Tensors[name].Shape
		if g.Op == "local" && typ != engine.Working { // a row for each map, row and column
			s[0] = dims[0] * dims[1] * dims[2]
			copy(s[1:], dims[3:])
		} else {
			copy(s[:], dims)
		}
		return &engine.Tensor{Name: name, Type: typ, Shape: s}
	}
	of := func(name string) *engine.Tensor { return tensor(name, engine.Working) }
	switch g.Op {
	case "local":
		master := func(name string) *engine.Tensor { return tensor(name, engine.Master) }
		gradient := func(name string) *engine.Tensor { return tensor(name, engine.Float32) }
		return []engine.Op{engine.LocalForward{Window: g.Window, Groups: g.Groups, X: of("x"), W: master("w"), B: master("b"), Y: of("y")},
			engine.LocalBackward{Window: g.Window, Groups: g.Groups, X: of("x"), W: master("w"), DY: of("dy"), DW: gradient("dw"), DB: gradient("db"), DX: of("dx")}}
	case "maxpool":
		at := of("y")
		at.Name, at.Type = "at", engine.Argmax
		return []engine.Op{engine.MaxPoolForward{Window: g.Window, X: of("x"), Y: of("y"), At: at},
			engine.MaxPoolBackward{Window: g.Window, At: at, DY: of("dy"), DX: of("dx")}}
	case "avgpool":
		return []engine.Op{engine.AvgPoolForward{Window: g.Window, X: of("x"), Y: of("y")},
			engine.AvgPoolBackward{Window: g.Window, DY: of("dy"), DX: of("dx")}}
	}
	t.Fatalf("no op for %q", g.Op)
	return nil
}

// TestAgainstPyTorch compares outputs and gradients with PyTorch's: those of the
// reference, to which the suite holds every context.
func TestAgainstPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var goldens []layerGolden
	if err := json.Unmarshal(text, &goldens); err != nil {
		t.Fatal(err)
	}
	for i, g := range goldens {
		t.Run(fmt.Sprintf("%d %s %+v", i, g.Op, g.Window), func(t *testing.T) {
			made := Memory{} // what the forward op leaves the backward op
			for _, op := range g.ops(t) {
				if err := engine.CheckOp(op); err != nil {
					t.Fatal(err)
				}
				m := Memory{}
				for _, r := range op.Reads() {
					m[r] = g.Tensors[r.Name].Values
					if made[r] != nil {
						m[r] = made[r]
					}
				}
				out := Evaluate(op, m, engine.Step{})
				for t, sums := range out {
					made[t] = nil
					for _, s := range sums {
						made[t] = append(made[t], s.Value)
					}
				}
				for _, w := range op.Writes() {
					for j, want := range g.Tensors[w.Name].Values {
						if got := out[w][j].Value; !(math.Abs(got-want) < 1e-12) {
							t.Fatalf("%s: %v element %d is %v, PyTorch has %v", op.Kind(), w, j, got, want)
						}
					}
				}
			}
		})
	}
}
