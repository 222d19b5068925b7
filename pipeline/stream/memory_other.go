//go:build !unix && !windows

package stream

import "errors"

// Memory fails: this package shares memory on Unix and Windows only.
func Memory(string) func(size int) ([]byte, error) {
	return func(int) ([]byte, error) { return nil, errors.ErrUnsupported }
}
