package enginetest

import (
	"math"

	"alexnet/engine"
)

// neighbours calls f for every element whose square is part of the normaliser of element
// (c, y, x).
func neighbours(p engine.Response, groups int, s engine.Shape, c, y, x int, f func(c, y, x int)) {
	below, above := p.Size/2, (p.Size-1)/2
	if p.Within {
		for j := max(0, y-below); j <= min(s[2]-1, y+above); j++ {
			for i := max(0, x-below); i <= min(s[3]-1, x+above); i++ {
				f(c, j, i)
			}
		}
		return
	}
	maps := s[1] / groups
	first := c / maps * maps
	for k := max(first, c-below); k <= min(first+maps-1, c+above); k++ {
		f(k, y, x)
	}
}

// normaliser returns K + AlphaPerTerm·S around (n, c, y, x), and the number of squares in
// S.
func normaliser(p engine.Response, groups int, a grid, n, c, y, x int) (d float64, squares int) {
	var s float64
	neighbours(p, groups, a.Shape, c, y, x, func(c, y, x int) {
		v := a.at(n, c, y, x)
		s += v * v
		squares++
	})
	return p.K + p.AlphaPerTerm()*s, squares
}

func (r run) lrnForward(op engine.LRNForward) {
	a, b := r.read(op.X), r.write(op.Y)
	each(a.Shape, func(n, c, y, x int) {
		d, squares := normaliser(op.Response, op.Groups, a, n, c, y, x)
		v := a.at(n, c, y, x) * math.Pow(d, -op.Beta)
		*b.at(n, c, y, x) = rounded(v, math.Abs(v), squares+elementary)
	})
}

// lrnBackward differentiates b_j = a_j·d_j^−β, where d_j sums a_i² over the
// neighbours i of j:
//
//	da_i = db_i·d_i^−β − 2·β·AlphaPerTerm · a_i · Σ db_j·a_j·d_j^(−β−1)  over j with neighbour i
func (r run) lrnBackward(op engine.LRNBackward) {
	a, db, da := r.read(op.X), r.read(op.DY), r.write(op.DX)
	factor := 2 * op.Beta * op.AlphaPerTerm()
	each(a.Shape, func(n, c, y, x int) {
		d, squares := normaliser(op.Response, op.Groups, a, n, c, y, x)
		da.at(n, c, y, x).add(db.at(n, c, y, x)*math.Pow(d, -op.Beta), squares+elementary)
		pull := factor * db.at(n, c, y, x) * a.at(n, c, y, x) * math.Pow(d, -op.Beta-1)
		neighbours(op.Response, op.Groups, a.Shape, c, y, x, func(k, j, i int) {
			da.at(n, k, j, i).add(-pull*a.at(n, k, j, i), squares+elementary)
		})
	})
}
