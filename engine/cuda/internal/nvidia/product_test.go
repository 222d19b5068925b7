package nvidia

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// room is device memory of the fake, which is host memory, as numbers.
func room(t *testing.T, d gpu.Device, n int, of gpu.Type) (gpu.Pointer, []float32) {
	t.Helper()
	p := must[gpu.Pointer](t)(d.Allocate(int64(n) * of.Size()))
	t.Cleanup(func() { ok(t, d.Free(p)) })
	return p, unsafe.Slice((*float32)(pointer(uintptr(p))), int64(n)*of.Size()/4)
}

// bf16 sees memory as bfloat16.
func bf16(p gpu.Pointer, n int) []uint16 {
	return unsafe.Slice((*uint16)(pointer(uintptr(p))), n)
}

func fromBF16(v uint16) float32 { return math.Float32frombits(uint32(v) << 16) }

// TestProducts computes products of small whole numbers through the fake
// cuBLASLt, which has the library's column-major conventions, and compares with
// the definition in package gpu.
func TestProducts(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	s := must[gpu.Stream](t)(d.NewStream())
	defer func() { ok(t, s.Close()) }()
	const m, n, k = 3, 5, 4
	for _, c := range []gpu.Product{
		{}, {TransposeA: true}, {TransposeB: true}, {TransposeA: true, TransposeB: true},
		{Bias: true}, {Bias: true, TransposeB: true},
		{Bias: true, BiasType: gpu.BFloat16, Output: gpu.BFloat16},
	} {
		c.M, c.N, c.K = m, n, k
		name := fmt.Sprintf("transposed %v %v, bias %v of %d", c.TransposeA, c.TransposeB, c.Bias, c.BiasType)
		t.Run(name, func(t *testing.T) {
			locked(t)
			ok(t, d.Bind())
			pa, a := room(t, d, m*k, gpu.Float32)
			pb, b := room(t, d, k*n, gpu.Float32)
			pbias, bias := room(t, d, n+1, c.BiasType)
			pd, out := room(t, d, m*n+1, c.Output)
			at := func(i, l int) float32 { return float32(i*3 - l*2) }
			bt := func(l, j int) float32 { return float32(l + j*j - 6) }
			biasOf := func(j int) float32 { return float32(10 - 7*j) }
			for i := range m {
				for l := range k {
					if c.TransposeA {
						a[l*m+i] = at(i, l)
					} else {
						a[i*k+l] = at(i, l)
					}
				}
			}
			for l := range k {
				for j := range n {
					if c.TransposeB {
						b[j*k+l] = bt(l, j)
					} else {
						b[l*n+j] = bt(l, j)
					}
				}
			}
			for j := range n {
				if c.BiasType == gpu.BFloat16 {
					bf16(pbias, n)[j] = uint16(math.Float32bits(biasOf(j)) >> 16)
				} else {
					bias[j] = biasOf(j)
				}
			}
			plans := must[[]gpu.ProductPlan](t)(d.Products(c, 1<<20))
			if want := map[bool]int{true: 1, false: 2}[c.Output == gpu.BFloat16]; len(plans) != want {
				t.Errorf("%d plans, want %d: not the one that narrows its factors, nor one that adds in bfloat16", len(plans), want)
			}
			for _, plan := range plans {
				ok(t, plan.Run(s, pa, pb, pbias, pd, 0))
				for i := range m {
					for j := range n {
						want := float32(0)
						for l := range k {
							want += at(i, l) * bt(l, j)
						}
						if c.Bias {
							want += biasOf(j)
						}
						var got float32
						if c.Output == gpu.BFloat16 {
							got = fromBF16(bf16(pd, m*n)[i*n+j])
						} else {
							got = out[i*n+j]
						}
						if got != want {
							t.Errorf("%s: D[%d,%d] is %v, want %v", plan.Name(), i, j, got, want)
						}
					}
				}
				ok(t, plan.Close(), plan.Close())
			}
		})
	}
}

func TestProductPlans(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	names := func(p gpu.Product, workspace int64) string {
		p.M, p.N, p.K = 2, 2, 2
		plans, err := d.Products(p, workspace)
		if err != nil {
			return err.Error()
		}
		text := ""
		for _, q := range plans {
			text += fmt.Sprintf("%s, %d bytes; ", q.Name(), q.Workspace())
			ok(t, q.Close())
		}
		return text
	}
	one, narrow, inPlace := "cublasLt 1 tile 0 stages 0 split 0, 0 bytes; ", "cublasLt 2 tile 0 stages 0 split 0, 1000 bytes; ", "cublasLt 3 tile 0 stages 0 split 0, 0 bytes; "
	for _, c := range []struct {
		p         gpu.Product
		workspace int64
		want      string
	}{
		{gpu.Product{}, 1000, one + inPlace},
		{gpu.Product{Math: gpu.TF32}, 1000, one + narrow + inPlace},
		{gpu.Product{Math: gpu.TF32}, 999, one + inPlace},
		{gpu.Product{Math: gpu.TF32, Deterministic: true}, 1000, one + narrow},
		{gpu.Product{Math: gpu.BF16, Input: gpu.BFloat16, Output: gpu.BFloat16}, 1000, one + narrow},
		{gpu.Product{Math: gpu.BF16, Input: gpu.BFloat16, Output: gpu.Float32}, 1000, one + narrow + inPlace},
	} {
		if got := names(c.p, c.workspace); got != c.want {
			t.Errorf("%+v within %d bytes: %s\nwant %s", c.p, c.workspace, got, c.want)
		}
	}
}

// TestBiasRefused: what the search calls invalid is no failure of the device.
func TestBiasRefused(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	p := gpu.Product{M: 2, N: 2, K: 2, Math: gpu.BF16, Input: gpu.BFloat16, Output: gpu.BFloat16, Bias: true, BiasType: gpu.Float32}
	if _, err := d.Products(p, 0); !errors.Is(err, gpu.ErrUnsupported) {
		t.Errorf("a float32 bias on bfloat16: %v", err)
	}
}

func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		a, b                  bool
		first, second, result matrix
	}{
		{false, false, matrix{5, 4}, matrix{4, 3}, matrix{5, 3}},
		{true, false, matrix{5, 4}, matrix{3, 4}, matrix{5, 3}},
		{false, true, matrix{4, 5}, matrix{4, 3}, matrix{5, 3}},
		{true, true, matrix{4, 5}, matrix{3, 4}, matrix{5, 3}},
	} {
		first, second, result := layouts(gpu.Product{M: 3, N: 5, K: 4, TransposeA: c.a, TransposeB: c.b})
		if first != c.first || second != c.second || result != c.result {
			t.Errorf("transposed %v, %v: %v %v %v, want %v", c.a, c.b, first, second, result, c)
		}
	}
}

// TestDescriptorsOfCuBLASLt makes the descriptors with the real library, which
// needs no GPU for that, and reads back what it understood.
func TestDescriptorsOfCuBLASLt(t *testing.T) {
	l := needWheels(t)
	d := &device{lib: l}
	p := gpu.Product{M: 128, N: 4096, K: 9216, TransposeB: true, Input: gpu.BFloat16, Output: gpu.Float32, Math: gpu.BF16, Bias: true, BiasType: gpu.BFloat16}
	plan := must[*productPlan](t)(d.newProduct(p))
	defer plan.Close()
	for _, c := range []struct {
		attribute uintptr
		want      int32
	}{{0, compute32F}, {1, real32F}, {descTransA, 1}, {descTransB, 0}, {descEpilogue, epilogueBias}, {descBiasType, real16BF}} {
		var got int32
		var written uint64
		ok(t, checkLt("cublasLtMatmulDescGetAttribute", call(l.lt.descGet, plan.desc, c.attribute, address(&got), 4, address(&written))))
		if got != c.want || written != 4 {
			t.Errorf("attribute %d is %d in %d bytes, want %d", c.attribute, got, written, c.want)
		}
	}
	ok(t, plan.setBias(0x1000))
	var bias, written uint64
	ok(t, checkLt("cublasLtMatmulDescGetAttribute", call(l.lt.descGet, plan.desc, descBias, address(&bias), 8, address(&written))))
	if bias != 0x1000 {
		t.Errorf("bias at %#x", bias)
	}
	for i, c := range []struct {
		layout              uintptr
		kind, rows, columns int64
	}{{plan.a, real16BF, 9216, 4096}, {plan.b, real16BF, 9216, 128}, {plan.d, real32F, 4096, 128}} {
		for attribute, want := range map[uintptr]int64{0: c.kind, 2: c.rows, 3: c.columns, 4: c.rows} {
			size := map[uintptr]uintptr{0: 4, 2: 8, 3: 8, 4: 8}[attribute]
			var got int64
			ok(t, checkLt("cublasLtMatrixLayoutGetAttribute", call(l.lt.layoutGet, c.layout, attribute, address(&got), size, address(&written))))
			if got != want {
				t.Errorf("layout %d, attribute %d is %d, want %d", i, attribute, got, want)
			}
		}
	}
	preference := must[uintptr](t)(d.preference(p, 32<<20))
	defer call(l.lt.preferenceDestroy, preference)
	var limit uint64
	var mask uint32
	ok(t, checkLt("get", call(l.lt.prefGet, preference, preferWorkspace, address(&limit), 8, address(&written))),
		checkLt("get", call(l.lt.prefGet, preference, preferReductions, address(&mask), 4, address(&written))))
	if limit != 32<<20 || mask != reductions(p) {
		t.Errorf("preference of %d bytes, reductions %b", limit, mask)
	}
}

func TestStatusesOfCuBLASLt(t *testing.T) {
	if err := checkLt("cublasLtMatmul", 15); err.Error() != "cublasLtMatmul: not supported (15)" || !errors.Is(err, gpu.ErrUnsupported) {
		t.Error(err)
	}
	if err := checkLt("cublasLtCreate", 3); !errors.Is(err, gpu.ErrOutOfMemory) {
		t.Error(err)
	}
	l := needWheels(t)
	if l.lt.statusName == 0 {
		t.Skip("this cuBLASLt names no statuses")
	}
	for code, want := range map[uintptr]string{1: "CUBLAS_STATUS_NOT_INITIALIZED", 15: "CUBLAS_STATUS_NOT_SUPPORTED"} {
		if got := cString(call(l.lt.statusName, code)); got != want {
			t.Errorf("status %d is %s", code, got)
		}
	}
}
