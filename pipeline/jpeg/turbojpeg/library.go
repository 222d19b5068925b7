package turbojpeg

import (
	"errors"
	"sync"
)

// library holds the addresses of the functions of one loaded libturbojpeg.
type library struct {
	initDecompress, decompressHeader, decompress uintptr
	initCompress, compress, bufSize              uintptr
	destroy                                      uintptr
	errorText                                    uintptr
	errorCode                                    uintptr // 0 before TurboJPEG 2
}

// loaded loads the library once for the whole program.
var loaded = sync.OnceValues(load)

// Available returns nil where libjpeg-turbo can be used, and otherwise an error
// that says where it was looked for and what to install.
func Available() error {
	_, err := loaded()
	return err
}

// Constants of turbojpeg.h.
const (
	pixelRGB  = 0
	pixelCMYK = 11

	flagNoRealloc   = 1024
	flagAccurateDCT = 4096

	errorWarning = 0
)

var errClosed = errors.New("turbojpeg: used after Close")
