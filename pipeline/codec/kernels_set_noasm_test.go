//go:build !amd64 || noasm

package codec

func setBMI2(bool) (was bool) { return false }
