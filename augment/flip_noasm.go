//go:build !amd64 || noasm

package augment

func mirror(dst, src []byte) { mirrorGo(dst, src) }

func planes(r, g, b, rgb []byte) { planesGo(r, g, b, rgb) }
