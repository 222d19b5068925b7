package stream

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// available is the memory that can be had without swapping, in bytes: shared memory
// beyond it would have the kernel kill other processes.
func available() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kb); n == 1 {
			return kb << 10, nil
		}
	}
	return 0, errors.New("/proc/meminfo doesn't say what is available")
}
