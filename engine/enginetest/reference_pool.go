package enginetest

import (
	"math"

	"alexnet/engine"
)

func (r run) maxPoolForward(op engine.MaxPoolForward) {
	x, y := r.read(op.X), r.write(op.Y)
	at := newSums(op.Y.Shape)
	if op.At != nil {
		at = r.write(op.At)
	}
	each(y.Shape, func(n, c, oy, ox int) {
		best, where := math.NaN(), -1
		for ky := range op.Size {
			for kx := range op.Size {
				iy, ix := oy*op.Stride-op.Pad+ky, ox*op.Stride-op.Pad+kx
				if !x.inside(iy, ix) {
					continue
				}
				v := x.at(n, c, iy, ix)
				if where < 0 || v > best || math.IsNaN(v) && !math.IsNaN(best) {
					best, where = v, ky*op.Size+kx
				}
			}
		}
		*y.at(n, c, oy, ox) = exact(best)
		*at.at(n, c, oy, ox) = exact(float64(where))
	})
}

func (r run) maxPoolBackward(op engine.MaxPoolBackward) {
	at, dy, dx := r.read(op.At), r.read(op.DY), r.write(op.DX)
	each(dy.Shape, func(n, c, oy, ox int) {
		where := int(at.at(n, c, oy, ox))
		iy, ix := oy*op.Stride-op.Pad+where/op.Size, ox*op.Stride-op.Pad+where%op.Size
		dx.at(n, c, iy, ix).add(dy.at(n, c, oy, ox), 0)
	})
}
