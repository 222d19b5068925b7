package nvidia

import (
	"fmt"
	"runtime"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// Constants of cublasLt.h, cublas_api.h and library_types.h.
const (
	real32F  = 0  // CUDA_R_32F
	real16BF = 14 // CUDA_R_16BF

	compute32F     = 68 // CUBLAS_COMPUTE_32F: float32 products stay float32
	compute32FTF32 = 77 // CUBLAS_COMPUTE_32F_FAST_TF32

	descTransA   = 3
	descTransB   = 4
	descEpilogue = 7
	descBias     = 8
	descBiasType = 26
	opTranspose  = 1

	epilogueDefault = 1
	epilogueBias    = 4

	preferWorkspace  = 1
	preferReductions = 3
	reductionNone    = 0 // always allowed
	reductionInPlace = 1 // partial sums added in the output's type, one block after another
	reductionCompute = 2 // partial sums kept and added in float32
	reductionOutput  = 4 // partial sums kept in the output's type
	configID         = 0
	configTile       = 1
	configSplitK     = 2
	configStages     = 6
	capNumerics      = 15

	numericsNarrowInput = 0x07 << 16 // INPUT_16F, INPUT_16BF, INPUT_TF32
	maxPlans            = gpu.MostPlans
)

// heuristicResult is cublasLtMatmulHeuristicResult_t.
type heuristicResult struct {
	algorithm [8]uint64
	workspace uint64
	state     int32
	waves     float32
	reserved  [4]int32
}

// productPlan is one algorithm for a product, with descriptors of its own. The
// product's row-major matrices are column-major ones transposed, so cuBLASLt is
// asked for Dᵀ = Bᵀ·Aᵀ.
type productPlan struct {
	device        *device
	product       gpu.Product
	desc, a, b, d uintptr // of the operation, and of B, A and D in cuBLASLt's order
	bias          gpu.Pointer
	alpha, beta   float32
	result        heuristicResult
	biasSlot      uint64 // the attribute's value
}

// matrix is a column-major layout without padding: rows, columns.
type matrix struct{ rows, columns int }

// layouts returns the layouts of the first and second factor and the result, in
// cuBLASLt's order.
func layouts(p gpu.Product) (first, second, result matrix) {
	first, second, result = matrix{p.N, p.K}, matrix{p.K, p.M}, matrix{p.N, p.M}
	if p.TransposeB {
		first = matrix{p.K, p.N}
	}
	if p.TransposeA {
		second = matrix{p.M, p.K}
	}
	return first, second, result
}

func realType(t gpu.Type) uintptr {
	if t == gpu.BFloat16 {
		return real16BF
	}
	return real32F
}

// epilogue returns the operation on D before it is stored.
func epilogue(p gpu.Product) uint32 {
	if p.Bias {
		return epilogueBias
	}
	return epilogueDefault
}

// reductions returns the ways of adding the parts of a split sum that p allows. Sums are
// in float32: none may be in the type of a bfloat16 result.
func reductions(p gpu.Product) uint32 {
	if p.Output == gpu.BFloat16 || p.Deterministic {
		return reductionCompute
	}
	return reductionCompute | reductionInPlace | reductionOutput
}

// newProduct makes descriptors for p without an algorithm. Close frees them.
func (d *device) newProduct(p gpu.Product) (_ *productPlan, err error) {
	a := &d.lib.lt
	plan := &productPlan{device: d, product: p, alpha: 1}
	defer func() {
		if err != nil {
			plan.Close()
		}
	}()
	compute := uintptr(compute32F)
	if p.Math == gpu.TF32 {
		compute = compute32FTF32
	}
	if err := checkLt("cublasLtMatmulDescCreate", call(a.descCreate, address(&plan.desc), compute, real32F)); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		transposed bool
		attribute  uint32
	}{{p.TransposeB, descTransA}, {p.TransposeA, descTransB}} {
		if f.transposed {
			if err := plan.set(f.attribute, opTranspose); err != nil {
				return nil, err
			}
		}
	}
	if err := plan.set(descEpilogue, epilogue(p)); err != nil {
		return nil, err
	}
	if p.Bias {
		if err := plan.set(descBiasType, uint32(realType(p.BiasType))); err != nil {
			return nil, err
		}
		// The search for algorithms needs an address, but doesn't read it.
		if err := plan.setBias(256); err != nil {
			return nil, err
		}
	}
	first, second, result := layouts(p)
	for _, m := range []struct {
		to    *uintptr
		shape matrix
		kind  gpu.Type
	}{{&plan.a, first, p.Input}, {&plan.b, second, p.Input}, {&plan.d, result, p.Output}} {
		err := checkLt("cublasLtMatrixLayoutCreate", call(a.layoutCreate, address(m.to), realType(m.kind),
			uintptr(m.shape.rows), uintptr(m.shape.columns), uintptr(m.shape.rows)))
		if err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// set sets a 32-bit attribute of the operation.
func (p *productPlan) set(attribute, value uint32) error {
	err := checkLt("cublasLtMatmulDescSetAttribute", call(p.device.lib.lt.descSet, p.desc, uintptr(attribute), address(&value), unsafe.Sizeof(value)))
	runtime.KeepAlive(&value)
	return err
}

// setBias makes later runs add the bias at b.
func (p *productPlan) setBias(b gpu.Pointer) error {
	p.bias, p.biasSlot = b, uint64(b)
	err := checkLt("cublasLtMatmulDescSetAttribute", call(p.device.lib.lt.descSet, p.desc, descBias, uintptr(unsafe.Pointer(&p.biasSlot)), 8))
	runtime.KeepAlive(p)
	return err
}

// blas returns the card's cuBLASLt handle, which threads use concurrently.
func (d *device) blas() (uintptr, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lt == 0 {
		if err := checkLt("cublasLtCreate", call(d.lib.lt.create, address(&d.lt))); err != nil {
			d.lt = 0
			return 0, err
		}
	}
	return d.lt, nil
}

func (d *device) Products(p gpu.Product, workspace int64) ([]gpu.ProductPlan, error) {
	handle, err := d.blas()
	if err != nil {
		return nil, err
	}
	results, err := d.heuristics(handle, p, workspace)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", p, err)
	}
	var plans []gpu.ProductPlan
	for _, r := range results {
		if !d.accepts(p, &r) {
			continue
		}
		plan, err := d.newProduct(p)
		if err != nil {
			for _, q := range plans {
				q.Close()
			}
			return nil, fmt.Errorf("%v: %w", p, err)
		}
		plan.result = r
		plans = append(plans, plan)
	}
	if len(plans) == 0 {
		return nil, fmt.Errorf("%v: cuBLASLt has no algorithm within %d bytes of workspace: %w", p, workspace, gpu.ErrUnsupported)
	}
	return plans, nil
}

// heuristics returns algorithms, fastest first by cuBLASLt's estimate.
func (d *device) heuristics(handle uintptr, p gpu.Product, workspace int64) ([]heuristicResult, error) {
	a := &d.lib.lt
	plan, err := d.newProduct(p)
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	preference, err := d.preference(p, workspace)
	if err != nil {
		return nil, err
	}
	defer call(a.preferenceDestroy, preference)
	results := make([]heuristicResult, maxPlans)
	var n int32
	result := call(a.heuristic, handle, plan.desc, plan.a, plan.b, plan.d, plan.d,
		preference, maxPlans, start(results), address(&n))
	if err := checkLt("cublasLtMatmulAlgoGetHeuristic", result); err != nil {
		if int32(result) == cublasInvalidValue { // an unknown combination of types
			err = fmt.Errorf("%w: %w", gpu.ErrUnsupported, err)
		}
		return nil, err
	}
	return results[:n], nil
}

// preference makes a cublasLtMatmulPreference_t. The caller destroys it.
func (d *device) preference(p gpu.Product, workspace int64) (uintptr, error) {
	a := &d.lib.lt
	var preference uintptr
	if err := checkLt("cublasLtMatmulPreferenceCreate", call(a.preferenceCreate, address(&preference))); err != nil {
		return 0, err
	}
	limit, mask := uint64(workspace), reductions(p)
	err := checkLt("cublasLtMatmulPreferenceSetAttribute", call(a.preferenceSet, preference, preferWorkspace, address(&limit), 8))
	if err == nil {
		err = checkLt("cublasLtMatmulPreferenceSetAttribute", call(a.preferenceSet, preference, preferReductions, address(&mask), 4))
	}
	runtime.KeepAlive(&limit)
	runtime.KeepAlive(&mask)
	if err != nil {
		call(a.preferenceDestroy, preference)
		return 0, err
	}
	return preference, nil
}

// accepts refuses results that aren't ready to run, and for exact products also
// algorithms that narrow float32 factors.
func (d *device) accepts(p gpu.Product, r *heuristicResult) bool {
	if r.state != 0 {
		return false
	}
	if p.Math != gpu.FP32 || p.Input != gpu.Float32 {
		return true
	}
	var numerics, written uint64
	algorithm := r.algorithm
	status := call(d.lib.lt.capability, address(&algorithm), capNumerics, address(&numerics), 8, address(&written))
	runtime.KeepAlive(&algorithm)
	runtime.KeepAlive(&written)
	return int32(status) != 0 || numerics&numericsNarrowInput == 0
}

// Name tells algorithms apart: their number, tile, stages and split.
func (p *productPlan) Name() string {
	value := func(attribute uintptr) int32 {
		var v int32
		var written uint64
		call(p.device.lib.lt.configuration, address(&p.result.algorithm), attribute, address(&v), 4, address(&written))
		runtime.KeepAlive(&written)
		return v
	}
	return fmt.Sprintf("cublasLt %d tile %d stages %d split %d", value(configID), value(configTile), value(configStages), value(configSplitK))
}

func (p *productPlan) Workspace() int64 { return int64(p.result.workspace) }

// Run enqueues Dᵀ = Bᵀ·Aᵀ.
func (p *productPlan) Run(s gpu.Stream, a, b, bias, d, workspace gpu.Pointer) error {
	if p.product.Bias && bias != p.bias {
		if err := p.setBias(bias); err != nil {
			return err
		}
	}
	result := call(p.device.lib.lt.matmul, p.device.lt, p.desc, uintptr(unsafe.Pointer(&p.alpha)),
		uintptr(b), p.a, uintptr(a), p.b, uintptr(unsafe.Pointer(&p.beta)), uintptr(d), p.d, uintptr(d), p.d,
		uintptr(unsafe.Pointer(&p.result.algorithm)), uintptr(workspace), uintptr(p.result.workspace), s.(*stream).handle)
	runtime.KeepAlive(p)
	if int32(result) == 0 {
		return nil
	}
	return fmt.Errorf("%v: %w", p.product, checkLt("cublasLtMatmul", result))
}

func (p *productPlan) Close() error {
	a := &p.device.lib.lt
	for _, layout := range []*uintptr{&p.a, &p.b, &p.d} {
		if *layout != 0 {
			call(a.layoutDestroy, *layout)
			*layout = 0
		}
	}
	if p.desc != 0 {
		call(a.descDestroy, p.desc)
		p.desc = 0
	}
	return nil
}
