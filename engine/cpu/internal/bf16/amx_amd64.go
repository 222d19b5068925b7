//go:build amd64 && !noasm

package bf16

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// tileHeights are the rows of an AMX tile: any up to 16.
var tileHeights = func() (h [4][]int) {
	for rows := 16; rows > 0; rows-- {
		for v := 1; v <= 3; v++ {
			h[v] = append(h[v], rows)
		}
	}
	return h
}()

// amx is the set with products on AMX's tiles. Its other kernels are those of
// AVX-512.
var amx = func() Set {
	s := avx512
	s.Name, s.Needs, s.Heights, s.Step, s.Gemm = "amx", "AMX (and the system's leave to use it)", tileHeights, 16, gemmAMX
	s.Supported = func() bool { return hasBF16() && (Emulated || permitted()) }
	config := tileConfig(16, 16)
	s.Peak, s.PeakFLOP = func(turns int) { peakAMX(turns, &config) }, 4*2*16*16*32
	return s
}()

// hasTiles reports whether the processor has AMX. A test may pretend that it does.
var hasTiles = func() bool { return cpu.X86.HasAMXTile && cpu.X86.HasAMXBF16 }

// permission is the system's answer, which is asked once.
var permission = sync.OnceValue(permitTiles)

// Refused returns why the system does not let this process use the processor's AMX;
// nil if it does, or if there is no AMX.
func Refused() error {
	if !hasTiles() {
		return nil
	}
	return permission()
}

// permitted reports whether the processor has AMX and the system allows its use.
func permitted() bool { return hasTiles() && permission() == nil }

// tileConfig is LDTILECFG's operand: sums of rows × 16 in tiles 0–3, A of rows ×
// pairs in 4 and 5, B of pairs × 16 in 6 and 7.
func tileConfig(rows, pairs int) (c [64]byte) {
	c[0] = 1 // the palette
	for t := range 8 {
		bytes, r := 64, rows
		switch {
		case t >= 6:
			r = pairs
		case t >= 4:
			bytes = 4 * pairs
		}
		c[16+2*t], c[48+t] = byte(bytes), byte(r)
	}
	return c
}

// step returns the largest divisor of pairs that fits a tile.
func step(pairs int) int {
	for s := 16; ; s-- {
		if pairs%s == 0 {
			return s
		}
	}
}

// gemmAMX takes two groups and two vectors at a time.
func gemmAMX(p *Product) {
	p.step = step(p.Pairs)
	p.config = tileConfig(p.Height, p.step)
	a, b, c := p.A, p.B, p.C
	for v := 0; v < p.Vectors; v += 2 {
		p.B = unsafe.Add(b, 64*v)
		wide := v+1 < p.Vectors
		for i := 0; i < len(p.Groups); i += 2 {
			g := p.Groups[i]
			p.A, p.C = unsafe.Add(a, g.A), unsafe.Add(c, g.C+64*v)
			if i+1 < len(p.Groups) {
				g = p.Groups[i+1]
				p.a2, p.c2 = unsafe.Add(a, g.A), unsafe.Add(c, g.C+64*v)
				if wide {
					amx2x2(p)
				} else {
					amx2x1(p)
				}
			} else if wide {
				amx1x2(p)
			} else {
				amx1x1(p)
			}
		}
	}
	p.A, p.B, p.C = a, b, c
}
