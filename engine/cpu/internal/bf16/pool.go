package bf16

import "math"

func maxPoolGo(y *uint16, at *byte, x *uint16, w PoolWindow, n int) {
	for i := range n {
		best, position, here := Float(*At(x, i)), w.First, w.First
		for r := range w.Rows {
			for c := range w.Columns {
				v := Float(*At(x, r*w.Pitch+c*w.Step+i))
				if v > best || v != v && best == best {
					best, position = v, here
				}
				here++
			}
			here += w.Skip
		}
		*At(y, i) = uint16(math.Float32bits(best) >> 16)
		if at != nil {
			*At(at, i) = byte(position)
		}
	}
}

func gatherGo(dx, dy *uint16, at *byte, sources []Source, n int) {
	for i := range n {
		var sum float32
		for _, s := range sources {
			if int(*At(at, s.Offset+i)) == s.Position {
				sum += Float(*At(dy, s.Offset+i))
			}
		}
		*At(dx, i) = Round(sum)
	}
}
