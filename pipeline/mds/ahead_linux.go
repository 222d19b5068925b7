package mds

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// page is a multiple of every page size that Linux uses.
const page = 64 << 10

// mapAhead starts reading part of a mapped file. If the system refuses, the bytes are
// read at their first use.
func mapAhead(mapped []byte, from, to int64) {
	_ = unix.Madvise(mapped[from-from%page:to], unix.MADV_WILLNEED)
}

// mapExactly stops the system from reading around the used bytes.
func mapExactly(mapped []byte) { _ = unix.Madvise(mapped, unix.MADV_RANDOM) }

// mapResident reports whether part of a mapped file is in memory. The system always says
// yes for a file that the user may not write.
func mapResident(mapped []byte, from, to int64) bool {
	from -= from % page
	var pages [4096]byte
	to = min(to, from+int64(len(pages)*unix.Getpagesize()))
	_, _, err := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[from])), uintptr(to-from), uintptr(unsafe.Pointer(&pages)))
	if err != 0 {
		return true
	}
	n := (int(to-from) + unix.Getpagesize() - 1) / unix.Getpagesize()
	for _, p := range pages[:n] {
		if p&1 == 0 {
			return false
		}
	}
	return true
}

// readAhead is mapAhead for a file that isn't mapped.
func readAhead(f *os.File, from, to int64) {
	_ = unix.Fadvise(int(f.Fd()), from, to-from, unix.FADV_WILLNEED)
}
