package enginetest

import (
	"errors"
	"fmt"
	"strings"

	"alexnet/engine"
)

// A bad op must be refused by Compile with an error that names the op and the mistake.
type bad struct {
	what string
	op   engine.Op
	says []string // text of the error besides the op's kind
}

func (m bad) check(ctx engine.Context) error {
	tensors := distinct(append(m.op.Reads(), m.op.Writes()...))
	_, size := place(ctx, tensors)
	ops := []engine.Op{m.op}
	if err := ctx.Reserve(size, ctx.Workspace(ops)); err != nil {
		return err
	}
	_, err := ctx.Compile(ops)
	if err == nil {
		return errors.New("no error")
	}
	for _, word := range append([]string{m.op.Kind()}, m.says...) {
		if !strings.Contains(err.Error(), word) {
			return fmt.Errorf("the error does not mention %q: %w", word, err)
		}
	}
	return nil
}

// malformed lists ops of the wrong shape, type or geometry.
func malformed() []bad {
	w := func(n, c, h, w int) *engine.Tensor { return tensor("t", engine.Working, n, c, h, w) }
	f := func(n, c, h, w int) *engine.Tensor { return tensor("t", engine.Float32, n, c, h, w) }
	p := func(n, c, h, w int) *engine.Tensor { return tensor("t", engine.Master, n, c, h, w) }
	i := func(n int) *engine.Tensor { return tensor("t", engine.Int32, n, 1, 1, 1) }
	at := func(n, c, h, w int) *engine.Tensor { return tensor("t", engine.Argmax, n, c, h, w) }
	by := func(n, c, h, w int) *engine.Tensor { return tensor("t", engine.Byte, n, c, h, w) }
	same := engine.Window{Size: 3, Stride: 1, Pad: 1}
	pool := engine.Window{Size: 3, Stride: 2}
	lrn := engine.Response{Size: 5, K: 2, Alpha: 1e-4, Beta: 0.75}
	loss := engine.SoftmaxLoss{X: w(2, 10, 1, 1), Labels: i(2), Probs: f(2, 10, 1, 1), Loss: f(2, 1, 1, 1), LabelRank: i(2), DX: w(2, 10, 1, 1)}
	wrongLabels, floatLabels, wrongProbs, wrongHalt, allSmooth := loss, loss, loss, loss, loss
	wrongLabels.Labels = i(3)
	floatLabels.Labels = w(2, 1, 1, 1)
	wrongHalt.Halt = i(2)
	allSmooth.Smoothing = 1
	wrongProbs.Probs = f(2, 9, 1, 1)
	return []bad{
		{"input with channels first", engine.Input{Pixels: by(2, 3, 4, 5), Colour: f(2, 3, 1, 1), Mean: f(1, 3, 4, 5), Y: w(2, 3, 4, 5)}, []string{"2×3×4×5"}},
		{"input with a mean of another size", engine.Input{Pixels: by(2, 4, 5, 3), Colour: f(2, 3, 1, 1), Mean: f(1, 3, 5, 5), Y: w(2, 3, 4, 5)}, []string{"1×3×5×5"}},
		{"conv weights for other channels", engine.ConvForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 3, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"8×3×3×3"}},
		{"conv weights of another kernel", engine.ConvForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 5, 5), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"8×4×5×5"}},
		{"conv weights that are no parameter", engine.ConvForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: f(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"8×4×3×3"}},
		{"conv output of another size", engine.ConvForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 5)}, []string{"2×8×6×5"}},
		{"conv output of another batch", engine.ConvForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(3, 8, 6, 6)}, []string{"3×8×6×6"}},
		{"conv with too few biases", engine.ConvForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(7, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"7×1×1×1"}},
		{"conv groups that don't divide", engine.ConvForward{Window: same, Groups: 3, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"3"}},
		{"conv with no groups", engine.ConvForward{Window: same, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, nil},
		{"conv with stride 0", engine.ConvForward{Window: engine.Window{Size: 3}, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"stride 0"}},
		{"conv that rounds up", engine.ConvForward{Window: engine.Window{Size: 3, Stride: 2, Ceil: true}, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 3, 3)}, []string{"ceil"}},
		{"conv window that doesn't fit", engine.ConvForward{Window: engine.Window{Size: 7, Stride: 1}, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 7, 7), B: p(8, 1, 1, 1), Y: w(2, 8, 1, 1)}, []string{"2×4×6×6"}},
		{"conv without input", engine.ConvForward{Window: same, Groups: 1, W: p(8, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, nil},
		{"conv backward with a gradient of other weights", engine.ConvBackward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), DY: w(2, 8, 6, 6), DW: f(8, 4, 3, 2), DB: f(8, 1, 1, 1)}, []string{"8×4×3×2"}},
		{"conv backward with another input gradient", engine.ConvBackward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), DY: w(2, 8, 6, 6), DW: f(8, 4, 3, 3), DB: f(8, 1, 1, 1), DX: w(2, 4, 5, 6)}, []string{"2×4×5×6"}},
		{"dense weights for other inputs", engine.DenseForward{X: w(2, 4, 3, 3), W: p(5, 4, 3, 2), B: p(5, 1, 1, 1), Y: w(2, 5, 1, 1)}, []string{"5×4×3×2"}},
		{"dense weights without the input's shape", engine.DenseForward{X: w(2, 4, 3, 3), W: p(5, 36, 1, 1), B: p(5, 1, 1, 1), Y: w(2, 5, 1, 1)}, []string{"5×36×1×1"}},
		{"dense output of another size", engine.DenseForward{X: w(2, 4, 3, 3), W: p(5, 4, 3, 3), B: p(5, 1, 1, 1), Y: w(2, 6, 1, 1)}, []string{"2×6×1×1"}},
		{"dense backward without a weight gradient", engine.DenseBackward{X: w(2, 4, 3, 3), W: p(5, 4, 3, 3), DY: w(2, 5, 1, 1), DB: f(5, 1, 1, 1)}, nil},
		{"dense backward with another input gradient", engine.DenseBackward{X: w(2, 4, 3, 3), W: p(5, 4, 3, 3), DY: w(2, 5, 1, 1), DW: f(5, 4, 3, 3), DB: f(5, 1, 1, 1), DX: w(2, 4, 3, 1)}, []string{"2×4×3×1"}},
		{"activate between shapes", engine.Activate{X: w(2, 4, 3, 3), Y: w(2, 4, 3, 2)}, []string{"2×4×3×2"}},
		{"activate with an unknown function", engine.Activate{Function: 99, X: w(2, 4, 3, 3), Y: w(2, 4, 3, 3)}, []string{"99"}},
		{"activate backward between shapes", engine.ActivateBackward{Y: w(2, 4, 3, 3), DY: w(2, 4, 3, 3), DX: w(2, 3, 3, 3)}, []string{"2×3×3×3"}},
		{"lrn between shapes", engine.LRNForward{Response: lrn, Groups: 1, X: w(2, 4, 3, 3), Y: w(2, 4, 3, 2)}, []string{"2×4×3×2"}},
		{"lrn groups that don't divide", engine.LRNForward{Response: lrn, Groups: 3, X: w(2, 4, 3, 3), Y: w(2, 4, 3, 3)}, []string{"3"}},
		{"lrn over no maps", engine.LRNForward{Groups: 1, X: w(2, 4, 3, 3), Y: w(2, 4, 3, 3)}, nil},
		{"lrn backward between shapes", engine.LRNBackward{Response: lrn, Groups: 1, X: w(2, 4, 3, 3), DY: w(2, 4, 3, 2), DX: w(2, 4, 3, 3)}, []string{"2×4×3×2"}},
		{"maxpool output of another size", engine.MaxPoolForward{Window: pool, X: w(2, 4, 7, 7), Y: w(2, 4, 4, 3), At: at(2, 4, 3, 3)}, []string{"2×4×4×3"}},
		{"maxpool rounded up of the size rounded down", engine.MaxPoolForward{Window: engine.Window{Size: 3, Stride: 2, Ceil: true}, X: w(2, 4, 8, 8), Y: w(2, 4, 3, 3)}, []string{"2×4×4×4"}},
		{"maxpool positions of another size", engine.MaxPoolForward{Window: pool, X: w(2, 4, 7, 7), Y: w(2, 4, 3, 3), At: at(2, 4, 3, 2)}, []string{"2×4×3×2"}},
		{"maxpool positions that are floats", engine.MaxPoolForward{Window: pool, X: w(2, 4, 7, 7), Y: w(2, 4, 3, 3), At: w(2, 4, 3, 3)}, nil},
		{"maxpool window of 16", engine.MaxPoolForward{Window: engine.Window{Size: 16, Stride: 1}, X: w(1, 1, 16, 16), Y: w(1, 1, 1, 1)}, []string{"16"}},
		{"maxpool backward of another size", engine.MaxPoolBackward{Window: pool, At: at(2, 4, 3, 3), DY: w(2, 4, 3, 3), DX: w(2, 4, 9, 9)}, []string{"2×4×9×9"}},
		{"avgpool output of another size", engine.AvgPoolForward{Window: pool, X: w(2, 4, 7, 7), Y: w(2, 4, 4, 3)}, []string{"2×4×4×3"}},
		{"avgpool without input", engine.AvgPoolForward{Window: pool, Y: w(2, 4, 3, 3)}, nil},
		{"avgpool backward of another size", engine.AvgPoolBackward{Window: pool, DY: w(2, 4, 3, 3), DX: w(2, 4, 9, 9)}, []string{"2×4×9×9"}},
		{"local weights of a convolution", engine.LocalForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(8, 4, 3, 3), B: p(288, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"8×4×3×3"}},
		{"local with a bias a map", engine.LocalForward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(288, 4, 3, 3), B: p(8, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"8×1×1×1"}},
		{"local groups that don't divide", engine.LocalForward{Window: same, Groups: 3, X: w(2, 4, 6, 6), W: p(288, 4, 3, 3), B: p(288, 1, 1, 1), Y: w(2, 8, 6, 6)}, []string{"3"}},
		{"local backward with another input gradient", engine.LocalBackward{Window: same, Groups: 1, X: w(2, 4, 6, 6), W: p(288, 4, 3, 3), DY: w(2, 8, 6, 6), DW: f(288, 4, 3, 3), DB: f(288, 1, 1, 1), DX: w(2, 4, 5, 6)}, []string{"2×4×5×6"}},
		{"dropout between shapes", engine.Dropout{Rate: 0.5, Width: 8, X: w(2, 8, 1, 1), Y: w(2, 7, 1, 1)}, []string{"2×7×1×1"}},
		{"dropout beyond its width", engine.Dropout{Rate: 0.5, Width: 15, First: 8, X: w(2, 8, 1, 1), Y: w(2, 8, 1, 1)}, []string{"15"}},
		{"dropout of everything", engine.Dropout{Rate: 1, Width: 8, X: w(2, 8, 1, 1), Y: w(2, 8, 1, 1)}, []string{"rate 1"}},
		{"softmax with labels of another batch", wrongLabels, []string{"3×1×1×1"}},
		{"softmax with labels that are floats", floatLabels, nil},
		{"softmax with probabilities of other classes", wrongProbs, []string{"2×9×1×1"}},
		{"softmax with nothing left of the label", allSmooth, []string{"smoothing 1"}},
		{"accumulate between shapes", engine.Accumulate{G: f(4, 3, 1, 1), Sum: f(4, 2, 1, 1)}, []string{"4×2×1×1"}},
		{"accumulate of activations", engine.Accumulate{G: w(4, 3, 1, 1), Sum: f(4, 3, 1, 1)}, []string{"4×3×1×1"}},
		{"update between shapes", engine.Update{W: p(4, 3, 1, 1), V: f(4, 3, 1, 1), G: f(4, 2, 1, 1), Rate: 1}, []string{"4×2×1×1"}},
		{"softmax with a halt an image", wrongHalt, []string{"2×1×1×1"}},
		{"update with a halt that is a float", engine.Update{W: p(4, 3, 1, 1), V: f(4, 3, 1, 1), G: f(4, 3, 1, 1), Halt: f(1, 1, 1, 1), Rate: 1}, nil},
		{"concat of too many maps", engine.Concat{Parts: []*engine.Tensor{w(2, 4, 3, 3), w(2, 5, 3, 3)}, Y: w(2, 8, 3, 3)}, []string{"2×8×3×3"}},
		{"concat of different pixels", engine.Concat{Parts: []*engine.Tensor{w(2, 4, 3, 3), w(2, 4, 3, 2)}, Y: w(2, 8, 3, 3)}, []string{"2×4×3×2"}},
		{"concat of nothing", engine.Concat{Y: w(2, 8, 3, 3)}, nil},
		{"sum slices past the last map", engine.SumSlices{Parts: []*engine.Tensor{w(2, 8, 3, 3)}, First: 5, Y: w(2, 4, 3, 3)}, []string{"2×8×3×3"}},
		{"sum slices of different parts", engine.SumSlices{Parts: []*engine.Tensor{w(2, 8, 3, 3), w(2, 8, 3, 2)}, Y: w(2, 4, 3, 3)}, []string{"2×8×3×2"}},
		{"sum slices of nothing", engine.SumSlices{Y: w(2, 4, 3, 3)}, nil},
	}
}
