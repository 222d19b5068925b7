package enginetest

import (
	"math"

	"alexnet/engine"
)

func (r run) softmaxLoss(op engine.SoftmaxLoss) {
	x, labels := r.read(op.X), r.read(op.Labels)
	probs, loss, rank := r.write(op.Probs), r.write(op.Loss), r.write(op.LabelRank)
	dx := newSums(op.X.Shape)
	if op.DX != nil {
		dx = r.write(op.DX)
	}
	classes, smoothing := op.X.Shape[1], float64(op.Smoothing)
	for n := range op.X.Shape[0] {
		logits := x.v[n*classes:][:classes]
		label := int(labels.v[n])
		top := logits[0]
		for _, v := range logits {
			top = math.Max(top, v) // NaN if any is
		}
		// spread is the relative error of the sum from the roundings of x − top, in roundoffs.
		var total, spread float64
		for _, v := range logits {
			e := math.Exp(v - top)
			total += e
			spread += e * (1 + top - v)
		}
		spread /= total
		for k, v := range logits {
			p := math.Exp(v-top) / total
			abs := p * (1 + top - v + spread)
			*probs.at(n, k, 0, 0) = rounded(p, abs, classes+elementary)
			target := smoothing / float64(classes)
			if k == label {
				target += 1 - smoothing
			}
			scale := float64(op.Scale)
			*dx.at(n, k, 0, 0) = rounded((p-target)*scale, (abs+target)*math.Abs(scale), classes+elementary+4)
			if label < 0 {
				*dx.at(n, k, 0, 0) = exact(0)
			}
		}
		if label < 0 {
			loss.v[n], rank.v[n] = exact(0), exact(0)
			continue
		}
		log := math.Log(total)
		target := Sum{}
		target.add((1-smoothing)*logits[label], 2)
		if smoothing > 0 {
			for _, v := range logits {
				target.add(smoothing/float64(classes)*v, 2)
			}
		}
		loss.v[n] = rounded(top+log-target.Value,
			math.Abs(top)+math.Abs(log)+target.Abs+spread, classes+elementary+target.Roundings()-2)
		rank.v[n] = exact(float64(rankOf(logits, label)))
	}
	if op.Halt == nil {
		return
	}
	halt := r.read(op.Halt).v[0]
	for _, l := range loss.v {
		if v := float64(float32(l.Value)); math.IsNaN(v) || math.IsInf(v, 0) {
			halt = 1
		}
	}
	r.write(op.Halt).v[0] = exact(halt)
}

// rankOf counts the classes with a higher value than the label's.
func rankOf(logits []float64, label int) int {
	if math.IsNaN(logits[label]) {
		return len(logits)
	}
	beaten := 0
	for k, v := range logits {
		if v > logits[label] || v == logits[label] && k < label {
			beaten++
		}
	}
	return beaten
}
