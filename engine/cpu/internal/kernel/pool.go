package kernel

import "unsafe"

func maxPoolGo(x *float32, stride, size, step int, y *float32, at *byte, n int) {
	in, out := unsafe.Slice(x, (size-1)*stride+(n-1)*step+size), unsafe.Slice(y, n)
	for i := range out {
		best, position := in[i*step], 0
		for ky := range size {
			for kx, v := range in[ky*stride+i*step:][:size] {
				if v > best || v != v && best == best {
					best, position = v, ky*size+kx
				}
			}
		}
		out[i] = best
		if at != nil {
			*(*byte)(unsafe.Add(unsafe.Pointer(at), i)) = byte(position)
		}
	}
}
