//go:build !linux

package emulator

// thread is the calling thread's number, never 0. Here all threads have the same one.
func thread() int { return 1 }

// reserve makes memory.
func reserve(bytes int) ([]byte, error) { return make([]byte, bytes), nil }

// release leaves the memory to the garbage collector.
func release([]byte) error { return nil }
