//go:build !amd64 || noasm

package jpeg

// setAssembly has nothing to choose from.
func setAssembly(bool) (was bool) { return false }
