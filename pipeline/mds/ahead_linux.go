package mds

import (
	"os"

	"golang.org/x/sys/unix"
)

// page is a multiple of every page size that Linux uses.
const page = 64 << 10

// mapAhead starts reading in part of a mapped file. A refusal is no error: the
// bytes are then read when they are looked at.
func mapAhead(mapped []byte, from, to int64) {
	from -= from % page
	_ = unix.Madvise(mapped[from:to], unix.MADV_WILLNEED)
}

// readAhead is mapAhead for a file that isn't mapped.
func readAhead(f *os.File, from, to int64) {
	_ = unix.Fadvise(int(f.Fd()), from, to-from, unix.FADV_WILLNEED)
}
