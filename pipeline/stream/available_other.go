//go:build unix && !linux

package stream

import (
	"errors"
	"os"
)

// available is unknown on this system, which grows its swap or refuses.
func available() (int64, error) { return 0, errors.ErrUnsupported }

// allocate isn't implemented on this system.
func allocate(*os.File, int64, int64) error { return errors.ErrUnsupported }
