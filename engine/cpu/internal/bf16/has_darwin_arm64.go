//go:build !noasm

package bf16

import (
	"sync"

	"golang.org/x/sys/unix"
)

// hasBF16 asks macOS: processors from the M2 on have it.
var hasBF16 = sync.OnceValue(func() bool {
	v, err := unix.SysctlUint32("hw.optional.arm.FEAT_BF16")
	return err == nil && v == 1
})
