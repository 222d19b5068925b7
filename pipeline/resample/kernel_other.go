//go:build !amd64 || noasm

package resample

func horizontal(out, line []byte, t *taps) { horizontalGo(out, line, t) }

func horizontalPair(out0, out1, line0, line1 []byte, t *taps) {
	horizontalGo(out0, line0, t)
	horizontalGo(out1, line1, t)
}

func verticalFast([]byte, []byte, []int16, int) int { return 0 }
