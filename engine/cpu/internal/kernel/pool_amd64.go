//go:build amd64 && !noasm

package kernel

func maxPool(x *float32, stride, size, step int, y *float32, at *byte, n int) {
	if step == 2 && n >= 8 {
		maxPoolAVX2(x, stride, size, y, at, n)
		return
	}
	maxPoolGo(x, stride, size, step, y, at, n)
}
