package emulator

import (
	"math"

	"alexnet/engine/cuda/internal/gpu"
)

// load reads n elements as float32.
func load(p gpu.Pointer, n int, t gpu.Type) []float32 {
	if t == gpu.Float32 {
		return append([]float32(nil), view[float32](p, n)...)
	}
	out := make([]float32, n)
	for i, v := range view[uint16](p, n) {
		out[i] = math.Float32frombits(uint32(v) << 16)
	}
	return out
}

// store writes values, rounded to nearest even.
func store(p gpu.Pointer, values []float32, t gpu.Type) {
	if t == gpu.Float32 {
		copy(view[float32](p, len(values)), values)
		return
	}
	out := view[uint16](p, len(values))
	for i, v := range values {
		out[i] = uint16(roundBits(v, 16) >> 16)
	}
}

// roundBits rounds v to nearest even, dropping the last bits of its mantissa.
func roundBits(v float32, drop uint) uint32 {
	b := math.Float32bits(v)
	if v != v {
		return b | 1<<22 // keeps it a NaN
	}
	return (b + 1<<(drop-1) - 1 + b>>drop&1) &^ (1<<drop - 1)
}

// operands rounds the factors of a product to the arithmetic's precision.
func operands(v []float32, m gpu.Math) []float32 {
	if m == gpu.TF32 {
		for i, x := range v {
			v[i] = math.Float32frombits(roundBits(x, 13))
		}
	}
	return v
}

// addBias adds bias to every row of len(bias) values; nil adds nothing.
func addBias(y, bias []float32) {
	if bias == nil {
		return
	}
	for i := range y {
		y[i] += bias[i%len(bias)]
	}
}

// matrix is row-major, its rows stride apart.
type matrix struct {
	rows, cols, stride int
	data               []float32
}

func dense(rows, cols int, data []float32) matrix { return matrix{rows, cols, cols, data} }

// transposed returns a transposed copy.
func (m matrix) transposed() matrix {
	t := dense(m.cols, m.rows, make([]float32, m.rows*m.cols))
	for i := range m.rows {
		for j := range m.cols {
			t.data[j*t.stride+i] = m.data[i*m.stride+j]
		}
	}
	return t
}

// addProduct adds a·b to y. Unlike BLAS it also multiplies zeros: 0·NaN is NaN.
func addProduct(y, a, b matrix) {
	for i := range a.rows {
		row := y.data[i*y.stride:][:y.cols]
		for k := range a.cols {
			f := a.data[i*a.stride+k]
			for j, v := range b.data[k*b.stride:][:len(row)] {
				row[j] += f * v
			}
		}
	}
}

// plan is the common part of plans of products and of convolutions.
type plan struct {
	device    *Device
	name      string
	workspace int64
}

func (p *plan) Name() string     { return p.name }
func (p *plan) Workspace() int64 { return p.workspace }

func (p *plan) Close() error {
	p.device.machine.made("plan", -1)
	return nil
}

// use fills the workspace with NaNs, as other kernels might.
func (p *plan) use(workspace gpu.Pointer) {
	if p.workspace > 0 {
		for i, v := 0, view[byte](workspace, int(p.workspace)); i < len(v); i++ {
			v[i] = poison
		}
	}
}

// Alignments that the libraries assume: cuBLASLt's search if none is given, and the
// tensors of cuDNN's plans.
const (
	productAlign     = 256
	convolutionAlign = 16
)

// check returns an error for operands outside this device's memory, and for misaligned
// ones.
func (p *plan) check(call string, s gpu.Stream, aligned, workspace gpu.Pointer, operands ...operand) (*stream, error) {
	if err := p.device.begin(call, ""); err != nil {
		return nil, err
	}
	st := s.(*stream)
	if st.device != p.device {
		return nil, callError(call, 400, nil, "the plan is of device %d, the stream of device %d", p.device.index, st.device.index)
	}
	if p.workspace > 0 {
		operands = append(operands, operand{workspace, int(p.workspace), 1})
	}
	for _, o := range operands {
		if o.at%aligned != 0 {
			return nil, callError(call, 7, nil, "an operand at %#x: want a multiple of %d", uint64(o.at), aligned)
		}
		if err := st.own(call, o.at, int64(o.n)*o.size); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// operand is a range that a plan reads or writes.
type operand struct {
	at   gpu.Pointer
	n    int
	size int64
}

// plans makes two plans for the same computation, with and without a workspace.
func (d *Device) plans(name string, workspace int64) []plan {
	out := []plan{{d, name + " 0", 0}}
	if workspace >= 4096 {
		out = append(out, plan{d, name + " 1", 4096})
	}
	d.machine.made("plan", len(out))
	return out
}

type productPlan struct {
	plan
	gpu.Product
}

func (p *productPlan) Name() string     { return p.plan.Name() }
func (p *productPlan) String() string   { return p.Product.String() }
func (p *productPlan) Workspace() int64 { return p.plan.Workspace() }

// Products offers two plans.
func (d *Device) Products(p gpu.Product, workspace int64) ([]gpu.ProductPlan, error) {
	const call = "cublasLtMatmulAlgoGetHeuristic"
	if err := d.idle(call, ""); err != nil {
		return nil, err
	}
	if p.M < 1 || p.N < 1 || p.K < 1 || (p.Math == gpu.BF16) != (p.Input == gpu.BFloat16) {
		return nil, callError(call, 7, gpu.ErrUnsupported, "%v", p)
	}
	if p.Bias && p.Output == gpu.BFloat16 && p.BiasType != p.Output {
		return nil, callError(call, 7, gpu.ErrUnsupported, "%v: cuBLASLt adds a bias of bfloat16's own type to it", p)
	}
	var out []gpu.ProductPlan
	for _, q := range d.plans("product", workspace) {
		out = append(out, &productPlan{q, p})
	}
	return out, nil
}

func (p *productPlan) Run(s gpu.Stream, a, b, bias, d, workspace gpu.Pointer) error {
	operandsOf := []operand{{a, p.M * p.K, p.Input.Size()}, {b, p.K * p.N, p.Input.Size()}, {d, p.M * p.N, p.Output.Size()}}
	if p.Bias {
		operandsOf = append(operandsOf, operand{bias, p.N, p.BiasType.Size()})
	}
	st, err := p.check("cublasLtMatmul", s, productAlign, workspace, operandsOf...)
	if err != nil {
		return err
	}
	return st.enqueue(task{"product", func() error {
		p.use(workspace)
		am := dense(p.M, p.K, operands(load(a, p.M*p.K, p.Input), p.Math))
		bm := dense(p.K, p.N, operands(load(b, p.K*p.N, p.Input), p.Math))
		if p.TransposeA {
			am = dense(p.K, p.M, am.data).transposed()
		}
		if p.TransposeB {
			bm = dense(p.N, p.K, bm.data).transposed()
		}
		y := dense(p.M, p.N, make([]float32, p.M*p.N))
		addProduct(y, am, bm)
		var biases []float32
		if p.Bias {
			biases = load(bias, p.N, p.BiasType)
		}
		addBias(y.data, biases)
		store(d, y.data, p.Output)
		return nil
	}})
}
