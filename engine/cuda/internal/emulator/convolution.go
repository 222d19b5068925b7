package emulator

import "alexnet/engine/cuda/internal/gpu"

type convolutionPlan struct {
	plan
	gpu.Convolution
}

func (p *convolutionPlan) Name() string     { return p.plan.Name() }
func (p *convolutionPlan) String() string   { return p.Convolution.String() }
func (p *convolutionPlan) Workspace() int64 { return p.plan.Workspace() }

// Convolutions offers two plans.
func (d *Device) Convolutions(c gpu.Convolution, workspace int64, _ bool) ([]gpu.ConvolutionPlan, error) {
	const call = "cudnnBackendFinalize"
	if err := d.idle(call, ""); err != nil {
		return nil, err
	}
	h, w := c.Out()
	if c.N < 1 || c.C < 1 || c.K < 1 || h < 1 || w < 1 || c.Groups < 1 || c.C%c.Groups != 0 || c.K%c.Groups != 0 ||
		c.XChannels < c.C || c.YChannels < c.K || (c.Math == gpu.BF16) != (c.Type == gpu.BFloat16) ||
		(c.Bias || c.ReLU) && c.Direction != gpu.Forward {
		return nil, callError(call, 3000, gpu.ErrUnsupported, "%v", c)
	}
	if c.Type == gpu.BFloat16 && (c.Direction == gpu.BackwardWeights && c.WeightGradient != c.Type || c.Bias && c.BiasType != c.Type) {
		return nil, callError(call, 3000, gpu.ErrUnsupported, "%v: cuDNN has no engine with float32 beside bfloat16", c)
	}
	var out []gpu.ConvolutionPlan
	for _, q := range d.plans("convolution", workspace) {
		out = append(out, &convolutionPlan{q, c})
	}
	return out, nil
}

// extent is the number of elements of a channels-last tensor with pixels stride apart and
// used channels in each.
func extent(n, h, w, stride, used int) int { return (n*h*w-1)*stride + used }

func (p *convolutionPlan) Run(s gpu.Stream, x, w, bias, y, workspace gpu.Pointer) error {
	oh, ow := p.Out()
	weightType := p.Type
	if p.Direction == gpu.BackwardWeights {
		weightType = p.WeightGradient
	}
	xn, yn := extent(p.N, p.H, p.W, p.XChannels, p.C), extent(p.N, oh, ow, p.YChannels, p.K)
	wn := p.K * p.Size * p.Size * p.C / p.Groups
	ranges := []operand{{x, xn, p.Type.Size()}, {w, wn, weightType.Size()}, {y, yn, p.Type.Size()}}
	if p.Bias {
		ranges = append(ranges, operand{bias, p.K, p.BiasType.Size()})
	}
	st, err := p.check("cudnnBackendExecute", s, convolutionAlign, workspace, ranges...)
	if err != nil {
		return err
	}
	return st.enqueue(task{"convolution " + p.Direction.String(), func() error {
		p.use(workspace)
		c := columns{p.Convolution, oh, ow}
		switch p.Direction {
		case gpu.Forward:
			c.forward(x, w, bias, y, xn, wn, yn)
		case gpu.BackwardData:
			c.backwardData(x, w, y, xn, wn, yn)
		case gpu.BackwardWeights:
			c.backwardWeights(x, w, y, xn, wn, yn)
		}
		return nil
	}})
}

// columns computes convolutions with a matrix whose rows are the windows of one image and
// group: (H'·W') × (Size·Size·C/Groups).
type columns struct {
	gpu.Convolution
	oh, ow int
}

// relu is max(y, 0); NaN stays NaN.
func relu(y []float32) {
	for i, v := range y {
		if v < 0 {
			y[i] = 0
		}
	}
}

func (c columns) width() int { return c.Size * c.Size * c.C / c.Groups }

// each calls f for every run of channels in both a window and the image: at is its
// position in the image, k in the columns.
func (c columns) each(n, g int, f func(at, k, channels int)) {
	cg := c.C / c.Groups
	for row := range c.oh * c.ow {
		for ky := range c.Size {
			for kx := range c.Size {
				iy, ix := row/c.ow*c.Stride-c.Pad+ky, row%c.ow*c.Stride-c.Pad+kx
				if iy >= 0 && iy < c.H && ix >= 0 && ix < c.W {
					f(((n*c.H+iy)*c.W+ix)*c.XChannels+g*cg, row*c.width()+(ky*c.Size+kx)*cg, cg)
				}
			}
		}
	}
}

// gather makes the columns of one image and group.
func (c columns) gather(x []float32, n, g int) matrix {
	m := dense(c.oh*c.ow, c.width(), make([]float32, c.oh*c.ow*c.width()))
	c.each(n, g, func(at, k, channels int) { copy(m.data[k:k+channels], x[at:at+channels]) })
	return m
}

// output is one image and group of Y as a matrix (H'·W') × (K/Groups).
func (c columns) output(y []float32, n, g int) matrix {
	kg := c.K / c.Groups
	start := n*c.oh*c.ow*c.YChannels + g*kg
	return matrix{c.oh * c.ow, kg, c.YChannels, y[start:]}
}

// filters is one group of W as a matrix (K/Groups) × (Size·Size·C/Groups).
func (c columns) filters(w []float32, g int) matrix {
	kg := c.K / c.Groups
	return dense(kg, c.width(), w[g*kg*c.width():][:kg*c.width()])
}

func (c columns) forward(x, w, bias, y gpu.Pointer, xn, wn, yn int) {
	xs, ws := operands(load(x, xn, c.Type), c.Math), operands(load(w, wn, c.Type), c.Math)
	ys := load(y, yn, c.Type) // channels between pixels keep their values
	for pixel := range c.N * c.oh * c.ow {
		clear(ys[pixel*c.YChannels:][:c.K])
	}
	var biases []float32
	if c.Bias {
		biases = load(bias, c.K, c.BiasType)
	}
	for n := range c.N {
		for g := range c.Groups {
			addProduct(c.output(ys, n, g), c.gather(xs, n, g), c.filters(ws, g).transposed())
		}
		for row := range c.oh * c.ow {
			pixel := ys[(n*c.oh*c.ow+row)*c.YChannels:][:c.K]
			addBias(pixel, biases)
			if c.ReLU {
				relu(pixel)
			}
		}
	}
	store(y, ys, c.Type)
}

func (c columns) backwardData(dx, w, dy gpu.Pointer, xn, wn, yn int) {
	ws, dys := operands(load(w, wn, c.Type), c.Math), operands(load(dy, yn, c.Type), c.Math)
	dxs := load(dx, xn, c.Type)
	for pixel := range c.N * c.H * c.W {
		clear(dxs[pixel*c.XChannels:][:c.C])
	}
	for n := range c.N {
		for g := range c.Groups {
			m := dense(c.oh*c.ow, c.width(), make([]float32, c.oh*c.ow*c.width()))
			addProduct(m, c.output(dys, n, g), c.filters(ws, g))
			c.each(n, g, func(at, k, channels int) {
				for i := range channels {
					dxs[at+i] += m.data[k+i]
				}
			})
		}
	}
	store(dx, dxs, c.Type)
}

func (c columns) backwardWeights(x, dw, dy gpu.Pointer, xn, wn, yn int) {
	xs, dys := operands(load(x, xn, c.Type), c.Math), operands(load(dy, yn, c.Type), c.Math)
	dws := make([]float32, wn)
	for n := range c.N {
		for g := range c.Groups {
			addProduct(c.filters(dws, g), c.output(dys, n, g).transposed(), c.gather(xs, n, g))
		}
	}
	store(dw, dws, c.WeightGradient)
}
