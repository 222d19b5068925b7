// Package python_test keeps what the tests of the Python package compare with.
package python_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// golden is an Input op: n pictures of size×size pixels, in the order of its fields.
type golden struct {
	N      int       `json:"n"`
	Size   int       `json:"size"`
	Pixels []int     `json:"pixels"`
	Colour []float32 `json:"colour"`
	Mean   []float32 `json:"mean"`
	Scale  float32   `json:"scale"`
	Y      []float32 `json:"y"`
}

// TestInputGolden holds tests/input.json, which test_normalise.py reads, to what the
// engine does. UPDATE_GOLDEN=1 in the environment writes it.
func TestInputGolden(t *testing.T) {
	const name = "tests/input.json"
	g := golden{N: 2, Size: 3, Scale: 1. / 57}
	random := rand.New(rand.NewPCG(3, 4))
	raw := make([]byte, g.N*g.Size*g.Size*3)
	for i := range raw {
		raw[i] = byte(random.IntN(256))
		g.Pixels = append(g.Pixels, int(raw[i]))
	}
	for range g.N * 3 {
		g.Colour = append(g.Colour, float32(random.NormFloat64()*12))
	}
	for range 3 * g.Size * g.Size {
		g.Mean = append(g.Mean, float32(100+random.NormFloat64()*20))
	}
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tensor := func(name string, typ engine.ElemType, s ...int) *engine.Tensor {
		return &engine.Tensor{Name: name, Type: typ, Shape: engine.Shape(s), Life: engine.Persistent, Context: c}
	}
	op := engine.Input{
		Pixels: tensor("pixels", engine.Byte, g.N, g.Size, g.Size, 3), Colour: tensor("colour", engine.Float32, g.N, 3, 1, 1),
		Mean: tensor("mean", engine.Float32, 1, 3, g.Size, g.Size), Y: tensor("y", engine.Working, g.N, 3, g.Size, g.Size), Scale: g.Scale,
	}
	ops := []engine.Op{op}
	plan := engine.PlanArena(c, ops)
	if err := c.Reserve(plan.Arena(), plan.Workspace); err != nil {
		t.Fatal(err)
	}
	program, err := c.Compile(ops)
	if err != nil {
		t.Fatal(err)
	}
	c.Upload(op.Pixels, raw)
	c.Upload(op.Colour, g.Colour)
	c.Upload(op.Mean, g.Mean)
	program.Run(engine.Step{})
	g.Y = make([]float32, len(raw))
	c.Download(g.Y, op.Y)
	if err := c.Sync(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if old, err := os.ReadFile(name); err != nil || !bytes.Equal(old, text) {
		t.Errorf("%s isn't what the engine does (%v): UPDATE_GOLDEN=1 go test ./tools/python", name, err)
	}
}
