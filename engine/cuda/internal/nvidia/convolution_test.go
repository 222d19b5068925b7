package nvidia

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"alexnet/engine/cuda/internal/gpu"
)

// reference computes what Convolution's comment describes, on packed arrays of small
// whole numbers: x in N,H,W,XChannels, w in K,Size,Size,C/Groups, y in N,H',W',YChannels.
func reference(c gpu.Convolution, x, w, bias, y []float32) {
	h, width := c.Out()
	each, maps := c.C/c.Groups, c.K/c.Groups
	switch c.Direction {
	case gpu.BackwardData:
		for i := range c.N * c.H * c.W {
			clear(x[i*c.XChannels : i*c.XChannels+c.C])
		}
	case gpu.BackwardWeights:
		clear(w)
	}
	for n := range c.N {
		for i := range h {
			for j := range width {
				for k := range c.K {
					at := &y[((n*h+i)*width+j)*c.YChannels+k]
					sum := float32(0)
					for p := range c.Size {
						for q := range c.Size {
							row, column := i*c.Stride-c.Pad+p, j*c.Stride-c.Pad+q
							if row < 0 || row >= c.H || column < 0 || column >= c.W {
								continue
							}
							for e := range each {
								vx := &x[((n*c.H+row)*c.W+column)*c.XChannels+k/maps*each+e]
								vw := &w[((k*c.Size+p)*c.Size+q)*each+e]
								switch c.Direction {
								case gpu.Forward:
									sum += *vx * *vw
								case gpu.BackwardData:
									*vx += *at * *vw
								case gpu.BackwardWeights:
									*vw += *at * *vx
								}
							}
						}
					}
					if c.Direction == gpu.Forward {
						if c.Bias {
							sum += bias[k]
						}
						if c.ReLU {
							sum = max(sum, 0)
						}
						*at = sum
					}
				}
			}
		}
	}
}

// TestConvolutions runs plans through the fake cuDNN, which works on the
// descriptors' strides, and compares with plain loops.
func TestConvolutions(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	s := must[gpu.Stream](t)(d.NewStream())
	defer func() { ok(t, s.Close()) }()
	plain := gpu.Convolution{N: 2, C: 4, H: 5, W: 6, K: 6, Size: 3, Stride: 1, Pad: 1, Groups: 1, XChannels: 4, YChannels: 6, Math: gpu.TF32}
	grouped := plain
	grouped.Groups = 2
	strided := plain
	strided.Size, strided.Stride, strided.Pad = 2, 2, 0
	sliced := grouped
	sliced.XChannels, sliced.YChannels = 8, 7
	for name, c := range map[string]gpu.Convolution{"plain": plain, "grouped": grouped, "strided": strided, "sliced": sliced} {
		for _, direction := range []gpu.Direction{gpu.Forward, gpu.BackwardData, gpu.BackwardWeights} {
			for _, fused := range []struct{ bias, relu bool }{{false, false}, {true, false}, {true, true}, {false, true}} {
				c := c
				c.Direction, c.Bias, c.ReLU = direction, fused.bias, fused.relu
				if direction != gpu.Forward && (c.Bias || c.ReLU) {
					continue
				}
				t.Run(fmt.Sprintf("%s/%v bias %v ReLU %v", name, direction, c.Bias, c.ReLU), func(t *testing.T) { runConvolution(t, d, s, c) })
			}
		}
	}
}

func runConvolution(t *testing.T, d gpu.Device, s gpu.Stream, c gpu.Convolution) {
	locked(t)
	ok(t, d.Bind())
	h, w := c.Out()
	sizes := []int{c.N * c.H * c.W * c.XChannels, c.K * c.Size * c.Size * c.C / c.Groups, c.K, c.N * h * w * c.YChannels}
	var at [4]gpu.Pointer
	var got, want [4][]float32
	for i, n := range sizes {
		at[i], got[i] = room(t, d, n, gpu.Float32)
		want[i] = make([]float32, n)
	}
	plans := must[[]gpu.ConvolutionPlan](t)(d.Convolutions(c, 4096, false))
	if n := map[bool]int{false: 2, true: 4}[c.Groups > 1]; len(plans) != n {
		t.Errorf("%d plans, want %d: one more takes too much workspace", len(plans), n)
	}
	for round, plan := range append(plans, plans...) { // twice: descriptors of addresses are kept
		for i := range got {
			for j := range got[i] {
				got[i][j] = float32((j*7+i*3+round)%11 - 5)
			}
			copy(want[i], got[i])
		}
		reference(c, want[0], want[1], want[2], want[3])
		ok(t, plan.Run(s, at[0], at[1], at[2], at[3], 0))
		for i := range got {
			for j := range got[i] {
				if got[i][j] != want[i][j] {
					t.Fatalf("%s: element %d of %s is %v, want %v", plan.Name(), j, []string{"X", "W", "bias", "Y"}[i], got[i][j], want[i][j])
				}
			}
		}
	}
	for _, plan := range plans {
		ok(t, plan.Close())
	}
}

func TestConvolutionPlans(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	c := gpu.Convolution{N: 1, C: 2, H: 3, W: 3, K: 2, Size: 1, Stride: 1, Groups: 1}
	for _, k := range []struct {
		math          gpu.Math
		workspace     int64
		deterministic bool
		want          string
	}{
		{gpu.TF32, 5000, false, "0, 1, 2"}, {gpu.TF32, 4999, false, "0, 1"}, {gpu.TF32, 5000, true, "0, 1"},
		{gpu.FP32, 5000, false, "0, 2"}, {gpu.FP32, 5000, true, "0"},
	} {
		c.Math = k.math
		var engines []string
		for _, p := range must[[]gpu.ConvolutionPlan](t)(d.Convolutions(c, k.workspace, k.deterministic)) {
			engines = append(engines, strings.Fields(strings.ReplaceAll(p.Name(), ",", " "))[2])
			ok(t, p.Close())
		}
		if got := strings.Join(engines, ", "); got != k.want {
			t.Errorf("%+v: engines %s", k, got)
		}
	}
}

// TestPacks runs one plan with more sets of addresses than it remembers.
func TestPacks(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	s := must[gpu.Stream](t)(d.NewStream())
	c := gpu.Convolution{N: 1, C: 1, H: 1, W: 1, K: 1, Size: 1, Stride: 1, Groups: 1}
	plans := must[[]gpu.ConvolutionPlan](t)(d.Convolutions(c, 0, true))
	px, x := room(t, d, 40, gpu.Float32)
	pw, w := room(t, d, 1, gpu.Float32)
	py, y := room(t, d, 40, gpu.Float32)
	w[0] = 3
	for i := range 40 {
		x[i] = float32(i)
		ok(t, plans[0].Run(s, px.Add(int64(4*i)), pw, 0, py.Add(int64(4*i)), 0))
	}
	for i := range 40 {
		if y[i] != float32(3*i) {
			t.Fatalf("y[%d] is %v", i, y[i])
		}
	}
	ok(t, plans[0].Close(), s.Close())
}

func TestRefused(t *testing.T) {
	exact, fast := gpu.Convolution{Math: gpu.FP32}, gpu.Convolution{Math: gpu.TF32}
	for _, k := range []struct {
		c             gpu.Convolution
		deterministic bool
		notes         []int32
		want          bool
	}{
		{exact, false, nil, false}, {exact, false, []int32{noteTensorCore}, true}, {exact, false, []int32{noteWinograd, noteWinograd4x4}, true},
		{exact, false, []int32{noteFFT}, true}, {exact, false, []int32{noteNonDeterministic}, false}, {exact, true, []int32{noteNonDeterministic}, true},
		{fast, false, []int32{noteTensorCore, noteDownConvert}, false}, {fast, true, []int32{noteTensorCore}, false},
		{fast, false, []int32{noteReducedReduction}, true},
	} {
		if got := refused(k.c, k.deterministic, k.notes); got != k.want {
			t.Errorf("%+v: refused %v", k, got)
		}
	}
}

func TestStatusesOfCuDNN(t *testing.T) {
	l := needDescriptors(t)
	err := l.checkDNN("cudnnBackendFinalize", 3000)
	if !errors.Is(err, gpu.ErrUnsupported) || !strings.HasPrefix(err.Error(), "cudnnBackendFinalize: CUDNN_STATUS_NOT_SUPPORTED") {
		t.Error(err)
	}
	if err := l.checkDNN("cudnnCreate", 4004); !errors.Is(err, gpu.ErrOutOfMemory) {
		t.Error(err)
	}
	// The library's own words come along.
	b := &descriptors{lib: l}
	tensor := b.create(kindTensor)
	b.ints(tensor, tensorDimensions, 1, 2, 3)
	b.finalize(tensor)
	if b.err == nil || !strings.Contains(b.err.Error(), "CUDNN_STATUS_BAD_PARAM") {
		t.Errorf("half a tensor: %v", b.err)
	}
	b.err = nil
	ok(t, b.close())
}
