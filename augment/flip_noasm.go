//go:build !amd64 || noasm

package augment

func mirror(dst, src []byte) { mirrorGo(dst, src) }
