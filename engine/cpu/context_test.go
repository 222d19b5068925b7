package cpu_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

func TestOptions(t *testing.T) {
	if _, err := cpu.New("cpu", cpu.Options{Threads: -1}); err == nil || !strings.Contains(err.Error(), "-1 threads") {
		t.Errorf("error %v, want one about -1 threads", err)
	}
	if _, err := cpu.New("cpu", cpu.Options{Kernels: "sse"}); err == nil || !strings.Contains(err.Error(), `cpu: no kernels called "sse"; there is portable`) {
		t.Errorf("error %v, want one about kernels called sse", err)
	}
}

// TestLabelOutOfRange wants later marks, and one Sync, to name the image and the
// label.
func TestLabelOutOfRange(t *testing.T) {
	c := open(t, cpu.Options{Threads: 2})
	n := &net{c, 3}
	one := func(typ engine.ElemType) *engine.Tensor { return n.tensor(typ, 3) }
	op := engine.SoftmaxLoss{X: n.maps(4, 1), Labels: one(engine.Int32), Probs: n.tensor(engine.Float32, 3, 4), Loss: one(engine.Float32), LabelRank: one(engine.Int32)}
	p := prepare(t, c, []engine.Op{op})
	if err := c.Upload(op.Labels, []int32{0, 4, -1}); err != nil {
		t.Fatal(err)
	}
	before := c.Mark()
	if err := p.Run(engine.Step{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Mark().Wait(); err == nil || !strings.Contains(err.Error(), "label 4 of image 1") {
			t.Errorf("the mark has %v, want an error about label 4 of image 1", err)
		}
	}
	if err := before.Wait(); err != nil {
		t.Errorf("the mark before the failure has %v", err)
	}
	if err := c.Sync(); err == nil || !strings.Contains(err.Error(), "label 4 of image 1") {
		t.Errorf("Sync returned %v, want an error about label 4 of image 1", err)
	}
	if err := c.Sync(); err != nil {
		t.Errorf("the second Sync returned %v, want nil", err)
	}
}

// TestReserve wants a program that needs more workspace than was reserved, and
// a second Reserve, refused.
func TestReserve(t *testing.T) {
	c := open(t, cpu.Options{Threads: 2})
	ops := conv("conv", 3, 12, 7, 1, engine.Window{Size: 3, Stride: 1}, true)[0].ops(&net{c, 2})
	plan := engine.PlanArena(c, ops)
	if err := c.Reserve(plan.Arena(), plan.Workspace-4); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("takes %d bytes of workspace", plan.Workspace)
	if _, err := c.Compile(ops); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Compile returned %v, want an error that says %q", err, want)
	}
	if err := c.Reserve(1, 1); err == nil {
		t.Error("a second Reserve succeeded")
	}
}

// TestConvWide covers images whose rows are longer than a tile, forward and
// backward, against plain loops.
func TestConvWide(t *testing.T) {
	for _, stride := range []int{1, 3} {
		for _, kernels := range usable() {
			t.Run(fmt.Sprintf("stride=%d/%s", stride, kernels), func(t *testing.T) {
				checkConvWide(t, engine.Window{Size: 3, Stride: stride, Pad: 1}, cpu.Options{Threads: 2, Kernels: kernels})
			})
		}
	}
}

func checkConvWide(t *testing.T, win engine.Window, opts cpu.Options) {
	const h, w, in, out = 3, 1201, 2, 7
	c := open(t, opts)
	n := &net{c, 1}
	oh, ow := win.Out(h), win.Out(w)
	forward := engine.ConvForward{Window: win, Groups: 1, X: n.tensor(engine.Working, 1, in, h, w), W: n.tensor(engine.Master, out, in, 3, 3),
		B: n.tensor(engine.Master, out), Y: n.tensor(engine.Working, 1, out, oh, ow)}
	backward := engine.ConvBackward{Window: win, Groups: 1, X: forward.X, W: forward.W, DY: n.tensor(engine.Working, 1, out, oh, ow),
		DW: n.tensor(engine.Float32, out, in, 3, 3), DB: n.tensor(engine.Float32, out), DX: n.tensor(engine.Working, 1, in, h, w)}
	p := prepare(t, c, []engine.Op{forward, backward})
	if err := p.Run(engine.Step{}); err != nil {
		t.Fatal(err)
	}
	read := func(tensor *engine.Tensor) []float32 {
		x := make([]float32, tensor.Shape.Len())
		if err := errors.Join(c.Download(x, tensor), c.Sync()); err != nil {
			t.Fatal(err)
		}
		return x
	}
	x, weights, b, dy := read(forward.X), read(forward.W), read(forward.B), read(backward.DY)
	y := make([]float64, out*oh*ow)
	dw, db, dx := make([]float64, len(weights)), make([]float64, out), make([]float64, len(x))
	for at := range y {
		o, oy, ox := at/(oh*ow), at/ow%oh, at%ow
		y[at] = float64(b[o])
		db[o] += float64(dy[at])
		for k := range in * 9 {
			iy, ix := oy*win.Stride-1+k/3%3, ox*win.Stride-1+k%3
			if iy < 0 || iy >= h || ix < 0 || ix >= w {
				continue
			}
			from := (k/9*h+iy)*w + ix
			y[at] += float64(weights[o*in*9+k]) * float64(x[from])
			dw[o*in*9+k] += float64(dy[at]) * float64(x[from])
			dx[from] += float64(weights[o*in*9+k]) * float64(dy[at])
		}
	}
	for _, r := range []struct {
		name string
		got  []float32
		want []float64
	}{{"Y", read(forward.Y), y}, {"DW", read(backward.DW), dw}, {"DB", read(backward.DB), db}, {"DX", read(backward.DX), dx}} {
		for i, want := range r.want {
			// The values are multiples of 1/16 up to 1: these sums are exact.
			if math.Abs(float64(r.got[i])-want) > 0 {
				t.Fatalf("%s[%d] = %v, want %v", r.name, i, r.got[i], want)
			}
		}
	}
}
