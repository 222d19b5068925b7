package enginetest

import (
	"fmt"
	"math"

	"alexnet/engine"
)

func lrnCases() (cases []OpCase) {
	paper := engine.Response{Size: 5, K: 2, Alpha: 1e-4, Beta: 0.75}
	strong := engine.Response{Size: 5, K: 2, Alpha: 1, Beta: 0.75}
	for _, c := range []struct {
		what   string
		p      engine.Response
		shape  engine.Shape
		groups int
	}{
		{"paper", paper, engine.Shape{3, 16, 7, 5}, 2},
		{"one element", strong, engine.Shape{1, 1, 1, 1}, 1},
		{"strong", strong, engine.Shape{3, 9, 3, 5}, 1},
		{"strong, groups narrower than the window", strong, engine.Shape{2, 6, 3, 3}, 3},
		{"strong, real maps", strong, engine.Shape{1, 96, 5, 5}, 2},
		{"literal", engine.Response{Size: 5, K: 2, Alpha: 0.1, Beta: 0.75, Literal: true}, engine.Shape{2, 8, 3, 3}, 1},
		{"even size", engine.Response{Size: 4, K: 1, Alpha: 1, Beta: 0.75}, engine.Shape{1, 9, 3, 3}, 1},
		{"size 1", engine.Response{Size: 1, K: 1, Alpha: 1, Beta: 0.75}, engine.Shape{1, 4, 2, 2}, 2},
		{"β 0.5", engine.Response{Size: 3, K: 1, Alpha: 0.5, Beta: 0.5}, engine.Shape{2, 7, 3, 3}, 1},
		{"β 1.3", engine.Response{Size: 3, K: 1, Alpha: 0.5, Beta: 1.3}, engine.Shape{2, 7, 3, 3}, 1},
		{"within", engine.Response{Size: 5, K: 2, Alpha: 1, Beta: 0.75, Within: true}, engine.Shape{3, 4, 7, 9}, 1},
		{"within, groups don't matter", engine.Response{Size: 3, K: 2, Alpha: 1, Beta: 0.75, Within: true}, engine.Shape{1, 4, 5, 5}, 2},
		{"within, literal", engine.Response{Size: 3, K: 2, Alpha: 0.1, Beta: 0.75, Within: true, Literal: true}, engine.Shape{1, 2, 5, 4}, 1},
		{"within, even size", engine.Response{Size: 4, K: 2, Alpha: 1, Beta: 0.75, Within: true}, engine.Shape{1, 2, 5, 6}, 1},
		{"within, window larger than the map", engine.Response{Size: 5, K: 2, Alpha: 1, Beta: 0.75, Within: true}, engine.Shape{1, 2, 2, 1}, 1},
	} {
		name := fmt.Sprintf("%s, %v in %d groups", c.what, c.shape, c.groups)
		scale := 3.0
		if c.p == paper {
			scale = 200 // with it, α 1e-4 has an effect
		}
		x := scaled(Noise(name, c.shape.Len()), scale)
		forward := engine.LRNForward{Response: c.p, Groups: c.groups, X: working("x", c.shape), Y: working("y", c.shape)}
		backward := engine.LRNBackward{Response: c.p, Groups: c.groups,
			X: working("x", c.shape), DY: working("dy", c.shape), DX: working("dx", c.shape)}
		inPlace := backward
		inPlace.DX = backward.DY
		data := Memory{backward.X: x}
		cases = append(cases,
			OpCase{Name: "lrn forward/" + name, Op: forward, Data: Memory{forward.X: x}},
			OpCase{Name: "lrn backward/" + name, Op: backward, Data: data},
			OpCase{Name: "lrn backward/" + name + ", in place", Op: inPlace, Data: data})
	}
	return cases
}

func poolCases() (cases []OpCase) {
	overlapping := engine.Window{Size: 3, Stride: 2}
	for _, c := range []struct {
		what  string
		w     engine.Window
		shape engine.Shape
		x     []float64 // nil: noise
	}{
		{"one element", engine.Window{Size: 1, Stride: 1}, engine.Shape{1, 1, 1, 1}, nil},
		{"overlapping", overlapping, engine.Shape{3, 4, 13, 13}, nil},
		{"overlapping, 27²", overlapping, engine.Shape{1, 3, 27, 27}, nil},
		{"plain", engine.Window{Size: 2, Stride: 2}, engine.Shape{2, 3, 6, 9}, nil},
		{"last row and column unread", overlapping, engine.Shape{2, 3, 6, 8}, nil},
		{"padded", engine.Window{Size: 3, Stride: 2, Pad: 1}, engine.Shape{2, 3, 5, 4}, nil},
		{"padded, all negative", engine.Window{Size: 3, Stride: 1, Pad: 2}, engine.Shape{1, 1, 2, 3}, []float64{-1, -2, -3, -4, -5, -6}},
		{"holes", engine.Window{Size: 2, Stride: 3}, engine.Shape{1, 2, 8, 8}, nil},
		{"rounded up", engine.Window{Size: 3, Stride: 2, Ceil: true}, engine.Shape{2, 40, 12, 8}, nil},
		{"rounded up, nothing to round", engine.Window{Size: 3, Stride: 2, Ceil: true}, engine.Shape{1, 3, 7, 9}, nil},
		{"rounded up, no window whole", engine.Window{Size: 5, Stride: 4, Ceil: true}, engine.Shape{2, 8, 4, 2}, nil},
		{"rounded up and padded, negative", engine.Window{Size: 3, Stride: 2, Pad: 1, Ceil: true}, engine.Shape{1, 1, 2, 4}, []float64{-1, -2, -3, -4, -5, -6, -7, -8}},
		{"rounded up, holes", engine.Window{Size: 2, Stride: 3, Ceil: true}, engine.Shape{1, 8, 6, 7}, nil},
		{"stride 1", engine.Window{Size: 3, Stride: 1}, engine.Shape{1, 2, 5, 7}, nil},
		{"largest window", engine.Window{Size: 15, Stride: 4}, engine.Shape{1, 2, 19, 17}, nil},
		{"ties", overlapping, engine.Shape{1, 1, 5, 5}, []float64{
			0, 0, 0, 7, 0,
			0, 0, 7, 0, 7,
			0, 0, 0, 7, 0,
			5, 5, 0, 0, -0.0,
			5, 5, 0, 0, 0,
		}},
		{"ties of whole numbers", overlapping, engine.Shape{3, 5, 9, 9}, integers("ties", 3*5*9*9, 0, 3)},
		{"infinities", overlapping, engine.Shape{1, 1, 3, 5}, []float64{
			-inf, -inf, -inf, 1, 2,
			-inf, -inf, -inf, inf, 3,
			-inf, -inf, -inf, 4, inf,
		}},
		{"nan wins", overlapping, engine.Shape{1, 1, 5, 5}, []float64{
			1, 2, 3, 4, 5,
			6, nan, 8, inf, 9,
			1, 2, nan, 4, 5,
			6, 7, 8, 9, 1,
			2, 3, 4, 5, 6,
		}},
	} {
		name := fmt.Sprintf("%s, %v, %d×%d stride %d pad %d", c.what, c.shape, c.w.Size, c.w.Size, c.w.Stride, c.w.Pad)
		out := c.w.Pooled(c.shape)
		at := func() *engine.Tensor { return tensor("at", engine.Argmax, out[0], out[1], out[2], out[3]) }
		forward := engine.MaxPoolForward{Window: c.w, X: working("x", c.shape), Y: working("y", out), At: at()}
		inference := engine.MaxPoolForward{Window: c.w, X: working("x", c.shape), Y: working("y", out)}
		backward := engine.MaxPoolBackward{Window: c.w, At: at(), DY: working("dy", out), DX: working("dx", c.shape)}
		x := c.x
		if x == nil {
			x = Noise(name, c.shape.Len())
		}
		positions := make([]float64, out.Len())
		r := run{m: Memory{forward.X: x}, out: map[*engine.Tensor][]Sum{}}
		r.maxPoolForward(forward)
		for i, s := range r.out[forward.At] {
			positions[i] = s.Value
		}
		cases = append(cases,
			OpCase{Name: "maxpool forward/" + name, Op: forward, Data: Memory{forward.X: x}},
			OpCase{Name: "maxpool forward/" + name + ", no positions", Op: inference, Data: Memory{inference.X: x}},
			OpCase{Name: "maxpool backward/" + name, Op: backward, Data: Memory{backward.At: positions}})
	}
	return cases
}

func softmaxCases() (cases []OpCase) {
	for _, c := range []struct {
		what    string
		classes int
		x       []float64 // one row an image
		labels  []float64
	}{
		{"one class", 1, []float64{3}, []float64{0}},
		{"two images", 3, []float64{1, 2, 3, 0, -1, 0.5}, []float64{2, 1}},
		{"equal logits: the lower class wins", 4, []float64{1, 1, 1, 1, 1, 1, 1, 1, 0, 5, 5, 2}, []float64{0, 3, 2}},
		{"padding", 3, []float64{1, 2, 3, 9, -9, 0, nan, 1, 2}, []float64{1, -1, -1}},
		{"large logits", 3, []float64{1e4, -1e4, 0, 1e4, -1e4, 0, 300, 301, 302}, []float64{0, 1, 0}},
		{"nan logit", 3, []float64{1, nan, 3, 1, nan, 3, 1, 2, 3}, []float64{1, 2, 0}},
		{"ten classes", 10, scaled(Noise("ten", 50), 5), []float64{0, 9, 4, -1, 7}},
		{"thousand classes", 1000, scaled(Noise("thousand", 3000), 3), []float64{999, 0, 500}},
	} {
		n := len(c.labels)
		logits := engine.Shape{n, c.classes, 1, 1}
		train := engine.SoftmaxLoss{
			X: working("x", logits), Labels: tensor("labels", engine.Int32, n, 1, 1, 1),
			Probs: float32s("probs", logits), Loss: tensor("loss", engine.Float32, n, 1, 1, 1),
			LabelRank: tensor("rank", engine.Int32, n, 1, 1, 1), DX: working("dx", logits),
			Halt: halt(), Scale: float32(1 / math.Max(float64(n), 3)),
		}
		smooth, infer := train, train
		smooth.Smoothing = 0.1
		infer.DX, infer.Halt = nil, nil
		data := Memory{train.X: c.x, train.Labels: c.labels, train.Halt: {0}}
		halted := Memory{train.X: c.x, train.Labels: c.labels, train.Halt: {1}}
		cases = append(cases,
			OpCase{Name: "softmax loss/" + c.what, Op: train, Data: data},
			OpCase{Name: "softmax loss/" + c.what + ", halted before", Op: train, Data: halted},
			OpCase{Name: "softmax loss/" + c.what + ", smoothed", Op: smooth, Data: data},
			OpCase{Name: "softmax loss/" + c.what + ", inference", Op: infer, Data: data})
	}
	return cases
}
