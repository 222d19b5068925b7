package kernels

import "alexnet/engine/cuda/internal/gpu"

// Layout is a tensor in the host's order, Host (N, C, HW), and in the device's,
// Device (N, HW, C).
type Layout struct {
	Host, Device gpu.Pointer
	N, C, HW     int32
}

// ToDevice enqueues Device ← Host, from float32 to type to. Int32 values pass
// through as float32 does, bit for bit.
func (k *Set) ToDevice(s gpu.Stream, p Layout, to gpu.Type) error {
	return k.transpose(s, transpose{p.Host, p.Device, p.N, p.C, p.HW}, gpu.Float32, to)
}

// ToHost enqueues Host ← Device, from type from to float32.
func (k *Set) ToHost(s gpu.Stream, p Layout, from gpu.Type) error {
	return k.transpose(s, transpose{p.Device, p.Host, p.N, p.HW, p.C}, from, gpu.Float32)
}

// BytesToDevice enqueues Device ← Host, bytes both.
func (k *Set) BytesToDevice(s gpu.Stream, p Layout) error {
	t := transpose{p.Host, p.Device, p.N, p.C, p.HW}
	return launch(k, s, "transpose_u8", t.grid(), &t)
}

// BytesToHost enqueues Host ← Device, bytes both.
func (k *Set) BytesToHost(s gpu.Stream, p Layout) error {
	t := transpose{p.Device, p.Host, p.N, p.HW, p.C}
	return launch(k, s, "transpose_u8", t.grid(), &t)
}

// transpose computes Y[n,c,r] = X[n,r,c].
type transpose struct {
	X, Y             gpu.Pointer
	N, Rows, Columns int32
}

// tile is the side of a transposed square.
const tile = 32

// grid gives a block to each tile; its 8 rows of threads take four each.
func (t transpose) grid() gpu.Launch {
	return gpu.Launch{
		Grid:   [3]uint32{blocks(t.Columns, tile) * blocks(t.Rows, tile), min(uint32(max(t.N, 0)), 65535), 1},
		Block:  [3]uint32{tile, 8, 1},
		Shared: tile * (tile + 1) * 4,
	}
}

func (k *Set) transpose(s gpu.Stream, t transpose, from, to gpu.Type) error {
	if t.Rows == 1 || t.Columns == 1 { // a row or column alone has the same order in both
		return k.Cast(s, Cast{t.X, t.Y, int64(t.N) * int64(t.Rows) * int64(t.Columns)}, from, to)
	}
	return launch(k, s, transposes[from][to], t.grid(), &t)
}

// transposes and casts are kernel names by type. Uploads look them up in every step.
var (
	transposes = [2][2]string{
		gpu.Float32:  {"transpose_f32_f32", "transpose_f32_bf16"},
		gpu.BFloat16: {"transpose_bf16_f32", "transpose_bf16_bf16"},
	}
	casts = [2][2]string{
		gpu.Float32:  {"cast_f32_f32", "cast_f32_bf16"},
		gpu.BFloat16: {"cast_bf16_f32", "cast_bf16_bf16"},
	}
)

// Cast is Y[i] = X[i], rounded to the nearest, for Count elements.
type Cast struct {
	X, Y  gpu.Pointer
	Count int64
}

// Cast enqueues the kernel.
func (k *Set) Cast(s gpu.Stream, p Cast, from, to gpu.Type) error {
	return launch(k, s, casts[from][to], flatGrid((p.Count+7)/8), &p)
}

// Copy32ToT rounds float32 to the working type: a master to its working copy.
func (k *Set) Copy32ToT(s gpu.Stream, p Cast) error { return k.Cast(s, p, gpu.Float32, k.working) }

// TTo32 widens the working type to float32.
func (k *Set) TTo32(s gpu.Stream, p Cast) error { return k.Cast(s, p, k.working, gpu.Float32) }

// Fill is Y[i] = T(Value) for Count elements.
type Fill struct {
	Y     gpu.Pointer
	Count int64
	Value float32
}

// Fill enqueues the kernel.
func (k *Set) Fill(s gpu.Stream, p Fill) error {
	return launch(k, s, "fill"+suffix(k.working), k.vectorGrid(p.Count), &p)
}

// Spin keeps one thread busy for a time; tests of what overlaps use it.
type Spin struct{ Nanoseconds int64 }

// Spin enqueues the kernel.
func (k *Set) Spin(s gpu.Stream, p Spin) error {
	return launch(k, s, "spin", gpu.Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1}}, &p)
}
