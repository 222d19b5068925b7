//go:build !static

package dynlib

const static = false
