//go:build static

package dynlib

const static = true
