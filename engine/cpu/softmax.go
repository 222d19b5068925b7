package cpu

import (
	"fmt"
	"math"

	"alexnet/engine"
)

func (c *Context) lowerSoftmaxLoss(op engine.SoftmaxLoss) lowered {
	k := op.X.Shape[1]
	return c.softmaxLoss(op, 0, func(_ *worker, i int) (x, dx []float32) {
		x = c.floats(op.X)[i*k:][:k]
		if op.DX != nil {
			dx = c.floats(op.DX)[i*k:][:k]
		}
		return x, dx
	}, func(int, []float32) {})
}

// softmaxLoss computes the loss of image i from the result of read, writes the
// gradient there, and then calls write. read may use scratch floats.
func (c *Context) softmaxLoss(op engine.SoftmaxLoss, scratch int, read func(w *worker, i int) (x, dx []float32), write func(i int, dx []float32)) lowered {
	s := op.X.Shape
	n, k := s[0], s[1]
	spread := op.Smoothing / float32(k) // of the target on every class
	stages := []stage{{n, func(w *worker, i int) {
		x, dx := read(w, i)
		probs := c.floats(op.Probs)[i*k:][:k]
		logSum := softmax(x, probs)
		label := int(c.ints(op.Labels)[i])
		if label < -1 || label >= k {
			c.fail(fmt.Errorf("%s: %s: label %d of image %d, want 0 to %d, or -1 for padding", c.name, op.Kind(), label, i, k-1))
			label = -1
		}
		if op.DX != nil {
			defer write(i, dx)
		}
		if label < 0 {
			c.floats(op.Loss)[i], c.ints(op.LabelRank)[i] = 0, 0
			clear(dx)
			return
		}
		target := float64(x[label])
		if op.Smoothing > 0 {
			target += float64(op.Smoothing) * (mean(x) - target)
		}
		c.floats(op.Loss)[i] = float32(logSum - target)
		c.ints(op.LabelRank)[i] = int32(rank(x, label))
		for j := range dx {
			p := probs[j] - spread
			if j == label {
				p -= 1 - op.Smoothing
			}
			dx[j] = p * op.Scale
		}
	}}}
	if op.Halt != nil {
		stages = append(stages, stage{1, func(*worker, int) {
			for _, v := range c.floats(op.Loss) {
				if d := v - v; d != d { // infinite or NaN
					c.ints(op.Halt)[0] = 1
				}
			}
		}})
	}
	return lowered{stages: stages, scratch: scratch}
}

// softmax fills probs and returns log Σ exp x.
func softmax(x, probs []float32) float64 {
	top := x[0]
	for _, v := range x {
		top = max(top, v) // NaN if any is
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - float64(top))
	}
	for i, v := range x {
		probs[i] = float32(math.Exp(float64(v)-float64(top)) / sum)
	}
	return float64(top) + math.Log(sum)
}

func mean(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x))
}

// rank returns the number of classes with a higher value than label.
func rank(x []float32, label int) int {
	mine := x[label]
	if mine != mine {
		return len(x)
	}
	n := 0
	for i, v := range x {
		if v > mine || v == mine && i < label {
			n++
		}
	}
	return n
}
