//go:build !noasm

package bf16

import "golang.org/x/sys/unix"

// permitTiles asks Linux for the tiles' state, once a process (arch_prctl's
// ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA). A container or an old kernel may
// refuse.
func permitTiles() error {
	if _, _, e := unix.RawSyscall(unix.SYS_ARCH_PRCTL, 0x1023, 18, 0); e != 0 {
		return e
	}
	return nil
}
