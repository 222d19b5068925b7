package cpu

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// allocate maps n zero bytes. It asks for large pages: rows of a dense layer's weights
// are pages apart, and with pages of 4 KB, packing them would spend most of its time in
// address translation.
func allocate(n int64) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("no memory for %d bytes: %w", n, err)
	}
	// A kernel without large pages is no error.
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	return b, nil
}

// release unmaps memory of allocate.
func release(b []byte) error {
	if b == nil {
		return nil
	}
	return unix.Munmap(b)
}
