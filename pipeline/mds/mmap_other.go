//go:build !unix && !windows

package mds

import (
	"errors"
	"os"
)

// mapFile fails: files are mapped on Unix and Windows only.
func mapFile(*os.File, int) ([]byte, func() error, error) {
	return nil, nil, errors.ErrUnsupported
}
