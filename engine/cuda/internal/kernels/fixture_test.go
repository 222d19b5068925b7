package kernels

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels/host"
	"alexnet/engine/enginetest"
)

// bench runs kernels compiled for the host.
type bench struct {
	*Set
	stream hostStream
	typ    gpu.Type
	tol    enginetest.Tolerance
}

// onBenches runs f for both working types, on kernels with separate and with
// fused multiplications and additions, as GPUs have them (not in short tests).
func onBenches(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	variants := []struct {
		name  string
		flags []string
	}{{"plain", nil}}
	if runtime.GOARCH == "amd64" && cpu.X86.HasFMA && !testing.Short() {
		variants = append(variants, struct {
			name  string
			flags []string
		}{"fused", []string{"-mfma", "-ffp-contract=fast"}})
	}
	for _, v := range variants {
		library, err := host.Build(v.flags...)
		if errors.Is(err, host.ErrNoCompiler) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range []gpu.Type{gpu.Float32, gpu.BFloat16} {
			b := &bench{stream: hostStream{library: library}, typ: typ, tol: enginetest.FP32}
			if typ == gpu.BFloat16 {
				b.tol = enginetest.BF16
			}
			if b.Set, err = Load(hostDevice{library: library}, typ); err != nil {
				t.Fatal(err)
			}
			t.Run(v.name+suffix(typ), func(t *testing.T) {
				f(t, b)
				alive = nil
			})
		}
	}
}

// orders are the orders of blocks and threads in which every launch runs.
var orders = []host.Order{host.Forward, host.Backward, 20261123}

// hostDevice and its parts implement as much of a device as a Set needs.
type hostDevice struct {
	gpu.Device
	library *host.Library
}

func (d hostDevice) Load(image []byte) (gpu.Module, error) {
	return hostModule{names: d.library.Names()}, nil
}

type hostModule struct {
	gpu.Module
	names []string
}

type hostKernel string

func (k hostKernel) Name() string { return string(k) }

func (m hostModule) Kernel(name string) (gpu.Kernel, error) {
	if !slices.Contains(m.names, name) {
		return nil, fmt.Errorf("no kernel %q", name)
	}
	return hostKernel(name), nil
}

func (m hostModule) Close() error { return nil }

type hostStream struct {
	gpu.Stream
	library *host.Library
}

func (s hostStream) Launch(k gpu.Kernel, l gpu.Launch, params []byte) error {
	return s.library.Launch(k.Name(), l.Grid, l.Block, l.Shared, params)
}

// memory is a piece of device memory between guards.
type memory struct {
	typ   elem
	whole []byte
	start int // of the elements in whole
	n     int
}

// elem is an element type in device memory.
type elem int

const (
	f32 elem = iota
	b16
	i32
	u8
)

func (e elem) size() int { return [...]int{4, 2, 4, 1}[e] }

// alive keeps memory alive of which a kernel has only the address.
var alive []*memory

const guard = 256 // bytes on either side, and the alignment

// allocate makes memory for values, stored as e. The guards hold 0xff, a NaN if it is
// read.
func allocate(e elem, values []float64) *memory {
	m := &memory{typ: e, n: len(values)}
	m.whole = make([]byte, len(values)*e.size()+3*guard)
	for i := range m.whole {
		m.whole[i] = 0xff
	}
	address := uintptr(unsafe.Pointer(&m.whole[0])) + guard
	m.start = guard + int((guard-address%guard)%guard)
	for i, v := range values {
		m.set(i, v)
	}
	alive = append(alive, m)
	return m
}

func (m *memory) at() gpu.Pointer {
	if m == nil {
		return 0
	}
	return gpu.Pointer(uintptr(unsafe.Pointer(&m.whole[m.start])))
}

func (m *memory) element(i int) unsafe.Pointer {
	return unsafe.Pointer(&m.whole[m.start+i*m.typ.size()])
}

func (m *memory) set(i int, v float64) {
	switch m.typ {
	case f32:
		*(*float32)(m.element(i)) = float32(v)
	case b16:
		*(*uint16)(m.element(i)) = bfloat16(float32(v))
	case i32:
		*(*int32)(m.element(i)) = int32(v)
	case u8:
		m.whole[m.start+i] = byte(v)
	}
}

func (m *memory) get(i int) float64 {
	switch m.typ {
	case f32:
		return float64(*(*float32)(m.element(i)))
	case b16:
		return float64(math.Float32frombits(uint32(*(*uint16)(m.element(i))) << 16))
	case i32:
		return float64(*(*int32)(m.element(i)))
	}
	return float64(m.whole[m.start+i])
}

func (m *memory) values() []float64 {
	v := make([]float64, m.n)
	for i := range v {
		v[i] = m.get(i)
	}
	return v
}

// bytes are the elements.
func (m *memory) bytes() []byte { return m.whole[m.start:][:m.n*m.typ.size()] }

// intact reports a write beside the elements.
func (m *memory) intact() error {
	end := m.start + m.n*m.typ.size()
	for i, b := range m.whole {
		if (i < m.start || i >= end) && b != 0xff {
			return fmt.Errorf("byte %d of memory from %d to %d was written", i, m.start, end)
		}
	}
	return nil
}

// bfloat16 rounds to the nearest, ties to even.
func bfloat16(x float32) uint16 {
	if x != x {
		return 0x7fff
	}
	bits := math.Float32bits(x)
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// working is the set's element type.
func (b *bench) working() elem {
	if b.typ == gpu.BFloat16 {
		return b16
	}
	return f32
}

// elem is a tensor's type in device memory.
func (b *bench) elem(t engine.ElemType) elem {
	return [...]elem{engine.Working: b.working(), engine.Float32: f32, engine.Int32: i32, engine.Byte: u8, engine.Argmax: u8, engine.Master: f32}[t]
}

// store is the roundoff of an element in memory.
func (b *bench) store(e elem) float64 {
	if e == b16 {
		return b.tol.Store
	}
	return enginetest.FP32.Store
}

// channelsLast turns (N, C, H, W) into (N, H, W, C).
func channelsLast(s engine.Shape, v []float64) []float64 {
	out := make([]float64, len(v))
	hw := s[2] * s[3]
	for i := range v {
		n, c, p := i/(s[1]*hw), i/hw%s[1], i%hw
		out[(n*hw+p)*s[1]+c] = v[i]
	}
	return out
}

// channelsFirst is the reverse.
func channelsFirst(s engine.Shape, v []float64) []float64 {
	return channelsLast(engine.Shape{s[0], s[2] * s[3], s[1], 1}, v)
}

// runOp runs an op's kernels in every order, over outputs that hold NaN and then
// a large number, compares with the float64 reference, and makes sure that all
// runs give the same bits and touch nothing else. It returns the largest error
// as a share of the tolerance.
func (b *bench) runOp(t *testing.T, op engine.Op, step engine.Step, data enginetest.Memory,
	launch func(at func(*engine.Tensor) gpu.Pointer) error) (worst float64) {
	t.Helper()
	var tensors []*engine.Tensor
	for _, x := range append(op.Reads(), op.Writes()...) {
		if !slices.Contains(tensors, x) {
			tensors = append(tensors, x)
		}
	}
	reads, writes := op.Reads(), op.Writes()
	var first map[*engine.Tensor]*memory
	for turn, order := range orders {
		b.stream.library.Order = order
		held := enginetest.Memory{}
		memories := map[*engine.Tensor]*memory{}
		for _, x := range tensors {
			values := data[x]
			if values == nil {
				values = enginetest.Noise(x.Name+fmt.Sprint(x.Shape), x.Shape.Len())
			}
			if !slices.Contains(reads, x) {
				values = slices.Repeat([]float64{[]float64{math.NaN(), 1e30, -7}[turn]}, x.Shape.Len())
			}
			shape := x.Shape
			if in, ok := op.(engine.Input); ok && x == in.Pixels {
				shape = engine.Shape{x.Shape.Len(), 1, 1, 1} // stored as the host has them
			}
			m := allocate(b.elem(x.Type), channelsLast(shape, values))
			memories[x], held[x] = m, channelsFirst(shape, m.values())
		}
		before := map[*engine.Tensor]string{}
		for x, m := range memories {
			before[x] = string(m.bytes())
		}
		if err := launch(func(x *engine.Tensor) gpu.Pointer { return memories[x].at() }); err != nil {
			t.Fatal(err)
		}
		for x, m := range memories {
			if err := m.intact(); err != nil {
				t.Fatalf("%v: %v", x, err)
			}
			if !slices.Contains(writes, x) && string(m.bytes()) != before[x] {
				t.Fatalf("input %v was changed", x)
			}
		}
		if turn > 0 {
			for _, x := range writes {
				if string(first[x].bytes()) != string(memories[x].bytes()) {
					t.Fatalf("%v differs between orders %d and %d", x, orders[0], order)
				}
			}
			continue
		}
		first = memories
		want := enginetest.Evaluate(op, held, step)
		for _, x := range writes {
			got := channelsFirst(x.Shape, memories[x].values())
			share := b.compare(t, x.String(), got, want[x], memories[x].typ)
			worst = max(worst, share)
		}
	}
	return worst
}

// compare holds got against the reference within its bounds.
func (b *bench) compare(t *testing.T, what string, got []float64, want []enginetest.Sum, typ elem) (worst float64) {
	t.Helper()
	wrong := 0
	for i, w := range want {
		if got[i] == w.Value || math.IsNaN(got[i]) && math.IsNaN(w.Value) {
			continue
		}
		bound := b.tol.Bound(w, b.store(typ))
		diff := math.Abs(got[i] - w.Value)
		if !(diff <= bound) || math.IsInf(diff, 0) {
			if wrong++; wrong <= 3 {
				t.Errorf("%s: element %d is %.9g, want %.9g ± %.2g", what, i, got[i], w.Value, bound)
			}
			continue
		}
		worst = max(worst, diff/bound)
	}
	if wrong > 3 {
		t.Errorf("%s: and %d more of %d", what, wrong-3, len(want))
	}
	return worst
}

// do launches in every order, the output y first filled with NaN, and makes sure
// that every order gives the same bits and nothing beside y is written. Without
// y it launches once.
func (b *bench) do(t *testing.T, y *memory, launch func() error) {
	t.Helper()
	var first string
	for i, order := range orders {
		b.stream.library.Order = order
		if y != nil {
			for i := range y.bytes() {
				y.bytes()[i] = 0xff
			}
		}
		if err := launch(); err != nil {
			t.Fatal(err)
		}
		if y == nil {
			return
		}
		if err := y.intact(); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = string(y.bytes())
		} else if string(y.bytes()) != first {
			t.Fatalf("orders %d and %d differ", orders[0], order)
		}
	}
}

// equal wants y to hold exactly the values, rounded to its type.
func (b *bench) equal(t *testing.T, what string, y *memory, want []float64) {
	t.Helper()
	b.near(t, what, y, want, func(int) float64 { return 0 })
}

// near wants y within a bound of the values, rounded to its type.
func (b *bench) near(t *testing.T, what string, y *memory, want []float64, bound func(i int) float64) {
	t.Helper()
	if y.n != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, y.n, len(want))
	}
	rounded := allocate(y.typ, want)
	for i, w := range want {
		if got := y.get(i); got != rounded.get(i) && !(math.Abs(got-w) <= bound(i)) && !(math.IsNaN(got) && math.IsNaN(w)) {
			t.Errorf("%s: element %d is %g, want %g ± %g", what, i, got, rounded.get(i), bound(i))
			return
		}
	}
}
