//go:build unix && !linux

package stream

import (
	"errors"
	"os"
)

// available isn't known here; the system grows its swap, or refuses.
func available() (int64, error) { return 0, errors.ErrUnsupported }

// allocate isn't known here either.
func allocate(*os.File, int64, int64) error { return errors.ErrUnsupported }
