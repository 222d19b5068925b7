//go:build !noasm

package resample

import "golang.org/x/sys/cpu"

// useAVX2 chooses the assembly. Tests turn it off to compare.
var useAVX2 = cpu.X86.HasAVX2

func horizontal(out, line []byte, t *taps) {
	if !useAVX2 {
		horizontalGo(out, line, t)
		return
	}
	// The farthest bytes that the assembly reads and writes.
	_ = line[3*(t.hi-t.lo)+overread-1]
	_ = out[3*len(t.first)+overwrite-1]
	horizontalAVX2(&out[0], &line[0], &t.first[0], t.lo, &t.weights[0], len(t.first), t.n/xMultiple, t.bits)
}

// horizontalPair is horizontalGo for two rows. It writes beyond the end of out1 only.
func horizontalPair(out0, out1, line0, line1 []byte, t *taps) {
	if !useAVX2 {
		horizontalGo(out0, line0, t)
		horizontalGo(out1, line1, t)
		return
	}
	_, _ = line0[3*(t.hi-t.lo)+overread-1], line1[3*(t.hi-t.lo)+overread-1]
	_, _ = out0[3*len(t.first)-1], out1[3*len(t.first)+overwrite-1]
	horizontalPairAVX2(&out0[0], &out1[0], &line0[0], &line1[0], &t.first[0], t.lo, &t.weights[0], len(t.first), t.n/xMultiple, t.bits)
}

// verticalFast computes the first columns of verticalGo's result, and returns their
// number.
func verticalFast(out, rows []byte, weights []int16, bits int) int {
	const block = 32
	if !useAVX2 || len(out) < block {
		return 0
	}
	_ = rows[len(weights)*len(out)-1]
	pairs := len(weights) / yMultiple
	verticalAVX2(&out[0], &rows[0], len(out), &weights[0], len(out)/block, pairs, bits)
	if rest := len(out) % block; rest > 0 { // the last block, overlapping
		at := len(out) - block
		verticalAVX2(&out[at], &rows[at], len(out), &weights[0], 1, pairs, bits)
	}
	return len(out)
}
