package kernel

import "unsafe"

// packCopyGo is the portable PackCopy.
func packCopyGo(dst *float32, ld int, src *float32, offsets *int, k, runs, length, stride int) {
	for p, offset := range unsafe.Slice(offsets, k) {
		for r := range runs {
			copy(unsafe.Slice(at(dst, p*ld+r*length), length), unsafe.Slice(at(src, offset+r*stride), length))
		}
	}
}

// packTransposeGo returns the portable PackTranspose for this number of lanes.
func packTransposeGo(lanes int) func(dst *float32, ld int, src *float32, offsets *int, runs, length, stride int) {
	return func(dst *float32, ld int, src *float32, offsets *int, runs, length, stride int) {
		out := unsafe.Slice(dst, (runs*length-1)*ld+lanes)
		for i, offset := range unsafe.Slice(offsets, lanes) {
			for r := range runs {
				in := unsafe.Slice(at(src, offset+r*stride), length)
				for x, v := range in {
					// If rows overlap (ld < lanes), the later row wins.
					if j := (r*length+x)*ld + i; i < ld || r*length+x == runs*length-1 {
						out[j] = v
					}
				}
			}
		}
	}
}

// packPanelsGo is the portable PackPanels for panels of nr columns.
func packPanelsGo(nr int) func(dst *float32, panel int, src *float32, ld int, k, panels int) {
	return func(dst *float32, panel int, src *float32, ld int, k, panels int) {
		for p := range k {
			for j := range panels {
				copy(unsafe.Slice(at(dst, j*panel+p*nr), nr), unsafe.Slice(at(src, p*ld+j*nr), nr))
			}
		}
	}
}

// splitGo is the portable Split.
func splitGo(dst, src *float32, stride, phase int) {
	in := unsafe.Slice(src, stride*phase)
	for f := range stride {
		out := unsafe.Slice(at(dst, f*phase), phase)
		for i := range out {
			out[i] = in[i*stride+f]
		}
	}
}

// at is the address of p's i-th float.
func at(p *float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), 4*i))
}
