//go:build !noasm

package bf16

import (
	"encoding/binary"
	"os"
	"sync"
)

// hasBF16 reads HWCAP2_BF16, with which Linux describes the processor to every
// process.
var hasBF16 = sync.OnceValue(func() bool {
	const hwcap2, bit = 26, 1 << 14
	list, err := os.ReadFile("/proc/self/auxv")
	for ; err == nil && len(list) >= 16; list = list[16:] {
		if binary.LittleEndian.Uint64(list) == hwcap2 {
			return binary.LittleEndian.Uint64(list[8:])&bit != 0
		}
	}
	return false
})
