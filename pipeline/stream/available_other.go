//go:build unix && !linux

package stream

import "errors"

// available isn't known here; the system grows its swap, or refuses.
func available() (int64, error) { return 0, errors.ErrUnsupported }
